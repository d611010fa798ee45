"""Whatever the language allows and whatever is answered: what the check promised impossible does not happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modconsole.core.actions import Action
from modconsole.core.examine import examine
from modconsole.core.findings import Level, Neighbour
from modconsole.core.paths import walk
from modconsole.core.protocol import (
    Consequence,
    Operator,
    Question,
    QuestionType,
    ReviewProtocol,
    Step,
    Test,
    UsedFor,
    When,
)
from modconsole.core.roles import ROLES
from modconsole.core.run import (
    Run,
    RunEvent,
    RunEventKind,
    RunView,
    close_blockers,
    demanded_urgency,
    view,
)
from modconsole.core.urgency import Urgency
from tests.core.sheets import CLOSING, TODAY, ask, on, sheet, step

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NEIGHBOURS = {
    "danger": Neighbour("Danger", Urgency.NOW, UsedFor.CASE),
    "other": Neighbour("Another", Urgency.ROUTINE, UsedFor.CASE),
}
ANYTHING = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


# Protocols


def consequences(values: tuple[str, ...], later: list[str]) -> st.SearchStrategy[Consequence]:
    """Something that follows from some of a question's answers; mostly small things, seldom a handover."""
    kinds = [
        st.sampled_from([{"escalate": role} for role in ("safeguarding_lead", "buddy")]),
        st.sampled_from([{"raise_urgency": urgency} for urgency in Urgency]),
        st.sampled_from([{"suggest_action": action} for action in (Action.HIDE, Action.REMOVE)]),
        st.sampled_from([{"add_protocol": id} for id in NEIGHBOURS]),
        st.sampled_from([{"switch_to": id} for id in NEIGHBOURS]),
    ]
    if later:
        kinds.append(st.sampled_from([{"go_to": id} for id in later]))
    some = st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)
    cautious = some.map(
        lambda chosen: (*dict.fromkeys((*chosen, "unclear")),) if "unclear" in values else chosen
    )
    return st.builds(lambda chosen, what: on(*chosen, **what), cautious, st.one_of(kinds))


@st.composite
def questions(draw: st.DrawFn, id: str, later: list[str]) -> Question:
    kind = draw(st.sampled_from(["safety", "safety", "choice", "several", "integer", "text"]))
    if kind == "integer":
        return Question(
            id, "How many?", QuestionType.INTEGER, required=draw(st.booleans()), minimum=0, maximum=9
        )
    if kind == "text":
        return Question(id, "What?", QuestionType.TEXT, required=draw(st.booleans()))
    values = ("yes", "unclear", "no") if kind == "safety" else ("a", "b", "c")
    follows = draw(st.lists(consequences(values, later), max_size=2))
    required = kind == "safety" or draw(st.booleans())
    return ask(id, *follows, values=values, multiple=kind == "several", required=required)


def conditions_on(question: Question) -> st.SearchStrategy[Test]:
    answered = st.sampled_from(["true", "false"]).map(
        lambda said: Test(question.id, Operator.ANSWERED, (said,))
    )
    if question.type is QuestionType.INTEGER:
        compared = st.builds(
            lambda operator, number: Test(question.id, operator, (str(number),)),
            st.sampled_from([Operator.LT, Operator.GT, Operator.EQUALS, Operator.NOT_EQUALS]),
            st.integers(0, 9),
        )
        return st.one_of(compared, answered)
    if question.type is not QuestionType.CHOICE:
        return answered
    one = st.sampled_from([option.value for option in question.options])
    some = st.lists(one, min_size=1, max_size=2, unique=True).map(tuple)
    return st.one_of(
        st.builds(
            lambda operator, value: Test(question.id, operator, (value,)),
            st.sampled_from([Operator.EQUALS, Operator.NOT_EQUALS]),
            one,
        ),
        st.builds(
            lambda operator, values: Test(question.id, operator, values),
            st.sampled_from([Operator.IN, Operator.ANY_OF]),
            some,
        ),
        answered,
    )


