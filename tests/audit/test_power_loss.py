"""Whatever `seal` returned for is in the log after a power cut, and opens; the harness is shown to notice when not."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from modconsole.core.decision import Entry, EntryKind, Record
from modconsole.ports.audit import LogQuery, Receipt
from modconsole.ports.vault import KeptHead
from tests.audit.homes import Home, an_entry
from tests.audit.power import SECTOR, Computer, Disk, PowerLost

CUTS = int(os.environ.get("MODCONSOLE_POWER_CUTS", "240"))
"""More, for a long look: MODCONSOLE_POWER_CUTS=5000 pytest -s tests/audit/test_power_loss.py"""

SEED = int(os.environ.get("MODCONSOLE_POWER_SEED", "1"))
CUTS_PER_COMPUTER = 12
STEPS = 1500
"""A cut comes at most so many steps of the disk after the power came back. An entry takes about twenty."""


@dataclass
class Tally:
    cuts: int = 0
    acknowledged: int = 0
    lost: int = 0
    lost_in: int = 0
    """In how many cuts."""
    without_key: int = 0
    unsound: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.cuts} cuts, {self.acknowledged} acknowledged, {self.lost} lost in {self.lost_in} cuts, "
            f"{self.without_key} without their key, {len(self.unsound)} times unsound"
        )


class Worked:
    """A computer that is worked on from one power cut to the next."""

    def __init__(
        self, folder: Path, dice: Random, weakened: Sequence[str], home: type[Home], tally: Tally
    ) -> None:
        folder.mkdir()
        self.folder, self.dice, self.weakened, self.home, self.tally = folder, dice, weakened, home, tally
        self.disk = Disk()
        self.cuts = 0
        self.days = 0.0
        self.acknowledged: dict[tuple[str, int], Receipt] = {}
        self.shut: set[tuple[str, int]] = set()
        self.number = count()

    def on(self, disk: Disk) -> Computer:
        return Computer(
            self.folder, disk, weakened=self.weakened, checkpoint_pages=self.dice.choice((20, 100, 1000))
        )

    def cut(self) -> None:
        """Work until the power goes, then see what is left."""
        self.disk.cut_power_after(self.dice.randrange(1, STEPS), self.dice)
        with self.on(self.disk), suppress(PowerLost):
            while True:
                self.work()
        self.disk = self.disk.found_afterwards()
        self.cuts += 1
        self.tally.cuts += 1
        self.check()

    def work(self) -> None:
        """Open the console, seal for a while, and close it."""
        home = self.home(self.folder)
        for _ in range(self.dice.randrange(1, 60)):
            self.days += self.dice.random()
            home.time += timedelta(days=self.days)
            receipt = home.log.seal(self.an_entry())
            self.acknowledged[receipt.origin, receipt.seq] = receipt
            self.tally.acknowledged += 1
        home.close()

    def an_entry(self) -> Entry:
        dice, number = self.dice, next(self.number)
        about: dict[str, Any] = {"case": f"{dice.randrange(4):032x}", "detail": str(number)}
        if dice.random() < 0.3:
            return an_entry(EntryKind.TEXT_OPENED, **about)
        words = "a kind word " * dice.choice((1, 3, 400))
        return an_entry(decision=f"d-{number}", body={"n": number, "words": words}, **about)

    def check(self) -> None:
        # Closing would tidy up; the next console is to meet the disk as it was found.
        with self.on(self.disk.copy()):
            home = Home(self.folder)
            report = home.log.verify()
            records = home.log.records(LogQuery(), limit=1_000_000)
            self.count_lost({(record.origin, record.seq): record for record in records})
            shut = {(record.origin, record.seq) for record in records if not opens(home, record)}
            self.tally.without_key += len(shut - self.shut)
            self.shut |= shut
            self.tally.unsound += [finding.what for finding in report.findings]
            home.close()
        sealed = [record for record in records if record.entry.kind is not EntryKind.KEY_EVENT]
        assert report.entries == len(records)
        assert len(sealed) - len(self.acknowledged) <= self.cuts  # one each may be sealed and not yet said

    def count_lost(self, records: dict[tuple[str, int], Record]) -> None:
        lost = [
            place
            for place, receipt in self.acknowledged.items()
            if place not in records or records[place].leaf_hash != receipt.leaf_hash
        ]
        for place in lost:
            del self.acknowledged[place]
        self.tally.lost += len(lost)
        self.tally.lost_in += bool(lost)


def opens(home: Home, record: Record) -> bool:
    return not record.has_body or home.log.open_body(record) is not None


def pull_the_plug(folder: Path, cuts: int, *, weakened: Sequence[str] = (), home: type[Home] = Home) -> Tally:
    dice, tally = Random(SEED), Tally()  # noqa: S311 - for variety
    for number in range(cuts):
        if number % CUTS_PER_COMPUTER == 0:
            worked = Worked(folder / str(number), dice, weakened, home, tally)
        worked.cut()
    print(f"Power: {tally}{f', weakened: {weakened}' if weakened else ''}")
    return tally


def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    tally = pull_the_plug(tmp_path, CUTS)

    assert tally.acknowledged > 10 * CUTS
    assert (tally.lost, tally.without_key, tally.unsound) == (0, 0, [])


# The harness bites


def test_a_log_that_is_not_synced_at_each_commit_loses_entries_and_keys_db_says_so(tmp_path: Path) -> None:
    tally = pull_the_plug(tmp_path, 24, weakened=["log.db"])

    assert tally.lost > 0
    assert any("keys.db remembers" in what for what in tally.unsound)


def test_keys_that_are_not_synced_at_each_commit_leave_entries_without_them(tmp_path: Path) -> None:
    tally = pull_the_plug(tmp_path, 24, weakened=["keys.db"])

    assert tally.without_key > 0
    assert tally.lost == 0


class KeysAfterwards:
    """A connection to keys.db on which an entry's key waits until the entry is in the log."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.waiting: list[tuple[str, Sequence[object]]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)

    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor | None:
        if sql.startswith("INSERT INTO entry_keys"):
            self.waiting.append((sql, values))
            return None
        return self._db.execute(sql, values)

    def catch_up(self) -> None:
        while self.waiting:
            self._db.execute(*self.waiting.pop())


