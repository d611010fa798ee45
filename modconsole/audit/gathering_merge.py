"""Putting a log that was handed over beside what is held of it: it continues that, is evidence, or is bad."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from modconsole.audit.database import transaction
from modconsole.audit.evidence import TlogProof, proof_text
from modconsole.audit.gathering_source import NotOurs, OutsideLog, Unfit, check_entry
from modconsole.audit.heads import NotAHead, signed_head
from modconsole.core.errors import LogError
from modconsole.core.merkle import EMPTY_ROOT, Frontier, inclusion_proof, leaf_hash, tree_root
from modconsole.core.note import Checkpoint, VerifierKey, parse_verifier_key
from modconsole.ports.gathered import EnrolledLog, Fork

__all__ = [
    "Forked",
    "Held",
    "NotItsHead",
    "check_held",
    "fork_of",
    "freeze",
    "held_logs",
    "held_of",
    "merged",
]


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one log."""

    id: int
    origin: str
    vkey: str
    size: int
    checkpoint: str
    frozen: bool

    @property
    def key(self) -> VerifierKey:
        try:
            return parse_verifier_key(self.vkey)
        except ValueError:
            raise _changed(self.origin, "its key is damaged") from None

    @property
    def root(self) -> bytes:
        """The root of the head that was accepted, its signature checked again."""
        if not self.checkpoint:
            return EMPTY_ROOT
        try:
            point = signed_head(self.checkpoint.encode(), [self.key]).point
        except NotAHead:
            point = None
        if point is None or point.size != self.size:
            raise _changed(self.origin, "its head is damaged")
        return point.root

    def told(self) -> EnrolledLog:
        root = self.root.hex() if self.checkpoint else ""
        return EnrolledLog(self.key, self.size, root, self.checkpoint, self.frozen)


class NotItsHead(Unfit):
    """The entries of an export do not give the root that is signed."""


class Forked(Exception):
    """The log's own key signed two heads that cannot both be true."""


_HELD = "SELECT id, origin, vkey, size, checkpoint, frozen FROM logs"


def held_logs(db: sqlite3.Connection) -> list[Held]:
    """Give every enrolled log, by name."""
    return [_held(row) for row in db.execute(f"{_HELD} ORDER BY origin")]


def held_of(db: sqlite3.Connection, origin: str) -> Held | None:
    row = db.execute(f"{_HELD} WHERE origin=?", (origin,)).fetchone()
    return None if row is None else _held(row)


def _held(row: tuple[int, str, str, int, str, int]) -> Held:
    id, origin, vkey, size, checkpoint, frozen = row
    return Held(id, origin, vkey, size, checkpoint, bool(frozen))


def merged(db: sqlite3.Connection, held: Held, outside: OutsideLog) -> int:
    """Take in what is new, and give the size that is held then. Inside the caller's transaction.

    Every entry up to the signed head is hashed. Nothing else of the export is relied on, so its tiles are not read.

    Raises:
        Unfit: The export cannot be used; says why.
        Forked: It is properly signed, and contradicts what is held.
    """
    point = outside.head(held.key).point
    if point.size <= held.size and _root_at(db, held.id, point.size) != point.root:
        raise _forked_or_empty(point)
    theirs, before, strange = Frontier(), EMPTY_ROOT, None
    for leaf in chain.from_iterable(outside.bundles(point.size)):
        seq, hash = theirs.size, leaf_hash(leaf)
        theirs.append(hash)
        if theirs.size == held.size:
            before = theirs.root()
        if seq >= held.size and strange is None:
            try:
                check_entry(leaf, seq)
            except NotOurs as error:
                strange = error  # whether it was damaged on its way, the root will say
            else:
                db.execute(
                    "INSERT INTO leaves (log, seq, hash, leaf) VALUES (?, ?, ?, ?)",
                    (held.id, seq, hash, leaf.decode()),
                )
    if theirs.root() != point.root:
        raise NotItsHead(
            f"The {point.size:,} entries do not give the root that checkpoint states.",
            "Entries were changed, added, taken out or moved after the log was handed over.",
        )
    if point.size < held.size:
        return held.size
    if before != held.root:
        raise Forked
    if strange is not None:
        raise strange
    if point.size > held.size:
        db.execute(
            "UPDATE logs SET size=?, checkpoint=? WHERE id=?", (point.size, outside.note(held.key), held.id)
        )
    return point.size


