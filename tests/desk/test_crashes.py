"""Pull the plug at every step: nothing lost, nothing done twice, nothing said that is not so.

Each test runs one piece of work again and again. The first time the plug is pulled at the first step, then at the
second, and so on, until the work gets through. A step is the moment before or after something durable happens: an entry
sealed, the working state saved, the forum asked. After each crash a new desk is built on the same files.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from modconsole.core.actions import Action
from modconsole.core.decision import EntryKind
from modconsole.core.model import CaseState, Visibility
from modconsole.desk import Choice
from modconsole.ports import QueueFilter
from modconsole.practice import SimulatedForum
from tests.desk.fakes import CHECK, a_page
from tests.desk.homes import NOW, SOON, Home, practice_forum

ROOT = Path(__file__).parents[2]
WRITES = ("take_in", "save_case", "save_file", "claim", "release", "start_run", "add_event", "save_cursor")


class Plug(BaseException):
    """What `kill -9` is to the code that runs: nothing catches it."""


class Steps:
    """Counts the steps, and pulls the plug at one of them."""

    def __init__(self, pull_at: int) -> None:
        self.left = pull_at

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.left = 10**9  # once: what runs while everything comes down is not stopped again
            raise Plug

    def wrap(self, thing: Any, *names: str) -> None:
        for name in names:
            setattr(thing, name, self._wrapped(getattr(thing, name)))

    def _wrapped(self, work: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(work):

            async def waited(*args: Any, **more: Any) -> Any:
                self.step()
                done = await work(*args, **more)
                self.step()
                return done

            return waited

        def called(*args: Any, **more: Any) -> Any:
            self.step()
            done = work(*args, **more)
            self.step()
            return done

        return called


async def at_every_step(
    fresh: Callable[[int], Awaitable[Home]],
    work: Callable[[Home], Awaitable[None]],
    after: Callable[[Home], Awaitable[None]],
) -> int:
    """Do `work` in a fresh home once for each step there is; gives how many there were."""
    for number in range(500):
        home = await fresh(number)
        steps = Steps(number)
        steps.wrap(home.store, *WRITES)
        steps.wrap(home.log, "seal")
        for id in home.configured:
            steps.wrap(home.desk.forums.opened(id), "ask")
        try:
            await work(home)
        except Plug:
            await home.desk.forums.close()
            home.start()
            await after(home)
            await home.desk.forums.close()
            continue
        home.start()
        await after(home)
        await home.desk.forums.close()
        return number
    raise AssertionError("it never gets through")


class Fresh:
    """Makes homes, each with an invented forum and one of its cases open on the desk."""

    def __init__(self, homes: Callable[..., Home], folder: Path) -> None:
        self._homes = homes
        self._folder = folder
        self.real_log = False
        self.case = ""

    async def __call__(self, number: int) -> Home:
        home = self._homes(f"home-{number}", real_log=self.real_log)
        home.forums = {"lantern": practice_forum(self._folder / f"world-{number}", home.clock)}
        home.configured = ("lantern",)
        desk = home.start()
        await desk.intake.poll("lantern")
        self.case = home.store.rows(QueueFilter(), 0, 1)[0].id
        shown = desk.cases.open(self.case)
        assert shown.file is not None
        assert shown.file.latest is not None
        desk.cases.saw(self.case, shown.file.latest.version)
        return home


@pytest.fixture
def fresh(homes: Callable[..., Home], tmp_path: Path) -> Fresh:
    return Fresh(homes, tmp_path)


def world(home: Home) -> SimulatedForum:
    forum = home.desk.forums.opened("lantern")
    assert isinstance(forum, SimulatedForum)
    return forum


def messages(home: Home) -> int:
    return len(world(home).world.all("select * from messages"))


@pytest.mark.parametrize("real_log", [False, True], ids=["memory", "sealed"])
async def test_a_decision_survives_a_crash_at_every_step(fresh: Fresh, real_log: bool) -> None:
    fresh.real_log = real_log

    async def work(home: Home) -> None:
        until = home.clock() + timedelta(hours=4)
        write = Choice(Action.MESSAGE_MEMBER, text="Hello, I have hidden your post.")
        choices = [Choice(Action.HIDE), write, Choice(Action.WATCH, until=until)]
        state = home.desk.decisions.decide(fresh.case, choices, "It names a school.")
        await home.desk.decisions.settle(state.id)

    async def after(home: Home) -> None:
        target = home.case(fresh.case).target
        hidden = (await world(home).read_state(target)).visibility is Visibility.HIDDEN
        if not home.kinds:
            # It was never decided, so nothing happened.
            assert (messages(home), hidden, home.case(fresh.case).last_decided_at) == (0, False, None)
            return
        assert home.kinds.count("asked") >= messages(home) + hidden, "something happened unrecorded"
        unsettled = home.desk.decisions.unsettled()
        assert len(unsettled) == (home.kinds.count("outcome") < 3)

        for state in unsettled:
            assert (await home.desk.decisions.settle(state.id)).problem is None

        assert home.desk.decisions.unsettled() == []
        assert messages(home) == 1
        assert (await world(home).read_state(target)).visibility is Visibility.HIDDEN
        assert home.case(fresh.case).follow_up_at is not None
        assert home.kinds.count("decided") == 1
        assert home.kinds.count("outcome") == 3
        assert home.log.verify().is_sound

    assert await at_every_step(fresh, work, after) >= 18


async def test_a_crash_at_any_step_can_be_withdrawn_instead_and_then_nothing_is_sent(fresh: Fresh) -> None:
    async def work(home: Home) -> None:
        write = Choice(Action.MESSAGE_MEMBER, text="Hello.")
        state = home.desk.decisions.decide(fresh.case, [Choice(Action.LOCK_THREAD), write], "It spirals.")
        await home.desk.decisions.settle(state.id)

    async def after(home: Home) -> None:
        sent = messages(home)
        for state in home.desk.decisions.unsettled():
            await home.desk.decisions.withdraw(state.id, "We wait.")
            await home.desk.decisions.settle(state.id)

        assert home.desk.decisions.unsettled() == []
        assert messages(home) == sent

    assert await at_every_step(fresh, work, after) >= 12


async def test_undoing_survives_a_crash_at_every_step_and_never_sends(fresh: Fresh) -> None:
    async def work(home: Home) -> None:
        state = home.desk.decisions.decide(fresh.case, [Choice(Action.HIDE)], "It names a school.")
        home.desk.decisions.undo(state.id)

    async def after(home: Home) -> None:
        for state in home.desk.decisions.unsettled():
            home.desk.decisions.undo(state.id)

        assert "asked" not in home.kinds
        assert home.kinds in ([], ["decided", "reversed"])

    assert await at_every_step(fresh, work, after) >= 4


async def test_an_answer_is_kept_with_all_that_follows_from_it_or_not_at_all(fresh: Fresh) -> None:
    async def work(home: Home) -> None:
        home.make(fresh.case, urgency=SOON)
        run = home.desk.cases.start_run(fresh.case, "suicide-thoughts")
        home.desk.cases.answer(fresh.case, run.id, "imminent", ["unclear"])

    async def after(home: Home) -> None:
        view = home.desk.cases.view(fresh.case)
        answered = [shown for shown in view.runs if "imminent" in shown.answers]
        if answered:
            assert view.case.urgency is NOW
            assert [shown.protocol.id for shown in view.runs] == ["suicide-thoughts", "suicide-immediate"]
            assert len(answered) == 2
        else:
            assert len(view.runs) <= 1

    assert await at_every_step(fresh, work, after) >= 8


async def test_closing_survives_a_crash_at_every_step_and_is_sealed_once(fresh: Fresh) -> None:
    async def work(home: Home) -> None:
        state = home.desk.decisions.decide(fresh.case, [Choice(Action.KEEP)], "All is well.")
        await home.desk.decisions.settle(state.id)
        home.desk.cases.close(fresh.case)

    async def after(home: Home) -> None:
        for state in home.desk.decisions.unsettled():
            await home.desk.decisions.settle(state.id)
        if home.kinds and home.case(fresh.case).state is CaseState.OPEN:
            home.desk.cases.close(fresh.case)

        if home.kinds:
            assert home.case(fresh.case).state is CaseState.CLOSED
            assert home.kinds.count("closed") == 1

    assert await at_every_step(fresh, work, after) >= 10


async def test_flags_survive_a_crash_at_every_step(homes: Callable[..., Home]) -> None:
    async def make(number: int) -> Home:
        home = homes(f"home-{number}")
        home.forum.pages = [a_page(cursor="1"), a_page(cursor="2")]
        return home

    async def work(home: Home) -> None:
        await home.desk.intake.poll("fake", at_once=1)

    async def after(home: Home) -> None:
        await home.desk.intake.poll("fake")

        assert home.store.count(QueueFilter()) == 1
        assert home.store.cursor("fake") == "2"

    assert await at_every_step(make, work, after) >= 5


async def test_what_a_killed_process_said_it_kept_is_there(homes: Callable[..., Home]) -> None:
    home = homes("killed", real_log=True)
    home.stop()
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.desk.until_killed", str(home.folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = [json.loads(child.stdout.readline()) for _ in range(25)]
    child.kill()
    rest = child.stdout.read().splitlines()
    child.stdout.close()
    child.wait()
    # What was said before the kill, and had not been read yet, counts as said. A line cut short does not.
    said += [json.loads(line) for line in rest if line.endswith("}")]

    home.library.kept = {CHECK.hash: CHECK}  # the other one kept it in its memory
    desk = home.start()
    case = home.store.rows(QueueFilter(), 0, 1)[0].id
    answers = [event.values[0] for event in desk.cases.view(case).runs[0].run.events]
    decided = [entry.decision for entry in home.entries if entry.kind is EntryKind.DECIDED]
    assert [one["answer"] for one in said if "answer" in one] == answers[
        : sum("answer" in one for one in said)
    ]
    assert {one["decided"] for one in said if "decided" in one} <= set(decided)
    assert len(decided) - sum("decided" in one for one in said) <= 1
    for state in desk.decisions.unsettled():
        assert (await desk.decisions.settle(state.id)).state.is_settled
    assert home.log.verify().is_sound
