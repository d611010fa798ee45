"""Hashing one log again from its stored bytes: quickly when all is well, entry by entry when it is not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from modconsole.audit.erasing import Erasures
from modconsole.audit.log_end import EMPTY_TRAIL, trail_after
from modconsole.core.merkle import EMPTY_ROOT, Frontier, leaf_hash
from modconsole.core.note import Checkpoint, VerifierKey, checkpoint_text, parse_verifier_key
from modconsole.ports.audit import Finding
from modconsole.ports.vault import KeptHead

__all__ = ["StoredLog", "Walked", "first_difference", "is_signed", "stored_logs", "walk"]

# Whoever changes the file may also change a value's type, or take it away.
_ROWS = (
    "SELECT coalesce(id, 0), seq, coalesce(CAST(hash AS BLOB), x''), coalesce(CAST(root AS BLOB), x''),"
    " coalesce(CAST(signature AS BLOB), x''), coalesce(CAST(leaf AS BLOB), x''), CAST(body AS BLOB)"
    " FROM leaves WHERE log=? ORDER BY seq"
)
_LOGS = (
    "SELECT id, coalesce(CAST(origin AS BLOB), x''), coalesce(CAST(vkey AS BLOB), x''),"
    " coalesce(CAST(frontier AS BLOB), x''), coalesce(CAST(trail AS BLOB), x'') FROM logs ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class StoredLog:
    id: int
    origin: str
    vkey: str
    frontier: bytes
    trail: bytes

    @property
    def key(self) -> VerifierKey | None:
        """The key as the log states it; None when that is damaged or another log's."""
        try:
            key = parse_verifier_key(self.vkey)
        except (ValueError, TypeError, AttributeError):
            return None
        return key if key.name == self.origin else None


def stored_logs(db: sqlite3.Connection) -> list[StoredLog]:
    return [
        StoredLog(id, origin.decode(errors="replace"), vkey.decode(errors="replace"), frontier, trail)
        for id, origin, vkey, frontier, trail in db.execute(_LOGS)
    ]


@dataclass(slots=True)
class Walked:
    """What hashing a log again gave."""

    frontier: Frontier
    trail: bytes = EMPTY_TRAIL
    root: bytes = EMPTY_ROOT
    """As stored with the last entry."""
    signature: bytes = b""
    kept_root: bytes = EMPTY_ROOT
    """As computed where the kept head stands."""
    kept_trail: bytes = EMPTY_TRAIL
    roots: dict[int, bytes] = field(default_factory=dict)
    """As computed at the sizes that were asked for and reached."""
    stopped: bool = False
    """An entry does not fit by itself, and was the last one looked at."""


def walk(
    db: sqlite3.Connection, log: StoredLog, kept: KeptHead | None, erased: Erasures, sizes: Iterable[int] = ()
) -> Walked:
    """Hash every leaf and body again, and stop at the first that does not fit its own row.

    In the leaf's bytes `"seq":` and `"ct":` can only be those fields: in JSON a quote inside a text is escaped. So
    there is no need to parse a million of them.

    Args:
        sizes: At which sizes to give the root as well.
    """
    done = Walked(Frontier())
    frontier, trail, last_id, kept_size = done.frontier, done.trail, 0, kept.size if kept else 0
    root = signature = b""
    wanted = iter(sorted({size for size in (kept_size, *sizes) if size > 0}))
    next_size = next(wanted, 0)
    rows = db.execute(_ROWS, (log.id,))
    for expected, (id, seq, hash, root, signature, leaf, body) in enumerate(rows):
        computed = leaf_hash(leaf)
        if (
            computed != hash
            or seq != expected
            or id <= last_id
            or b'"seq":%d,' % seq not in leaf
            or (
                b'"body":{' in leaf and not erased.explain(leaf)
                if body is None
                else b'"ct":"%b"' % sha256(body).hexdigest().encode() not in leaf
            )
        ):
            done.stopped = True
            break
        last_id = id
        frontier.append(computed)
        trail = trail_after(trail, root, signature)
        if frontier.size == next_size:
            done.roots[next_size] = frontier.root()
            if next_size == kept_size:
                done.kept_root, done.kept_trail = done.roots[kept_size], trail
            next_size = next(wanted, 0)
    done.trail, done.signature = trail, signature
    done.root = root or EMPTY_ROOT
    return done


