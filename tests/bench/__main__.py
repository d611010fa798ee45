"""Measure everything and print one table."""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.bench import command, console, intake, log, protocols, queries
from tests.bench.homes import prepared
from tests.bench.report import Line, machine, table, tried

NAMES = ("start", "keys", "command", "log", "intake", "protocols", "queries")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=100_000, metavar="N", help="cases in the queue (100,000)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the cases, fewer runs: to see that it works"
    )
    parser.add_argument("--only", action="append", choices=NAMES, default=[], help="repeatable")
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="a demo home to use again; made when it is not there"
    )
    args = parser.parse_args()
    cases = args.cases // 10 if args.quick else args.cases
    runs, presses, entries, flags = (3, 20, 500, 1_000) if args.quick else (9, 100, 5_000, 10_000)
    with tempfile.TemporaryDirectory(prefix="modconsole-bench-") as folder:
        full = functools.cache(lambda: _full(args.home or Path(folder) / "full", cases))
        small = functools.cache(lambda name: prepared(Path(folder) / name, 60))
        measures: dict[str, Callable[[], Iterable[Line]]] = {
            "start": lambda: console.start(full(), runs),
            "keys": lambda: console.keys(full(), presses),
            "command": lambda: command.queue_as_json(full(), runs),
            "log": lambda: log.seal_and_verify(small("log"), entries),
            "intake": lambda: intake.take_in(small("intake"), flags),
            "queries": lambda: queries.look_up(Path(folder) / "queries", 10 * cases, runs),
            "protocols": lambda: protocols.library(Path(folder) / "protocols", runs),
        }
        lines: list[Line] = []
        for name in args.only or NAMES:
            sys.stderr.write(f"Measuring: {name}\n")
            lines += tried(name, measures[name])
    print(f"{machine()}\n{cases:,} cases, {runs} runs of each\n\n{table(lines)}")
    return 0


def _full(home: Path, cases: int) -> Path:
    sys.stderr.write(f"Building a demo home with {cases:,} cases\n")
    return prepared(home, cases)


if __name__ == "__main__":
    sys.exit(main())
