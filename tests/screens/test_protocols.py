"""The library on screen, and walking through a protocol of which nothing is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from modconsole.core.protocol import Escalation
from modconsole.ports.library import LibraryProblem
from modconsole.screens.dialogs import AskLine, Pick
from modconsole.screens.emergency import EmergencyPanel
from modconsole.screens.protocols import Protocols, Walk
from tests.screens.driving import at_the_desk
from tests.screens.stand_in import THOUGHTS, stand_in


async def test_any_protocol_can_be_found_by_typing_and_walked_without_a_trace(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("P")
        await at.dialog(Protocols)
        await at.see("suicide thoughts")
        await at.see("suicide immediate")
        await at.press(*"thou")
        assert "suicide immediate" not in at.seen()
        await at.press("enter")
        await at.dialog(Walk)
        await at.see("Talks of suicide")
        await at.press("n")
        await at.see("because you said: No")
        await at.press("s")
        await at.dialog(Pick)
        await at.press("2")
        await at.dialog(Walk)
        await at.see("skipped: No time")
        await at.press("escape")
        await at.dialog(Protocols)
        await at.press("escape")
        await at.back_at_the_desk()

    assert made.log.kinds() == []
    assert made.store.runs(made.store.cases["c-aaaaaa01"]) == []


async def test_a_walk_says_what_would_follow_on_a_case(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        at.burst("P", *"thou", "enter", "u")
        await at.dialog(Walk)
        await at.see("On a case this would run suicide immediate, because you said: Unclear")


async def test_a_time_is_asked_for_in_a_walk_and_said_in_words(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        at.burst("P", *"thou", "enter", "n", "n", "n", "enter", "enter")
        await at.dialog(AskLine)
        at.burst(*"24h", "enter")
        await at.dialog(Walk)
        await at.see("Mon 23 Nov 12:00")
        assert "2026-11-23T" not in at.seen()


async def test_an_edit_shows_within_a_second_and_never_under_a_run(tmp_path: Path) -> None:
    made = stand_in(cases=2)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "tab")
        await at.see("Talks of suicide, no sign of immediate danger")
        made.library.change(replace(THOUGHTS, title="The same in better words", hash="ab" * 32))
        await at.see("The same in better words")

        await at.press("n")
        await at.see("because you said: No")
        made.library.change(replace(THOUGHTS, title="Another wording", hash="cd" * 32))
        made.library.found_problems = [LibraryProblem("ours.yaml", 3, 1, "a tab", "spaces")]
        made.library.change(replace(THOUGHTS, title="Another wording again", hash="ef" * 32))
        await at.see("Protocol files: ours.yaml:3:1")
        assert "Another wording" not in at.seen()
        assert "The same in better words" in at.seen()

        made.library.found_problems = []
        made.library.change(replace(THOUGHTS, title="Mended", hash="01" * 32))
        await at.until(lambda: "ours.yaml" not in at.seen(), "the banner gone")


async def test_whom_to_tell_comes_with_what_to_say(tmp_path: Path) -> None:
    lead = Escalation("lead", "safeguarding_lead", "15 min", "by phone", "I have a post that worries me.")
    made = stand_in(cases=1)
    made.library.change(replace(THOUGHTS, escalations=(lead,), hash="ab" * 32))
    async with at_the_desk(made, tmp_path, size=(160, 60)) as at:
        await at.press("enter", "tab", "n", "n", "y")
        await at.see("within 15 min, by phone")
        await at.see("Say: “I have a post that worries me.”")


async def test_an_answer_that_was_taken_back_stays_in_sight_of_its_question(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "tab", "n", "k", "k", "n")
        await at.press("k", "k")
        await at.press("n")
        await at.press("g")
        await at.see("before: No (")


async def test_the_emergency_panel_opens_over_the_library_and_over_a_walk(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("P")
        await at.dialog(Protocols)
        await at.press("!")
        await at.dialog(EmergencyPanel)
        await at.press("escape")
        await at.dialog(Protocols)
        await at.press("enter")
        await at.dialog(Walk)
        await at.press("!")
        await at.dialog(EmergencyPanel)
        await at.see("999")
