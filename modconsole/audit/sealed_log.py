"""The audit log as the desk sees it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from modconsole.audit import search
from modconsole.audit.database import open_log, transaction
from modconsole.audit.erasing import erase_bodies, key_of_body, marked
from modconsole.audit.header import about_body, header_fields
from modconsole.audit.log_end import LogEnd, append, log_to_write
from modconsole.audit.origins import origins_for
from modconsole.audit.troubles import told_plainly
from modconsole.audit.unsettled import Unsettled
from modconsole.core.decision import DecisionState, Entry, EntryKind, Record, fold
from modconsole.core.errors import LogError, VaultError, VaultLocked
from modconsole.ports.audit import AuditLog, Finding, LogHead, LogQuery, Receipt, Unwitnessed, VerifyReport
from modconsole.ports.vault import HeadKeeper, KeptHead, Vault

if TYPE_CHECKING:
    from modconsole.core.cosignature import WitnessPolicy

__all__ = ["SealedLog"]

_PAGE = 500


class SealedLog(AuditLog):
    """The log in `log.db`. Safe to use from several threads; several consoles may share the file.

    Args:
        path: `log.db`, made when it is first needed.
        vault: Encrypts the bodies and signs the heads.
        kept: Remembers, away from `log.db`, how far each log had come. What it cannot catch: a log and `keys.db`
            put back together from one time, or both deleted. Only heads that others keep show that.
        org: The service's name, for the logs' own names.
        device: This device's.
        demo: Whether everything here is invented; every entry then says so.
        now: The time, aware.
        busy_seconds: How long to wait while another console is writing.
        witnesses: Whose countersignatures count, and how many make an entry witnessed; None when nobody's do.
    """

    def __init__(
        self,
        path: Path,
        vault: Vault,
        *,
        kept: HeadKeeper,
        org: str,
        device: str,
        demo: bool,
        now: Callable[[], datetime],
        busy_seconds: float = 10.0,
        witnesses: WitnessPolicy | None = None,
    ) -> None:
        self._path = path
        self._vault = vault
        self._kept = kept
        self._org = org
        self._device = device
        self._demo = demo
        self._now = now
        self._busy_seconds = busy_seconds
        self._witnesses = witnesses
        self._writing, self._reading = Lock(), Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._unsettled = Unsettled()

    # Writing

    def seal(self, entry: Entry) -> Receipt:
        fields = header_fields(entry, demo=self._demo)
        if self._vault.is_locked:
            raise VaultLocked("The keys are locked, so nothing can be sealed.")
        with self._write() as db, _as_log_error(), transaction(db):
            log = self._log_to_write(db)
            receipt = append(db, self._vault, log, fields, entry.body)
        self._keep(log)
        return receipt

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._writing, told_plainly(self._path):
            if self._writer is None:
                self._writer = open_log(self._path, self._busy_seconds)
            yield self._writer

    def _log_to_write(self, db: sqlite3.Connection) -> LogEnd:
        now = self._now()
        names = origins_for(self._org, self._device, demo=self._demo, at=now)
        # Under the log's write lock, so no other console can be ahead of what the log says by then.
        kept = {head.origin: head for head in self._kept.kept_heads()}
        witnessed = {head.origin: head for head in self._kept.witnessed_heads()}
        return log_to_write(db, self._vault, kept, names, now, demo=self._demo, witnessed=witnessed)

    def _keep(self, log: LogEnd) -> None:
        head = log.head
        try:
            public = self._vault.verify_key(head.origin)
            self._kept.keep_head(KeptHead(head.origin, head.size, head.root, log.trail, public))
        except VaultError:
            # The entry is in the log by now, and must not be reported as lost. A head kept late is weaker, not wrong.
            return

    # Erasing

    def erase(self, case: str) -> int:
        with self._write() as db, transaction(db):
            return erase_bodies(db, case)

    def clear_wal(self) -> bool:
        with self._write() as db:
            busy: int = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return busy == 0

    # Reading

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._reading, told_plainly(self._path):
            if self._reader is None:
                self._reader = open_log(self._path, self._busy_seconds)
            yield self._reader

    def records(
        self, query: LogQuery, *, newest_first: bool = True, limit: int = 100, before: int = 0
    ) -> list[Record]:
        with self._read() as db:
            found = search.records(db, query, newest_first=newest_first, limit=limit, before=before)
            return marked(db, found)

    def open_body(self, record: Record) -> Mapping[str, object] | None:
        with self._read() as db:
            row = db.execute(
                "SELECT leaf, CAST(body AS BLOB) FROM leaves JOIN logs ON logs.id = leaves.log"
                " WHERE logs.origin=? AND seq=?",
                (record.origin, record.seq),
            ).fetchone()
            erased = record.erased or marked(db, [record])[0].erased
        if row is None:
            raise _unopenable(record, "is not in this log")
        leaf, sealed = row
        header = json.loads(leaf)
        if "body" not in header or erased:
            return None
        if sealed is None or sha256(sealed).hexdigest() != header["body"]["ct"]:
            raise _unopenable(record, "has lost its private part, or it was changed")
        about, commitment = about_body(record.origin, header), bytes.fromhex(header["body"]["kc"])
        with _as_log_error():
            plain = self._vault.open_entry(key_of_body(header), sealed, about, commitment)
        return None if plain is None else _body(plain)

    def decision(self, decision: str) -> DecisionState | None:
        with self._read() as db:
            return fold(search.of_decisions(db, [decision])).get(decision)

    def decisions_of(self, case: str) -> list[DecisionState]:
        with self._read() as db:
            rows = db.execute(
                "SELECT decision FROM leaves WHERE \"case\"=? AND +kind='decided' AND decision IS NOT NULL ORDER BY id",
                (case,),
            ).fetchall()
            states = fold(search.of_decisions(db, (decision for (decision,) in rows)))
        return [states[decision] for (decision,) in rows]

    def unsettled(self) -> list[DecisionState]:
        with self._read() as db:
            return self._unsettled.find(db)

    def last_config_hash(self) -> str:
        found = self.records(LogQuery(kind=EntryKind.CONFIG_CHANGED), limit=1)
        return found[0].entry.detail if found else ""

    def in_order(self, query: LogQuery) -> Iterator[Record]:
        after = 0
        while True:
            with self._read() as db:
                page = search.records(db, query, newest_first=False, limit=_PAGE, after=after)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].position

    def export_lines(self, query: LogQuery) -> Iterator[Mapping[str, object]]:
        for record in self.in_order(query):
            yield {"origin": record.origin, "leaf_hash": record.leaf_hash, **record.header}

    # Checking

    def heads(self) -> list[LogHead]:
        from modconsole.audit.verifying import heads

        with self._read() as db:
            return heads(db)

    def verify(self) -> VerifyReport:
        from modconsole.audit.cosigned_heads import NOBODY
        from modconsole.audit.verifying import verify

        # Before the log is read, which can then only be further on.
        kept, witnessed = self._kept.kept_heads(), self._kept.witnessed_heads()
        with self._apart() as db:
            return verify(db, kept, self._witnesses or NOBODY, witnessed)

    def unwitnessed(self) -> Unwitnessed | None:
        if self._witnesses is None:
            return None
        from modconsole.audit.witnessed import tails

        with self._read() as db:
            open_tails = [tail for tail in tails(db, self._witnesses) if tail.witnessed < tail.size]
        oldest = min((tail.oldest for tail in open_tails if tail.oldest is not None), default=None)
        return Unwitnessed(sum(tail.size - tail.witnessed for tail in open_tails), oldest)

    def shortened(self) -> list[Finding]:
        """Compare the logs' ends with what is remembered of them elsewhere. Quick enough for every start."""
        from modconsole.audit.verifying import shortened

        kept = self._kept.kept_heads()
        with self._read() as db:
            return shortened(db, kept)

    @contextmanager
    def _apart(self) -> Iterator[sqlite3.Connection]:
        """Read on a connection of its own: a long look must hold nobody up."""
        with told_plainly(self._path):
            db = open_log(self._path, self._busy_seconds)
            try:
                yield db
            finally:
                db.close()

    def close(self) -> None:
        with self._writing, self._reading:
            for db in (self._writer, self._reader):
                if db is not None:
                    db.close()
            self._writer = self._reader = None


def _body(plain: bytes) -> Mapping[str, object]:
    body: Mapping[str, object] = json.loads(plain)
    return body


def _unopenable(record: Record, what: str) -> LogError:
    return LogError(
        f"Entry {record.seq} of {record.origin} {what}.",
        kept="Nothing was changed.",
        next_step="Run `modconsole audit verify`; it says what is wrong with the log.",
    )


@contextmanager
def _as_log_error() -> Iterator[None]:
    """The log's callers are told of the log; that the vault is locked they must know as it is."""
    try:
        yield
    except VaultLocked:
        raise
    except VaultError as error:
        raise LogError(error.what, kept=error.kept, next_step=error.next_step) from error
