"""How far each log had come, remembered in `keys.db`: beside the keys, away from the log's own file."""

from __future__ import annotations

import sqlite3

from modconsole.ports.vault import KeptHead, WitnessedHead

__all__ = ["keep", "keep_witnessed", "kept", "witnessed"]


def keep(db: sqlite3.Connection, head: KeptHead) -> None:
    # Two consoles may come here in the other order than they committed to the log: the larger head stays.
    db.execute(
        "INSERT INTO kept_heads (origin, size, root, trail, public) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (origin) DO UPDATE SET size=excluded.size, root=excluded.root, trail=excluded.trail,"
        " public=excluded.public WHERE excluded.size > size",
        (head.origin, head.size, head.root, head.trail, head.public),
    )


def kept(db: sqlite3.Connection) -> list[KeptHead]:
    rows = db.execute("SELECT origin, size, root, trail, public FROM kept_heads ORDER BY number")
    return [KeptHead(*row) for row in rows]


def keep_witnessed(db: sqlite3.Connection, head: WitnessedHead) -> None:
    db.execute(
        "INSERT INTO witnessed_heads (origin, size, root, vkey, time, signature) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (origin) DO UPDATE SET size=excluded.size, root=excluded.root, vkey=excluded.vkey,"
        " time=excluded.time, signature=excluded.signature WHERE excluded.size > size",
        (head.origin, head.size, head.root, head.vkey, head.time, head.signature),
    )


def witnessed(db: sqlite3.Connection) -> list[WitnessedHead]:
    rows = db.execute("SELECT origin, size, root, vkey, time, signature FROM witnessed_heads ORDER BY origin")
    return [WitnessedHead(*row) for row in rows]
