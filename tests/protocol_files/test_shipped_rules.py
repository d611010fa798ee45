"""The rules pack: golden walks through each sheet, with the branches that protect people."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modconsole.core.protocol import ReviewProtocol, Style
from modconsole.core.run import (
    Run,
    RunEvent,
    RunEventKind,
    RunView,
    StepState,
    close_blockers,
    demanded_urgency,
    view,
)
from modconsole.core.urgency import Urgency
from modconsole.protocol_files import FileLibrary, shipped_folder

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NEXT_LOOK = "2026-11-23T09:00+00:00"
OPENING = {"imminent": "no", "age": "adult", "place": "GB-ENG"}
CLOSING = {"member_told": "sent", "follow_up_at": NEXT_LOOK}
CALM: dict[str, dict[str, str | list[str]]] = {
    "harassment-hate-bullying": {
        "author_crisis": "no",
        "what_it_is": "one_off",
        "targeted_or_repeated": "no",
        "protected": "no",
        "ban_evasion": "no",
    },
    "identifying-information": {
        "whose_details": "own",
        "hostile": "no",
        "abuse_or_child": "no",
        "court_case": "no",
    },
    "contact-sharing-off-platform": {"who_benefits": ["mutual"], "repeated": "no"},
    "medication-and-health-claims": {
        "taken_too_much": "no",
        "stopping_suddenly": "no",
        "what_is_said": "own",
        "false_claim": "no",
        "selling_or_sharing": "no",
        "diagnosing": "no",
        "clinician_claim": "no",
    },
    "drugs-alcohol": {
        "overdose_or_seizure": "no",
        "dependent_stopping": "no",
        "sourcing_or_selling": "no",
        "amounts_or_techniques": "no",
    },
    "scam-or-exploitation-of-members": {
        "kind_of_scam": ["money"],
        "target_under_18": "no",
        "sextortion": "no",
        "reported": "yes",
    },
    "spam-fundraising-research-media": {"desperate_appeal": "no", "kind_of_post": "advert"},
    "trolling": {"author_crisis": "no"},
    "impersonation-or-bot": {"what_is_claimed": ["machine"], "verified": "yes"},
    "intimate-image-or-sextortion": {"could_be_under_18": "no", "what_happened": ["shared"]},
    "terrorism-extremism": {
        "attack_or_danger": "no",
        "beliefs_in_psychosis": "no",
        "report_made": "made",
        "being_drawn_in": "no",
    },
}
"""Every sheet's answers when nobody is in danger."""

