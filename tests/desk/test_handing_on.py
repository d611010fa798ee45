"""Handing a case's runs on: who may, what is sealed first, and how each run says that it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from modconsole.core.actions import Action
from modconsole.core.decision import EntryKind
from modconsole.core.errors import LogError, NoSuchCase, NotAllowed
from modconsole.core.protocol import ProtocolStatus
from modconsole.desk import Choice
from modconsole.desk.handing_on import TEXT_ROLES, Export, as_it_stands, fhir_export
from modconsole.desk.standing import Standing, StandingKind
from modconsole.ports.protocol_tools import ProtocolTools
from modconsole.protocol_files import FileLibrary
from modconsole.protocol_files.fhir_rules import invariants
from modconsole.protocol_files.tools import FileTools
from tests.desk.fakes import CHECK, a_flag, a_page
from tests.desk.homes import Home


@pytest.fixture
def tools(tmp_path: Path) -> ProtocolTools:
    return FileTools(FileLibrary([], tmp_path / "kept"))


async def closed(home: Home, case: str) -> str:
    run = home.desk.cases.start_run(case, "suicide-thoughts").id
    home.desk.cases.answer(case, run, "imminent", ["no"])
    home.desk.cases.answer(case, run, "mood", ["Robin says fine."])
    home.desk.cases.answer(case, run, "follow_up_at", ["not needed: answered by friends"])
    state = home.desk.decisions.decide(case, [Choice(Action.KEEP)], "why")
    await home.desk.decisions.settle(state.id)
    home.desk.cases.close(case)
    return run


def resources(made: Export, kind: str) -> list[Any]:
    return [e["resource"] for e in made.bundle["entry"] if e["resource"]["resourceType"] == kind]


def statuses(made: Export) -> list[str]:
    return [found["status"] for found in resources(made, "QuestionnaireResponse")]


@pytest.mark.parametrize("release", ["R4", "R5"])
async def test_it_is_in_the_log_which_runs_left_and_how(
    home: Home, case: str, tools: ProtocolTools, release: str
) -> None:
    run = await closed(home, case)

    made = fhir_export(home.desk.cases, tools, case, release=release)

    entry = home.entries[-1]
    assert (entry.kind, entry.actor, entry.detail) == (EntryKind.EXPORTED, "moss", f"fhir:{release}")
    assert entry.case == home.case(case).token
    assert [used.id for used in entry.protocols] == ["suicide-thoughts"]
    assert home.body(EntryKind.EXPORTED) == {"case": case, "runs": [run]}
    assert invariants(made.bundle, release=release) == []
    assert (statuses(made), made.responses, made.left_out) == (["completed"], 1, 0)


async def test_nothing_leaves_that_could_not_be_sealed(
    fast: Home, case: str, tools: ProtocolTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    await closed(fast, case)

    def full(entry: object) -> None:
        raise LogError("The disk is full.")

    monkeypatch.setattr(fast.log, "seal", full)
    with pytest.raises(LogError):
        fhir_export(fast.desk.cases, tools, case)


async def test_free_text_leaves_only_with_some_roles_and_the_log_says_so(
    fast: Home, case: str, tools: ProtocolTools
) -> None:
    await closed(fast, case)
    without = fhir_export(fast.desk.cases, tools, case)
    before = len(fast.entries)

    with pytest.raises(NotAllowed, match="moderator"):
        fhir_export(fast.desk.cases, tools, case, include_text=True)
    assert len(fast.entries) == before

    assert "Robin" not in str(without.bundle)
    for role in TEXT_ROLES:
        cases = replace(fast.desk.cases, settings=replace(fast.settings, role=role))
        made = fhir_export(cases, tools, case, include_text=True)
        assert "Robin says fine." in str(made.bundle)
        assert "answered by friends" in str(made.bundle)
        assert fast.entries[-1].detail == "fhir:R4:text"


async def test_a_run_that_is_going_is_in_progress_and_one_that_was_taken_over_is_stopped(
    fast: Home, case: str, tools: ProtocolTools
) -> None:
    run = fast.desk.cases.start_run(case, "suicide-thoughts")
    assert statuses(fhir_export(fast.desk.cases, tools, case)) == ["in-progress"]

    fast.desk.cases.answer(case, run.id, "imminent", ["yes"])

    made = fhir_export(fast.desk.cases, tools, case)
    assert statuses(made) == ["stopped", "in-progress"]
    assert [found["name"] for found in resources(made, "Questionnaire")] == [
        "SuicideThoughts",
        "SuicideImmediate",
    ]


async def test_an_answer_changed_after_the_case_was_closed_amends_the_response(
    fast: Home, case: str, tools: ProtocolTools
) -> None:
    run = await closed(fast, case)
    fast.clock.forward(minutes=5)
    fast.desk.cases.answer(case, run, "mood", ["Better."])

    made = fhir_export(fast.desk.cases, tools, case)

    assert statuses(made) == ["amended"]
    assert invariants(made.bundle) == []


async def test_a_case_that_came_back_has_its_earlier_sittings_too_each_on_its_own(
    fast: Home, case: str, tools: ProtocolTools
) -> None:
    first = await closed(fast, case)
    fast.clock.forward(days=1)
    fast.desk.intake.take_in("fake", a_page(a_flag("f2", at=fast.clock())))
    second = fast.desk.cases.start_run(case, "suicide-thoughts").id

    made = fhir_export(fast.desk.cases, tools, case)
    assert [found["id"] for found in resources(made, "QuestionnaireResponse")] == [first, second]
    assert statuses(made) == ["completed", "in-progress"]
    assert len(resources(made, "Questionnaire")) == 1
    assert invariants(made.bundle) == []


async def test_a_run_whose_text_is_missing_is_counted(fast: Home, case: str, tools: ProtocolTools) -> None:
    fast.desk.cases.start_run(case, "suicide-thoughts")
    fast.desk.cases.start_run(case, "suicide-immediate")
    fast.library.kept.pop(CHECK.hash)

    made = fhir_export(fast.desk.cases, tools, case)

    assert (made.responses, made.left_out) == (1, 1)


async def test_a_case_without_runs_or_without_keys_has_nothing_to_hand_on(
    fast: Home, case: str, tools: ProtocolTools
) -> None:
    with pytest.raises(NotAllowed, match="No protocol was run"):
        fhir_export(fast.desk.cases, tools, case)
    fast.desk.cases.start_run(case, "suicide-thoughts")
    fast.lock()
    with pytest.raises(NotAllowed, match="locked"):
        fhir_export(fast.desk.cases, tools, case)
    with pytest.raises(NoSuchCase):
        fhir_export(fast.desk.cases, tools, "c-nothere0")


@pytest.mark.parametrize(
    ("held", "file", "said"),
    [
        ("approved", ProtocolStatus.DRAFT, ProtocolStatus.APPROVED),
        ("overdue", ProtocolStatus.DRAFT, ProtocolStatus.APPROVED),
        ("draft", ProtocolStatus.APPROVED, ProtocolStatus.DRAFT),
        ("draft", ProtocolStatus.IN_REVIEW, ProtocolStatus.IN_REVIEW),
        ("withdrawn", ProtocolStatus.APPROVED, ProtocolStatus.WITHDRAWN),
        ("retired", ProtocolStatus.RETIRED, ProtocolStatus.RETIRED),
    ],
)
def test_a_protocol_leaves_as_the_log_says_it_stands_whatever_its_file_says(
    held: str, file: ProtocolStatus, said: ProtocolStatus
) -> None:
    day = CHECK.governance.review_by - timedelta(days=30)
    approved = held in ("approved", "overdue")
    standing = Standing(
        StandingKind.APPROVED,
        "",
        approved_by="safeguarding_lead" if approved else "",
        approved_on=day if approved else None,
        status=held,
    )

    made = as_it_stands(replace(CHECK, status=file), standing)

    assert made.status is said
    assert made.is_approved is approved
    assert made.hash == CHECK.hash
