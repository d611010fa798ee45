from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modconsole.core.actions import Action
from modconsole.core.errors import NotAllowed
from modconsole.core.protocol import (
    Consequence,
    Governance,
    Operator,
    Option,
    ProtocolStatus,
    Question,
    QuestionType,
    ReviewProtocol,
    SignOff,
    Step,
    Style,
    Test,
    When,
)
from modconsole.core.run import (
    NOT_NEEDED,
    Run,
    RunEvent,
    RunEventKind,
    RunView,
    StepState,
    carried,
    checked,
    close_blockers,
    demanded_urgency,
    sign_off_due,
    view,
)
from modconsole.core.urgency import Urgency

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
YES_UNCLEAR_NO = (Option("yes", "Yes"), Option("unclear", "Unclear"), Option("no", "No"))


def choice(
    id: str, *on_answer: Consequence, options: tuple[Option, ...] = YES_UNCLEAR_NO, **more: bool
) -> Question:
    more.setdefault("required", True)
    return Question(id, f"{id}?", QuestionType.CHOICE, options=options, on_answer=on_answer, **more)


def step(id: str, *questions: Question, when: When | None = None, emergency: bool = False) -> Step:
    return Step(id, f"Do {id}", questions=questions, when=when, emergency=emergency)


def only_if(question: str, operator: Operator, *values: str) -> When:
    return When((Test(question, operator, values),))


def protocol(
    *steps: Step, id: str = "sheet", urgency: Urgency = Urgency.SOON, close_requires: tuple[str, ...] = ()
) -> ReviewProtocol:
    return ReviewProtocol(
        id=id,
        title=id.capitalize(),
        version="1.0.0",
        status=ProtocolStatus.DRAFT,
        style=Style.DO_CONFIRM,
        urgency=urgency,
        trigger="When it fits.",
        steps=steps,
        decisions=(Action.KEEP,),
        close_requires=close_requires,
        governance=Governance("safeguarding_lead", date(2027, 5, 1), (), ()),
        hash=id,
    )


class Walk:
    """A run that is answered by saying so."""

    def __init__(self, sheet: ReviewProtocol, because: str = "chosen", start: datetime = START) -> None:
        self.sheet, self.at = sheet, start
        self.run = Run("r-aaaaaaaa", sheet.id, sheet.hash, start, because)

    def add(self, kind: RunEventKind, step: str, question: str = "", *values: str) -> Walk:
        self.at += timedelta(seconds=1)
        event = RunEvent(kind, step, self.at, "ash", question, values)
        self.run = replace(self.run, events=(*self.run.events, event))
        return self

    def answer(self, question: str, *values: str) -> Walk:
        step = next(s.id for s in self.sheet.steps if any(q.id == question for q in s.questions))
        return self.add(RunEventKind.ANSWERED, step, question, *values)

    def skip(self, step: str, reason: str = "no_time") -> Walk:
        return self.add(RunEventKind.SKIPPED, step, "", reason)

    def tick(self, step: str) -> Walk:
        return self.add(RunEventKind.TICKED, step)

    def untick(self, step: str) -> Walk:
        return self.add(RunEventKind.UNTICKED, step)

    @property
    def view(self) -> RunView:
        return view(self.sheet, self.run)

    @property
    def visible(self) -> list[str]:
        return [shown.step.id for shown in self.view.steps]

    def state(self, step: str) -> StepState:
        return next(shown.state for shown in self.view.steps if shown.step.id == step)


def blockers(*walks: Walk, **more: object) -> tuple[str, ...]:
    given_: dict[str, object] = {"decided": True, "unsettled": 0, **more}
    return close_blockers([walk.view for walk in walks], **given_)  # type: ignore[arg-type]


# What is visible


