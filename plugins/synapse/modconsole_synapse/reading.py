"""Synapse's JSON as plain values. E-mail addresses, telephone numbers and IP addresses are never read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from modconsole.core.errors import BadAnswer
from modconsole.core.model import Flag, MemberState, Post, Target, TargetKind, Visibility
from modconsole_synapse.fields import Fields

__all__ = [
    "EVENTS",
    "USERS",
    "Account",
    "Report",
    "Room",
    "RoomEvent",
    "Surroundings",
    "flag_from",
    "post_from",
    "read_account",
    "read_event",
    "read_report",
    "read_surroundings",
]

EVENTS, USERS = "event_reports", "user_reports"

_MODERATOR_LEVEL = 50
_FOUNDERS_SINCE = 12
_MEDIA = ("m.image", "m.video", "m.audio", "m.file")


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `reporter` reported; `author` wrote, where the server knows the event."""

    kind: str
    id: int
    at: datetime
    reporter: str
    reason: str
    """The reporter's own words."""
    room: str = ""
    event: str = ""
    author: str = ""
    user: str = ""
    """The member that was reported, where no event was."""


def read_report(kind: str, fields: Fields) -> Report:
    of_event = kind == EVENTS
    return Report(
        kind=kind,
        id=fields.whole("id"),
        at=fields.time("received_ts"),
        reporter=fields.text("user_id"),
        reason=fields.maybe_text("reason"),
        room=fields.text("room_id") if of_event else "",
        event=fields.text("event_id") if of_event else "",
        author=fields.maybe_text("sender") if of_event else "",
        user="" if of_event else fields.text("target_user_id"),
    )


def flag_from(report: Report, target: Target) -> Flag:
    """Give the flag that a report is. Matrix has no list of reasons, so there is no topic either."""
    return Flag(
        id=f"{report.kind.removesuffix('_reports')}-{report.id}",
        target=target,
        reason="report",
        at=report.at,
        comment=report.reason,
        reporter=report.reporter,
    )


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """One event of a room. `content` is what its sender's client put there: anything at all."""

    id: str
    type: str
    sender: str
    at: datetime
    content: Mapping[str, Any] = field(repr=False)
    removal: str = ""
    """The id of its redaction; empty while it is there."""
    edit: str = ""
    """The id of its latest edit."""
    edited: Mapping[str, Any] | None = field(default=None, repr=False)
    """The content of its latest edit."""

    @property
    def edit_of(self) -> str:
        """Give the id of the event that this one edits; empty when it is no edit."""
        relation = _mapping(self.content.get("m.relates_to"))
        original = relation.get("event_id") if relation.get("rel_type") == "m.replace" else None
        return original if isinstance(original, str) else ""

    @property
    def version(self) -> str:
        return self.edit or self.id

    @property
    def words(self) -> Mapping[str, Any]:
        """Give the content that counts: the latest edit's, where there is one."""
        content = self.content if self.edited is None else self.edited
        new = content.get("m.new_content")
        return new if isinstance(new, Mapping) else content

    @property
    def text(self) -> str:
        body = self.words.get("body")
        return body if isinstance(body, str) else ""


def read_event(fields: Fields, id: str = "") -> RoomEvent:
    """Read an event.

    Args:
        id: Its id, for where the server keeps the event without it.
    """
    unsigned = fields.maybe_within("unsigned")
    relations = unsigned.maybe_within("m.relations") if unsigned else None
    edit = relations.maybe_within("m.replace") if relations else None
    removed = unsigned.maybe_within("redacted_because") if unsigned else None
    return RoomEvent(
        id=id or fields.text("event_id"),
        type=fields.text("type"),
        sender=fields.text("sender"),
        at=fields.time("origin_server_ts"),
        content=_mapping(fields.loose("content")),
        removal=removed.text("event_id") if removed else "",
        edit=edit.text("event_id") if edit else "",
        edited=_mapping(edit.loose("content")) if edit else None,
    )


@dataclass(frozen=True, slots=True)
class Room:
    """What the room's state says, as far as we need it."""

    id: str = ""
    name: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    staff: frozenset[str] = frozenset()
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    event: RoomEvent
    before: tuple[RoomEvent, ...]
    """Oldest first."""
    after: tuple[RoomEvent, ...]
    room: Room


