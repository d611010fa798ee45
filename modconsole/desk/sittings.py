"""What counts of a case: the answers and decisions since it was last closed. Yesterday's "no danger" is none today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modconsole.core.actions import ACTIONS, Action
from modconsole.core.decision import DecisionState, EntryKind, ProtocolRef
from modconsole.core.model import Case, CaseState
from modconsole.core.roles import ROLES
from modconsole.core.run import RunView
from modconsole.core.runs import Run
from modconsole.desk.forums import Forums
from modconsole.ports.audit import AuditLog, LogQuery

__all__ = [
    "Ended",
    "Sitting",
    "approval_code",
    "carrier",
    "closed_before",
    "ended_by_the_queue",
    "escalated_to",
    "stands",
    "wanted_protocols",
]


@dataclass(frozen=True, slots=True)
class Sitting:
    """What was answered since the case was last closed, and before."""

    views: tuple[RunView, ...] = ()
    earlier: tuple[RunView, ...] = ()
    lost: tuple[Run, ...] = ()
    """Runs whose protocol's text cannot be found any more."""
    since: datetime | None = None
    """When the sitting before this one was closed."""


Ended = tuple[datetime | None, frozenset[str]]
"""When the sitting before this one was closed, and the runs of it and of those before."""


def closed_before(log: AuditLog, case: Case) -> Ended:
    """Say when the sitting before this one was closed, and which runs were sealed with it and those before.

    Raises:
        LogError: Only the log says this for certain; see `ended_by_the_queue`.
        VaultLocked
    """
    if case.closed_at is None:
        return None, frozenset()
    is_open = case.state is CaseState.OPEN
    over: set[str] = set()
    since: datetime | None = None
    for record in log.records(LogQuery(case=case.token, kind=EntryKind.CLOSED), limit=1000):
        at = record.entry.at
        if at < case.closed_at or (is_open and at == case.closed_at):
            since = at if since is None else max(since, at)
            over |= _runs_in(log.open_body(record))
    return since, frozenset(over)


def ended_by_the_queue(case: Case, runs: Sequence[Run]) -> Ended:
    """Say the same by what the queue remembers, for showing a case while the log cannot be read.

    Of a case that is closed the queue does not know when an earlier sitting ended; nothing is answered there.
    """
    if case.closed_at is None or case.state is not CaseState.OPEN:
        return None, frozenset()
    return case.closed_at, frozenset(run.id for run in runs if run.started_at <= case.closed_at)


def _runs_in(body: Mapping[str, object] | None) -> set[str]:
    runs = (body or {}).get("runs")
    return {str(run["id"]) for run in runs if isinstance(run, dict)} if isinstance(runs, list) else set()


def wanted_protocols(views: Sequence[RunView]) -> tuple[str, ...]:
    """Name the protocols that answers lead to."""
    found = (
        wanted
        for shown in views
        for follow in shown.follows
        for wanted in (follow.consequence.switch_to, follow.consequence.add_protocol)
        if wanted
    )
    return tuple(dict.fromkeys(found))


def stands(decision: DecisionState) -> bool:
    """Say whether a decision did something, or still may: one that was withdrawn, refused or overtaken did not."""
    return bool(decision.in_force) or not decision.is_settled


def approval_code(protocols: Sequence[ProtocolRef]) -> str:
    """Give the code that a record made without any approved protocol carries."""
    in_use = ("approved", "overdue")  # overdue for review is approved all the same, and says so
    return "" if any(used.status in in_use for used in protocols) else "no_approved_protocol"


def carrier(forums: Forums, forum: str, action: Action) -> str:
    """Say who carries an action out on this forum: `forum`, `desk` (the record is all there is), or `by_hand`."""
    where = ACTIONS[action].where
    if where == "desk":
        return "desk"
    if forums.ability(forum, action).works:
        return "forum"
    return "desk" if where == "either" else "by_hand"


def escalated_to(decisions: Sequence[DecisionState]) -> tuple[str, ...]:
    """Name the roles that were really told: decided, and known to be done.

    The safeguarding lead is whom every other role is reached through; only the clinical lead is told apart.
    """
    done = {order.action for decision in decisions for order in decision.in_force}
    told = [role for role in ROLES if role != "clinical_lead"] if Action.ESCALATE_LEAD in done else []
    return (*told, "clinical_lead") if Action.ESCALATE_CLINICAL in done else tuple(told)
