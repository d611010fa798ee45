"""What a forum, or the desk, can be asked to do. The codes are those of the safeguarding guide, section 2.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from modconsole.core.model import MemberState, Target, Visibility

__all__ = ["ACTIONS", "Action", "ActionOrder", "ActionSpec", "Outcome", "OutcomeKind", "TargetState", "Where"]


class Action(StrEnum):
    KEEP = "keep"
    KEEP_REPLY = "keep_reply"
    EDIT = "edit"
    HIDE = "hide"
    HOLD = "hold"
    REMOVE = "remove"
    LOCK_THREAD = "lock_thread"
    SLOW_THREAD = "slow_thread"
    SPLIT_THREAD = "split_thread"
    MOVE = "move"
    MESSAGE_MEMBER = "message_member"
    MESSAGE_THIRD_PARTY = "message_third_party"
    RESTRICT_ACCOUNT = "restrict_account"
    SUSPEND = "suspend"
    CLOSE_ACCOUNT = "close_account"
    WATCH = "watch"
    ESCALATE_LEAD = "escalate_lead"
    ESCALATE_CLINICAL = "escalate_clinical"
    EMERGENCY_CALL = "emergency_call"
    REPORT_EXTERNAL = "report_external"
    RESTORE = "restore"
    NO_ACTION = "no_action"


class Where(StrEnum):
    """Who carries an action out."""

    FORUM = "forum"
    """The forum, through its adapter; by hand where the adapter cannot."""
    EITHER = "either"
    """The forum where it can; otherwise the record itself is all there is to do."""
    PERSON = "person"
    """Always a person, who then says that it is done."""
    DESK = "desk"
    """The desk alone."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """What everybody has to know about an action before pressing a key.

    `consequence` completes the sentence "If you confirm, ...".
    """

    label: str
    consequence: str
    where: Where = Where.FORUM
    reaches_members: bool = True
    acts_on_member: bool = False
    needs_text: bool = False
    needs_until: bool = False
    undone_by: Action | None = None
    said_once: bool = False
    """Cannot be taken back and must never be done twice (a message)."""


ACTIONS: Mapping[Action, ActionSpec] = MappingProxyType(
    {
        Action.KEEP: ActionSpec(
            "Keep", "the post stays as it is and its flags are answered", Where.EITHER, reaches_members=False
        ),
        Action.KEEP_REPLY: ActionSpec(
            "Keep and reply",
            "the post stays, and your reply appears under it",
            needs_text=True,
            said_once=True,
        ),
        Action.EDIT: ActionSpec(
            "Edit", "the post is shown with your change, marked as edited by a moderator", needs_text=True
        ),
        Action.HIDE: ActionSpec(
            "Hide", "members can no longer see the post until it is restored", undone_by=Action.RESTORE
        ),
        Action.HOLD: ActionSpec(
            "Hold", "the post waits unpublished until somebody approves it", undone_by=Action.RESTORE
        ),
        Action.REMOVE: ActionSpec("Remove", "the post is taken down", undone_by=Action.RESTORE),
        Action.LOCK_THREAD: ActionSpec(
            "Lock thread", "nobody can add to the thread", undone_by=Action.RESTORE
        ),
        Action.SLOW_THREAD: ActionSpec("Slow thread", "members can post in the thread only now and then"),
        Action.SPLIT_THREAD: ActionSpec(
            "Split thread", "the post and its replies become a thread of their own"
        ),
        Action.MOVE: ActionSpec("Move", "the post moves to another part of the forum"),
        Action.MESSAGE_MEMBER: ActionSpec(
            "Write to member",
            "the member receives this message, and it cannot be taken back",
            acts_on_member=True,
            needs_text=True,
            said_once=True,
        ),
        Action.MESSAGE_THIRD_PARTY: ActionSpec(
            "Write to someone else",
            "you write to somebody other than the member, and say so here",
            Where.PERSON,
        ),
        Action.RESTRICT_ACCOUNT: ActionSpec(
            "Restrict account",
            "the member can still read but not use private messages or post freely",
            acts_on_member=True,
            undone_by=Action.RESTORE,
        ),
        Action.SUSPEND: ActionSpec(
            "Suspend",
            "the member cannot use the forum until the date you give",
            acts_on_member=True,
            needs_until=True,
            undone_by=Action.RESTORE,
        ),
        Action.CLOSE_ACCOUNT: ActionSpec(
            "Close account",
            "the member loses access to the forum",
            acts_on_member=True,
            undone_by=Action.RESTORE,
        ),
        Action.WATCH: ActionSpec(
            "Watch",
            "the case comes back at the time you give",
            Where.DESK,
            reaches_members=False,
            needs_until=True,
        ),
        Action.ESCALATE_LEAD: ActionSpec(
            "Escalate to safeguarding lead",
            "you tell the safeguarding lead, and the log shows when",
            Where.PERSON,
            reaches_members=False,
        ),
        Action.ESCALATE_CLINICAL: ActionSpec(
            "Escalate to clinical lead",
            "you tell the clinical lead, and the log shows when",
            Where.PERSON,
            reaches_members=False,
        ),
        Action.EMERGENCY_CALL: ActionSpec(
            "Emergency call",
            "you ring the emergency service, and the log shows when",
            Where.PERSON,
            reaches_members=False,
        ),
        Action.REPORT_EXTERNAL: ActionSpec(
            "Report outside",
            "you report it to the outside body, and the log shows when",
            Where.PERSON,
            reaches_members=False,
        ),
        Action.RESTORE: ActionSpec("Restore", "the earlier action is undone, and members see the post again"),
        Action.NO_ACTION: ActionSpec(
            "No action", "nothing changes, and its flags are answered", Where.EITHER, reaches_members=False
        ),
    }
)


@dataclass(frozen=True, slots=True)
class ActionOrder:
    """One action on one target, with what we believed the target looked like."""

    id: str
    """`o-` and 26 base32 letters; the adapter uses it so that a repeat is recognised as one."""
    action: Action
    target: Target
    member: str = ""
    """The author's or member's id, where the action is about the person."""
    seen_version: str = ""
    """The version of the post the moderator read; empty when there was none to read."""
    text: str = ""
    until: datetime | None = None
    undoes: Action | None = None
    """For `restore`: the action to undo."""
    attempt: int = 1
    """From 2 on, an earlier attempt may have arrived: look for its traces first, and never say a thing twice."""


class OutcomeKind(StrEnum):
    APPLIED = "applied"
    ALREADY = "already"
    CONFLICT = "conflict"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    BY_HAND = "by_hand"

    @property
    def is_certain(self) -> bool:
        return self is not OutcomeKind.UNKNOWN


@dataclass(frozen=True, slots=True)
class TargetState:
    """What the forum says about a target now. None means that the forum does not tell."""

    target: Target
    exists: bool
    visibility: Visibility = Visibility.UNKNOWN
    version: str = ""
    member_state: MemberState = MemberState.UNKNOWN
    until: datetime | None = None
    locked: bool | None = None
    flags_open: bool | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order, as the forum says afterwards."""

    kind: OutcomeKind
    detail: str = ""
    """One sentence for the moderator; may quote the server."""
    state: TargetState | None = None
    """Read back after acting, where the forum can be read."""
    reference: str = ""
    """The forum's own id of what it did, where it gives one."""
