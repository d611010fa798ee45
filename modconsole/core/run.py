"""One walk through a protocol for one case, as pure functions over what was answered.

A run is a list of events, only ever added to. What is visible, what is still required and what follows from the answers
is computed from it, so going back and changing an answer loses nothing: the old one stays, superseded.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from modconsole.core.errors import NotAllowed
from modconsole.core.protocol import (
    Consequence,
    Operator,
    Question,
    QuestionType,
    ReviewProtocol,
    SignOff,
    Step,
    Test,
    When,
)
from modconsole.core.runs import Run, RunEvent, RunEventKind
from modconsole.core.urgency import Urgency, faster

__all__ = [
    "EMERGENCY_QUESTION",
    "FOLLOW_UP_QUESTION",
    "MESSAGE_QUESTION",
    "NOT_NEEDED",
    "SKIP_REASONS",
    "Answer",
    "Follow",
    "Run",
    "RunEvent",
    "RunEventKind",
    "RunView",
    "StepState",
    "StepView",
    "carried",
    "checked",
    "close_blockers",
    "demanded_urgency",
    "sign_off_due",
    "view",
]

FOLLOW_UP_QUESTION = "follow_up_at"
"""The common last question: when we look again. Its answer brings the case back at that time."""

MESSAGE_QUESTION = "member_told"
"""The common last question before it: whether the member was written to, and if not, why not."""

EMERGENCY_QUESTION = "imminent"
"""The common first question of every safety sheet. Yes or unclear always means `now`."""

SKIP_REASONS: Mapping[str, str] = {
    "not_applicable": "Not applicable",
    "no_time": "No time",
    "disagreed": "I disagree with this step",
    "already_done": "Already done",
    "other": "Other",
}


class StepState(StrEnum):
    CURRENT = "current"
    TODO = "todo"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Answer:
    question: Question
    values: tuple[str, ...] = field(repr=False)
    at: datetime
    by: str
    carried: bool = False
    text: str = ""
    """As shown to the moderator: the words of the chosen options, or what was typed."""


@dataclass(frozen=True, slots=True)
class Follow:
    """A consequence that holds because of an answer."""

    consequence: Consequence
    step: str
    question: str
    because: str
    """The words of the answer, such as `Unclear`."""


@dataclass(frozen=True, slots=True)
class StepView:
    step: Step
    number: int
    state: StepState
    answers: Mapping[str, Answer]
    because: str = ""
    """Why a conditional step is here, such as `because you said: Unclear`."""
    open_questions: tuple[str, ...] = ()
    """Ids of the required questions still to be answered."""
    skip_reason: str = ""


@dataclass(frozen=True, slots=True)
class RunView:
    """What the moderator sees of a run, and what is still to do."""

    protocol: ReviewProtocol
    run: Run
    steps: tuple[StepView, ...]
    follows: tuple[Follow, ...]
    answers: Mapping[str, Answer]
    switched_to: str = ""
    """The protocol that took over; from then on nothing more is required here."""
    superseded: tuple[RunEvent, ...] = ()

    @property
    def current(self) -> StepView | None:
        return next((step for step in self.steps if step.state is StepState.CURRENT), None)

    @property
    def open_required(self) -> tuple[StepView, ...]:
        """Visible steps that still want something before closing; none once another protocol took over."""
        if self.switched_to:
            return ()
        return tuple(step for step in self.steps if step.state in (StepState.CURRENT, StepState.TODO))


def checked(question: Question, values: Sequence[str]) -> tuple[str, ...]:
    """Check an answer against its question and give it in its stored form.

    Raises:
        NotAllowed: The answer does not fit the question; says what would.
    """
    if not values or any(not value.strip() for value in values):
        raise NotAllowed(
            f"“{question.text}” needs an answer.", next_step="Answer it, or skip the step with a reason."
        )
    if len(values) > 1 and not question.multiple:
        raise NotAllowed(f"“{question.text}” takes one answer.", next_step="Choose one.")
    if question.type is QuestionType.CHOICE:
        known = [option.value for option in question.options]
        for value in values:
            if value not in known:
                raise NotAllowed(
                    f"“{value}” is not an answer to “{question.text}”.",
                    next_step=f"Choose one of: {', '.join(known)}.",
                )
    elif question.type is QuestionType.INTEGER:
        return (_whole(question, values[0]),)
    elif question.type is QuestionType.DATETIME:
        _check_time(question, values[0])
    return tuple(dict.fromkeys(values))


def _whole(question: Question, value: str) -> str:
    """Give a whole number in its one form: conditions compare what was answered as it is kept."""
    low, high = question.minimum, question.maximum
    try:
        number = int(value)
    except ValueError:
        number = None
    if number is None or (low is not None and number < low) or (high is not None and number > high):
        span = "" if low is None else f", {low} or more"
        span += "" if high is None else f", {high} or less"
        raise NotAllowed(
            f"“{question.text}” needs a whole number{span}.", next_step="Type the number in digits."
        )
    return str(number)


NOT_NEEDED = "not needed"
"""The spoken answer to "when will we look again?" when nobody has to; it takes a reason after a colon."""


def _check_time(question: Question, value: str) -> None:
    if value.startswith(NOT_NEEDED + ": ") and value[len(NOT_NEEDED) + 2 :].strip():
        return
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise NotAllowed(
            f"“{question.text}” needs a date and time with its zone, or “{NOT_NEEDED}: ” and the reason.",
            next_step="For example 2026-11-23T09:00+00:00, or in the console: 24h, tomorrow 9:00.",
        )


def carried(protocol: ReviewProtocol, earlier: Iterable[RunView]) -> tuple[RunEvent, ...]:
    """Give the events that carry answers from earlier runs of the case into a new run of `protocol`.

    Only answers that fit: the same question id and type, and values that are allowed there. Where two runs answered,
    the later answer counts. A run that another took over gives the answers after that point too.

    Hand in runs of the present sitting only: yesterday's "no danger" is no answer today.
    """
    events: dict[str, RunEvent] = {}
    for other in earlier:
        for id, answer in _given(other).items():
            question = protocol.question(id)
            if question is None or not _fits(question, answer):
                continue
            if id in events and events[id].at > answer.at:
                continue
            step = next(step.id for step in protocol.steps if question in step.questions)
            events[id] = RunEvent(RunEventKind.CARRIED, step, answer.at, answer.by, id, answer.values)
    return tuple(events.values())


def _given(shown: RunView) -> Mapping[str, Answer]:
    """Give a run's answers, and where it was taken over those that the handover hid: they are still true."""
    if not shown.switched_to:
        return shown.answers
    hidden: dict[str, Answer] = {}
    for event in shown.superseded:
        question = shown.protocol.question(event.question)
        if question is not None and event.question not in shown.answers:
            hidden[event.question] = _answer(question, event)
    return {**shown.answers, **hidden}


