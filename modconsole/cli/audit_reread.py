"""`audit show`: a case as its moderator saw it, from the log alone and the protocols' kept texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modconsole.cli.log_entries import utc
from modconsole.cli.output import say, when
from modconsole.core.actions import ACTIONS
from modconsole.core.decision import DecisionState, Record
from modconsole.core.protocol import Question
from modconsole.core.run import StepView

if TYPE_CHECKING:
    from modconsole.desk.desk import Desk
    from modconsole.desk.rereading import Given, Reread

__all__ = ["before_opening", "reread_plain", "tell_reread"]

Body = Mapping[str, Any] | None


def before_opening(desk: Desk, records: Sequence[Record]) -> None:
    """Let the log say who reads a colleague's case again, before anything of it is shown."""
    from modconsole.desk.rereading import note_opening

    note_opening(desk.cases, records)


def tell_reread(desk: Desk, bodies: Sequence[tuple[Record, Body]]) -> None:
    """Print each run step by step, and each decision with its reason, its texts and what became of it."""
    for run in _runs(desk, bodies):
        say("", *_run_lines(run))
    decided = {record.entry.decision: body for record, body in bodies if record.entry.kind == "decided"}
    for decision, body in decided.items():
        state = desk.log.decision(decision)
        if state is not None:
            say("", *_decision_lines(state, body))
    for record, body in bodies:
        for name, value in (body or {}).items():
            if name not in ("runs", "orders") or not isinstance(value, list):
                say(f"no. {record.seq}, {name}: {value}")


def _runs(desk: Desk, bodies: Iterable[tuple[Record, Body]]) -> tuple[Reread, ...]:
    from modconsole.desk.rereading import runs_sealed

    return runs_sealed(desk.cases, bodies)


def _run_lines(run: Reread) -> Iterator[str]:
    shown = run.view
    begun = f"begun {when(run.run.started_at)}" + (f", {run.run.because}" if run.run.because else "")
    if shown is None:
        yield f"Protocol {run.run.protocol}: its text is not here. {begun}; sealed with no. {run.sealed.seq}"
    else:
        status = next(
            (used.status for used in run.sealed.entry.protocols if used.hash == run.run.protocol_hash), ""
        )
        named = f"{shown.protocol.id} {shown.protocol.version}, {status or 'status not said'}"
        yield f"Protocol {shown.protocol.title} ({named})"
        yield f"  {begun}; as sealed with no. {run.sealed.seq}; text {run.run.protocol_hash}"
        for step in shown.steps:
            yield from _step_lines(step, run.given(step.step.id))
        if shown.switched_to:
            yield f"  Then “{shown.switched_to}” took over."
    for id in run.gone():
        words = next((s.text for s in shown.protocol.steps if s.id == id), id) if shown is not None else id
        yield f"  Not on screen at the end: {words}"
        yield from (f"     {_given_line(given)}" for given in run.given(id))


def _step_lines(step: StepView, given: Sequence[Given]) -> Iterator[str]:
    because = f", {step.because}" if step.because else ""
    yield f"  {step.number}. {step.step.text} [{step.state}{because}]"
    for label, text in (("why", step.step.why), ("help", step.step.help)):
        if text:
            yield f"     {label}: {text}"
    for question in step.step.questions:
        yield f"     {_question_line(question, answered=question.id in step.answers)}"
    yield from (f"     {_given_line(one)}" for one in given)


def _question_line(question: Question, *, answered: bool) -> str:
    options = f" ({' / '.join(option.text for option in question.options)})" if question.options else ""
    return f"? {question.text}{options}" + ("" if answered else " – not answered")


def _given_line(given: Given) -> str:
    what = f"{given.what}: {given.text}" if given.text else given.what
    marks = [
        word for word, holds in (("carried over", given.carried), ("superseded", not given.standing)) if holds
    ]
    return f"{when(given.at)}  {given.by}  {what}" + (f" ({', '.join(marks)})" if marks else "")


def _decision_lines(state: DecisionState, body: Body) -> Iterator[str]:
    urgency = f", {state.urgency}" if state.urgency else ""
    yield f"Decision {state.id}, {when(state.at)}, {state.actor}{urgency}"
    texts = _texts(body)
    for order in state.orders:
        became = order.outcome or ("asked, and no answer is known" if order.asked else "not asked")
        yield f"  {ACTIONS[order.action].label}: {became}"
        yield from (f"     {line}" for line in texts.get(order.id, "").splitlines())
    if state.reverses:
        yield f"  It takes {state.reverses} back."
    if state.reversed:
        yield "  It was withdrawn."


def _texts(body: Body) -> dict[str, str]:
    orders = (body or {}).get("orders")
    plain = [order for order in orders if isinstance(order, dict)] if isinstance(orders, list) else []
    return {str(order.get("id", "")): str(order.get("text", "")) for order in plain}


def reread_plain(
    desk: Desk, bodies: Sequence[tuple[Record, Body]]
) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """Give the runs in the same detail, by the log and number of the entry that holds each."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for run in _runs(desk, bodies):
        found.setdefault((run.sealed.origin, run.sealed.seq), []).append(_run_plain(run))
    return found


def _run_plain(run: Reread) -> dict[str, Any]:
    shown = run.view
    return {
        "run": run.run.id,
        "protocol": run.run.protocol,
        "sha256": run.run.protocol_hash,
        "text_is_here": shown is not None,
        "title": shown.protocol.title if shown else "",
        "version": shown.protocol.version if shown else "",
        "begun": utc(run.run.started_at),
        "because": run.run.because,
        "switched_to": shown.switched_to if shown else "",
        "steps": [_step_plain(step, run.given(step.step.id)) for step in shown.steps] if shown else [],
        "not_shown_at_the_end": {step: list(map(_given_plain, run.given(step))) for step in run.gone()},
    }


def _step_plain(step: StepView, given: Sequence[Given]) -> dict[str, Any]:
    return {
        "id": step.step.id,
        "number": step.number,
        "text": step.step.text,
        "why": step.step.why,
        "help": step.step.help,
        "state": step.state,
        "because": step.because,
        "skip_reason": step.skip_reason,
        "questions": [
            {
                "id": question.id,
                "text": question.text,
                "options": [{"value": option.value, "text": option.text} for option in question.options],
                "answer": step.answers[question.id].text if question.id in step.answers else None,
            }
            for question in step.step.questions
        ],
        "given": [_given_plain(one) for one in given],
    }


def _given_plain(given: Given) -> dict[str, Any]:
    return {
        "at": utc(given.at),
        "by": given.by,
        "what": given.what,
        "text": given.text,
        "standing": given.standing,
        "carried": given.carried,
    }
