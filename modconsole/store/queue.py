"""The queue as a long list of which a screenful is asked for at a time, anywhere in it.

SQLite finds a row by its key at once but by its position only by counting. So we remember the keys that stand at a few
positions (anchors), and count from the nearest. Where each urgency begins is always known, from the counts.
"""

# ruff: noqa: S608 - SQL is put together from this file's own words only; values are always bound

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from modconsole.core.urgency import Urgency
from modconsole.ports.store import CaseRow, QueueFilter

__all__ = ["Queue", "version_of"]

Key = tuple[int, int, str]
"""Rank, place, id: the queue's order."""

_LOWEST = -(2**62)
_KEPT_FILTERS = 8
_KEPT_ANCHORS = 64

_LIKE = re.compile("[!%_]")
_PASSED_ON = "passed_on_by <> '[]' AND instr(passed_on_by, ?)"
"""Whether one person passed a case on; the first half lets SQLite look at the few cases anybody did."""

_RANKS = {urgency.value: urgency.rank for urgency in Urgency}
_URGENCY_WORD = " ".join(f"WHEN {urgency.rank} THEN '{urgency}'" for urgency in Urgency)
_ROW = f"""
    id, forum, CASE rank {_URGENCY_WORD} END, topic, flags, length, flagged_at / 1000000,
    coalesce(CASE WHEN first_opened_at IS NULL THEN look_due WHEN last_decided_at IS NULL THEN act_due
             ELSE follow_up_at END, 0) / 1000000,
    claimed_by, coalesce(claimed_until, 0) / 1000000, first_opened_at IS NOT NULL, last_decided_at IS NOT NULL,
    state, kind, resolved_elsewhere, changed_since_flagged, coalesce(follow_up_at, 0) / 1000000, rank, place
"""


@dataclass(slots=True)
class _View:
    """One filter's list: how many rows of each rank it has, and which keys we know to stand where.

    An anchor (position, key) says: so many rows have a smaller key.
    """

    counts: dict[int, int]
    total: int = field(init=False)
    borders: list[tuple[int, Key]] = field(init=False)
    anchors: OrderedDict[int, Key] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.borders = [(0, (_LOWEST, _LOWEST, ""))]
        position = 0
        for rank, count in sorted(self.counts.items()):
            self.borders.append((position, (rank, _LOWEST, "")))
            position += count
        self.total = position
        self.borders.append((position, (-_LOWEST, -_LOWEST, "")))

    def known(self) -> list[tuple[int, Key]]:
        return [*self.borders, *self.anchors.items()]

    def remember(self, position: int, key: Key) -> None:
        self.anchors[position] = key
        self.anchors.move_to_end(position)
        if len(self.anchors) > _KEPT_ANCHORS:
            self.anchors.popitem(last=False)


