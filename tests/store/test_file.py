"""The file itself: who may read it, what it survives, and what is said when it cannot be used."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from modconsole.core.errors import StoreError
from modconsole.core.run import Run, RunEvent, RunEventKind
from modconsole.ports.store import Draft, QueueFilter
from modconsole.store import DeskStore
from modconsole.store.file import DeskFile
from modconsole.store.migrations import VERSION, migrate
from tests.store.fakes import MORNING, FakeVault, a_case, with_file

ROOT = Path(__file__).parents[2]
CASE = a_case(1)
ANSWER = RunEvent(RunEventKind.ANSWERED, "step", MORNING, "anna", "imminent", ("no",))


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)


# Opening


def test_only_its_owner_can_read_what_is_written(store: DeskStore, path: Path) -> None:
    store.take_in([with_file(CASE)])

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {
        "desk.db": 0o600,
        "desk.db-wal": 0o600,
        "desk.db-shm": 0o600,
    }


def test_a_file_others_could_read_is_made_private_again(store: DeskStore, path: Path) -> None:
    store.close()
    path.chmod(0o644)
    DeskStore(path, FakeVault()).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_connection_is_durable_and_wipes_what_it_deletes(path: Path) -> None:
    file = DeskFile(path)
    pragmas = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "busy_timeout")
    found = []
    for lend in (file.read, file.read, file.write):
        with lend() as db, file.read() as second:
            found += [
                [each.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas] for each in (db, second)
            ]
    file.close()

    assert found == [["wal", 2, 1, 1, 5000]] * 6


def test_opening_a_file_that_is_up_to_date_does_not_import_sqlite_utils(store: DeskStore, path: Path) -> None:
    store.take_in([with_file(CASE)])
    program = (
        "import sys; from pathlib import Path; from modconsole.store import DeskStore;"
        "from tests.store.fakes import FakeVault; from modconsole.ports.store import QueueFilter;"
        "store = DeskStore(Path(sys.argv[1]), FakeVault()); rows = store.rows(QueueFilter(), 0, 5);"
        "store.close(); print(len(rows), 'sqlite_utils' in sys.modules)"
    )
    with started("-c", program, str(path)) as child:
        assert child.communicate()[0] == "1 False\n"


# Formats


def test_a_file_of_a_newer_program_is_refused_and_left_alone(store: DeskStore, path: Path) -> None:
    store.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()

    with pytest.raises(StoreError, match="newer modconsole") as caught:
        DeskStore(path, FakeVault())
    assert "update" in caught.value.next_step
    assert caught.value.kept
    assert path.read_bytes() == before


def test_migrations_continue_where_an_older_program_left_off(path: Path) -> None:
    taken = []
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, [lambda tables: taken.append(1)])
        migrate(db, [lambda tables: taken.append(1), lambda tables: taken.append(2)])
        migrate(db, [lambda tables: taken.append(1), lambda tables: taken.append(2)])

        assert db.execute("PRAGMA user_version").fetchone() == (2,)
    assert taken == [1, 2]


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    def make(tables: Database) -> None:
        tables.create_table("half", {"id": int}, pk="id").create_index(["id"])

    def fail(tables: Database) -> None:
        raise sqlite3.OperationalError("the lights went out")

    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        with pytest.raises(sqlite3.OperationalError):
            migrate(db, [make, fail])

        assert db.execute("SELECT * FROM sqlite_master").fetchall() == []
        assert db.execute("PRAGMA user_version").fetchone() == (0,)


# Bad days


def refused(use: Callable[[], object], *words: str) -> StoreError:
    """Check that somebody is told what happened, what is safe and what to do, with these words in it."""
    with pytest.raises(StoreError) as caught:
        use()
    error = caught.value
    assert error.what
    assert error.kept
    assert error.next_step
    assert [word for word in words if word not in str(error)] == []
    return error


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")

    refused(lambda: DeskStore(tmp_path / "data" / "desk.db", FakeVault()), str(tmp_path / "data"), "folder")
    refused(lambda: DeskStore(tmp_path / "data" / "more" / "desk.db", FakeVault()), "folder")


def test_a_folder_where_the_file_should_be_is_named(path: Path) -> None:
    path.mkdir(parents=True)

    refused(lambda: DeskStore(path, FakeVault()), str(path), "cannot be opened")


def test_a_full_disk_loses_nothing_that_was_kept(store: DeskStore) -> None:
    store.take_in([with_file(CASE)])
    store.start_run(CASE, Run("r-1", "self-harm", "hash", MORNING))
    with store._file.write() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
    before = store.version()
    long = Draft("message", "word " * 10_000, MORNING)

    refused(lambda: store.save_draft(CASE, long), "full", "not saved", "Free some space")
    refused(lambda: store.take_in([with_file(a_case(n)) for n in range(2, 500)]), "full", "not saved")
    assert store.version() == before
    assert store.case(CASE.id) == CASE
    assert store.drafts(CASE) == []

    with store._file.write() as db:
        db.execute(f"PRAGMA max_page_count = {2**30}")
    store.save_draft(CASE, long)
    assert store.drafts(CASE) == [long]


def test_a_file_another_program_keeps_to_itself_is_waited_for_and_then_named(
    store: DeskStore, path: Path
) -> None:
    store.take_in([with_file(CASE)])
    with (
        closing(DeskStore(path, FakeVault(), patience=0.01)) as hurried,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")

        error = refused(lambda: hurried.save_case(CASE), "Another program", "not saved")
        assert "0.01 seconds" in error.what
        assert hurried.case(CASE.id) == CASE  # reading goes on
        other.execute("ROLLBACK")
        hurried.save_case(CASE)


def test_a_new_file_another_program_keeps_to_itself_is_named(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        refused(lambda: DeskStore(path, FakeVault(), patience=0.01), "Another program")


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"seedlings " * 1000)

    refused(lambda: DeskStore(path, FakeVault()), "damaged", "without deleting it", "log")
    assert path.read_bytes() == b"seedlings " * 1000


def test_a_damaged_file_is_said_to_be_damaged(store: DeskStore, path: Path) -> None:
    store.take_in([with_file(a_case(number)) for number in range(300)])
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xaa" * (len(whole) - 4096))

    def use() -> None:
        with closing(DeskStore(path, FakeVault())) as damaged:
            damaged.rows(QueueFilter(), 0, 5)

    refused(use, "damaged", "aside")


def test_a_database_of_some_other_program_is_not_taken_over(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE cases (what TEXT)")

    refused(lambda: DeskStore(path, FakeVault()), "desk.db could not be used")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


def test_a_closed_store_says_so(store: DeskStore) -> None:
    store.close()
    store.close()

    refused(lambda: store.count(QueueFilter()), "closed")
    refused(lambda: store.remember("row", "7"), "closed")


# Together, and after a crash

WORKER = """
import sys
from datetime import timedelta
from pathlib import Path
from modconsole.store import DeskStore
from tests.store.fakes import MORNING, FakeVault, a_case, with_file
from tests.store.test_file import ANSWER, Run
store = DeskStore(Path(sys.argv[1]), FakeVault())
me, number = sys.argv[2], int(sys.argv[3])
case = a_case(number)
store.take_in([with_file(case)])
store.start_run(case, Run("r-" + me, "self-harm", "hash", MORNING))
for count in range(60):
    store.add_event(case, "r-" + me, ANSWER)
    store.claim(case.id, me, MORNING + timedelta(minutes=count), MORNING)
    store.rows(__import__("modconsole.ports.store").ports.store.QueueFilter(), 0, 5)
