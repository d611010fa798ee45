"""The FHIR-shaped export, judged by another library, by the rules that library leaves out, and by a second reading of
FHIR's conditions written from its specification.

The files in golden/fhir are what we export today, word for word. After a wanted change write them anew, and read the
difference before it is committed:

    python -m tests.protocol_files.test_fhir
"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from fhir.resources import questionnaire as r5_questionnaire
from fhir.resources import questionnaireresponse as r5_response
from fhir.resources.R4B import questionnaire as r4b_questionnaire
from fhir.resources.R4B import questionnaireresponse as r4b_response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modconsole.core.actions import Action
from modconsole.core.errors import WrongUsage
from modconsole.core.protocol import (
    Approval,
    Change,
    Consequence,
    Escalation,
    Governance,
    Operator,
    Option,
    ProtocolStatus,
    Question,
    QuestionType,
    ResourceWish,
    ReviewProtocol,
    SignOff,
    Step,
    Style,
    Test,
    When,
)
from modconsole.core.run import NOT_NEEDED, SKIP_REASONS, Run, RunEvent, RunEventKind, RunView, view
from modconsole.core.text import ascii_json
from modconsole.core.urgency import Urgency
from modconsole.protocol_files import FileLibrary
from modconsole.protocol_files.fhir import WITHHELD, questionnaire, response
from modconsole.protocol_files.fhir_rules import invariants

GOLDEN = Path(__file__).parent / "golden" / "fhir"
SHIPPED = Path(__file__).parents[2] / "protocols"
IDS = sorted(
    file.stem
    for file in SHIPPED.glob("*/*.yaml")
    if file.parent.name not in ("includes", "templates", "resources")
)
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
RELEASES = ("R4", "R5")

Plain = dict[str, Any]

R4B: dict[str, Any] = {
    "Questionnaire": r4b_questionnaire.Questionnaire,
    "QuestionnaireResponse": r4b_response.QuestionnaireResponse,
}
R5: dict[str, Any] = {
    "Questionnaire": r5_questionnaire.Questionnaire,
    "QuestionnaireResponse": r5_response.QuestionnaireResponse,
}
"""The other library has no R4: R4B is the same for these two."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FileLibrary:
    return FileLibrary([SHIPPED], tmp_path_factory.mktemp("kept"))


def shipped(library: FileLibrary, id: str) -> ReviewProtocol:
    protocol = library.get(id)
    assert protocol is not None, [str(problem) for problem in library.problems()]
    return protocol


def accepted(resource: Plain, release: str) -> None:
    """Let the other library read it, from the very text we would write, and give the same back."""
    read = (R4B if release == "R4" else R5)[resource["resourceType"]].model_validate_json(
        ascii_json(resource)
    )
    assert json.loads(read.model_dump_json(by_alias=True)) == resource


def items(resource: Mapping[str, Any]) -> dict[str, Plain]:
    """Give every item of a questionnaire or response by its linkId."""

    def inside(found: Sequence[Plain]) -> Iterator[Plain]:
        for item in found:
            yield item
            yield from inside(item.get("item", ()))

    return {item["linkId"]: item for item in inside(resource["item"])}


# A small protocol with one of everything

LEVELS = (Option("yes", "Yes"), Option("unclear", "Unclear"), Option("no", "No"))
SMALL = ReviewProtocol(
    id="small-sheet",
    title="A small sheet",
    version="1.2.0",
    status=ProtocolStatus.DRAFT,
    style=Style.DO_CONFIRM,
    urgency=Urgency.SOON,
    trigger="When a test needs one.",
    steps=(
        Step(
            "look",
            "Look at the post.",
            why="Nothing else can be answered first.",
            help="Take your time.",
            emergency=True,
            questions=(
                Question(
                    "safe",
                    "Is it safe?",
                    QuestionType.CHOICE,
                    required=True,
                    safety=True,
                    options=LEVELS,
                    on_answer=(
                        Consequence(
                            ("no", "unclear"), escalate="safeguarding_lead", show_notice="Do not wait."
                        ),
                        Consequence(("no",), switch_to="other-sheet"),
                    ),
                ),
                Question("look", "How many replies?", QuestionType.INTEGER, minimum=0, maximum=500),
            ),
        ),
        Step(
            "reply",
            "Write a reply.",
            when=When((Test("safe", Operator.IN, ("yes", "unclear")), Test("look", Operator.LT, ("5",)))),
            role="senior_moderator",
            within="1 h",
            templates=("hello",),
            resources=ResourceWish(("distress", "crisis"), 2),
            actions=(Action.KEEP_REPLY,),
        ),
        Step(
            "end",
            "Set the next look.",
            questions=(
                Question("told", "What was said?", QuestionType.TEXT),
                Question("kept", "Anything to keep quiet about?", QuestionType.TEXT, redact=True),
                Question(
                    "again", "When do we look again?", QuestionType.DATETIME, required=True, help="Or not."
                ),
            ),
        ),
    ),
    decisions=(Action.KEEP, Action.KEEP_REPLY),
    close_requires=("again",),
    governance=Governance(
        "safeguarding_lead",
        date(2027, 5, 1),
        ("NSPA",),
        (Change("1.2.0", date(2026, 11, 22), "author", "First"),),
        effective_from=date(2026, 12, 1),
        hazards=("A wait that nobody notices",),
        derived_from="calm-sheet 1.0.0",
        min_role="moderator",
        training_required="The morning course",
    ),
    hash="5" * 64,
    look_for=("Few replies",),
    do_not=("Hurry",),
    finished_when="Somebody answered.",
    jurisdictions=("GB", "GB-SCT"),
    age_bands=("adult", "unknown"),
    forum_types=("peer_led",),
    sign_off=SignOff("safeguarding_lead", When((Test("safe", Operator.EQUALS, ("unclear",)),))),
    follow_up_after="24h",
    follow_up_required=When((Test("safe", Operator.EQUALS, ("unclear",)),)),
    escalations=(Escalation("lead", "safeguarding_lead", "15 min", "By telephone", "I need you now."),),
)