class Queue:
    """Pages, counts and positions. Every call needs a connection that sees one moment of the file (`DeskFile.read`)."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._version = 0
        self._views: OrderedDict[QueueFilter, _View] = OrderedDict()

    def count(self, db: sqlite3.Connection, wanted: QueueFilter) -> int:
        return self._view(db, wanted).total

    def rows(self, db: sqlite3.Connection, wanted: QueueFilter, first: int, count: int) -> list[CaseRow]:
        """Give the rows from position `first`, counting from whichever known place is nearest."""
        view = self._view(db, wanted)
        first = max(first, 0)
        end = min(first + count, view.total)
        if first >= end:
            return []
        with self._turn:
            known = view.known()
        before = max((anchor for anchor in known if anchor[0] <= first), key=_position)
        after = min((anchor for anchor in known if anchor[0] >= end), key=_position)
        if first - before[0] <= after[0] - end:
            found = _fetch(db, wanted, before[1], skip=first - before[0], count=end - first)
        else:
            found = _fetch(db, wanted, after[1], skip=after[0] - end, count=end - first, backwards=True)
        if found:
            with self._turn:
                view.remember(first, _key(found[0]))
                view.remember(first + len(found), _just_after(_key(found[-1])))
        return [_case_row(row) for row in found]

    def position(self, db: sqlite3.Connection, wanted: QueueFilter, case: str) -> int | None:
        where, values = _where(wanted)
        key = db.execute(
            f"SELECT rank, place, id FROM cases WHERE id = ? AND {where}", [case, *values]
        ).fetchone()
        if key is None:
            return None
        view = self._view(db, wanted)
        with self._turn:
            position, start = max(anchor for anchor in view.known() if anchor[1] <= key)
        above, bound = _compared(wanted, ">=", start)
        below, bound_below = _compared(wanted, "<", key)
        between = f"SELECT count(*) FROM cases WHERE {where} AND {above} AND {below}"
        counted: int = db.execute(between, [*values, *bound, *bound_below]).fetchone()[0]
        with self._turn:
            view.remember(position + counted, key)
        return position + counted

    def _view(self, db: sqlite3.Connection, wanted: QueueFilter) -> _View:
        version = version_of(db)
        with self._turn:
            if version != self._version:
                self._views.clear()
                self._version = version
            view = self._views.get(wanted)
        if view is None:
            view = _View(_counts(db, wanted))
            with self._turn:
                if version == self._version:
                    self._views[wanted] = view
                    if len(self._views) > _KEPT_FILTERS:
                        self._views.popitem(last=False)
        return view


def version_of(db: sqlite3.Connection) -> int:
    number: int = db.execute("SELECT number FROM queue_version").fetchone()[0]
    return number


def _counts(db: sqlite3.Connection, wanted: QueueFilter) -> dict[int, int]:
    if wanted.topic or wanted.text:
        where, values = _where(wanted)
        return dict(
            db.execute(f"SELECT rank, count(*) FROM cases WHERE {where} GROUP BY rank", values).fetchall()
        )
    kept, values = _where(QueueFilter(forum=wanted.forum, urgency=wanted.urgency, closed=wanted.closed))
    counts = dict(
        db.execute(f"SELECT rank, sum(cases) FROM counts WHERE {kept} GROUP BY rank", values).fetchall()
    )
    if wanted.without:
        # The few that somebody passed on are counted; the many that nobody did are known.
        passed = f"SELECT rank, count(*) FROM cases WHERE {kept} AND {_PASSED_ON} GROUP BY rank"
        for rank, count in db.execute(passed, [*values, json.dumps(wanted.without)]):
            counts[rank] -= count
    return counts


def _where(wanted: QueueFilter) -> tuple[str, list[Any]]:
    tests = ["state = ?"]
    values: list[Any] = ["closed" if wanted.closed else "open"]
    if wanted.forum:
        tests.append("forum = ?")
        values.append(wanted.forum)
    if wanted.urgency:
        tests.append("rank = ?")
        values.append(_RANKS.get(wanted.urgency, -1))
    if wanted.topic:
        tests.append("topic = ?")
        values.append(wanted.topic)
    if wanted.text:
        columns = ("id", "forum", "topic", "reasons")
        tests.append("(" + " OR ".join(f"{column} LIKE ? ESCAPE '!'" for column in columns) + ")")
        pattern = "%" + _LIKE.sub(r"!\g<0>", wanted.text) + "%"
        values += [pattern] * len(columns)
    if wanted.without:
        tests.append(f"id NOT IN (SELECT id FROM cases WHERE {_PASSED_ON})")
        values.append(json.dumps(wanted.without))
    return " AND ".join(tests), values


def _compared(wanted: QueueFilter, operator: str, key: Key) -> tuple[str, list[Any]]:
    if wanted.urgency:  # SQLite follows the index only when the fixed rank is not compared a second time
        return f"(place, id) {operator} (?, ?)", [*key[1:]]
    return f"(rank, place, id) {operator} (?, ?, ?)", [*key]


def _fetch(
    db: sqlite3.Connection, wanted: QueueFilter, start: Key, *, skip: int, count: int, backwards: bool = False
) -> list[tuple[Any, ...]]:
    where, values = _where(wanted)
    side, bound = _compared(wanted, "<" if backwards else ">=", start)
    down = " DESC" if backwards else ""
    found = db.execute(
        f"SELECT {_ROW} FROM cases WHERE {where} AND {side}"
        f" ORDER BY rank{down}, place{down}, id{down} LIMIT ? OFFSET ?",
        [*values, *bound, count, skip],
    ).fetchall()
    return found[::-1] if backwards else found


def _position(anchor: tuple[int, Key]) -> int:
    return anchor[0]


def _key(row: tuple[Any, ...]) -> Key:
    return row[-2], row[-1], row[0]


def _just_after(key: Key) -> Key:
    return key[0], key[1], key[2] + "\0"


def _case_row(row: tuple[Any, ...]) -> CaseRow:
    (*start, opened, decided, state, kind, resolved_elsewhere, changed, follow_up_at, _, _) = row
    flags = (bool(opened), bool(decided), state, kind, bool(resolved_elsewhere), bool(changed))
    return CaseRow._make((*start, *flags, follow_up_at))
