"""The shipped protocols: what they promise on every path, and golden walks through each."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from modconsole.core.message import placeholders, unfilled
from modconsole.core.protocol import Question, QuestionType, ReviewProtocol, Style, Template
from modconsole.core.run import (
    Run,
    RunEvent,
    RunEventKind,
    RunView,
    StepState,
    carried,
    close_blockers,
    demanded_urgency,
    view,
)
from modconsole.core.urgency import Urgency
from modconsole.protocol_files import FileLibrary, shipped_folder

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
IDS = ("identifying-information", "suicide-immediate", "suicide-thoughts")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FileLibrary:
    return FileLibrary([shipped_folder()], tmp_path_factory.mktemp("kept"))


def get(library: FileLibrary, id: str) -> ReviewProtocol:
    protocol = library.get(id)
    assert protocol is not None
    return protocol


def begin(protocol: ReviewProtocol, because: str = "chosen", events: Sequence[RunEvent] = ()) -> Run:
    return Run("r-aaaaaaaa", protocol.id, protocol.hash, START, because, tuple(events))


def answered(protocol: ReviewProtocol, run: Run, **answers: str | list[str]) -> Run:
    """Answer questions; a key that is no question is a step to tick."""
    for key, value in answers.items():
        at = START + timedelta(seconds=len(run.events) + 1)
        values = tuple(value) if isinstance(value, list) else (value,)
        step = next((s.id for s in protocol.steps if any(q.id == key for q in s.questions)), "")
        event = (
            RunEvent(RunEventKind.ANSWERED, step, at, "ash", key, values)
            if step
            else RunEvent(RunEventKind.TICKED, key, at, "ash")
        )
        run = replace(run, events=(*run.events, event))
    return run


def seen(shown: RunView) -> list[str]:
    return [step.step.id for step in shown.steps]


def notices(shown: RunView) -> list[str]:
    return [follow.consequence.show_notice for follow in shown.follows if follow.consequence.show_notice]


def open_things(*shown: RunView, told: Sequence[str] = ("safeguarding_lead",)) -> tuple[str, ...]:
    return close_blockers(shown, decided=True, unsettled=0, escalated_to=told)


# What every file promises


def test_the_shipped_library_has_no_problems(library: FileLibrary):
    assert library.ids() == IDS
    assert [str(problem) for problem in library.problems()] == []


@pytest.mark.parametrize("id", IDS)
def test_every_protocol_is_a_draft_with_an_owner_evidence_hazards_and_changes(library: FileLibrary, id: str):
    protocol = get(library, id)
    governance = protocol.governance

    assert protocol.status == "draft"
    assert not protocol.is_approved
    assert governance.approvals == ()
    assert governance.owner_role == "safeguarding_lead"
    assert governance.evidence
    assert governance.hazards
    assert governance.changes
    assert governance.review_by > date(2026, 11, 22)
    assert protocol.do_not
    assert protocol.finished_when


@pytest.mark.parametrize("id", IDS)
def test_every_step_says_one_short_thing_and_why(library: FileLibrary, id: str):
    for step in get(library, id).steps:
        assert len(step.text.split()) < 15, step.text
        assert step.text.endswith(".")
        assert step.why, step.id
        assert " and/or " not in step.text


@pytest.mark.parametrize("id", IDS)
def test_every_action_of_a_step_may_be_decided(library: FileLibrary, id: str):
    protocol = get(library, id)
    named = {action for step in protocol.steps for action in step.actions}
    named |= {
        c.suggest_action
        for s in protocol.steps
        for q in s.questions
        for c in q.on_answer
        if c.suggest_action is not None
    }

    assert named <= set(protocol.decisions)


def branching(protocol: ReviewProtocol) -> list[Question]:
    """The questions whose answers change what is shown: those asked about in conditions, and those that lead on."""
    asked = {test.question for step in protocol.steps if step.when for test in step.when.tests}
    return [
        question
        for step in protocol.steps
        for question in step.questions
        if question.id in asked or any(c.switch_to or c.go_to for c in question.on_answer)
    ]


def paths(protocol: ReviewProtocol) -> Iterator[RunView]:
    questions = branching(protocol)
    for values in itertools.product(*([option.value for option in q.options] for q in questions)):
        answers = {question.id: value for question, value in zip(questions, values, strict=True)}
        yield view(protocol, answered(protocol, begin(protocol), **answers))


@pytest.mark.parametrize("id", IDS)
def test_every_path_is_under_nine_steps_and_ends_in_a_message_and_a_follow_up(library: FileLibrary, id: str):
    protocol = get(library, id)
    seen_steps: set[str] = set()
    for shown in paths(protocol):
        seen_steps |= set(seen(shown))
        assert len(shown.steps) < 9
        if not shown.switched_to:
            assert shown.steps[-1].step.id == "closing"
            assert {"member_told", "follow_up_at"} <= set(shown.steps[-1].open_questions)

    assert seen_steps == {step.id for step in protocol.steps}, "every step can be reached"


@pytest.mark.parametrize("id", IDS)
def test_unclear_always_takes_the_cautious_branch(library: FileLibrary, id: str):
    """Whatever follows from yes follows from unclear too, where a question knows both."""
    for step in get(library, id).steps:
        for question in step.questions:
            if question.safety and {"yes", "unclear", "no"} == {option.value for option in question.options}:
                for consequence in question.on_answer:
                    assert question.id == "attend" or ("yes" in consequence.values) <= (
                        "unclear" in consequence.values
                    )
                assert any("unclear" in consequence.values for consequence in question.on_answer), question.id


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("imminent", ["yes", "unclear"])
def test_danger_or_not_knowing_is_now_and_the_lead_is_told(library: FileLibrary, id: str, imminent: str):
    protocol = get(library, id)
    shown = view(protocol, answered(protocol, begin(protocol), imminent=imminent))

    assert demanded_urgency([shown]) is Urgency.NOW
    assert shown.switched_to == "suicide-immediate" or any(
        follow.consequence.escalate == "safeguarding_lead" for follow in shown.follows
    )


# Golden walks


def test_suicide_immediate_from_the_call_to_the_close(library: FileLibrary):
    protocol = get(library, "suicide-immediate")
    run = begin(protocol)
    first = view(protocol, run)

    assert (protocol.style, protocol.urgency) == (Style.READ_DO, Urgency.NOW)
    assert seen(first) == ["ring", "say", "opening", "write", "others", "lead", "replies", "closing"]
    assert first.current is not None
    assert first.current.step.emergency, "the emergency panel comes first, before any question"
    assert first.current.step.resources is not None

    run = answered(protocol, run, held_details=["phone", "ip"], attend="yes", log_number="Log 12")
    run = answered(protocol, run, imminent="yes", age="adult", place="GB-ENG")
    run = answered(protocol, run, write="tick", unsafe_for_others="no", child="no", replies_show=["neither"])
    last = view(protocol, run)
    assert seen(last) == seen(first)
    assert last.current is not None
    assert last.current.step.id == "closing"
    assert open_things(last, told=()) == (
        f"{protocol.title}: step 8, “Say what the member was told, and set the next look.”.",
        "Tell the safeguarding lead, because you said: Yes.",
    )

    run = answered(protocol, run, member_told="sent", follow_up_at="2026-11-23T09:00+00:00")
    done = view(protocol, run)
    assert all(step.state is StepState.DONE for step in done.steps)
    assert open_things(done) == ()
    assert protocol.sign_off is not None
    assert protocol.sign_off.role == "safeguarding_lead"
    assert (protocol.follow_up_after, protocol.after) == ("24h", "offer_debrief")


def test_suicide_immediate_with_nothing_to_find_them_by(library: FileLibrary):
    protocol = get(library, "suicide-immediate")
    run = answered(protocol, begin(protocol), held_details=["none"], attend="not_rung", imminent="unclear")
    shown = view(protocol, run)

    assert demanded_urgency([shown]) is Urgency.NOW
    assert [f.because for f in shown.follows if f.consequence.escalate == "safeguarding_lead"] == [
        "Nothing",
        "Not rung: nothing to find them with",
        "Unclear",
    ]
    assert "ask where they are, and ask them to ring 999" in notices(shown)[0]


def test_suicide_immediate_with_an_unsafe_post_a_child_and_cruel_replies(library: FileLibrary):
    protocol = get(library, "suicide-immediate")
    run = answered(
        protocol,
        begin(protocol),
        unsafe_for_others="unclear",
        child="unclear",
        replies_show=["encouraging", "distressed"],
    )
    shown = view(protocol, run)

    assert [f.consequence.suggest_action for f in shown.follows if f.consequence.suggest_action] == [
        "hide",
        "hide",
    ]
    assert [f.consequence.offer_template for f in shown.follows if f.consequence.offer_template] == [
        "hidden-to-keep-people-safe",
        "young-person-sharing-information",
    ]
    assert len(notices(shown)) == 4


@pytest.mark.parametrize(("attend", "told"), [("no", True), ("unclear", True), ("yes", False)])
def test_suicide_immediate_asks_who_will_come(library: FileLibrary, attend: str, told: bool):
    protocol = get(library, "suicide-immediate")
    shown = view(protocol, answered(protocol, begin(protocol), attend=attend))

    assert any("Ask which service will attend" in notice for notice in notices(shown)) is told


def test_suicide_thoughts_without_danger(library: FileLibrary):
    protocol = get(library, "suicide-thoughts")
    run = begin(protocol)
    first = view(protocol, run)

    assert (protocol.style, protocol.urgency) == (Style.DO_CONFIRM, Urgency.SOON)
    assert seen(first) == ["safety", "opening", "content", "reply", "support", "change", "closing"]
    assert first.current is not None
    assert first.current.step.id == "safety"
    assert [question.id for question in first.steps[1].step.questions] == ["age", "place"]

    run = answered(protocol, run, imminent="no", age="adult", place="GB-ENG", unsafe="no", reply="tick")
    run = answered(protocol, run, support_now="unclear", changed="no")
    run = answered(protocol, run, member_told="sent", follow_up_at="not needed: a colleague is with them")
    shown = view(protocol, run)
    assert seen(shown) == seen(first)
    assert notices(shown) == ["Keep it up: people come to say this."]
    assert demanded_urgency([shown]) is None
    assert open_things(shown, told=()) == ()


@pytest.mark.parametrize("imminent", ["yes", "unclear"])
def test_suicide_thoughts_hands_over_to_suicide_immediate_and_takes_its_answers_along(
    library: FileLibrary, imminent: str
):
    thoughts, immediate = get(library, "suicide-thoughts"), get(library, "suicide-immediate")
    first = view(thoughts, answered(thoughts, begin(thoughts), age="16_17", place="GB-ENG", imminent="no"))
    assert "child" in seen(first)
    first = view(thoughts, answered(thoughts, first.run, imminent=imminent))
    second = view(immediate, begin(immediate, "switch:r-aaaaaaaa", carried(immediate, [first])))

    assert seen(first) == ["safety"]
    assert first.switched_to == "suicide-immediate"
    assert demanded_urgency([first, second]) is Urgency.NOW
    assert second.current is not None
    assert second.current.step.id == "ring"
    assert {event.question for event in first.superseded} == {"age", "place", "imminent"}
    assert {id: answer.values[0] for id, answer in second.answers.items()} == {
        "imminent": imminent,
        "age": "16_17",
        "place": "GB-ENG",
    }
    assert next(step for step in second.steps if step.step.id == "opening").state is StepState.DONE
    assert open_things(first) == (
        "Start “suicide-immediate”, because you said: " + ("Yes." if imminent == "yes" else "Unclear."),
    )


@pytest.mark.parametrize("age", ["u13", "13_15", "16_17", "unknown"])
def test_suicide_thoughts_of_someone_who_may_be_a_child(library: FileLibrary, age: str):
    protocol = get(library, "suicide-thoughts")
    run = answered(protocol, begin(protocol), imminent="no", age=age)
    shown = view(protocol, run)

    assert seen(shown) == ["safety", "opening", "content", "reply", "support", "change", "child", "closing"]
    assert shown.steps[6].because.startswith("because you said: ")
    told = view(protocol, answered(protocol, run, under_18="unclear"))
    assert [follow.consequence.escalate for follow in told.follows] == ["safeguarding_lead"]


@pytest.mark.parametrize(("question", "step"), [("unsafe", "content"), ("changed", "change")])
@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_suicide_thoughts_tells_the_lead_of_what_could_harm(
    library: FileLibrary, question: str, step: str, answer: str
):
    protocol = get(library, "suicide-thoughts")
    shown = view(protocol, answered(protocol, begin(protocol), imminent="no", **{question: answer}))

    assert [(f.step, f.consequence.escalate) for f in shown.follows] == [(step, "safeguarding_lead")]


def test_identifying_information_of_ones_own(library: FileLibrary):
    protocol = get(library, "identifying-information")
    run = answered(protocol, begin(protocol), imminent="no", age="adult", place="GB")
    run = answered(protocol, run, whose_details="own", hostile="no", abuse_or_child="no")
    shown = view(protocol, run)

    assert (protocol.style, protocol.urgency) == (Style.DO_CONFIRM, Urgency.TODAY)
    assert seen(shown) == ["opening", "whose", "own", "court", "copies", "closing"]
    assert demanded_urgency([shown]) is None
    run = answered(protocol, run, own="tick", court_case="no", copies="tick", member_told="sent")
    run = answered(protocol, run, follow_up_at="2026-11-23T09:00+00:00")
    assert open_things(view(protocol, run), told=()) == ()


def test_identifying_information_of_another(library: FileLibrary):
    protocol = get(library, "identifying-information")
    run = answered(
        protocol, begin(protocol), imminent="no", whose_details="another", hostile="no", abuse_or_child="no"
    )

    assert seen(view(protocol, run)) == ["opening", "whose", "another", "court", "copies", "closing"]
    asked = view(protocol, answered(protocol, run, tell_person="lead"))
    assert [follow.consequence.escalate for follow in asked.follows] == ["safeguarding_lead"]


@pytest.mark.parametrize("hostile", ["yes", "unclear"])
def test_identifying_information_posted_to_hurt_is_hidden_first_and_now(library: FileLibrary, hostile: str):
    protocol = get(library, "identifying-information")
    shown = view(protocol, answered(protocol, begin(protocol), whose_details="both", hostile=hostile))

    assert seen(shown) == ["opening", "whose", "hide", "own", "another", "court", "copies", "closing"]
    assert demanded_urgency([shown]) is Urgency.NOW
    assert shown.follows[0].consequence.suggest_action == "hide"


@pytest.mark.parametrize("question", ["abuse_or_child"])
@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_identifying_information_with_abuse_or_a_child_is_now(
    library: FileLibrary, question: str, answer: str
):
    protocol = get(library, "identifying-information")

    assert (
        demanded_urgency([view(protocol, answered(protocol, begin(protocol), **{question: answer}))])
        is Urgency.NOW
    )


# Messages

_UNKIND = (
    "violat",
    "trigger",
    "inappropriate",
    "attention",
    "commit suicide",
    "failed attempt",
    "unfortunately",
    "please be advised",
    "don’t worry",
    "always here",
    "gets better",
    "get better",
    "secret",
)


@pytest.fixture(scope="module")
def templates(library: FileLibrary) -> list[Template]:
    found = [library.template(path.stem) for path in (shipped_folder() / "templates").glob("*.yaml")]
    assert all(found)
    return [template for template in found if template is not None]


def test_every_message_is_warm_plain_and_cannot_be_sent_unfilled(templates: list[Template]):
    assert len(templates) == 7
    for template in templates:
        lower = template.body.lower()
        assert unfilled(template.body)
        assert "{member_name}" in template.body
        assert not [word for word in _UNKIND if word in lower], template.id
        assert "'" not in template.body
        assert not re.search(r"[\U0001F300-\U0001FAFF]", template.body)
        assert all(len(sentence.split()) <= 40 for sentence in re.split(r"[.?!]", template.body))


def test_every_template_a_protocol_offers_is_there(library: FileLibrary):
    for id in IDS:
        for step in get(library, id).steps:
            offered = [*step.templates, *(c.offer_template for q in step.questions for c in q.on_answer)]
            for template in filter(None, offered):
                found = library.template(template)
                assert found is not None
                assert placeholders(found.body)


# Resources


def test_no_shipped_resource_claims_to_be_checked(library: FileLibrary):
    found = library.resources(
        ["emergency", "crisis", "suicide", "distress", "children", "domestic-abuse", "terrorism", "crime"],
        ["GB"],
        99,
    )

    assert len(found) == 15
    for resource in found:
        assert resource.verified_on is None
        assert resource.is_stale(date(2026, 11, 22))
        assert resource.source_url.startswith("https://")
        assert resource.seen_on == date(2026, 11, 22)


def test_suicide_thoughts_in_england_offers_the_closest_three(library: FileLibrary):
    wish = get(library, "suicide-thoughts").step("reply").resources
    assert wish is not None

    def names(place: str) -> list[str]:
        return [found.id for found in library.resources(wish.topics, [place], wish.max)]

    assert names("GB-ENG") == ["gb-eng-nhs-111", "gb-samaritans", "gb-shout"]
    assert names("GB-NIR")[0] == "gb-nir-lifeline"
    assert names("IE") == ["gb-samaritans", "anywhere-find-a-helpline"]
    assert names("FR") == ["anywhere-find-a-helpline"]


@pytest.mark.parametrize("places", [["GB"], ["GB-SCT"], ["IE"], ["FR"], [], ["unknown"]])
def test_there_is_an_emergency_line_for_every_place(library: FileLibrary, places: list[str]):
    lines = library.emergency(places)

    assert lines
    assert all(line.kind == "emergency" for line in lines)


def test_choices_and_their_words_are_never_numbers_or_truths(library: FileLibrary):
    for id in IDS:
        for step in get(library, id).steps:
            for question in step.questions:
                assert (question.type is QuestionType.CHOICE) == bool(question.options)
                assert all(type(option.value) is str for option in question.options)