class Walk:
    """A run that is answered by saying so."""

    def __init__(self, sheet: ReviewProtocol) -> None:
        self.sheet, self.at = sheet, START
        self.run = Run("r-aaaaaaaa", sheet.id, sheet.hash, START, "chosen")

    def add(self, kind: RunEventKind, step: str, question: str = "", *values: str) -> Walk:
        self.at += timedelta(seconds=1)
        event = RunEvent(kind, step, self.at, "moss", question, values)
        self.run = replace(self.run, events=(*self.run.events, event))
        return self

    def answer(self, question: str, *values: str) -> Walk:
        step = next(s.id for s in self.sheet.steps if any(q.id == question for q in s.questions))
        return self.add(RunEventKind.ANSWERED, step, question, *values)

    def skip(self, step: str, *said: str) -> Walk:
        return self.add(RunEventKind.SKIPPED, step, "", *said)

    def tick(self, step: str) -> Walk:
        return self.add(RunEventKind.TICKED, step)

    @property
    def view(self) -> RunView:
        return view(self.sheet, self.run)

    def response(self, release: str = "R4", *, closed: bool = True, text: bool = False) -> Plain:
        return response(self.view, case="c-abcdefgh", release=release, closed=closed, include_text=text)


def small_walk() -> Walk:
    walk = Walk(SMALL).answer("safe", "yes").answer("look", "3").tick("reply").answer("told", "“Thank you”")
    return walk.answer("kept", "a name").answer("again", "2026-11-23T09:00+00:00")


# The other library and our own rules


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("id", IDS)
def test_every_shipped_protocol_is_a_questionnaire(library: FileLibrary, id: str, release: str):
    protocol = shipped(library, id)
    made = questionnaire(protocol, release)

    accepted(made, release)
    assert invariants(made, release=release) == []
    assert made["status"] == "draft"
    assert made["experimental"] is True
    words = {item["text"] for item in items(made).values() if "text" in item}
    assert {step.text for step in protocol.steps} <= words
    assert {question.text for step in protocol.steps for question in step.questions} <= words


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("option", [0, 1, -1])
@pytest.mark.parametrize("id", IDS)
def test_a_walk_through_every_shipped_protocol_is_a_response(
    library: FileLibrary, id: str, option: int, release: str
):
    """Every question is answered with its first, second or last option, in the order they are shown."""
    walk = Walk(shipped(library, id))
    while (step := walk.view.current) is not None and not walk.view.switched_to:
        for question in step.step.questions:
            walk.answer(question.id, *plain_answer(question, option))
        if not step.step.questions:
            walk.tick(step.step.id)
    made = walk.response(release)

    accepted(made, release)
    assert invariants(made, questionnaire(walk.sheet, release), release=release) == []
    assert made["status"] == ("stopped" if walk.view.switched_to else "completed")


def plain_answer(question: Question, option: int) -> tuple[str, ...]:
    match question.type:
        case QuestionType.CHOICE:
            return (question.options[option].value,)
        case QuestionType.INTEGER:
            return (str(question.minimum or 0),)
        case QuestionType.TEXT:
            return ("some words",)
        case QuestionType.DATETIME:
            return ("2026-11-23T09:00+01:00",)


@pytest.mark.parametrize("release", RELEASES)
def test_the_small_protocol_and_its_response_are_accepted(release: str):
    asked = questionnaire(SMALL, release)
    for text in (False, True):
        made = small_walk().response(release, text=text)
        accepted(made, release)
        assert invariants(made, asked, release=release) == []

    accepted(asked, release)
    assert invariants(asked, release=release) == []


# What is mapped to what


def test_the_head_says_which_text_it_is_and_how_it_stands():
    made = questionnaire(SMALL)

    assert made["url"] == "urn:modconsole:protocol:small-sheet"
    assert made["version"] == "1.2.0"
    assert made["name"] == "SmallSheet"
    assert made["identifier"] == [{"system": "urn:modconsole:protocol-sha256", "value": "5" * 64}]
    assert made["derivedFrom"] == ["urn:modconsole:protocol:calm-sheet|1.0.0"]
    assert made["effectivePeriod"] == {"start": "2026-12-01", "end": "2027-05-01"}
    assert [place["coding"][0]["code"] for place in made["jurisdiction"]] == ["GB", "GB-SCT"]
    assert "approvalDate" not in made
    assert "Not for use with real members" in made["copyright"]


