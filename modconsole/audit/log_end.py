"""The growing end of a log: which one is written to now, and what one append does to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from modconsole.audit.erasing import key_of_body
from modconsole.audit.header import about_body, body_bytes, canonical, header_fields
from modconsole.core.decision import Entry, EntryKind
from modconsole.core.errors import Erased, KeyLost
from modconsole.core.merkle import EMPTY_ROOT, Frontier, leaf_hash
from modconsole.core.note import Checkpoint, VerifierKey, checkpoint_text
from modconsole.ports.audit import Receipt
from modconsole.ports.vault import KeptHead, Vault, WitnessedHead

__all__ = ["EMPTY_TRAIL", "LogEnd", "append", "log_to_write", "trail_after"]

EMPTY_TRAIL = bytes(32)
_CONSOLE = "modconsole"


def trail_after(trail: bytes, root: bytes, signature: bytes) -> bytes:
    """Add a signed head to the running digest over all of them.

    No proof of anything; it lets `verify` notice a changed head without checking a million signatures.
    """
    return sha256(trail + root + signature).digest()


@dataclass(slots=True)
class LogEnd:
    """Where a log stands. Changed by `append`; only valid inside the transaction it was read in."""

    id: int
    vkey: str
    frontier: Frontier
    trail: bytes
    head: Checkpoint
    """What the frontier says, in the form that is signed."""

    @property
    def origin(self) -> str:
        return self.head.origin

    def add(self, hash: bytes) -> None:
        self.frontier.append(hash)
        self.head = _head(self.origin, self.frontier)


def _head(origin: str, frontier: Frontier) -> Checkpoint:
    return Checkpoint(origin, frontier.size, frontier.root())


def log_to_write(
    db: sqlite3.Connection,
    vault: Vault,
    kept: Mapping[str, KeptHead],
    names: Iterator[str],
    at: datetime,
    *,
    demo: bool,
    witnessed: Mapping[str, WitnessedHead],
) -> LogEnd:
    """Give the log that the next entry goes into, begun if need be. Inside the caller's transaction.

    A log that is shorter than it was, not what it was, or whose key is lost, is left as it is: going on with it would
    make two histories under one name. A new one takes over, and its first entry names the head of the old one, and
    the last one of it that a witness countersigned. What it was, `kept` and `witnessed` say.
    """
    previous: Checkpoint | None = None
    reason = ""
    for origin in names:
        log, known = _stored(db, origin), _known(origin, kept, witnessed)
        public = _public(vault, origin)
        obstacle = _obstacle(db, log, known, public)
        if not obstacle:
            break
        reason, previous = obstacle, _head_of(log, known)
    if log is not None:
        return log
    log = _begun(db, origin, _vkey(origin, public or b""))
    if previous is None:
        reason, previous = _before(db, log, kept)
    if previous is not None:
        opening = Entry(EntryKind.KEY_EVENT, _CONSOLE, at, detail=reason)
        named: dict[str, object] = {**_named(previous), "origin": previous.origin}
        if previous.origin in witnessed:
            named["witnessed"] = _named(witnessed[previous.origin])
        append(db, vault, log, header_fields(opening, demo=demo) | {"prev": named}, None)
    return log


_Known = KeptHead | WitnessedHead


def _known(origin: str, kept: Mapping[str, KeptHead], witnessed: Mapping[str, WitnessedHead]) -> list[_Known]:
    """Give the heads that are remembered of a log elsewhere, the largest last."""
    found = [head for head in (kept.get(origin), witnessed.get(origin)) if head is not None]
    return sorted(found, key=lambda head: head.size)


def _named(head: Checkpoint | WitnessedHead) -> dict[str, object]:
    return {"size": head.size, "root": head.root.hex()}


def append(
    db: sqlite3.Connection,
    vault: Vault,
    log: LogEnd,
    fields: Mapping[str, object],
    body: Mapping[str, object] | None,
) -> Receipt:
    """Add one entry, with its body and its signed head. Inside the caller's transaction.

    The body is bound to its number in the log, which is only known here, under the write lock; so it is sealed here
    too. Its key is committed to keys.db before this transaction is: a crash between the two leaves a key without an
    entry, which harms nobody, and never an entry without its key.

    What still comes in about a case that was erased goes in without a body: nothing happens unrecorded, and nothing is
    left that could open the words.
    """
    seq = log.frontier.size
    header: dict[str, object] = {**fields, "seq": seq}
    sealed = None
    if body is not None:
        plain, about = body_bytes(body), about_body(log.origin, header)
        with suppress(Erased):
            sealed, ct, kc = vault.seal_entry(key_of_body(fields), plain, about)
            header["body"] = {"alg": "A256GCM", "ct": ct.hex(), "kc": kc.hex()}
    leaf = canonical(header)
    hash = leaf_hash(leaf)
    log.add(hash)
    head = log.head
    signature = vault.sign(log.origin, checkpoint_text(head).encode())
    log.trail = trail_after(log.trail, head.root, signature)
    db.execute(
        "INSERT INTO leaves (log, seq, hash, root, signature, leaf, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (log.id, seq, hash, head.root, signature, leaf.decode(), sealed),
    )
    db.execute("UPDATE logs SET frontier=?, trail=? WHERE id=?", (log.frontier.to_bytes(), log.trail, log.id))
    return Receipt(log.origin, seq, hash.hex())


def _stored(db: sqlite3.Connection, origin: str) -> LogEnd | None:
    row = db.execute(
        "SELECT id, origin, vkey, frontier, trail FROM logs WHERE origin=?", (origin,)
    ).fetchone()
    return None if row is None else _end(row)


def _end(row: tuple[int, str, str, bytes, bytes]) -> LogEnd:
    id, origin, vkey, stored, trail = row
    try:
        frontier = Frontier.from_bytes(stored)
    except (ValueError, TypeError):
        frontier = Frontier()  # damaged: it will not fit the last entry
    return LogEnd(id, vkey, frontier, trail, _head(origin, frontier))


def _begun(db: sqlite3.Connection, origin: str, vkey: str) -> LogEnd:
    empty = Frontier()
    id = db.execute(
        "INSERT INTO logs (origin, vkey, frontier, trail) VALUES (?, ?, ?, ?)",
        (origin, vkey, empty.to_bytes(), EMPTY_TRAIL),
    ).lastrowid
    return LogEnd(id or 0, vkey, empty, EMPTY_TRAIL, _head(origin, empty))


@lru_cache(maxsize=16)  # the same one for every entry of a quarter
def _vkey(origin: str, public: bytes) -> str:
    return str(VerifierKey(origin, public))


def _public(vault: Vault, origin: str) -> bytes | None:
    """Give the log's public key; None when its private half is lost."""
    try:
        return vault.verify_key(origin)
    except KeyLost:  # and nothing else: a full disk must not be taken for it
        return None


