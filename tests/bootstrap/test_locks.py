"""A database's file is never opened beside SQLite: closing it again drops every lock this process has on it (POSIX)."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from modconsole.audit.database import open_log
from modconsole.store.file import DeskFile
from modconsole.vault.database import open_keys
from modconsole.vault.files import make_private

# What a command beside the console does: read, and close what it believes to be open nowhere else.
COMMAND = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=0)
db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
db.close()
"""


def run_command_on(database: Path) -> None:
    subprocess.run([sys.executable, "-c", COMMAND, str(database)], check=True)


@contextmanager
def opened(database: Path) -> Iterator[Path]:
    """Hold a database open, as a console does, with something in its -wal that is nowhere else yet."""
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE IF NOT EXISTS something (here)")
        db.execute("SELECT * FROM something").fetchall()
        wal = database.with_name(database.name + "-wal")
        assert wal.stat().st_size > 0
        yield wal


def make_desk(path: Path) -> None:
    desk = DeskFile(path, 1.0)
    with desk.write():
        pass
    desk.close()


OPENERS: list[tuple[str, Callable[[Path], object]]] = [
    ("keys.db", make_private),
    ("keys.db", lambda path: open_keys(path).close()),
    ("log.db", lambda path: open_log(path, 1.0).close()),
    ("desk.db", make_desk),
]


@pytest.mark.parametrize(("name", "open_again"), OPENERS)
def test_opening_a_database_again_keeps_this_process_s_locks_on_it(
    tmp_path: Path, name: str, open_again: Callable[[Path], object]
) -> None:
    path = tmp_path / name
    open_again(path)
    with opened(path) as wal:
        open_again(path)
        run_command_on(path)

        assert wal.exists()


if sys.platform != "win32":  # which has no such locks

    def test_the_fault_this_is_about_is_real(tmp_path: Path) -> None:
        """If this fails, the system no longer drops locks, and the care taken for it can go."""
        path = tmp_path / "keys.db"
        make_private(path)
        with opened(path) as wal:
            path.open("rb").close()
            run_command_on(path)

            assert not wal.exists()


def test_a_new_file_is_its_owners_alone_and_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "keys.db"
    make_private(path)
    path.write_bytes(b"something")
    make_private(path)

    assert path.read_bytes() == b"something"
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600
