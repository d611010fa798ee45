"""The witness's side: countersigning other devices' heads as C2SP tlog-witness says, and remembering each of them.

Whatever is asked, in whatever order and by however many at once, the heads countersigned of a log continue each other:
the last one is read, compared and replaced in one durable transaction, and only then is the answer given. A log that
offers a head which is not shown to continue it is frozen; both heads are kept. It is thawed by proving that very head
after all (a proof may have been damaged on its way), and never if it has signed two histories.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from modconsole.audit.cosigning import is_cosigned
from modconsole.audit.database import open_log, transaction
from modconsole.audit.heads import LONGEST_NOTE, NotAHead, signed_head
from modconsole.audit.outside import Unreadable, read_plain
from modconsole.core.cosignature import (
    AddCheckpoint,
    Cosignature,
    WitnessAnswer,
    WitnessKey,
    cosigned_text,
    parse_add_checkpoint,
    parse_answer,
    parse_cosignatures,
)
from modconsole.core.errors import LogError, WrongUsage
from modconsole.core.merkle import EMPTY_ROOT, ProofError, verify_consistency
from modconsole.core.note import Checkpoint, VerifierKey, parse_checkpoint, parse_note, parse_verifier_key
from modconsole.core.text import plain
from modconsole.ports.vault import HeadKeeper, Vault
from modconsole.ports.witnessing import Answered, KnownLog, Suspicion, Witness

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["ANSWER", "REQUEST", "FileWitness", "inconsistency"]

REQUEST, ANSWER = ".request", ".answer"
"""What the names of files in a shared folder end in."""

_LONGEST_REQUEST = LONGEST_NOTE + 4_000
"""In bytes: a head, and a proof of 63 lines before it."""

_OPEN, _PROVEN, _CLEARED = "open", "proven", "cleared"


def _first(db: Database) -> None:
    db.execute(
        "CREATE TABLE logs (origin TEXT PRIMARY KEY, vkey TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, "
        "time INTEGER, checkpoint TEXT NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL)"
    )
    db.execute(
        "CREATE TABLE suspicions (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL, "
        "root BLOB NOT NULL, time INTEGER NOT NULL, why TEXT NOT NULL, held TEXT NOT NULL, offered TEXT NOT NULL, "
        "state TEXT NOT NULL, UNIQUE (origin, size, root))"
    )


_MIGRATIONS: tuple[Callable[[Database], None], ...] = (_first,)


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """Why a head cannot be countersigned after the one before."""

    why: str
    state: str
    """What it makes of the log: nothing when empty, else `open` or `proven`."""


def inconsistency(held: Checkpoint, proof: tuple[bytes, ...], offered: Checkpoint) -> Inconsistency | None:
    """Say why a head is not shown to continue the one held; None when it is (tlog-witness, add-checkpoint)."""
    if offered.size == 0 and offered.root != EMPTY_ROOT:
        return Inconsistency(
            "A log without entries has the root of the empty tree, and this one another.", ""
        )
    if held.size == 0:
        return (
            Inconsistency("Nothing needs to be proved from size 0, and there is a proof.", "")
            if proof
            else None
        )
    if offered.size == held.size and offered.root != held.root:
        return Inconsistency(f"This log has signed two different heads of {held.size} entries.", _PROVEN)
    try:
        verify_consistency(held.size, offered.size, proof, held.root, offered.root)
    except ProofError as error:
        same = offered.size == held.size
        return Inconsistency(
            f"The consistency proof does not show that {offered.size} entries continue {held.size}: {error}",
            "" if same else _OPEN,
        )
    return None


@dataclass(frozen=True, slots=True)
class _Row:
    """What is remembered of a log."""

    origin: str
    key: VerifierKey
    held: Checkpoint
    checkpoint: str
    request: str
    answer: str


class FileWitness(Witness):
    """Remembers in `witness.db`.

    Args:
        path: `witness.db`, made when it is first needed. Losing it, or putting an older copy back, makes this witness
            forget what it countersigned: it then asks every log for less than it should.
        kept: Knows the keys of this device's own logs.
        name: What we call ourselves; no log has this name.
    """

    def __init__(
        self,
        path: Path,
        vault: Vault,
        *,
        kept: HeadKeeper,
        name: str,
        now: Callable[[], datetime],
        busy_seconds: float = 10.0,
    ) -> None:
        self._path = path
        self._vault = vault
        self._kept = kept
        self._name = name
        self._now = now
        self._busy_seconds = busy_seconds
        self._opened: sqlite3.Connection | None = None

    @property
    def key(self) -> WitnessKey:
        return WitnessKey(self._name, self._vault.verify_key(self._name))

    # Which logs

    def check(self, key: VerifierKey, origin: str = "") -> None:
        with self._db() as db:
            self._check(db, key, origin or key.name)

    def enrol(self, key: VerifierKey, origin: str = "") -> KnownLog:
        origin = origin or key.name
        with self._db() as db, transaction(db):
            self._check(db, key, origin)
            db.execute(
                "INSERT INTO logs (origin, vkey, size, root, checkpoint, request, answer)"
                " VALUES (?, ?, 0, ?, '', '', '') ON CONFLICT (origin) DO NOTHING",
                (origin, str(key), EMPTY_ROOT),
            )
        return next(log for log in self.logs() if log.origin == origin)

    def logs(self) -> list[KnownLog]:
        with self._db() as db:
            rows = db.execute("SELECT origin, vkey, size, root, time, checkpoint FROM logs ORDER BY origin")
            return [
                KnownLog(origin, vkey, size, root.hex(), _moment(time), _frozen(db, origin), checkpoint)
                for origin, vkey, size, root, time, checkpoint in rows.fetchall()
            ]

    def suspicions(self) -> list[Suspicion]:
        with self._db() as db:
            rows = db.execute("SELECT origin, time, why, held, offered, state FROM suspicions ORDER BY id")
            return [
                Suspicion(origin, datetime.fromtimestamp(time, UTC), why, held, offered, state)
                for origin, time, why, held, offered, state in rows
            ]

    def _check(self, db: sqlite3.Connection, key: VerifierKey, origin: str) -> None:
        known = _row(db, origin)
        if known is not None and known.key != key:
            raise WrongUsage(
                f"“{origin}” is known here under another key, {known.key}.",
                next_step="A log never changes its key: ask on the telephone which is right, and why there are two.",
            )
        if any(head.public == key.public for head in self._kept.kept_heads()):
            raise WrongUsage(
                f"“{origin}” is a log of this very device: its own word for itself would prove nothing.",
                next_step="Have another senior's console countersign it.",
            )

    # Answering

    def answer(self, request: bytes) -> WitnessAnswer:
        return self._answer(request, again=False)

    def _answer(self, data: bytes, *, again: bool) -> WitnessAnswer:
        """Answer a request.

        Args:
            again: Give the last answer of 200 once more to the very request it was given to, where tlog-witness says
                409: in a folder, an answer that was lost before it was written is asked for by the same file.
        """
        try:
            text = data.decode()
            request = parse_add_checkpoint(text)
            signed = _signed_text(request.checkpoint)
            point = parse_checkpoint(signed)
        except ValueError as error:
            why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
            return _refused(HTTPStatus.BAD_REQUEST, f"This is no add-checkpoint request: {why}")
        with self._db() as db, transaction(db):
            row = _row(db, point.origin)
            if row is None:
                return _refused(
                    HTTPStatus.NOT_FOUND,
                    f"This is an unknown log: “{point.origin}”. `modconsole audit witness add VKEY` makes it known.",
                )
            try:
                signed_head(request.checkpoint.encode(), [row.key], row.origin)
            except NotAHead as error:
                return _refused(
                    HTTPStatus.FORBIDDEN,
                    f"No valid signature of a known key: the head {error.what} {error.means}",
                )
            if request.old_size > point.size:
                why = f"The old size {request.old_size} is larger than the head's, {point.size}."
                return _refused(HTTPStatus.BAD_REQUEST, why)
            if again and text == row.request:
                return WitnessAnswer(HTTPStatus.OK, row.answer)
            if request.old_size != row.held.size:
                return WitnessAnswer(HTTPStatus.CONFLICT, f"{row.held.size}\n")
            refusal = self._suspected(db, row, request, point)
            return refusal or self._cosigned(db, text, request, signed, point)

    def _suspected(
        self, db: sqlite3.Connection, row: _Row, request: AddCheckpoint, point: Checkpoint
    ) -> WitnessAnswer | None:
        """Look for a contradiction, and keep both heads if there is one."""
        suspected = _suspected(db, row.origin)
        found = inconsistency(row.held, request.proof, point)
        if found is None and any(size == point.size and root != point.root for size, root, _ in suspected):
            found = Inconsistency(
                f"This log has signed two different heads of {point.size} entries.", _PROVEN
            )
        if found is not None:
            if found.state:
                self._suspect(db, row, request, point, found)
            return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{found.why} {_frozen(db, row.origin)}".strip())
        if suspected:
            size, root, _ = suspected[0]
            if any(state == _PROVEN for _, _, state in suspected) or (size, root) != (point.size, point.root):
                return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, _frozen(db, row.origin))
            db.execute(
                "UPDATE suspicions SET state=? WHERE origin=? AND size=? AND root=?",
                (_CLEARED, row.origin, size, root),
            )
        return None

    def _suspect(
        self,
        db: sqlite3.Connection,
        row: _Row,
        request: AddCheckpoint,
        point: Checkpoint,
        found: Inconsistency,
    ) -> None:
        db.execute(
            "INSERT INTO suspicions (origin, size, root, time, why, held, offered, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin, size, root) DO UPDATE SET state=excluded.state"
            " WHERE excluded.state=?",
            (
                *(row.origin, point.size, point.root, self._seconds(), found.why),
                *(row.checkpoint, request.checkpoint, found.state, _PROVEN),
            ),
        )

    def _cosigned(
        self, db: sqlite3.Connection, asked: str, request: AddCheckpoint, text: str, point: Checkpoint
    ) -> WitnessAnswer:
        key, time = self.key, self._seconds()
        signature = self._vault.sign(self._name, cosigned_text(time, text).encode())
        line = Cosignature(key, time, signature).line()
        db.execute(
            "UPDATE logs SET size=?, root=?, time=?, checkpoint=?, request=?, answer=? WHERE origin=?",
            (point.size, point.root, time, request.checkpoint + line, asked, line, point.origin),
        )
        return WitnessAnswer(HTTPStatus.OK, line)

    def _seconds(self) -> int:
        return int(self._now().timestamp())

    # Files

    def answer_file(self, request: Path) -> WitnessAnswer:
        try:
            return self.answer(read_plain(request, _LONGEST_REQUEST))
        except Unreadable as error:
            raise WrongUsage(
                f"{request} {error}.", next_step="Name the request that was sent to you."
            ) from None

    def answer_folder(self, folder: Path) -> list[Answered]:
        if not folder.is_dir():
            raise WrongUsage(f"There is no folder {folder}.", next_step="Name the folder that is shared.")
        # Several witnesses may look after one folder, so each says in the file's name whose answer it is.
        ending, answered = f".{self.key.id.hex()}{ANSWER}", []
        for request in sorted(folder.glob(f"*{REQUEST}")):
            place = request.with_name(request.name.removesuffix(REQUEST) + ending)
            if request.is_symlink():
                answered.append(Answered(request, place, 0, "It is a link, and was left alone."))
                continue
            try:
                data = read_plain(request, _LONGEST_REQUEST)
            except Unreadable as error:
                answered.append(Answered(request, place, 0, f"It {error}."))
                continue
            if self._has_answered(data, place):
                continue
            answer = self._answer(data, again=True)
            _write_whole(place, answer.text().encode())
            answered.append(
                Answered(request, place, answer.status, "" if answer.is_given else answer.body.strip())
            )
        return answered

    def _has_answered(self, request: bytes, place: Path) -> bool:
        """Say whether a file holds our countersignature for this very head. A refusal is looked at again."""
        try:
            answer = parse_answer(read_plain(place, LONGEST_NOTE).decode())
            text = parse_note(parse_add_checkpoint(request.decode()).checkpoint).text
            found = parse_cosignatures(answer.signatures(), [self.key]) if answer.is_given else []
        except (Unreadable, ValueError):
            return False
        return any(is_cosigned(one, text) for one in found)

    # The file

    @contextmanager
    def _db(self) -> Iterator[sqlite3.Connection]:
        with _told_plainly(self._path):
            if self._opened is None:
                self._opened = open_log(self._path, self._busy_seconds, _MIGRATIONS)
            yield self._opened

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _signed_text(note: str) -> str:
    """Give what a note's signatures are over. Whether they are signatures at all is a question of 403, not of 400."""
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise ValueError("Its head is text, an empty line and signature lines, each ended by a newline.")
    return text + "\n"


