"""Reading a case again from the log, as its moderator saw it: each run over the very text it was walked with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modconsole.core.codec import from_plain
from modconsole.core.decision import Entry, EntryKind, Record
from modconsole.core.protocol import Question
from modconsole.core.run import SKIP_REASONS, RunView, view
from modconsole.core.runs import Run, RunEvent, RunEventKind
from modconsole.desk.casework import Casework
from modconsole.desk.erasure import restriction

__all__ = ["REREAD", "Given", "Reread", "note_opening", "runs_sealed"]

REREAD = "reread"
"""The detail of the entry that says that somebody read a colleague's case again."""


def note_opening(cases: Casework, records: Sequence[Record]) -> None:
    """Seal that somebody is about to read what others did; whoever worked on the case needs nobody's leave.

    A restricted case is not opened here, and what is sealed when it is says more.

    Raises:
        LogError, VaultLocked: It is not in the log, so nothing is shown.
    """
    closed_to_me = {
        record.entry.case: record.entry.forum
        for record in records
        if record.entry.case and record.has_body and not record.erased
    }
    for record in records:
        if record.entry.actor == cases.settings.me and record.entry.kind in (
            EntryKind.DECIDED,
            EntryKind.CLOSED,
        ):
            closed_to_me.pop(record.entry.case, None)
    for token, forum in closed_to_me.items():
        if restriction(cases.log, token) is None:
            cases.log.seal(
                Entry(
                    EntryKind.TEXT_OPENED,
                    cases.settings.me,
                    cases.now(),
                    case=token,
                    forum=forum,
                    detail=REREAD,
                )
            )


@dataclass(frozen=True, slots=True)
class Given:
    """One thing that was done with a step, in the words that were on screen."""

    at: datetime
    by: str
    what: str
    """The question; `Skipped`, `Ticked` or `Tick taken back`."""
    text: str
    standing: bool
    """Whether it still stood at the end: not answered anew later, nor taken off the screen by another answer."""
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Reread:
    """A run as it was sealed last."""

    run: Run
    sealed: Record
    """The entry that holds it."""
    view: RunView | None
    """None when the protocol's text of that hash is not here."""

    def given(self, step: str) -> tuple[Given, ...]:
        """Give everything that was done with a step, in the order it was done."""
        return tuple(self._given(event) for event in self.run.events if event.step == step)

    def gone(self) -> tuple[str, ...]:
        """Name the steps that were answered and that a later answer took off the screen; all when there is no text."""
        shown = {step.step.id for step in self.view.steps} if self.view is not None else set()
        return tuple(dict.fromkeys(event.step for event in self.run.events if event.step not in shown))

    def _given(self, event: RunEvent) -> Given:
        if not event.question:
            what, text = _MARKS[event.kind], ""
            if event.kind is RunEventKind.SKIPPED and event.values:
                text = ": ".join((SKIP_REASONS.get(event.values[0], event.values[0]), *event.values[1:]))
            return Given(event.at, event.by, what, text, self._is_last_mark(event))
        question = self.view.protocol.question(event.question) if self.view is not None else None
        stands = self.view is None or not any(event is other for other in self.view.superseded)
        carried = event.kind is RunEventKind.CARRIED
        what = event.question if question is None else question.text
        return Given(event.at, event.by, what, _words(question, event), stands, carried)

    def _is_last_mark(self, event: RunEvent) -> bool:
        """An answer takes a skip back, and so does another mark."""
        return [other for other in self.run.events if other.step == event.step][-1] is event


_MARKS = {
    RunEventKind.SKIPPED: "Skipped",
    RunEventKind.TICKED: "Ticked",
    RunEventKind.UNTICKED: "Tick taken back",
}


def _words(question: Question | None, event: RunEvent) -> str:
    words = {option.value: option.text for option in question.options} if question is not None else {}
    return ", ".join(words.get(value, value) for value in event.values)


def runs_sealed(
    cases: Casework, bodies: Iterable[tuple[Record, Mapping[str, object] | None]]
) -> tuple[Reread, ...]:
    """Give each run that was sealed with these entries as it was sealed last, in the order they were begun.

    Args:
        bodies: Entries, oldest first, with their private parts.
    """
    found: dict[str, tuple[Run, Record]] = {}
    for record, body in bodies:
        runs = (body or {}).get("runs")
        if record.entry.kind not in (EntryKind.DECIDED, EntryKind.CLOSED) or not isinstance(runs, list):
            continue
        for plain in runs:
            try:
                run = from_plain(Run, plain)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # sealed by something else; the entry itself is shown as it is
            found[run.id] = (run, record)
    return tuple(
        Reread(
            run,
            record,
            None if (text := cases.library.by_hash(run.protocol_hash)) is None else view(text, run),
        )
        for run, record in sorted(found.values(), key=lambda pair: pair[0].started_at)
    )
