"""The Ozone adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar

from modconsole.core.actions import Action, ActionOrder, Outcome, TargetState
from modconsole.core.errors import ForumError, NotFound
from modconsole.core.model import Member, MemberState, Post, Target, TargetKind, Thread
from modconsole.ports.forum import (
    Ability,
    Capabilities,
    Cursor,
    Feature,
    FlagPage,
    Forum,
    ForumContext,
    ForumInfo,
    Identity,
    Support,
    setting,
)
from modconsole_ozone.acting import Actor, key_of, state_from
from modconsole_ozone.fields import Fields
from modconsole_ozone.incoming import Incoming
from modconsole_ozone.reading import (
    did_of,
    post_from,
    read_feed_post,
    read_listed,
    unreadable_message,
)
from modconsole_ozone.service import PAGE, Service
from modconsole_ozone.session import Query, Session

__all__ = ["OzoneForum", "Settings"]


@dataclass(frozen=True)
class Settings:
    server: str = setting(
        "Your server", help="the address of your own PDS, where your moderator account lives: https://..."
    )
    service_did: str = setting(
        "Labeler DID",
        help="the DID of the moderation service, from whoever runs it: did:plc:... or did:web:...",
    )
    identifier: str = setting("Your handle", help="your moderator account: mod.example.org")
    password: str = setting(
        "App password", help="made in your account's settings; never your main password", secret=True
    )
    mail_subject: str = setting(
        "Subject line of e-mails",
        help="members read it in their inbox",
        default="A message from the moderators",
    )


_REACH = "where servers do not trust this service, only apps that subscribe to its labels stop showing it"
_ABILITIES = {
    Action.KEEP: Ability(Support.NATIVE),
    Action.NO_ACTION: Ability(Support.NATIVE),
    Action.HIDE: Ability(
        Support.EMULATED,
        "a public !hide label: only apps that subscribe to this service stop showing the post",
    ),
    Action.REMOVE: Ability(Support.NATIVE, _REACH),
    Action.RESTORE: Ability(Support.NATIVE, "undoes remove, hide, suspend and close account; not a message"),
    Action.MESSAGE_MEMBER: Ability(
        Support.NATIVE,
        "an e-mail through the member's server; its text stays in the service's log, which cannot be erased",
    ),
    Action.SUSPEND: Ability(Support.NATIVE, f"takes the whole account down for full hours; {_REACH}"),
    Action.CLOSE_ACCOUNT: Ability(Support.NATIVE, f"can be undone, the data stays; {_REACH}"),
    Action.ESCALATE_LEAD: Ability(
        Support.NATIVE, "marks it as escalated for the whole team; tell the lead yourself, nobody is named"
    ),
    Action.KEEP_REPLY: Ability(Support.UNWRITTEN, "a reply would show your own handle"),
    Action.WATCH: Ability(Support.NONE, "the console reminds you; nothing is set on the service"),
    Action.EDIT: Ability(Support.NONE, "posts are signed by their authors"),
    Action.HOLD: Ability(Support.NONE, "nothing is checked before it appears"),
    Action.LOCK_THREAD: Ability(Support.NONE, "who may reply is up to the author of the thread"),
    Action.RESTRICT_ACCOUNT: Ability(Support.NONE, "there are no posting limits for an account"),
}
_FEATURES = {
    Feature.THREAD: Ability(Support.NATIVE),
    Feature.MEMBER: Ability(Support.NATIVE),
    Feature.HISTORY: Ability(Support.NATIVE, "what the public can still see"),
    Feature.READ_STATE: Ability(Support.NATIVE),
    Feature.IDENTITY: Ability(Support.NATIVE, "the e-mail address, where the service may see it"),
    Feature.CLAIM: Ability(Support.UNWRITTEN, "a tag could show it; tags never expire"),
}
_FULL_MODERATORS_ONLY = (
    Action.HIDE,
    Action.REMOVE,
    Action.RESTORE,
    Action.SUSPEND,
    Action.CLOSE_ACCOUNT,
)


class OzoneForum(Forum):
    """Ozone, the moderation service of Bluesky and the AT Protocol network."""

    kind: ClassVar[str] = "ozone"
    title: ClassVar[str] = "Ozone (Bluesky)"
    Settings: ClassVar[type[Settings]] = Settings
    capabilities: ClassVar[Capabilities] = Capabilities(_ABILITIES, _FEATURES)

    def __init__(self, context: ForumContext) -> None:
        super().__init__(context)
        wanted: Settings = context.settings
        self._web = context.web(wanted.server.rstrip("/"))
        self._session = Session(
            self._web,
            context.secrets,
            server=wanted.server.rstrip("/"),
            service_did=wanted.service_did,
            identifier=wanted.identifier,
        )
        self._service = Service(self._session)
        self._actor = Actor(
            self._service, context.now, mail_subject=wanted.mail_subject, service_did=wanted.service_did
        )
        self._incoming = Incoming(self._service, wanted.service_did, self._actor.closed_it)

    async def connect(self) -> ForumInfo:
        wanted: Settings = self.context.settings
        if not wanted.service_did.startswith("did:"):
            raise ForumError(
                f"The labeler DID is {wanted.service_did!r}, which is no DID.",
                next_step="Ask whoever runs the service for its DID, and correct the forum's settings.",
            )
        version, skew = await self._server()
        await self._session.start()
        config = await self._service.config()
        role = config.within("viewer").text("role").rsplit("#", 1)[-1]
        pds = config.maybe_within("pds")
        capabilities, missing = _for(role, has_mail=bool(pds and pds.maybe_text("url")))
        return ForumInfo(
            name=f"Ozone at {did_of(wanted.service_did)}",
            server=wanted.server,
            version=version,
            me=self._session.did,
            me_name=self._session.handle,
            capabilities=capabilities,
            clock_skew=skew,
            missing=missing,
        )

    async def _server(self) -> tuple[str, float]:
        """Give the version of the moderator's own server (Ozone tells none) and how far its clock is ahead."""
        answer = await self._session.health()
        told = answer.data.get("version") if isinstance(answer.data, dict) else None
        headers = {name.lower(): value for name, value in answer.headers.items()}
        try:
            there = parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
            skew = (there - self.context.now()).total_seconds()
        except ValueError:
            skew = 0.0
        # The header counts whole seconds, so anything within one is no difference.
        return f"PDS {told}" if isinstance(told, str) else "", skew if abs(skew) > 1 else 0.0

    async def flags(self, since: Cursor) -> AsyncIterator[FlagPage]:
        async for page in self._incoming.since(since):
            yield page

    async def thread(self, target: Target, before: int, after: int) -> Thread:
        if target.kind is not TargetKind.POST:
            raise NotFound("Only posts have a thread.")
        query: Query = {"uri": target.id, "parentHeight": min(before, 1000), "depth": min(after, 1000)}
        try:
            answer = await self._session.ozone("GET", "app.bsky.feed.getPostThread", query=query)
        except ForumError as error:
            if not isinstance(error, NotFound) and error.status not in (400, 501):
                raise
            # The app view does not show it (taken down, or not there yet); Ozone still may.
            return Thread(target.id, "", (await self.post(target),))
        top = answer.within("thread")
        if not top.maybe_within("post"):
            return Thread(target.id, "", (await self.post(target),))
        earlier, more_before = _parents(top, before)
        later, more_after = _replies(top, after)
        root = earlier[0].target.id if earlier else target.id
        # Ozone's own reading of the post itself: the app view knows nothing of takedowns.
        here = await self.post(target)
        return Thread(root, "", (*earlier, here, *later), more_before, more_after)

    async def post(self, target: Target) -> Post:
        if target.kind is TargetKind.MESSAGE:
            return unreadable_message(target)
        post = post_from(await self._service.view(target.id))
        if post is None:
            raise NotFound("Its author has deleted the post, or it is an account.")
        return post

    async def member(self, id: str) -> Member:
        view = await self._service.view(id)
        status = view.status
        reports = 0
        async for _ in self._service.events(id, "modEventReport", all_records=True):
            reports += 1
        return Member(
            id=id,
            name=view.handle,
            joined_at=view.joined_at,
            posts=view.posts,
            flagged_before=reports,
            state=status.member_state if status else MemberState.ACTIVE,
            state_until=status.suspended_until if status else None,
            staff_notes=(status.note,) if status and status.note else (),
        )

    async def history(self, id: str, limit: int) -> tuple[Post, ...]:
        query: Query = {"actor": id, "limit": max(1, min(limit, PAGE)), "filter": "posts_with_replies"}
        try:
            feed = await self._session.ozone("GET", "app.bsky.feed.getAuthorFeed", query=query)
        except ForumError as error:
            if not isinstance(error, NotFound) and error.status not in (400, 501):
                raise
            return await self._listed(id, limit)
        posts = (read_feed_post(item.within("post")) for item in feed.each("feed"))
        return tuple(post for post in posts if post.author == id)[:limit]  # the rest are reposts

    async def _listed(self, id: str, limit: int) -> tuple[Post, ...]:
        """Read the member's records from our own server, which has them only if the member lives there too."""
        query: Query = {"repo": id, "collection": "app.bsky.feed.post", "limit": max(1, min(limit, PAGE))}
        try:
            answer = await self._session.own_server("GET", "com.atproto.repo.listRecords", query=query)
        except ForumError as error:
            if error.status in (400, 404):
                return ()
            raise
        return tuple(read_listed(record, id) for record in answer.each("records"))[:limit]

    async def ask(self, order: ActionOrder) -> Outcome:
        return await self._actor.ask(order)

    async def read_state(self, target: Target) -> TargetState:
        key = key_of(target)
        if not key:
            return TargetState(target, exists=True)
        try:
            return state_from(target, await self._service.view(key))
        except NotFound:
            return TargetState(target, exists=False)

    async def identity(self, id: str) -> Identity:
        """Give the e-mail address. The only place that reads it."""
        answer = await self._session.ozone("GET", "tools.ozone.moderation.getRepo", query={"did": id})
        mail = answer.maybe_text("email")
        return Identity({"e-mail": mail} if mail else {})

    async def close(self) -> None:
        await self._web.close()