class WrongOrder(Home):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        late = KeysAfterwards(self.vault._db)
        self.vault._opened = late  # type: ignore[assignment]
        keep = self.vault.keep_head

        def keep_head(head: KeptHead) -> None:
            late.catch_up()
            keep(head)

        self.vault.keep_head = keep_head  # type: ignore[method-assign]


def test_a_key_that_is_written_after_its_entry_leaves_entries_without_one(tmp_path: Path) -> None:
    assert pull_the_plug(tmp_path, 48, home=WrongOrder).without_key > 0


# The model itself


def test_the_disk_keeps_what_was_synced_and_about_half_of_the_rest(tmp_path: Path) -> None:
    kept = 0
    for seed in range(20):
        disk = Disk()
        with Computer(tmp_path, disk):
            db = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
            db.execute("PRAGMA synchronous=OFF")
            db.execute("CREATE TABLE words (word)")
            file = disk.files["some.db"]
            file.sync()
            before = bytes(file.now)
            db.execute("INSERT INTO words VALUES (randomblob(20000))")
            disk.cut_power_after(1, Random(seed))  # noqa: S311 - for variety
            with pytest.raises(PowerLost):
                db.execute("CREATE TABLE more (word)")
        found = bytes(disk.found_afterwards().files["some.db"].now)
        changed = {
            at // SECTOR for at in range(len(file.now)) if file.now[at : at + 1] != before[at : at + 1]
        }
        kept += sum(
            found[at * SECTOR : (at + 1) * SECTOR] == file.now[at * SECTOR : (at + 1) * SECTOR]
            for at in changed
        )

        assert found[:SECTOR] in (before[:SECTOR], bytes(file.now[:SECTOR]))
    assert 0.4 < kept / (20 * len(changed)) < 0.6
