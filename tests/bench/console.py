"""The console with a full queue: how soon it is there, how fast it follows a key, how much memory it holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.homes import MODCONSOLE, variables
from tests.bench.report import Line, median, percentile
from tests.bench.watched import Watched

__all__ = ["keys", "start"]

HERE = Path(__file__).parent
TO_THE_TOP = 20
"""Pages that the peer's table has room for before its end."""

SETTLE = 0.06
"""Seconds without output after which a key counts as answered."""


def _console(home: Path) -> Watched:
    return Watched([MODCONSOLE], variables(home))


def _peer(name: str) -> Watched:
    return Watched([sys.executable, str(HERE / f"{name}.py")])


def _started(program: Watched, word: str, last_word: str) -> tuple[float, float, float]:
    """Give when the word was painted, when nothing more came after the last word was, and the memory then.

    The queue is painted before the rest of the program is there to take a key, so quiet alone would say too little:
    the footer with its keys has to be there as well.
    """
    with program:
        ready = program.until(word)
        program.until(last_word)
        usable = program.until_quiet()
        return ready * 1000, usable * 1000, program.memory()


def start(home: Path, runs: int) -> Iterator[Line]:
    """Start fresh processes, ours and the peer in turn. The first of each only warms the disk's cache."""
    ours, theirs = [], []
    for _ in range(runs + 1):
        theirs.append(_started(_peer("bare_app"), "Ready", "Ready"))
        ours.append(_started(_console(home), "Queue", "emergency"))
    for place, what, unit, budget in (
        (0, "cold start: queue ready", "ms", "≤ 1.15 x"),
        (1, "cold start: usable", "ms", "≤ 1.35 x"),
        (2, "resident memory, settled", "MiB", "≤ 80 MiB"),
    ):
        mine, peers = [one[place] for one in ours[1:]], [one[place] for one in theirs[1:]]
        yield Line(what, unit, median(mine), "bare Textual app", median(peers), budget)


def keys(home: Path, presses: int) -> Iterator[Line]:
    """Press keys one by one; each is measured from the key to the last piece of its output."""
    with _console(home) as console, _peer("table_app") as table:
        console.until("Queue")
        table.until("c-00000000")
        for program in (console, table):
            program.until_quiet(1.0)
        for what, key, budget in (("cursor down", "\x1b[B", "≤ 16 ms"), ("page down", "\x1b[6~", "≤ 33 ms")):
            mine, peers = [], []
            for number in range(presses):
                if number % TO_THE_TOP == 0:
                    for program in (console, table):
                        program.press("\x1b[B", 0.3)  # so that there is somewhere to come back from
                        program.press("\x1b[1;5H" if program is table else "\x1b[H", 0.3)
                mine.append(console.press(key, SETTLE))
                peers.append(table.press(key, SETTLE))
            for place, moment in enumerate(("first change", "settled")):
                ours = [one[place] * 1000 for one in mine]
                theirs = [one[place] * 1000 for one in peers]
                for percent in (50, 95):
                    yield Line(
                        f"{what}, {moment}, p{percent}",
                        "ms",
                        percentile(ours, percent),
                        "DataTable of 1,000 rows",
                        percentile(theirs, percent),
                        budget if (place, percent) == (1, 95) else "",
                    )
        yield Line("resident memory after the keys", "MiB", console.memory(), "", budget="≤ 80 MiB")
