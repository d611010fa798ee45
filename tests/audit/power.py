"""A computer whose plug can be pulled, and whose disk can fill up or fail.

The product opens its databases with `sqlite3.connect`. While a `Computer` is on, that gives it SQLite on a disk that is
only modelled: it remembers which sectors were synced. Everything else is the product's own: which statements it sends,
in which order, under which pragmas. What the model leaves out:

- SQLite is the one inside `apsw`, not the one inside Python. A file system written in Python has no shared memory, so
  each database is opened with `locking_mode=EXCLUSIVE`, and all connections to it are one; each still gets the pragmas
  it asked for.
- Creating and deleting a file is durable at once, and so is what lives outside the two databases (the keyring).
- A lost sector holds what it held at the last sync: never rubbish, never half of it.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

import apsw
import pytest

__all__ = ["SECTOR", "Computer", "Disk", "Fails", "PowerLost"]

SECTOR = 512
_SETTING = re.compile(r"PRAGMA (\w+) ?= ?(\w+)", re.IGNORECASE)
_PER_CONNECTION = ("synchronous", "secure_delete", "trusted_schema")
_numbers = count()

Fails = Callable[[int, str], int]


class PowerLost(BaseException):
    """The plug was pulled: whatever ran is gone. No `except Exception` may survive it."""


class _Sectors:
    """One file: as the programs see it, and as it would be found if the power went now."""

    def __init__(self, content: bytes | bytearray = b"") -> None:
        self.now = bytearray(content)
        self.synced = bytearray(content)
        self.unsynced: set[int] = set()

    def write(self, data: bytes, at: int) -> None:
        if at > len(self.now):
            self.now.extend(bytes(at - len(self.now)))
        self.now[at : at + len(data)] = data
        self.unsynced.update(range(at // SECTOR, (at + len(data) - 1) // SECTOR + 1))

    def truncate(self, size: int) -> None:
        if size < len(self.now):
            del self.now[size:]
        else:
            self.write(bytes(size - len(self.now)), len(self.now))

    def sync(self) -> None:
        del self.synced[len(self.now) :]
        for sector in self.unsynced:
            _put(self.synced, self.now, sector)
        self.unsynced.clear()

    def after_power_loss(self, dice: Random) -> _Sectors:
        """Keep what was synced, and of the rest each sector, and a shortening, with probability 1/2."""
        left = bytearray(self.synced)
        if len(self.now) < len(left) and dice.random() < 0.5:
            del left[len(self.now) :]
        for sector in sorted(self.unsynced):
            if dice.random() < 0.5:
                _put(left, self.now, sector)
        return _Sectors(left)


def _put(onto: bytearray, source: bytearray, sector: int) -> None:
    start, data = sector * SECTOR, source[sector * SECTOR : (sector + 1) * SECTOR]
    if not data:
        return
    if start > len(onto):
        onto.extend(bytes(start - len(onto)))
    onto[start : start + len(data)] = data


class Disk:
    """The files, and what is to go wrong with them.

    Attributes:
        steps: How often something was written, synced, shortened, made or deleted.
    """

    def __init__(self, files: dict[str, _Sectors] | None = None) -> None:
        self.files = files or {}
        self.steps = 0
        self._cut_at = 0
        self._fails: Fails = lambda step, kind: 0
        self._found: dict[str, _Sectors] | None = None
        self._dice = Random(0)  # noqa: S311 - for variety

    def cut_power_after(self, steps: int, dice: Random) -> None:
        """Pull the plug at that many steps from now; what is found afterwards is decided at that moment."""
        self._cut_at, self._dice = self.steps + steps, dice

    def fail(self, fails: Fails) -> None:
        """Ask of each step, by its number from now on and its kind, which of SQLite's codes it ends in, if any."""
        start = self.steps
        self._fails = lambda step, kind: fails(step - start, kind)

    def heal(self) -> None:
        """Call off what has not gone wrong yet."""
        self._cut_at, self._fails = 0, lambda step, kind: 0

    @property
    def is_off(self) -> bool:
        return self._found is not None

    def step(self, kind: str) -> None:
        """Count one thing that changes the disk, and let it go wrong."""
        if self.is_off:
            return
        self.steps += 1
        if self.steps == self._cut_at:
            self._found = {name: file.after_power_loss(self._dice) for name, file in self.files.items()}
            raise apsw.IOError("The power is gone.")
        code = self._fails(self.steps, kind)
        if code:
            raise apsw.exception_for(code)

    def found_afterwards(self) -> Disk:
        """Give the disk as it is when the power is back."""
        assert self._found is not None, "The power never went."
        return Disk(self._found)

    def copy(self) -> Disk:
        return Disk({name: _Sectors(file.now) for name, file in self.files.items()})