@pytest.mark.parametrize(
    ("status", "of_this_text", "said"),
    [
        (ProtocolStatus.DRAFT, True, "draft"),
        (ProtocolStatus.IN_REVIEW, True, "draft"),
        (ProtocolStatus.APPROVED, True, "active"),
        (ProtocolStatus.APPROVED, False, "draft"),
        (ProtocolStatus.RETIRED, True, "retired"),
        (ProtocolStatus.WITHDRAWN, True, "retired"),
    ],
)
def test_only_an_approval_of_this_very_text_makes_it_active(
    status: ProtocolStatus, of_this_text: bool, said: str
):
    approval = Approval("safeguarding_lead", "", date(2026, 11, 1), SMALL.hash if of_this_text else "6" * 64)
    governance = replace(SMALL.governance, approvals=(approval,))
    made = questionnaire(replace(SMALL, status=status, governance=governance))

    assert made["status"] == said
    assert made["experimental"] is (said != "active")
    assert ("approvalDate" in made) is of_this_text


def test_a_step_is_a_group_and_one_that_asks_nothing_is_a_display():
    found = items(questionnaire(SMALL))

    assert (found["step.look"]["type"], found["step.look"]["text"]) == ("group", "Look at the post.")
    assert found["step.reply.text"] == {
        "linkId": "step.reply.text",
        "text": "Write a reply.",
        "type": "display",
    }
    assert found["step.reply.done"]["type"] == "boolean"
    assert "step.look.done" not in found


@pytest.mark.parametrize(("release", "kind"), [("R4", "choice"), ("R5", "coding")])
def test_a_choice_has_its_options_as_codings(release: str, kind: str):
    safe = items(questionnaire(SMALL, release))["safe"]

    assert safe["type"] == kind
    assert safe["required"] is True
    assert safe["answerOption"][1]["valueCoding"] == {
        "system": "urn:modconsole:protocol:small-sheet:safe",
        "code": "unclear",
        "display": "Unclear",
    }
    assert safe.get("answerConstraint") == ("optionsOnly" if release == "R5" else None)


def test_what_fhir_cannot_say_is_there_in_words():
    words = [item.get("text", "") for item in items(questionnaire(SMALL)).values()]

    assert "If “No” or “Unclear”: tell the safeguarding lead; Do not wait." in words
    for said in (
        "other-sheet",
        "Take your time.",
        "hello",
        "distress and crisis",
        "senior moderator",
        "within: 1 h",
        "Few replies",
        "Hurry",
        "Somebody answered.",
        "15 min",
        "I need you now.",
        "24 hours",
        "The morning course",
        "Signed afterwards",
    ):
        assert any(said in line for line in words), said


def test_a_condition_of_two_kinds_needs_an_inner_group():
    found = items(questionnaire(SMALL))
    outer, inner = found["step.reply.if1"], found["step.reply"]

    assert {test["operator"] for test in (*outer["enableWhen"], *inner["enableWhen"])} == {"=", "<"}
    both = {frozenset(test["question"] for test in group["enableWhen"]) for group in (outer, inner)}
    assert both == {frozenset(["safe"]), frozenset(["look"])}
    assert [item["linkId"] for item in outer["item"]] == ["step.reply"]


def test_what_comes_after_a_switch_is_asked_only_without_it():
    after = items(questionnaire(SMALL))["step.look.after"]

    assert after["text"] == "Unless “other-sheet” took over"
    assert after["enableBehavior"] == "any"
    assert [(test["operator"], *test.get("answerCoding", {}).values()) for test in after["enableWhen"]] == [
        ("=", "urn:modconsole:protocol:small-sheet:safe", "yes"),
        ("=", "urn:modconsole:protocol:small-sheet:safe", "unclear"),
        ("exists",),
    ]


def test_ids_that_a_step_and_a_question_share_stay_apart():
    sheet = replace(
        SMALL,
        steps=(
            Step("help", "Help.", questions=(Question("step", "Step?", QuestionType.TEXT, help="Help"),)),
            Step("step", "Step.", help="Help", questions=(Question("help", "Help?", QuestionType.TEXT),)),
            Step(
                "about", "About.", questions=(Question("about", "About?", QuestionType.TEXT, help="About"),)
            ),
        ),
    )

    assert invariants(questionnaire(replace(sheet, sign_off=None, follow_up_required=None))) == []


def test_another_release_is_refused_by_name():
    for made in (lambda: questionnaire(SMALL, "R6"), lambda: small_walk().response("STU3")):
        with pytest.raises(WrongUsage, match="R4 or R5"):
            made()


# The response


@pytest.mark.parametrize("release", RELEASES)
def test_a_response_names_its_questionnaire_its_case_and_who_answered(release: str):
    made = small_walk().response(release)
    case = {"system": "urn:modconsole:case", "value": "c-abcdefgh"}

    assert made["questionnaire"] == "urn:modconsole:protocol:small-sheet|1.2.0"
    assert made["identifier"] == ([case] if release == "R5" else case)
    assert made["id"] == "r-aaaaaaaa"
    assert made["authored"] == "2026-11-22T09:00:06Z"
    assert made["author"] == {
        "identifier": {"system": "urn:modconsole:moderator", "value": "moss"},
        "display": "moss",
    }
    assert "subject" not in made


