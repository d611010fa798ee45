"""What can be counted from the log: the measures of the safeguarding guide, section 10, as arithmetic.

Medians and 90th percentiles, never means. A cell of fewer than five is hidden, so that nobody can be picked out of it.
Nothing here names a person who works: what somebody did is never ranked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from statistics import median as middle

from modconsole.core.actions import ACTIONS, Action, OutcomeKind, Where
from modconsole.core.decision import Entry, EntryKind
from modconsole.core.run import SKIP_REASONS, RunView, StepState

__all__ = [
    "REOPENED_WITHIN",
    "SMALLEST_CELL",
    "Adherence",
    "CaseFacts",
    "Closing",
    "Counts",
    "Rate",
    "Spread",
    "Tally",
    "adherence",
    "by_name",
    "counts",
    "rate",
    "spread",
    "spreads",
]

SMALLEST_CELL = 5
"""Fewer than this, and a number says something about somebody."""

REOPENED_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, in seconds. All None when it is hidden."""

    count: int | None
    median: float | None = None
    p90: float | None = None
    """Nine in ten took no longer: the smallest value for which that holds."""


def spread(values: Iterable[float]) -> Spread:
    ordered = sorted(values)
    if len(ordered) < SMALLEST_CELL:
        return Spread(None if ordered else 0)
    return Spread(len(ordered), float(middle(ordered)), ordered[ceil(len(ordered) * 0.9) - 1])


@dataclass(frozen=True, slots=True)
class Rate:
    """A part of a whole. A part, or what is left of the whole, of fewer than five is hidden, but for none."""

    part: int | None
    whole: int | None

    @property
    def percent(self) -> float | None:
        return None if not self.whole or self.part is None else 100 * self.part / self.whole


def rate(part: int, whole: int) -> Rate:
    if 0 < whole < SMALLEST_CELL:
        return Rate(None, None)
    small = 0 < part < SMALLEST_CELL or 0 < whole - part < SMALLEST_CELL
    return Rate(None if small else part, whole)


Counts = Mapping[str, int | None]
"""By name; None for a number that is hidden."""


def counts(found: Mapping[str, int]) -> Counts:
    """Give each number, or None for one that is hidden."""
    hidden = _hidden(found)
    return {name: None if name in hidden else count for name, count in sorted(found.items())}


def spreads(found: Mapping[str, Sequence[float]]) -> Mapping[str, Spread]:
    """Give the spread of each part of a whole."""
    hidden = _hidden({name: len(values) for name, values in found.items()})
    return {
        name: Spread(None) if name in hidden else spread(values) for name, values in sorted(found.items())
    }


def _hidden(found: Mapping[str, int]) -> set[str]:
    """Name small numbers; and where that is only one, the next larger too, or the total would tell it."""
    hidden = {name for name, count in found.items() if 0 < count < SMALLEST_CELL}
    if len(hidden) == 1:
        others = [name for name, count in found.items() if count and name not in hidden]
        hidden |= set(sorted(others, key=lambda name: (found[name], name))[:1])
    return hidden


# Adherence


@dataclass(frozen=True, slots=True)
class Adherence:
    """How the steps of one protocol were gone through, over all its runs."""

    runs: int
    shown: int
    """Steps that wanted something before the case could be closed."""
    done: int
    skipped: int
    """With one of the reasons there are. An honest skip counts as kept to, and the reason is what to learn from."""
    reasons: Mapping[str, int]

    @property
    def rate(self) -> Rate:
        return rate(self.done + self.skipped, self.shown)


def adherence(views: Iterable[RunView]) -> dict[str, Adherence]:
    """Count steps by protocol.

    Where another protocol took over, nothing more was required: steps that were still open are not counted there.
    """
    found: dict[str, Counter[str]] = {}
    for shown in views:
        counted = found.setdefault(shown.protocol.id, Counter())
        counted["runs"] += 1
        for step in shown.steps:
            if step.state is StepState.SKIPPED and step.skip_reason in SKIP_REASONS:
                counted.update(("shown", "skipped", f"reason {step.skip_reason}"))
            elif step.state is StepState.DONE:
                counted.update(("shown", "done"))
            elif not shown.switched_to:
                counted["shown"] += 1
    return {
        protocol: Adherence(
            counted["runs"],
            counted["shown"],
            counted["done"],
            counted["skipped"],
            {code: counted[f"reason {code}"] for code in SKIP_REASONS if counted[f"reason {code}"]},
        )
        for protocol, counted in sorted(found.items())
    }


# What the log's readable part says


