"""The Synapse adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar

from modconsole.core.actions import Action, ActionOrder, Outcome, TargetState
from modconsole.core.errors import Forbidden, ForumError, NotFound
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
from modconsole_synapse.acting import Actor, state_of_account, state_of_event
from modconsole_synapse.incoming import Incoming
from modconsole_synapse.reading import EVENTS, Room, post_from
from modconsole_synapse.server import MESSAGES, Server

__all__ = ["Settings", "SynapseForum"]

_MOST_ROOMS = 8
"""Rooms looked into for a member's history."""


@dataclass(frozen=True)
class Settings:
    server: str = setting("Server", help="the address your Matrix client uses: https://matrix.example.org")
    token: str = setting("Your access token", help="of your own moderator account", secret=True)
    admin_server: str = setting(
        "Admin address", help="where the admin API is, if it is not at the same address", default=""
    )
    admin_token: str = setting(
        "Admin token", help="of a server admin, if that is another account than yours", secret=True
    )
    resolve_reports: str = setting(
        "When flags are answered",
        help="delete: their reports are deleted on the server; keep: they stay there",
        default="keep",
        choices=("keep", "delete"),
    )
    message_by: str = setting(
        "Write to members by",
        help="notice: a server notice (the server must have them switched on); none: by hand",
        default="notice",
        choices=("notice", "none"),
    )
    notices_account: str = setting(
        "Account that notices come from",
        help="the name in the server's own settings; used to make sure that no notice is sent twice",
        default="notices",
    )


_LOCAL = "members of this server only"
_ABILITIES = {
    Action.KEEP: Ability(Support.EMULATED, "nothing changes on the server; the report stays there"),
    Action.NO_ACTION: Ability(Support.EMULATED, "nothing changes on the server; the report stays there"),
    Action.REMOVE: Ability(
        Support.NATIVE, "cannot be undone; the room sees that a moderator removed something"
    ),
    Action.MESSAGE_MEMBER: Ability(
        Support.NATIVE, f"a notice in a room of its own, which cannot be answered; {_LOCAL}"
    ),
    Action.SUSPEND: Ability(
        Support.EMULATED,
        f"the member can read but not write; no end date: the console will remind you; {_LOCAL}",
    ),
    Action.RESTORE: Ability(Support.NATIVE, "lifts a suspension; a removal cannot be undone"),
    Action.CLOSE_ACCOUNT: Ability(
        Support.NONE, "on this server that cannot be undone, so it is not offered here"
    ),
    Action.RESTRICT_ACCOUNT: Ability(Support.UNWRITTEN, "would be a lower power level, room by room"),
    Action.LOCK_THREAD: Ability(Support.UNWRITTEN, "would be a higher power level for writing in the room"),
    Action.KEEP_REPLY: Ability(Support.UNWRITTEN, "write in the room with your own client"),
    Action.EDIT: Ability(Support.NONE, "nobody but its author can edit a message"),
    Action.HIDE: Ability(Support.NONE, "a message is there or removed"),
    Action.HOLD: Ability(Support.NONE, "nothing is checked before it appears"),
}
_DELETES = Ability(Support.NATIVE, "deletes the report on the server for good; the record is in the log here")
_FEATURES = {
    Feature.THREAD: Ability(Support.NATIVE, "not in end-to-end encrypted rooms"),
    Feature.MEMBER: Ability(Support.NATIVE, f"{_LOCAL}; of others only the name"),
    Feature.HISTORY: Ability(
        Support.EMULATED,
        f"from at most {_MOST_ROOMS} rooms that you are in yourself; never from private rooms",
    ),
    Feature.READ_STATE: Ability(Support.NATIVE),
    Feature.IDENTITY: Ability(Support.NATIVE, f"e-mail addresses and telephone numbers; {_LOCAL}"),
}
_NEEDS_ADMIN = (
    Action.KEEP,
    Action.NO_ACTION,
    Action.REMOVE,
    Action.MESSAGE_MEMBER,
    Action.SUSPEND,
    Action.RESTORE,
)