def test_a_response_stands_alone_with_the_words_as_shown():
    found = items(small_walk().response())

    assert found["safe"] == {
        "linkId": "safe",
        "text": "Is it safe?",
        "answer": [
            {
                "valueCoding": {
                    "system": "urn:modconsole:protocol:small-sheet:safe",
                    "code": "yes",
                    "display": "Yes",
                }
            }
        ],
    }
    assert found["look"]["answer"] == [{"valueInteger": 3}]
    assert found["again"]["answer"] == [{"valueDateTime": "2026-11-23T09:00:00Z"}]
    assert found["step.reply.done"]["answer"] == [{"valueBoolean": True}]
    assert found["step.reply.text"]["text"] == "Write a reply."


def test_free_text_stays_here_unless_it_is_asked_for_and_what_is_marked_stays_in_any_case():
    without, with_text = items(small_walk().response()), items(small_walk().response(text=True))

    assert without["told"]["answer"] == [{"valueString": WITHHELD}]
    assert with_text["told"]["answer"] == [{"valueString": "“Thank you”"}]
    assert with_text["kept"]["answer"] == [{"valueString": WITHHELD}]


def test_a_response_that_something_was_taken_out_of_carries_fhirs_label_for_it():
    said_nothing = Walk(SMALL).answer("safe", "yes").answer("again", "2026-11-23T09:00+00:00")

    assert [label["code"] for label in small_walk().response()["meta"]["security"]] == ["REDACTED"]
    assert "security" not in said_nothing.response()["meta"]


def test_not_needed_is_an_answer_of_its_own_and_its_reason_is_free_text():
    walk = Walk(SMALL).answer("safe", "yes").answer("again", f"{NOT_NEEDED}: Robin says so")
    without, with_text = walk.response(), walk.response(text=True)

    assert "again" not in items(without)
    assert "Robin" not in json.dumps(without)
    assert items(with_text)["question.again.not-needed"]["answer"] == [{"valueString": "Robin says so"}]
    for made in (without, with_text):
        assert invariants(made, questionnaire(SMALL)) == []


def test_a_skipped_step_says_why_and_its_note_is_free_text():
    walk = Walk(SMALL).answer("safe", "yes").skip("end", "no_time", "Robin rang")
    without, with_text = walk.response(), walk.response(text=True)

    assert items(without)["step.end.skip"]["answer"] == [{"valueString": "no_time"}]
    assert "again" not in items(without)
    assert items(with_text)["step.end.skip"]["answer"] == [{"valueString": "no_time: Robin rang"}]
    assert without["status"] == "completed"
    assert invariants(without, questionnaire(SMALL)) == []


def test_steps_that_were_not_shown_and_answers_that_were_taken_back_are_left_out():
    walk = small_walk().answer("look", "9").answer("safe", "unclear")
    found = items(walk.response())

    assert not [link for link in found if link.startswith("step.reply")]
    assert [answer["valueCoding"]["code"] for answer in found["safe"]["answer"]] == ["unclear"]
    assert found["look"]["answer"] == [{"valueInteger": 9}]


@pytest.mark.parametrize(
    ("walk", "closed", "status"),
    [
        (lambda: small_walk(), True, "completed"),
        (lambda: small_walk(), False, "in-progress"),
        (lambda: small_walk().answer("safe", "no"), True, "stopped"),
        (lambda: small_walk().answer("safe", "no"), False, "stopped"),
        (lambda: Walk(SMALL).answer("safe", "yes"), True, "stopped"),
    ],
)
def test_the_status_says_how_the_run_ended(walk: Callable[[], Walk], closed: bool, status: str):
    assert walk().response(closed=closed)["status"] == status


def test_a_run_without_an_answer_has_no_author_and_begins_when_it_began():
    made = Walk(SMALL).response(closed=False)

    assert "author" not in made
    assert made["authored"] == "2026-11-22T09:00:00Z"
    assert invariants(made, questionnaire(SMALL)) == []


def test_times_are_written_as_fhir_writes_them_whatever_their_zone():
    walk = small_walk()
    walk.at = datetime(2026, 11, 22, 9, 0, tzinfo=timezone(timedelta(hours=5, minutes=30, seconds=20)))
    made = walk.answer("again", "2026-11-23T09:00:01.5+18:00").response()

    assert items(made)["again"]["answer"] == [{"valueDateTime": "2026-11-22T15:00:01Z"}]
    assert made["authored"] == "2026-11-22T03:29:41Z"
    accepted(made, "R4")


def test_a_number_too_large_for_fhir_is_there_without_its_value():
    made = small_walk().answer("look", str(2**40)).response()

    assert items(made)["look"] == {"linkId": "look", "text": "How many replies?"}
    accepted(made, "R4")


