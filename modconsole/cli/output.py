"""The only way the command line writes: text through `plain()`, JSON as ASCII, errors on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from modconsole.core.errors import ModconsoleError
from modconsole.core.text import ascii_json, plain

__all__ = ["complain", "json_lines", "say", "show_json", "table", "when"]


def say(*lines: str) -> None:
    """Write lines for people to stdout."""
    _write(sys.stdout, lines)


def complain(error: ModconsoleError) -> None:
    """Write an error to stderr: what happened, what is safe, what to do next, a line each."""
    labels = ((error.what, ""), (error.kept, "Safe: "), (error.next_step, "Next: "))
    _write(sys.stderr, [label + text for text, label in labels if text])


def _write(stream: TextIO, lines: Iterable[str]) -> None:
    for line in lines:
        # A terminal that cannot show a character gets a question mark; it never gets an error.
        encoding = stream.encoding or "ascii"
        stream.write(plain(line).encode(encoding, "replace").decode(encoding) + "\n")


def show_json(value: Any) -> None:
    sys.stdout.write(ascii_json(value) + "\n")


def json_lines(values: Iterable[Any]) -> None:
    for value in values:
        show_json(value)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table as wide as the terminal; foreign text in cells is sanitised and never read as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for number, head in enumerate(heads, 1):
        # Ids and times stay whole; the last column takes what is left and wraps.
        drawn.add_column(head, overflow="fold", no_wrap=number < len(heads))
    for row in rows:
        drawn.add_row(*(Text(plain(cell, lines=False)) for cell in row))
    Console(file=sys.stdout, highlight=False, markup=False, emoji=False).print(drawn)


def when(at: datetime | None) -> str:
    """Give a time for people: in UTC and saying so."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at else ""