store.close()
"""


def test_consoles_that_start_and_write_at_the_same_time_never_meet_a_busy_file(path: Path) -> None:
    consoles = [started("-c", WORKER, str(path), f"me{number}", str(number)) for number in range(3)]
    codes = [console.wait() for console in consoles]
    for console in consoles:
        console.communicate()
    with closing(DeskStore(path, FakeVault())) as store:
        kept = [len(store.runs(a_case(number))[0].events) for number in range(3)]

    assert codes == [0, 0, 0]
    assert kept == [60, 60, 60]


def test_threads_share_one_store(store: DeskStore) -> None:
    store.take_in([with_file(a_case(number)) for number in range(200)])
    problems: list[BaseException] = []

    def read() -> None:
        try:
            for first in range(0, 200, 3):
                assert len(store.rows(QueueFilter(), first % 150, 20)) == 20
                assert store.position(QueueFilter(), CASE.id) is not None
        except BaseException as problem:  # noqa: BLE001 - told to the thread that asserts
            problems.append(problem)

    def write() -> None:
        try:
            for count in range(40):
                store.save_draft(CASE, Draft("message", f"word {count}", MORNING))
                store.save_case(a_case(1, flags=count))
        except BaseException as problem:  # noqa: BLE001
            problems.append(problem)

    threads = [threading.Thread(target=work) for work in (read, read, write, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []


def test_reading_never_waits_for_somebody_who_writes(store: DeskStore) -> None:
    store.take_in([with_file(CASE)])
    with store._file.write() as db:
        db.execute("UPDATE cases SET flags = 99")

        assert store.case(CASE.id) == CASE
        assert store.rows(QueueFilter(), 0, 1)[0].flags == 1


def test_a_turn_at_writing_is_taken_before_anything_is_read(store: DeskStore, path: Path) -> None:
    store.take_in([with_file(CASE)])
    with (
        closing(DeskStore(path, FakeVault(), patience=0.01)) as hurried,
        store._file.write(),
    ):
        refused(lambda: hurried.save_case(CASE), "Another program")


CRASHING = """
import sys
from pathlib import Path
from modconsole.store import DeskStore
from tests.store.fakes import FakeVault, a_case
from tests.store.test_file import ANSWER
store = DeskStore(Path(sys.argv[1]), FakeVault())
while True:
    store.add_event(a_case(1), "r-1", ANSWER)
    print("kept", flush=True)
"""


def test_every_answer_that_was_kept_survives_kill_9(store: DeskStore, path: Path) -> None:
    store.take_in([with_file(CASE)])
    store.start_run(CASE, Run("r-1", "self-harm", "hash", MORNING))
    acknowledged = 0
    for answers in (1, 40, 7):
        with started("-c", CRASHING, str(path)) as child:
            assert child.stdout is not None
            for _ in range(answers):
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
            acknowledged += answers + child.stdout.read().count("kept\n")
        with closing(DeskStore(path, FakeVault())) as again:
            events = again.runs(CASE)[0].events

        assert len(events) >= acknowledged
        assert set(events) == {ANSWER}
        acknowledged = len(events)