def test_answers_given_before_a_step_was_skipped_are_there_beside_the_skip():
    """The one place where a response is not what its questionnaire allows: docs/fhir.md says so."""
    made = Walk(SMALL).answer("safe", "yes").skip("look", "disagreed").skip("end", "no_time").response()

    assert {"safe", "step.look.skip"} <= set(items(made))
    assert invariants(made, questionnaire(SMALL)) == ["safe is there, and its conditions do not hold"]


def test_hostile_words_leave_as_what_a_reader_sees():
    made = small_walk().answer("told", "a\x1b[2Jb\u202ec").response(text=True)

    (answer,) = items(made)["told"]["answer"]
    assert "\x1b" not in answer["valueString"]
    assert "\u202e" not in answer["valueString"]
    accepted(made, "R4")


# Our own rules, broken once each


def change(path: Sequence[Any], value: Any) -> Callable[[Plain], None]:
    def changed(resource: Plain) -> None:
        place: Any = resource
        for key in path[:-1]:
            place = items(resource)[key] if place is resource and key in items(resource) else place[key]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return changed


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (change(["look", "linkId"], "safe"), "que-2"),
        (change(["look", "type"], "number"), "number is none of R4"),
        (change(["safe", "type"], "coding"), "coding is none of R4"),
        (change(["safe", "answerConstraint"], "optionsOnly"), "R5 in R4"),
        (change(["status"], "approved"), "status approved"),
        (change(["name"], "small-sheet"), "que-0"),
        (change(["url"], "urn:a|1"), "cnl-1"),
        (change(["again", "enableBehavior"], None), "que-12"),
        (change(["again", "enableWhen", 0, "question"], "nowhere"), "nowhere, which is not there"),
        (change(["safe", "enableWhen", 0, "question"], "again"), "again, which is not asked before it"),
        (change(["step.look.after", "enableWhen", 0, "operator"], "in"), "unknown operator in"),
        (change(["step.look.after", "enableWhen", 0, "answerBoolean"], True), "not exactly one answer"),
        (
            change(["step.look.after", "enableWhen", 0, "answerCoding", "code"], "maybe"),
            "maybe, which is no option",
        ),
        (
            change(["step.look.after", "enableWhen", 0, "answerCoding", "system"], "urn:x"),
            "which is no option",
        ),
        (change(["again", "enableWhen", 0, "answerBoolean"], "no"), "que-7"),
        (change(["step.look.why", "required"], True), "a display with required"),
        (
            change(["step.look.why", "item"], [{"linkId": "z", "type": "display", "text": "z"}]),
            "a display with item",
        ),
        (change(["step.look", "item"], []), "que-1"),
        (change(["safe", "answerOption"], []), "a choice without options"),
        (change(["look", "answerOption"], [{"valueCoding": {"code": "a"}}]), "que-5"),
        (change(["safe", "answerOption", 0, "valueCoding", "code"], "no"), "two options with one code"),
    ],
)
def test_a_broken_rule_of_a_questionnaire_is_named(breaks: Callable[[Plain], None], said: str):
    broken = copy.deepcopy(questionnaire(SMALL))
    breaks(broken)

    assert any(said in found for found in invariants(broken)), invariants(broken)


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (change(["status"], "final"), "status final"),
        (change(["questionnaire"], "urn:modconsole:protocol:small-sheet"), "not url|version"),
        (change(["questionnaire"], "urn:modconsole:protocol:other|1"), "it answers"),
        (change(["authored"], "2026-11-22T09:00:00"), "authored"),
        (change(["identifier"], []), "form of R4"),
        (change(["look", "linkId"], "safe"), "stands there twice"),
        (change(["look", "linkId"], "loook"), "loook is not an item of the questionnaire"),
        (change(["safe", "answer", 0, "valueCoding", "code"], "maybe"), "maybe is not among its options"),
        (change(["safe", "answer", 0], {"valueString": "yes"}), "valueString as an answer"),
        (change(["safe", "answer", 0, "valueBoolean"], True), "exactly one value"),
        (change(["again", "answer", 0, "valueDateTime"], "2026-11-23T09:00:00"), "without its zone"),
        (change(["look", "answer"], [{"valueInteger": 1}, {"valueInteger": 2}]), "several answers"),
        (change(["look", "item"], []), "qrs-1"),
        (change(["step.reply.text", "answer"], [{"valueBoolean": True}]), "a display with an answer"),
        (change(["safe", "text"], "Is it?"), "its words"),
        (change(["safe", "answer", 0, "valueCoding", "code"], "no"), "its conditions do not hold"),
        (change(["step.end", "item"], []), "again is required and not answered"),
    ],
)
def test_a_broken_rule_of_a_response_is_named(breaks: Callable[[Plain], None], said: str):
    broken = copy.deepcopy(small_walk().response())
    breaks(broken)

    found = invariants(broken, questionnaire(SMALL))
    assert any(said in line for line in found), found


def test_a_bundle_whose_parts_do_not_fit_is_named():
    asked, answered = questionnaire(SMALL), small_walk().response()
    entries = [{"fullUrl": "urn:a", "resource": asked}, {"fullUrl": "urn:b", "resource": answered}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}

    assert invariants(bundle) == []
    assert "not in the bundle" in invariants({**bundle, "entry": entries[1:]})[0]
    assert "fullUrl" in invariants({**bundle, "entry": [entries[0], entries[0]]})[0]
    assert "collection" in invariants({**bundle, "type": "batch"})[0]
    assert invariants({"resourceType": "Patient"})


