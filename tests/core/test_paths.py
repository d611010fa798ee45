"""Every way through a protocol: each is one the console would show, and none is missed."""

from __future__ import annotations

import itertools

import pytest

from modconsole.core.paths import Path, walk
from modconsole.core.protocol import Operator, Option, Question, QuestionType, Test, When
from modconsole.core.urgency import Urgency
from tests.core.sheets import AGE, CLOSING, GOOD, ask, on, sheet, step, when


def shown(*steps, **more) -> list[tuple[str, ...]]:
    return [path.steps for path in walk(sheet(*steps, **more)).paths]


def test_a_protocol_without_branches_has_one_path():
    assert shown(step("look"), step("act", ask("seen"))) == [("look", "act")]


def test_a_condition_makes_a_path_for_each_side_of_it():
    steps = step("look", ask("seen")), step("act", when=when("seen", "yes", "unclear")), step("end")

    assert shown(*steps) == [("look", "act", "end"), ("look", "end")]


def test_answers_that_do_the_same_are_one_choice():
    walked = walk(sheet(step("look", ask("seen")), step("act", when=when("seen", "yes", "unclear"))))

    assert [path.choices[0].alike for path in walked.paths] == [(("yes",), ("unclear",)), (("no",),)]


def test_a_skipped_step_is_a_path_where_it_shows_something_else():
    steps = step("look", ask("seen")), step("act", when=when("seen", "yes", "unclear", "no"))
    walked = walk(sheet(*steps))

    assert [(path.steps, path.skips) for path in walked.paths] == [
        (("look", "act"), False),
        (("look",), True),
    ]


def test_an_optional_question_may_be_left_out():
    question = ask("seen", values=("a", "b"), required=False)
    steps = step("look", question), step("act", when=when("seen", "true", operator=Operator.ANSWERED))

    assert [(path.steps, path.skips) for path in walk(sheet(*steps)).paths] == [
        (("look", "act"), False),
        (("look",), False),
    ]


def test_a_handover_ends_a_path_and_a_jump_shortens_it():
    steps = (
        step("look", ask("seen", on("yes", switch_to="other"), on("no", go_to="end"))),
        step("act"),
        step("end"),
    )
    paths = walk(sheet(*steps)).paths

    assert [(path.steps, path.switched_to) for path in paths] == [
        (("look",), "other"),
        (("look", "act", "end"), ""),
        (("look", "end"), ""),
    ]


def test_a_path_says_what_its_answers_set_in_motion():
    question = ask(
        "seen", on("yes", escalate="safeguarding_lead", raise_urgency=Urgency.NOW, add_protocol="other")
    )
    walked = walk(sheet(step("look", question), step("act", when=when("seen", "yes"))))
    first, second = walked.paths

    assert (first.roles, first.urgency, first.adds) == (("safeguarding_lead",), Urgency.NOW, ("other",))
    assert first.because == ("", "because you said: Yes")
    assert (second.roles, second.urgency, second.adds) == ((), None, ())


def test_imminent_demands_now_without_being_told_to():
    walked = walk(sheet(step("look", ask("imminent", on("yes", show_notice="Look.")))))

    assert walked.asides["imminent"][0].urgency is Urgency.NOW
    assert walked.asides["imminent"][0].alike == (("yes",), ("unclear",))


def test_questions_that_decide_nothing_are_counted_beside_the_paths():
    lines = [ask(f"q{n}", on("yes", escalate="safeguarding_lead")) for n in range(5)]
    walked = walk(sheet(*(step(f"s{n}", line) for n, line in enumerate(lines))))

    assert len(walked.paths) == 1
    assert walked.ways == 2**5


def test_a_multiple_choice_goes_by_what_its_combinations_do():
    question = ask("seen", values=("a", "b", "c", "d"), multiple=True, safety=False)
    steps = step("look", question), step("one", when=when("seen", "a")), step("two", when=when("seen", "b"))

    assert sorted(shown(*steps)) == [("look",), ("look", "one"), ("look", "one", "two"), ("look", "two")]


