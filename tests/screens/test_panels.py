"""The emergency panel, open matters, help and palette; trouble and locked text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from modconsole.core.actions import Action
from modconsole.core.errors import Unavailable
from modconsole.core.model import Target, TargetKind
from modconsole.core.urgency import Urgency
from modconsole.ports import FlagPage, LibraryProblem, LookSettings
from modconsole.screens.decide import ChooseActions
from modconsole.screens.dialogs import AskLine, AskWords, Pick, Tell
from modconsole.screens.emergency import EmergencyPanel
from modconsole.screens.help import Palette
from modconsole.screens.matters import Matters
from tests.screens.driving import at_the_desk
from tests.screens.stand_in import made_case, stand_in, unsettled_entry

WAYS_IN = {
    "the queue": "!",
    "the case": "enter !",
    "the protocol": "enter tab !",
    "the filter": "/ !",
    "help": "? !",
    "the palette": ": !",
    "choosing actions": "enter d !",
    "giving a reason": "enter d enter escape f2",
    "writing a message": "enter m 1 f2",
    "the message's keys": "enter m 1 escape !",
    "choosing a message": "enter m !",
    "a note being typed": "enter w ctrl+g",
    "a time being typed": "enter tab n n n enter enter !",
    "open matters": "o !",
}


@pytest.mark.parametrize("keys", WAYS_IN.values(), ids=WAYS_IN)
async def test_the_emergency_panel_is_one_key_away_from(keys: str, tmp_path: Path) -> None:
    async with at_the_desk(stand_in(), tmp_path) as at:
        *before, last = keys.split()
        for key in before:
            await at.press(key)
            await at.settled()
        await at.press(last)
        await at.dialog(EmergencyPanel)

        assert "999" in at.drawn()
        assert "01632 960001" in at.drawn()
        stack = len(at.console.screen_stack)
        await at.press("!", "escape")
        await at.until(lambda: len(at.console.screen_stack) == stack - 1, "back where we were")


async def test_the_emergency_panel_needs_no_keys_and_no_forum(tmp_path: Path) -> None:
    made = stand_in(passphrase="secret")
    made.forum.fails = Unavailable("no network")
    async with at_the_desk(made, tmp_path) as at:
        await at.press("!")
        await at.dialog(EmergencyPanel)
        await at.see("There is a real and immediate risk")
        assert made.vault.is_locked


async def test_an_emergency_call_is_recorded_afterwards_without_any_field_filled(tmp_path: Path) -> None:
    made = stand_in()
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "!")
        await at.dialog(EmergencyPanel)
        await at.press("r")
        await at.dialog(AskWords)
        await at.press("enter")
        await at.until(lambda: made.log.entries, "sealed")

    assert made.log.kinds() == ["decided", "outcome"]
    assert made.log.entries[0].entry.actions == ("emergency_call",)


async def test_without_a_case_nothing_is_recorded_and_the_numbers_are_there(tmp_path: Path) -> None:
    made = stand_in()
    async with at_the_desk(made, tmp_path) as at:
        await at.press("!")
        await at.dialog(EmergencyPanel)
        await at.press("r")
        await at.until(lambda: "No case is open" in at.said(), "why")

    assert made.log.kinds() == []


async def test_what_a_crash_left_is_shown_at_the_start_and_finished_by_one_key(tmp_path: Path) -> None:
    made = stand_in(cases=2)
    unsettled_entry(made, made.store.cases["c-aaaaaa01"], Action.HIDE, asked=True)
    async with at_the_desk(made, tmp_path) as at:
        await at.dialog(Matters)
        await at.see("Hide: asked, no answer yet")
        assert made.forum.orders == []
        await at.press("f")
        await at.see("Every decision is settled" if at.console.banners else "Everything is settled")

    assert [order.attempt for order in made.forum.orders] == [2]


async def test_what_a_crash_left_is_withdrawn_with_a_reason_and_never_sent(tmp_path: Path) -> None:
    made = stand_in(cases=2)
    unsettled_entry(made, made.store.cases["c-aaaaaa01"], Action.HIDE, asked=False)
    async with at_the_desk(made, tmp_path) as at:
        await at.dialog(Matters)
        await at.press("w")
        await at.dialog(AskWords)
        await at.type("not any more")
        await at.press("enter")
        await at.until(lambda: made.log.kinds()[-1] == "reversed", "withdrawn")

    assert made.forum.orders == []


async def test_an_unsettled_decision_can_be_settled_by_hand_or_looked_at_first(tmp_path: Path) -> None:
    made = stand_in(cases=2)
    unsettled_entry(made, made.store.cases["c-aaaaaa02"], Action.HIDE, asked=True)
    async with at_the_desk(made, tmp_path) as at:
        await at.dialog(Matters)
        await at.press("enter")
        await at.see("c-aaaaaa02 on memory")
        await at.press("o")
        await at.dialog(Matters)
        await at.press("b")
        await at.dialog(AskWords)
        await at.press("enter")
        await at.until(lambda: made.log.kinds()[-1] == "outcome", "by hand")

    assert made.log.entries[-1].entry.outcome == "by_hand"


async def test_a_forum_in_trouble_has_a_banner_until_it_is_well_again(tmp_path: Path) -> None:
    made = stand_in()
    made.forum.fails = Unavailable("memory does not answer.")
    async with at_the_desk(made, tmp_path) as at:
        await at.see("memory does not answer.")
        await at.see("memory in trouble")
        await at.press("o")
        await at.dialog(Matters)
        await at.see("Your cases, answers and log are untouched")
        await at.press("escape", "enter", "t")
        await at.see("Wait or try again")
        made.forum.fails = None
        await at.press("t", "t")
        await at.until(lambda: not at.console.banners, "the banner gone")


async def test_a_broken_protocol_file_has_a_banner(tmp_path: Path) -> None:
    made = stand_in()
    made.library.found_problems.append(LibraryProblem("a.yaml", 3, 1, "“shuold”", "a known word", "should"))
    async with at_the_desk(made, tmp_path) as at:
        await at.see("a.yaml:3:1")


async def test_text_opens_only_after_the_passphrase_and_the_queue_works_without(tmp_path: Path) -> None:
    made = stand_in(passphrase="kind")
    async with at_the_desk(made, tmp_path) as at:
        await at.see("Text is locked")
        await at.press("j", "k", "enter")
        await at.dialog(AskLine)
        await at.type("no")
        await at.press("enter")
        await at.see("That is not the passphrase")
        await at.press("backspace", "backspace")
        await at.type("kind")
        await at.press("enter")
        await at.see("c-aaaaaa01 on memory")
        await at.until(lambda: not at.console.banners, "the banner gone")


async def test_help_names_the_keys_as_they_are_for_this_person(tmp_path: Path) -> None:
    async with at_the_desk(stand_in(look=LookSettings(keys={"desk.decide": "D"})), tmp_path) as at:
        await at.press("enter")
        assert "D decide" in at.seen()
        await at.press("d")
        assert len(at.console.screen_stack) == 1
        await at.press("?")
        await at.dialog(Tell)
        await at.see("D  Choose what is to be done".replace("  ", " "))
        await at.press("escape", "D")
        await at.dialog(ChooseActions)


async def test_keys_that_cannot_be_are_named_and_the_rest_works(tmp_path: Path) -> None:
    look = LookSettings(keys={"desk.fly": "F", "desk.decide": "w"})
    async with at_the_desk(stand_in(look=look), tmp_path) as at:
        await at.see("There is no command “desk.fly”")


async def test_the_palette_finds_and_runs_a_command_without_a_key(tmp_path: Path) -> None:
    made = stand_in()
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", ":")
        await at.dialog(Palette)
        await at.type("more urg")
        await at.press("enter")
        await at.dialog(Pick)
        await at.press("1")
        await at.until(lambda: made.store.cases["c-aaaaaa01"].urgency is Urgency.NOW, "raised")


async def test_a_key_that_can_do_nothing_now_says_why(tmp_path: Path) -> None:
    async with at_the_desk(stand_in(), tmp_path) as at:
        await at.press("d")
        assert "No case is open" in at.said()
        await at.press("z")
        assert "nothing that can still be undone" in at.said()


async def test_a_paste_where_nobody_types_does_nothing(tmp_path: Path) -> None:
    from textual import events

    made = stand_in()
    async with at_the_desk(made, tmp_path) as at:
        at.console.post_message(events.Paste("enter d y c x q"))
        await at.dealt_with()

        assert at.console._desk_screen.case_id == ""
        assert at.console.is_running


async def test_new_cases_appear_and_the_cursor_stays_on_its_case(tmp_path: Path) -> None:
    made = stand_in(cases=3)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("j")
        queue = at.console._desk_screen.queue
        assert queue.under_cursor == "c-aaaaaa02"
        case, file = made_case(9, urgency=Urgency.NOW, reason="urgent")
        flag = replace(file.flags[0], target=Target(TargetKind.POST, "p9"), topic="suicide-immediate")
        assert file.post is not None
        made.forum.pages.append(FlagPage((flag,), (replace(file.post, target=flag.target),)))
        await made.desk.intake.poll("memory")
        await at.until(lambda: queue.total == 4, "taken in")

        assert queue.under_cursor == "c-aaaaaa02"
        assert queue.cursor == 2
        assert "A new case is needed now" in at.said()
        assert case.id not in made.store.cases
