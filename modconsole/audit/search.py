"""Reading entries back by their readable headers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from modconsole.audit.header import entry_of, timestamp
from modconsole.audit.schema import RARE
from modconsole.core.decision import EntryKind, Record
from modconsole.core.errors import LogError
from modconsole.ports.audit import LogQuery

__all__ = ["COLUMNS", "of_decisions", "record", "records"]

COLUMNS = "leaves.id, logs.origin, leaves.seq, leaves.hash, leaves.leaf"
_FROM = "FROM leaves JOIN logs ON logs.id = leaves.log"
# A kind of a later version is verified but not listed. The + keeps SQLite from using the index of `kind` for it.
_KNOWN = f"+kind IN ({', '.join(repr(kind.value) for kind in EntryKind)})"
_EQUAL = ("case", "decision", "actor", "forum", "outcome", "urgency", "kind")
_USES_PROTOCOL = "EXISTS (SELECT 1 FROM json_each(leaf, '$.protocols') WHERE json_extract(value, '$.id') = ?)"
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
    for condition, value in (("id < ?", before), ("id > ?", after)):
        if value:
            where.append(condition)
            values.append(value)
    order = f"ORDER BY id {'DESC' if newest_first else 'ASC'} LIMIT {limit:d}"
    # One ordered search for each place a value can stand in; each stops by itself when it has enough.
    places, wanted = _places(query), query.action or query.protocol
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
            f"AND {_KNOWN} ORDER BY leaves.id",
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
    where, values = [_KNOWN], list[object]()
    for name in _EQUAL:
        wanted = getattr(query, name)
        if wanted:
            where.append(f'"{name}" = ?')
            values.append(str(wanted))
    if query.kind not in (None, EntryKind.DECIDED, EntryKind.ASKED, EntryKind.OUTCOME):
        where.append(RARE)
    if query.action and query.protocol:
        where.append(_USES_PROTOCOL)
        values.append(query.protocol)
    # Entries stand in nearly the order of their times, so a time also says between which positions to look.
    for at, condition, position in (
        (query.since, "+ts >= ?", "id >= (SELECT min(id) FROM leaves INDEXED BY leaves_ts WHERE ts >= ?)"),
        (query.until, "+ts < ?", "id <= (SELECT max(id) FROM leaves INDEXED BY leaves_ts WHERE ts < ?)"),
    ):
        if at is not None:
            where += [condition, position]
            values += [timestamp(at)] * 2
    return where, values


def _places(query: LogQuery) -> list[str]:
    if query.action:
        return _in_list("action", "EXISTS (SELECT 1 FROM json_each(leaf, '$.actions') WHERE value = ?)")
    if query.protocol:
        return _in_list("protocol", _USES_PROTOCOL)
    return ["WHERE TRUE"]


def _in_list(column: str, anywhere: str) -> list[str]:
    """The first two places have an index each; an entry with more is looked into."""
    return [
        f"INDEXED BY leaves_{column}1 WHERE {column}1 = ?",
        f"INDEXED BY leaves_{column}2 WHERE {column}2 = ?",
        f"INDEXED BY leaves_{column}3 WHERE {column}3 IS NOT NULL AND {anywhere}",
    ]