def _obstacle(
    db: sqlite3.Connection, log: LogEnd | None, known: Sequence[_Known], public: bytes | None
) -> str:
    """Say, as a code, why a log cannot be continued; empty when it can."""
    if public is None:
        return "key_lost"
    if log is None:
        return "shortened" if known else ""
    if log.vkey != _vkey(log.origin, public):
        return "key_changed"
    size = log.frontier.size
    if _root_at(db, log, size) != log.head.root or _root_at(db, log, size + 1) is not None:
        return "damaged"
    if known and known[-1].size > size:
        return "shortened"
    for head in known:
        then = log.head.root if head.size == size else _root_at(db, log, head.size)
        if then != head.root:
            return "forked"
    return ""


def _root_at(db: sqlite3.Connection, log: LogEnd, size: int) -> bytes | None:
    if size == 0:
        return EMPTY_ROOT
    row = db.execute("SELECT root FROM leaves WHERE log=? AND seq=?", (log.id, size - 1)).fetchone()
    return None if row is None else row[0]


def _head_of(log: LogEnd | None, known: Sequence[_Known]) -> Checkpoint | None:
    if known and (log is None or known[-1].size >= log.frontier.size):
        return Checkpoint(known[-1].origin, known[-1].size, known[-1].root)
    return None if log is None else log.head


def _before(
    db: sqlite3.Connection, new: LogEnd, kept: Mapping[str, KeptHead]
) -> tuple[str, Checkpoint | None]:
    """Give the head of the log that was written to before this new one, and why there is a new one."""
    row = db.execute(
        "SELECT id, origin, vkey, frontier, trail FROM logs WHERE id<>? ORDER BY id DESC LIMIT 1", (new.id,)
    ).fetchone()
    if row is not None:
        log = _end(row)
        return "new_period", _head_of(log, _known(log.origin, kept, {}))
    gone = list(kept.values())
    return ("shortened", _head_of(None, gone[-1:])) if gone else ("", None)
