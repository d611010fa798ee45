"""Reading entries back by their readable headers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime

from modconsole.audit.header import entry_of, timestamp
from modconsole.audit.schema import RARE
from modconsole.core.decision import EntryKind, Record
from modconsole.core.errors import LogError
from modconsole.ports.audit import LogQuery

__all__ = ["COLUMNS", "KNOWN", "of_decisions", "record", "records"]

COLUMNS = "leaves.id, logs.origin, leaves.seq, leaves.hash, leaves.leaf"
_FROM = "FROM leaves JOIN logs ON logs.id = leaves.log"
# A kind of a later version is verified but not listed. The + keeps SQLite from using the index of `kind` for it.
KNOWN = f"+kind IN ({', '.join(repr(kind.value) for kind in EntryKind)})"
_EQUAL = ("case", "decision", "actor", "forum", "outcome", "urgency", "kind")
_USES_PROTOCOL = "EXISTS (SELECT 1 FROM json_each(leaf, '$.protocols') WHERE json_extract(value, '$.id') = ?)"
_USES_VERSION = (
    "EXISTS (SELECT 1 FROM json_each(leaf, '$.protocols')"
    " WHERE json_extract(value, '$.id') || ' ' || json_extract(value, '$.ver') = ?)"
)
_AT_ONCE = 500  # SQLite takes a limited number of parameters in one statement


def records(
    db: sqlite3.Connection,
    query: LogQuery,
    *,
    newest_first: bool,
    limit: int,
    before: int = 0,
    after: int = 0,
) -> list[Record]:
    """List matching entries, those between `before` and `after` in position where these are given."""
    where, values = _conditions(query)
    first, last = _positions(db, query.since, query.until)
    for condition, value in (("id < ?", before), ("id > ?", after), ("id >= ?", first), ("id <= ?", last)):
        if value:
            where.append(condition)
            values.append(value)
    order = f"ORDER BY id {'DESC' if newest_first else 'ASC'} LIMIT {limit:d}"
    # One ordered search for each place a value can stand in; each stops by itself when it has enough.
    places, wanted = _places(query), query.action or _used(query)
    searches = [f"SELECT id FROM leaves {place} AND {' AND '.join(where)} {order}" for place in places]  # noqa: S608
    found = " UNION ".join(f"SELECT * FROM ({search})" for search in searches)  # noqa: S608 - our own words, as above
    rows = db.execute(
        f"SELECT {COLUMNS} {_FROM} WHERE leaves.id IN ({found} {order})"
        f" ORDER BY leaves.id {'DESC' if newest_first else 'ASC'}",
        [value for _ in places for value in ([wanted, *values] if wanted else values)],
    )
    return [record(row) for row in rows]


def of_decisions(db: sqlite3.Connection, decisions: Iterable[str]) -> Iterator[Record]:
    """Give every entry of these decisions, each decision's oldest first."""
    wanted = list(dict.fromkeys(decisions))
    for at in range(0, len(wanted), _AT_ONCE):
        some = wanted[at : at + _AT_ONCE]
        rows = db.execute(
            f"SELECT {COLUMNS} {_FROM} WHERE decision IN ({','.join('?' * len(some))}) "
            f"AND {KNOWN} ORDER BY leaves.id",
            some,
        )
        yield from map(record, rows)


def record(row: tuple[int, str, int, bytes, str]) -> Record:
    """Make a record of the `COLUMNS` of an entry.

    Raises:
        LogError: The stored header is not one of ours.
    """
    position, origin, seq, hash, leaf = row
    try:
        header = json.loads(leaf)
        entry = entry_of(header)
    except (ValueError, KeyError, TypeError) as error:
        raise LogError(
            f"Entry {seq} of {origin} cannot be read.",
            kept="Nothing was changed.",
            next_step="Run `modconsole audit verify`; it says what is wrong with the log.",
        ) from error
    return Record(origin, seq, hash.hex(), entry, header, has_body="body" in header, position=position)


def _conditions(query: LogQuery) -> tuple[list[str], list[object]]:
    where, values = [KNOWN], list[object]()
    for name in _EQUAL:
        wanted = getattr(query, name)
        if wanted:
            where.append(f'"{name}" = ?')
            values.append(str(wanted))
    if query.kind not in (None, EntryKind.DECIDED, EntryKind.ASKED, EntryKind.OUTCOME):
        where.append(RARE)
    if query.action and query.protocol:
        where.append(_USES_VERSION if query.version else _USES_PROTOCOL)
        values.append(_used(query))
    for at, condition in ((query.since, "+ts >= ?"), (query.until, "+ts < ?")):
        if at is not None:
            where.append(condition)
            values.append(timestamp(at))
    return where, values


def _positions(db: sqlite3.Connection, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Say between which positions all entries of a span of time are, 0 for no bound.

    Entries stand in nearly the order of their times; only nearly, because clocks are put right and logs begin anew.
    So every day of that span is asked for its first or last entry, and every whole month for its own: a thousand days
    by day take too long.
    """
    first = last = 0
    if since is not None:
        ts = timestamp(since)
        day, month = ts[:10], ts[:7]
        found = _ends(db, "min", ("day", day, month + _END), ("month", month + _END, _END))
        first = min(found, default=_BEYOND)
    if until is not None:
        ts = timestamp(until)
        day, month = ts[:10], ts[:7]
        found = _ends(db, "max", ("day", month, day + _END), ("month", "", month))
        last = max(found, default=_BEFORE)
    return first, last


_END = "~"
"""Sorts behind every digit and hyphen."""
_BEFORE, _BEYOND = -1, 2**62


def _ends(db: sqlite3.Connection, end: str, *spans: tuple[str, str, str]) -> list[int]:
    """Give the first or last position of each span that has entries. Asks the index once for every day or month."""
    found = []
    for column, low, high in spans:
        row = db.execute(
            "WITH RECURSIVE some(value) AS ("  # noqa: S608 - our own words
            f" SELECT min({column}) FROM leaves WHERE {column} >= :low AND {column} < :high UNION ALL"
            f" SELECT (SELECT min({column}) FROM leaves WHERE {column} > value AND {column} < :high)"
            " FROM some WHERE value IS NOT NULL)"
            f" SELECT {end}((SELECT {end}(id) FROM leaves WHERE {column} = value)) FROM some WHERE value IS NOT NULL",
            {"low": low, "high": high},
        ).fetchone()
        if row[0] is not None:
            found.append(int(row[0]))
    return found


def _places(query: LogQuery) -> list[str]:
    if query.action:
        return _in_list(
            "action", "action", "EXISTS (SELECT 1 FROM json_each(leaf, '$.actions') WHERE value = ?)"
        )
    if query.protocol and query.version:
        return _in_list("version", "protocol", _USES_VERSION)
    if query.protocol:
        return _in_list("protocol", "protocol", _USES_PROTOCOL)
    return ["WHERE TRUE"]


def _used(query: LogQuery) -> str:
    return f"{query.protocol} {query.version}" if query.version else query.protocol


def _in_list(column: str, more: str, anywhere: str) -> list[str]:
    """The first four places have an index each; the few entries with more are looked into."""
    places = [f"INDEXED BY leaves_{column}{number} WHERE {column}{number} = ?" for number in range(1, 5)]
    return [*places, f"INDEXED BY leaves_{more}5 WHERE {more}5 IS NOT NULL AND {anywhere}"]
