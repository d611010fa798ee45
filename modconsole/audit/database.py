"""Opening `log.db`, and writing to it in transactions that are durable when they return."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from modconsole.audit.schema import MIGRATIONS
from modconsole.core.errors import LogError

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["Migrations", "open_log", "schema_as_found", "schema_as_made", "transaction"]


Migrations = Sequence[Callable[["Database"], None]]


def open_log(path: Path, busy_seconds: float, migrations: Migrations = MIGRATIONS) -> sqlite3.Connection:
    """Open the log for this thread and others, made if it is new. Or a file as durable, with tables of its own.

    Raises:
        LogError: It was written by a newer version, or cannot be made durable here.
        sqlite3.Error, OSError: For `told_plainly`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        # The -wal and -shm files take their mode from it. A file that is there is never opened here: closing it again
        # would drop SQLite's locks in this process, and another process would then delete the -wal under us.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        _make_durable(db, path, busy_seconds)
        _migrate(db, path, migrations)
    except BaseException:
        db.close()
        raise
    return db


def _make_durable(db: sqlite3.Connection, path: Path, busy_seconds: float) -> None:
    db.execute("PRAGMA secure_delete=ON")
    _use_wal(db, busy_seconds)
    db.execute("PRAGMA synchronous=FULL")
    found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    if found != ["wal", 2]:
        raise LogError(f"The log {path} cannot be made durable here: SQLite answered {found}.")


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


def _version(db: sqlite3.Connection, path: Path, migrations: Migrations) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise LogError(
            f"The log {path} was written by a newer modconsole (format {version}; this one knows {len(migrations)}).",
            kept="Nothing in it was changed, and no forum was asked to do anything.",
            next_step="Use the newer version.",
        )
    return version


def _migrate(db: sqlite3.Connection, path: Path, migrations: Migrations) -> None:
    if _version(db, path, migrations) == len(migrations):
        return
    with transaction(db):
        _apply(db, _version(db, path, migrations), migrations)


def _apply(db: sqlite3.Connection, version: int, migrations: Migrations) -> None:
    from sqlite_utils import Database  # takes a tenth of a second, and only a new file needs it

    tables = Database(db, recursive_triggers=False, execute_plugins=False)
    for number in range(version, len(migrations)):
        migrations[number](tables)
    db.execute(f"PRAGMA user_version={len(migrations)}")


def schema_as_found(db: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Give every table, index, trigger and view there is."""
    return set(db.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def schema_as_made() -> set[tuple[str, str, str]]:
    """Give the same for a log of this version that nobody has touched."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        _apply(db, 0, MIGRATIONS)
        return schema_as_found(db)
    finally:
        db.close()


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Take the write lock before reading the log's end: two writers then never append to the same one."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
