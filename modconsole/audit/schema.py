"""The tables of `log.db`, as numbered migrations. One that was ever released is never changed, only added to.

What is searched for is computed by SQLite from the leaf's own bytes, so it cannot disagree with what was hashed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["MIGRATIONS", "RARE"]

RARE = "kind NOT IN ('decided', 'asked', 'outcome')"
"""The kinds worth an index. SQLite uses it for searches that say these very words."""

# Actions and protocols are lists. An index takes one value of each entry, so the first ones have a column each;
# `audit.search` looks into the list itself for entries that have more.
_SEARCHED = {
    "kind": "$.kind",
    "ts": "$.ts",
    "actor": "$.actor",
    "case": "$.case",
    "forum": "$.forum",
    "decision": "$.decision",
    "outcome": "$.outcome",
    "urgency": "$.urgency",
    "order1": "$.orders[0]",
    "action1": "$.actions[0]",
    "action2": "$.actions[1]",
    "action3": "$.actions[2]",
    "protocol1": "$.protocols[0].id",
    "protocol2": "$.protocols[1].id",
    "protocol3": "$.protocols[2].id",
}
_INDEXED = ("actor", "case", "decision", "forum", "ts", "outcome", "urgency")
_LISTS = ("action1", "action2", "action3", "protocol1", "protocol2", "protocol3")


def _first(db: Database) -> None:
    db.table("logs").create(
        {"id": int, "origin": str, "vkey": str, "frontier": bytes, "trail": bytes},
        pk="id",
        not_null={"origin", "vkey", "frontier", "trail"},
    )
    db.table("logs").create_index(["origin"], unique=True)
    computed = ", ".join(
        f"\"{name}\" TEXT GENERATED ALWAYS AS (json_extract(leaf, '{path}')) VIRTUAL"
        for name, path in _SEARCHED.items()
    )
    # The body comes last: reading a leaf then never wades through a long text.
    db.execute(
        "CREATE TABLE leaves (id INTEGER PRIMARY KEY, log INTEGER NOT NULL REFERENCES logs(id), seq INTEGER NOT NULL, "
        "hash BLOB NOT NULL, root BLOB NOT NULL, signature BLOB NOT NULL, leaf TEXT NOT NULL, body BLOB, "
        f"{computed}, "
        "orders INTEGER GENERATED ALWAYS AS (json_array_length(leaf, '$.orders')) VIRTUAL)"
    )
    leaves = db.table("leaves")
    leaves.create_index(["log", "seq"], unique=True)
    db.execute(f"CREATE INDEX leaves_rare ON leaves (kind) WHERE {RARE}")
    for column in (*_INDEXED, *_LISTS):
        db.execute(f'CREATE INDEX leaves_{column} ON leaves ("{column}") WHERE "{column}" IS NOT NULL')


def _cosignatures(db: Database) -> None:
    # By the log's name, not its number: a countersignature is worth most when the log it is about is not there.
    db.execute(
        "CREATE TABLE cosignatures (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL, "
        "root BLOB NOT NULL, vkey TEXT NOT NULL, time INTEGER NOT NULL, signature BLOB NOT NULL)"
    )
    db.table("cosignatures").create_index(["origin", "size", "root", "vkey", "time"], unique=True)


def _by_day(db: Database) -> None:
    # For searches within a span of time, and for entries with more actions or protocols than three.
    added = {
        "day": "substr(json_extract(leaf, '$.ts'), 1, 10)",
        "month": "substr(json_extract(leaf, '$.ts'), 1, 7)",
        **{f"action{n}": f"json_extract(leaf, '$.actions[{n - 1}]')" for n in (4, 5)},
        **{f"protocol{n}": f"json_extract(leaf, '$.protocols[{n - 1}].id')" for n in (4, 5)},
        **{
            f"version{n}": f"json_extract(leaf, '$.protocols[{n - 1}].id') || ' ' || "
            f"json_extract(leaf, '$.protocols[{n - 1}].ver')"
            for n in (1, 2, 3, 4)
        },
    }
    for name, value in added.items():
        db.execute(f'ALTER TABLE leaves ADD COLUMN "{name}" TEXT GENERATED ALWAYS AS ({value}) VIRTUAL')
        db.execute(f'CREATE INDEX leaves_{name} ON leaves ("{name}") WHERE "{name}" IS NOT NULL')
    db.execute("DROP INDEX leaves_ts")


MIGRATIONS: tuple[Callable[[Database], None], ...] = (_first, _cosignatures, _by_day)