URGENCY = {
    "harassment-hate-bullying": Urgency.TODAY,
    "identifying-information": Urgency.TODAY,
    "contact-sharing-off-platform": Urgency.TODAY,
    "medication-and-health-claims": Urgency.TODAY,
    "drugs-alcohol": Urgency.TODAY,
    "scam-or-exploitation-of-members": Urgency.TODAY,
    "spam-fundraising-research-media": Urgency.ROUTINE,
    "trolling": Urgency.TODAY,
    "impersonation-or-bot": Urgency.TODAY,
    "intimate-image-or-sextortion": Urgency.NOW,
    "terrorism-extremism": Urgency.NOW,
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FileLibrary:
    return FileLibrary([shipped_folder()], tmp_path_factory.mktemp("kept"))


def get(library: FileLibrary, id: str) -> ReviewProtocol:
    protocol = library.get(id)
    assert protocol is not None
    return protocol


def walk(protocol: ReviewProtocol, **answers: str | list[str]) -> RunView:
    """Answer questions, and tick every step that has none."""
    events = []
    for step in protocol.steps:
        for question in step.questions:
            if question.id in answers:
                given = answers[question.id]
                values = tuple(given) if isinstance(given, list) else (given,)
                at = START + timedelta(seconds=len(events))
                events.append(RunEvent(RunEventKind.ANSWERED, step.id, at, "ash", question.id, values))
        if not step.questions:
            at = START + timedelta(seconds=len(events))
            events.append(RunEvent(RunEventKind.TICKED, step.id, at, "ash"))
    unknown = [id for id in answers if protocol.question(id) is None]
    assert not unknown, unknown
    return view(protocol, Run("r-aaaaaaaa", protocol.id, protocol.hash, START, "chosen", tuple(events)))


def calm(library: FileLibrary, id: str, **changed: str | list[str]) -> RunView:
    """Walk a whole sheet with nobody in danger, but for what is `changed`."""
    return walk(get(library, id), **{**OPENING, **CALM[id], **CLOSING, **changed})


def seen(shown: RunView) -> list[str]:
    return [step.step.id for step in shown.steps]


def told(shown: RunView) -> set[str]:
    return {follow.consequence.escalate for follow in shown.follows} - {""}


def added(shown: RunView) -> set[str]:
    return {follow.consequence.add_protocol for follow in shown.follows} - {""}


def suggested(shown: RunView) -> set[str]:
    return {str(f.consequence.suggest_action) for f in shown.follows if f.consequence.suggest_action}


def offered(shown: RunView) -> set[str]:
    return {follow.consequence.offer_template for follow in shown.follows} - {""}


def said(shown: RunView) -> str:
    return " ".join(follow.consequence.show_notice for follow in shown.follows)


def blockers(shown: RunView, tell: Sequence[str] = ()) -> tuple[str, ...]:
    return close_blockers([shown], decided=True, unsettled=0, escalated_to=tell)


# Every sheet


def test_the_rules_pack_has_every_sheet_of_the_guide(library: FileLibrary):
    assert sorted(CALM) == [id for id in library.ids() if library.pack(id) == "rules"]


@pytest.mark.parametrize("id", CALM)
def test_a_calm_walk_ends_with_nothing_open(library: FileLibrary, id: str):
    shown = calm(library, id)

    assert all(step.state is StepState.DONE for step in shown.steps)
    assert shown.steps[-1].step.id == "closing"
    assert blockers(shown, ["safeguarding_lead"]) == ()
    assert added(shown) == set()
    assert demanded_urgency([shown]) is None


@pytest.mark.parametrize("id", CALM)
def test_urgency_style_and_length_are_as_the_guide_says(library: FileLibrary, id: str):
    protocol = get(library, id)
    rare = protocol.urgency is Urgency.NOW

    assert protocol.urgency is URGENCY[id]
    assert protocol.style is (Style.READ_DO if rare else Style.DO_CONFIRM)
    assert protocol.steps[0].emergency is rare
    assert len(protocol.steps) <= 9


@pytest.mark.parametrize("id", CALM)
@pytest.mark.parametrize("imminent", ["yes", "unclear"])
def test_danger_comes_before_rules_and_needs_a_next_look(library: FileLibrary, id: str, imminent: str):
    protocol = get(library, id)
    shown = calm(library, id, imminent=imminent, follow_up_at="not needed: it is over")
    asked = list(itertools.takewhile(lambda step: not step.templates, protocol.steps))

    assert any(question.id == "imminent" for step in asked for question in step.questions)
    assert demanded_urgency([shown]) is Urgency.NOW
    assert "safeguarding_lead" in told(shown)
    assert any("“not needed” does not do" in line for line in blockers(shown, ["safeguarding_lead"]))


@pytest.mark.parametrize("id", CALM)
def test_every_role_that_may_be_told_has_words_to_say_aloud(library: FileLibrary, id: str):
    protocol = get(library, id)
    roles = {c.escalate for s in protocol.steps for q in s.questions for c in q.on_answer} - {""}

    assert roles <= {escalation.role for escalation in protocol.escalations}
    assert all(e.script and e.method and e.within for e in protocol.escalations)


# 3.14


@pytest.mark.parametrize("id", ["harassment-hate-bullying", "trolling"])
@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_a_hostile_author_who_may_be_in_crisis_gets_the_safety_sheet_first(
    library: FileLibrary, id: str, answer: str
):
    shown = calm(library, id, author_crisis=answer)

    assert seen(shown)[:3] == ["opening", "crisis", "hide"]
    assert added(shown) == {"suicide-thoughts"}
    assert "send no rule message before it" in said(shown)


def test_harassment_looks_after_the_target_before_the_author(library: FileLibrary):
    steps = seen(calm(library, "harassment-hate-bullying"))

    assert steps == ["opening", "crisis", "hide", "target", "pattern", "hate", "ladder", "outcome", "closing"]


@pytest.mark.parametrize(
    ("question", "answer", "lead"),
    [
        ("what_it_is", "pile_on", False),
        ("what_it_is", "stalking", True),
        ("what_it_is", "unclear", True),
        ("targeted_or_repeated", "yes", False),
        ("targeted_or_repeated", "unclear", False),
    ],
)
def test_targeted_or_repeated_harassment_is_soon(
    library: FileLibrary, question: str, answer: str, lead: bool
):
    shown = calm(library, "harassment-hate-bullying", **{question: answer})

    assert demanded_urgency([shown]) is Urgency.SOON
    assert told(shown) == ({"safeguarding_lead"} if lead else set())


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_hate_goes_to_the_hate_log_and_ban_evasion_to_the_lead(library: FileLibrary, answer: str):
    hate = calm(library, "harassment-hate-bullying", protected=answer)
    evasion = calm(library, "harassment-hate-bullying", ban_evasion=answer)

    assert "hate log" in said(hate)
    assert "may report it to the police" in said(hate)
    assert told(evasion) == {"safeguarding_lead"}


# 3.15


@pytest.mark.parametrize("hostile", ["yes", "unclear"])
def test_details_posted_to_hurt_are_hidden_now_and_add_the_harassment_sheet(
    library: FileLibrary, hostile: str
):
    shown = calm(library, "identifying-information", hostile=hostile)

    assert "hide" in seen(shown)
    assert suggested(shown) == {"hide"}
    assert added(shown) == {"harassment-hate-bullying"}
    assert told(shown) == {"safeguarding_lead"}
    assert demanded_urgency([shown]) is Urgency.NOW


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_details_with_abuse_or_a_child_are_now_and_written_of_without_saying_what(
    library: FileLibrary, answer: str
):
    shown = calm(library, "identifying-information", abuse_or_child=answer)

    assert demanded_urgency([shown]) is Urgency.NOW
    assert told(shown) == {"safeguarding_lead"}
    assert offered(shown) == {"post-tidied-safely"}


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_a_court_case_is_the_leads(library: FileLibrary, answer: str):
    assert told(calm(library, "identifying-information", court_case=answer)) == {"safeguarding_lead"}


# 3.16


@pytest.mark.parametrize(
    ("who", "sheet", "urgency"),
    [
        ("adult_child", "grooming-or-exploitation", Urgency.NOW),
        ("pressure", "scam-or-exploitation-of-members", None),
        ("money", "scam-or-exploitation-of-members", None),
        ("pact", "harmful-suicide-selfharm-content", Urgency.NOW),
    ],
)
def test_who_benefits_from_a_contact_decides_what_else_runs(
    library: FileLibrary, who: str, sheet: str, urgency: Urgency | None
):
    shown = calm(library, "contact-sharing-off-platform", who_benefits=["mutual", who])

    assert added(shown) == {sheet}
    assert demanded_urgency([shown]) is urgency


def test_a_contact_nobody_can_place_waits_for_the_lead_and_tips_nobody_off(library: FileLibrary):
    shown = calm(library, "contact-sharing-off-platform", who_benefits=["unclear"])

    assert demanded_urgency([shown]) is Urgency.NOW
    assert told(shown) == {"safeguarding_lead"}
    assert "hide" in suggested(shown)
    assert "must not be tipped off" in said(shown)


# 3.17


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_too_much_of_a_medicine_hands_over_at_once(library: FileLibrary, answer: str):
    shown = calm(library, "medication-and-health-claims", taken_too_much=answer)

    assert shown.switched_to == "suicide-immediate"
    assert seen(shown) == ["opening", "taken"]
    assert "press ! for the emergency panel" in said(shown)


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_stopping_suddenly_is_now_and_sends_them_to_a_prescriber_first(library: FileLibrary, answer: str):
    shown = calm(library, "medication-and-health-claims", stopping_suddenly=answer)
    reply = next(step.step for step in shown.steps if step.step.id == "ask_first")

    assert demanded_urgency([shown]) is Urgency.NOW
    assert reply.templates == ("stopping-suddenly-ask-first",)
    assert seen(shown).index("ask_first") < seen(shown).index("experience")


def test_own_experience_stays_without_doses_and_instructions_come_out(library: FileLibrary):
    own = calm(library, "medication-and-health-claims")
    unclear = calm(library, "medication-and-health-claims", what_is_said="unclear")

    assert "Keep the experience, without doses" in said(own)
    assert suggested(own) == set()
    assert suggested(unclear) == {"edit"}


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_selling_medicines_is_hidden_and_claiming_to_be_a_clinician_is_checked(
    library: FileLibrary, answer: str
):
    selling = calm(library, "medication-and-health-claims", selling_or_sharing=answer)
    clinician = calm(library, "medication-and-health-claims", clinician_claim=answer)

    assert (suggested(selling), told(selling)) == ({"hide"}, {"safeguarding_lead"})
    assert added(clinician) == {"impersonation-or-bot"}


# 3.18


@pytest.mark.parametrize("question", ["overdose_or_seizure", "dependent_stopping"])
@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_an_overdose_or_a_sudden_stop_is_now(library: FileLibrary, question: str, answer: str):
    shown = calm(library, "drugs-alcohol", **{question: answer})

    assert demanded_urgency([shown]) is Urgency.NOW
    assert told(shown) == {"safeguarding_lead"}


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_sellers_are_hidden_amounts_come_out_and_relapse_stays(library: FileLibrary, answer: str):
    selling = calm(library, "drugs-alcohol", sourcing_or_selling=answer)
    amounts = calm(library, "drugs-alcohol", amounts_or_techniques=answer)

    assert (suggested(selling), told(selling)) == ({"hide"}, {"safeguarding_lead"})
    assert suggested(amounts) == {"edit"}
    assert seen(amounts)[-2:] == ["recovery", "closing"]


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_a_scam_on_someone_who_may_be_a_child_adds_the_grooming_sheet_and_tips_nobody_off(
    library: FileLibrary, answer: str
):
    shown = calm(library, "scam-or-exploitation-of-members", target_under_18=answer)

    assert added(shown) == {"grooming-or-exploitation"}
    assert told(shown) == {"safeguarding_lead"}
    assert "must not be tipped off" in said(shown)


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_sextortion_is_now_and_nobody_looks_again(library: FileLibrary, answer: str):
    shown = calm(library, "scam-or-exploitation-of-members", sextortion=answer)

    assert demanded_urgency([shown]) is Urgency.NOW
    assert "Do not look again and make no copies" in said(shown)


# 3.23


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_a_desperate_appeal_for_money_is_a_distress_post_first(library: FileLibrary, answer: str):
    shown = calm(library, "spam-fundraising-research-media", desperate_appeal=answer)

    assert added(shown) == {"distress-no-safety-signs"}
    assert seen(shown)[:2] == ["opening", "person"]


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("advert", "advert"),
        ("fundraising", "fundraising"),
        ("research", "check"),
        ("media", "check"),
        ("unclear", "check"),
        ("scraping", "scraping"),
    ],
)
def test_research_and_media_wait_for_the_check_and_adverts_go(library: FileLibrary, kind: str, step: str):
    shown = calm(library, "spam-fundraising-research-media", kind_of_post=kind)

    assert seen(shown) == ["opening", "person", "what", step, "closing"]
    assert told(shown) == ({"safeguarding_lead"} if kind == "scraping" else set())
    if step == "check":
        assert "hold" in shown.steps[3].step.actions


