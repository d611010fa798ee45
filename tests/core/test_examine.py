"""Every rule of the check finds the defect it is for, planted in a protocol that is otherwise good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from modconsole.core.actions import Action
from modconsole.core.examine import circles, examine
from modconsole.core.findings import Finding, Level, Neighbour, Place
from modconsole.core.protocol import (
    Approval,
    Operator,
    ProtocolStatus,
    Question,
    QuestionType,
    ReviewProtocol,
    SignOff,
    Step,
    Template,
    Test,
    UsedFor,
    When,
)
from modconsole.core.urgency import Urgency
from modconsole.core.wording import template_wording
from tests.core.sheets import (
    AGE,
    CHILD_BANDS_AND_UNKNOWN,
    CLOSING,
    FOLLOW_UP_AT,
    GOOD,
    IMMINENT,
    MEMBER_TOLD,
    SEEN,
    TODAY,
    ask,
    on,
    sheet,
    step,
    when,
    with_step,
)

NEIGHBOURS = {
    "danger": Neighbour("Danger", Urgency.NOW, UsedFor.CASE),
    "other": Neighbour("Another", Urgency.ROUTINE, UsedFor.CASE),
    "shift": Neighbour("A shift", Urgency.ROUTINE, UsedFor.SHIFT),
}
TEMPLATES = {
    "young": Template("young", "1", "Always.", "private", "Hi.", (), age_bands=("u13",)),
    "irish": Template("irish", "1", "Always.", "private", "Hi.", (), jurisdictions=("IE",)),
    "elsewhere": Template("elsewhere", "1", "Always.", "private", "Hi.", (), never_with=("calm",)),
    "english": Template("english", "1", "Always.", "private", "Hi.", (), jurisdictions=("GB-ENG",)),
}


def found(protocol: ReviewProtocol) -> list[Finding]:
    return examine(protocol, NEIGHBOURS, TEMPLATES, TODAY)


def rules(protocol: ReviewProtocol) -> list[tuple[str, str]]:
    return [(finding.level.value, finding.rule) for finding in found(protocol)]


def governed(**changes) -> ReviewProtocol:
    return replace(GOOD, governance=replace(GOOD.governance, **changes))


def look(*questions: Question, **more) -> ReviewProtocol:
    """Give a protocol that begins with these questions."""
    return sheet(step("look", *questions, actions=(Action.KEEP,), **more), CLOSING)


def test_a_good_protocol_has_no_findings():
    assert found(GOOD) == []


CHILD = step("child", when=when("age", *CHILD_BANDS_AND_UNKNOWN))
APPROVED = replace(GOOD, status=ProtocolStatus.APPROVED)
SIGNED = (Approval("safeguarding_lead", "A. Lead", TODAY, GOOD.hash),)

PLANTED: dict[str, tuple[ReviewProtocol, str, str]] = {
    "no step offers an action": (
        sheet(step("look"), CLOSING),
        "error",
        "path-without-outcome",
    ),
    "an action that may not be decided": (
        sheet(step("look", actions=(Action.REMOVE,)), CLOSING),
        "error",
        "path-without-outcome",
    ),
    "an outcome on one side only": (
        sheet(
            step("look", ask("a")),
            step("act", when=when("a", "yes", "unclear"), actions=(Action.HIDE,)),
            CLOSING,
        ),
        "error",
        "path-without-outcome",
    ),
    "the member is not told on one side": (
        sheet(
            step("look", ask("a"), actions=(Action.KEEP,)),
            step("tell", MEMBER_TOLD, when=when("a", "yes", "unclear")),
            step("end", FOLLOW_UP_AT),
        ),
        "error",
        "path-without-message-decision",
    ),
    "the member need not be told": (
        sheet(step("look", replace(MEMBER_TOLD, required=False), FOLLOW_UP_AT, actions=(Action.KEEP,))),
        "error",
        "path-without-message-decision",
    ),
    "a jump over the follow-up": (
        sheet(
            step("look", ask("a", on("no", go_to="end")), actions=(Action.KEEP,)),
            step("again", FOLLOW_UP_AT),
            step("end", MEMBER_TOLD),
        ),
        "error",
        "path-without-follow-up",
    ),
    "a follow-up that is no time": (
        sheet(
            step("look", MEMBER_TOLD, replace(FOLLOW_UP_AT, type=QuestionType.TEXT), actions=(Action.KEEP,))
        ),
        "error",
        "path-without-follow-up",
    ),
    "a step nobody can reach": (
        with_step(
            "reply",
            when=When((Test("seen", Operator.EQUALS, ("yes",)), Test("seen", Operator.EQUALS, ("no",)))),
        ),
        "error",
        "unreachable-step",
    ),
    "a step that is always jumped over": (
        sheet(
            step(
                "look",
                ask("a", on("yes", "unclear", "no", go_to="end"), required=True),
                actions=(Action.KEEP,),
            ),
            step("middle", when=when("a", "yes")),
            step("end", MEMBER_TOLD, FOLLOW_UP_AT),
        ),
        "error",
        "unreachable-step",
    ),
    "a sign-off that never comes": (
        replace(
            look(Question("days", "How many days?", QuestionType.INTEGER, maximum=5)),
            sign_off=SignOff("safeguarding_lead", when("days", "9", operator=Operator.GT)),
        ),
        "error",
        "unreachable-condition",
    ),
    "a handover that a later line overrides": (
        look(ask("a", on("yes", "unclear", switch_to="danger"), on("yes", "unclear", switch_to="other"))),
        "error",
        "unreachable-consequence",
    ),
    "unclear that does nothing": (
        look(ask("a", on("yes", escalate="safeguarding_lead"))),
        "error",
        "unclear-not-cautious",
    ),
    "unclear that is slower": (
        look(ask("a", on("yes", raise_urgency=Urgency.NOW), on("unclear", raise_urgency=Urgency.SOON))),
        "error",
        "unclear-not-cautious",
    ),
    "unclear that does not hand over": (
        look(ask("a", on("yes", switch_to="danger"), on("unclear", raise_urgency=Urgency.NOW))),
        "error",
        "unclear-not-cautious",
    ),
    "unclear that hides a step": (
        sheet(step("look", ask("a"), actions=(Action.KEEP,)), step("act", when=when("a", "yes")), CLOSING),
        "error",
        "unclear-not-cautious",
    ),
    "unclear that jumps over a step": (
        sheet(
            step("look", ask("a", on("unclear", go_to="closing")), actions=(Action.KEEP,)),
            step("act"),
            CLOSING,
        ),
        "error",
        "unclear-not-cautious",
    ),
    "unclear that tells fewer people than a third answer": (
        look(
            ask("a", on("maybe", escalate="clinical_lead"), values=("maybe", "unclear", "never")),
        ),
        "error",
        "unclear-not-cautious",
    ),
    "a safety question that may be left out": (
        look(ask("a", required=False)),
        "warning",
        "safety-not-required",
    ),
    "an emergency step that comes second": (
        sheet(step("look", actions=(Action.KEEP,)), step("ring", emergency=True), CLOSING),
        "error",
        "emergency-gated",
    ),
    "a child step without unknown": (
        with_step("child", when=when("age", "u13", "13_15", "16_17")),
        "error",
        "age-unknown-is-child",
    ),
    "a step for every age but unknown": (
        with_step("child", when=when("age", "u13", "13_15", "16_17", "adult")),
        "error",
        "age-unknown-is-child",
    ),
    "an adult step that takes in unknown": (
        with_step("child", when=when("age", "adult", "unknown")),
        "error",
        "age-unknown-is-child",
    ),
    "a consequence for children without unknown": (
        with_step(
            "opening",
            questions=(IMMINENT, replace(AGE, on_answer=(on("u13", escalate="safeguarding_lead"),))),
        ),
        "error",
        "age-unknown-is-child",
    ),
    "a question about age without unknown": (
        sheet(step("opening", ask("age", values=("u13", "adult")), actions=(Action.KEEP,)), CLOSING),
        "error",
        "age-unknown-is-child",
    ),
    "ten steps": (
        sheet(*(step(f"s{n}", actions=(Action.KEEP,)) for n in range(9)), CLOSING),
        "warning",
        "too-long",
    ),
    "thirteen steps": (
        sheet(*(step(f"s{n}", actions=(Action.KEEP,)) for n in range(12)), CLOSING),
        "error",
        "too-long",
    ),
    "conditions four deep": (
        sheet(
            step("s0", ask("q0", values=("a", "b")), actions=(Action.KEEP,)),
            *(
                step(f"s{n}", ask(f"q{n}", values=("a", "b")), when=when(f"q{n - 1}", "a"))
                for n in range(1, 5)
            ),
            CLOSING,
        ),
        "error",
        "nested-too-deep",
    ),
    "a handover to what is for no case": (
        look(ask("a", on("yes", "unclear", add_protocol="shift"))),
        "error",
        "leads-off-the-case",
    ),
    "unless_running beside nothing to run": (
        look(ask("a", on("yes", "unclear", escalate="safeguarding_lead", unless_running=True))),
        "warning",
        "unless-running-alone",
    ),
    "approved by nobody": (APPROVED, "error", "approved-without-approval"),
    "approved in another form": (
        replace(APPROVED, governance=replace(GOOD.governance, approvals=SIGNED), hash="1" * 64),
        "error",
        "approved-without-approval",
    ),
    "approved and expired": (
        replace(
            APPROVED,
            governance=replace(
                GOOD.governance, approvals=SIGNED, review_by=date(2026, 11, 1), overdue_grace_days=10
            ),
        ),
        "error",
        "approved-but-expired",
    ),
    "in force after its review": (governed(effective_from=date(2027, 6, 1)), "error", "never-in-force"),
    "a review far off": (governed(review_by=date(2028, 11, 23)), "warning", "review-too-far"),
    "no evidence": (governed(evidence=()), "warning", "no-evidence"),
    "nothing to look for": (replace(GOOD, look_for=()), "warning", "nothing-to-look-for"),
    "a step without a reason": (with_step("look", why=""), "warning", "missing-why"),
    "a wordy step": (with_step("look", text="Look " * 16), "warning", "wordy"),
    "a wordy question": (
        with_step("look", questions=(replace(SEEN, text="why " * 16),)),
        "warning",
        "wordy",
    ),
    "a wordy title": (replace(GOOD, title="calm " * 13), "warning", "wordy"),
    "a template that says never here": (
        with_step("look", templates=("elsewhere",)),
        "warning",
        "template-never-here",
    ),
    "a template for another age": (
        with_step("look", templates=("young",)),
        "warning",
        "template-does-not-fit",
    ),
    "a template for another place": (
        with_step("look", templates=("irish",)),
        "warning",
        "template-does-not-fit",
    ),
    "a step that is no order": (with_step("look", text="The post has to go."), "advice", "begin-with-a-verb"),
    "a step that is a question": (with_step("look", text="Is it safe?"), "advice", "begin-with-a-verb"),
    "and/or": (with_step("look", text="Hide and/or edit it."), "advice", "and-or"),
    "the passive": (with_step("look", text="Check that it must be hidden."), "advice", "passive"),
    "jargon": (with_step("look", text="Utilise the guide."), "advice", "jargon"),
    "two nots": (with_step("look", text="Do not act unless asked."), "advice", "double-negative"),
    "a word to avoid": (
        with_step("look", text="Say that they violated a rule."),
        "advice",
        "wording-to-avoid",
    ),
    "another, with another apostrophe": (
        with_step("look", text="Say: don’t worry."),
        "advice",
        "wording-to-avoid",
    ),
}


@pytest.mark.parametrize("defect", PLANTED)
def test_a_planted_defect_is_found_and_nothing_else(defect: str):
    protocol, level, rule = PLANTED[defect]

    assert set(rules(protocol)) == {(level, rule)}


def test_too_many_ways_are_an_error_and_not_a_hang():
    steps = [step(f"s{n}", ask(f"q{n}", safety=False)) for n in range(20)]
    tests = tuple(Test(f"q{n}", Operator.EQUALS, ("yes",)) for n in range(20))
    protocol = sheet(*steps, step("all", when=When(tests), actions=(Action.KEEP,)), CLOSING)

    told = [rule for _, rule in rules(protocol)]

    assert "too-many-paths" in told
    assert "unreachable-step" not in told  # it may be on one of the ways not gone


def test_what_goes_wrong_is_told_at_the_answer_that_leads_there_and_once():
    look, act = step("look", ask("a")), step("act", when=when("a", "yes", "unclear"), actions=(Action.HIDE,))
    child = step("child", when=when("age", *CHILD_BANDS_AND_UNKNOWN))
    (finding,) = found(sheet(look, act, step("opening", AGE), child, CLOSING))

    assert finding.rule == "path-without-outcome"
    assert finding.place == Place("look", "a")
    assert finding.found.endswith(" after a: no")


def test_where_it_takes_two_answers_both_are_named():
    first = (
        step("first", ask("a", values=("x", "y"))),
        step("one", when=when("a", "x"), actions=(Action.HIDE,)),
    )
    second = (
        step("second", ask("b", values=("x", "y"))),
        step("two", when=when("b", "x"), actions=(Action.HIDE,)),
    )
    (finding,) = found(sheet(*first, *second, CLOSING))

    assert finding.place == Place("second", "b")
    assert finding.found.endswith(" after a: y, b: y")


def test_what_goes_wrong_on_every_path_is_told_of_the_protocol():
    (finding,) = found(sheet(*GOOD.steps[:-1], step("end", FOLLOW_UP_AT)))

    assert finding.rule == "path-without-message-decision"
    assert finding.place == Place(keys=("close_requires",))
    assert "after" not in finding.found


def test_a_path_that_hands_over_need_not_decide_tell_or_come_back():
    question = ask("a", on("yes", "unclear", "no", switch_to="danger"))

    assert "path-without-outcome" in [
        rule for _, rule in rules(sheet(step("look", question)))
    ]  # it may be skipped
    assert all("skipped" in finding.found for finding in found(sheet(step("look", question))))


def test_what_a_skipped_question_would_have_suggested_is_an_outcome():
    suggest = (on("yes", "unclear", suggest_action=Action.HIDE), on("no", suggest_action=Action.KEEP))

    assert rules(sheet(step("look", ask("a", *suggest)), CLOSING)) == []


def test_a_suggestion_on_one_side_is_no_outcome_on_the_other():
    steps = step("look", ask("a", on("yes", "unclear", suggest_action=Action.HIDE))), CLOSING

    assert ("error", "path-without-outcome") in rules(sheet(*steps))


@pytest.mark.parametrize("used_for", [UsedFor.SHIFT, UsedFor.SELF])
def test_what_is_for_no_case_needs_no_decision_message_or_follow_up(used_for: UsedFor):
    assert rules(sheet(step("look"), used_for=used_for)) == []


@pytest.mark.parametrize(
    "consequences",
    [
        [on("yes", "unclear", escalate="safeguarding_lead")],
        [on("unclear", switch_to="danger"), on("yes", raise_urgency=Urgency.SOON)],
        [on("no", "unclear", escalate="safeguarding_lead"), on("yes", show_notice="Good.")],
        [
            on("yes", add_protocol="danger"),
            on("unclear", add_protocol="danger"),
            on("unclear", escalate="buddy"),
        ],
        [on("yes", switch_to="other"), on("unclear", "no", switch_to="danger")],
        [on("yes", "no", "unclear", go_to="closing")],
    ],
)
def test_unclear_may_do_more_than_the_more_cautious_answer_and_need_not_do_what_the_calmer_does(consequences):
    protocol = sheet(step("look", ask("a", *consequences), actions=(Action.KEEP,)), step("middle"), CLOSING)

    assert "unclear-not-cautious" not in [rule for _, rule in rules(protocol)]


def test_what_another_protocol_is_worth_counts_as_urgency():
    slower = look(ask("a", on("yes", add_protocol="danger"), on("unclear", add_protocol="other")))
    (finding,) = found(slower)

    assert finding.rule == "unclear-not-cautious"
    assert "no urgency now" in finding.found


def test_a_calm_answer_may_have_a_step_of_its_own():
    protocol = sheet(
        step("look", ask("a", on("yes", "unclear", escalate="safeguarding_lead")), actions=(Action.KEEP,)),
        step("calm", when=when("a", "no")),
        CLOSING,
    )

    assert found(protocol) == []


def test_a_template_for_a_part_of_the_country_fits():
    assert found(with_step("look", templates=("english",))) == []


def test_a_condition_that_names_no_under_18_band_says_nothing_about_children():
    assert found(with_step("child", when=when("age", "adult"))) == []
    assert found(with_step("child", when=when("age", "unknown"))) == []
    assert found(with_step("child", when=when("age", "adult", operator=Operator.NOT_EQUALS))) == []


def test_emergency_steps_that_come_first_are_not_gated():
    steps: tuple[Step, ...] = (step("ring", emergency=True), step("say", emergency=True))

    assert found(sheet(*steps, *GOOD.steps, urgency=Urgency.NOW)) == []


# Circles


def leading(id: str, *consequences) -> ReviewProtocol:
    return sheet(step("look", ask("a", *consequences)), id=id)


def circles_of(*protocols: ReviewProtocol) -> dict[str, list[str]]:
    return {id: [f.found for f in those] for id, those in circles({p.id: p for p in protocols}).items()}


def test_protocols_that_lead_back_are_told_on_every_side():
    first = leading("first", on("yes", switch_to="second"))
    second = leading("second", on("yes", add_protocol="third"))
    third = leading("third", on("yes", switch_to="first"))

    assert circles_of(first, second, third) == {
        "first": ["a circle of protocols: first → second → third → first"],
        "second": ["a circle of protocols: second → third → first → second"],
        "third": ["a circle of protocols: third → first → second → third"],
    }


def test_a_protocol_that_is_begun_only_once_breaks_a_circle():
    first = leading("first", on("yes", switch_to="second"))
    second = leading("second", on("yes", add_protocol="first", unless_running=True))

    assert circles_of(first, second) == {}


def test_unless_running_breaks_no_circle_of_handovers():
    first = leading("first", on("yes", switch_to="second"))
    second = leading("second", on("yes", switch_to="first", unless_running=True))

    assert set(circles_of(first, second)) == {"first", "second"}


def test_a_protocol_that_leads_to_one_in_a_circle_is_in_none():
    first = leading("first", on("yes", switch_to="second"))
    second = leading("second", on("yes", switch_to="third"))
    third = leading("third", on("yes", switch_to="second"))

    assert set(circles_of(first, second, third)) == {"second", "third"}


# Messages


def test_a_message_with_a_word_to_avoid_gets_advice():
    template = Template("t", "1", "Always.", "private", "Unfortunately, your post was hidden.", ())

    assert [(f.level, f.rule, f.words) for f in template_wording(template)] == [
        (Level.ADVICE, "wording-to-avoid", "Unfortunately")
    ]


def test_every_planted_defect_comes_with_what_was_expected_and_a_place() -> None:
    make: Callable[[ReviewProtocol], list[Finding]] = found

    for protocol, _, _ in PLANTED.values():
        assert all(f.found and f.expected and f.place != Place() for f in make(protocol))
