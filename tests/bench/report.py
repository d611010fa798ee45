"""What a measurement says, and how it is laid out."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

__all__ = ["Line", "machine", "median", "percentile", "table", "tried"]


@dataclass(frozen=True, slots=True)
class Line:
    """One figure beside its peer's, both in the same unit."""

    what: str
    unit: str
    ours: float
    peer: str = ""
    theirs: float = 0.0
    budget: str = ""
    note: str = ""


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the smallest value that this many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def tried(what: str, measure: Callable[[], Iterable[Line]]) -> list[Line]:
    """Measure; one measurement that cannot be made says why, and the others go on."""
    try:
        return list(measure())
    except Exception as error:  # noqa: BLE001 - a report about everything that works
        first = str(error).strip().splitlines()
        return [Line(what, "", 0, note=f"not measured: {type(error).__name__}: {first[0] if first else ''}")]


def table(lines: Iterable[Line]) -> str:
    """Lay the figures out as a Markdown table."""
    rows = [("what", "ours", "peer", "theirs", "ratio", "budget")]
    rows += [_row(line) for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    laid = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    laid.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(laid)


def _row(line: Line) -> tuple[str, str, str, str, str, str]:
    if line.note and not line.unit:
        return line.what, line.note, "", "", "", ""
    ratio = f"{line.ours / line.theirs:.2f}" if line.theirs else ""
    theirs = f"{_figure(line.theirs)} {line.unit}" if line.theirs else ""
    what = f"{line.what} ({line.note})" if line.note else line.what
    return what, f"{_figure(line.ours)} {line.unit}", line.peer, theirs, ratio, line.budget


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> str:
    """Say where this was measured, without naming the machine."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}; Python {platform.python_version()}, "
        f"Textual {version('textual')}, SQLite {sqlite3.sqlite_version}"
    )
