"""A protocol as a page of lines: one step at a time (READ-DO) or all with ticks (DO-CONFIRM), answered by one key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import NamedTuple

from modconsole.core.actions import ACTIONS
from modconsole.core.protocol import Option, ProtocolStatus, Question, QuestionType, ReviewProtocol, Style
from modconsole.core.run import (
    NOT_NEEDED,
    SKIP_REASONS,
    Answer,
    Follow,
    RunView,
    StepState,
    StepView,
    sign_off_due,
)
from modconsole.core.text import plain
from modconsole.desk import Standing, StandingKind
from modconsole.screens.ink import Ink, Line, Span, bullet, paragraph
from modconsole.screens.words import count, moment, role_words

__all__ = [
    "ProtocolPage",
    "Stop",
    "cursor_after",
    "follow_notes",
    "option_for",
    "option_keys",
    "protocol_page",
    "stops_of",
]


class Stop(NamedTuple):
    """Where the cursor can be: a question of a step, or a step that has none."""

    step: str
    question: str = ""


@dataclass(frozen=True, slots=True)
class ProtocolPage:
    """A set page, and which of its rows the cursor is on."""

    lines: list[Line]
    cursor_rows: range


def stops_of(shown: RunView) -> list[Stop]:
    """Give every place the cursor can go; in READ-DO no further than the current step."""
    stops: list[Stop] = []
    for step in shown.steps:
        stops += [Stop(step.step.id, question.id) for question in step.step.questions] or [Stop(step.step.id)]
        if shown.protocol.style is Style.READ_DO and step.state is StepState.CURRENT:
            break
    return stops


def cursor_after(shown: RunView, cursor: Stop | None, *, moved_on: bool) -> Stop | None:
    """Say where the cursor belongs now.

    Args:
        moved_on: Whether something was just answered or ticked at the cursor, so that it goes to what is next.
    """
    stops = stops_of(shown)
    if not stops:
        return None
    if cursor in stops and not moved_on:
        return cursor
    if cursor in stops:
        following = stops[stops.index(cursor) + 1 :]
        same_step = (stop for stop in following if cursor is not None and stop.step == cursor.step)
        unanswered = next((stop for stop in same_step if stop.question not in shown.answers), None)
        if unanswered is not None:
            return unanswered
    current = shown.current
    if current is None:
        return stops[-1]
    mine = [stop for stop in stops if stop.step == current.step.id]
    return next((stop for stop in mine if stop.question in current.open_questions), mine[0])


def option_keys(question: Question) -> list[tuple[str, Option]]:
    """Give each option with the key that chooses it: y, n, u for yes, no and unclear, or its number."""
    letters = {"yes": "y", "no": "n", "unclear": "u"}
    return [
        (letters.get(option.value, str(number)), option)
        for number, option in enumerate(question.options, start=1)
    ]


def option_for(question: Question, value: str) -> Option | None:
    return next((option for option in question.options if option.value == value), None)


def protocol_page(
    shown: RunView,
    cursor: Stop | None,
    standing: Standing | None,
    *,
    runs: Sequence[RunView] = (),
    started: bool,
    help_shown: bool,
    blockers: Sequence[str] | None = (),
    notes: Sequence[str] = (),
    problems: Mapping[str, str] = MappingProxyType({}),
    zone: tzinfo = UTC,
    width: int,
) -> ProtocolPage:
    """Set the page of one run.

    Args:
        runs: All runs of the case, oldest first.
        started: False for a look at a protocol that no answer was given to yet.
        help_shown: Whether to show why each step is here and how to do it.
        blockers: What stands between the case and being closed; None when there is no case to close.
        notes: What just happened, such as a switch to this protocol.
        problems: Protocols this case wants and cannot have, and why.
    """
    page = _Setter(shown, cursor, help_shown, zone, width)
    lines = [*_head(shown, standing, runs, started, width)]
    for note in notes:
        lines += bullet("→", note, width, Ink.WARN, mark_ink=Ink.WARN)
    for id, why in problems.items():
        lines += bullet("△", f"{id.replace('-', ' ')}: {why}", width, Ink.WARN, mark_ink=Ink.WARN)
    if notes or problems:
        lines.append([])
    if help_shown:
        lines += _guidance(shown, width)
    rows = range(0)
    for step in shown.steps:
        block, at_cursor = page.step(step)
        if at_cursor:
            rows = range(len(lines) + at_cursor.start, len(lines) + at_cursor.stop)
        lines += block
        if page.is_last(step):
            break
    hidden = len(shown.steps) - (shown.steps.index(step) + 1) if shown.steps else 0
    if hidden:
        lines += [[], [Span(f"… {count(hidden, 'more step')} after this one", Ink.DIM)]]
    lines += _to_do(shown, width)
    lines += _ending(shown, blockers, width)
    return ProtocolPage(lines, rows)


def _head(
    shown: RunView, standing: Standing | None, runs: Sequence[RunView], started: bool, width: int
) -> Iterator[Line]:
    protocol = shown.protocol
    yield from paragraph(protocol.title, width, Ink.STRONG, limit=200)
    style = "read, then do" if protocol.style is Style.READ_DO else "do, then check"
    version = plain(protocol.version, lines=False, limit=20)
    yield from paragraph(
        f"{protocol.urgency} · {style} · v{version} · {_state(protocol, standing)}", width, Ink.DIM
    )
    if standing is not None and standing.banner:
        grave = standing.kind in (StandingKind.READ_ONLY, StandingKind.DRAFT)
        yield from bullet(
            "▲" if grave else "△", standing.banner, width, Ink.NOW if grave else Ink.WARN, mark_ink=Ink.WARN
        )
    for warning in standing.warnings if standing is not None else ():
        yield from bullet("△", warning, width, Ink.WARN, mark_ink=Ink.WARN)
    if len(runs) > 1:
        names = [
            plain(run.protocol.id, lines=False, limit=40) + (" (handed over)" if run.switched_to else "")
            for run in runs
        ]
        yield from bullet("p", " · ".join(names), width, Ink.DIM, mark_ink=Ink.KEY)
    if not started and (standing is None or standing.may_run):
        yield from paragraph("Suggested for this case. Your first answer begins it.", width, Ink.DIM)
    yield []


def _state(protocol: ReviewProtocol, standing: Standing | None) -> str:
    """Say who approved this very text, or what its author calls it."""
    if standing is None or standing.approved_on is None:
        return (
            protocol.status.replace("_", " ") if protocol.status is not ProtocolStatus.APPROVED else "draft"
        )
    day = standing.approved_on
    return f"approved by the {role_words(standing.approved_by)}, {day.day} {day:%b %Y}"


def _guidance(shown: RunView, width: int) -> Iterator[Line]:
    protocol = shown.protocol
    yield from paragraph(protocol.trigger, width, Ink.DIM, limit=500)
    for heading, items in (("Look for", protocol.look_for), ("Do not", protocol.do_not)):
        if items:
            yield [Span(heading, Ink.TITLE)]
            for item in items:
                yield from bullet("·", item, width)
    needs = [
        f"to be run alone by a {role_words(protocol.governance.min_role)} or above"
        if protocol.governance.min_role
        else "",
        f"training: {protocol.governance.training_required}" if protocol.governance.training_required else "",
    ]
    for need in filter(None, needs):
        yield from paragraph(need, width, Ink.DIM, limit=300)
    yield []


@dataclass(frozen=True, slots=True)
class _Setter:
    """Sets the steps of one run."""

    shown: RunView
    cursor: Stop | None
    help_shown: bool
    zone: tzinfo
    width: int

    def is_last(self, step: StepView) -> bool:
        return self.shown.protocol.style is Style.READ_DO and step.state is StepState.CURRENT

    def step(self, step: StepView) -> tuple[list[Line], range]:
        """Set one step: in full where the cursor is, in one or two lines elsewhere. Gives the cursor's rows in it."""
        if self.cursor is None or self.cursor.step != step.step.id:
            return self._folded(step), range(0)
        lines: list[Line] = [[]]
        mark = _MARKS[step.state]
        head = [*bullet(f"{mark} {step.number}", step.step.text, self.width, Ink.STRONG, mark_ink=Ink.KEY)]
        lines += head
        rows = range(1, len(lines)) if not self.cursor.question else range(0)
        lines += self._about(step)
        for question in step.step.questions:
            start = len(lines)
            here = question.id == self.cursor.question
            lines += self._question(question, step, here)
            if here:
                rows = range(start, len(lines))
        lines += self._doing(step)
        return [*lines, []], rows

    def _folded(self, step: StepView) -> list[Line]:
        mark = _MARKS[step.state]
        waiting = step.state in (StepState.TODO, StepState.CURRENT)
        lines = bullet(f"{mark} {step.number}", step.step.text, self.width, Ink.PLAIN if waiting else Ink.DIM)
        if waiting and step.because:
            lines += paragraph(step.because, self.width, Ink.DIM, indent="    ", limit=200)
        if step.skip_reason:
            lines += bullet(
                "   ", f"skipped: {SKIP_REASONS.get(step.skip_reason, step.skip_reason)}", self.width, Ink.DIM
            )
        for answer in step.answers.values():
            lines += bullet("   ", self._words(answer), self.width, Ink.GOOD)
        return lines

    def _words(self, answer: Answer) -> str:
        text = plain(_as_time(answer, self.zone) or answer.text, limit=600)
        return f"{text} (carried over)" if answer.carried else text

    def _about(self, step: StepView) -> Iterator[Line]:
        if step.because:
            yield from paragraph(step.because, self.width, Ink.TODAY, indent="  ")
        who = ", ".join(
            part
            for part in (role_words(step.step.role), f"within {step.step.within}" if step.step.within else "")
            if part
        )
        if who:
            yield from paragraph(who, self.width, Ink.WARN, indent="  ", limit=100)
        if step.skip_reason:
            yield from paragraph(
                f"skipped: {SKIP_REASONS.get(step.skip_reason, step.skip_reason)}",
                self.width,
                Ink.DIM,
                indent="  ",
            )
        if self.help_shown:
            for text in (step.step.why, step.step.help):
                if text:
                    yield from paragraph(text, self.width, Ink.DIM, indent="  ", limit=2000)

    def _question(self, question: Question, step: StepView, here: bool) -> Iterator[Line]:
        answer = step.answers.get(question.id)
        optional = "" if question.required else " (if it applies)"
        yield from bullet(
            " ›" if here else "  ", question.text + optional, self.width, Ink.PLAIN, mark_ink=Ink.TITLE
        )
        if self.help_shown and question.help:
            yield from paragraph(question.help, self.width, Ink.DIM, indent="    ", limit=2000)
        if here:
            yield from self._before(question)
        if question.type is not QuestionType.CHOICE:
            if answer is not None:
                yield from paragraph(self._words(answer), self.width, Ink.GOOD, indent="    ", limit=600)
            if here:
                yield [
                    Span("    enter", Ink.KEY),
                    Span(_TYPED[question.type] if answer is None else " changes it", Ink.DIM),
                ]
            return
        if not here and answer is not None:
            yield from paragraph(self._words(answer), self.width, Ink.GOOD, indent="    ")
            return
        chosen = set(answer.values) if answer else set()
        for key, option in option_keys(question):
            on = option.value in chosen
            mark = ("☑" if on else "☐") if question.multiple else ("●" if on else "○")
            yield from bullet(
                f"    {key} {mark}", option.text, self.width, Ink.GOOD if on else Ink.PLAIN, mark_ink=Ink.KEY
            )
        if answer is not None and answer.carried:
            yield [Span("    carried over from the protocol before", Ink.DIM)]

    def _before(self, question: Question) -> Iterator[Line]:
        """Say what was answered here before, and taken back: it is kept, and it is not what counts."""
        words = {option.value: option.text for option in question.options}
        for event in self.shown.superseded[-3:]:
            if event.question == question.id:
                earlier = ", ".join(words.get(value, value) for value in event.values)
                at = moment(event.at, self.zone)
                yield from paragraph(
                    f"before: {earlier} ({at})", self.width, Ink.DIM, indent="    ", limit=300
                )

    def _doing(self, step: StepView) -> Iterator[Line]:
        """Say what can be done from this step."""
        if step.step.emergency:
            yield [Span("    !", Ink.KEY), Span(" emergency panel", Ink.DIM)]
            # Whoever is at this step rings; what they say is written for their own role.
            yield from _how_to_tell(self.shown.protocol, "moderator", self.width)
        if step.step.actions:
            labels = ", ".join(ACTIONS[action].label for action in step.step.actions)
            yield from bullet("    d", labels, self.width, Ink.DIM, mark_ink=Ink.KEY)
        if step.step.templates:
            names = ", ".join(template.replace("-", " ") for template in step.step.templates)
            yield from bullet("    m", f"message: {names}", self.width, Ink.DIM, mark_ink=Ink.KEY)
        if not step.step.questions and step.state is not StepState.DONE:
            yield [Span("    enter", Ink.KEY), Span(" done", Ink.DIM)]