# A second reading of FHIR's conditions, from the text of its specification (questionnaire-enable-operator, R4)

Answers = Mapping[str, Sequence[Any]]


def is_true(test: Plain, answers: Answers) -> bool:
    given_ = answers.get(test["question"], ())
    (wanted,) = (value for name, value in test.items() if name.startswith("answer"))
    if isinstance(wanted, dict):
        wanted = wanted["code"]
    match test["operator"]:
        case "exists":  # whether an answer exists is equal to the enableWhen answer
            return (len(given_) > 0) == wanted
        case "=":  # at least one answer has a value that is equal
            return any(value == wanted for value in given_)
        case "!=":  # no answer has a value that is equal
            return not any(value == wanted for value in given_)
        case "<":
            return any(value < wanted for value in given_)
        case ">":
            return any(value > wanted for value in given_)
    raise AssertionError(test)


def enabled(found: Sequence[Plain], answers: Answers, live: dict[str, Sequence[Any]]) -> Iterator[str]:
    """Name the items that are enabled, outermost first. The answers to one that is not count for nothing."""
    for item in found:
        held = [is_true(test, live) for test in item.get("enableWhen", ())]
        if held and not (any(held) if item.get("enableBehavior") == "any" else all(held)):
            continue
        if item["linkId"] in answers:
            live[item["linkId"]] = answers[item["linkId"]]
        yield item["linkId"]
        yield from enabled(item.get("item", ()), answers, live)


def as_given(walk: Walk) -> Answers:
    """Give everything that was ever answered last, shown or not, as a form elsewhere would hold it."""
    answers: dict[str, Sequence[Any]] = {}
    for event in walk.run.events:
        question = walk.sheet.question(event.question)
        if question is None:
            if event.kind is RunEventKind.SKIPPED:
                answers[f"step.{event.step}.skip"] = event.values
            continue
        answers.pop(f"step.{event.step}.skip", None)
        not_needed = f"question.{question.id}.not-needed"
        answers.pop(not_needed, None)
        answers.pop(question.id, None)
        if question.type is QuestionType.INTEGER:
            answers[question.id] = [int(value) for value in event.values]
        elif event.values[0].startswith(NOT_NEEDED):
            answers[not_needed] = event.values
        else:
            answers[question.id] = event.values
    return answers


def steps_enabled(walk: Walk, release: str) -> list[str]:
    made = questionnaire(walk.sheet, release)
    names = {f"step.{step.id}": step.id for step in walk.sheet.steps}
    return [names[link] for link in enabled(made["item"], as_given(walk), {}) if link in names]


def check_walk(walk: Walk, closed: bool, text: bool, release: str) -> None:
    made = walk.response(release, closed=closed, text=text)
    asked = questionnaire(walk.sheet, release)

    assert steps_enabled(walk, release) == [shown.step.id for shown in walk.view.steps]
    assert invariants(asked, release=release) == []
    assert invariants(made, asked, release=release) == []
    accepted(made, release)


# Small sheets whose every answer is tried

ABC = (Option("a", "A"), Option("b", "B"), Option("c", "C"))


def one(id: str, *follows: Consequence) -> Question:
    return Question(id, f"{id}?", QuestionType.CHOICE, options=ABC, on_answer=follows)


def several(id: str, *follows: Consequence) -> Question:
    return replace(one(id, *follows), multiple=True)


def asks(id: str, *asked: Question, when: When | None = None, emergency: bool = False) -> Step:
    return Step(id, f"Do {id}", questions=asked, when=when, emergency=emergency)


def only_if(*tests: Test, any: bool = False) -> When:
    return When(tests, any)