def _row(db: sqlite3.Connection, origin: str) -> _Row | None:
    found = db.execute(
        "SELECT vkey, size, root, checkpoint, request, answer FROM logs WHERE origin=?", (origin,)
    ).fetchone()
    if found is None:
        return None
    vkey, size, root, checkpoint, request, answer = found
    return _Row(origin, parse_verifier_key(vkey), Checkpoint(origin, size, root), checkpoint, request, answer)


def _suspected(db: sqlite3.Connection, origin: str) -> list[tuple[int, bytes, str]]:
    return db.execute(
        "SELECT size, root, state FROM suspicions WHERE origin=? AND state<>? ORDER BY size, id",
        (origin, _CLEARED),
    ).fetchall()


def _frozen(db: sqlite3.Connection, origin: str) -> str:
    suspected = _suspected(db, origin)
    if any(state == _PROVEN for _, _, state in suspected):
        return (
            "The log is frozen here for good, and both heads are kept: it has two histories. Its device begins a new "
            "log, and somebody finds out how this came about."
        )
    if suspected:
        size = suspected[0][0]
        return (
            f"The log is frozen here, and both heads are kept, until it proves its head of {size} entries: on its "
            f"device, `modconsole audit checkpoint --size {size}` asks for that again."
        )
    return ""


def _refused(status: HTTPStatus, why: str) -> WitnessAnswer:
    return WitnessAnswer(status, plain(why, lines=False) + "\n")


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step: whoever looks into the folder meanwhile finds no half answer."""
    part = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with suppress(FileNotFoundError):
            part.unlink()
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise WrongUsage(
            f"{path} cannot be written: {error.strerror or error}.",
            kept="What was countersigned is remembered, and is given again when this is repeated.",
        ) from None


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LogError(
            f"What this witness remembers, {path}, cannot be used: {error}.",
            kept="Nothing was countersigned.",
            next_step="Check that the disk has room and the file is yours. An older copy must never be put back: tell "
            "those whose logs you countersign if it is lost.",
        ) from error