# 3.24


def test_trolling_is_hidden_quietly_and_its_targets_are_asked_before_the_ladder(library: FileLibrary):
    protocol = get(library, "trolling")

    assert seen(calm(library, "trolling")) == ["opening", "crisis", "hide", "targets", "ladder", "closing"]
    assert "Debate in public" in protocol.do_not


@pytest.mark.parametrize(("verified", "restricted"), [("yes", False), ("unclear", True), ("no", True)])
def test_an_account_is_restricted_unless_the_private_check_was_good(
    library: FileLibrary, verified: str, restricted: bool
):
    shown = calm(library, "impersonation-or-bot", verified=verified)

    assert ("restrict" in seen(shown)) is restricted
    assert suggested(shown) == ({"restrict_account"} if restricted else set())


# 3.29


@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_an_image_that_may_show_a_child_hands_over_before_anyone_looks(library: FileLibrary, answer: str):
    shown = calm(library, "intimate-image-or-sextortion", could_be_under_18=answer)

    assert shown.switched_to == "csam-suspected"
    assert seen(shown) == ["ring", "opening", "under_18"]
    assert "No copies" in said(shown)


def test_an_adults_image_is_hidden_unseen_and_the_lead_is_always_told(library: FileLibrary):
    for what in ("shared", "threat", "sent", "unclear"):
        shown = calm(library, "intimate-image-or-sextortion", what_happened=[what])

        assert seen(shown) == ["ring", "opening", "under_18", "hide", "lead", "support", "police", "closing"]
        assert told(shown) == {"safeguarding_lead"}