def is_signed(key: VerifierKey, head: Checkpoint, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, checkpoint_text(head).encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def first_difference(db: sqlite3.Connection, log: StoredLog, erased: Erasures) -> Finding | None:
    """Look at each entry and the head signed after it, and name the first that differs; None when none does."""
    frontier, last_id, seq = Frontier(), 0, 0
    try:
        for expected, (id, seq, hash, root, signature, leaf, body) in enumerate(db.execute(_ROWS, (log.id,))):
            if seq != expected:
                return _missing(log.origin, expected, seq)
            computed = leaf_hash(leaf)
            frontier.append(computed)
            head = Checkpoint(log.origin, frontier.size, frontier.root())
            found = next(
                _of_head(log, head, signature, fits=(computed == hash, head.root == root)), None
            ) or next(_of_leaf(log.origin, seq, leaf, body, erased), None)
            if found is not None:
                return found
            if id <= last_id:
                return Finding(
                    log.origin,
                    seq,
                    f"Entry {seq} stands in the file before the one it follows.",
                    "Its row was taken out and put back, or renumbered. The entry itself is as it was sealed.",
                )
            last_id = id
    except sqlite3.Error as error:
        return Finding(
            log.origin,
            frontier.size,
            f"The file cannot be read at entry {frontier.size}: {error}.",
            f"This part of the file is damaged. Entries before {frontier.size} are as they were sealed.",
        )
    return None


def _missing(origin: str, expected: int, found: int) -> Finding:
    return Finding(
        origin,
        expected,
        f"Entry {expected} is missing: after {expected - 1} comes {found}."
        if expected
        else f"Entry 0 is missing: the log starts with {found}.",
        f"Entries were taken out or renumbered.{_before(expected)}",
    )


def _of_head(
    log: StoredLog, head: Checkpoint, signature: bytes, fits: tuple[bool, bool]
) -> Iterator[Finding]:
    seq, key = head.size - 1, log.key
    if key is not None and not is_signed(key, head, signature):
        if all(fits):
            yield Finding(
                log.origin,
                seq,
                f"The signature after entry {seq} is not this log's.",
                "Either the signature was changed, or this entry and its hashes were, by somebody without the log's "
                f"key.{_before(seq)}",
            )
        yield Finding(
            log.origin,
            seq,
            f"Entry {seq} is not what was sealed: its bytes do not give the head that was signed.",
            f"Somebody or something changed it afterwards; from here on nothing is proved.{_before(seq)}",
        )
    if not all(fits):
        yield Finding(
            log.origin,
            seq,
            f"A hash that is stored with entry {seq} was changed.",
            "The entry itself still gives the head that was signed: it is as it was sealed."
            if key
            else f"The log's key is damaged too, so it cannot be said which of them is right.{_before(seq)}",
        )


def _of_leaf(origin: str, seq: int, leaf: bytes, body: bytes | None, erased: Erasures) -> Iterator[Finding]:
    try:
        header = json.loads(leaf)
        numbered, commits = header["seq"], header.get("body")
    except (ValueError, KeyError, TypeError, AttributeError):
        numbered, commits = None, None
    if numbered != seq:
        yield Finding(
            origin,
            seq,
            f"Entry {seq} does not say that it is entry {seq}.",
            f"It was sealed by something other than modconsole, or in another place.{_before(seq)}",
        )
    elif commits is None and body is not None:
        yield Finding(
            origin,
            seq,
            f"Entry {seq} has a private part that it never had.",
            "Something was put beside it afterwards. Its readable part is as it was sealed.",
        )
    elif commits is not None and body is None and erased.are_going_on(leaf):
        yield Finding(
            origin,
            seq,
            f"The private part of entry {seq} is gone, and the erasure that took it is not finished.",
            "Something stopped it half-way. `modconsole audit erase --resume` finishes it.",
        )
    elif commits is not None and body is None and not erased.explain(leaf):
        yield Finding(
            origin,
            seq,
            f"The private part of entry {seq} is missing, and no erasure says why.",
            "It was taken out afterwards. Its readable part is as it was sealed.",
        )
    elif commits is not None and body is not None and sha256(body).hexdigest() != commits["ct"]:
        yield Finding(
            origin,
            seq,
            f"The private part of entry {seq} was changed after it was sealed.",
            "It can no longer be opened or trusted. Its readable part is as it was sealed.",
        )


def _before(seq: int) -> str:
    return f" Entries before {seq} are as they were sealed." if seq else ""
