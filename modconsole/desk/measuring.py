"""The measures of the safeguarding guide, section 10, as far as the log can answer them; and of the rest, why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from modconsole.core.clocks import StaffedHours
from modconsole.core.codec import from_plain
from modconsole.core.decision import EntryKind, Record
from modconsole.core.errors import DataError, VaultLocked
from modconsole.core.measures import (
    CaseFacts,
    Counts,
    Rate,
    Spread,
    Tally,
    adherence,
    by_name,
    counts,
    rate,
    spread,
    spreads,
)
from modconsole.core.run import SKIP_REASONS, RunView, view
from modconsole.core.runs import Run
from modconsole.desk.casework import Casework
from modconsole.desk.erasure import restriction
from modconsole.ports.audit import LogQuery
from modconsole.ports.gathered import Gathered

__all__ = ["Measure", "Report", "Row", "report", "report_gathered"]

_ATTENDANCE = "attend"
"""The question whether somebody will attend, as the shipped protocols ask it."""

_ALL = "all"


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    value: int | Spread | Rate | None
    """A count (None: hidden), how long something took, or a part of a whole."""
    hours: str = ""
    """`staffed` or `unstaffed`: only of what was flagged in such hours."""


@dataclass(frozen=True, slots=True)
class Measure:
    code: str
    title: str
    rows: tuple[Row, ...]
    caution: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    since: datetime | None
    until: datetime | None
    entries: int
    """How many entries were read for it, whatever their time."""
    measures: tuple[Measure, ...]
    unanswered: Mapping[str, str]
    """What the guide asks for and cannot be said, by code, with why."""
    notes: tuple[str, ...] = ()


def report(cases: Casework, since: datetime | None = None, until: datetime | None = None) -> Report:
    """Count what this device's log says. Opens private parts to count answers, and shows nothing of them.

    Raises:
        LogError
        VaultLocked: Answers are encrypted.
    """
    tally = Tally(since, until)
    for record in cases.log.in_order(LogQuery()):
        tally.add(record.entry)
    facts = _facts(cases)
    hours = cases.settings.service.staffed_hours
    walked = _walked(cases, LogQuery(kind=EntryKind.CLOSED, since=since, until=until))
    measures = (
        *_times(tally, facts, hours),
        *_of_headers(tally),
        _rate("protocol_used", "Closings where a suggested protocol was run", tally.used_suggested(facts)),
        *_of_answers(walked),
        _resources(cases),
    )
    notes = list(walked.notes)
    if hours is None:
        notes.append("The settings name no staffed hours, so times are not split by them.")
    return Report(since, until, tally.entries, measures, _NOT_IN_ANY_LOG, tuple(notes))


def report_gathered(
    gathered: Gathered, since: datetime | None = None, until: datetime | None = None
) -> Report:
    """Count what the gathered logs say. Their private parts, and their devices' queues, are not here."""
    tally = Tally(since, until)
    for record in gathered.everything():
        tally.add(record.entry)
    frozen = [log.origin for log in gathered.enrolled() if log.frozen]
    notes = [f"Of {origin} only what came before a second history was found is counted." for origin in frozen]
    unanswered = {**_NOT_GATHERED, **_NOT_IN_ANY_LOG}
    return Report(since, until, tally.entries, tuple(_of_headers(tally)), unanswered, tuple(notes))


_NOT_IN_ANY_LOG = {
    "in_target": "Which targets held at the time is not in the log.",
    "unanswered_posts": "A post that nobody flagged never reaches the console.",
    "follow_ups_kept": "The log does not say which decision answered which follow-up.",
    "appeals": "Appeals are not recorded yet.",
    "agreement": "Second readings are not recorded yet.",
    "exposure": "What moderators met, and passed on, is theirs: it never enters the log.",
    "fairness": "The log holds nothing about groups of members.",
}
_IN_THE_QUEUE = "When a case was flagged and first opened is in each device's queue, not in its log."
_ENCRYPTED = "Answers are in the encrypted parts, which exports do not hold."
_NOT_GATHERED = {
    "time_to_first_response": _IN_THE_QUEUE,
    "time_to_resolution": _IN_THE_QUEUE,
    "protocol_used": "Which protocol was suggested is in each device's queue, not in its log.",
    "adherence": _ENCRYPTED,
    "skip_reasons": _ENCRYPTED,
    "emergency_attendance": _ENCRYPTED,
}


# From the log's readable part


def _of_headers(tally: Tally) -> Iterator[Measure]:
    yield _counted("decisions", "Decisions, by urgency", tally.decisions())
    yield _rate(
        "any_protocol",
        "Closings with any protocol in their record",
        tally.used_any(),
        "A flag may need none.",
    )
    rows = tuple(Row(name or _ALL, rate(*pair)) for name, pair in tally.escalations().items())
    yield Measure("escalations", "Cases escalated, by protocol", rows, "Neither high nor low is “good”.")
    yield _counted("emergency_calls", "Emergency calls made", {"made": tally.calls()})
    yield _counted("messages_sent", "Messages and replies to members", {"sent": tally.messages_sent()})
    yield _rate(
        "paired_messages",
        "Hidings, edits and restrictions with a message to the member",
        tally.messages(),
        "In the same case, before it was next closed.",
    )
    yield _counted("reversals", "Decisions taken back", tally.reversals())
    yield _counted("unsettled", "Decisions without a certain outcome", {"now": tally.unsettled()})
    yield _counted("urgency_lowered", "Urgency lowered, with a reason", tally.lowered())
    yield _rate(
        "reopened",
        "Closings after which somebody worked on the case again within 7 days",
        tally.reopened(),
        "When a case came back is not in the log, only that it was worked on.",
    )
    yield _counted(
        "staleness", "Decisions, by how their protocols stood at that time", tally.statuses(), _STALENESS
    )


