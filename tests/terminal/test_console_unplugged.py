"""Pull the plug: `kill -9` at random moments of an evening's work, and nothing is lost, hidden or done twice."""

from __future__ import annotations

import random
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.terminal.consoles import Console, command_json, rows
from tests.terminal.terminal import ENTER, ESCAPE, TAB, assert_only_expected_sequences

ROUNDS = 3
SEED = 20261122
NO_CHECKLIST = {
    "complaint-or-appeal",
    "contact-sharing-off-platform",
    "drugs-alcohol",
    "impersonation-or-bot",
    "medication-and-health-claims",
    "spam-fundraising-research-media",
    "trolling",
    "unanswered-post",
}


class Pulled(Exception):
    """The console was killed."""


@dataclass
class Seen:
    """What the screen said was done: none of it may be lost."""

    answers: list[tuple[str, str, str]] = field(default_factory=list)
    """Case, question, value."""
    decided: Counter[str] = field(default_factory=Counter)
    """How often `Sealed` was shown, by case."""


class Plugged(Console):
    """A console that is killed at some key press: after it was sent, and some of what it does was done."""

    def __init__(self, home: Path, dice: random.Random, presses: int) -> None:
        super().__init__(home)
        self._dice, self.presses = dice, presses

    def press(self, keys: str, *, see: str = "", gone: str = "") -> None:
        self.presses -= 1
        if self.presses >= 0:
            return super().press(keys, see=see, gone=gone)
        self.send(keys)
        until = time.monotonic() + self._dice.random() * 0.25
        while self._read(until):
            pass
        self.kill(signal.SIGKILL)
        self.wait_for_exit()
        raise Pulled


def test_nothing_is_lost_hidden_or_done_twice_when_the_console_is_killed(demo: Path) -> None:
    dice = random.Random(SEED)  # noqa: S311 - for variety
    seen = Seen()
    queue = command_json(demo, "queue", "--limit", "200")
    with_checklist = [row["id"] for row in queue if row["topic"].startswith("suicide")]
    without = [row["id"] for row in queue if row["topic"] in NO_CHECKLIST]

    for number in range(ROUNDS):
        with Plugged(demo, dice, presses=1_000) as console:
            console.ready()
            settle_all(console, demo, dice)
            console.presses = dice.randrange(8, 38)
            try:
                answer(console, with_checklist[number % len(with_checklist)], seen)
                decide(console, without[2 * number], "Keep", seen)
                write(console, without[2 * number + 1], seen)
                console.presses = 0
                console.press("!")
            except Pulled:
                pass
            assert_only_expected_sequences(console.bytes_out.rpartition(b"\x1b")[0])

    with Console(demo) as console:
        console.ready()
        settle_all(console, demo, dice)
    nothing_is_lost(demo, seen)
    nothing_is_done_twice(demo)
    assert seen.answers
    assert seen.decided
    assert command_json(demo, "case", "unsettled") == []
    assert command_json(demo, "audit", "verify")["sound"]


def test_commands_beside_the_console_take_nothing_from_what_it_seals(demo: Path) -> None:
    """A file that is opened and closed beside SQLite drops its locks; a command then deletes the log's -wal."""
    seen = Seen()
    queue = command_json(demo, "queue", "--limit", "200")
    cases = [row["id"] for row in queue if row["topic"] in NO_CHECKLIST]
    with Console(demo) as console:
        console.ready()
        for case in cases[:3]:
            decide(console, case, "Keep", seen)
            assert len(command_json(demo, "audit", "list", "--case", case)) == 1
        console.kill()
        console.wait_for_exit()

    nothing_is_lost(demo, seen)
    assert command_json(demo, "audit", "verify")["sound"]
    assert command_json(demo, "case", "show", cases[2])["unreadable"] == ""


def answer(console: Console, case: str, seen: Seen) -> None:
    """Walk some of a checklist; every answer that is shown counts."""
    console.find_and_open(case)
    console.press(TAB, see="▸ Protocol")
    if "What do we hold" in console.words():
        console.press("1", see="☑ Nothing")
        seen.answers.append((case, "held_details", "none"))
        console.press(ENTER, see="Will someone attend?")
        console.press("4", see="because you said: Not rung")
        seen.answers.append((case, "attend", "not_rung"))
    else:
        console.press("n", see="› What do we know")
        seen.answers.append((case, "imminent", "no"))
        console.press("4", see="› Which country")
        seen.answers.append((case, "age", "adult"))


def decide(console: Console, case: str, action: str, seen: Seen) -> None:
    assert console.find_and_open(case) == case
    console.decide(action, reason=f"Looked at by two of us {case}")
    if "If you confirm" in console.words():
        console.press("y")
    console.see(f"Sealed: {action}")
    seen.decided[case] += 1


def write(console: Console, case: str, seen: Seen) -> None:
    assert console.find_and_open(case) == case
    console.decide("Write to member")
    console.see("esc when done")
    console.settle()
    if "Which template?" in console.words():  # own words this time
        console.press(ESCAPE, gone="Which template?")
    console.press(f"We are here this evening {case}", see=f"this evening {case}")
    console.press(ESCAPE, see="use this text")
    console.press(ENTER, see="Why? A few words")
    console.press("So that they hear from us", see="hear from us")
    console.press(ENTER, see="yes, do this")
    console.press("y", see="Sealed: Write to member")
    seen.decided[case] += 1


def settle_all(console: Console, home: Path, dice: random.Random) -> None:
    """Finish or withdraw, with one key, each decision that the console shows; it must show each."""
    unsettled = command_json(home, "case", "unsettled")
    if not unsettled:
        return
    console.see("Open matters")
    for decision in unsettled:
        console.see(decision["decision"])
    while True:
        console.settle()
        shown = re.findall(r"d-[a-z2-7]{8}", console.screen())
        if not shown:
            break
        if dice.random() < 0.5:
            console.press("f", gone=shown[0])
        else:
            console.press("w", see="why?")
            console.settle()
            console.press("Too late now", see="Too late now")
            console.press(ENTER, gone=shown[0])
    console.press(ESCAPE, gone="Open matters")


def nothing_is_lost(home: Path, seen: Seen) -> None:
    shown: dict[str, Any] = {}
    for case, question, value in seen.answers:
        if case not in shown:
            shown[case] = command_json(home, "case", "show", case)
        assert shown[case]["runs"][0]["answers"][question] == [value]
    decided = Counter(entry["case"] for entry in log(home) if entry["kind"] == "decided")
    assert decided >= seen.decided


def nothing_is_done_twice(home: Path) -> None:
    world = home / "forums" / "demo" / "practice.db"
    entries = log(home)
    asked = {order for entry in entries if entry["kind"] == "asked" for order in entry["orders"]}
    done = Counter(
        order
        for entry in entries
        if entry["kind"] == "outcome" and entry["outcome"] in ("applied", "already")
        for order in entry["orders"]
    )
    on_the_forum = Counter(row["id"] for row in rows(world, "select id from orders"))
    messages = rows(world, "select id, text from messages")

    assert on_the_forum.keys() <= asked
    assert on_the_forum == done
    assert max(done.values(), default=1) == 1
    assert len({message["text"] for message in messages}) == len(messages)
    assert {message["id"] for message in messages} <= done.keys()


def log(home: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = command_json(home, "audit", "list", "--limit", "10000")
    return entries
