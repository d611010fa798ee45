"""What a moderator sees and can do while the log cannot be read; and whom words reach before they are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from modconsole.core.actions import Action
from modconsole.core.errors import LogError
from modconsole.screens.compose import Compose
from modconsole.screens.decide import ChooseActions
from modconsole.screens.dialogs import AskWords, Confirm, Pick
from modconsole.screens.emergency import EmergencyPanel
from tests.screens.driving import at_the_desk
from tests.screens.stand_in import StandIn, stand_in

ID = "c-aaaaaa01"


def damage(made: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be read from the log, and nothing be sealed."""

    def damaged(*args: object, **more: object) -> object:
        raise LogError("The log log.db is damaged: file is not a database.")

    reads = ("records", "open_body", "decision", "decisions_of", "unsettled", "last_config_hash", "heads")
    for name in (*reads, "shortened", "seal"):
        monkeypatch.setattr(made.log, name, damaged)


async def test_a_case_is_read_and_answered_and_the_page_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stand_in(cases=1)
    made.vault.unlock()
    made.desk.cases.start_run(ID, "suicide-thoughts")
    async with at_the_desk(made, tmp_path) as at:
        damage(made, monkeypatch)
        at.console.count_up()
        await at.see("The log: The log log.db is damaged")
        await at.press("enter")
        await at.see("You can read and answer")
        await at.press("space")
        await at.see("evenings are long here")
        await at.press("tab")
        await at.see("nobody knows whether this is approved")
        await at.press("n")
        await at.see("because you said: No")
        await at.press("P")
        await at.see("not known")
        await at.press("escape", "!")
        await at.dialog(EmergencyPanel)

    answers = made.desk.cases.view(ID).runs[0].answers
    assert answers["imminent"].values == ("no",)


async def test_a_decision_is_refused_with_a_sentence_and_the_console_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stand_in(cases=1)
    made.vault.unlock()
    async with at_the_desk(made, tmp_path) as at:
        damage(made, monkeypatch)
        await at.press("enter", "tab")
        await at.see("nobody knows whether this is approved")  # of the one that is suggested
        await at.press("d")
        await at.dialog(ChooseActions)
        await at.press("g", *["j"] * at.choices().index(Action.NO_ACTION.value), "enter")
        await at.dialog(AskWords)
        await at.type("fine")
        await at.press("enter")
        await at.back_at_the_desk()
        await at.until(lambda: "not asked to do anything" in at.said(), "the refusal")
        await at.press("c")
        await at.see("nothing can be decided or closed")

    assert made.forum.orders == []
    assert made.desk.cases.view(ID).drafts["reason"].text == "fine"


async def test_a_log_that_fails_before_settling_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "space")
        await at.see("evenings are long here")
        damage(made, monkeypatch)
        await at.console.settle_now("d-aaaaaaaa")
        await at.until(lambda: "not asked to do anything" in at.said(), "what is wrong")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Action.MESSAGE_MEMBER, "To Robin1, who wrote the post."),
        (Action.KEEP_REPLY, "To Robin1, who wrote the post, for everyone in the thread to read."),
        (Action.EDIT, "In the words of Robin1, who wrote the post."),
    ],
)
async def test_the_confirmation_names_whom_words_reach(tmp_path: Path, action: Action, words: str) -> None:
    async with at_the_desk(stand_in(cases=1), tmp_path) as at:
        await at.press("enter", "d")
        await at.dialog(ChooseActions)
        await at.press("g", *["j"] * at.choices().index(action.value), "enter")
        if action is not Action.EDIT:  # which has no templates
            await at.dialog(Pick)
            await at.press("escape")
        await at.dialog(Compose)
        await at.type("Kind words.")
        await at.press("escape", "enter")
        await at.dialog(AskWords)
        await at.type("why")
        await at.press("enter")
        await at.dialog(Confirm)

        await at.see(words)
