"""The only way the command line writes: text through `plain()`, JSON as ASCII, errors on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from modconsole.core.errors import ModconsoleError, WrongUsage
from modconsole.core.text import ascii_json, plain

__all__ = ["complain", "json_lines", "say", "say_exactly", "show_json", "table", "when", "write_new"]


def say(*lines: str) -> None:
    """Write lines for people to stdout."""
    _write(sys.stdout, lines)


def say_exactly(text: str) -> None:
    """Write text of our own making that a program will read: as UTF-8, whatever the terminal can show."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


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


def write_new(path: Path, text: str) -> None:
    """Write a new file that only its owner may read.

    Raises:
        WrongUsage: Something is there already, or it cannot be written; nothing is left behind.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WrongUsage(
            f"{path} is there already, and is not written over.", next_step="Name another file."
        ) from None
    except OSError as error:
        raise WrongUsage(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise WrongUsage(f"{path} cannot be written: {error.strerror}.") from None


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