EXACT: dict[str, tuple[Step, ...]] = {
    "one of several and nothing else": (
        asks("s1", several("q")),
        asks("s2", when=only_if(Test("q", Operator.EQUALS, ("a",)))),
    ),
    "any but one of several": (
        asks("s1", several("q")),
        asks("s2", when=only_if(Test("q", Operator.NOT_EQUALS, ("a",)))),
    ),
    "any but one": (asks("s1", one("q")), asks("s2", when=only_if(Test("q", Operator.NOT_EQUALS, ("a",))))),
    "both of two kinds": (
        asks("s1", one("q"), several("r")),
        asks("s2", when=only_if(Test("q", Operator.IN, ("a", "b")), Test("r", Operator.NOT_EQUALS, ("b",)))),
    ),
    "either of two kinds": (
        asks("s1", one("q"), several("r")),
        asks(
            "s2",
            when=only_if(
                Test("q", Operator.ANSWERED, ("false",)), Test("r", Operator.EQUALS, ("b",)), any=True
            ),
        ),
    ),
    "a condition on what is hidden": (
        asks("s1", one("q")),
        asks("s2", one("r"), when=only_if(Test("q", Operator.EQUALS, ("a",)))),
        asks("s3", when=only_if(Test("r", Operator.EQUALS, ("b",)))),
        asks("s4", when=only_if(Test("r", Operator.ANSWERED, ("false",)))),
    ),
    "the last of two jumps leads": (
        asks("s1", one("q", Consequence(("a",), go_to="s4")), one("r", Consequence(("a", "b"), go_to="s3"))),
        asks("s2"),
        asks("s3"),
        asks("s4"),
    ),
    "a jump over a jump": (
        asks("s1", several("q", Consequence(("a", "b"), go_to="s3"))),
        asks("s2", one("r", Consequence(("a",), go_to="s5"))),
        asks("s3", one("t", Consequence(("b",), switch_to="other"))),
        asks("s4"),
        asks("s5"),
    ),
    "an emergency step with a condition": (
        asks("s1", one("q")),
        asks("s2", when=only_if(Test("q", Operator.EQUALS, ("a",))), emergency=True),
        asks("s3", when=only_if(Test("q", Operator.EQUALS, ("a",)))),
    ),
    "a switch hides all that comes after it": (
        asks("s1", several("q", Consequence(("a", "b"), switch_to="other"))),
        asks("s2", one("r", Consequence(("c",), switch_to="third"))),
        asks("s3", emergency=True),
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_every_answer_to_a_small_sheet_shows_the_same_steps(name: str):
    sheet = replace(SMALL, steps=EXACT[name], sign_off=None, follow_up_required=None, close_requires=())
    asked = [question for step in sheet.steps for question in step.questions]
    seen = set()
    for chosen in product(*(every_answer(question) for question in asked)):
        walk = Walk(sheet)
        for question, values in zip(asked, chosen, strict=True):
            if values:
                walk.answer(question.id, *values)
        shown = [step.step.id for step in walk.view.steps]
        seen.add(tuple(shown))

        assert steps_enabled(walk, "R4") == shown, chosen
    assert len(seen) > 1
    assert invariants(questionnaire(sheet)) == []


def every_answer(question: Question) -> Iterator[tuple[str, ...]]:
    most = len(question.options) if question.multiple else 1
    values = [option.value for option in question.options]
    return (picked for size in range(most + 1) for picked in combinations(values, size))


MANY = settings(
    deadline=None, derandomize=True, max_examples=150, suppress_health_check=list(HealthCheck), database=None
)


def answers_to(question: Question) -> st.SearchStrategy[tuple[str, ...]]:
    values = [option.value for option in question.options]
    match question.type:
        case QuestionType.CHOICE if question.multiple:
            return st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)
        case QuestionType.CHOICE:
            return st.sampled_from(values).map(lambda value: (value,))
        case QuestionType.INTEGER:
            return st.integers(-3, 3).map(lambda number: (str(number),))
        case QuestionType.TEXT:
            return st.text(min_size=1, max_size=12).filter(str.strip).map(lambda words: (words,))
        case QuestionType.DATETIME:
            return st.sampled_from([("2026-11-23T09:00+01:00",), (f"{NOT_NEEDED}: it is quiet",)])


@st.composite
def walks(draw: st.DrawFn, sheet: ReviewProtocol) -> Walk:
    """Go to steps in any order, answer, change answers, skip what was not answered, tick."""
    walk = Walk(sheet)
    # In the order of the sheet most of the time, or what depends on answers would rarely be seen.
    for step in [*sheet.steps, *draw(st.lists(st.sampled_from(sheet.steps), max_size=4))]:
        answered = any(event.question and event.step == step.id for event in walk.run.events)
        does = draw(st.sampled_from(["answer", "answer", "answer", "skip", "tick", "leave"]))
        if does == "answer":
            for question in step.questions:
                if draw(st.integers(0, 5)):
                    walk.answer(question.id, *draw(answers_to(question)))
        elif does == "skip" and not answered:
            walk.skip(step.id, draw(st.sampled_from(sorted(SKIP_REASONS))))
        elif does == "tick":
            walk.tick(step.id)
    return walk


OPTIONS = tuple(Option(value, value.upper()) for value in ("a", "b", "c", "d"))


@st.composite
def questions(draw: st.DrawFn, id: str, later: Sequence[str]) -> Question:
    kind = draw(st.sampled_from([QuestionType.CHOICE, QuestionType.CHOICE, *QuestionType]))
    required = draw(st.booleans())
    if kind is not QuestionType.CHOICE:
        return Question(id, f"{id}?", kind, required=required, redact=draw(st.booleans()))
    options = OPTIONS[: draw(st.integers(2, 4))]
    leads = [Consequence(("a",), switch_to="other"), Consequence(("a",), escalate="safeguarding_lead")]
    leads += [Consequence(("a",), go_to=step) for step in later]
    follows = tuple(
        replace(draw(st.sampled_from(leads)), values=tuple(draw(some_of(options))))
        for _ in range(draw(st.integers(0, 2)))
    )
    multiple = draw(st.booleans())
    return Question(
        id, f"{id}?", kind, required=required, options=options, multiple=multiple, on_answer=follows
    )


def some_of(options: Sequence[Option]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([option.value for option in options]), min_size=1, unique=True)


@st.composite
def conditions_on(draw: st.DrawFn, question: Question) -> Test:
    if question.type in (QuestionType.TEXT, QuestionType.DATETIME):
        return Test(question.id, Operator.ANSWERED, (draw(st.sampled_from(["true", "false"])),))
    if question.type is QuestionType.INTEGER:
        fits = [Operator.EQUALS, Operator.NOT_EQUALS, Operator.LT, Operator.GT]
        return Test(question.id, draw(st.sampled_from(fits)), (str(draw(st.integers(-2, 2))),))
    operator = draw(st.sampled_from([op for op in Operator if op not in (Operator.LT, Operator.GT)]))
    if operator is Operator.ANSWERED:
        return Test(question.id, operator, (draw(st.sampled_from(["true", "false"])),))
    values = draw(some_of(question.options))
    many = operator in (Operator.IN, Operator.ANY_OF)
    return Test(question.id, operator, tuple(values if many else values[:1]))


@st.composite
def sheets(draw: st.DrawFn) -> ReviewProtocol:
    """Give a sheet of two to five steps with conditions, jumps and switches. Step and question ids are the same."""
    names = [f"x{number}" for number in range(draw(st.integers(2, 5)))]
    steps: list[Step] = []
    asked: list[Question] = []
    for place, name in enumerate(names):
        when = None
        if asked and draw(st.booleans()):
            tests = [
                draw(conditions_on(draw(st.sampled_from(asked)))) for _ in range(draw(st.integers(1, 3)))
            ]
            when = When(tuple(tests), any=draw(st.booleans()))
        ids = [name, f"{name}-b"][: draw(st.integers(0, 2))]
        mine = tuple(draw(questions(id, names[place + 1 :])) for id in ids)
        steps.append(Step(name, f"Do {name}", when=when, questions=mine, emergency=place == 0))
        asked += mine
    return replace(SMALL, steps=tuple(steps), sign_off=None, follow_up_required=None, close_requires=())


@MANY
@given(st.data())
def test_any_sheet_shows_elsewhere_exactly_the_steps_it_shows_here(data: st.DataObject):
    sheet = data.draw(sheets())
    release, closed, text = data.draw(st.tuples(st.sampled_from(RELEASES), st.booleans(), st.booleans()))

    check_walk(data.draw(walks(sheet)), closed, text, release)


@MANY
@given(st.data())
def test_any_walk_through_a_shipped_protocol_is_the_same_elsewhere(library: FileLibrary, data: st.DataObject):
    sheet = shipped(library, data.draw(st.sampled_from(IDS)))
    release, closed, text = data.draw(st.tuples(st.sampled_from(RELEASES), st.booleans(), st.booleans()))

    check_walk(data.draw(walks(sheet)), closed, text, release)


@MANY
@given(sheets())
def test_unequal_is_said_only_of_questions_with_several_answers(sheet: ReviewProtocol):
    """Two readings of it are about; where one answer is all there is, nothing hangs on which."""
    for item in items(questionnaire(sheet)).values():
        for test in item.get("enableWhen", ()):
            question = sheet.question(test["question"])
            assert test["operator"] != "!=" or (question is not None and question.multiple)


# What we export today, word for word


def golden(library: FileLibrary) -> dict[str, Plain]:
    """Give what belongs into each file. A hash changes with every comma of every include, so none is written."""
    found: dict[str, Plain] = {}
    for release in RELEASES:
        found[f"small-sheet.{release}"] = questionnaire(SMALL, release)
        found[f"small-sheet-response.{release}"] = small_walk().response(release)
    skipped = Walk(SMALL).answer("safe", "unclear").answer("look", "9").skip("end", "no_time")
    found["small-sheet-response-skipped.R4"] = skipped.response()
    found["small-sheet-response-stopped.R4"] = small_walk().answer("safe", "no").response(closed=False)
    for id in IDS:
        found[f"shipped/{id}.R4"] = questionnaire(replace(shipped(library, id), hash="5" * 64))
    return found


def written(resource: Plain) -> str:
    return json.dumps(resource, ensure_ascii=False, indent=1) + "\n"


def test_the_export_is_word_for_word_what_was_last_looked_at(library: FileLibrary):
    now = {name: written(made) for name, made in golden(library).items()}
    kept = {
        str(path.relative_to(GOLDEN).with_suffix("")): path.read_text("utf-8")
        for path in GOLDEN.rglob("*.json")
    }

    differ = sorted(name for name in now.keys() | kept.keys() if now.get(name) != kept.get(name))
    assert differ == [], "if that is wanted: python -m tests.protocol_files.test_fhir"


@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("*.json")), ids=lambda path: path.stem)
def test_what_was_last_looked_at_keeps_the_rules(path: Path):
    resource, release = json.loads(path.read_text("utf-8")), path.stem[-2:]
    asked = questionnaire(SMALL, release) if resource["resourceType"] == "QuestionnaireResponse" else None

    assert invariants(resource, asked, release=release) == []


def write_golden() -> None:
    with tempfile.TemporaryDirectory() as kept:
        made = golden(FileLibrary([SHIPPED], Path(kept)))
    for path in GOLDEN.rglob("*.json"):
        path.unlink()
    for name, resource in made.items():
        path = GOLDEN / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(resource), "utf-8")


if __name__ == "__main__":
    write_golden()
