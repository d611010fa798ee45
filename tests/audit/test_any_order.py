"""Consoles in any order of sealing, dying, being put back and living through odd clocks: one history for every name.

More, for a long look: MODCONSOLE_ANY_ORDER=500 pytest tests/audit/test_any_order.py
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from modconsole.audit import SealedLog
from modconsole.audit.origins import origins_for
from modconsole.core.decision import EntryKind
from modconsole.ports.audit import LogQuery, Receipt
from modconsole.vault import DemoSecrets, KeyVault
from tests.audit.homes import START, an_entry, behind_its_back

EXAMPLES = int(os.environ.get("MODCONSOLE_ANY_ORDER", "50"))
STEPS = 25
ORG = "Quiet Harbour"
LONDON = ZoneInfo("Europe/London")
CONSOLES = st.integers(0, 1)
BODIES = st.none() | st.just({"words": "a kind word"})


class Killed(BaseException):
    """The process is gone; nothing of it may tidy up."""


class Fuse:
    """Burns with every statement. When it is through, the console that lit it is dead."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.after_it = False

    def light(self, statements: int, *, after_it: bool) -> None:
        """Die at the statement of that number, before it or right after."""
        self.left, self.after_it = statements, after_it

    def put_out(self) -> None:
        self.left = None

    def burn(self) -> bool:
        """Say whether to die after this statement."""
        if self.left is None:
            return False
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.after_it):
            raise Killed
        return self.left == 0


FUSE = Fuse()  # one is enough: consoles take turns here


class Fused(sqlite3.Connection):
    def execute(self, *args: Any) -> sqlite3.Cursor:
        last = FUSE.burn()
        cursor = super().execute(*args)
        if last:
            raise Killed
        return cursor


class Console:
    """One console of a device; both are taken down when it is killed."""

    def __init__(self, folder: Path, clock: Clock, device: str = "Front desk") -> None:
        self.vault = KeyVault(folder / "keys.db", DemoSecrets(folder / "demo.json"))
        self.vault.unlock()
        self.log = SealedLog(
            folder / "log.db",
            self.vault,
            kept=self.vault,
            org=ORG,
            device=device,
            demo=False,
            now=lambda: clock.now,
        )

    def seal(self, at: datetime, body: dict[str, object] | None) -> Receipt:
        return self.log.seal(an_entry(EntryKind.ESCALATED, at=at, body=body))

    def close(self) -> None:
        self.log.close()
        self.vault.close()


@dataclass
class Clock:
    now: datetime = START


@dataclass(frozen=True)
class Sealed:
    """One entry as it stands in the file, with the head that was signed after it."""

    origin: str
    seq: int
    leaf_hash: bytes
    root: bytes


def sizes(entries: Iterable[Sealed]) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in entries:
        found[entry.origin] = max(found.get(entry.origin, 0), entry.seq + 1)
    return found


@dataclass
class Backup:
    path: Path
    entries: list[Sealed]
    spoilt: bool


@dataclass
class Model:
    """What must be true of the device's log.db, and of every head it ever stood by."""

    entries: list[Sealed] = field(default_factory=list)
    """In the file, in the order they were sealed."""
    heads: dict[tuple[str, int], bytes] = field(default_factory=dict)
    """Every root by origin and size that was acknowledged, or lies below one that was; whatever was put back since."""
    reached: dict[str, int] = field(default_factory=dict)
    """How far each log had come when it was last acknowledged."""
    spoilt: bool = False

    def acknowledge(self, receipt: Receipt) -> None:
        self.reached[receipt.origin] = max(self.reached.get(receipt.origin, 0), receipt.seq + 1)
        for entry in self.entries:
            if entry.origin == receipt.origin:
                known = self.heads.setdefault((entry.origin, entry.seq + 1), entry.root)
                assert known == entry.root, f"Two heads of size {entry.seq + 1} under {entry.origin}"

    @property
    def is_sound(self) -> bool:
        found = sizes(self.entries)
        return not self.spoilt and all(found.get(origin, 0) >= size for origin, size in self.reached.items())


def entries_in(path: Path) -> list[Sealed]:
    db = sqlite3.connect(path)
    try:
        rows = db.execute(
            "SELECT origin, seq, hash, root FROM leaves JOIN logs ON logs.id=leaves.log ORDER BY leaves.id"
        ).fetchall()
    finally:
        db.close()
    return [Sealed(*row) for row in rows]