def test_the_first_step_that_wants_something_is_current_and_the_rest_is_to_do():
    walk = Walk(protocol(step("one", choice("a")), step("two", choice("b")), step("three")))

    assert [shown.state for shown in walk.view.steps] == [StepState.CURRENT, StepState.TODO, StepState.TODO]
    assert [shown.number for shown in walk.view.steps] == [1, 2, 3]
    walk.answer("a", "no")
    assert walk.view.current is not None
    assert walk.view.current.step.id == "two"


def test_a_conditional_step_appears_with_the_words_that_brought_it():
    walk = Walk(
        protocol(
            step("ask", choice("a")),
            step("extra", when=only_if("a", Operator.IN, "yes", "unclear")),
            step("end"),
        )
    )

    assert walk.visible == ["ask", "end"]
    walk.answer("a", "unclear")
    assert walk.visible == ["ask", "extra", "end"]
    assert walk.view.steps[1].because == "because you said: Unclear"
    assert walk.view.steps[2].because == ""


@pytest.mark.parametrize(
    ("operator", "values", "answers", "shows"),
    [
        (Operator.EQUALS, ("yes",), ("yes",), True),
        (Operator.EQUALS, ("yes",), ("yes", "no"), False),
        (Operator.EQUALS, ("yes",), (), False),
        (Operator.NOT_EQUALS, ("yes",), ("no",), True),
        (Operator.NOT_EQUALS, ("yes",), ("yes", "no"), False),
        (Operator.NOT_EQUALS, ("yes",), (), False),
        (Operator.IN, ("yes", "unclear"), ("unclear",), True),
        (Operator.ANY_OF, ("yes", "unclear"), ("no", "yes"), True),
        (Operator.ANY_OF, ("yes", "unclear"), ("no",), False),
        (Operator.ANSWERED, ("true",), ("no",), True),
        (Operator.ANSWERED, ("true",), (), False),
        (Operator.ANSWERED, ("false",), (), True),
        (Operator.ANSWERED, ("false",), ("no",), False),
    ],
)
def test_each_operator_holds_exactly_when_it_says(operator, values, answers, shows):
    walk = Walk(
        protocol(step("ask", choice("a", multiple=True)), step("extra", when=only_if("a", operator, *values)))
    )
    if answers:
        walk.answer("a", *answers)

    assert ("extra" in walk.visible) is shows


@pytest.mark.parametrize(
    ("operator", "bound", "answer", "shows"),
    [
        (Operator.LT, "5", "4", True),
        (Operator.LT, "5", "5", False),
        (Operator.GT, "5", "6", True),
        (Operator.GT, "5", "5", False),
        (Operator.GT, "5", "10", True),
    ],
)
def test_numbers_are_compared_as_numbers(operator, bound, answer, shows):
    count = Question("n", "How many?", QuestionType.INTEGER)
    walk = Walk(protocol(step("ask", count), step("extra", when=only_if("n", operator, bound)))).answer(
        "n", answer
    )

    assert ("extra" in walk.visible) is shows


def test_all_wants_every_test_and_any_wants_one():
    tests = (Test("a", Operator.EQUALS, ("yes",)), Test("b", Operator.EQUALS, ("yes",)))
    sheet = protocol(
        step("ask", choice("a"), choice("b")),
        step("both", when=When(tests)),
        step("either", when=When(tests, any=True)),
    )

    assert Walk(sheet).answer("a", "yes").visible == ["ask", "either"]
    assert Walk(sheet).answer("a", "yes").answer("b", "yes").visible == ["ask", "both", "either"]


def test_a_step_that_appears_for_want_of_an_answer_says_so():
    sheet = protocol(step("ask", choice("a")), step("extra", when=only_if("a", Operator.ANSWERED, "false")))

    assert Walk(sheet).view.steps[1].because == "because it was not answered"


