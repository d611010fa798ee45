"""The queue as lines: a row, a heading, and why a case is where it is. Never a word a member wrote."""

from __future__ import annotations

from modconsole.core.model import Case, CaseState
from modconsole.core.text import plain
from modconsole.core.topics import topic_for
from modconsole.core.urgency import Urgency
from modconsole.ports.store import CaseRow, QueueFilter
from modconsole.screens.ink import URGENCY_INKS, Ink, Line, Span, cut, cut_line, paragraph, side_by_side
from modconsole.screens.words import count, due_words, urgency_words

__all__ = ["heading", "nothing_words", "row_line", "why_page"]


LONGEST_TOPIC = 38


def heading(wanted: QueueFilter, total: int) -> str:
    """Name what is shown: `Queue · 61 open · only now`."""
    parts = [f"{total:,} {'closed' if wanted.closed else 'open'}"]
    if wanted.urgency:
        parts.append(f"only {wanted.urgency}")
    if wanted.forum:
        parts.append(f"only {plain(wanted.forum, lines=False, limit=20)}")
    if wanted.text:
        parts.append(f"/{plain(wanted.text, lines=False, limit=20)}")
    if not wanted.without:
        parts.append("with what you passed on")
    return " · ".join(["Queue", *parts])


def nothing_words(wanted: QueueFilter) -> str:
    """Say why the list is empty, and how to see more."""
    if wanted.text:
        return " Nothing. / then esc shows everything."
    if wanted.urgency or wanted.forum:
        return " Nothing. 0 any urgency, f all forums."
    return " Nothing is waiting." if not wanted.closed else " Nothing was closed yet."


def row_line(row: CaseRow, width: int, now: float, me: str) -> Line:
    """Set one row: how urgent, why it is here, what to know, when it is due. Never a word a member wrote."""
    urgency = Urgency(row.urgency)
    ink = URGENCY_INKS[urgency]
    due = due_words(row.due_at, row.flagged_at, now) if row.state == CaseState.OPEN else "closed"
    due_ink = Ink.NOW if due.startswith("over") else Ink.PLAIN
    left = [Span(f"{urgency_words(urgency):<9}", ink)]
    topic = topic_for(row.topic).label
    if width < 60:
        claimed = _claim_mark(row, now, me)
        right = [Span(claimed, Ink.STRONG), Span(f"{due:>8}", due_ink)]
        return side_by_side([*left, Span(topic)], right, width)
    notes = ", ".join(_notes(row, now, me))
    forum = cut(plain(row.forum, lines=False, limit=40), 12)
    right = [Span(f"{forum:<12} ", Ink.DIM), Span(f"{due:>9}", due_ink)]
    if width >= 100:
        right.insert(1, Span(f"{count(row.length, 'char'):>12} ", Ink.DIM))
    if width >= 120:
        right.insert(0, Span(f"{row.id:<11} ", Ink.DIM))
    room = max(20, min(LONGEST_TOPIC, width - sum(len(span.text) for span in (*left, *right)) - 16))
    left.append(Span(f"{cut(topic, room):<{room}} "))
    left.append(Span(notes, Ink.DIM))
    return side_by_side(left, right, width)


def _claim_mark(row: CaseRow, now: float, me: str) -> str:
    if row.claimed_by and row.claimed_until > now:
        return "*" if row.claimed_by == me else "@"
    return "~" if row.changed else "+" if row.flags > 1 else " "


def _notes(row: CaseRow, now: float, me: str) -> list[str]:
    notes = []
    if row.claimed_by and row.claimed_until > now:
        notes.append(
            "you have it"
            if row.claimed_by == me
            else f"{plain(row.claimed_by, lines=False, limit=20)} has it"
        )
    if row.flags > 1:
        notes.append(count(row.flags, "flag"))
    if row.changed:
        notes.append("changed")
    if row.resolved_elsewhere:
        notes.append("answered elsewhere")
    if row.follow_up_at:
        notes.append("look again")
    if row.decided:
        notes.append("decided")
    elif row.opened:
        notes.append("seen")
    return notes


def why_page(
    case: Case | None, row: CaseRow | None, now: float, me: str, width: int, height: int
) -> list[Line]:
    """Say why the case under the cursor is where it is."""
    if case is None or row is None:
        return []
    notes = ", ".join([*_notes(row, now, me), count(case.length, "character")])
    lines: list[Line] = [
        [Span(case.id, Ink.STRONG), Span(f" {plain(case.forum, lines=False, limit=20)}: {notes}", Ink.DIM)]
    ]
    for reason in case.reasons:
        lines += paragraph(reason.text, width, limit=300)
    shown = [cut_line(line, width) for line in lines[:height]]
    if len(lines) > height:
        shown[-1] = [*cut_line(shown[-1], width - 2), Span(" …", Ink.DIM)]
    return shown