@dataclass(frozen=True, slots=True)
class Closing:
    case: str
    at: datetime
    urgency: str
    protocols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the queue of this device knows of a case and the log does not."""

    flagged_at: datetime
    """When it was flagged; when it came back for a follow-up, the time that was set for that."""
    suggested: tuple[str, ...] = ()


@dataclass(slots=True)
class _Decision:
    case: str
    at: datetime
    urgency: str
    sitting: int
    actions: dict[str, str]
    protocols: tuple[str, ...]
    statuses: tuple[str, ...]
    reverses: bool
    outcomes: dict[str, str] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)
    """When each order was first known to be in force."""
    withdrawn: str = ""

    @property
    def in_force(self) -> list[str]:
        """The actions that are known to have been done."""
        return [self.actions[order] for order in self.since]

    @property
    def is_settled(self) -> bool:
        certain = {order for order, outcome in self.outcomes.items() if outcome in _CERTAIN}
        return bool(self.withdrawn) or certain >= set(self.actions)


_CERTAIN = frozenset(kind.value for kind in OutcomeKind if kind.is_certain)
_DONE = frozenset({OutcomeKind.APPLIED.value, OutcomeKind.ALREADY.value, OutcomeKind.BY_HAND.value})
_SEEN = frozenset(
    action.value
    for action, spec in ACTIONS.items()
    if spec.reaches_members and spec.where is not Where.PERSON
)
_MESSAGES = frozenset({Action.MESSAGE_MEMBER.value, Action.KEEP_REPLY.value})
_WANT_A_MESSAGE = frozenset(
    action.value
    for action in (
        Action.EDIT,
        Action.HIDE,
        Action.HOLD,
        Action.REMOVE,
        Action.RESTRICT_ACCOUNT,
        Action.SUSPEND,
        Action.CLOSE_ACCOUNT,
    )
)
"""What is never done to somebody in silence (safeguarding guide, rule 6)."""
_ESCALATIONS = frozenset({Action.ESCALATE_LEAD.value, Action.ESCALATE_CLINICAL.value})
_CALL = Action.EMERGENCY_CALL.value
_NO_PROTOCOL = "(none)"


class Tally:
    """Adds up entries, which may come log by log; each log's in the order they were sealed.

    Args:
        since: Only what was decided, closed or lowered from then on is counted.
        until: And before then. What became of it may be later.
    """

    def __init__(self, since: datetime | None = None, until: datetime | None = None) -> None:
        self._since, self._until = since, until
        # With the case's token: a decision's own id is only unique on its device.
        self._decisions: dict[tuple[str, str], _Decision] = {}
        self._closings: dict[str, list[Closing]] = {}
        self._lowered: Counter[str] = Counter()
        self.entries = 0

    def _counts(self, at: datetime) -> bool:
        return (self._since is None or at >= self._since) and (self._until is None or at < self._until)

    def add(self, entry: Entry) -> None:
        """Count one entry. One that makes no sense is passed over: its log was written by something else."""
        self.entries += 1
        match entry.kind:
            case EntryKind.DECIDED:
                self._decisions[entry.case, entry.decision] = _Decision(
                    entry.case,
                    entry.at,
                    entry.urgency,
                    len(self._closings.get(entry.case, ())),
                    dict(zip(entry.orders, entry.actions, strict=False)),
                    tuple(dict.fromkeys(used.id for used in entry.protocols)),
                    tuple(dict.fromkeys(used.status for used in entry.protocols)),
                    bool(entry.reverses),
                )
            case EntryKind.OUTCOME:
                self._outcome(entry)
            case EntryKind.REVERSED:
                if (decided := self._decisions.get((entry.case, entry.decision))) is not None:
                    decided.withdrawn = entry.detail or "withdrawn"
            case EntryKind.CLOSED:
                used = tuple(dict.fromkeys(used.id for used in entry.protocols))
                closing = Closing(entry.case, entry.at, entry.urgency, used)
                self._closings.setdefault(entry.case, []).append(closing)
            case EntryKind.URGENCY_LOWERED if self._counts(entry.at):
                self._lowered[entry.detail.replace(":", " to ")] += 1
            case _:
                pass

    def _outcome(self, entry: Entry) -> None:
        decided = self._decisions.get((entry.case, entry.decision))
        if decided is None:
            return
        for order in entry.orders:
            # Once the forum said so, it is so: nothing uncertain that comes later takes it back.
            if order in decided.actions and not (
                decided.outcomes.get(order) in _CERTAIN and entry.outcome not in _CERTAIN
            ):
                decided.outcomes[order] = entry.outcome
                if entry.outcome in _DONE:
                    decided.since.setdefault(order, entry.at)
                else:
                    decided.since.pop(order, None)

    # Reading it off

    @property
    def decided(self) -> list[_Decision]:
        return [decided for decided in self._decisions.values() if self._counts(decided.at)]

    @property
    def closed(self) -> list[Closing]:
        return [closing for some in self._closings.values() for closing in some if self._counts(closing.at)]

    def decisions(self) -> Mapping[str, int]:
        """Count decisions by urgency."""
        return Counter(decided.urgency or "not said" for decided in self.decided)

    def unsettled(self) -> int:
        """Count decisions without a certain outcome, by all that is known now."""
        return sum(not decided.is_settled for decided in self.decided)

    def reversals(self) -> Mapping[str, int]:
        """Count decisions that took another back, and those withdrawn before they were carried out."""
        withdrawn = Counter(decided.withdrawn for decided in self.decided if decided.withdrawn)
        return {"reversed by a later decision": sum(d.reverses for d in self.decided), **withdrawn}

    def lowered(self) -> Mapping[str, int]:
        return dict(self._lowered)

    def calls(self) -> int:
        """Count emergency calls that were made."""
        return sum(decided.in_force.count(_CALL) for decided in self.decided)

    def statuses(self) -> Mapping[str, int]:
        """Count decisions by how the protocols stood that were used for them; each status once a decision."""
        found: Counter[str] = Counter()
        for decided in self.decided:
            found.update(decided.statuses or (_NO_PROTOCOL,))
        return found

    def escalations(self) -> dict[str, tuple[int, int]]:
        """Give, by protocol and over all (""), how many cases were escalated and how many there were."""
        return self._cases_with(_ESCALATIONS)

    def _cases_with(self, actions: frozenset[str]) -> dict[str, tuple[int, int]]:
        cases: dict[str, set[str]] = {"": set()}
        with_it: dict[str, set[str]] = {"": set()}
        for decided in self.decided:
            for name in ("", *(decided.protocols or (_NO_PROTOCOL,))):
                cases.setdefault(name, set()).add(decided.case)
                if actions & set(decided.in_force):
                    with_it.setdefault(name, set()).add(decided.case)
        return {name: (len(with_it.get(name, ())), len(some)) for name, some in sorted(cases.items())}

    def messages_sent(self) -> int:
        return sum(action in _MESSAGES for decided in self.decided for action in decided.in_force)

    def messages(self) -> tuple[int, int]:
        """Give how many hidings, edits and the like were accompanied by a message, and how many there were.

        Accompanied: the member was written to, or answered, while the case was open that time.
        """
        told = {(d.case, d.sitting) for d in self._decisions.values() if _MESSAGES & set(d.in_force)}
        acts = [
            (decided.case, decided.sitting) in told
            for decided in self.decided
            for action in decided.in_force
            if action in _WANT_A_MESSAGE
        ]
        return sum(acts), len(acts)

    def reopened(self) -> tuple[int, int]:
        """Give how many closings were followed by a decision or a closing within a week, and how many there were.

        When a case came back is not in the log: only that somebody worked on it again.
        """
        worked = {
            case: sorted([d.at for d in some] + [c.at for c in self._closings.get(case, ())])
            for case, some in self._by_case().items()
        }
        again = [
            any(closing.at < at <= closing.at + REOPENED_WITHIN for at in worked.get(closing.case, ()))
            for closing in self.closed
        ]
        return sum(again), len(again)

    def _by_case(self) -> dict[str, list[_Decision]]:
        found: dict[str, list[_Decision]] = {case: [] for case in self._closings}
        for decided in self._decisions.values():
            found.setdefault(decided.case, []).append(decided)
        return found

    def used_any(self) -> tuple[int, int]:
        """Give how many closings have a protocol in their record, and how many there were."""
        return sum(bool(closing.protocols) for closing in self.closed), len(self.closed)

    # With what the queue knows beside it

    def used_suggested(self, facts: Callable[[str], CaseFacts | None]) -> tuple[int, int]:
        """Give how many closings of cases with a suggested protocol have one of those in their record."""
        used = [
            bool(set(known.suggested) & set(closing.protocols))
            for closing in self.closed
            if (known := facts(closing.case)) is not None and known.suggested
        ]
        return sum(used), len(used)

    def resolutions(self, facts: Callable[[str], CaseFacts | None]) -> list[tuple[str, datetime, float]]:
        """Give the urgency, the time it was flagged and the seconds from then to its closing, of each closing.

        Only of the first closing after that time: when a case was flagged again is known for no other.
        """
        found = []
        for closing in self.closed:
            known = facts(closing.case)
            if known is None or closing.at < known.flagged_at:
                continue
            earlier = [c.at for c in self._closings[closing.case] if known.flagged_at <= c.at < closing.at]
            if not earlier:
                took = (closing.at - known.flagged_at).total_seconds()
                found.append((closing.urgency or "not said", known.flagged_at, took))
        return found

    def responses(self, facts: Callable[[str], CaseFacts | None]) -> list[tuple[str, datetime, float]]:
        """Give the same for the first thing done after it was flagged that the member can see."""
        first: dict[str, tuple[datetime, str]] = {}
        for decided in self._decisions.values():
            known = facts(decided.case)
            for order, at in decided.since.items():
                if known is not None and decided.actions[order] in _SEEN and at >= known.flagged_at:
                    first[decided.case] = min(
                        first.get(decided.case, (at, decided.urgency)), (at, decided.urgency)
                    )
        found = []
        for case, (at, urgency) in first.items():
            known = facts(case)
            if known is not None and self._counts(at):
                took = (at - known.flagged_at).total_seconds()
                found.append((urgency or "not said", known.flagged_at, took))
        return found


def by_name(timed: Sequence[tuple[str, datetime, float]]) -> dict[str, list[float]]:
    """Put durations together by their first part."""
    found: dict[str, list[float]] = {}
    for name, _, took in timed:
        found.setdefault(name, []).append(took)
    return found
