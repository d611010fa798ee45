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
    if before:
        where.append("id < ?")
        values.append(before)
    if after:
        where.append("id > ?")
        values.append(after)
    order = f"ORDER BY id {'DESC' if newest_first else 'ASC'} LIMIT ?"
    # A search in one of the lists becomes one ordered search for each place in it, which SQLite merges as it reads.
    places = _places(query)
    searches = [" AND ".join([place, *where]) for place, _ in places]
    matching = " UNION ".join(f"SELECT id FROM leaves WHERE {search}" for search in searches)  # noqa: S608 - our words
    given = [value for _, place_values in places for value in (*place_values, *values)]
    rows = db.execute(
        f"SELECT {COLUMNS} {_FROM} WHERE leaves.id IN ({matching} {order}) "
        f"ORDER BY leaves.id {'DESC' if newest_first else 'ASC'}",
        (*given, limit),
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
        where.append(
            "EXISTS (SELECT 1 FROM json_each(leaf, '$.protocols') WHERE json_extract(value, '$.id') = ?)"
        )
        values.append(query.protocol)
    for bound, at in (("ts >= ?", query.since), ("ts < ?", query.until)):
        if at is not None:
            where.append(bound)
            values.append(timestamp(at))
    return where, values


def _places(query: LogQuery) -> list[tuple[str, tuple[str, ...]]]:
    if query.action:
        return _in_list(
            "action", "EXISTS (SELECT 1 FROM json_each(leaf, '$.actions') WHERE value = ?)", query.action
        )
    if query.protocol:
        return _in_list(
            "protocol",
            "EXISTS (SELECT 1 FROM json_each(leaf, '$.protocols') WHERE json_extract(value, '$.id') = ?)",
            query.protocol,
        )
    return [("TRUE", ())]


def _in_list(column: str, anywhere: str, wanted: str) -> list[tuple[str, tuple[str, ...]]]:
    """The first two places have an index each; an entry with more is looked into."""
    first = [(f"{column}{place} = ?", (wanted,)) for place in (1, 2)]
    return [*first, (f"{column}3 IS NOT NULL AND {anywhere}", (wanted,))]