# 3.30


@pytest.mark.parametrize("question", ["attack_or_danger", "beliefs_in_psychosis", "being_drawn_in"])
@pytest.mark.parametrize("answer", ["yes", "unclear"])
def test_terrorism_or_illness_or_someone_drawn_in_is_told_to_the_lead(
    library: FileLibrary, question: str, answer: str
):
    shown = calm(library, "terrorism-extremism", **{question: answer})

    assert told(shown) == {"safeguarding_lead"}
    assert seen(shown)[0] == "ring"


@pytest.mark.parametrize(("beliefs", "reported"), [("yes", False), ("unclear", True), ("no", True)])
def test_beliefs_in_psychosis_get_clinical_advice_and_are_not_reported_as_extremism(
    library: FileLibrary, beliefs: str, reported: bool
):
    shown = calm(library, "terrorism-extremism", beliefs_in_psychosis=beliefs)

    assert ("report" in seen(shown)) is reported
    assert ("escalate_clinical" in suggested(shown)) is (beliefs != "no")
    assert "999" in said(shown) or beliefs == "no"


# The hazard log

HAZARD = re.compile(r"^## (HZ-\d\d .+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def hazard_log() -> dict[str, str]:
    """The hazard log: each hazard in its words, and what is written of it."""
    text = (Path(__file__).parents[2] / "docs" / "hazards.md").read_text(encoding="utf-8")
    _, *parts = HAZARD.split(text)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_hazard_that_a_protocol_names_is_in_the_log_in_the_same_words(
    library: FileLibrary, hazard_log: dict[str, str]
):
    for id in library.ids():
        assert set(get(library, id).governance.hazards) <= set(hazard_log), id


def test_the_hazard_log_names_exactly_the_protocols_that_name_the_hazard(
    library: FileLibrary, hazard_log: dict[str, str]
):
    assert [hazard.split()[0] for hazard in hazard_log] == [f"HZ-{n:02}" for n in range(1, 23)]
    for hazard, text in hazard_log.items():
        line = re.search(r"\*\*Protocols:\*\*(.*?)\n- \*\*", text, re.DOTALL)
        assert line is not None, hazard
        named = re.findall(r"`([a-z-]+)`", line[1])
        assert named == [id for id in library.ids() if hazard in get(library, id).governance.hazards], hazard


def test_every_protocol_the_hazard_log_or_the_adoption_list_speaks_of_exists(library: FileLibrary):
    docs = Path(__file__).parents[2] / "docs"
    for name in ("hazards.md", "adoption.md"):
        spoken = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", (docs / name).read_text(encoding="utf-8")))

        assert spoken - {"own-protocols"} <= set(library.ids()), name