def _fits(question: Question, answer: Answer) -> bool:
    if question.type is not answer.question.type:
        return False
    try:
        checked(question, answer.values)
    except NotAllowed:
        return False
    return True


def view(protocol: ReviewProtocol, run: Run) -> RunView:
    """Compute what is visible, done, required and to follow from what was answered so far.

    An emergency step is always visible, whatever a condition or a jump says. A jump leads forwards or nowhere.
    """
    latest: dict[str, RunEvent] = {}
    marks: dict[str, RunEvent] = {}
    for event in run.events:
        if event.question:
            latest[event.question] = event
            marks.pop(event.step, None)  # answering a step again takes its skip back
        else:
            marks[event.step] = event

    answers: dict[str, Answer] = {}
    follows: list[Follow] = []
    steps: list[StepView] = []
    jump_to = switched_to = ""
    found_current = False
    later = {step.id for step in protocol.steps}
    for step in protocol.steps:
        if switched_to:
            break
        later.discard(step.id)
        if jump_to == step.id:
            jump_to = ""
        because = _because(step.when, answers)
        if (jump_to or because is None) and not step.emergency:
            continue
        mine = {q.id: _answer(q, latest[q.id]) for q in step.questions if q.id in latest}
        answers.update(mine)
        for answer in mine.values():
            for consequence in answer.question.on_answer:
                if set(consequence.values) & set(answer.values):
                    follows.append(Follow(consequence, step.id, answer.question.id, answer.text))
                    jump_to = consequence.go_to if consequence.go_to in later else jump_to
                    switched_to = consequence.switch_to or switched_to
        shown = _step_view(step, len(steps) + 1, mine, marks.get(step.id), because or "", found_current)
        found_current = found_current or shown.state is StepState.CURRENT
        steps.append(shown)
    live = {id: latest[id] for id in answers}
    superseded = tuple(
        event for event in run.events if event.question and live.get(event.question) is not event
    )
    return RunView(protocol, run, tuple(steps), tuple(follows), answers, switched_to, superseded)


def _answer(question: Question, event: RunEvent) -> Answer:
    words = {option.value: option.text for option in question.options}
    text = ", ".join(words.get(value, value) for value in event.values)
    return Answer(question, event.values, event.at, event.by, event.kind is RunEventKind.CARRIED, text)


def _step_view(
    step: Step,
    number: int,
    mine: Mapping[str, Answer],
    mark: RunEvent | None,
    because: str,
    found_current: bool,
) -> StepView:
    missing = tuple(q.id for q in step.questions if q.required and q.id not in mine)
    skip = ""
    if mark is not None and mark.kind is RunEventKind.SKIPPED:
        skip = mark.values[0] if mark.values else "other"
    ticked = mark is not None and mark.kind is RunEventKind.TICKED
    unticked = mark is not None and mark.kind is RunEventKind.UNTICKED
    if skip:
        state, missing = StepState.SKIPPED, ()
    elif not missing and (ticked or (mine and not unticked)):
        state = StepState.DONE
    else:
        state = StepState.TODO if found_current else StepState.CURRENT
    return StepView(step, number, state, mine, because, missing, skip)