def test_a_hidden_steps_answers_do_not_count_until_it_is_back():
    sheet = protocol(
        step("ask", choice("a")),
        step("middle", choice("b"), when=only_if("a", Operator.EQUALS, "yes")),
        step("last", when=only_if("b", Operator.EQUALS, "yes")),
    )
    walk = Walk(sheet).answer("a", "yes").answer("b", "yes")

    assert walk.visible == ["ask", "middle", "last"]
    assert walk.answer("a", "no").visible == ["ask"]
    assert "b" not in walk.view.answers
    assert walk.answer("a", "yes").visible == ["ask", "middle", "last"]


# Going on from an answer


def test_go_to_passes_over_the_steps_between():
    sheet = protocol(
        step("ask", choice("a", Consequence(("no",), go_to="end"))),
        step("middle"),
        step("end"),
        step("after"),
    )

    assert Walk(sheet).visible == ["ask", "middle", "end", "after"]
    assert Walk(sheet).answer("a", "no").visible == ["ask", "end", "after"]


@pytest.mark.parametrize("target", ["start", "ask", "nowhere"])
def test_go_to_that_leads_back_or_nowhere_hides_nothing(target):
    sheet = protocol(step("start"), step("ask", choice("a", Consequence(("no",), go_to=target))), step("end"))

    assert Walk(sheet).answer("a", "no").visible == ["start", "ask", "end"]


def test_go_to_a_step_whose_condition_does_not_hold_goes_on_after_it():
    sheet = protocol(
        step("ask", choice("a", Consequence(("no",), go_to="hidden"))),
        step("middle"),
        step("hidden", when=only_if("a", Operator.EQUALS, "yes")),
        step("end"),
    )

    assert Walk(sheet).answer("a", "no").visible == ["ask", "end"]


def test_neither_a_jump_nor_a_condition_hides_an_emergency_step():
    sheet = protocol(
        step("ask", choice("a", Consequence(("no",), go_to="end"))),
        step("middle"),
        step("panel", emergency=True, when=only_if("a", Operator.EQUALS, "yes")),
        step("end"),
    )

    assert Walk(sheet).visible == ["ask", "middle", "panel", "end"]
    assert Walk(sheet).answer("a", "no").visible == ["ask", "panel", "end"]


def test_switch_to_ends_the_run_and_nothing_more_is_required_of_it():
    sheet = protocol(
        step("before"),
        step("ask", choice("a", Consequence(("yes",), switch_to="other"))),
        step("after", choice("b")),
        close_requires=("b",),
    )
    walk = Walk(sheet).answer("a", "yes")

    assert walk.view.switched_to == "other"
    assert walk.visible == ["before", "ask"]
    assert walk.view.open_required == ()
    assert blockers(walk, Walk(protocol(id="other")).tick("x")) == ()


def test_taking_the_switching_answer_back_brings_the_rest_of_the_run_back():
    sheet = protocol(
        step("ask", choice("a", Consequence(("yes",), switch_to="other"))), step("after", choice("b"))
    )
    walk = Walk(sheet).answer("b", "no").answer("a", "yes").answer("a", "no")

    assert walk.view.switched_to == ""
    assert walk.state("after") is StepState.DONE


def test_every_consequence_that_holds_is_given_with_its_reason():
    told = Consequence(("yes", "unclear"), escalate="safeguarding_lead")
    noted = Consequence(("yes",), show_notice="Look again.")
    walk = Walk(protocol(step("ask", choice("a", told, noted)))).answer("a", "unclear")

    assert [(f.consequence, f.step, f.question, f.because) for f in walk.view.follows] == [
        (told, "ask", "a", "Unclear")
    ]
    assert [f.consequence for f in walk.answer("a", "yes").view.follows] == [told, noted]


# Changing one's mind


def test_changing_an_answer_supersedes_the_old_one_and_keeps_it():
    walk = Walk(protocol(step("ask", choice("a")))).answer("a", "yes").answer("a", "no")

    assert walk.view.answers["a"].values == ("no",)
    assert [event.values for event in walk.view.superseded] == [("yes",)]