def _forked_or_empty(point: Checkpoint) -> Exception:
    if point.size:
        return Forked()
    return Unfit(
        "checkpoint is of no entries, with a root that no empty log has.", "It was made by something else."
    )


def _leaves(db: sqlite3.Connection, log: int) -> Iterator[bytes]:
    """Give a log's entries in order, whatever their rows say their hashes are."""
    return (
        leaf
        for (leaf,) in db.execute("SELECT CAST(leaf AS BLOB) FROM leaves WHERE log=? ORDER BY seq", (log,))
    )


def _root_at(db: sqlite3.Connection, log: int, size: int) -> bytes:
    frontier = Frontier()
    for leaf in _leaves(db, log):
        if frontier.size == size:
            break
        frontier.append(leaf_hash(leaf))
    return frontier.root()


def check_held(db: sqlite3.Connection, held: Held) -> None:
    """Hash what is held of a log again: nobody is accused of two histories because this file was changed.

    Raises:
        LogError
    """
    frontier = Frontier()
    for leaf in _leaves(db, held.id):
        frontier.append(leaf_hash(leaf))
    if (frontier.size, frontier.root()) != (held.size, held.root):
        raise _changed(held.origin, "its entries do not give the head that was accepted with them")


def fork_of(db: sqlite3.Connection, held: Held, outside: OutsideLog) -> Fork:
    """Put the evidence together: both heads, and both forms of the first entry that differs with their proofs.

    Two heads of one size need no more than themselves. Where the other export's entries do not give its head, its head
    is all there is, and what is held here shows that it is another history.
    """
    other = outside.note(held.key)
    point = outside.head(held.key).point
    ours = list(_leaves(db, held.id))
    theirs = _whole(outside, point)
    seq = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
    if seq is None:
        return Fork(held.origin, held.checkpoint, other, None, "", b"", "", b"")
    return Fork(
        held.origin,
        held.checkpoint,
        other,
        seq,
        _proof(ours, seq, held.checkpoint),
        ours[seq],
        _proof(theirs, seq, other),
        theirs[seq],
    )


def _whole(outside: OutsideLog, point: Checkpoint) -> list[bytes]:
    try:
        found = list(chain.from_iterable(outside.bundles(point.size)))
    except Unfit:
        return []
    return found if tree_root(map(leaf_hash, found)) == point.root else []


def _proof(leaves: list[bytes], seq: int, checkpoint: str) -> str:
    return proof_text(
        TlogProof(seq, tuple(inclusion_proof([leaf_hash(leaf) for leaf in leaves], seq)), checkpoint)
    )


def freeze(db: sqlite3.Connection, fork: Fork) -> None:
    """Keep the evidence, and take nothing more in under that name."""
    with transaction(db):
        db.execute(
            "INSERT OR IGNORE INTO forks (origin, held, other, seq, held_proof, held_leaf, other_proof, other_leaf)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fork.origin,
                fork.held,
                fork.other,
                fork.seq,
                fork.held_proof,
                fork.held_leaf,
                fork.other_proof,
                fork.other_leaf,
            ),
        )
        db.execute("UPDATE logs SET frozen=1 WHERE origin=?", (fork.origin,))


def _changed(origin: str, what: str) -> LogError:
    return LogError(
        f"review.db was changed behind our back: of {origin}, {what}.",
        kept="Nothing was taken in. The logs themselves are on their devices, and in their exports.",
        next_step="Keep the file as it is for whoever looks into it; move it away, enrol again and take the exports in "
        "again.",
    )