def test_an_equals_on_a_multiple_choice_means_that_answer_alone():
    question = ask("seen", values=("a", "b"), multiple=True, safety=False)
    steps = step("look", question), step("alone", when=when("seen", "a", operator=Operator.EQUALS))
    walked = walk(sheet(*steps))

    assert [path.choices[0].alike for path in walked.paths] == [(("a",),), (("b",), ("a", "b"))]


def test_numbers_are_tried_on_and_beside_every_border():
    question = Question("days", "How many days?", QuestionType.INTEGER, minimum=0, maximum=9)
    steps = (
        step("look", question),
        step("few", when=when("days", "3", operator=Operator.LT)),
        step("many", when=when("days", "7", operator=Operator.GT)),
    )

    assert sorted(shown(*steps)) == [("look",), ("look", "few"), ("look", "many")]


def test_a_number_that_its_limits_forbid_is_never_given():
    question = Question("days", "How many days?", QuestionType.INTEGER, minimum=0, maximum=5)
    steps = step("look", question), step("many", when=when("days", "7", operator=Operator.GT))

    assert shown(*steps) == [("look",)]


def test_a_question_in_a_hidden_step_decides_nothing():
    steps = (
        step("look", ask("seen")),
        step("more", ask("more"), when=when("seen", "yes")),
        step("act", when=when("more", "yes")),
    )

    assert shown(*steps) == [("look", "more", "act"), ("look", "more"), ("look",)]


def test_two_handovers_in_one_step_are_told_apart_as_the_console_does():
    both = step("look", ask("a", on("yes", switch_to="first")), ask("b", on("yes", switch_to="second")))
    paths = walk(sheet(both)).paths

    assert {tuple(c.values[0] for c in path.choices): path.switched_to for path in paths} == {
        ("yes", "yes"): "second",
        ("yes", "unclear"): "first",
        ("unclear", "yes"): "second",
        ("unclear", "unclear"): "",
    }


@pytest.mark.parametrize("limit", [1, 10, 100])
def test_too_many_ways_are_said_and_never_hang(limit: int):
    questions = [step(f"s{n}", ask(f"q{n}")) for n in range(40)]
    tests = tuple(Test(f"q{n}", Operator.EQUALS, ("yes",)) for n in range(40))
    walked = walk(sheet(*questions, step("all", when=When(tests))), limit)

    assert not walked.is_whole
    assert len(walked.paths) == limit


def test_a_very_long_protocol_stops_by_the_work_it_makes():
    questions = [step(f"s{n}", ask(f"q{n}")) for n in range(2000)]
    tests = tuple(Test(f"q{n}", Operator.EQUALS, ("yes",)) for n in range(2000))
    walked = walk(sheet(*questions, step("all", when=When(tests))))

    assert not walked.is_whole
    assert len(walked.longest.steps) >= 1


def test_a_multiple_choice_of_very_many_kinds_is_not_called_whole():
    values = [f"v{n}" for n in range(14)]
    question = ask("seen", values=values, multiple=True, safety=False)
    steps = [step(f"s{value}", when=when("seen", value)) for value in values]

    assert not walk(sheet(step("look", question), *steps), limit=5000).is_whole


def test_the_good_sheet_has_its_paths():
    walked = walk(GOOD)

    assert len(walked.paths) == 4
    assert walked.longest.steps == ("opening", "look", "reply", "child", "closing")
    assert walked.reached == {"opening", "look", "reply", "child", "closing"}


def test_the_same_question_twice_over_gives_every_combination():
    ages = step("opening", AGE, ask("seen"))
    steps = (
        ages,
        step("child", when=when("age", "u13", "unknown")),
        step("act", when=when("seen", "yes")),
        CLOSING,
    )
    wanted = {
        ("opening", *(["child"] if child else []), *(["act"] if act else []), "closing")
        for child, act in itertools.product([True, False], repeat=2)
    }

    assert set(shown(*steps)) == wanted


def test_an_option_that_is_only_named_in_a_notice_makes_no_path():
    question = Question(
        "seen",
        "Seen?",
        QuestionType.CHOICE,
        options=(Option("a", "A"), Option("b", "B")),
        on_answer=(on("a", show_notice="Look."),),
    )

    assert walk(sheet(step("look", question))).paths == (Path(("look",), ("",), ()),)
