"""The queue as a list of which a screenful is asked for at a time, anywhere in it.

SQLite finds a row by its key at once but by its position only by counting. So we remember the keys that stand at a few
positions (anchors), and count from the nearest. Where each urgency begins is always known, from the counts. What a
search finds has no counts and no order of its own to follow; when it is not much, all its keys are remembered.
"""

# ruff: noqa: S608 - SQL is put together from this file's own words only; values are always bound

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from modconsole.core.topics import TOPICS
from modconsole.core.urgency import Urgency
from modconsole.ports.store import CaseRow, QueueFilter

__all__ = ["Queue", "version_of"]

Key = tuple[int, int, str]
"""Rank, place, id: the queue's order."""

Anchor = tuple[int, Key]
_Row = tuple[Any, ...]

_LOWEST = -(2**62)
_SHORT = 5000
_KEPT_FILTERS = 4
_KEPT_ANCHORS = 64

_LIKE = re.compile("[!%_]")
_PASSED_ON = "passed_on_by <> '[]' AND ? IN (SELECT value FROM json_each(passed_on_by))"
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


class Queue:
    """Pages, counts and positions. Every call needs a connection that sees one moment of the file (`DeskFile.read`)."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._version = 0
        self._views: OrderedDict[QueueFilter, _Short | _Long] = OrderedDict()

    def count(self, db: sqlite3.Connection, wanted: QueueFilter) -> int:
        return self._view(db, wanted).total

    def rows(self, db: sqlite3.Connection, wanted: QueueFilter, first: int, count: int) -> list[CaseRow]:
        view = self._view(db, wanted)
        first = max(first, 0)
        end = min(first + count, view.total)
        return [_case_row(row) for row in view.rows(db, first, end)] if first < end else []

    def position(self, db: sqlite3.Connection, wanted: QueueFilter, case: str) -> int | None:
        return self._view(db, wanted).position(db, case)

    def _view(self, db: sqlite3.Connection, wanted: QueueFilter) -> _Short | _Long:
        version = version_of(db)
        with self._turn:
            if version != self._version:
                self._views.clear()
                self._version = version
            view = self._views.get(wanted)
        if view is None:
            view = _look(db, wanted)
            with self._turn:
                if version == self._version:
                    self._views[wanted] = view
                    if len(self._views) > _KEPT_FILTERS:
                        self._views.popitem(last=False)
        return view


class _Short:
    """A list so short that all its keys are known."""

    def __init__(self, keys: list[Key]) -> None:
        self._keys = sorted(keys)
        self.total = len(keys)

    def rows(self, db: sqlite3.Connection, first: int, end: int) -> list[_Row]:
        ids = json.dumps([id for _, _, id in self._keys[first:end]])
        query = (
            f"SELECT {_ROW} FROM cases WHERE id IN (SELECT value FROM json_each(?)) ORDER BY rank, place, id"
        )
        return db.execute(query, [ids]).fetchall()

    def position(self, db: sqlite3.Connection, case: str) -> int | None:
        return next((at for at, key in enumerate(self._keys) if key[2] == case), None)


class _Long:
    """A list of which we know how many rows of each rank it has, and which keys stand at a few positions.

    An anchor (position, key) says: so many rows have a smaller key.
    """

    def __init__(self, wanted: QueueFilter, counts: Mapping[int, int]) -> None:
        self._wanted = wanted
        self._turn = threading.Lock()
        self._remembered: OrderedDict[int, Key] = OrderedDict()
        self._fixed: list[Anchor] = [(0, (_LOWEST, _LOWEST, ""))]
        self.total = 0
        for rank, count in sorted(counts.items()):
            self._fixed.append((self.total, (rank, _LOWEST, "")))
            self.total += count
        self._fixed.append((self.total, (-_LOWEST, -_LOWEST, "")))

    def rows(self, db: sqlite3.Connection, first: int, end: int) -> list[_Row]:
        known = self._anchors()
        before, upwards = max((anchor for anchor in known if anchor[0] <= first), key=_position)
        after, downwards = min((anchor for anchor in known if anchor[0] >= end), key=_position)
        if first - before <= after - end:
            found = self._fetch(db, ">=", upwards, skip=first - before, count=end - first)
        else:
            found = self._fetch(db, "<", downwards, skip=after - end, count=end - first)[::-1]
        if found:
            self._remember(first, _key(found[0]))
            self._remember(first + len(found), _just_after(_key(found[-1])))
        return found

    def position(self, db: sqlite3.Connection, case: str) -> int | None:
        where, values = _where(self._wanted)
        found = f"SELECT rank, place, id FROM cases WHERE id = ? AND {where}"
        key = db.execute(found, [case, *values]).fetchone()
        if key is None:
            return None
        start, smallest = max(anchor for anchor in self._anchors() if anchor[1] <= key)
        above, bound_above = _compared(self._wanted, ">=", smallest)
        below, bound_below = _compared(self._wanted, "<", key)
        between = f"SELECT count(*) FROM cases WHERE {where} AND {above} AND {below}"
        counted: int = db.execute(between, [*values, *bound_above, *bound_below]).fetchone()[0]
        self._remember(start + counted, key)
        return start + counted

    def _fetch(
        self, db: sqlite3.Connection, operator: str, start: Key, *, skip: int, count: int
    ) -> list[_Row]:
        """Give rows on one side of a key, those nearest to it first."""
        where, values = _where(self._wanted)
        side, bound = _compared(self._wanted, operator, start)
        down = " DESC" if operator == "<" else ""
        order = f"ORDER BY rank{down}, place{down}, id{down} LIMIT ? OFFSET ?"
        query = f"SELECT {_ROW} FROM cases WHERE {where} AND {side} {order}"
        return db.execute(query, [*values, *bound, count, skip]).fetchall()

    def _anchors(self) -> list[Anchor]:
        with self._turn:
            return [*self._fixed, *self._remembered.items()]

    def _remember(self, position: int, key: Key) -> None:
        with self._turn:
            self._remembered[position] = key
            self._remembered.move_to_end(position)
            if len(self._remembered) > _KEPT_ANCHORS:
                self._remembered.popitem(last=False)


def version_of(db: sqlite3.Connection) -> int:
    number: int = db.execute("SELECT number FROM queue_version").fetchone()[0]
    return number


def _look(db: sqlite3.Connection, wanted: QueueFilter) -> _Short | _Long:
    if not wanted.topic and not wanted.text:
        return _Long(wanted, _counts(db, wanted))
    # Every row has to be looked at, and in the order of the file that is six times faster than in the queue's.
    where, values = _where(wanted)
    matching = f"FROM cases NOT INDEXED WHERE {where}"
    keys = db.execute(f"SELECT rank, place, id {matching} LIMIT ?", [*values, _SHORT + 1]).fetchall()
    if len(keys) <= _SHORT:
        return _Short(keys)
    return _Long(
        wanted, dict(db.execute(f"SELECT rank, count(*) {matching} GROUP BY rank", values).fetchall())
    )


def _counts(db: sqlite3.Connection, wanted: QueueFilter) -> dict[int, int]:
    kept, values = _where(QueueFilter(forum=wanted.forum, urgency=wanted.urgency, closed=wanted.closed))
    known = f"SELECT rank, sum(cases) FROM counts WHERE {kept} GROUP BY rank"
    counts = dict(db.execute(known, values).fetchall())
    if wanted.without:
        # The few that somebody passed on are counted; the many that nobody did are known.
        passed = f"SELECT rank, count(*) FROM cases WHERE {kept} AND {_PASSED_ON} GROUP BY rank"
        for rank, count in db.execute(passed, [*values, wanted.without]):
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
        said = [topic.code for topic in TOPICS.values() if wanted.text.lower() in topic.label]
        parts = [f"{column} LIKE ? ESCAPE '!'" for column in columns]
        if said:  # what is typed is what the row shows, and that is the topic's words
            parts.append(f"topic IN ({', '.join('?' * len(said))})")
        tests.append("(" + " OR ".join(parts) + ")")
        pattern = "%" + _LIKE.sub(r"!\g<0>", wanted.text) + "%"
        values += [*[pattern] * len(columns), *said]
    if wanted.without:
        tests.append(f"id NOT IN (SELECT id FROM cases WHERE {_PASSED_ON})")
        values.append(wanted.without)
    return " AND ".join(tests), values


def _compared(wanted: QueueFilter, operator: str, key: Key) -> tuple[str, list[Any]]:
    if wanted.urgency:  # SQLite follows the index only when the fixed rank is not compared a second time
        return f"(place, id) {operator} (?, ?)", [*key[1:]]
    return f"(rank, place, id) {operator} (?, ?, ?)", [*key]


def _position(anchor: Anchor) -> int:
    return anchor[0]


def _key(row: _Row) -> Key:
    return row[-2], row[-1], row[0]


def _just_after(key: Key) -> Key:
    return key[0], key[1], key[2] + "\0"


def _case_row(row: _Row) -> CaseRow:
    (*start, opened, decided, state, kind, resolved_elsewhere, changed, follow_up_at, _, _) = row
    flags = (bool(opened), bool(decided), state, kind, bool(resolved_elsewhere), bool(changed))
    return CaseRow._make((*start, *flags, follow_up_at))
