"""Destroying the keys of cases, and replacing the key that wraps all others. Both for good, whenever they are stopped.

Deleting a wrapped key from `keys.db` leaves bytes of it in places nobody can reach: worn blocks of a flash disk, a
snapshot, a stray copy. They open nothing once the key that wrapped them is gone, so every erasure ends with a new one.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterator

from modconsole.core.errors import VaultError
from modconsole.ports.vault import Secrets
from modconsole.vault import ciphers
from modconsole.vault.database import transaction
from modconsole.vault.device_secrets import device_secret

__all__ = ["Wrapping", "about_case_key", "about_own_key", "clear_wal", "erase", "is_erased", "rotate"]

_TRIES = 3


class Wrapping:
    """The key that wraps all others, as `keys.db` names it at this moment.

    Another console may erase or rotate at any time. So whoever needs the key asks for it each time, and forgets what it
    remembers when `version` has changed.
    """

    def __init__(self, db: sqlite3.Connection, secrets: Secrets) -> None:
        self._db = db
        self._secrets = secrets
        self._key = b""
        self.name = ""
        self.version = 0
        self.key()

    def key(self) -> bytes:
        """Give it. Asked inside a transaction, it stays the right one until that ends."""
        version, name = _named(self._db)
        while name != self.name:
            try:
                key = device_secret(self._db, self._secrets, name, ciphers.commitment)
            except VaultError:
                if _named(self._db)[1] == name:
                    raise
            else:
                self._key, self.name = key, name
            version, name = _named(self._db)  # it may have been replaced while we fetched it
        self.version = version
        return self._key


def _named(db: sqlite3.Connection) -> tuple[int, str]:
    found: tuple[int, str] = db.execute("SELECT version, name FROM wrapping").fetchone()
    return found


def about_case_key(case: str) -> bytes:
    return b"modconsole case key v1\x00" + case.encode()


def about_own_key(name: str) -> bytes:
    return b"modconsole own key v1\x00" + name.encode()


def erase(db: sqlite3.Connection, cases: Collection[str]) -> None:
    """Delete the keys of these cases and of all their entries, and remember that they never get any again."""
    listed = [(case,) for case in cases]
    with transaction(db):
        db.executemany("INSERT OR IGNORE INTO erased_cases VALUES (?)", listed)
        db.executemany('DELETE FROM case_keys WHERE "case"=?', listed)
        # No index: looking through a million takes less than a second here, keeping one costs every entry that is
        # ever sealed.
        db.execute(
            'DELETE FROM entry_keys WHERE "case" IN (SELECT value FROM json_each(?))',
            [json.dumps(list(cases))],
        )
        db.execute("UPDATE wrapping SET version = version + 1")


def is_erased(db: sqlite3.Connection, case: str) -> bool:
    return db.execute('SELECT 1 FROM erased_cases WHERE "case"=?', (case,)).fetchone() is not None


def rotate(db: sqlite3.Connection, secrets: Secrets, wrapping: Wrapping) -> None:
    """Wrap every key that is left under a new key, and delete the old one from the place for secrets.

    The new secret is noted as unneeded before it is made, and the old one becomes so in the very transaction that wraps
    everything anew. So at each moment `keys.db` names the one that opens it, and knows which others to take away.

    Raises:
        VaultError, SecretsUnavailable, VaultLocked: It is not done; everything opens as before. Try again.
    """
    for _ in range(_TRIES):
        name, new = f"wrapping-key-{os.urandom(8).hex()}", ciphers.new_key()
        with transaction(db):
            db.execute("INSERT INTO unneeded_secrets VALUES (?)", (name,))
        secrets.set(name, new)
        if _wrapped_anew(db, secrets, wrapping, name, new):
            break
    else:
        raise VaultError(
            "Other consoles replaced the wrapping key again and again.",
            kept="No key was lost.",
            next_step="Close them, then try again.",
        )
    wrapping.key()
    _take_away_unneeded(db, secrets)


def _wrapped_anew(
    db: sqlite3.Connection, secrets: Secrets, wrapping: Wrapping, name: str, new: bytes
) -> bool:
    """Say whether it was done: another console may have taken our new secret away while doing the same."""
    old = wrapping.key()
    # Most of the work is done before anybody has to wait for us.
    ahead = {row: _again(old, new, *row) for row in _all_wrapped(db)}
    with transaction(db):
        old_now = wrapping.key()
        if not _is_noted(db, name) or secrets.get(name) != new:
            return False
        changed: dict[str, list[tuple[bytes, str]]] = {table: [] for table in _TABLES}
        for row in _all_wrapped(db):
            again = ahead[row] if old_now == old and row in ahead else _again(old_now, new, *row)
            if again is not None:
                changed[row[0]].append((again, row[1]))
        for table, rows in changed.items():
            db.executemany(f'UPDATE {table} SET wrapped=? WHERE "{_TABLES[table]}"=?', rows)  # noqa: S608 - our words
        db.execute("INSERT INTO device_secrets VALUES (?, ?)", (name, ciphers.commitment(new)))
        db.execute("DELETE FROM device_secrets WHERE name=?", (wrapping.name,))
        db.execute("DELETE FROM unneeded_secrets WHERE name=?", (name,))
        db.execute("INSERT INTO unneeded_secrets VALUES (?)", (wrapping.name,))
        db.execute("UPDATE wrapping SET name=?, version=version+1", (name,))
    return True


_TABLES = {"case_keys": "case", "own_keys": "name"}
_Row = tuple[str, str, bytes]
"""Table, what the key is of, the wrapped key."""


def _all_wrapped(db: sqlite3.Connection) -> Iterator[_Row]:
    for table, column in _TABLES.items():
        for of, wrapped in db.execute(f'SELECT "{column}", wrapped FROM {table}').fetchall():  # noqa: S608 - our words
            yield table, of, wrapped


def _again(old: bytes, new: bytes, table: str, of: str, wrapped: bytes) -> bytes | None:
    """Wrap one key anew; None for one that does not open: it stays as it is, and does not stop an erasure."""
    about = about_case_key(of) if table == "case_keys" else about_own_key(of)
    try:
        return ciphers.encrypt(new, ciphers.decrypt(old, wrapped, about), about)
    except ciphers.Unsealable:
        return None


def _is_noted(db: sqlite3.Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM unneeded_secrets WHERE name=?", (name,)).fetchone() is not None


def _take_away_unneeded(db: sqlite3.Connection, secrets: Secrets) -> None:
    # Under the lock, under which the other console that still means to use its new secret looks whether it is there.
    with transaction(db):
        for (name,) in db.execute("SELECT name FROM unneeded_secrets").fetchall():
            secrets.delete(name)
            db.execute("DELETE FROM unneeded_secrets WHERE name=?", (name,))


def clear_wal(db: sqlite3.Connection) -> bool:
    """Move everything from the write-ahead log into the database and cut the log to nothing.

    Until then what was deleted is still in one of the two. Waits for other consoles as long as the connection does.

    Returns:
        False when another console was reading all that time, and old pages are still there.
    """
    busy: int = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return busy == 0