def test_a_skip_settles_a_step_and_answering_takes_it_back():
    walk = Walk(protocol(step("ask", choice("a")))).skip("ask", "disagreed")

    assert walk.state("ask") is StepState.SKIPPED
    assert walk.view.steps[0].skip_reason == "disagreed"
    assert walk.view.open_required == ()
    assert walk.answer("a", "no").state("ask") is StepState.DONE


def test_a_skip_without_its_reason_still_is_a_skip():
    walk = Walk(protocol(step("ask", choice("a")))).add(RunEventKind.SKIPPED, "ask")

    assert walk.view.steps[0].skip_reason == "other"


def test_a_step_without_questions_is_done_when_ticked_and_open_when_unticked():
    walk = Walk(protocol(step("do")))

    assert walk.tick("do").state("do") is StepState.DONE
    assert walk.untick("do").state("do") is StepState.CURRENT
    assert walk.skip("do").untick("do").state("do") is StepState.CURRENT


def test_a_tick_does_not_stand_for_an_answer():
    walk = Walk(protocol(step("ask", choice("a"), choice("b", required=False)))).tick("ask")

    assert walk.state("ask") is StepState.CURRENT
    assert walk.view.steps[0].open_questions == ("a",)
    assert walk.answer("b", "no").state("ask") is StepState.CURRENT
    assert walk.answer("a", "no").state("ask") is StepState.DONE


# Answers from another run


def test_an_answer_is_carried_where_question_and_values_fit():
    first = Walk(protocol(step("ask", choice("a"), choice("b")))).answer("a", "unclear").answer("b", "no")
    second = protocol(step("other", choice("a")), id="second")

    events = carried(second, [first.view])

    assert [(e.kind, e.step, e.question, e.values) for e in events] == [
        (RunEventKind.CARRIED, "other", "a", ("unclear",))
    ]
    taken = view(second, Run("r-b", "second", "second", START, "switch:r-a", events))
    assert taken.answers["a"].carried
    assert taken.steps[0].state is StepState.DONE


@pytest.mark.parametrize(
    "question",
    [
        choice("a", options=(Option("yes", "Yes"), Option("no", "No"))),
        Question("a", "a?", QuestionType.TEXT),
        Question("a", "a?", QuestionType.INTEGER, maximum=3),
    ],
)
def test_an_answer_that_does_not_fit_is_asked_again(question):
    first = Walk(protocol(step("ask", choice("a", multiple=True)))).answer("a", "unclear", "yes")

    assert carried(protocol(step("ask", question), id="second"), [first.view]) == ()


def test_several_values_are_not_carried_to_a_question_that_takes_one():
    first = Walk(protocol(step("ask", choice("a", multiple=True)))).answer("a", "yes", "no")

    assert carried(protocol(step("ask", choice("a"))), [first.view]) == ()


def test_a_number_is_carried_only_within_the_new_limits():
    first = Walk(protocol(step("ask", Question("n", "n?", QuestionType.INTEGER)))).answer("n", "7")

    assert (
        carried(protocol(step("x", Question("n", "n?", QuestionType.INTEGER, maximum=5))), [first.view]) == ()
    )
    assert len(carried(protocol(step("x", Question("n", "n?", QuestionType.INTEGER))), [first.view])) == 1


def test_of_two_earlier_answers_the_later_one_is_carried_whatever_the_order():
    sheet = protocol(step("ask", choice("a")))
    early = Walk(sheet).answer("a", "no")
    late = Walk(sheet, start=START + timedelta(hours=1)).answer("a", "yes")

    for order in ([early.view, late.view], [late.view, early.view]):
        assert [event.values for event in carried(sheet, order)] == [("yes",)]


def test_a_handover_loses_no_answer_that_was_given_before_it():
    first = Walk(
        protocol(step("ask", choice("a", Consequence(("yes",), switch_to="x"))), step("more", choice("b")))
    )
    first.answer("a", "no").answer("b", "no").answer("b", "unclear").answer("a", "yes")

    events = carried(protocol(step("x", choice("a"), choice("b")), id="x"), [first.view])
    assert {event.question: event.values for event in events} == {"a": ("yes",), "b": ("unclear",)}


