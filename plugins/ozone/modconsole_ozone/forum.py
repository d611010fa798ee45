"""The Ozone adapter."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar, TypeVar

from modconsole.core.actions import Action, ActionOrder, Outcome, TargetState
from modconsole.core.errors import ForumError, NotFound
from modconsole.core.model import Flag, FlagSource, Member, MemberState, Post, Target, TargetKind, Thread
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
    Resolved,
    Support,
    setting,
)
from modconsole_ozone.acting import Actor, key_of, state_from
from modconsole_ozone.fields import Fields
from modconsole_ozone.reading import (
    Status,
    did_of,
    flag_from,
    post_from,
    read_feed_post,
    read_listed,
)
from modconsole_ozone.service import PAGE, Service
from modconsole_ozone.session import Query, Session

__all__ = ["OzoneForum", "Settings"]

_T = TypeVar("_T")

_AT_ONCE = 25
"""Subjects in one page of flags: each costs one call for its reports."""


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
        self._names: dict[str, str] | None = None

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
        seen = _Seen.from_cursor(since)
        queue: dict[str, Status] = {}
        for state in ("reviewOpen", "reviewEscalated"):
            async for status in self._service.statuses(state):
                queue[status.subject.key] = status
        now = self.context.now()
        new = [
            status
            for key, status in queue.items()
            if seen.marks.get(key) != _mark(status) and not (status.muted_until and status.muted_until > now)
        ]
        new.sort(key=lambda status: status.reported_at or status.updated_at)
        for some in _batches(new, _AT_ONCE):
            yield await self._page(some, seen)
        gone = [key for key in seen.marks if key not in queue]
        for keys in _batches(gone, _AT_ONCE):
            resolved = [one for key in keys for one in await self._resolved(key, seen)]
            yield FlagPage((), resolved=tuple(resolved), cursor=seen.as_cursor())

    async def _page(self, statuses: Sequence[Status], seen: _Seen) -> FlagPage:
        views = await self._service.views([status.subject.key for status in statuses])
        flags: list[Flag] = []
        posts = [post for view in views.values() if (post := post_from(view)) is not None]
        for status in statuses:
            key = status.subject.key
            of_this = [flag async for flag in self._reports(key)] or [_escalated(status)]
            flags += of_this
            messages = {flag.target for flag in of_this if flag.target.kind is TargetKind.MESSAGE}
            posts += [_unreadable(target, key, status.handle) for target in messages]
            seen.take(key, _mark(status), messages)
        flags.sort(key=lambda flag: flag.at)
        return FlagPage(tuple(flags), tuple(posts), cursor=seen.as_cursor())

    async def _reports(self, key: str) -> AsyncIterator[Flag]:
        async for event in self._service.events(key, "modEventReport"):
            flag = flag_from(event, self.context.settings.service_did)
            if flag is not None:
                yield flag

    async def _resolved(self, key: str, seen: _Seen) -> list[Resolved]:
        """Say who answered the flags of a subject that left the queue; nothing when it is back in it."""
        status = await self._service.status(key)
        if status is not None and status.is_open:
            return []
        at = status.reviewed_at if status else None
        by = await self._name_of(status.reviewed_by) if status else ""
        return [Resolved(target, at, by) for target in seen.drop(key)]

    async def _name_of(self, did: str) -> str:
        if self._names is None:
            try:
                self._names = await self._service.team_names()
            except ForumError:  # names are a kindness, not worth losing the page for
                self._names = {}
        return self._names.get(did) or did

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
            return _unreadable(target, "", "")
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


class _Seen:
    """What was in the queue when we last looked, so that what left it is noticed, also across starts."""

    def __init__(self, marks: dict[str, str], messages: dict[str, list[list[str]]]) -> None:
        self.marks = marks
        """When each open subject was last reported."""
        self._messages = messages

    @classmethod
    def from_cursor(cls, cursor: Cursor) -> _Seen:
        try:
            kept = json.loads(cursor or "{}")
            return cls(dict(kept.get("open", {})), dict(kept.get("messages", {})))
        except (ValueError, AttributeError, TypeError):
            return cls({}, {})  # not one of ours: from the beginning, which repeats flags but loses none

    def as_cursor(self) -> Cursor:
        return json.dumps({"open": self.marks, "messages": self._messages}, separators=(",", ":"))

    def take(self, key: str, mark: str, messages: Iterable[Target]) -> None:
        self.marks[key] = mark
        found = [[target.id, target.thread] for target in messages]
        if found:
            self._messages[key] = found

    def drop(self, key: str) -> list[Target]:
        """Forget a subject and give the targets whose flags it carried."""
        del self.marks[key]
        messages = self._messages.pop(key, [])
        kind = TargetKind.POST if key.startswith("at://") else TargetKind.MEMBER
        return [Target(kind, key), *(Target(TargetKind.MESSAGE, id, thread) for id, thread in messages)]


def _mark(status: Status) -> str:
    return status.reported_at.isoformat() if status.reported_at else "-"


def _escalated(status: Status) -> Flag:
    """Make a flag for what a colleague put before the team without anybody having reported it."""
    return Flag(
        id=f"status-{status.id}",
        target=status.subject.target,
        reason=status.state,
        at=status.reviewed_at or status.updated_at,
        source=FlagSource.STAFF,
        reporter=status.reviewed_by,
    )


def _unreadable(target: Target, did: str, handle: str) -> Post:
    return Post(
        target=target,
        author=did,
        author_name=handle,
        text="",
        unreadable="a direct message; this service shows only that it was reported",
    )


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


def _batches(items: Sequence[_T], size: int) -> Iterable[Sequence[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