@st.composite
def protocols(draw: st.DrawFn) -> ReviewProtocol:
    count = draw(st.integers(1, 5))
    steps: list[Step] = []
    asked: list[Question] = []
    for n in range(count):
        later = [f"s{m}" for m in range(n + 1, count)] + ["closing"]
        mine = [draw(questions(f"q{n}{letter}", later)) for letter in "ab"[: draw(st.integers(0, 2))]]
        when = None
        if asked and draw(st.booleans()):
            about = draw(st.lists(st.sampled_from(asked), min_size=1, max_size=2, unique=True))
            when = When(tuple(draw(conditions_on(question)) for question in about), draw(st.booleans()))
        actions = (Action.KEEP,) if draw(st.integers(0, 3)) else ()
        steps.append(step(f"s{n}", *mine, when=when, actions=actions))
        asked += mine
    if draw(st.booleans()):
        imminent = ask("imminent", *draw(st.lists(consequences(("yes", "unclear", "no"), []), max_size=1)))
        steps.insert(0, step("opening", imminent))
    if draw(st.booleans()):
        steps.insert(0, step("ring", emergency=True, actions=(Action.KEEP,)))
    return sheet(*steps, CLOSING)


def errors(protocol: ReviewProtocol) -> set[str]:
    found = examine(protocol, NEIGHBOURS, {}, TODAY)
    return {finding.rule for finding in found if finding.level is Level.ERROR}


# Runs


def answers(question: Question) -> st.SearchStrategy[tuple[str, ...]]:
    match question.type:
        case QuestionType.CHOICE:
            values = st.sampled_from([option.value for option in question.options])
            most = len(question.options) if question.multiple else 1
            return st.lists(values, min_size=1, max_size=most, unique=True).map(tuple)
        case QuestionType.INTEGER:
            return st.integers(question.minimum or 0, question.maximum or 0).map(lambda n: (str(n),))
        case QuestionType.DATETIME:
            return st.sampled_from([("2026-11-23T09:00+00:00",), ("not needed: it was a test",)])
        case QuestionType.TEXT:
            return st.just(("something",))


@st.composite
def doings(draw: st.DrawFn, protocol: ReviewProtocol) -> list[RunEvent]:
    """Whatever a moderator does, in any order, again and again, and on steps that are not shown too."""
    events: list[RunEvent] = []
    for number in range(draw(st.integers(0, 25))):
        at = START + timedelta(seconds=number)
        done = draw(st.sampled_from(protocol.steps))
        kind = draw(
            st.sampled_from(
                [RunEventKind.ANSWERED] * 5
                + [RunEventKind.CARRIED, RunEventKind.SKIPPED, RunEventKind.TICKED, RunEventKind.UNTICKED]
            )
        )
        if kind in (RunEventKind.ANSWERED, RunEventKind.CARRIED):
            if done.questions:
                question = draw(st.sampled_from(done.questions))
                given = draw(answers(question))
                events.append(RunEvent(kind, done.id, at, "m-1", question.id, given))
        else:
            values = ("no_time",) if kind is RunEventKind.SKIPPED else ()
            events.append(RunEvent(kind, done.id, at, "m-1", "", values))
    return events


def seen(protocol: ReviewProtocol, events: list[RunEvent]) -> RunView:
    return view(protocol, Run("r-test", protocol.id, protocol.hash, START, events=tuple(events)))


