"""Many devices' logs in one reviewing database: a union of logs that only grow, each taken in whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from modconsole.audit.database import transaction
from modconsole.audit.gathering_merge import (
    Forked,
    Held,
    NotItsHead,
    check_held,
    fork_of,
    freeze,
    held_logs,
    held_of,
    merged,
)
from modconsole.audit.gathering_schema import INDEXED, open_review
from modconsole.audit.gathering_source import OutsideLog, Unfit, logs_in
from modconsole.audit.header import timestamp
from modconsole.audit.search import KNOWN, record
from modconsole.audit.tiles_checking import verify_tiles
from modconsole.audit.troubles import told_plainly
from modconsole.core.decision import Record
from modconsole.core.errors import LogError, NotAllowed
from modconsole.core.note import VerifierKey
from modconsole.ports.audit import Finding, LogQuery
from modconsole.ports.gathered import EnrolledLog, Fork, Gathered, TakenIn

__all__ = ["Gathering"]

_DEMO = "modconsole.demo/"
_ENROL = "A key never comes from the export itself. Enrol it first: `modconsole audit import --enrol VKEY`."
_FROZEN = (
    "Two histories were found under its name. Both heads are kept; which of them is true cannot be said here."
)
_COLUMNS = "0, logs.origin, leaves.seq, leaves.hash, leaves.leaf"
_PAGE = 1000


class Gathering(Gathered):
    """The reviewing database, `review.db`. Safe to use from several threads and several consoles.

    Args:
        path: The file, made when it is first needed.
        demo: Whether this home is a demo. No demo's log comes into a real home, and no real one into a demo's.
    """

    def __init__(self, path: Path, *, demo: bool = False, busy_seconds: float = 10.0) -> None:
        self._path = path
        self._demo = demo
        self._busy_seconds = busy_seconds
        self._lock = RLock()
        self._opened: sqlite3.Connection | None = None

    @contextmanager
    def _db(self) -> Iterator[sqlite3.Connection]:
        with self._lock, told_plainly(self._path):
            if self._opened is None:
                self._opened = open_review(self._path, self._busy_seconds)
            yield self._opened

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()
            self._opened = None

    # Whose logs

    def check(self, key: VerifierKey) -> None:
        if key.name.startswith(_DEMO) != self._demo:
            raise NotAllowed(
                f"“{key.name}” is {'no demo’s log, and this home is a demo' if self._demo else 'a demo’s log'}.",
                next_step="What is invented and what is real are never counted together.",
            )
        with self._db() as db:
            known = held_of(db, key.name)
        if known is not None and known.key.public != key.public:
            raise NotAllowed(
                f"“{key.name}” was enrolled with another key: {known.key}.",
                kept="That key stays the one that counts; what was taken in under it is untouched.",
                next_step="Ask the device's owner which of the two is right. A new key comes with a new log.",
            )

    def enrol(self, key: VerifierKey) -> bool:
        with self._db() as db, transaction(db):
            self.check(key)
            if held_of(db, key.name) is not None:
                return False
            db.execute("INSERT INTO logs (origin, vkey) VALUES (?, ?)", (key.name, str(key)))
        return True

    def dismiss(self, origin: str) -> EnrolledLog:
        with self._db() as db, transaction(db):
            known = held_of(db, origin)
            if known is None:
                raise NotAllowed(f"There is no log “{origin}” enrolled here.")
            if known.size:
                raise NotAllowed(
                    f"{known.size:,} entries of “{origin}” were taken in, so its key stays.",
                    next_step="What was taken in is part of the record.",
                )
            db.execute("DELETE FROM logs WHERE id=?", (known.id,))
        return known.told()

    def enrolled(self) -> list[EnrolledLog]:
        with self._db() as db:
            return [held.told() for held in held_logs(db)]

    # Taking in

    def take_in(self, folder: Path) -> list[TakenIn]:
        there = folder.is_dir()
        found = logs_in(folder) if there else []
        if found:
            return [self._take_in(inner) for inner in found]
        what = "There is no log in this folder." if there else "There is no such folder."
        means = "A log's folder has a file “checkpoint” in it, as `modconsole audit export --form tiles` makes it."
        return [TakenIn(folder, "", 0, 0, (Finding("", None, what, means),))]

    def _take_in(self, folder: Path) -> TakenIn:
        held: Held | None = None
        origin = ""
        try:
            outside = OutsideLog(folder)
            origin = outside.claimed_origin()
            with self._db() as db:
                held = held_of(db, origin)
                if held is None:
                    raise Unfit(f"The key of “{origin}” is not known here.", _ENROL)
                if held.frozen:
                    raise Unfit(f"Nothing of “{origin}” is taken in any more.", _FROZEN)
                return self._put_beside(db, folder, held, outside)
        except Unfit as error:
            size = held.size if held is not None else 0
            findings = tuple(_findings(folder, origin, held, error))
            return TakenIn(folder, origin, size, size, findings)

    def _put_beside(self, db: sqlite3.Connection, folder: Path, held: Held, outside: OutsideLog) -> TakenIn:
        try:
            with transaction(db):
                held = held_of(db, held.origin) or held  # as it is now that nobody else writes
                size = merged(db, held, outside)
        except Forked:
            check_held(db, held)
            fork = fork_of(db, held, outside)
            freeze(db, fork)
            return TakenIn(folder, held.origin, held.size, held.size, (_of_fork(fork),), fork=fork)
        return TakenIn(folder, held.origin, held.size, size, notes=tuple(_copies(db, held)))

    def forks(self) -> list[Fork]:
        with self._db() as db:
            rows = db.execute(
                "SELECT origin, held, other, seq, held_proof, held_leaf, other_proof, other_leaf FROM forks"
                " ORDER BY origin, held, other"
            )
            return [Fork(*row) for row in rows]

    # Reading

    def records(
        self, query: LogQuery, *, newest_first: bool = True, limit: int = 100, beyond: Record | None = None
    ) -> list[Record]:
        search = _search(query)
        at, way, sign = search.at, *(("DESC", "<") if newest_first else ("ASC", ">"))
        with self._db() as db:
            if beyond is not None:
                held = held_of(db, beyond.origin)
                last = (timestamp(beyond.entry.at), held.id if held is not None else 0, beyond.seq)
                search.asks(f"({at}.ts, {at}.log, {at}.seq) {sign} (?, ?, ?)", *last)
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM {search.source} JOIN logs ON logs.id = leaves.log"  # noqa: S608 - our words
                f" WHERE {' AND '.join(search.where)}"
                f" ORDER BY {at}.ts {way}, {at}.log {way}, {at}.seq {way} LIMIT {limit:d}",
                search.values,
            )
            return [record(row) for row in rows]

    def everything(self) -> Iterator[Record]:
        with self._db() as db:
            logs = held_logs(db)
        for held in logs:
            for first in range(0, held.size, _PAGE):
                with self._db() as db:
                    rows = db.execute(
                        f"SELECT {_COLUMNS} FROM leaves JOIN logs ON logs.id = leaves.log"  # noqa: S608
                        f" WHERE log=? AND seq>=? AND seq<? AND {KNOWN} ORDER BY seq",
                        (held.id, first, first + _PAGE),
                    ).fetchall()
                yield from map(record, rows)

    # Checking

    def verify(self) -> list[Finding]:
        findings = []
        with self._db() as db:
            for held in held_logs(db):
                try:
                    check_held(db, held)
                except LogError as error:
                    findings.append(Finding(held.origin, None, error.what, error.next_step))
        return findings


@dataclass(slots=True)
class _Search:
    """Where a search begins, which is in order of time there, and what must hold of what it finds."""

    source: str
    at: str
    """The table whose index it goes along."""
    where: list[str] = field(default_factory=lambda: [f"{KNOWN}"])
    values: list[object] = field(default_factory=list)

    def asks(self, condition: str, *values: object) -> None:
        self.where.append(condition)
        self.values += values


_ALSO = (
    "EXISTS (SELECT 1 FROM listed AS other WHERE other.what = ? AND other.value = ? AND other.ts = leaves.ts"
    " AND other.log = leaves.log AND other.seq = leaves.seq)"
)


def _search(query: LogQuery) -> _Search:
    equal = {name: str(getattr(query, name)) for name in INDEXED if getattr(query, name)}
    listed = {"action": query.action, "version": f"{query.protocol} {query.version}" if query.version else ""}
    listed["protocol"] = "" if query.version else query.protocol
    in_lists = [(what, value) for what, value in listed.items() if value]
    if in_lists and not (query.case or query.decision):
        # CROSS JOIN goes through the left one first.
        source = "listed CROSS JOIN leaves ON leaves.log = listed.log AND leaves.seq = listed.seq"
        search = _Search(source, "listed")
        search.asks("listed.what = ? AND listed.value = ?", *in_lists.pop(0))
    else:
        search = _Search(f"leaves INDEXED BY leaves_{next(iter(equal), 'ts')}", "leaves")
    for what, value in in_lists:
        search.asks(_ALSO, what, value)
    for name, value in equal.items():
        search.asks(f'leaves."{name}" = ?', value)
    for at, sign in ((query.since, ">="), (query.until, "<")):
        if at is not None:
            search.asks(f"{search.at}.ts {sign} ?", timestamp(at))
    return search


def _findings(folder: Path, origin: str, held: Held | None, error: Unfit) -> Iterator[Finding]:
    """Say what is wrong with an export. What its tiles say about it is worth having only now."""
    if isinstance(error, NotItsHead) and held is not None:
        closer = verify_tiles(folder, held.key).findings
        if closer:
            yield from closer
            return
    yield Finding(origin, error.seq, error.what, error.means)


def _of_fork(fork: Fork) -> Finding:
    where = f"from entry {fork.seq} on" if fork.seq is not None else "at one size or more"
    return Finding(
        fork.origin,
        fork.seq,
        f"Two histories of “{fork.origin}” were signed, and they differ {where}.",
        "A copy of that device was used elsewhere, an old backup was put back and written on, or its key was stolen. "
        "Both heads are kept as evidence, what was taken in before stays, and nothing more is taken in under its name.",
    )


def _copies(db: sqlite3.Connection, held: Held) -> Iterator[str]:
    """Say of entries that are new, byte for byte, in two logs."""
    rows = db.execute(
        "SELECT logs.origin, count(*) FROM leaves AS new CROSS JOIN leaves AS other ON other.hash = new.hash"
        " AND other.log <> new.log JOIN logs ON logs.id = other.log WHERE new.log=? AND new.seq>=?"
        " GROUP BY logs.origin ORDER BY logs.origin",
        (held.id, held.size),
    )
    for origin, count in rows:
        yield f"{count:,} of its new entries are in {origin} too, byte for byte: one was copied from the other."