class SynapseForum(Forum):
    """Matrix rooms on a Synapse server."""

    kind: ClassVar[str] = "synapse"
    title: ClassVar[str] = "Matrix (Synapse)"
    Settings: ClassVar[type[Settings]] = Settings
    capabilities: ClassVar[Capabilities] = Capabilities(_ABILITIES, _FEATURES)

    def __init__(self, context: ForumContext) -> None:
        super().__init__(context)
        wanted: Settings = context.settings
        here, there = wanted.server.rstrip("/"), wanted.admin_server.rstrip("/")
        self._web = context.web(here)
        self._admin_web = context.web(there) if there and there != here else self._web
        self._server = Server(self._web, self._admin_web, context.secrets)
        self._incoming = Incoming(self._server)
        self._actor = Actor(
            self._server,
            deletes_reports=wanted.resolve_reports == "delete",
            sends_notices=wanted.message_by == "notice",
            notices_user=lambda member: f"@{wanted.notices_account}:{_server_of(member)}",
            forget=self._incoming.forget,
        )

    async def connect(self) -> ForumInfo:
        me, answer = await self._server.whoami()
        await self._server.whoami(as_admin=True)
        missing = []
        try:
            await self._server.reports(EVENTS, limit=1)
            is_admin = True
        except (Forbidden, NotFound) as error:
            is_admin = False
            missing.append(
                f"Server admin: no reports can be read and nothing can be done from here ({error.what})"
            )
        try:
            version = await self._server.version()
        except (Forbidden, NotFound):
            version = ""
        return ForumInfo(
            name=_server_of(me),
            server=self.context.settings.server,
            version=f"Synapse {version}".strip(),
            me=me,
            me_name=me,
            capabilities=self._what_works(is_admin),
            clock_skew=_skew(answer.headers, self.context.now()),
            missing=tuple(missing),
        )

    def _what_works(self, is_admin: bool) -> Capabilities:
        wanted: Settings = self.context.settings
        abilities = dict(_ABILITIES)
        if wanted.resolve_reports == "delete":
            abilities[Action.KEEP] = abilities[Action.NO_ACTION] = _DELETES
        if wanted.message_by != "notice":
            abilities[Action.MESSAGE_MEMBER] = Ability(Support.NONE, "switched off in the settings")
        if not is_admin:
            abilities |= dict.fromkeys(_NEEDS_ADMIN, Ability(Support.NONE, "needs a server admin's token"))
        return Capabilities(abilities, _FEATURES)

    async def flags(self, since: Cursor) -> AsyncIterator[FlagPage]:
        async for page in self._incoming.since(since):
            yield page

    async def thread(self, target: Target, before: int, after: int) -> Thread:
        if target.kind is not TargetKind.POST:
            raise NotFound("Only posts have a thread.")
        # Comings and goings come along and count on the server's side, so ask for more than is shown.
        wide = 2 * max(before, after) + 5
        found = await self._server.around(target.thread, target.id, wide)
        earlier = [event for event in found.before if event.type in MESSAGES and not event.edit_of]
        later = [event for event in found.after if event.type in MESSAGES and not event.edit_of]
        shown = [*earlier[len(earlier) - min(before, len(earlier)) :], found.event, *later[:after]]
        return Thread(
            id=target.thread,
            title=found.room.name,
            posts=tuple(post_from(event, found.room) for event in shown),
            more_before=len(earlier) > before,
            more_after=len(later) > after,
            locked=found.room.locked,
        )

    async def post(self, target: Target) -> Post:
        if target.kind is not TargetKind.POST:
            raise NotFound("That is a member, not a post.")
        found = await self._server.around(target.thread, target.id)
        return post_from(found.event, found.room)

    async def member(self, id: str) -> Member:
        _, flagged, _ = await self._server.reports(EVENTS, limit=1, event_sender_user_id=id)
        try:
            account = await self._server.account(id)
        except ForumError as error:
            if error.status != 400:
                raise
            # Of another server: it tells us a name and nothing else.
            name = await self._server.profile_name(id)
            return Member(id, name or id, flagged_before=flagged, state=MemberState.UNKNOWN)
        return Member(
            id=id,
            name=account.name or id,
            joined_at=account.created_at,
            flagged_before=flagged,
            state=account.state,
        )

    async def history(self, id: str, limit: int) -> tuple[Post, ...]:
        """Give the member's latest posts in rooms that the moderator is in.

        An admin's token could read every room, private conversations too; a moderator has no business there.
        """
        try:
            theirs = set(await self._server.joined_rooms(id))
        except ForumError as error:
            if error.status not in (400, 403, 404):
                raise
            return ()
        shared = [room for room in await self._server.my_rooms() if room in theirs]
        posts: list[Post] = []
        for room in shared[:_MOST_ROOMS]:
            async for event in self._server.messages_of(room, id, limit):
                if not event.edit_of:
                    posts.append(post_from(event, Room(room)))
        posts.sort(key=lambda post: post.posted_at or datetime.min.replace(tzinfo=UTC), reverse=True)
        return tuple(posts[:limit])

    async def ask(self, order: ActionOrder) -> Outcome:
        return await self._actor.ask(order)

    async def read_state(self, target: Target) -> TargetState:
        try:
            if target.kind is TargetKind.MEMBER:
                return state_of_account(target, await self._server.account(target.id))
            event = (await self._server.around(target.thread, target.id)).event
        except NotFound:
            return TargetState(target, exists=False)
        # Where reports are kept, one that is there says nothing about whether it was answered.
        deletes = self.context.settings.resolve_reports == "delete"
        flags_open = bool(await self._actor.reports_of(target, event)) if deletes else None
        return state_of_event(target, event, flags_open)

    async def identity(self, id: str) -> Identity:
        return Identity(await self._server.contacts(id))

    async def close(self) -> None:
        await self._web.close()
        if self._admin_web is not self._web:
            await self._admin_web.close()


def _server_of(user: str) -> str:
    """Give the server's part of `@name:server`, which may have a port."""
    return user.partition(":")[2]


def _skew(headers: Mapping[str, str], now: datetime) -> float:
    """Say how far the server's clock is ahead; the header counts whole seconds, so one of them is nothing."""
    told = {name.lower(): value for name, value in headers.items()}.get("date", "")
    try:
        skew = (parsedate_to_datetime(told).astimezone(UTC) - now).total_seconds()
    except ValueError:
        return 0.0
    return skew if abs(skew) > 1 else 0.0
