"""The file `keys.db`: opening it, writing to it, and saying in words what went wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from modconsole.core.errors import VaultError
from modconsole.vault.files import make_private

__all__ = ["open_keys", "told_plainly", "transaction"]

# Numbered by their place, from 1; never changed, only added to. `PRAGMA user_version` says how many were applied.
_MIGRATIONS = (
    (
        "CREATE TABLE device_secrets (name TEXT PRIMARY KEY, pinned BLOB NOT NULL) WITHOUT ROWID",
        "CREATE TABLE own_keys (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID",
        'CREATE TABLE case_keys ("case" TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID',
        'CREATE TABLE entry_keys (ct BLOB PRIMARY KEY, "case" TEXT NOT NULL, wrapped BLOB NOT NULL) WITHOUT ROWID',
        "CREATE TABLE kept_heads (number INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,"
        " root BLOB NOT NULL, trail BLOB NOT NULL, public BLOB NOT NULL)",
    ),
    (
        "CREATE TABLE witnessed_heads (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,"
        " vkey TEXT NOT NULL, time INTEGER NOT NULL, signature BLOB NOT NULL) WITHOUT ROWID",
    ),
    (
        # Under which name the secret stands that wraps the keys of this file now; every erasure changes the version.
        "CREATE TABLE wrapping (only INTEGER PRIMARY KEY CHECK (only = 1), name TEXT NOT NULL,"
        " version INTEGER NOT NULL)",
        "INSERT INTO wrapping VALUES (1, 'wrapping-key', 1)",
        # Names of secrets that wrap nothing: not yet, or not any more.
        "CREATE TABLE unneeded_secrets (name TEXT PRIMARY KEY) WITHOUT ROWID",
        'CREATE TABLE erased_cases ("case" TEXT PRIMARY KEY) WITHOUT ROWID',
    ),
)


def open_keys(path: Path, *, durable: bool = True, busy_seconds: float = 10.0) -> sqlite3.Connection:
    """Open `keys.db`, made if it is new.

    Args:
        durable: Whether a commit must survive a power cut; without, it survives `kill -9`.

    Raises:
        VaultError
    """
    with told_plainly(path):
        make_private(path)
        db = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db, path, durable, busy_seconds)
        except BaseException:
            db.close()
            raise
    return db


def _prepare(db: sqlite3.Connection, path: Path, durable: bool, busy_seconds: float) -> None:
    db.execute("PRAGMA trusted_schema=OFF")
    db.execute("PRAGMA secure_delete=ON")
    _use_wal(db, busy_seconds)
    db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
    found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "secure_delete")]
    if found != [2 if durable else 1, 1]:
        raise VaultError(f"{path} cannot be opened safely here: SQLite answered {found}.")
    if _version(db, path) < len(_MIGRATIONS):
        with transaction(db):
            for number in range(_version(db, path), len(_MIGRATIONS)):
                for statement in _MIGRATIONS[number]:
                    db.execute(statement)
            db.execute(f"PRAGMA user_version={len(_MIGRATIONS)}")


def _use_wal(db: sqlite3.Connection, busy_seconds: float) -> None:
    """Switch to WAL. Two consoles doing it at once are told "locked" at once, whatever the busy time-out is."""
    give_up = monotonic() + busy_seconds
    while db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if monotonic() > give_up or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise  # waiting makes no room on a full disk
            sleep(0.02)


def _version(db: sqlite3.Connection, path: Path) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_MIGRATIONS):
        raise VaultError(
            f"{path} was written by a newer modconsole (format {version}; this one knows {len(_MIGRATIONS)}).",
            kept="Nothing in it was changed.",
            next_step="Use the newer version.",
        )
    return version


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Take the write lock before reading, so that two consoles never decide on the same old state."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Turn what SQLite or the disk says about `keys.db` into a `VaultError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from error
    except OSError as error:
        raise VaultError(
            f"{path} cannot be opened: {error.strerror or error}.",
            kept="Nothing was changed.",
            next_step="Check that the folder is yours and can be written to.",
        ) from error


def _explained(error: sqlite3.Error, path: Path) -> VaultError:
    kept = "No key was lost; what was being written is not kept."
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return VaultError(
                f"The disk is full: {path} could not grow.",
                kept=kept,
                next_step="Free some space, then try again.",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return VaultError(
                f"Another console is holding {path}.",
                kept=kept,
                next_step="Try again; close the other one if it hangs.",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return VaultError(
                f"{path} is damaged: {error}.",
                kept="The log still verifies; encrypted text cannot be opened without its keys.",
                next_step="Keep the file as it is and ask whoever looks after this computer.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return VaultError(
                f"{path} cannot be written: {error}.",
                kept=kept,
                next_step="Check that the file and its folder are yours.",
            )
    return VaultError(f"{path} could not be used: {error}.", kept=kept)
