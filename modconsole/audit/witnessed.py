"""The log's side of witnessing: asking for countersignatures, keeping them, and saying how far they reach."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from modconsole.audit.cosigning import is_cosigned
from modconsole.audit.database import open_log, transaction
from modconsole.audit.heads import LONGEST_NOTE, NotAHead, signed_head
from modconsole.audit.outside import Unreadable, read_plain
from modconsole.audit.troubles import told_plainly
from modconsole.audit.walking import StoredLog, is_signed, stored_logs
from modconsole.audit.witnessing import ANSWER, REQUEST
from modconsole.core.cosignature import (
    AddCheckpoint,
    Cosignature,
    WitnessAnswer,
    WitnessKey,
    WitnessPolicy,
    parse_add_checkpoint,
    parse_answer,
    parse_cosignatures,
    parse_witness_key,
)
from modconsole.core.errors import LogError, ModconsoleError, WrongUsage
from modconsole.core.merkle import ProofError, consistency_proof, verify_consistency
from modconsole.core.note import Checkpoint, VerifierKey, checkpoint_text, parse_note, signed_note
from modconsole.ports.vault import HeadKeeper, KeptHead, WitnessedHead
from modconsole.ports.witnessing import Taken, Witnessed, WitnessedTail, WitnessRequest

__all__ = [
    "LogWitnessed",
    "StoredCosignature",
    "as_stored",
    "cosigned_checkpoint",
    "sealed_at",
    "stored_cosignatures",
    "tails",
]

_TRIED = 5_000
"""How many heads of each log an answer without its request is tried on, newest first: about a second's work."""

_AHEAD = timedelta(days=1)
_LAST_SECOND = 253_402_300_799


@dataclass(frozen=True, slots=True)
class StoredCosignature:
    """A countersignature as it lies in `log.db`, or beside the keys; anybody may have changed it since."""

    point: Checkpoint
    vkey: str
    time: int
    signature: bytes

    @property
    def key(self) -> WitnessKey | None:
        try:
            return parse_witness_key(self.vkey)
        except (ValueError, TypeError, AttributeError):
            return None

    @property
    def name(self) -> str:
        return self.key.name if self.key is not None else "a witness whose key is damaged"

    @property
    def at(self) -> str:
        return f"{_moment(self.time):%Y-%m-%d %H:%M} UTC"

    def is_right(self) -> bool:
        key = self.key
        return key is not None and is_cosigned(
            Cosignature(key, self.time, self.signature), checkpoint_text(self.point)
        )


def as_stored(head: WitnessedHead) -> StoredCosignature:
    point = Checkpoint(head.origin, head.size, head.root)
    return StoredCosignature(point, head.vkey, head.time, head.signature)


def stored_cosignatures(db: sqlite3.Connection) -> dict[str, list[StoredCosignature]]:
    """Give all countersignatures in `log.db` by the log's name, in the order they came."""
    rows = db.execute(
        "SELECT CAST(origin AS BLOB), CAST(size AS INTEGER), CAST(root AS BLOB), CAST(vkey AS BLOB),"
        " CAST(time AS INTEGER), CAST(signature AS BLOB) FROM cosignatures ORDER BY id"
    )
    found: dict[str, list[StoredCosignature]] = {}
    for name, size, root, vkey, time, signature in rows:
        origin = name.decode(errors="replace")
        point = Checkpoint(origin, size, root)
        stored = StoredCosignature(point, vkey.decode(errors="replace"), time, signature)
        found.setdefault(origin, []).append(stored)
    return found


def tails(db: sqlite3.Connection, policy: WitnessPolicy) -> list[WitnessedTail]:
    """Say how far each log is witnessed, trusting its stored roots. Checks the furthest word of each witness only."""
    cosigned = stored_cosignatures(db)
    found = []
    for log in stored_logs(db):
        size = _size(db, log)
        reached = policy.size(_furthest(db, log, cosigned.get(log.origin, ())))
        if size:
            found.append(WitnessedTail(log.origin, size, reached, sealed_at(db, log.id, reached)))
    return found


