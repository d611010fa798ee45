"""The finished console and its commands as a person runs them: a process of their own, a terminal, a keyboard."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.terminal.terminal import ENTER, ESCAPE, Terminal

__all__ = ["Console", "Said", "choose", "command", "command_json", "rows", "variables"]

CLEAR_LINE = "\x15"
QUIET = 0.08
"""Seconds without output after which a screen counts as drawn; an esc is known to be alone after less."""

MODCONSOLE = [sys.executable, "-m", "modconsole"]


def variables(home: Path, **more: str) -> dict[str, str]:
    """Give the environment a command runs in: this home, and nothing of this process's but what any program needs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "MODCONSOLE_HOME": str(home), **more}


class Said(NamedTuple):
    """What a command wrote, as bytes, and its exit code."""

    code: int
    out: bytes
    err: bytes

    @property
    def lines(self) -> list[str]:
        """What it said on stderr, line by line."""
        return self.err.decode("utf-8", "surrogateescape").splitlines()


def command(
    home: Path,
    *words: str,
    stdin: bytes = b"",
    limit: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Said:
    """Run a command on a home, without a terminal.

    Args:
        limit: A program with its arguments that runs the command under a limit.
    """
    done = subprocess.run(
        [*limit, *MODCONSOLE, *words],
        env=variables(home, **(env or {})),
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def command_json(home: Path, *words: str, env: Mapping[str, str] | None = None) -> Any:
    """Run a command with `--json` and give what it says."""
    said = command(home, *words, "--json", env=env)
    assert said.out.isascii(), said
    assert said.out, said
    return json.loads(said.out)


def rows(database: Path, sql: str, *values: object) -> list[dict[str, Any]]:
    """Read a database that a forum of ours keeps, without going through any code of ours."""
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in db.execute(sql, values)]
    finally:
        db.close()


class Console(Terminal):
    """The console of one home on a terminal of its own."""

    def __init__(
        self,
        home: Path,
        *words: str,
        size: tuple[int, int] = (120, 40),
        env: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            [*MODCONSOLE, *words],
            env={"MODCONSOLE_HOME": str(home), "ESCDELAY": "30", **(env or {})},
            size=size,
        )

    def __enter__(self) -> Self:
        return self

    def ready(self) -> None:
        """Wait until the console reads keys; the queue is painted before."""
        self.see("? help")
        self.settle()

    def press(self, keys: str, *, see: str = "", gone: str = "") -> None:
        """Type some keys at once, then wait until a text is on the screen, or until one is there no more."""
        self.send(keys)
        if see:
            self.see(see)
        if gone:
            self.wait_for(lambda: gone not in self.words())
        if gone or keys == ESCAPE:
            self.settle()

    def settle(self) -> None:
        """Read until nothing more comes. Whatever is typed right after an esc would be read as one key with it."""
        while self._read(time.monotonic() + QUIET):
            pass

    def see(self, text: str) -> None:
        """Wait until a text is on the screen, wherever its lines are broken."""
        self.wait_for(lambda: text in self.words())

    def words(self) -> str:
        """Give the screen without frames, and every stretch of blanks as one: what is written, wherever it stands."""
        return re.sub(r"[ \n\u2500-\u257f]+", " ", self.screen())

    def find(self, text: str) -> None:
        """Show only the cases of the queue that have a text, and stay in the queue."""
        if "▸ Queue" not in self.words():
            self.press(ESCAPE, see="▸ Queue")
        self.press("/", see="keeps the filter")
        self.settle()
        if "▌ id, forum, topic or reason" not in self.words():
            self.press(CLEAR_LINE, see="▌ id, forum, topic or reason")
        self.press(text, see=f"/{text}"[:12])
        self.press(ENTER, gone="keeps the filter")

    def find_and_open(self, text: str) -> str:
        """Open the first case that has a text; give its id."""
        self.find(text)
        self.press(ENTER, see="▸ Case c-")
        return self.case()

    def case(self) -> str:
        """Give the id of the case that is open."""
        found = re.search(r"Case (c-[a-z2-7]{8})", self.screen())
        assert found, self.screen()
        return found[1]

    def decide(self, *actions: str, reason: str = "") -> None:
        """Choose actions by their labels, and give a reason; the confirmation, if there is one, is left to the test."""
        self.press("d", see="What is to be done?")
        self.see(f"] {actions[0]} ")
        self.settle()
        choose(self, actions)
        if reason:
            self.see("Why? A few words")
            self.settle()
            self.press(reason, see=reason)
            self.press(ENTER, gone="Why? A few words")

    def back_to(self, text: str) -> None:
        """Press esc until a text is on the screen."""
        self.press(ESCAPE, see=text)


def choose(console: Console, labels: Sequence[str]) -> None:
    """Tick exactly these actions in the list, in this order, by moving to each; then go on."""
    lines = re.findall(r"\[([ x\d])\] (.+?)(?:  |$)", console.screen(), re.MULTILINE)
    offered = [label for _, label in lines]
    for label in [label for mark, label in lines if mark != " "]:
        console.press("g" + "j" * offered.index(label) + " ", see=f"[ ] {label}")
    for number, label in enumerate(labels, 1):
        mark = f"[{number}] {label}" if number > 1 else f"[x] {label}"
        console.press("g" + "j" * offered.index(label) + " ", see=mark)
    console.press(ENTER, gone="What is to be done?")
