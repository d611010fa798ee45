"""Logs as files for others, each part of it loaded only when it is asked for."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from modconsole.core.errors import LogError, WrongUsage
from modconsole.core.note import VerifierKey
from modconsole.ports.audit import LogHead
from modconsole.ports.log_tools import EvidenceReport, LogTools, TilesReport, Written

__all__ = ["FileLogTools"]

_BUSY_SECONDS = 10.0


class FileLogTools(LogTools):
    """Reads any folder, and this device's log.

    Args:
        log_db: Where the log is; asked for only when something of it is written out.
    """

    def __init__(self, log_db: Callable[[], Path]) -> None:
        self._log_db = log_db

    def verify_tiles(
        self, folder: Path, key: VerifierKey, *, checkpoint: Path | None = None, origin: str = ""
    ) -> TilesReport:
        from modconsole.audit.tiles_checking import verify_tiles

        return verify_tiles(_there(folder), key, checkpoint=checkpoint, origin=origin)

    def verify_evidence(self, folder: Path, keys: Sequence[VerifierKey]) -> EvidenceReport:
        from modconsole.audit.evidence import verify_evidence

        return verify_evidence(_there(folder), keys)

    def check_place(self, out: Path) -> None:
        _check_place(out)

    def write_tiles(self, out: Path, origin: str = "") -> Written:
        from modconsole.audit.tiles_writing import folder_names, write_tiles_of

        with self._moment() as db, _written_whole(out) as unfinished:
            heads = [head for head in _heads(db) if origin in ("", head.origin)]
            unfinished.mkdir(mode=0o700)
            for head, name in zip(heads, folder_names([head.origin for head in heads]), strict=True):
                write_tiles_of(db, head, unfinished / name)
        return Written(out, tuple(head.origin for head in heads), sum(head.size for head in heads))

    def write_evidence(self, out: Path, case: str, known_as: str) -> Written:
        from modconsole.audit.tiles_writing import folder_names, write_evidence_of

        with self._moment() as db, _written_whole(out) as unfinished:
            wanted: dict[str, list[int]] = {}
            for origin, seq in db.execute(f'{_PLACES} WHERE "case"=? ORDER BY leaves.id', (case,)):
                wanted.setdefault(origin, []).append(seq)
            heads = [head for head in _heads(db) if head.origin in wanted]
            unfinished.mkdir(mode=0o700)
            for head, name in zip(heads, folder_names([head.origin for head in heads]), strict=True):
                write_evidence_of(db, head, wanted[head.origin], known_as, unfinished / name)
        return Written(out, tuple(wanted), sum(map(len, wanted.values())))

    def write_lines(
        self,
        out: Path,
        form: str,
        *,
        origin: str = "",
        chosen: Iterable[tuple[str, int]] | None = None,
        case_id: Callable[[str], str] = lambda token: "",
    ) -> Written:
        from modconsole.audit.lines_writing import write_csv, write_jsonl

        origins = dict[str, None]()

        def rows(db: sqlite3.Connection) -> Iterator[tuple[str, int, bytes]]:
            for row in _all(db) if chosen is None else _some(db, chosen):
                if origin in ("", row[0]):
                    origins[row[0]] = None
                    yield row

        with self._moment() as db, _written_whole(out) as unfinished, _new_text(unfinished) as file:
            entries = write_jsonl(file, rows(db)) if form == "jsonl" else write_csv(file, rows(db), case_id)
        return Written(out, tuple(origins), entries)

    @contextmanager
    def _moment(self) -> Iterator[sqlite3.Connection]:
        """Read the log as it is now, whatever is appended meanwhile, on a connection that holds nobody up."""
        from modconsole.audit.database import open_log
        from modconsole.audit.troubles import told_plainly

        path = self._log_db()
        with told_plainly(path):
            db = open_log(path, _BUSY_SECONDS)
            try:
                db.execute("BEGIN")
                yield db
            finally:
                db.close()


def _there(folder: Path) -> Path:
    if not folder.is_dir():
        raise WrongUsage(f"There is no folder {folder}.", next_step="Name the folder that holds the log.")
    return folder


_FROM = "FROM leaves JOIN logs ON logs.id = leaves.log"
_BEGUN = "SELECT origin FROM logs WHERE EXISTS (SELECT 1 FROM leaves WHERE leaves.log = logs.id)"
_PLACES = f"SELECT origin, seq {_FROM}"
_ROWS = f"SELECT origin, seq, CAST(leaf AS BLOB) {_FROM}"


def _all(db: sqlite3.Connection) -> Iterator[tuple[str, int, bytes]]:
    return db.execute(f"{_ROWS} ORDER BY leaves.id")


def _some(db: sqlite3.Connection, chosen: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int, bytes]]:
    for pair in chosen:
        yield from db.execute(f"{_ROWS} WHERE origin=? AND seq=?", pair)


def _heads(db: sqlite3.Connection) -> list[LogHead]:
    """Give every log's head, and leave no log out silently."""
    from modconsole.audit.verifying import heads

    found = heads(db)
    there = {origin for (origin,) in db.execute(_BEGUN)}
    for origin in sorted(there - {head.origin for head in found}):
        raise LogError(
            f"The key of {origin} is damaged, so an export of it would prove nothing.",
            kept="Nothing was written.",
            next_step="Run `modconsole audit verify`.",
        )
    return found


@contextmanager
def _new_text(path: Path) -> Iterator[TextIO]:
    with path.open("x", encoding="utf-8", newline="") as file:
        path.chmod(0o600)
        yield file


def _check_place(out: Path) -> None:
    if os.path.lexists(out):
        raise WrongUsage(f"{out} is there already, and is not written over.", next_step="Name another place.")
    if not out.absolute().parent.is_dir():
        raise WrongUsage(f"There is no folder {out.parent} to put it in.", next_step="Make it first.")


@contextmanager
def _written_whole(out: Path) -> Iterator[Path]:
    """Give a place to write to that becomes `out` when all is well, and is gone otherwise.

    Raises:
        WrongUsage: Something is there already.
        LogError: The disk says no.
    """
    _check_place(out)
    out = out.absolute()
    unfinished = out.with_name(f".{out.name}.unfinished-{os.getpid()}")
    try:
        yield unfinished
        unfinished.rename(out)
    except OSError as error:
        raise LogError(
            f"{out} cannot be written: {error.strerror or error}.",
            kept="What was written of it was taken away again; the log itself is untouched.",
            next_step="Check that there is room, and that the folder is yours.",
        ) from error
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        else:
            unfinished.unlink(missing_ok=True)