def _parents(top: Fields, limit: int) -> tuple[list[Post], bool]:
    """Give the posts above, oldest first, and whether there are more."""
    found: list[Post] = []
    above = top.maybe_within("parent")
    while above is not None and (view := above.maybe_within("post")) is not None:
        if len(found) == limit:
            return found[::-1], True
        found.append(read_feed_post(view))
        above = above.maybe_within("parent")
    return found[::-1], bool(found and found[-1].in_reply_to)


def _replies(top: Fields, limit: int) -> tuple[list[Post], bool]:
    """Give the posts below, oldest first, and whether there are more."""
    found: list[Post] = []
    waiting = list(top.each("replies"))
    while waiting:
        reply = waiting.pop()
        view = reply.maybe_within("post")
        if view is not None:  # otherwise deleted or blocked
            found.append(read_feed_post(view))
        waiting += reply.each("replies")
    found.sort(key=lambda post: post.posted_at or datetime.max.replace(tzinfo=UTC))
    return found[:limit], len(found) > limit


def _for(role: str, *, has_mail: bool) -> tuple[Capabilities, tuple[str, ...]]:
    """Say what this role can do on this service, and what then has to be done by hand."""
    abilities, missing = dict(_ABILITIES), []
    if role not in ("roleAdmin", "roleModerator"):
        for action in _FULL_MODERATORS_ONLY:
            abilities[action] = Ability(Support.NONE, "only full moderators may do this")
        missing.append("Full moderator: hide, remove, suspend, close account and restore need a colleague.")
    if not has_mail:
        abilities[Action.MESSAGE_MEMBER] = Ability(
            Support.NONE, "this service is not connected to a mail server"
        )
        missing.append("E-mail: this service cannot write to members; write to them another way.")
    return Capabilities(abilities, _FEATURES), tuple(missing)
