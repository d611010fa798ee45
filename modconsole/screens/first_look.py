"""The queue on screen before Textual is there: importing it takes longer than finding the first rows.

What is painted is what Textual's first frame then paints again in its place. No colours, and only rows of the queue,
which hold nothing a member wrote.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modconsole.core.errors import ModconsoleError
from modconsole.ports.store import QueueFilter
from modconsole.screens.ink import Line, Span
from modconsole.screens.queue_page import heading, row_line

if TYPE_CHECKING:
    from modconsole.desk import Desk

__all__ = ["first_look", "picture"]

WIDE, QUEUE_WIDTH = 120, 38
SMALLEST = (60, 15)

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?1049l\x1b[?25h"


@contextmanager
def first_look(desk: Desk) -> Iterator[Callable[[], None]]:
    """Show the queue at once. Gives what to call when somebody else has taken the screen over.

    The keyboard is given back as it was at the end; the screen too, if nobody took it over.
    """
    try:
        import termios
    except ImportError:  # no terminal of that kind here: Textual finds its own way
        yield lambda: None
        return
    keyboard = sys.stdin.fileno()
    before, quiet = termios.tcgetattr(keyboard), termios.tcgetattr(keyboard)
    quiet[3] &= ~(
        termios.ECHO | termios.ICANON
    )  # keys pressed early are kept for the console, and not echoed
    taken_over: list[bool] = []
    try:
        termios.tcsetattr(keyboard, termios.TCSANOW, quiet)
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        _write(picture(desk, columns, rows))
        yield lambda: taken_over.append(True)
    finally:
        if not taken_over:
            _write(LEAVE)
        termios.tcsetattr(keyboard, termios.TCSANOW, before)


def picture(desk: Desk, columns: int, rows: int) -> str:
    """Draw the first rows of the queue, with the sequences that put them in their place."""
    lines = [ENTER]
    if columns >= SMALLEST[0] and rows >= SMALLEST[1]:
        for place, line in enumerate(_lines(desk, columns, rows), start=1):
            lines.append(f"\x1b[{place};1H" + "".join(span.text for span in line))
    return "".join(lines)


def _lines(desk: Desk, columns: int, rows: int) -> Iterator[Line]:
    width = QUEUE_WIDTH if columns >= WIDE else columns
    room = rows - (9 if columns >= WIDE else 6)
    wanted = QueueFilter(without=desk.settings.me)
    now = desk.now().timestamp()
    try:
        total = desk.store.count(wanted)
        found = desk.store.rows(wanted, 0, room)
    except ModconsoleError:
        return  # the console says it, with what to do
    title = f"─ ▸ {heading(wanted, total)} "
    yield [Span(title[:width]), Span("─" * max(0, width - len(title)))]
    for number, row in enumerate(found):
        yield [Span(" ›" if number == 0 else "  "), *row_line(row, width - 3, now, desk.settings.me)]


def _write(text: str) -> None:
    os.write(sys.stdout.fileno(), text.encode("utf-8", "replace"))
