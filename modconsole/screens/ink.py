"""Lines of text with named inks: what the panes draw. No Textual and no markup in here, so nothing can be injected.

A line is a list of spans, each a piece of plain text and the name of its ink. What an ink looks like is the theme's
business (`paper.py`); what it means never depends on its colour alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from modconsole.core.text import cell_width, ellipsis, plain
from modconsole.core.urgency import Urgency

__all__ = [
    "URGENCY_INKS",
    "Ink",
    "Line",
    "Span",
    "bullet",
    "cells",
    "cut",
    "cut_line",
    "key_line",
    "line",
    "paragraph",
    "side_by_side",
    "wrap",
]


class Ink(StrEnum):
    """What a piece of text is."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    TITLE = "title"
    KEY = "key"
    QUOTE = "quote"
    """A member's words."""
    NOW = "now"
    SOON = "soon"
    TODAY = "today"
    GOOD = "good"
    WARN = "warn"
    CURSOR = "cursor"
    """What the keys act on."""


class Span(NamedTuple):
    text: str
    ink: Ink = Ink.PLAIN


Line = list[Span]

URGENCY_INKS = {
    Urgency.NOW: Ink.NOW,
    Urgency.SOON: Ink.SOON,
    Urgency.TODAY: Ink.TODAY,
    Urgency.ROUTINE: Ink.DIM,
}


# Letters of one cell each: nearly all that is ever set. Asking about each of them takes most of a page's time.
_NARROW = re.compile(
    "[ -~\xa1-\xac\xae-\u02ff\u2010-\u2027\u2190-\u2193\u2500-\u259f\u25b2\u25b3\u25b8\u25cb\u25cf⚑☎☐☑✓]*"
)


def cells(text: str) -> int:
    """Count the terminal cells that plain text takes."""
    return len(text) if text.isascii() or _NARROW.fullmatch(text) else cell_width(text)


def cut(text: str, width: int) -> str:
    """Cut one line of plain text to a width in cells, saying with `…` that it was cut."""
    return text if len(text) <= width and cells(text) <= width else ellipsis(text, width)


def line(*pieces: str | tuple[str, Ink]) -> Line:
    """Make one line. Its texts are our own words; foreign text goes through `plain()` first."""
    return [Span(piece) if isinstance(piece, str) else Span(*piece) for piece in pieces]


def wrap(text: str, width: int) -> Iterator[str]:
    """Break plain text into lines of at most `width` cells, at spaces where there are any. Keeps its newlines."""
    width = max(1, width)
    for whole in text.split("\n"):
        rest = whole.rstrip()
        if rest.isascii() or _NARROW.fullmatch(rest):
            yield from _wrap_narrow(rest, width)
        else:
            yield from _wrap_wide(rest, width)


def _wrap_narrow(rest: str, width: int) -> Iterator[str]:
    while len(rest) > width:
        cut = rest.rfind(" ", 1, width + 1)
        cut = width if cut <= 0 else cut
        yield rest[:cut].rstrip()
        rest = rest[cut:].lstrip(" ")
    yield rest


def _wrap_wide(rest: str, width: int) -> Iterator[str]:
    while rest:
        head = _fitting(rest, width)
        if len(head) == len(rest):
            break
        cut = rest.rfind(" ", 1, len(head) + 1)
        cut = len(head) if cut <= 0 else cut
        yield rest[:cut].rstrip()
        rest = rest[cut:].lstrip(" ")
    yield rest


def _fitting(text: str, width: int) -> str:
    """Give as much of the text as fits; at least one letter, so that wrapping always ends."""
    head = text[: width * 5]  # a letter carries four marks at most, `plain()` saw to that
    fits = bisect_right(range(1, len(head) + 1), width, key=lambda end: cell_width(head[:end]))
    return head[: max(1, fits)]


def paragraph(
    text: str, width: int, ink: Ink = Ink.PLAIN, *, indent: str = "", limit: int | None = None
) -> list[Line]:
    """Set text from anywhere as lines: through `plain()`, wrapped, indented."""
    room = max(1, width - cells(indent))
    lead = [Span(indent, Ink.DIM)] if indent else []
    return [[*lead, Span(piece, ink)] for piece in wrap(plain(text, limit=limit), room)]


def bullet(mark: str, text: str, width: int, ink: Ink = Ink.PLAIN, *, mark_ink: Ink = Ink.DIM) -> list[Line]:
    """Set a paragraph with a mark before its first line and the rest hanging under its text."""
    room = max(1, width - cells(mark) - 1)
    blank = " " * (cells(mark) + 1)
    lines = list(wrap(plain(text), room))
    return [
        [Span(f"{mark} ", mark_ink) if first else Span(blank), Span(piece, ink)]
        for first, piece in zip([True] + [False] * len(lines), lines, strict=False)
    ]


def key_line(keys: Iterable[tuple[str, str]], width: int) -> list[Line]:
    """Set keys with what they do, as many to a line as fit."""
    lines: list[Line] = [[]]
    used = 0
    for key, label in keys:
        needed = cells(key) + cells(label) + 3
        if used and used + needed > width:
            lines.append([])
            used = 0
        lines[-1] += [Span(key, Ink.KEY), Span(f" {label}  ", Ink.DIM)]
        used += needed
    return lines if lines[-1] else []


def side_by_side(left: Line, right: Line, width: int) -> Line:
    """Set one line with something at its right edge; the left gives way."""
    right_width = sum(cells(span.text) for span in right)
    room = max(0, width - right_width - 1)
    fitting = cut_line(left, room)
    used = sum(cells(span.text) for span in fitting)
    return [*fitting, Span(" " * max(1, width - used - right_width)), *right]


def cut_line(spans: Sequence[Span], width: int) -> Line:
    """Cut a line to a width in cells."""
    fitting: Line = []
    room = width
    for span in spans:
        if room <= 0:
            break
        piece = cut(span.text, room)
        fitting.append(Span(piece, span.ink))
        room -= cells(piece)
    return fitting