_STALENESS = "A decision under two protocols counts under both of their states."


def _counted(code: str, title: str, found: Mapping[str, int], caution: str = "") -> Measure:
    return Measure(code, title, _rows(counts(found)), caution)


def _rows(shown: Counts) -> tuple[Row, ...]:
    return tuple(Row(name, count) for name, count in shown.items())


def _rate(code: str, title: str, pair: tuple[int, int], caution: str = "") -> Measure:
    return Measure(code, title, (Row(_ALL, rate(*pair)),), caution)


# With what the queue knows


def _facts(cases: Casework) -> Callable[[str], CaseFacts | None]:
    @cache
    def known(token: str) -> CaseFacts | None:
        case = cases.store.case_by_token(token)
        return None if case is None else CaseFacts(case.flagged_at, case.suggested)

    return known


def _times(
    tally: Tally, facts: Callable[[str], CaseFacts | None], hours: StaffedHours | None
) -> Iterator[Measure]:
    yield _timed(
        "time_to_first_response",
        "From flag to the first action the member can see",
        tally.responses(facts),
        hours,
        "Replies by other members are not known here.",
    )
    yield _timed(
        "time_to_resolution",
        "From flag to closing, by urgency at closing",
        tally.resolutions(facts),
        hours,
        "A fast-close target makes people close early. After a case came back, only a follow-up starts a second clock.",
    )


def _timed(
    code: str,
    title: str,
    timed: Sequence[tuple[str, datetime, float]],
    hours: StaffedHours | None,
    caution: str,
) -> Measure:
    parts = {"": list(timed)}
    if hours is not None:
        parts |= {"staffed": [], "unstaffed": []}
        for one in timed:
            parts["staffed" if hours.is_staffed(one[1]) else "unstaffed"].append(one)
    whole = {name: [took for _, _, took in some] for name, some in parts.items()}
    shown = {"": spread(whole.pop("")), **spreads(whole)}
    rows: list[Row] = []
    for name, some in parts.items():
        rows.append(Row(_ALL, shown[name], name))
        if shown[name].count is not None:
            rows += (Row(urgency, took, name) for urgency, took in spreads(by_name(some)).items())
    return Measure(code, title, tuple(rows), caution)


# From the answers that were sealed at closing


@dataclass(slots=True)
class _Walked:
    views: list[RunView] = field(default_factory=list)
    unopened: int = 0
    without_text: int = 0

    @property
    def notes(self) -> Iterator[str]:
        if self.unopened:
            yield (
                f"{self.unopened} closings were erased, are restricted, or cannot be opened: their answers are not "
                "counted."
            )
        if self.without_text:
            yield f"Of {self.without_text} runs the protocol's text is not here: their answers are not counted."


def _walked(cases: Casework, closings: LogQuery) -> _Walked:
    found = _Walked()
    protocol = cache(cases.library.by_hash)
    for record in cases.log.in_order(closings):
        runs = None if restriction(cases.log, record.entry.case) else _sealed_runs(cases, record)
        if runs is None:
            found.unopened += 1
            continue
        for run in runs:
            text = protocol(run.protocol_hash)
            if text is None:
                found.without_text += 1
            else:
                found.views.append(view(text, run))
    return found


def _sealed_runs(cases: Casework, record: Record) -> list[Run] | None:
    try:
        runs = (cases.log.open_body(record) or {}).get("runs")
        return [from_plain(Run, item) for item in runs] if isinstance(runs, list) else None
    except VaultLocked:
        raise
    except (DataError, KeyError, ValueError, TypeError, AttributeError):
        return None


def _of_answers(walked: _Walked) -> Iterator[Measure]:
    kept = adherence(walked.views)
    rows = tuple(Row(protocol, found.rate) for protocol, found in kept.items())
    yield Measure(
        "adherence",
        "Steps done, or skipped with a reason, of those shown, by protocol",
        rows,
        "Over runs that were sealed with a closing.",
    )
    reasons = Counter[str]()
    for found in kept.values():
        reasons.update(found.reasons)
    named = {f"{code}: {SKIP_REASONS[code].lower()}": count for code, count in reasons.items()}
    yield _counted(
        "skip_reasons", "Why steps were skipped", named, "“Disagreed” is feedback on the protocol."
    )
    yield _counted(
        "emergency_attendance", "Whether emergency services said they attend", _attended(walked.views)
    )


def _attended(views: Iterable[RunView]) -> Mapping[str, int]:
    return Counter(shown.answers[_ATTENDANCE].values[0] for shown in views if _ATTENDANCE in shown.answers)


def _resources(cases: Casework) -> Measure:
    everything = cases.library.all_resources()
    today = cases.now().date()
    stale = sum(resource.is_stale(today) for resource in everything)
    row = Row(_ALL, Rate(stale, len(everything)))
    return Measure("resources_unverified", "Crisis resources that nobody checked lately", (row,))