_MARKS = {StepState.CURRENT: "▸", StepState.TODO: "☐", StepState.DONE: "☑", StepState.SKIPPED: "–"}
_TYPED = {
    QuestionType.TEXT: " types the answer",
    QuestionType.INTEGER: " types a number",
    QuestionType.DATETIME: " types when: 24h, tomorrow 9:00",
}


def _as_time(answer: Answer, zone: tzinfo) -> str:
    """Give an answered time as people say it; empty where it is none."""
    if answer.question.type is not QuestionType.DATETIME or answer.values[0].startswith(NOT_NEEDED):
        return ""
    return moment(datetime.fromisoformat(answer.values[0]), zone)


def _to_do(shown: RunView, width: int) -> Iterator[Line]:
    said = [line for follow in shown.follows for line in _follow(shown.protocol, follow, width)]
    if said:
        yield []
        yield [Span("What follows", Ink.TITLE)]
        yield from said


def follow_notes(follow: Follow, *, will: bool = False) -> list[str]:
    """Say what an answer set going, so that nothing happens unexplained.

    Args:
        will: It is only walked for practice, so say what would be.
    """
    what, because = follow.consequence, f"because you said: {follow.because}"
    now, also = (
        ("On a case this would run", "On a case this would also run")
        if will
        else ("Now running", "Also running")
    )
    notes = []
    if what.switch_to:
        notes.append(f"{now} {what.switch_to.replace('-', ' ')}, {because}")
    if what.add_protocol:
        notes.append(f"{also} {what.add_protocol.replace('-', ' ')}, {because}")
    if what.escalate:
        notes.append(f"Tell the {role_words(what.escalate)} (e), {because}")
    if what.raise_urgency:
        notes.append(f"The case is {what.raise_urgency} now, {because}")
    if what.suggest_action:
        notes.append(f"Suggested: {ACTIONS[what.suggest_action].label} (d), {because}")
    if what.show_notice:
        notes.append(what.show_notice)
    return notes


