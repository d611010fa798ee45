"""What moderators work with: forums' posts and members, flags, and the cases we make of them.

Texts in here are as received. They reach a person only through `core.text.plain`.
All times are aware and in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from modconsole.core.urgency import Reason, Urgency

__all__ = [
    "AgeBand",
    "Case",
    "CaseFile",
    "CaseState",
    "Claim",
    "Flag",
    "FlagSource",
    "Member",
    "MemberState",
    "Note",
    "Post",
    "Target",
    "TargetKind",
    "Thread",
    "Visibility",
]


class TargetKind(StrEnum):
    POST = "post"
    MESSAGE = "message"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing on one forum that can be acted on."""

    kind: TargetKind
    id: str
    """The forum's own id, exactly as received."""
    thread: str = ""
    """The thread, room or channel it is in, where the forum needs that to find it again."""


class Visibility(StrEnum):
    """What other members can see of a post."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    HELD = "held"
    REMOVED = "removed"
    UNKNOWN = "unknown"


class MemberState(StrEnum):
    ACTIVE = "active"
    RESTRICTED = "restricted"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class AgeBand(StrEnum):
    UNDER_13 = "u13"
    TO_15 = "13_15"
    TO_17 = "16_17"
    ADULT = "adult"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Post:
    """One post as the forum gave it."""

    target: Target
    author: str
    """The author's id on the forum; empty when the forum does not say."""
    author_name: str
    text: str
    posted_at: datetime | None = None
    version: str = ""
    """Changes whenever the text changes; opaque, compared for equality only."""
    title: str = ""
    in_reply_to: str = ""
    attachments: int = 0
    """Images and files are counted, never fetched and never shown."""
    visibility: Visibility = Visibility.VISIBLE
    unreadable: str = ""
    """Why there is no text (for example "end-to-end encrypted"); empty when there is."""
    by_staff: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    id: str
    title: str
    posts: tuple[Post, ...]
    """Oldest first, the flagged post among them where it still exists."""
    more_before: bool = False
    more_after: bool = False
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member as other members see them: a pseudonym and a history. Never e-mail, address or IP."""

    id: str
    name: str
    joined_at: datetime | None = None
    posts: int | None = None
    flagged_before: int | None = None
    state: MemberState = MemberState.UNKNOWN
    state_until: datetime | None = None
    age_band: AgeBand = AgeBand.UNKNOWN
    place: str = ""
    """ISO 3166 code where the forum knows it."""
    staff_notes: tuple[str, ...] = ()


class FlagSource(StrEnum):
    MEMBER = "member"
    FILTER = "filter"
    HOLD = "hold"
    RULE = "rule"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Flag:
    """One signal that a post, message or member wants a look."""

    id: str
    """Unique on its forum; the same flag seen twice has the same id."""
    target: Target
    reason: str
    """The forum's own word for the reason, from its own list; never a member's free text."""
    at: datetime
    topic: str = ""
    """Which of our topics (`core.topics.TOPICS`) the adapter takes it for; empty when it cannot say."""
    comment: str = ""
    """The reporter's own words, if any."""
    reporter: str = ""
    reporter_name: str = ""
    source: FlagSource = FlagSource.MEMBER


class CaseState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on a case. It expires, and the case never gets lost with it."""

    by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """Our unit of work: one post, message or member on one forum with all its flags. No member text in here."""

    id: str
    """`c-` and eight base32 letters."""
    token: str
    """128 random bits in hex: how the log names the case."""
    forum: str
    target: Target
    urgency: Urgency
    reasons: tuple[Reason, ...]
    """Why it is where it is in the queue, for the moderator to read."""
    flagged_at: datetime
    state: CaseState = CaseState.OPEN
    topic: str = ""
    suggested: tuple[str, ...] = ()
    """Protocol ids, best first."""
    look_due: datetime | None = None
    act_due: datetime | None = None
    flags: int = 1
    length: int = 0
    """Characters of the flagged text."""
    first_opened_at: datetime | None = None
    last_decided_at: datetime | None = None
    closed_at: datetime | None = None
    claim: Claim | None = None
    passed_on_by: tuple[str, ...] = ()
    resolved_elsewhere: bool = False
    changed_since_flagged: bool = False
    follow_up_at: datetime | None = None
    updated_at: datetime | None = None
    member_key: str = ""
    """A keyed hash of the member's id, so that cases about one member find each other without naming them."""

    @property
    def due(self) -> datetime | None:
        """What runs out next: the first look until somebody looked, then the first action until one was decided."""
        if self.first_opened_at is None:
            return self.look_due
        if self.last_decided_at is None:
            return self.act_due
        return self.follow_up_at


@dataclass(frozen=True, slots=True)
class Note:
    """A colleague's note on a case; stored encrypted like member text."""

    at: datetime
    by: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What a case is about, in members' own words. Stored only as ciphertext under the case's key."""

    post: Post | None
    """As it was when first flagged; never overwritten. None when the forum gave none."""
    flags: tuple[Flag, ...]
    later: tuple[Post, ...] = ()
    """Other versions seen since, oldest first."""
    seen_version: str = ""
    """The version the moderator last had on screen; orders carry it, so a change in between is noticed."""

    @property
    def latest(self) -> Post | None:
        return self.later[-1] if self.later else self.post
