"""A home with a vault and a log in it, and some entries to put there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from modconsole.audit import SealedLog
from modconsole.core.decision import Entry, EntryKind, ProtocolRef
from modconsole.vault import DemoSecrets, KeyVault

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
CASE = "c0" * 16
ORIGIN = "modconsole.quiet-harbour/front-desk/2026Q4"
USED = ProtocolRef("suicide-thoughts", "1.4.0", "ab" * 32, "approved")
WORDS = "a member wrote something kind here"


class Home:
    """One console: its vault and its log, both real files. Time stands still unless `later` is called."""

    def __init__(self, folder: Path, *, demo: bool = False, busy_seconds: float = 10.0) -> None:
        self.folder = folder
        self.time = START
        self.vault = KeyVault(folder / "keys.db", DemoSecrets(folder / "demo.json"))
        self.vault.unlock()
        self.log = SealedLog(
            folder / "log.db",
            self.vault,
            kept=self.vault,
            org="Quiet Harbour",
            device="Front desk",
            demo=demo,
            now=lambda: self.time,
            busy_seconds=busy_seconds,
        )

    def later(self, **more: float) -> None:
        self.time += timedelta(**more)

    def close(self) -> None:
        self.log.close()
        self.vault.close()

    def fill(self, decisions: int) -> None:
        """Seal that many decisions, each with its one action asked for and applied."""
        for number in range(decisions):
            for entry in a_decision(f"d-{number}", at=self.time):
                self.log.seal(entry)


def an_entry(kind: EntryKind = EntryKind.DECIDED, **more: Any) -> Entry:
    return Entry(kind, **({"actor": "a-7f3", "at": START, "case": CASE, "forum": "harbour"} | more))


def a_decision(id: str, *, outcome: str = "applied", at: datetime = START, **more: Any) -> list[Entry]:
    """Give the entries of a decision to hide: decided, asked and, unless that is empty, its outcome."""
    about = {"decision": id, "orders": (f"o-{id}",), "actions": ("hide",), "at": at} | more
    entries = [
        an_entry(urgency="soon", protocols=(USED,), body={"reason": WORDS, "case": "c-example"}, **about),
        an_entry(EntryKind.ASKED, **about),
        an_entry(EntryKind.OUTCOME, outcome=outcome, body={"detail": "200"}, **about),
    ]
    return entries if outcome else entries[:2]


@contextmanager
def behind_its_back(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database as somebody with an editor would, and leave nothing in its write-ahead log."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        yield db
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()


def tampered(folder: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    with behind_its_back(folder / "log.db") as db:
        change(db)