def _furthest(
    db: sqlite3.Connection, log: StoredLog, cosigned: Iterable[StoredCosignature]
) -> Iterator[tuple[WitnessKey, int]]:
    """Give each witness's largest size that holds, largest first."""
    done: set[bytes] = set()
    for stored in sorted(cosigned, key=lambda stored: -stored.point.size):
        key = stored.key
        if key is None or key.public in done or _root(db, log, stored.point.size) != stored.point.root:
            continue
        if stored.is_right():
            done.add(key.public)
            yield key, stored.point.size


def cosigned_checkpoint(db: sqlite3.Connection, origin: str) -> str:
    """Give the last countersigned head of a log as a signed note with all its countersignatures; empty if none is."""
    for log in stored_logs(db):
        cosigned = stored_cosignatures(db).get(origin, ()) if log.origin == origin else ()
        furthest = next((size for _, size in _furthest(db, log, cosigned)), 0)
        if furthest:
            lines = {
                Cosignature(stored.key, stored.time, stored.signature).line(): None
                for stored in cosigned
                if stored.point.size == furthest and stored.key is not None and stored.is_right()
            }
            return _checkpoint(db, log, furthest) + "".join(lines)
    return ""


def sealed_at(db: sqlite3.Connection, log: int, seq: int) -> datetime | None:
    """Say when an entry was sealed, by its device's clock; None when there is none, or it does not say."""
    try:
        row = db.execute(
            "SELECT ts FROM leaves WHERE log=? AND seq>=? ORDER BY seq LIMIT 1", (log, seq)
        ).fetchone()
        return None if row is None else datetime.fromisoformat(row[0])
    except (TypeError, ValueError, sqlite3.Error):
        return None


