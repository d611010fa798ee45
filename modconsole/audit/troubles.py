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
    except UnicodeDecodeError as error:  # SQLite names something whose name was damaged
        damaged = sqlite3.DatabaseError("a name in it is no text any more")
        damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise _explained(damaged, path) from error
    except OSError as error:
        raise LogError(
            f"The log {path} cannot be opened: {error.strerror or error}.",
            next_step="Check that the folder is yours and can be written to.",
        ) from error


_BEGIN_ANEW = (
    "To go on deciding meanwhile, close every console and put log.db, log.db-wal and log.db-shm into a safe folder "
    "together: a new log then begins, and its first entry names the end of this one."
)


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
                # What was written and could not be synced may be found again, whole, after a start.
                kept="Everything sealed before is safe, and no forum was asked to do anything. Whether this entry is "
                "in the log can be seen when the console is started again.",
                next_step="Have the disk looked at before going on. After that, `modconsole audit verify` must say "
                "that the log is sound.",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return LogError(
                f"The log {path} is damaged: {error}.",
                kept="Nothing was changed, and no forum was asked to do anything.",
                next_step=f"Keep the file as it is and tell your safeguarding lead. {_BEGIN_ANEW}",
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
        next_step="Try again. If it stays so, keep the file as it is, and tell whoever looks after this computer.",
    )
