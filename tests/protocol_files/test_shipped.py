"""The shipped protocols: what they promise on every path, and golden walks through each."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from modconsole.core.message import placeholders, unfilled
from modconsole.core.protocol import (
    Option,
    Question,
    QuestionType,
    ReviewProtocol,
    Style,
    Template,
    Test,
    UsedFor,
)
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
IDS = tuple(
    sorted(
        path.stem
        for path in shipped_folder().glob("*/*.yaml")
        if path.parent.name not in ("includes", "templates", "resources")
    )
)
CORE = (
    "adult-at-risk",
    "distress-no-safety-signs",
    "domestic-abuse",
    "eating-disorder-content",
    "harm-to-others-or-threat",
    "harmful-suicide-selfharm-content",
    "self-harm",
    "sexual-violence-disclosure",
    "suicide-immediate",
    "suicide-thoughts",
    "worried-about-someone-else",
)


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
    assert set(CORE) <= set(IDS)
    assert [str(problem) for problem in library.problems()] == []


@pytest.mark.parametrize("id", IDS)
def test_every_protocol_is_a_draft_with_an_owner_evidence_hazards_and_changes(library: FileLibrary, id: str):
    protocol = get(library, id)
    governance = protocol.governance

    assert protocol.status == "draft"
    assert not protocol.is_approved
    assert governance.approvals == ()
    assert governance.owner_role
    assert governance.evidence
    assert governance.hazards
    assert governance.changes[0].version == protocol.version
    assert date(2026, 11, 22) < governance.review_by < date(2028, 11, 22)
    assert protocol.look_for
    assert protocol.do_not
    assert protocol.finished_when


def test_a_hazard_has_one_number_and_one_name_everywhere(library: FileLibrary):
    titles: dict[str, str] = {}
    for id in IDS:
        for hazard in get(library, id).governance.hazards:
            assert re.fullmatch(r"HZ-[0-9]{2} [A-Z].+[^.]", hazard), (id, hazard)
            number, title = hazard.split(" ", 1)
            assert titles.setdefault(number, title) == title, id


@pytest.mark.parametrize("id", IDS)
def test_every_step_says_one_short_thing_and_why(library: FileLibrary, id: str):
    for step in get(library, id).steps:
        assert len(step.text.split()) <= 15, step.text
        assert step.text.endswith(".")
        assert step.why, step.id
        assert " and/or " not in step.text
        for question in step.questions:
            assert len(question.text.split()) <= 15, question.text


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


def branching(protocol: ReviewProtocol) -> list[tuple[Question, list[str]]]:
    """The questions whose answers change what is shown, each with one answer of every kind that makes a difference."""
    tests = [test for step in protocol.steps if step.when for test in step.when.tests]
    found = []
    for question in (question for step in protocol.steps for question in step.questions):
        mine = [test for test in tests if test.question == question.id]

        def effect(
            option: Option, question: Question = question, mine: list[Test] = mine
        ) -> tuple[object, ...]:
            leads = [
                (c.switch_to, c.go_to)
                for c in question.on_answer
                if option.value in c.values and (c.switch_to or c.go_to)
            ]
            return (*(option.value in test.values for test in mine), *leads)

        kinds = {effect(option): option.value for option in question.options}
        if len(kinds) > 1:
            found.append((question, list(kinds.values())))
    return found


def paths(protocol: ReviewProtocol) -> Iterator[RunView]:
    questions = branching(protocol)
    for values in itertools.product(*(kinds for _, kinds in questions)):
        answers = {question.id: value for (question, _), value in zip(questions, values, strict=True)}
        yield view(protocol, answered(protocol, begin(protocol), **answers))


@pytest.mark.parametrize("id", IDS)
def test_every_path_has_nine_steps_at_most_and_ends_in_a_message_and_a_follow_up(
    library: FileLibrary, id: str
):
    protocol = get(library, id)
    seen_steps: set[str] = set()
    for shown in paths(protocol):
        seen_steps |= set(seen(shown))
        assert len(shown.steps) <= 9
        if protocol.used_for is UsedFor.CASE and not shown.switched_to:
            assert {"member_told", "follow_up_at"} <= {q for step in shown.steps for q in step.open_questions}
            assert {action for step in shown.steps for action in step.step.actions} & set(protocol.decisions)

    assert seen_steps == {step.id for step in protocol.steps}, "every step can be reached"


@pytest.mark.parametrize("id", IDS)
def test_unclear_takes_along_whatever_yes_leads_to(library: FileLibrary, id: str):
    """For a question where no is the calmer answer: nothing that starts, or tells somebody, is for yes alone."""
    for step in get(library, id).steps:
        for question in step.questions:
            values = {option.value for option in question.options}
            if not question.safety or not {"yes", "unclear", "no"} <= values:
                continue
            for consequence in question.on_answer:
                leads = consequence.switch_to or consequence.add_protocol or consequence.escalate
                if leads and "yes" in consequence.values:
                    assert any(
                        "unclear" in other.values
                        and leads in (other.switch_to, other.add_protocol, other.escalate)
                        for other in question.on_answer
                    ), question.id


@pytest.mark.parametrize("imminent", ["yes", "unclear"])
def test_danger_or_not_knowing_is_now_and_the_lead_is_told(library: FileLibrary, imminent: str):
    asking = [id for id in IDS if get(library, id).question("imminent") is not None]
    assert set(CORE) <= set(asking)
    for id in asking:
        protocol = get(library, id)
        shown = view(protocol, answered(protocol, begin(protocol), imminent=imminent))

        assert demanded_urgency([shown]) is Urgency.NOW, id
        assert (
            shown.switched_to == "suicide-immediate"
            or any(follow.consequence.escalate == "safeguarding_lead" for follow in shown.follows)
            or any("escalate_lead" in step.step.actions for step in shown.steps)
        ), id


@pytest.mark.parametrize("id", CORE)
def test_every_core_sheet_says_what_to_say_aloud(library: FileLibrary, id: str):
    escalations = get(library, id).escalations

    assert any(escalation.role == "safeguarding_lead" for escalation in escalations)
    assert all(escalation.script and escalation.method for escalation in escalations)


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
        "Tell the safeguarding lead, because you said: No.",
    ), "the lead is told on every path"

    run = answered(protocol, run, member_told="sent", follow_up_at="not needed: all is calm again")
    assert any("“not needed” does not do" in line for line in open_things(view(protocol, run)))
    run = answered(protocol, run, follow_up_at="2026-11-23T09:00+00:00")
    done = view(protocol, run)
    assert all(step.state is StepState.DONE for step in done.steps)
    assert open_things(done) == ()
    assert protocol.sign_off is not None
    assert protocol.sign_off.role == "safeguarding_lead"
    assert (protocol.follow_up_after, protocol.after) == ("24h", "offer_debrief")


def added(shown: RunView) -> list[str]:
    return [follow.consequence.add_protocol for follow in shown.follows if follow.consequence.add_protocol]


def told(shown: RunView) -> set[str]:
    return {follow.consequence.escalate for follow in shown.follows if follow.consequence.escalate}


def suggested(shown: RunView) -> list[str]:
    return [
        follow.consequence.suggest_action for follow in shown.follows if follow.consequence.suggest_action
    ]


def offered(shown: RunView) -> list[str]:
    return [
        follow.consequence.offer_template for follow in shown.follows if follow.consequence.offer_template
    ]


def walked(library: FileLibrary, id: str, **answers: str | list[str]) -> RunView:
    protocol = get(library, id)
    return view(protocol, answered(protocol, begin(protocol), **answers))


CAUTIOUS = pytest.mark.parametrize("answer", ["yes", "unclear"])


def test_suicide_immediate_with_nothing_to_find_them_by(library: FileLibrary):
    shown = walked(library, "suicide-immediate", held_details=["none"], attend="not_rung", imminent="unclear")

    assert demanded_urgency([shown]) is Urgency.NOW
    assert [f.because for f in shown.follows if f.consequence.escalate == "safeguarding_lead"] == [
        "Nothing",
        "Not rung: nothing to find them with",
        "Unclear",
    ]
    assert "ask where they are, and ask them to ring 999" in notices(shown)[0]


@CAUTIOUS
def test_suicide_immediate_with_an_unsafe_post_and_perhaps_a_child(library: FileLibrary, answer: str):
    shown = walked(library, "suicide-immediate", unsafe_for_others=answer, child=answer)

    assert added(shown) == ["harmful-suicide-selfharm-content", "child-at-risk"]
    assert (suggested(shown), offered(shown)) == (["hide"], ["hidden-to-keep-people-safe"])
    assert told(shown) == {"safeguarding_lead"}


@pytest.mark.parametrize(
    ("replies", "sheets"),
    [
        ("encouraging", ["harmful-suicide-selfharm-content"]),
        ("distressed", ["thread-spiral"]),
        ("unclear", ["harmful-suicide-selfharm-content", "thread-spiral"]),
        ("neither", []),
    ],
)
def test_suicide_immediate_sees_to_the_people_who_replied(
    library: FileLibrary, replies: str, sheets: list[str]
):
    assert added(walked(library, "suicide-immediate", replies_show=[replies])) == sheets


@pytest.mark.parametrize(("attend", "asked"), [("no", True), ("unclear", True), ("yes", False)])
def test_suicide_immediate_asks_who_will_come(library: FileLibrary, attend: str, asked: bool):
    protocol = get(library, "suicide-immediate")
    shown = view(protocol, answered(protocol, begin(protocol), attend=attend))

    assert any("Ask which service will attend" in notice for notice in notices(shown)) is asked


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


@CAUTIOUS
@pytest.mark.parametrize("age", ["u13", "13_15", "16_17", "unknown"])
def test_suicide_thoughts_of_someone_who_may_be_a_child_start_the_child_sheet_too(
    library: FileLibrary, age: str, answer: str
):
    protocol = get(library, "suicide-thoughts")
    run = answered(protocol, begin(protocol), imminent="no", age=age)
    shown = view(protocol, run)

    assert seen(shown) == ["safety", "opening", "content", "reply", "support", "change", "child", "closing"]
    assert shown.steps[6].because.startswith("because you said: ")
    assert added(view(protocol, answered(protocol, run, under_18=answer))) == ["child-at-risk"]
    assert "suicide-thoughts-reply-young-person" in protocol.step("reply").templates


@CAUTIOUS
def test_suicide_thoughts_that_could_harm_others_are_hidden_and_get_their_sheet(
    library: FileLibrary, answer: str
):
    shown = walked(library, "suicide-thoughts", imminent="no", unsafe=answer)

    assert (added(shown), suggested(shown)) == (["harmful-suicide-selfharm-content"], ["hide"])


@CAUTIOUS
def test_suicide_thoughts_that_have_changed_go_to_the_lead_and_are_looked_at_again(
    library: FileLibrary, answer: str
):
    shown = walked(
        library, "suicide-thoughts", imminent="no", changed=answer, follow_up_at="not needed: a quiet week"
    )

    assert told(shown) == {"safeguarding_lead"}
    assert any("“not needed” does not do" in line for line in open_things(shown))


@CAUTIOUS
def test_harmful_content_is_hidden_first_and_danger_starts_the_emergency_sheet_once(
    library: FileLibrary, answer: str
):
    protocol = get(library, "harmful-suicide-selfharm-content")
    first = view(protocol, begin(protocol))
    assert (protocol.style, protocol.urgency) == (Style.READ_DO, Urgency.NOW)
    assert first.current is not None
    assert first.current.step.emergency
    assert first.current.step.actions[0] == "hide"

    shown = walked(library, "harmful-suicide-selfharm-content", imminent=answer)
    start = next(f.consequence for f in shown.follows if f.consequence.add_protocol)
    assert (start.add_protocol, start.unless_running) == ("suicide-immediate", True)
    assert "distress" not in seen(shown), "the emergency sheet sees to the author"


@CAUTIOUS
def test_harmful_content_by_someone_in_distress_starts_the_sheet_on_suicidal_thoughts(
    library: FileLibrary, answer: str
):
    shown = walked(library, "harmful-suicide-selfharm-content", imminent="no", author_in_distress=answer)

    assert seen(shown) == [
        "hide", "opening", "kind", "distress", "message", "judge", "others", "count", "closing",
    ]  # fmt: skip
    assert [(f.consequence.add_protocol, f.consequence.unless_running) for f in shown.follows] == [
        ("suicide-thoughts", True)
    ]


@pytest.mark.parametrize("kind", ["encouraging", "pact", "means", "unclear"])
def test_harmful_content_that_goads_or_seeks_a_pact_is_the_leads_at_once(library: FileLibrary, kind: str):
    shown = walked(library, "harmful-suicide-selfharm-content", content_kind=[kind])

    assert told(shown) == {"safeguarding_lead"}
    assert "Tell the lead now." in notices(shown)


@CAUTIOUS
def test_harmful_content_that_puts_anyone_at_risk_is_for_the_police(library: FileLibrary, answer: str):
    shown = walked(library, "harmful-suicide-selfharm-content", anyone_at_risk=answer)

    assert suggested(shown) == ["report_external"]
    assert "ring 999 yourself, at once" in notices(shown)[0]


@CAUTIOUS
@pytest.mark.parametrize(
    ("id", "question"),
    [
        ("self-harm", "imminent"),
        ("self-harm", "medical_now"),
        ("eating-disorder-content", "imminent"),
        ("eating-disorder-content", "medical_signs"),
        ("distress-no-safety-signs", "imminent"),
    ],
)
def test_a_body_or_a_life_in_danger_goes_to_the_emergency_sheet(
    library: FileLibrary, id: str, question: str, answer: str
):
    shown = walked(library, id, **{"imminent": "no", question: answer})

    assert shown.switched_to == "suicide-immediate"
    assert seen(shown) == ["safety"], "nothing else is asked first"


def test_self_harm_without_danger_keeps_the_post_and_answers(library: FileLibrary):
    shown = walked(library, "self-harm", imminent="no", medical_now="no", age="adult", harmful_detail="no")

    assert seen(shown) == ["safety", "opening", "content", "reply", "advice", "closing"]
    assert notices(shown) == ["Recovery talk, urges or asking for support: keep it, and reply."]


@CAUTIOUS
def test_self_harm_with_detail_or_a_child_starts_their_sheets(library: FileLibrary, answer: str):
    shown = walked(
        library,
        "self-harm",
        imminent="no",
        medical_now="no",
        age="unknown",
        harmful_detail=answer,
        under_18=answer,
    )

    assert added(shown) == ["harmful-suicide-selfharm-content", "child-at-risk"]
    assert (suggested(shown), offered(shown)) == (["hide"], ["edited-method-or-numbers"])


@CAUTIOUS
def test_eating_disorder_numbers_become_words(library: FileLibrary, answer: str):
    shown = walked(
        library, "eating-disorder-content", imminent="no", medical_signs="no", numbers_shown=answer
    )

    assert (suggested(shown), offered(shown)) == (["edit"], ["edited-method-or-numbers"])


@pytest.mark.parametrize(
    ("promoting", "lead"), [("recruiting", True), ("unclear", True), ("promoting", False)]
)
def test_eating_disorder_promotion_is_hidden_and_recruiting_goes_to_the_lead(
    library: FileLibrary, promoting: str, lead: bool
):
    shown = walked(library, "eating-disorder-content", imminent="no", medical_signs="no", promoting=promoting)

    assert suggested(shown)[0] == "hide"
    assert (told(shown) == {"safeguarding_lead"}) is lead


@CAUTIOUS
@pytest.mark.parametrize("age", ["u13", "16_17", "unknown"])
def test_eating_disorder_of_someone_who_may_be_a_child_is_for_the_lead(
    library: FileLibrary, age: str, answer: str
):
    shown = walked(
        library, "eating-disorder-content", imminent="no", medical_signs="no", age=age, under_18=answer
    )

    assert "child" in seen(shown)
    assert told(shown) == {"safeguarding_lead"}


@pytest.mark.parametrize(("answer", "steps"), [("no", True), ("unclear", True), ("yes", False)])
def test_distress_that_no_peer_has_answered_gets_an_answer(library: FileLibrary, answer: str, steps: bool):
    shown = walked(library, "distress-no-safety-signs", imminent="no", peer_replied=answer)

    assert ({"reply", "invite"} <= set(seen(shown))) is steps


@CAUTIOUS
def test_distress_of_someone_alone_here_is_watched_over(library: FileLibrary, answer: str):
    shown = walked(
        library,
        "distress-no-safety-signs",
        imminent="no",
        alone_here=answer,
        follow_up_at="not needed: a hunch",
    )

    assert suggested(shown) == ["watch"]
    assert any("“not needed” does not do" in line for line in open_things(shown))


@pytest.mark.parametrize(
    "id", ["adult-at-risk", "domestic-abuse", "worried-about-someone-else", "harm-to-others-or-threat"]
)
def test_the_emergency_panel_comes_before_anything_else(library: FileLibrary, id: str):
    protocol = get(library, id)
    first = view(protocol, begin(protocol)).current

    assert first is not None
    assert first.step.emergency
    assert "emergency_call" in first.step.actions


@pytest.mark.parametrize("wish", ["yes", "unclear", "no"])
def test_an_adult_at_risk_is_passed_on_whatever_they_wish(library: FileLibrary, wish: str):
    shown = walked(library, "adult-at-risk", imminent="no", wants_referral=wish)

    assert told(shown) == {"safeguarding_lead"}
    assert ("without" in seen(shown)) is (wish != "yes")


@CAUTIOUS
def test_an_adult_at_risk_who_says_no_may_still_be_referred_by_the_lead(library: FileLibrary, answer: str):
    shown = walked(library, "adult-at-risk", imminent="no", wants_referral="no", share_anyway=answer)

    assert notices(shown) == ["It may still be shared: the lead decides, and records why."]


@pytest.mark.parametrize(("place", "asked"), [("GB-ENG", False), ("GB-SCT", True), ("unknown", True)])
def test_an_adult_at_risk_elsewhere_has_another_law(library: FileLibrary, place: str, asked: bool):
    assert ("place_law" in seen(walked(library, "adult-at-risk", imminent="no", place=place))) is asked


@pytest.mark.parametrize("answer", ["no", "unclear"])
@pytest.mark.parametrize(
    ("id", "question"), [("adult-at-risk", "safe_to_write"), ("domestic-abuse", "safe_channel")]
)
def test_nothing_revealing_is_written_where_it_may_not_be_safe(
    library: FileLibrary, id: str, question: str, answer: str
):
    shown = walked(library, id, **{question: answer})

    assert told(shown) == {"safeguarding_lead"}
    assert re.search(r"nothing (about|that says what) this", notices(shown)[0])


def test_domestic_abuse_offers_no_message_that_gives_it_away(library: FileLibrary):
    protocol = get(library, "domestic-abuse")
    named = {template for step in protocol.steps for template in step.templates}

    assert named == {"safe-way-to-reach-you", "post-tidied-safely"}
    for id in named:
        template = library.template(id)
        assert template is not None
        assert not re.search(r"abus|violen|refuge|safe|danger|help|polic|partner", template.body.lower())


@CAUTIOUS
def test_domestic_abuse_starts_the_sheets_of_everyone_at_risk(library: FileLibrary, answer: str):
    shown = walked(
        library,
        "domestic-abuse",
        children_in_home=answer,
        care_needs=answer,
        perpetrator_member=answer,
    )

    assert added(shown) == ["child-at-risk", "adult-at-risk", "harassment-hate-bullying"]


@CAUTIOUS
def test_domestic_abuse_with_grave_signs_is_now(library: FileLibrary, answer: str):
    shown = walked(library, "domestic-abuse", imminent="no", grave_signs=answer)

    assert get(library, "domestic-abuse").urgency is Urgency.SOON
    assert demanded_urgency([shown]) is Urgency.NOW
    assert told(shown) == {"safeguarding_lead"}


@CAUTIOUS
def test_sexual_violence_that_was_recent_is_offered_a_centre(library: FileLibrary, answer: str):
    shown = walked(library, "sexual-violence-disclosure", imminent="no", recent=answer)
    assert seen(shown)[:3] == ["safety", "opening", "centre"]

    assert "centre" not in seen(walked(library, "sexual-violence-disclosure", imminent="no", recent="no"))


@CAUTIOUS
def test_sexual_violence_starts_the_sheets_of_everyone_at_risk(library: FileLibrary, answer: str):
    shown = walked(
        library, "sexual-violence-disclosure", child_risk=answer, ongoing_care=answer, partner=answer
    )

    assert added(shown) == ["child-at-risk", "adult-at-risk", "domestic-abuse"]


@CAUTIOUS
def test_sexual_violence_names_and_blaming_replies_are_out_of_sight(library: FileLibrary, answer: str):
    shown = walked(library, "sexual-violence-disclosure", detail_shown=answer, named=answer, blaming=answer)

    assert suggested(shown) == ["edit", "edit", "hide"]
    assert offered(shown) == ["graphic-detail-taken-out", "name-taken-out"]


@CAUTIOUS
def test_a_threat_with_a_target_or_a_plan_is_rung_through(library: FileLibrary, answer: str):
    shown = walked(library, "harm-to-others-or-threat", threat_signs=answer)

    assert suggested(shown) == ["emergency_call"]
    assert (demanded_urgency([shown]), told(shown)) == (Urgency.NOW, {"safeguarding_lead"})


def test_an_unwanted_thought_is_no_threat(library: FileLibrary):
    shown = walked(library, "harm-to-others-or-threat", threat_signs="no", unwanted_thought="yes")

    assert seen(shown) == ["danger", "opening", "intrusive", "mind", "closing"]
    assert suggested(shown) == ["keep_reply"]
    assert told(shown) == {"safeguarding_lead"}


def test_a_thought_nobody_is_sure_about_keeps_both_ways_open(library: FileLibrary):
    shown = walked(library, "harm-to-others-or-threat", threat_signs="no", unwanted_thought="unclear")

    assert "target" in seen(shown)
    assert told(shown) == {"safeguarding_lead"}
    assert "ring 999 without waiting" in notices(shown)[0]


@CAUTIOUS
@pytest.mark.parametrize(
    ("question", "action"), [("voices", "escalate_clinical"), ("after_birth", "emergency_call")]
)
def test_voices_and_the_weeks_after_a_birth_are_now_even_for_an_unwanted_thought(
    library: FileLibrary, question: str, action: str, answer: str
):
    shown = walked(library, "harm-to-others-or-threat", unwanted_thought="yes", **{question: answer})

    assert suggested(shown)[-1] == action
    assert demanded_urgency([shown]) is Urgency.NOW


@pytest.mark.parametrize(
    ("who", "steps", "roles", "sheets"),
    [
        ("nobody", [], set(), []),
        ("member", ["protect", "tell_target"], {"safeguarding_lead"}, ["harassment-hate-bullying"]),
        ("moderator", ["service", "tell_target"], {"safeguarding_lead", "service_manager"}, []),
        ("other", ["tell_target"], {"safeguarding_lead"}, []),
        (
            "unclear",
            ["protect", "service", "tell_target"],
            {"safeguarding_lead", "service_manager"},
            ["harassment-hate-bullying"],
        ),
    ],
)
def test_whoever_is_threatened_is_protected(
    library: FileLibrary, who: str, steps: list[str], roles: set[str], sheets: list[str]
):
    shown = walked(library, "harm-to-others-or-threat", unwanted_thought="no", threatened=[who])

    assert seen(shown)[5:-1] == steps
    assert (told(shown), added(shown)) == (roles, sheets)


@pytest.mark.parametrize(
    ("person_age", "adult", "sheets"),
    [
        ("child", "no", ["child-at-risk"]),
        ("unclear", "unclear", ["child-at-risk", "adult-at-risk"]),
        ("adult", "yes", ["adult-at-risk"]),
        ("adult", "no", []),
    ],
)
def test_the_person_somebody_worries_about_gets_their_sheet(
    library: FileLibrary, person_age: str, adult: str, sheets: list[str]
):
    shown = walked(library, "worried-about-someone-else", person_age=person_age, adult_at_risk=adult)

    assert added(shown) == sheets


@pytest.mark.parametrize(("who", "thanked"), [("member", True), ("unclear", True), ("outside", False)])
def test_a_member_worried_about_another_hears_one_sentence(library: FileLibrary, who: str, thanked: bool):
    shown = walked(library, "worried-about-someone-else", who_at_risk=who)
    template = library.template("worried-member-thanks")

    assert ("member" in seen(shown)) is thanked
    assert template is not None
    assert template.body.strip() == "Hi {member_name}. We’ve seen it, thank you."


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
    assert templates
    for template in templates:
        lower = template.body.lower()
        assert unfilled(template.body)
        assert template.channel == "public" or "{member_name}" in template.body, template.id
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
    topics = {
        topic
        for id in IDS
        for step in get(library, id).steps
        if step.resources
        for topic in step.resources.topics
    }
    found = library.resources(sorted(topics), ["GB"], 99)

    assert found
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
    assert names("IE")[0] == "gb-samaritans"
    assert names("FR")[-1] == "anywhere-find-a-helpline"


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