class LogWitnessed(Witnessed):
    """Asks and keeps for the logs of one `log.db`.

    Args:
        path: `log.db`.
        policy: Whose countersignatures count.
        kept: Remembers the last countersigned head away from `log.db`, so that a cut tail is measured against it.
    """

    def __init__(
        self,
        path: Path,
        policy: WitnessPolicy,
        *,
        kept: HeadKeeper,
        now: Callable[[], datetime],
        busy_seconds: float = 10.0,
    ) -> None:
        self._path = path
        self._policy = policy
        self._kept = kept
        self._now = now
        self._busy_seconds = busy_seconds

    # Asking

    def request(
        self, origin: str = "", *, witness: str = "", old_size: int | None = None, size: int = 0
    ) -> WitnessRequest:
        with self._moment() as db:
            log = _log(db, origin)
            whole = _size(db, log)
            wanted = size or whole
            if not 0 < wanted <= whole:
                raise WrongUsage(f"{log.origin} has {whole} entries, and so no head of {wanted}.")
            old = self._known_to(db, log, witness, wanted) if old_size is None else old_size
            if not 0 <= old <= wanted:
                raise WrongUsage(
                    f"A head of {wanted} entries cannot continue one of {old}.",
                    next_step="If a witness saw more than the log has, entries are missing: `modconsole audit verify`.",
                )
            checkpoint = _checkpoint(db, log, wanted)
            proof = _proof(db, log, old, wanted)
        text = AddCheckpoint(old, proof, checkpoint).text()
        return WitnessRequest(log.origin, wanted, old, text, log.vkey)

    def _known_to(self, db: sqlite3.Connection, log: StoredLog, witness: str, wanted: int) -> int:
        """Say how far a witness is, by what it countersigned here."""
        if not witness and len(self._policy.witnesses) != 1:
            return 0
        try:
            key = self._policy.find(witness)
        except ValueError as error:
            raise WrongUsage(str(error), next_step="[service] witnesses in config.toml names them.") from None
        cosigned = stored_cosignatures(db).get(log.origin, ())
        sizes = [s.point.size for s in cosigned if s.vkey == str(key) and s.point.size <= wanted]
        return max(sizes, default=0)

    # Taking

    def take(self, answer: WitnessAnswer, request: str = "") -> list[Taken]:
        with self._moment() as db:
            asked = _asked(db, request, self._kept.kept_heads()) if request else None
            if not answer.is_given:
                raise self._refusal(db, answer, asked)
            given = self._given(answer)
            point = asked or _fitting(db, given[0])
        text = checkpoint_text(point)
        wrong = [one.key.name for one in given if not is_cosigned(one, text)]
        if wrong:
            raise WrongUsage(
                f"The countersignature of {', '.join(wrong)} does not fit {point.origin} at {point.size} entries.",
                next_step="The answer was damaged, or it is to another request. Have it sent again.",
            )
        return [self._keep(point, one) for one in given]

    def _given(self, answer: WitnessAnswer) -> list[Cosignature]:
        try:
            signed = answer.signatures()
            given = parse_cosignatures(signed, self._policy.witnesses)
        except ValueError as error:
            raise WrongUsage(
                f"This is no answer of a witness: {error}", next_step="Have it sent again, as an attachment."
            ) from None
        for one in given:
            if _moment(one.time) > self._now() + _AHEAD:
                raise WrongUsage(
                    f"{one.key.name} says it countersigned at {_moment(one.time):%Y-%m-%d %H:%M} UTC, and that is yet "
                    "to come.",
                    next_step="Set the clock of whichever device is wrong, and write a new request.",
                )
        if not given:
            names = ", ".join(sorted({one.name for one in signed}))
            raise WrongUsage(
                f"It bears the countersignature of {names}, and no witness in the settings has this name and key.",
                next_step="Compare what `modconsole audit witness key` prints there with [service] witnesses here.",
            )
        return given

    def _keep(self, point: Checkpoint, given: Cosignature) -> Taken:
        row = (point.origin, point.size, point.root, str(given.key), given.time, given.signature)
        with told_plainly(self._path), self._open() as db, transaction(db):
            is_new = (
                db.execute(
                    "INSERT INTO cosignatures (origin, size, root, vkey, time, signature) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    row,
                ).rowcount
                == 1
            )
        self._kept.keep_witnessed(WitnessedHead(*row))
        return Taken(given.key.name, point.origin, point.size, _moment(given.time), is_new)

    def _refusal(
        self, db: sqlite3.Connection, answer: WitnessAnswer, asked: Checkpoint | None
    ) -> ModconsoleError:
        """Say what a witness's no means for this log."""
        kept = "The log is as it was; its tail is still not witnessed."
        match answer.status:
            case HTTPStatus.CONFLICT:
                return _conflict(db, answer, asked)
            case HTTPStatus.UNPROCESSABLE_ENTITY:
                return ModconsoleError(
                    f"The witness says that this log does not continue what it countersigned before: {answer.body}",
                    kept="It keeps both heads as evidence, and so should we: change and delete nothing.",
                    next_step="Run `modconsole audit verify`, and tell your safeguarding lead.",
                )
            case HTTPStatus.NOT_FOUND:
                return ModconsoleError(
                    "The witness does not know this log.",
                    kept=kept,
                    next_step="Give it the key that `modconsole audit checkpoint` names, and compare it on the "
                    "telephone; there, `modconsole audit witness add` makes it known.",
                )
        return ModconsoleError(
            f"The witness answered {answer.status}: {answer.body}",
            kept=kept,
            next_step="Write the request again, and send it as an attachment.",
        )

    def take_file(self, answer: Path, request: Path | None = None) -> list[Taken]:
        text = _text(answer)
        if (head := _as_head(text)) is not None:
            return self.take(WitnessAnswer(HTTPStatus.OK, head[1]), AddCheckpoint(0, (), head[0]).text())
        return self.take(_answer(answer, text), _text(request or _beside(answer)))

    def take_folder(self, folder: Path) -> tuple[list[Taken], list[tuple[Path, ModconsoleError]]]:
        taken: list[Taken] = []
        refused: list[tuple[Path, ModconsoleError]] = []
        for place in sorted(folder.glob(f"*{ANSWER}")):
            try:
                taken += self.take_file(place)
            except ModconsoleError as error:
                refused.append((place, error))
        return taken, refused

    # How far

    def tails(self) -> list[WitnessedTail]:
        with self._moment() as db:
            return tails(db, self._policy)

    @contextmanager
    def _moment(self) -> Iterator[sqlite3.Connection]:
        """Read the log as it is now, whatever is appended meanwhile."""
        with told_plainly(self._path), self._open() as db:
            db.execute("BEGIN")
            yield db

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = open_log(self._path, self._busy_seconds)
        try:
            yield db
        finally:
            db.close()


