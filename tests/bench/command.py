"""A command without a screen."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.homes import MODCONSOLE, variables
from tests.bench.report import Line, median

__all__ = ["queue_as_json"]


def _timed(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, str]:
    begun = time.perf_counter()
    ran = subprocess.run(command, env=dict(env), check=True, capture_output=True, text=True)
    return (time.perf_counter() - begun) * 1000, ran.stdout


def queue_as_json(home: Path, runs: int) -> Iterator[Line]:
    """Time `modconsole queue --json` for a hundred rows beside Python alone and Python with Textual imported."""
    env = variables(home)
    commands = {
        "ours": [MODCONSOLE, "queue", "--json"],
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import textual.app'": [sys.executable, "-c", "import textual.app"],
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    rows = 0
    for _ in range(runs + 1):
        for name, command in commands.items():
            milliseconds, said = _timed(command, env)
            took[name].append(milliseconds)
            rows = len(json.loads(said)) if name == "ours" else rows
    ours = median(took["ours"][1:])
    for peer in list(commands)[1:]:
        yield Line(f"queue --json, {rows} rows", "ms", ours, peer, median(took[peer][1:]), "≤ 250 ms")
