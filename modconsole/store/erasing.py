"""Taking cases out of `desk.db` with everything that hangs on them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

__all__ = ["erase"]

_CASES = "SELECT {} FROM cases WHERE token IN (SELECT value FROM json_each(:tokens))"
_IDS, _NUMBERS = _CASES.format("id"), _CASES.format("n")

# What hangs on something goes before what it hangs on.
_DELETIONS = (
    f"DELETE FROM events WHERE run_id IN (SELECT id FROM runs WHERE case_id IN ({_IDS}))",  # noqa: S608 - our words
    f"DELETE FROM runs WHERE case_id IN ({_IDS})",  # noqa: S608
    f"DELETE FROM notes WHERE case_id IN ({_IDS})",  # noqa: S608
    f"DELETE FROM drafts WHERE case_id IN ({_IDS})",  # noqa: S608
    f"DELETE FROM files WHERE n IN ({_NUMBERS})",  # noqa: S608
)


def erase(db: sqlite3.Connection, tokens: Collection[str]) -> int:
    """Delete these cases and all that belongs to them; gives how many cases there were.

    Not even a shell of them stays: a row without words would still say which of the service's posts it was about, and
    every part of the desk would have to know of it. Another console that still writes to one of them is refused by the
    foreign keys.
    """
    listed = {"tokens": json.dumps(list(tokens))}
    for deletion in _DELETIONS:
        db.execute(deletion, listed)
    erased = db.execute("DELETE FROM cases WHERE token IN (SELECT value FROM json_each(:tokens))", listed)
    return erased.rowcount
