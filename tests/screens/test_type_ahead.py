"""Keys typed faster than dialogs open: each goes where it was meant to go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual import events

from modconsole.core.model import CaseState
from modconsole.screens import type_ahead
from modconsole.screens.compose import Compose
from modconsole.screens.decide import ChooseActions
from modconsole.screens.dialogs import AskWords
from modconsole.screens.emergency import EmergencyPanel
from modconsole.screens.fields import Field
from modconsole.screens.type_ahead import KeyLine, Passed
from tests.screens.driving import at_the_desk
from tests.screens.stand_in import NOW, stand_in


@pytest.mark.parametrize("tabs", [0, 1, 2], ids=["in the case", "in the protocol", "in the queue"])
async def test_letters_after_the_filter_key_are_the_filter_and_no_commands(tmp_path: Path, tabs: int) -> None:
    made = stand_in(cases=3)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", *(["tab"] * tabs))
        await at.see("space shows it")
        at.burst("/", "x", "c", "p", "z")
        await at.until(lambda: at.console.screen.query("#filter"), "the filter")
        await at.settled()

        assert at.console.screen.query_one("#filter", Field).value == "xcpz"
        assert at.console._desk_screen.case_id == "c-aaaaaa01"  # x would have passed it on
        assert made.store.cases["c-aaaaaa01"].passed_on_by == ()
        assert made.store.cases["c-aaaaaa01"].state is CaseState.OPEN


async def test_a_note_is_typed_whole_with_its_key(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await at.see("space shows it")
        at.burst("w", *"quiet day!", "enter", "j")
        await at.until(lambda: made.store.notes(made.store.cases["c-aaaaaa01"]), "the note")
        await at.back_at_the_desk()

    assert [note.text for note in made.store.notes(made.store.cases["c-aaaaaa01"])] == ["quiet day!"]


async def test_a_time_its_enter_and_the_next_key_keep_their_order(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        at.burst("enter", "tab", "n", "n", "n", "enter", "enter", *"24h", "enter", "enter")
        await at.dialog(AskWords)  # the question after the time

        follow_up = made.store.cases["c-aaaaaa01"].follow_up_at
        assert follow_up is not None
        assert (follow_up - NOW).total_seconds() == 24 * 3600


async def test_a_whole_talk_can_be_typed_ahead(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await at.see("space shows it")
        at.burst("m", "1", *"Hello?")
        await at.dialog(Compose)
        await at.settled()

        assert isinstance(at.console.screen, Compose)
        assert "Hello?" in at.console.screen.area.text


async def test_a_key_after_a_dialog_closes_reaches_what_was_under_it(tmp_path: Path) -> None:
    made = stand_in(cases=2)
    async with at_the_desk(made, tmp_path) as at:
        at.burst("?", "escape", "j", "enter")
        await at.see("c-aaaaaa02 on memory")


async def test_the_emergency_key_waits_for_nobody_for_long(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        at.burst("enter", "d", "!")
        await at.dialog(EmergencyPanel)
        assert any(isinstance(screen, ChooseActions) for screen in at.console.screen_stack)


async def test_a_paste_that_follows_a_key_goes_where_the_key_leads(tmp_path: Path) -> None:
    made = stand_in(cases=2)
    async with at_the_desk(made, tmp_path) as at:
        at.burst("/")
        paste = events.Paste("kind words")
        paste.set_sender(at.console)
        at.console.post_message(paste)
        await at.until(lambda: at.console.screen.query("#filter"), "the filter")
        await at.settled()

        assert at.console.screen.query_one("#filter", Field).value == "kind words"


async def test_a_refused_command_holds_no_key(tmp_path: Path) -> None:
    made = stand_in(cases=2)
    async with at_the_desk(made, tmp_path) as at:
        at.burst("z", "m", "j", "enter")  # nothing to undo; no case to write about
        await at.see("c-aaaaaa02 on memory")


class Deaf:
    """Something that takes messages and never passes them on."""

    def post_message(self, message: object) -> bool:
        return True


async def test_keys_are_late_but_never_lost_when_no_sign_comes(monkeypatch) -> None:
    monkeypatch.setattr(type_ahead, "LONGEST", 0.01)
    handed_on: list[str] = []

    async def hand_on(event) -> None:
        handed_on.append(event.key)

    line = KeyLine(hand_on, Deaf)
    line.on_wake(lambda: asyncio.ensure_future(line.advance()))
    await line.take(events.Key("a", "a"))
    await line.take(events.Key("b", "b"))
    assert handed_on == ["a"]
    for _ in range(200):
        await asyncio.sleep(0.005)
        if len(handed_on) == 2:
            break

    assert handed_on == ["a", "b"]


async def test_a_sign_of_an_earlier_key_says_nothing_of_a_later_one() -> None:
    handed_on: list[str] = []

    async def hand_on(event) -> None:
        handed_on.append(event.key)

    line = KeyLine(hand_on, Deaf)
    await line.take(events.Key("a", "a"))
    line.key_done()
    await line.take(events.Key("b", "b"))
    await line.take(events.Key("c", "c"))
    line.passed(Passed(1, 2))
    await line.advance()

    assert handed_on == ["a", "b"]