def test_superseded_answers_are_not_carried():
    first = Walk(
        protocol(
            step("ask", choice("a")), step("more", choice("b"), when=only_if("a", Operator.EQUALS, "yes"))
        )
    )
    first.answer("a", "yes").answer("b", "yes").answer("a", "no")

    assert [e.question for e in carried(protocol(step("x", choice("a"), choice("b"))), [first.view])] == ["a"]


# How soon


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_danger_or_not_knowing_is_always_now(answer):
    walk = Walk(protocol(step("ask", choice("imminent")))).answer("imminent", answer)

    assert demanded_urgency([walk.view]) is Urgency.NOW


def test_without_danger_nothing_is_demanded():
    assert (
        demanded_urgency([Walk(protocol(step("ask", choice("imminent")))).answer("imminent", "no").view])
        is None
    )


def test_the_fastest_demand_counts():
    walk = Walk(
        protocol(
            step(
                "ask",
                choice("a", Consequence(("yes",), raise_urgency=Urgency.TODAY)),
                choice("b", Consequence(("yes",), raise_urgency=Urgency.SOON)),
            )
        )
    )

    assert demanded_urgency([walk.answer("a", "yes").view]) is Urgency.TODAY
    assert demanded_urgency([walk.answer("b", "yes").view]) is Urgency.SOON


@pytest.mark.parametrize(
    ("because", "demanded"), [("switch:r-a", Urgency.NOW), ("add:r-a", Urgency.NOW), ("chosen", None)]
)
def test_a_protocol_that_another_called_brings_its_own_urgency(because, demanded):
    assert demanded_urgency([Walk(protocol(urgency=Urgency.NOW), because).view]) is demanded


# Closing


def test_everything_that_stands_before_closing_is_named():
    told = Consequence(("yes",), escalate="safeguarding_lead")
    sheet = protocol(
        step("ask", choice("a", told)), step("more", choice("b")), step("free"), close_requires=("b",)
    )
    walk = Walk(sheet).answer("a", "yes")

    assert blockers(walk, decided=False, unsettled=2) == (
        "No decision yet: choose an action, or “no action” with a reason.",
        "2 decisions are unsettled: finish or withdraw first.",
        "Sheet: step 2, “Do more”.",
        "Sheet: step 3, “Do free”.",
        "Tell the safeguarding lead, because you said: Yes.",
    )
    walk.answer("b", "no").skip("free")
    assert blockers(walk, escalated_to=["safeguarding_lead"]) == ()


def test_a_question_that_closing_requires_blocks_even_where_its_step_does_not():
    sheet = protocol(step("end", choice("b", required=False)), close_requires=("b",))

    assert blockers(Walk(sheet).tick("end")) == ("Sheet: “b?” is not answered.",)
    assert blockers(Walk(sheet).answer("b", "no")) == ()
    assert blockers(Walk(sheet).skip("end")) == ()


def test_answering_in_one_run_serves_the_other_runs_of_the_case():
    first = Walk(protocol(step("x", choice("b", required=False)), close_requires=("b",))).tick("x")
    second = Walk(protocol(step("x", choice("b")), id="second")).answer("b", "no")

    assert blockers(first, second) == ()


def test_a_run_that_was_to_be_taken_over_blocks_until_the_other_is_there():
    walk = Walk(protocol(step("ask", choice("a", Consequence(("yes",), switch_to="other")))))

    assert blockers(walk.answer("a", "yes")) == ("Start “other”, because you said: Yes.",)
    assert blockers(walk, Walk(protocol(step("do"), id="other"))) == ("Other: step 1, “Do do”.",)
    assert blockers(walk, startable=()) == ()