def _follow(protocol: ReviewProtocol, follow: Follow, width: int) -> Iterator[Line]:
    what, because = follow.consequence, f" (you said: {follow.because})"
    if what.show_notice:
        yield from bullet("i", what.show_notice, width, Ink.PLAIN, mark_ink=Ink.WARN)
    if what.escalate:
        yield from bullet(
            "e", f"Tell the {role_words(what.escalate)}{because}", width, Ink.STRONG, mark_ink=Ink.KEY
        )
        yield from _how_to_tell(protocol, what.escalate, width)
    if what.suggest_action:
        yield from bullet(
            "d",
            f"Suggested: {ACTIONS[what.suggest_action].label}{because}",
            width,
            Ink.STRONG,
            mark_ink=Ink.KEY,
        )
    if what.offer_template:
        yield from bullet(
            "m", f"Message offered: {what.offer_template.replace('-', ' ')}", width, mark_ink=Ink.KEY
        )
    if what.switch_to:
        yield from bullet("→", f"{what.switch_to} takes over{because}", width, Ink.WARN)
    if what.add_protocol:
        yield from bullet("+", f"{what.add_protocol} runs beside this one{because}", width, Ink.WARN)


def _how_to_tell(protocol: ReviewProtocol, role: str, width: int) -> Iterator[Line]:
    for escalation in protocol.escalations:
        if escalation.role == role:
            how = ", ".join(
                filter(None, (f"within {escalation.within}" if escalation.within else "", escalation.method))
            )
            if how:
                yield from paragraph(how, width, Ink.DIM, indent="  ", limit=300)
            if escalation.script:
                yield from paragraph(f"Say: “{escalation.script}”", width, Ink.QUOTE, indent="  ", limit=600)


def _ending(shown: RunView, blockers: Sequence[str] | None, width: int) -> Iterator[Line]:
    yield []
    sign_off = sign_off_due(shown)
    if sign_off is not None:
        who = "two people sign" if sign_off.two_person else "signs"
        yield from paragraph(
            f"Afterwards {who}: {role_words(sign_off.role)}. Nothing waits for it.", width, Ink.DIM
        )
    if blockers is None:
        if shown.protocol.finished_when:
            yield from paragraph(f"Finished when: {shown.protocol.finished_when}", width, Ink.DIM, limit=600)
        return
    if shown.switched_to:
        yield from paragraph(f"Handed over to {shown.switched_to}.", width, Ink.DIM, limit=200)
    if blockers:
        yield from bullet(
            "c", f"Before closing: {count(len(blockers), 'thing')} to do", width, Ink.DIM, mark_ink=Ink.KEY
        )
    else:
        yield from bullet("c", "Nothing is missing: close the case", width, Ink.GOOD, mark_ink=Ink.KEY)
    if shown.protocol.finished_when and shown.current is None:
        yield from paragraph(f"Finished when: {shown.protocol.finished_when}", width, Ink.DIM, limit=600)
