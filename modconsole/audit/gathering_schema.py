"""The tables of `review.db`, as numbered migrations. One that was ever released is never changed, only added to.

Nothing in a row says when or in which order it came in, so that the same exports always make the same tables. What is
searched for is computed by SQLite from the leaf's own bytes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from modconsole.audit.database import open_log

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["INDEXED", "open_review"]

INDEXED = ("decision", "case", "outcome", "urgency", "actor", "forum", "kind")
"""What a search may be for, the most telling first. Each has an index that is in order of time."""

_LISTED = {
    "action": ("value", "json_each(new.leaf, '$.actions')"),
    "protocol": ("json_extract(value, '$.id')", "json_each(new.leaf, '$.protocols')"),
    "version": (
        "json_extract(value, '$.id') || ' ' || json_extract(value, '$.ver')",
        "json_each(new.leaf, '$.protocols')",
    ),
}
_OF_TYPE = {"action": "text", "protocol": "object", "version": "object"}
"""Kinds of entry that are not known here may hold anything there."""


def _first(db: Database) -> None:
    db.execute(
        "CREATE TABLE logs (id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, vkey TEXT NOT NULL, "
        "size INTEGER NOT NULL DEFAULT 0, checkpoint TEXT NOT NULL DEFAULT '', frozen INTEGER NOT NULL DEFAULT 0)"
    )
    # Both heads of a log with two histories, and of the first entry that differs both forms, each with its proof.
    db.execute(
        "CREATE TABLE forks (origin TEXT NOT NULL, held TEXT NOT NULL, other TEXT NOT NULL, seq INTEGER, "
        "held_proof TEXT NOT NULL, held_leaf BLOB NOT NULL, other_proof TEXT NOT NULL, other_leaf BLOB NOT NULL, "
        "PRIMARY KEY (origin, held, other))"
    )
    computed = ", ".join(
        f"\"{name}\" TEXT GENERATED ALWAYS AS (json_extract(leaf, '$.{name}')) VIRTUAL"
        for name in ("ts", *INDEXED)
    )
    db.execute(
        "CREATE TABLE leaves (log INTEGER NOT NULL REFERENCES logs(id), seq INTEGER NOT NULL, hash BLOB NOT NULL, "
        f"leaf TEXT NOT NULL, {computed}, PRIMARY KEY (log, seq)) WITHOUT ROWID"
    )
    db.execute("CREATE UNIQUE INDEX leaves_hash ON leaves (hash, log)")
    # Without rowid, an index ends with the primary key by itself: so these are in order of time, log and number.
    db.execute("CREATE INDEX leaves_ts ON leaves (ts)")
    for name in INDEXED:
        db.execute(f'CREATE INDEX leaves_{name} ON leaves ("{name}", ts) WHERE "{name}" IS NOT NULL')
    # Actions and protocols are lists, and an entry is to be found by each.
    db.execute(
        "CREATE TABLE listed (what TEXT NOT NULL, value TEXT NOT NULL, ts TEXT NOT NULL, log INTEGER NOT NULL, "
        "seq INTEGER NOT NULL, PRIMARY KEY (what, value, ts, log, seq)) WITHOUT ROWID"
    )
    for name, (value, source) in _LISTED.items():
        db.execute(
            f"CREATE TRIGGER leaves_list_{name} AFTER INSERT ON leaves BEGIN INSERT OR IGNORE INTO listed"  # noqa: S608
            f" SELECT '{name}', {value}, new.ts, new.log, new.seq FROM {source}"
            f" WHERE type = '{_OF_TYPE[name]}' AND typeof({value}) = 'text'; END"
        )


_MIGRATIONS: tuple[Callable[[Database], None], ...] = (_first,)


def open_review(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open the reviewing database, as durable as the log itself.

    Raises:
        LogError, sqlite3.Error, OSError: As `open_log`.
    """
    return open_log(path, busy_seconds, _MIGRATIONS)