def _because(when: When | None, answers: Mapping[str, Answer]) -> str | None:
    """Say why a conditional step is shown; None when its condition does not hold, empty when it has none."""
    if when is None:
        return ""
    held = [test for test in when.tests if _holds(test, answers)]
    if not held or (not when.any and len(held) < len(when.tests)):
        return None
    words = list(dict.fromkeys(answers[test.question].text for test in held if test.question in answers))
    return f"because you said: {', '.join(words)}" if words else "because it was not answered"


def _holds(test: Test, answers: Mapping[str, Answer]) -> bool:
    answer = answers.get(test.question)
    if test.operator is Operator.ANSWERED:
        return (answer is not None) == (test.values[0] == "true")
    if answer is None:
        return False  # a condition on something not answered yet never shows a step early
    given = set(answer.values)
    match test.operator:
        case Operator.EQUALS:
            return given == {test.values[0]}
        case Operator.NOT_EQUALS:
            return test.values[0] not in given
        case Operator.IN | Operator.ANY_OF:
            return bool(given & set(test.values))
        case Operator.LT:
            return _number(answer) < float(test.values[0])
        case Operator.GT:
            return _number(answer) > float(test.values[0])


def _number(answer: Answer) -> float:
    return float(answer.values[0])


def sign_off_due(shown: RunView) -> SignOff | None:
    """Give who signs afterwards, if the answers so far call for it. Nothing ever waits for a signature."""
    sign_off = shown.protocol.sign_off
    if sign_off is None or shown.switched_to or _because(sign_off.when, shown.answers) is None:
        return None
    return sign_off


def demanded_urgency(views: Iterable[RunView]) -> Urgency | None:
    """Give the urgency the answers demand, or None. Yes or unclear to `imminent` is always `now`."""
    demanded: Urgency | None = None
    for shown in views:
        emergency = shown.answers.get(EMERGENCY_QUESTION)
        raised = [follow.consequence.raise_urgency for follow in shown.follows]
        if emergency is not None and set(emergency.values) & {"yes", "unclear"}:
            raised.append(Urgency.NOW)
        if shown.run.because.startswith(("switch:", "add:")):
            raised.append(shown.protocol.urgency)
        for urgency in raised:
            if urgency is not None:
                demanded = urgency if demanded is None else faster(demanded, urgency)
    return demanded


def close_blockers(
    views: Sequence[RunView],
    *,
    decided: bool,
    unsettled: int,
    escalated_to: Iterable[str] = (),
    startable: Container[str] | None = None,
) -> tuple[str, ...]:
    """Name, in plain sentences, what still stands between this case and being closed. Nothing else ever waits for it.

    Args:
        views: All runs of the case.
        decided: Whether a decision was made that was not withdrawn.
        unsettled: How many decisions of the case are unsettled.
        escalated_to: The roles this case was escalated to.
        startable: The protocols that can be started here. With it, an added protocol that was not started blocks too,
            and one that cannot be started blocks nothing. Without it, only one that was to take over blocks.
    """
    blockers: list[str] = []
    if not decided:
        blockers.append("No decision yet: choose an action, or “no action” with a reason.")
    if unsettled:
        word = "decision is" if unsettled == 1 else "decisions are"
        blockers.append(f"{unsettled} {word} unsettled: finish or withdraw first.")
    told = set(escalated_to)
    started = {shown.protocol.id for shown in views}
    answered = {id for shown in views for id in shown.answers}
    skipped = {
        q.id for shown in views for step in shown.steps if step.skip_reason for q in step.step.questions
    }
    for shown in views:
        if not shown.switched_to:
            blockers += _still_open(shown, answered | skipped)
        for follow in shown.follows:
            for wanted in _wanted(follow.consequence, startable):
                if wanted not in started:
                    blockers.append(f"Start “{wanted}”, because you said: {follow.because}.")
            role = follow.consequence.escalate
            if role and role not in told:
                blockers.append(f"Tell the {role.replace('_', ' ')}, because you said: {follow.because}.")
    return tuple(dict.fromkeys(blockers))


def _still_open(shown: RunView, answered: Container[str]) -> list[str]:
    title = shown.protocol.title
    blockers = [f"{title}: step {step.number}, “{step.step.text}”." for step in shown.open_required]
    asked = {id for step in shown.open_required for id in step.open_questions}
    for id in shown.protocol.close_requires:
        if id not in answered and id not in asked:
            question = shown.protocol.question(id)
            blockers.append(f"{title}: “{id if question is None else question.text}” is not answered.")
    follow_up, because = shown.answers.get(FOLLOW_UP_QUESTION), ""
    if follow_up is not None and follow_up.values[0].startswith(NOT_NEEDED):
        because = _because(shown.protocol.follow_up_required, shown.answers) or ""
    if because:
        blockers.append(f"{title}: set when we look again; “{NOT_NEEDED}” does not do, {because}.")
    return blockers


def _wanted(consequence: Consequence, startable: Container[str] | None) -> list[str]:
    """Name the protocols that a consequence wants started before the case can be closed."""
    if startable is None:
        return [consequence.switch_to] if consequence.switch_to else []
    return [id for id in (consequence.switch_to, consequence.add_protocol) if id and id in startable]