@given(st.data())
@ANYTHING
def test_no_run_does_what_the_check_promised_impossible(data: st.DataObject):
    protocol = data.draw(protocols())
    assume(not errors(protocol))
    walked = walk(protocol)
    ways = {(path.steps, path.switched_to) for path in walked.paths}
    done = data.draw(doings(protocol))
    for until in range(len(done) + 1):
        shown = seen(protocol, done[:until])

        steps = tuple(step.step.id for step in shown.steps)
        assert (steps, shown.switched_to) in ways
        assert len(steps) <= len(walked.longest.steps)
        said = shown.answers.get("imminent")
        if said is not None and set(said.values) & {"yes", "unclear"}:
            assert demanded_urgency([shown]) is Urgency.NOW
        if not shown.switched_to:
            assert {step.id for step in protocol.steps if step.emergency} <= set(steps)
        if not close_blockers([shown], decided=True, unsettled=0, escalated_to=ROLES):
            skipped = {step.step.id for step in shown.steps if step.skip_reason}
            assert "closing" in skipped or {"member_told", "follow_up_at"} <= shown.answers.keys()
            assert not shown.switched_to


@given(st.data())
@ANYTHING
def test_every_path_of_the_walk_is_one_that_the_console_shows(data: st.DataObject):
    protocol = data.draw(protocols())
    walked = walk(protocol)
    path = data.draw(st.sampled_from(walked.paths))
    events = [
        RunEvent(RunEventKind.ANSWERED, choice.step, START, "m-1", choice.question, choice.values)
        for choice in path.choices
        if choice.values
    ]
    shown = seen(protocol, events)

    assert tuple(step.step.id for step in shown.steps) == path.steps
    assert shown.switched_to == path.switched_to
    assert demanded_urgency([shown]) == path.urgency


@given(st.data())
@ANYTHING
def test_answers_that_count_as_alike_show_the_same(data: st.DataObject):
    protocol = data.draw(protocols())
    path = data.draw(st.sampled_from(walk(protocol).paths))
    events = [
        RunEvent(
            RunEventKind.ANSWERED,
            choice.step,
            START,
            "m-1",
            choice.question,
            data.draw(st.sampled_from(choice.alike)),
        )
        for choice in path.choices
        if choice.values
    ]

    assert tuple(step.step.id for step in seen(protocol, events).steps) == path.steps


# Defects planted in whatever is good


def _closing(protocol: ReviewProtocol, **changes: object) -> ReviewProtocol:
    return replace(protocol, steps=(*protocol.steps[:-1], replace(CLOSING, **changes)))


def _first(protocol: ReviewProtocol, *more: Step) -> ReviewProtocol:
    return replace(protocol, steps=(*more, *protocol.steps))


DEFECTS: dict[str, Callable[[ReviewProtocol], ReviewProtocol]] = {
    "path-without-message-decision": lambda p: _closing(p, questions=CLOSING.questions[1:]),
    "path-without-follow-up": lambda p: _closing(p, questions=CLOSING.questions[:1]),
    "path-without-outcome": lambda p: replace(p, decisions=(Action.SPLIT_THREAD,)),
    "unreachable-step": lambda p: _first(
        p,
        step("w", ask("w1", values=("a", "b"))),
        step("never", when=When((Test("w1", Operator.EQUALS, ("a",)), Test("w1", Operator.EQUALS, ("b",))))),
    ),
    "unclear-not-cautious": lambda p: _first(p, step("w", ask("w1", on("yes", escalate="data_lead")))),
    "emergency-gated": lambda p: _first(p, step("w"), step("late", emergency=True)),
    "age-unknown-is-child": lambda p: _first(
        p,
        step("w", ask("age", values=("u13", "13_15", "16_17", "adult", "unknown"))),
        step("young", when=When((Test("age", Operator.IN, ("u13",)),))),
    ),
    "too-long": lambda p: _first(p, *(step(f"w{n}") for n in range(13))),
}


@given(st.data())
@ANYTHING
def test_a_defect_planted_in_any_good_protocol_is_found(data: st.DataObject):
    protocol = data.draw(protocols())
    assume(not errors(protocol))
    ends = {path.switched_to for path in walk(protocol).paths}
    assume("" in ends)  # where every way hands over there is nothing to decide here
    rule = data.draw(st.sampled_from(list(DEFECTS)))

    assert rule in errors(DEFECTS[rule](protocol))
