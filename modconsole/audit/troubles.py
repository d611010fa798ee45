"""What SQLite or the disk says about `log.db`, in words a moderator can use."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modconsole.core.errors import LogError

__all__ = ["told_plainly"]


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Turn what SQLite or the disk raises into a `LogError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from error
    except OSError as error:
        raise LogError(
            f"The log {path} cannot be opened: {error.strerror or error}.",
            next_step="Check that the folder is yours and can be written to.",
        ) from error


def _explained(error: sqlite3.Error, path: Path) -> LogError:
    safe = "Everything sealed before is safe; this entry is not in the log, and no forum was asked to do anything."
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return LogError(
                f"The disk is full: the log {path} could not grow.",
                kept=safe,
                next_step="Free some space, then do it again. If somebody may be in danger, press ! now.",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LogError(
                f"Another console has been holding the log {path} for too long.",
                kept=safe,
                next_step="Do it again in a moment; close the other console if it hangs.",
            )
        case sqlite3.SQLITE_IOERR:
            return LogError(
                f"The disk failed while the log {path} was used: {error}.",
                kept=safe,
                next_step="Run `modconsole audit verify`, and have the disk looked at before going on.",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return LogError(
                f"The log {path} is damaged: {error}.",
                kept="Nothing was changed, and no forum was asked to do anything.",
                next_step="Keep the file as it is, run `modconsole audit verify`, and tell your safeguarding lead.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return LogError(
                f"The log {path} cannot be written: {error}.",
                kept=safe,
                next_step="Check that the file and its folder are yours.",
            )
    return LogError(
        f"The log {path} could not be used: {error}.",
        kept=safe,
        next_step="Run `modconsole audit verify`; it says what is wrong with it.",
    )