def _moment(seconds: int) -> datetime:
    """Give a witness's time. It has 63 bits, and a calendar 9999 years."""
    return datetime.fromtimestamp(min(max(seconds, 0), _LAST_SECOND), UTC)


def _log(db: sqlite3.Connection, origin: str) -> StoredLog:
    logs = [log for log in stored_logs(db) if _size(db, log)]
    wanted = [log for log in logs if log.origin == origin] if origin else logs
    if not wanted:
        known = ", ".join(log.origin for log in logs) or "none that has entries yet"
        raise WrongUsage(
            f"There is no log “{origin}” here." if origin else "There is nothing to witness yet.",
            next_step=f"There are: {known}.",
        )
    return wanted[-1]


def _size(db: sqlite3.Connection, log: StoredLog) -> int:
    size: int = db.execute("SELECT coalesce(max(seq) + 1, 0) FROM leaves WHERE log=?", (log.id,)).fetchone()[
        0
    ]
    return size


def _root(db: sqlite3.Connection, log: StoredLog, size: int) -> bytes | None:
    row = db.execute(
        "SELECT CAST(root AS BLOB) FROM leaves WHERE log=? AND seq=?", (log.id, size - 1)
    ).fetchone()
    return None if row is None else row[0]


def _checkpoint(db: sqlite3.Connection, log: StoredLog, size: int) -> str:
    root, signature = db.execute(
        "SELECT CAST(root AS BLOB), CAST(signature AS BLOB) FROM leaves WHERE log=? AND seq=?",
        (log.id, size - 1),
    ).fetchone() or (b"", b"")
    point, key = Checkpoint(log.origin, size, root), log.key
    if key is None or not is_signed(key, point, signature):
        raise _unproved(log)
    return signed_note(checkpoint_text(point), (key, signature))


def _proof(db: sqlite3.Connection, log: StoredLog, old: int, size: int) -> tuple[bytes, ...]:
    """Prove that the log grew from one signed head to another, or find that it does not prove it."""
    if old in (0, size):
        return ()
    hashes = [
        hash
        for (hash,) in db.execute(
            "SELECT CAST(hash AS BLOB) FROM leaves WHERE log=? AND seq<? ORDER BY seq", (log.id, size)
        )
    ]
    try:
        proof = consistency_proof(hashes, old)
        verify_consistency(old, size, proof, _root(db, log, old) or b"", _root(db, log, size) or b"")
    except ProofError:
        raise _unproved(log) from None
    return tuple(proof)


def _unproved(log: StoredLog) -> LogError:
    return LogError(
        f"The entries of {log.origin} do not give the heads that were signed, so no witness would countersign one.",
        kept="Nothing was sent.",
        next_step="Run `modconsole audit verify`; it names the entry that differs.",
    )