class OneDevice(RuleBasedStateMachine):
    """Two consoles on one device. To add to it: a rule that acts, and `self.grown` to say what came of it."""

    @initialize()
    def begin(self) -> None:
        self.patch = pytest.MonkeyPatch()
        connect = sqlite3.connect
        self.patch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, factory=Fused, **more))
        self.outside = Path(tempfile.mkdtemp())
        self.folder = self.outside / "home"
        self.folder.mkdir()
        self.clock, self.model, self.backups = Clock(), Model(), list[Backup]()
        self.consoles = [Console(self.folder, self.clock) for _ in range(2)]
        self.consoles[0].log.verify()  # makes the file

    def teardown(self) -> None:
        FUSE.put_out()
        try:
            self.verify_says_so()
        finally:
            for console in self.consoles:
                console.close()
            self.patch.undo()
            shutil.rmtree(self.outside)

    @property
    def path(self) -> Path:
        return self.folder / "log.db"

    # What a device lives through

    @rule(console=CONSOLES, body=BODIES)
    def seal(self, console: int, body: dict[str, object] | None) -> None:
        self.grown(self.consoles[console].seal(self.clock.now, body))

    @rule(console=CONSOLES, body=BODIES, statements=st.integers(1, 30), after_it=st.booleans())
    def seal_and_be_killed(
        self, console: int, body: dict[str, object] | None, statements: int, after_it: bool
    ) -> None:
        FUSE.light(statements, after_it=after_it)
        try:
            receipt = self.consoles[console].seal(self.clock.now, body)
        except Killed:
            receipt = None
        FUSE.put_out()
        self.reopen(console)
        self.grown(receipt)

    @rule(console=CONSOLES)
    def reopen(self, console: int) -> None:
        self.consoles[console].close()
        self.consoles[console] = Console(self.folder, self.clock)

    @rule()
    def back_up(self) -> None:
        path = self.outside / f"backup-{len(self.backups)}.db"
        with behind_its_back(self.path) as db:
            db.execute("VACUUM INTO ?", (str(path),))
        self.backups.append(Backup(path, list(self.model.entries), self.model.spoilt))

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        backup = data.draw(st.sampled_from(self.backups))
        for console in self.consoles:
            console.close()
        for file in self.folder.glob("log.db*"):
            file.unlink()
        shutil.copy(backup.path, self.path)
        self.model.entries, self.model.spoilt = list(backup.entries), backup.spoilt
        self.consoles = [Console(self.folder, self.clock) for _ in range(2)]

    @precondition(lambda self: self.model.entries)
    @rule(data=st.data())
    def spoil(self, data: st.DataObject) -> None:
        id = data.draw(st.integers(1, len(self.model.entries)))
        with behind_its_back(self.path) as db:
            db.execute("UPDATE leaves SET signature=zeroblob(64) WHERE id=?", (id,))
        self.model.spoilt = True

    @rule(days=st.integers(-200, 200))
    def jump(self, days: int) -> None:
        self.clock.now += timedelta(days=days)

    @rule(minutes=st.integers(-90, 90), year=st.integers(2026, 2028))
    def live_through_the_end_of_summer_time(self, minutes: int, year: int) -> None:
        """Be within the hour that the clock on the wall shows twice, in the wall's own time."""
        turn = max(
            day
            for day in (datetime(year, 10, day, 1, tzinfo=UTC) for day in range(25, 32))
            if day.weekday() == 6
        )
        self.clock.now = (turn + timedelta(minutes=minutes)).astimezone(LONDON)

    @rule(seconds=st.integers(-3, 3), year=st.integers(2026, 2028))
    def live_through_the_turn_of_a_quarter(self, seconds: int, year: int) -> None:
        """In summer, London is an hour ahead: the quarter is that of UTC."""
        turn = datetime(year, 7, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        self.clock.now = turn.astimezone(LONDON)

    @precondition(lambda self: self.model.entries)
    @rule(device=st.sampled_from(("Front desk", "Back office")))
    def seal_on_another_computer_with_a_copy_of_the_log(self, device: str) -> None:
        """It has not our keys, whatever it calls itself; so it must not go on with a log of ours."""
        elsewhere = self.outside / "elsewhere"
        elsewhere.mkdir()
        with behind_its_back(self.path) as db:
            db.execute("VACUUM INTO ?", (str(elsewhere / "log.db"),))
        other = Console(elsewhere, self.clock, device)
        receipt = other.seal(self.clock.now, None)

        entries = entries_in(elsewhere / "log.db")
        assert entries[:-2] == self.model.entries
        assert receipt.origin not in sizes(self.model.entries)
        assert (entries[-1].origin, entries[-1].seq) == (receipt.origin, 1)
        assert other.log.verify().is_sound is not self.model.spoilt
        other.close()
        shutil.rmtree(elsewhere)

    # What must be true of it

    def grown(self, receipt: Receipt | None) -> None:
        """Look at what is new in the file; without a receipt, it may be nothing, or an entry nobody was told of."""
        before = len(self.model.entries)
        was, self.model.entries = self.model.entries, entries_in(self.path)
        new = self.model.entries[before:]

        assert self.model.entries[:before] == was
        assert bool(new) or receipt is None
        assert len(new) == 0 or new[-1].seq == sizes(was).get(new[-1].origin, 0) + len(new) - 1
        if new:
            self.names_what_was_before(was, new)
            name = next(origins_for(ORG, "Front desk", demo=False, at=self.clock.now))
            assert new[-1].origin == name or new[-1].origin.startswith(f"{name}-")
        if receipt is not None:
            assert (receipt.origin, receipt.seq) == (new[-1].origin, new[-1].seq)
            assert receipt.leaf_hash == new[-1].leaf_hash.hex()
            self.model.acknowledge(receipt)

    def names_what_was_before(self, was: list[Sealed], new: list[Sealed]) -> None:
        """A log that is begun after another starts with that one's head, wherever that has gone since."""
        is_first = not was and not self.model.reached
        assert len(new) == 1 + (new[-1].origin not in sizes(was) and not is_first)
        if len(new) == 1:
            return
        opening = self.consoles[0].log.records(LogQuery(kind=EntryKind.KEY_EVENT), limit=1)[0].header
        head: Any = opening["prev"]
        present = {(entry.origin, entry.seq + 1): entry.root for entry in was}
        place = (head["origin"], head["size"])
        assert bytes.fromhex(head["root"]) in (self.model.heads.get(place), present.get(place))
        assert head["size"] >= self.model.reached.get(head["origin"], 0)
        if opening["detail"] == "shortened":
            assert self.model.reached[head["origin"]] == head["size"]

    @invariant()
    def no_number_is_left_out(self) -> None:
        if hasattr(self, "model"):
            for origin, size in sizes(self.model.entries).items():
                mine = [entry.seq for entry in self.model.entries if entry.origin == origin]
                assert mine == list(range(size))

    @rule(console=CONSOLES)
    def list_what_there_is(self, console: int) -> None:
        expected = [(entry.origin, entry.seq, entry.leaf_hash.hex()) for entry in self.model.entries]
        for newest_first in (False, True):
            records = self.consoles[console].log.records(LogQuery(), newest_first=newest_first, limit=1000)
            found = [(record.origin, record.seq, record.leaf_hash) for record in records]

            assert found == (expected[::-1] if newest_first else expected)

    @rule()
    def verify_says_so(self) -> None:
        report = self.consoles[0].log.verify()

        assert report.is_sound is self.model.is_sound, report.findings
        assert report.entries == len(self.model.entries)


OneDevice.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
TestOneDevice = OneDevice.TestCase


@pytest.mark.parametrize("days", [0, 92], ids=["same_quarter", "new_quarter"])
@pytest.mark.parametrize("body", [None, {"words": "a kind word"}], ids=["no_body", "body"])
def test_a_console_killed_at_each_statement_in_turn_leaves_one_history(
    days: int, body: dict[str, object] | None
) -> None:
    device = OneDevice()
    device.begin()
    try:
        for statements in range(1, 27):
            for after_it in (False, True):
                device.jump(days)
                device.seal_and_be_killed(0, body, statements, after_it)
                device.seal(1, body)
        device.list_what_there_is(1)
    finally:
        device.teardown()
