"""`desk.db` as a file: opening it, taking turns at writing, and saying in words what can go wrong with it.

Plain `sqlite3` on every path a moderator waits for; sqlite-utils only where the schema is made or changed.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modconsole.core.errors import StoreError
from modconsole.store.migrations import VERSION, migrate

__all__ = ["DeskFile"]

_PRAGMAS = {
    "synchronous": ("FULL", 2),
    "secure_delete": ("ON", 1),
    "foreign_keys": ("ON", 1),
    "temp_store": ("MEMORY", 2),  # nothing of ours in a temporary file; and triggers cost a third less
}
"""What every connection sets, and what must be read back: none of these outlives its connection."""


class DeskFile:
    """An open `desk.db`. Any thread may use it; writers take turns, readers never wait for them.

    Args:
        path: Made if it is not there, readable by its owner only.
        patience: Seconds to wait for another console that is writing.

    Raises:
        StoreError: It cannot be opened, or is not ours to read; says what is safe and what to do.
    """

    def __init__(self, path: Path, patience: float = 5.0) -> None:
        self._path = path
        self._patience = patience
        self._turn = threading.RLock()
        self._alone = False
        self._has_failed = False
        self._writer: sqlite3.Connection | None = None
        self._idle: list[sqlite3.Connection] = []
        self._is_closed = False
        with self._in_words("Nothing was changed."):
            _make_private(path)
            db = self._connect()
            try:
                self._bring_up_to_date(db)
            except BaseException:
                db.close()
                raise
            self._idle.append(db)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one moment of the file for as long as it is lent."""
        if self._is_alone_here() and self._writer is not None:
            with self._in_words("Nothing was changed."):
                yield self._writer
            return
        with self._in_words("Nothing was changed."):
            try:
                db = self._idle.pop()
            except IndexError:
                db = self._connect()
            try:
                db.execute("BEGIN")
                yield db
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")  # nothing was written: the cheapest way to let go of the moment
                self._put_back(db)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection that writes; all or nothing, and durable when this ends without an error."""
        if self._is_alone_here():
            with self._part() as part:
                yield part
            return
        with self._turn, self._in_words("This was not saved. Everything saved before is safe."):
            if self._writer is None:
                self._writer = self._connect()
            db = self._writer
            # IMMEDIATE: a turn is waited for at the beginning, where waiting helps, and never lost half-way.
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep everybody else from writing until this ends; what is written inside is saved together, or not at all.

        Reading inside shows what was written inside. Belongs to one thread: nothing may be awaited inside.

        Raises:
            StoreError: A part could not be written. Also at the end, when that was caught inside.
        """
        with self._turn:
            if self._alone:
                yield
                return
            with self.write():
                self._alone, self._has_failed = True, False
                try:
                    yield
                finally:
                    self._alone = False
                if self._has_failed:
                    raise StoreError(
                        "A part of this could not be saved.",
                        kept="Nothing of it was. Everything saved before is safe.",
                    )

    def _is_alone_here(self) -> bool:
        # Only the thread that holds the turn can see True and hold it at the same time.
        if not self._turn.acquire(blocking=False):
            return False
        try:
            return self._alone
        finally:
            self._turn.release()

    @contextmanager
    def _part(self) -> Iterator[sqlite3.Connection]:
        """Write a part of what is written together. When it fails nothing of the whole is saved.

        A savepoint could take back the part alone; but SQLite then copies every page before it is changed, which costs
        as much as sealing the texts.
        """
        assert self._writer is not None  # noqa: S101 - it is what makes us alone
        with self._in_words("This was not saved. Everything saved before is safe."):
            try:
                yield self._writer
            except BaseException:
                self._has_failed = True
                raise

    def clear_wal(self) -> bool:
        """Move everything from the write-ahead log into the file; False while another console reads old pages of it."""
        with self._turn, self._in_words("Nothing was changed."):
            if self._writer is None:
                self._writer = self._connect()
            busy: int = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return busy == 0

    def close(self) -> None:
        with self._turn:
            self._is_closed = True
            connections = [*self._idle, *([self._writer] if self._writer else [])]
            self._idle.clear()
            self._writer = None
            for db in connections:
                db.close()

    def _put_back(self, db: sqlite3.Connection) -> None:
        if self._is_closed:
            db.close()
        else:
            self._idle.append(db)

    def _connect(self) -> sqlite3.Connection:
        if self._is_closed:
            raise StoreError("The desk was closed.", kept="Everything saved before is safe.")
        db = sqlite3.connect(
            self._path, timeout=self._patience, isolation_level=None, check_same_thread=False
        )
        try:
            for name, (wanted, _) in _PRAGMAS.items():
                db.execute(f"PRAGMA {name}={wanted}")
            for name, (_, expected) in _PRAGMAS.items():
                if db.execute(f"PRAGMA {name}").fetchone()[0] != expected:
                    raise StoreError(
                        f"This SQLite ({sqlite3.sqlite_version}) does not keep {name} as it was told.",
                        kept="Nothing was changed.",
                    )
        except BaseException:
            db.close()
            raise
        return db

    def _bring_up_to_date(self, db: sqlite3.Connection) -> None:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise StoreError(
                f"{self._path.name} was written by a newer modconsole (format {found}; this one knows {VERSION}).",
                kept="Nothing was read or changed.",
                next_step="Start the newer modconsole, or update this one.",
            )
        if db.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
            raise StoreError(
                f"{self._path.parent} is on a drive where two programs cannot safely share a database.",
                kept="Nothing was changed.",
                next_step="Keep modconsole’s data on a disk of this computer, not on a network drive.",
            )
        if found < VERSION:
            migrate(db)

    @contextmanager
    def _in_words(self, kept: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._said(error, kept) from error
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be used: {error.strerror or error}.",
                kept=kept,
                next_step=f"Make {self._path.parent} a folder that belongs to you and can be written to.",
            ) from error

    def _said(self, error: sqlite3.Error, kept: str) -> StoreError:
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                what = f"Another program has kept {self._path.name} to itself for {self._patience:g} seconds."
                next_step = (
                    "Do it again; if it stays so, close the other console or wait for its backup to end."
                )
            case sqlite3.SQLITE_FULL:
                what = f"The disk with {self._path.name} is full."
                next_step = "Free some space, then do it again."
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                what = f"{self._path.name} is damaged ({error})."
                kept = "The audit log and the keys are in files of their own."
                next_step = (
                    f"Close every console and move {self._path} aside, without deleting it. The next start makes a "
                    "new one, and open flags are taken in again from the forums."
                )
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                what = f"{self._path} cannot be opened for writing ({error})."
                next_step = f"Make {self._path.parent} a folder that belongs to you and can be written to."
            case _:
                what = f"{self._path.name} could not be used ({error})."
                next_step = ""
        return StoreError(what, kept=kept, next_step=next_step)


def _make_private(path: Path) -> None:
    """Make the file readable by its owner only. SQLite gives its -wal and -shm files the same rights."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another console was faster, and made it in the same way
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        return
    # By path and never through an open file: closing one would drop SQLite's own locks in this process.
    if stat.S_ISREG(mode) and mode & 0o077:
        path.chmod(0o600)
