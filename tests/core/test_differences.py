"""What changed between two versions is said in words, what may matter to safety first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from modconsole.core.actions import Action
from modconsole.core.differences import Bundled, Difference, DifferenceKind, differences, marked
from modconsole.core.protocol import (
    Change,
    Channel,
    Consequence,
    Escalation,
    Governance,
    Operator,
    Option,
    ProtocolStatus,
    Question,
    QuestionType,
    Resource,
    ReviewProtocol,
    SignOff,
    Step,
    Style,
    Template,
    Test,
    When,
)
from modconsole.core.urgency import Urgency

OPTIONS = (Option("yes", "Yes"), Option("unclear", "Unclear"), Option("no", "No"))
TELLS = Consequence(("yes", "unclear"), escalate="safeguarding_lead", raise_urgency=Urgency.NOW)
SAFE = Question(
    "safe", "Is anyone in danger?", QuestionType.CHOICE, required=True, options=OPTIONS, safety=True
)
SAFE = replace(SAFE, on_answer=(TELLS,))
TOLD = Question("told", "Was the member told?", QuestionType.TEXT, required=True)
UNCLEAR = When((Test("safe", Operator.IN, ("yes", "unclear")),))

OLD = ReviewProtocol(
    "calm",
    "A calm sheet",
    "1.0.0",
    ProtocolStatus.DRAFT,
    Style.DO_CONFIRM,
    Urgency.SOON,
    "When a test needs one.",
    (
        Step("panel", "Open the panel.", emergency=True),
        Step("look", "Look at it.", why="Because.", questions=(SAFE,)),
        Step("write", "Write to them.", actions=(Action.MESSAGE_MEMBER,), templates=("hello",)),
        Step("check", "Check the replies.", when=UNCLEAR),
        Step("close", "Close it.", questions=(TOLD,)),
    ),
    (Action.KEEP, Action.MESSAGE_MEMBER),
    ("told",),
    Governance(
        "safeguarding_lead",
        date(2027, 5, 1),
        ("NSPA",),
        (Change("1.0.0", date(2026, 11, 22), "author", "First"),),
    ),
    "a" * 64,
    look_for=("A sign",),
    do_not=("Promise secrecy",),
    sign_off=SignOff("safeguarding_lead"),
    follow_up_after="24h",
    age_bands=("adult", "unknown"),
    jurisdictions=("GB",),
    escalations=(Escalation("lead", "safeguarding_lead", "15 min", "Ring.", "I need you now."),),
)
HELLO = Template(
    "hello", "1", "Always", "private", "Hi {member_name}. Please ring 999 now. Write back.", ("member_name",)
)
LINE = Resource("line", "A line", "listening", ("crisis",), (Channel("phone", "0113 496 0000"),), ("GB",))


def changed(**more: Any) -> ReviewProtocol:
    return replace(OLD, **{"hash": "b" * 64, "version": "1.1.0", **more})


def with_step(id: str, **more: Any) -> ReviewProtocol:
    return changed(steps=tuple(replace(step, **more) if step.id == id else step for step in OLD.steps))


def with_question(**more: Any) -> ReviewProtocol:
    return with_step("look", questions=(replace(SAFE, **more),))


def told(new: ReviewProtocol, *bundles: Bundled) -> list[Difference]:
    return [one for one in differences(OLD, new, *bundles) if not one.words.startswith("The version is")]


def words(new: ReviewProtocol, *bundles: Bundled) -> list[str]:
    return [one.words for one in told(new, *bundles)]


def test_the_same_text_has_no_differences_whatever_its_status_and_approvals():
    assert differences(OLD, replace(OLD, status=ProtocolStatus.APPROVED)) == ()


# Safety

GRAVE = {
    "an answer no longer tells the lead": (
        with_question(
            on_answer=(replace(TELLS, values=("yes",)), Consequence(("unclear",), raise_urgency=Urgency.NOW))
        ),
        "No longer after “Unclear” to “Is anyone in danger?”: tell the safeguarding lead",
    ),
    "an answer no longer makes it urgent": (
        with_question(on_answer=(replace(TELLS, raise_urgency=None),)),
        "No longer after “Yes” or “Unclear” to “Is anyone in danger?”: the urgency becomes at least now",
    ),
    "unclear leads elsewhere": (
        with_question(on_answer=(TELLS, Consequence(("unclear",), go_to="close"))),
        "New after “Unclear” to “Is anyone in danger?”: go on at “Close it.”",
    ),
    "an answer switches": (
        with_question(on_answer=(TELLS, Consequence(("no",), switch_to="other"))),
        "New after “No” to “Is anyone in danger?”: go over to the protocol “other”",
    ),
    "a step becomes conditional": (
        with_step("write", when=UNCLEAR),
        "It is shown only when you say “Yes” or “Unclear” to “Is anyone in danger?”; it was always shown.",
    ),
    "a condition gets narrower": (
        with_step("check", when=When((Test("safe", Operator.EQUALS, ("yes",)),))),
        "It is shown only when you say “Yes” to “Is anyone in danger?”; "
        "it was shown when you say “Yes” or “Unclear” to “Is anyone in danger?”.",
    ),
    "the urgency": (changed(urgency=Urgency.TODAY), "The urgency is today, was soon."),
    "no emergency step": (with_step("panel", emergency=False), "It is no longer an emergency step."),
    "the emergency step goes": (changed(steps=OLD.steps[1:]), "The step was taken out."),
    "the emergency step moves": (
        changed(steps=(OLD.steps[1], OLD.steps[0], *OLD.steps[2:])),
        "The step comes first now.",
    ),
    "no safety question any more": (
        with_question(safety=False),
        "“Is anyone in danger?” is no longer a safety question.",
    ),
    "unclear cannot be said any more": (
        with_question(options=(OPTIONS[0], OPTIONS[2])),
        "“Is anyone in danger?” can no longer be answered “Unclear”.",
    ),
    "closing asks less": (
        changed(close_requires=()),
        "Closing no longer requires an answer to “Was the member told?”.",
    ),
    "nobody signs": (
        changed(sign_off=None),
        "Nobody signs afterwards. Before: The safeguarding lead signs afterwards.",
    ),
    "the next look is later": (
        changed(follow_up_after="2d"),
        "The usual time to the next look is 2 days, was 24 hours.",
    ),
    "a warning goes": (changed(do_not=()), "Do not: “Promise secrecy” was taken out."),
    "an age goes": (changed(age_bands=("adult",)), "It is for adults; it was for adults and age not known."),
    "more time to tell": (
        changed(escalations=(replace(OLD.escalations[0], within="1 h"),)),
        "Time allowed: 1 h; was: 15 min.",
    ),
}


@pytest.mark.parametrize("what", GRAVE)
def test_what_may_matter_to_safety_is_told_first_and_marked(what: str):
    new, said = GRAVE[what]
    found = told(replace(new, title="Another title"))

    assert said in [one.words for one in found if one.is_safety]
    assert [one.is_safety for one in found] == sorted((one.is_safety for one in found), reverse=True)
    assert not found[-1].is_safety


def test_how_a_file_groups_its_answers_is_no_difference():
    apart = (
        replace(TELLS, values=("unclear",)),
        replace(TELLS, values=("yes",), raise_urgency=None),
        replace(TELLS, values=("yes",)),
    )

    assert words(with_question(on_answer=apart)) == []


def test_the_order_of_conditions_and_of_their_values_is_no_difference():
    assert (
        words(with_step("check", when=When((Test("safe", Operator.IN, ("unclear", "yes")),), any=True))) == []
    )


# The rest


def test_a_step_is_told_as_added_removed_moved_or_reworded_with_both_wordings():
    new_step = Step("greet", "Say hello.", when=UNCLEAR)
    look, write, close = OLD.steps[1], replace(OLD.steps[2], text="Write to the member."), OLD.steps[4]
    found = told(changed(steps=(OLD.steps[0], write, look, new_step, close)))

    assert [(one.kind, one.where, one.words) for one in found] == [
        (DifferenceKind.STEP, "the old step 4, “Check the replies.”", "The step was taken out."),
        (
            DifferenceKind.STEP,
            "step 4, “Say hello.”",
            "The step is new, shown when you say “Yes” or “Unclear” to “Is anyone in danger?”.",
        ),
        (
            DifferenceKind.STEP,
            "step 2, “Write to the member.”",
            "The step comes after “Open the panel.” now.",
        ),
        (DifferenceKind.STEP, "step 2, “Write to the member.”", "The step is worded differently."),
    ]
    assert (found[-1].before, found[-1].after) == ("Write to them.", "Write to the member.")


def test_a_question_that_goes_takes_what_followed_from_it_along():
    found = told(with_step("look", questions=()))

    assert [one.words for one in found] == [
        "The question “Is anyone in danger?” was taken out.",
        "No longer after “Yes” or “Unclear” to “Is anyone in danger?”: tell the safeguarding lead",
        "No longer after “Yes” or “Unclear” to “Is anyone in danger?”: the urgency becomes at least now",
    ]
    assert all(one.is_safety for one in found)


def test_a_message_is_compared_sentence_by_sentence():
    new = replace(HELLO, body="Hi {member_name}. Please ring 112 now. Write back. We read it.")
    found = told(changed(), Bundled({"hello": HELLO}), Bundled({"hello": new}))

    assert [(one.words, one.before, one.after) for one in found] == [
        ("It is worded differently.", "Please ring 999 now.", "Please ring 112 now."),
        ("It says as well:", "", "We read it."),
    ]
    assert {one.where for one in found} == {"message “hello”"}


def test_a_service_that_is_reached_differently_is_told_and_when_it_was_checked_is_not():
    new = replace(LINE, channels=(Channel("phone", "0113 496 0001"),), verified_on=date(2026, 11, 1))
    found = told(changed(), Bundled({}, (LINE,)), Bundled({}, (new,)))

    assert [(one.words, one.before, one.after) for one in found] == [
        ("“A line” is reached differently.", "0113 496 0000", "0113 496 0001")
    ]


def test_who_answers_for_it_comes_last():
    change = Change("1.1.0", date(2026, 12, 1), "author", "Shorter")
    governance = replace(
        OLD.governance, owner_role="clinical_lead", changes=(change, *OLD.governance.changes)
    )
    found = differences(
        OLD, changed(governance=governance, title="New"), Bundled({}, more={"privacy": "Old"}), Bundled({})
    )

    assert [one.words for one in found] == [
        "The title is worded differently.",
        "Owner role is clinical lead, was safeguarding lead.",
        "Change noted for 1.1.0 (2026-12-01, author): Shorter",
        "Privacy was taken out.",
        "The version is 1.1.0, was 1.0.0.",
    ]


def test_a_changed_text_under_the_same_version_is_named():
    assert differences(OLD, changed(version="1.0.0", title="New"))[-1].words == "The version is 1.0.0 still."


def test_texts_that_differ_in_nothing_a_reader_sees_are_not_called_the_same():
    found = differences(OLD, changed(version="1.0.0"))

    assert [one.words for one in found] == [
        "The two are written differently, and nothing that a reader would see has changed."
    ]


def test_other_protocols_are_named_by_their_titles():
    new = with_question(on_answer=(TELLS, Consequence(("yes",), add_protocol="other", unless_running=True)))
    found = differences(OLD, new, naming=lambda id: f"The sheet {id}")

    assert found[0].words.endswith(": begin “The sheet other” as well, unless it was begun already")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "Please ring 999 now.",
            "Please ring 112 now.",
            ("Please ring ‹999› now.", "Please ring ‹112› now."),
        ),
        ("Ring them", "Ring them today", ("Ring them", "Ring them ‹today›")),
        (
            "One thing.",
            "Quite another matter altogether.",
            ("One thing.", "Quite another matter altogether."),
        ),
        ("", "New", ("", "New")),
    ],
)
def test_the_words_that_differ_are_marked_where_enough_is_the_same(before, after, expected):
    assert marked(before, after) == expected