def _asked(db: sqlite3.Connection, request: str, kept: Sequence[KeptHead]) -> Checkpoint:
    """Give the head that was asked about. The log may have lost it since; that it was ours, its signature says."""
    try:
        checkpoint = parse_add_checkpoint(request).checkpoint
        origin = parse_note(checkpoint).text.partition("\n")[0]
        return signed_head(checkpoint.encode(), _own_keys(db, origin, kept), origin).point
    except NotAHead as error:
        said = f"its head {error.what} {error.means}"
    except ValueError as error:
        said = str(error)
    raise WrongUsage(
        f"This is no request of ours: {said}", next_step="Name the request that was sent, with --request."
    )


def _own_keys(db: sqlite3.Connection, origin: str, kept: Iterable[KeptHead]) -> list[VerifierKey]:
    stated = [log.key for log in stored_logs(db) if log.origin == origin and log.key is not None]
    return stated + [VerifierKey(origin, head.public) for head in kept if head.origin == origin]


def _fitting(db: sqlite3.Connection, given: Cosignature) -> Checkpoint:
    """Find the head that was countersigned, among our newest."""
    for log in reversed(stored_logs(db)):
        rows = db.execute(
            "SELECT seq + 1, CAST(root AS BLOB) FROM leaves WHERE log=? ORDER BY seq DESC LIMIT ?",
            (log.id, _TRIED),
        )
        for size, root in rows:
            point = Checkpoint(log.origin, size, root)
            if is_cosigned(given, checkpoint_text(point)):
                return point
    raise WrongUsage(
        f"The countersignature of {given.key.name} fits none of the newest heads of this device's logs.",
        next_step="Name the request it answers, with --request. If that does not help, the answer is damaged, or it "
        "is another device's.",
    )


def _conflict(db: sqlite3.Connection, answer: WitnessAnswer, asked: Checkpoint | None) -> ModconsoleError:
    try:
        seen = answer.size
    except ValueError as error:
        return WrongUsage(f"This is no answer of a witness: {error}", next_step="Have it sent again.")
    ours = {log.origin: _size(db, log) for log in stored_logs(db)}
    if asked is not None and seen > ours.get(asked.origin, 0):
        return ModconsoleError(
            f"WRONG in {asked.origin}: the witness has countersigned {seen} entries of it, and only "
            f"{ours.get(asked.origin, 0)} are here.",
            kept="The witness keeps the head it countersigned. If its answer is true, entries were taken out, or an "
            "older copy of log.db was put back.",
            next_step="Change and delete nothing. Ask the witness for its copy of the head "
            "(`modconsole audit witness list --json` there, `modconsole audit witness take` here), and tell your "
            "safeguarding lead.",
        )
    return ModconsoleError(
        f"The witness was last asked at {seen} entries, and the request began at another size.",
        kept="The log is as it was; its tail is still not witnessed.",
        next_step=f"Write the request again from there: `modconsole audit checkpoint --old {seen}`.",
    )


def _answer(path: Path, text: str) -> WitnessAnswer:
    try:
        return parse_answer(text)
    except ValueError as error:
        raise WrongUsage(f"{path} is no answer of a witness: {error}") from None


def _as_head(text: str) -> tuple[str, str] | None:
    """Take a whole head with countersignatures apart, as a witness keeps it: the head, and its signature lines."""
    try:
        lines = text[len(parse_note(text).text) + 1 :]
    except ValueError:
        return None
    return text, lines


def _text(path: Path | None) -> str:
    try:
        return "" if path is None else read_plain(path, 2 * LONGEST_NOTE).decode()
    except Unreadable as error:
        raise WrongUsage(f"{path} {error}.", next_step="Name the file that was sent.") from None
    except ValueError:
        raise WrongUsage(f"{path} is not text.", next_step="Name the file that was sent.") from None


def _beside(answer: Path) -> Path | None:
    """Find the request an answer is named after: `x.request` for `x.answer` and for `x.1a2b3c4d.answer`."""
    stem = answer.name.removesuffix(ANSWER)
    for name in (stem, stem.rpartition(".")[0]):
        if name and answer.name.endswith(ANSWER) and answer.with_name(name + REQUEST).is_file():
            return answer.with_name(name + REQUEST)
    return None