class _OpenFile:
    """A file as SQLite's VFS wants it. One connection has it, so locks are always granted."""

    def __init__(self, disk: Disk, name: str, *, goes_away: bool) -> None:
        self._disk, self._name, self._goes_away = disk, name, goes_away
        self._file = disk.files[name]

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._file.now[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.step("write")
        self._file.write(bytes(data), offset)

    def xTruncate(self, size: int) -> None:
        self._disk.step("truncate")
        self._file.truncate(size)

    def xSync(self, flags: int) -> None:
        self._disk.step("sync")
        self._file.sync()

    def xFileSize(self) -> int:
        return len(self._file.now)

    def xLock(self, level: int) -> None: ...

    def xUnlock(self, level: int) -> None: ...

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        # As SQLite assumes of every disk on Linux: a sector that is cut short in the middle spoils no other.
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xClose(self) -> None:
        if self._goes_away:
            self._disk.files.pop(self._name, None)


class _FileSystem(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self.name = f"power-{next(_numbers)}"
        self._disk = disk
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> Any:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        known = f"temporary-{next(_numbers)}" if path is None else Path(path).name
        if known not in self._disk.files:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(known)
            self._disk.step("create")
            self._disk.files[known] = _Sectors()
        flags[1] = flags[0]
        return _OpenFile(self._disk, known, goes_away=bool(flags[0] & apsw.SQLITE_OPEN_DELETEONCLOSE))

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self._disk.step("delete")
        if self._disk.files.pop(Path(filename).name, None) is None:
            raise apsw.IOError("There is no such file.")

    def xAccess(self, pathname: str, flags: int) -> bool:
        return Path(pathname).name in self._disk.files

    def xFullPathname(self, name: str) -> str:
        return name


class _Rows:
    """What `sqlite3.Cursor` is to its callers, over apsw's."""

    def __init__(self, cursor: apsw.Cursor, database: _Database) -> None:
        self._cursor, self._database = cursor, database
        self.lastrowid = database.connection.last_insert_rowid()

    def fetchone(self) -> Any:
        with self._database:
            return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        with self._database:
            return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row


class _Database:
    """One open file. As a context: turns apsw's errors into those of `sqlite3`, or into the loss of power."""

    def __init__(self, disk: Disk, path: Path, vfs: str, checkpoint_pages: int) -> None:
        self.disk = disk
        self.users = 0
        self.settings: dict[str, str] = {}
        self._checkpoint_pages = checkpoint_pages
        with self:
            self.connection = apsw.Connection(str(path), vfs=vfs)
            self.connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self.connection.set_wal_hook(self._checkpoint)

    def _checkpoint(self, connection: apsw.Connection, name: str, pages: int) -> int:
        """Do what SQLite's own hook does: the commit is done by now, so no error of this one is told to anybody."""
        if pages >= self._checkpoint_pages:
            with suppress(apsw.Error):
                connection.wal_checkpoint(name)
        return apsw.SQLITE_OK

    def close(self) -> None:
        with suppress(apsw.Error):
            self.connection.close()

    def __enter__(self) -> None:
        if self.disk.is_off:
            raise PowerLost

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, apsw.Error):
            return
        if self.disk.is_off:
            raise PowerLost from error
        raise _as_sqlite3(error) from error


_WORDS = {
    apsw.SQLITE_FULL: "database or disk is full",
    apsw.SQLITE_IOERR: "disk I/O error",
    apsw.SQLITE_CANTOPEN: "unable to open database file",
}


def _as_sqlite3(error: apsw.Error) -> sqlite3.Error:
    code = getattr(error, "extendedresult", 0) or getattr(error, "result", 0) or apsw.SQLITE_ERROR
    kind = {
        apsw.SQLITE_CORRUPT: sqlite3.DatabaseError,
        apsw.SQLITE_NOTADB: sqlite3.DatabaseError,
        apsw.SQLITE_CONSTRAINT: sqlite3.IntegrityError,
    }.get(code & 0xFF, sqlite3.OperationalError)
    made: sqlite3.Error = kind(_WORDS.get(code & 0xFF, str(error)))
    made.sqlite_errorcode = code
    return made


class _Connection:
    """What `sqlite3.Connection` is to the product. Several to one file share SQLite's, each with its own pragmas."""

    def __init__(self, database: _Database, *, weakened: bool) -> None:
        self._database, self._weakened = database, weakened
        self._settings = {
            "synchronous": "FULL",
            "secure_delete": "ON",
            "trusted_schema": "ON",
        }  # as in Debian's
        self._is_open = True
        database.users += 1

    isolation_level = None

    @property
    def in_transaction(self) -> bool:
        return self._database.connection.in_transaction

    def execute(self, sql: str, values: Sequence[object] = ()) -> _Rows:
        with self._database:
            self._claim()
            rows = _Rows(self._database.connection.execute(sql, values), self._database)
            self._remember(sql)
            if self._weakened and sql == "PRAGMA synchronous":
                lie = "SELECT 2" if self._settings["synchronous"] == "FULL" else "SELECT 1"
                return _Rows(self._database.connection.execute(lie), self._database)
            return rows

    def executemany(self, sql: str, values: Iterable[Sequence[object]]) -> _Rows:
        with self._database:
            self._claim()
            return _Rows(self._database.connection.executemany(sql, values), self._database)

    def close(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._database.users -= 1
        if not self._database.users:
            self._database.close()
            if self._database.disk.is_off:
                raise PowerLost

    def _remember(self, sql: str) -> None:
        setting = _SETTING.fullmatch(sql)
        if setting and setting[1].lower() in _PER_CONNECTION:
            self._settings[setting[1].lower()] = setting[2]
            self._database.settings = {}
            self._claim()

    def _claim(self) -> None:
        """Give SQLite the pragmas of this connection, if another one was the last to use it."""
        wanted = self._settings
        if self._weakened:
            wanted = wanted | {"synchronous": "NORMAL"}
        if self._database.settings != wanted:
            for name, value in wanted.items():
                self._database.connection.execute(f"PRAGMA {name}={value}")
            self._database.settings = dict(wanted)


class Computer:
    """A computer with one disk; as a context, it is on.

    Args:
        folder: Databases in it are opened on `disk` instead. What is really there stays empty.
        weakened: Names of databases for which FULL is quietly made NORMAL, and FULL is still what SQLite answers.
        checkpoint_pages: After how many pages SQLite moves its write-ahead log into the database; its own is 1000.
    """

    def __init__(
        self, folder: Path, disk: Disk, *, weakened: Sequence[str] = (), checkpoint_pages: int = 1000
    ) -> None:
        self.disk = disk
        self._folder, self._weakened, self._checkpoint_pages = folder, weakened, checkpoint_pages
        self._patch = pytest.MonkeyPatch()
        self._databases: dict[str, _Database] = {}
        self._really_connect = sqlite3.connect

    def __enter__(self) -> Computer:
        self._file_system = _FileSystem(self.disk)
        self._patch.setattr(sqlite3, "connect", self._connect)
        self._patch.setattr(sys, "unraisablehook", self._unraisable(sys.unraisablehook))
        return self

    @staticmethod
    def _unraisable(hook: Callable[[Any], object]) -> Callable[[Any], None]:
        """Drop a disk's error that SQLite had no use for, as it has none when it cannot switch to WAL."""

        def told(unraisable: Any) -> None:
            if not issubclass(unraisable.exc_type, apsw.Error):
                hook(unraisable)

        return told

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
        self.disk.heal()
        for database in self._databases.values():
            database.close()
        self._file_system.unregister()

    def _connect(self, path: str | Path, *args: Any, **more: Any) -> Any:
        if not isinstance(path, Path) or path.parent != self._folder:
            return self._really_connect(path, *args, **more)
        assert more["isolation_level"] is None, "This model knows no implicit transactions."
        known = self._databases.get(path.name)
        if known is None or not known.users:
            known = _Database(self.disk, path, self._file_system.name, self._checkpoint_pages)
            self._databases[path.name] = known
        return _Connection(known, weakened=path.name in self._weakened)