def test_an_added_protocol_blocks_where_it_can_be_started():
    walk = Walk(protocol(step("ask", choice("a", Consequence(("yes",), add_protocol="other"))))).answer(
        "a", "yes"
    )

    assert blockers(walk) == ()
    assert blockers(walk, startable=("other",)) == ("Start “other”, because you said: Yes.",)


# Answers


@pytest.mark.parametrize(
    ("question", "values", "complaint"),
    [
        (choice("a"), (), "needs an answer"),
        (choice("a"), ("  ",), "needs an answer"),
        (choice("a"), ("yes", "no"), "takes one answer"),
        (choice("a"), ("maybe",), "“maybe” is not an answer"),
        (Question("n", "n?", QuestionType.INTEGER), ("three",), "needs a whole number."),
        (Question("n", "n?", QuestionType.INTEGER, minimum=1), ("0",), "1 or more"),
        (Question("n", "n?", QuestionType.INTEGER, maximum=9), ("10",), "9 or less"),
        (Question("n", "n?", QuestionType.INTEGER), ("9" * 5000,), "needs a whole number"),
        (Question("t", "t?", QuestionType.DATETIME), ("tomorrow",), "with its zone"),
        (Question("t", "t?", QuestionType.DATETIME), ("2026-11-23T09:00",), "with its zone"),
        (Question("t", "t?", QuestionType.DATETIME), (f"{NOT_NEEDED}: ",), "and the reason"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_what_would(question, values, complaint):
    with pytest.raises(NotAllowed) as caught:
        checked(question, values)

    assert complaint in caught.value.what
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("question", "values", "stored"),
    [
        (choice("a"), ["yes"], ("yes",)),
        (choice("a", multiple=True), ["yes", "no", "yes"], ("yes", "no")),
        (Question("n", "n?", QuestionType.INTEGER, minimum=1, maximum=9), ["9"], ("9",)),
        (Question("t", "t?", QuestionType.DATETIME), ["2026-11-23T09:00+00:00"], ("2026-11-23T09:00+00:00",)),
        (
            Question("t", "t?", QuestionType.DATETIME),
            [f"{NOT_NEEDED}: all well"],
            (f"{NOT_NEEDED}: all well",),
        ),
        (Question("x", "x?", QuestionType.TEXT), ["anything"], ("anything",)),
    ],
)
def test_an_answer_that_fits_is_stored(question, values, stored):
    assert checked(question, values) == stored


# Whatever is answered, in whatever order

_NAMES = ("imminent", "q1", "q2", "q3", "q4", "q5")


@st.composite
def sheets(draw: st.DrawFn) -> ReviewProtocol:
    names = draw(st.permutations(_NAMES))
    steps: list[Step] = []
    asked: list[str] = []
    for number, name in enumerate(names):
        when = None
        if asked and draw(st.booleans()):
            when = only_if(
                draw(st.sampled_from(asked)), draw(st.sampled_from([Operator.IN, Operator.NOT_EQUALS])), "yes"
            )
        consequences = []
        if draw(st.booleans()):
            consequences.append(Consequence(("no",), go_to=f"s{draw(st.integers(0, 7))}"))
        if draw(st.booleans()):
            consequences.append(
                draw(
                    st.sampled_from(
                        [
                            Consequence(("yes",), switch_to="other"),
                            Consequence(("unclear",), escalate="safeguarding_lead"),
                            Consequence(("unclear",), raise_urgency=Urgency.TODAY),
                        ]
                    )
                )
            )
        steps.append(
            step(f"s{number}", choice(name, *consequences), when=when, emergency=draw(st.booleans()))
        )
        asked.append(name)
    return protocol(*steps, close_requires=(draw(st.sampled_from(_NAMES)),))


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    walk = Walk(draw(sheets()))
    for _ in range(draw(st.integers(0, 10))):
        number = draw(st.integers(0, len(walk.sheet.steps) - 1))
        id, question = f"s{number}", walk.sheet.steps[number].questions[0].id
        match draw(st.integers(0, 5)):
            case 0:
                walk.skip(id)
            case 1:
                walk.tick(id)
            case 2:
                walk.untick(id)
            case _:
                walk.answer(question, draw(st.sampled_from(["yes", "unclear", "no"])))
    return walk


@given(walks())
def test_danger_or_not_knowing_is_now_in_every_walk(walk):
    answer = walk.view.answers.get("imminent")

    if answer is not None and answer.values[0] in ("yes", "unclear"):
        assert demanded_urgency([walk.view]) is Urgency.NOW


@given(walks())
def test_no_answer_is_ever_lost(walk):
    shown = walk.view
    answered = [event for event in walk.run.events if event.question]

    live = [answer.values for answer in shown.answers.values()]
    assert len(live) + len(shown.superseded) == len(answered)
    assert all(event in answered for event in shown.superseded)
    for id, answer in shown.answers.items():
        last = [event for event in answered if event.question == id][-1]
        assert answer.values == last.values


@given(walks())
def test_every_walk_keeps_its_order_and_has_one_current_step_at_most(walk):
    shown = walk.view
    order = [s.id for s in walk.sheet.steps]

    assert [order.index(s.step.id) for s in shown.steps] == sorted(
        order.index(s.step.id) for s in shown.steps
    )
    assert [s.number for s in shown.steps] == list(range(1, len(shown.steps) + 1))
    assert sum(s.state is StepState.CURRENT for s in shown.steps) <= 1
    unfinished = [s for s in shown.steps if s.state in (StepState.CURRENT, StepState.TODO)]
    assert not unfinished or unfinished[0].state is StepState.CURRENT


@given(walks())
def test_until_another_protocol_takes_over_every_emergency_step_is_there(walk):
    shown = walk.view
    last = [s.id for s in walk.sheet.steps].index(shown.steps[-1].step.id) if shown.switched_to else None

    wanted = {s.id for s in walk.sheet.steps[: None if last is None else last + 1] if s.emergency}
    assert wanted <= {s.step.id for s in shown.steps}


@given(walks())
def test_a_walk_that_can_be_closed_answered_or_skipped_all_it_showed(walk):
    if not blockers(walk, escalated_to=["safeguarding_lead"]):
        shown = walk.view
        assert not shown.switched_to
        assert all(s.state in (StepState.DONE, StepState.SKIPPED) for s in shown.steps)


@given(walks())
def test_carrying_into_the_same_protocol_gives_the_same_answers(walk):
    events = carried(walk.sheet, [walk.view])
    again = view(walk.sheet, Run("r-b", walk.sheet.id, walk.sheet.hash, START, "chosen", events))

    assert {id: a.values for id, a in again.answers.items()} == {
        id: a.values for id, a in walk.view.answers.items()
    }


def test_a_number_is_kept_in_its_one_form_so_that_conditions_mean_the_number() -> None:
    many = Question("many", "How many?", QuestionType.INTEGER)

    assert checked(many, ["05"]) == ("5",)
    assert checked(many, [" +5 "]) == ("5",)
    assert checked(many, ["-0"]) == ("0",)


def test_a_signature_is_due_when_its_condition_holds_and_not_once_another_protocol_took_over() -> None:
    signed = SignOff("safeguarding_lead", only_if("changed", Operator.IN, "yes", "unclear"))
    over = choice("imminent", Consequence(("yes",), switch_to="other"))
    sheet = replace(protocol(step("change", choice("changed")), step("danger", over)), sign_off=signed)

    assert sign_off_due(Walk(sheet).view) is None
    assert sign_off_due(Walk(sheet).answer("changed", "no").view) is None
    assert sign_off_due(Walk(sheet).answer("changed", "unclear").view) == signed
    assert sign_off_due(Walk(sheet).answer("changed", "yes").answer("imminent", "yes").view) is None
    assert sign_off_due(Walk(replace(sheet, sign_off=SignOff("buddy"))).view) == SignOff("buddy")
