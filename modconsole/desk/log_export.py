"""Handing the log on: as tiles, as lines, or one case as evidence. What leaves is in the log before it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from modconsole.core.decision import Entry, EntryKind
from modconsole.core.errors import LogError, NotAllowed, WrongUsage
from modconsole.core.model import Case
from modconsole.desk.casework import Casework
from modconsole.ports.audit import AuditLog, LogQuery
from modconsole.ports.log_tools import LogTools, Written

__all__ = ["FORMS", "LogExport", "export_log"]

FORMS = ("tiles", "evidence", "jsonl", "csv")


@dataclass(frozen=True, slots=True)
class LogExport:
    """What to hand on."""

    form: str
    """One of `FORMS`."""
    out: Path
    """A new folder; for `jsonl` and `csv` a new file."""
    origin: str = ""
    """Only the log of this name."""
    case: str = ""
    """By its id: the one case of `evidence`, or a filter of `jsonl` and `csv`."""
    query: LogQuery | None = None
    """For `jsonl` and `csv`: only entries like these. The case goes into it by itself."""


def export_log(cases: Casework, tools: LogTools, order: LogExport) -> Written:
    """Write entries of this device's log where others can take them, without any private part.

    `exported` is sealed before anything is written. So that entry is the last of its log's tiles, the last line of
    `jsonl` and `csv` unless a filter leaves it out, and the last entry of a case's evidence. It is not in the tiles of
    an older log that was asked for by name.

    Raises:
        WrongUsage: There is something at that place already, or no such log.
        NotAllowed: There is nothing about this case to hand on.
        NoSuchCase, LogError, VaultError
    """
    tools.check_place(order.out)  # before the log says that something was handed on
    _check_origin(cases.log, order.origin)
    case = cases.case(order.case) if order.case else None
    if order.form == "evidence" and case is None:
        raise WrongUsage("Evidence is about one case.", next_step="Name it with --case.")
    if (
        order.form == "evidence"
        and case is not None
        and not cases.log.records(LogQuery(case=case.token), limit=1)
    ):
        raise NotAllowed(f"The log has nothing about {case.id}, so there is nothing to hand on.")
    cases.log.seal(_entry(cases, order, case))
    try:
        return _written(cases, tools, order, case)
    except LogError as error:
        kept = f"{error.kept} That something was handed on is in the log all the same."
        raise LogError(error.what, kept=kept, next_step=error.next_step) from error


def _check_origin(log: AuditLog, origin: str) -> None:
    known = [head.origin for head in log.heads()]
    if origin and origin not in known:
        raise WrongUsage(
            f"There is no log “{origin}” on this device.",
            next_step=f"There are: {', '.join(known) or 'none yet'}.",
        )


def _entry(cases: Casework, order: LogExport, case: Case | None) -> Entry:
    asked = {"origin": order.origin, "case": order.case}
    if order.query is not None:
        asked |= {name: str(getattr(order.query, name) or "") for name in _FILTERS}
    return Entry(
        EntryKind.EXPORTED,
        cases.settings.me,
        cases.now(),
        case=case.token if case is not None else "",
        forum=case.forum if case is not None else "",
        detail=order.form,
        body={"out": str(order.out), "asked": {name: value for name, value in asked.items() if value}},
    )


_FILTERS = (
    "decision",
    "actor",
    "forum",
    "action",
    "kind",
    "protocol",
    "outcome",
    "urgency",
    "since",
    "until",
)


def _written(cases: Casework, tools: LogTools, order: LogExport, case: Case | None) -> Written:
    if order.form == "tiles":
        return tools.write_tiles(order.out, order.origin)
    if order.form == "evidence" and case is not None:
        return tools.write_evidence(order.out, case.token, case.id)
    chosen = None if order.query is None else _places(cases.log, order.query)
    return tools.write_lines(
        order.out, order.form, origin=order.origin, chosen=chosen, case_id=_case_ids(cases)
    )


def _places(log: AuditLog, query: LogQuery) -> Iterator[tuple[str, int]]:
    for line in log.export_lines(query):
        origin, seq = line["origin"], line["seq"]
        if isinstance(origin, str) and isinstance(seq, int):
            yield origin, seq


def _case_ids(cases: Casework) -> Callable[[str], str]:
    @cache
    def known(token: str) -> str:
        case = cases.store.case_by_token(token)
        return case.id if case is not None else ""

    return known
