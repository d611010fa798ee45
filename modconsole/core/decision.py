"""Decisions, and what the log says became of them. Computed from the log's entries, never stored twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from modconsole.core.actions import Action, OutcomeKind
from modconsole.core.urgency import Urgency

__all__ = [
    "OUTLIVES_ITS_CASE",
    "TURNED_AWAY",
    "DecisionState",
    "Entry",
    "EntryKind",
    "OrderState",
    "ProtocolRef",
    "Record",
    "fold",
]


TURNED_AWAY = "turned_away:"
"""Begins the detail of an `unknown` outcome where the forum surely did nothing, such as `turned_away:forbidden`."""


class EntryKind(StrEnum):
    """Kinds of log entry. A kind we do not know must still verify; wellbeing is never among them."""

    DECIDED = "decided"
    ASKED = "asked"
    OUTCOME = "outcome"
    REVERSED = "reversed"
    CLOSED = "closed"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    SIGNED_OFF = "signed_off"
    SECOND_READING = "second_reading"
    IDENTITY_OPENED = "identity_opened"
    EXPORTED = "exported"
    ERASED = "erased"
    PROTOCOL_APPROVED = "protocol_approved"
    KEY_EVENT = "key_event"
    REVOKED = "revoked"
    CONFIG_CHANGED = "config_changed"
    URGENCY_LOWERED = "urgency_lowered"
    TEXT_OPENED = "text_opened"
    ERASE_REQUESTED = "erase_requested"
    ERASE_REFUSED = "erase_refused"
    RESTRICTED = "restricted"


OUTLIVES_ITS_CASE = frozenset(
    {EntryKind.ERASE_REQUESTED, EntryKind.ERASED, EntryKind.ERASE_REFUSED, EntryKind.RESTRICTED}
)
"""Kinds that name a case and whose body is encrypted under the service's own key, never under the case's: why
something was erased must be readable when it is."""


@dataclass(frozen=True, slots=True)
class ProtocolRef:
    """Which protocol was on screen: enough to find its exact text again by hash."""

    id: str
    version: str
    hash: str
    status: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What the desk wants sealed. Everything but `body` stays readable; `body` is encrypted under the case's key, or
    under the service's own for the kinds of `OUTLIVES_ITS_CASE`."""

    kind: EntryKind
    actor: str
    at: datetime
    case: str = ""
    """The case's random token, never its id or anything of the forum's."""
    forum: str = ""
    decision: str = ""
    orders: tuple[str, ...] = ()
    """For `decided`: one id per action, in the same order. For `asked` and `outcome`: the one order."""
    actions: tuple[str, ...] = ()
    outcome: str = ""
    detail: str = ""
    """A code such as `rate_limited`; never free text."""
    urgency: str = ""
    protocols: tuple[ProtocolRef, ...] = ()
    reverses: str = ""
    """The earlier decision this one takes back."""
    body: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """A sealed entry as it is read back from the log: its readable header, and where it stands."""

    origin: str
    seq: int
    leaf_hash: str
    """In hex."""
    entry: Entry
    """With `body` None; opening it is the vault's work."""
    header: Mapping[str, object]
    """Every field of the stored header, also those we do not know."""
    has_body: bool
    """False when there never was one; an erased body still counts as having been there."""
    erased: bool = False
    position: int = 0
    """Its place among all entries of this file, whatever their log; later ones have larger numbers."""


@dataclass(frozen=True, slots=True)
class OrderState:
    """One action of a decision: whether the forum was asked, and what is known to have come of it."""

    id: str
    action: Action
    asked: int = 0
    arrived: int = 0
    """How many of those requests may have arrived: all but the ones the forum surely turned away."""
    outcome: OutcomeKind | None = None
    detail: str = ""

    @property
    def is_certain(self) -> bool:
        return self.outcome is not None and self.outcome.is_certain

    @property
    def was_turned_away(self) -> bool:
        """Whether the last request was surely not carried out, so that asking again is no repetition."""
        return self.outcome is OutcomeKind.UNKNOWN and self.detail.startswith(TURNED_AWAY)


@dataclass(frozen=True, slots=True)
class DecisionState:
    """A decision and what became of it."""

    id: str
    case: str
    forum: str
    actor: str
    at: datetime
    urgency: Urgency | None
    orders: tuple[OrderState, ...]
    protocols: tuple[ProtocolRef, ...] = ()
    reversed: bool = False
    """Withdrawn before, or instead of, being carried out in full."""
    reverses: str = ""
    seq: int = 0

    @property
    def is_settled(self) -> bool:
        """Withdrawn, or every action has an outcome that is certain."""
        return self.reversed or all(order.is_certain for order in self.orders)

    @property
    def in_force(self) -> tuple[OrderState, ...]:
        """What the forum is known to have done, or was found to have done already."""
        done = (OutcomeKind.APPLIED, OutcomeKind.ALREADY, OutcomeKind.BY_HAND)
        return tuple(order for order in self.orders if order.outcome in done)


def fold(records: Iterable[Record]) -> dict[str, DecisionState]:
    """Compute every decision's state from the log, by decision id, oldest first.

    A certain outcome is never overwritten by an uncertain one: once the forum said so, it is so.
    """
    states: dict[str, DecisionState] = {}
    for record in records:
        entry = record.entry
        if entry.kind is EntryKind.DECIDED:
            states[entry.decision] = DecisionState(
                entry.decision,
                entry.case,
                entry.forum,
                entry.actor,
                entry.at,
                Urgency(entry.urgency) if entry.urgency else None,
                tuple(
                    OrderState(id, Action(action))
                    for id, action in zip(entry.orders, entry.actions, strict=True)
                ),
                entry.protocols,
                reverses=entry.reverses,
                seq=record.seq,
            )
        elif entry.decision in states:
            states[entry.decision] = _after(states[entry.decision], entry)
    return states


def _after(state: DecisionState, entry: Entry) -> DecisionState:
    if entry.kind is EntryKind.REVERSED:
        return replace(state, reversed=True)
    if entry.kind not in (EntryKind.ASKED, EntryKind.OUTCOME):
        return state
    return replace(
        state,
        orders=tuple(
            _order_after(order, entry) if order.id in entry.orders else order for order in state.orders
        ),
    )


def _order_after(order: OrderState, entry: Entry) -> OrderState:
    if entry.kind is EntryKind.ASKED:
        return replace(order, asked=order.asked + 1, arrived=order.arrived + 1)
    outcome = OutcomeKind(entry.outcome)
    if entry.detail.startswith(TURNED_AWAY):
        order = replace(order, arrived=max(0, order.arrived - 1))
    if order.is_certain and not outcome.is_certain:
        return order
    return replace(order, outcome=outcome, detail=entry.detail)
