"""A disk that is full or failing, at every single thing that is written while an entry is sealed."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from pathlib import Path

import apsw
import pytest

from modconsole.audit.database import open_log
from modconsole.audit.troubles import told_plainly
from modconsole.core.decision import Entry, EntryKind
from modconsole.core.errors import LogError, ModconsoleError, VaultError
from modconsole.ports.audit import LogQuery
from modconsole.vault.database import open_keys
from tests.audit.homes import Home, an_entry
from tests.audit.power import Computer, Disk, Fails

BROKEN = {
    "write": apsw.SQLITE_IOERR_WRITE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "delete": apsw.SQLITE_IOERR_DELETE,
    "create": apsw.SQLITE_CANTOPEN,
}
FULL = {"write": apsw.SQLITE_FULL, "create": apsw.SQLITE_CANTOPEN}


def full_from(first: int) -> Fails:
    return lambda step, kind: FULL.get(kind, 0) if step >= first else 0


def broken_from(first: int) -> Fails:
    return lambda step, kind: BROKEN[kind] if step >= first else 0


def broken_once(at: int) -> Fails:
    return lambda step, kind: BROKEN[kind] if step == at else 0


SAYS = "disk is full|disk failed|cannot be written|could not be used: disk I/O error"
WAYS = pytest.mark.parametrize("way", [full_from, broken_from, broken_once])


def a_console(folder: Path) -> Home:
    return Home(folder, busy_seconds=0.0)


Contents = list[tuple[str, int, str, object]]


def contents(home: Home) -> Contents:
    """Give every entry with what its private part says."""
    records = home.log.records(LogQuery(), newest_first=False, limit=10_000)
    return [(record.origin, record.seq, record.leaf_hash, home.log.open_body(record)) for record in records]


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Disk]:
    """A home with some decisions in it, and the disk it is on."""
    folder, disk = tmp_path_factory.mktemp("used"), Disk()
    with Computer(folder, disk):
        home = a_console(folder)
        home.fill(3)
        home.close()
    return folder, disk


def a_new_case(home: Home) -> Entry:
    return an_entry(case="d1" * 16, body={"words": "a kind word " * 300})


def without_a_private_part(home: Home) -> Entry:
    return an_entry(EntryKind.ESCALATED)


def in_a_new_quarter(home: Home) -> Entry:
    home.later(days=80)
    return an_entry(at=home.time, body={"n": 1})


ENTRIES = pytest.mark.parametrize("entry", [a_new_case, without_a_private_part, in_a_new_quarter])


class Watched:
    """A way to fail that knows whether anything did."""

    def __init__(self, fails: Fails) -> None:
        self.fails = fails
        self.failed = False

    def __call__(self, step: int, kind: str) -> int:
        code = self.fails(step, kind)
        self.failed |= bool(code)
        return code


def assert_said(error: ModconsoleError) -> None:
    assert re.search(SAYS, error.what)
    assert error.kept
    assert error.next_step


@WAYS
@ENTRIES
def test_an_entry_is_sealed_whole_or_not_at_all_wherever_the_disk_fails(
    used: tuple[Path, Disk], entry: Callable[[Home], Entry], way: Callable[[int], Fails]
) -> None:
    folder, before = used
    refused = 0
    for number in count(1):
        fails, disk = Watched(way(number)), before.copy()
        with Computer(folder, disk, checkpoint_pages=10):
            home = a_console(folder)
            home.log.seal(an_entry())
            was, new = contents(home), entry(home)
            disk.fail(fails)
            sealed = sealed_or_refused(home, new)
            refused += not sealed
            disk.heal()
            assert_grown_by(home, was, sealed)
            sealed.append(home.log.seal(new).leaf_hash)
            home.close()
            home = a_console(folder)
            assert_grown_by(home, was, sealed)
            home.close()
        if not fails.failed:
            break
    assert refused > 5


def sealed_or_refused(home: Home, new: Entry) -> list[str]:
    try:
        return [home.log.seal(new).leaf_hash]
    except LogError as error:
        assert_said(error)
        return []


def assert_grown_by(home: Home, was: Contents, sealed: list[str]) -> None:
    now = contents(home)
    added = now[len(was) :]

    assert home.log.verify().findings == ()
    assert now[: len(was)] == was
    # Where a new quarter's log was begun, its first entry names the old one.
    assert [leaf_hash for _, seq, leaf_hash, _ in added if seq > 0] == sealed
    assert sum(seq == 0 for _, seq, _, _ in added) == len({origin for origin, *_ in added} - {was[0][0]})


@WAYS
def test_a_first_start_on_a_bad_disk_is_refused_and_the_next_one_is_whole(
    tmp_path: Path, way: Callable[[int], Fails]
) -> None:
    refused = 0
    for number in count(1, 3):
        fails, disk, folder = Watched(way(number)), Disk(), tmp_path / str(number)
        folder.mkdir()
        with Computer(folder, disk):
            disk.fail(fails)
            sealed = []
            try:
                home = a_console(folder)
                sealed += sealed_or_refused(home, an_entry())
                home.close()
            except ModconsoleError as error:
                assert_said(error)
            refused += not sealed
            disk.heal()
            home = a_console(folder)
            sealed.append(home.log.seal(an_entry()).leaf_hash)
            found = [leaf_hash for _, _, leaf_hash, _ in contents(home)]
            # Of an entry whose COMMIT was written and then not synced, nobody can say; it is whole or not there.
            assert found[-len(sealed) :] == sealed
            assert len(found) - len(sealed) <= (way is not full_from)
            assert home.log.verify().findings == ()
            home.close()
        if not fails.failed:
            break
    assert refused > 5


def test_a_full_disk_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switching a new file to WAL is tried again while another console is at it, and only then."""

    def waited(seconds: float) -> None:
        raise AssertionError("Waiting makes no room.")

    monkeypatch.setattr("modconsole.audit.database.sleep", waited)
    monkeypatch.setattr("modconsole.vault.database.sleep", waited)
    for number in range(1, 8):
        disk = Disk()
        with Computer(tmp_path, disk):
            disk.fail(full_from(number))
            with pytest.raises(LogError, match=SAYS):
                told(open_log, tmp_path / "log.db")
            with pytest.raises(VaultError, match=SAYS):
                open_keys(tmp_path / "keys.db")


def told(opening: Callable[[Path, float], object], path: Path) -> None:
    with told_plainly(path):
        opening(path, 10.0)


def test_a_full_disk_is_not_taken_for_a_lost_key(used: tuple[Path, Disk]) -> None:
    """A lost key means a new log under another name; there is an endless supply of those."""
    folder, before = used
    disk = before.copy()
    with Computer(folder, disk):
        home = a_console(folder)
        home.log.seal(an_entry())
        home.later(days=200)
        disk.fail(full_from(1))
        with pytest.raises(LogError, match="disk is full"):
            home.log.seal(an_entry(at=home.time))
        disk.heal()

        assert home.log.seal(an_entry(at=home.time)).origin.endswith("2027Q2")
        home.close()