def read_surroundings(fields: Fields) -> Surroundings:
    return Surroundings(
        event=read_event(fields.within("event")),
        before=tuple(read_event(event) for event in fields.each("events_before"))[::-1],
        after=tuple(read_event(event) for event in fields.each("events_after")),
        room=_read_room(fields),
    )


def _read_room(fields: Fields) -> Room:
    names: dict[str, str] = {}
    name, levels, founders = "", {}, []
    for state in fields.each("state"):
        kind, content = state.text("type"), _mapping(state.loose("content"))
        shown = content.get("displayname")
        if kind == "m.room.member" and isinstance(shown, str):
            names[state.maybe_text("state_key")] = shown
        elif kind == "m.room.name" and isinstance(content.get("name"), str):
            name = content["name"]
        elif kind == "m.room.power_levels":
            levels = dict(content)
        elif kind == "m.room.create":
            founders = _founders(state.text("sender"), content)
    users = _mapping(levels.get("users"))
    staff = frozenset(
        [*(user for user, level in users.items() if _level(level) >= _MODERATOR_LEVEL), *founders]
    )
    locked = _level(levels.get("events_default")) > _level(levels.get("users_default"))
    return Room(fields.within("event").maybe_text("room_id"), name, names, staff, locked)


def _founders(sender: str, content: Mapping[str, Any]) -> list[str]:
    """Give who made the room, where that means power: since room version 12 they are not among the levels."""
    version, others = content.get("room_version"), content.get("additional_creators")
    if not isinstance(version, str) or not version.isdecimal() or int(version) < _FOUNDERS_SINCE:
        return []
    return [
        sender,
        *(other for other in (others if isinstance(others, list) else []) if isinstance(other, str)),
    ]


def _level(value: object) -> int:
    return value if isinstance(value, int) else 0


def post_from(event: RoomEvent, room: Room, *, as_written: RoomEvent | None = None) -> Post:
    """Give the post that an event is.

    Args:
        as_written: The event as its report keeps it, for one that was removed since.
    """
    words = as_written if event.removal and as_written is not None else event
    media = words.type == "m.sticker" or words.words.get("msgtype") in _MEDIA
    reply = _mapping(_mapping(event.content.get("m.relates_to")).get("m.in_reply_to")).get("event_id")
    return Post(
        target=Target(TargetKind.POST, event.id, room.id),
        author=event.sender,
        author_name=room.names.get(event.sender, "") or event.sender,
        text=words.text,
        posted_at=event.at,
        version=event.version,
        in_reply_to=reply if isinstance(reply, str) else "",
        attachments=1 if media else 0,
        visibility=Visibility.REMOVED if event.removal else Visibility.VISIBLE,
        unreadable="" if words.text or media else _why_unreadable(words, room),
        by_staff=event.sender in room.staff,
    )


def _why_unreadable(event: RoomEvent, room: Room) -> str:
    if event.removal:
        return "removed"
    if event.type == "m.room.encrypted":
        return f"end-to-end encrypted; read it in your own client: https://matrix.to/#/{room.id}/{event.id}"
    return "a kind of message without text"


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    created_at: datetime | None
    suspended: bool | None
    """None on a server that cannot suspend."""
    state: MemberState


def read_account(fields: Fields) -> Account:
    suspended = fields.maybe_bool("suspended")
    if fields.maybe_bool("deactivated"):
        state = MemberState.CLOSED
    elif suspended or fields.maybe_bool("locked"):
        state = MemberState.SUSPENDED
    else:
        state = MemberState.ACTIVE
    created = fields.maybe_whole("creation_ts")
    return Account(
        id=fields.text("name"),
        name=fields.maybe_text("displayname"),
        created_at=None if created is None else _from_seconds(created),
        suspended=suspended,
        state=state,
    )


def _from_seconds(seconds: int) -> datetime:
    """Read the one time that Synapse gives in seconds."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadAnswer("The server's answer has no time in users.creation_ts.") from error


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
