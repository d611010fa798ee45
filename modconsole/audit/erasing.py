"""Erased entries: taking their ciphertext out, and telling it from ciphertext that somebody else took out.

An entry commits to the hash of its ciphertext, so the ciphertext can go and every proof still holds. That it went
rightly is itself in the log: an `erased` entry of the same case.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from modconsole.audit.schema import RARE
from modconsole.core.decision import OUTLIVES_ITS_CASE, EntryKind, Record

__all__ = ["NO_ERASURES", "Erasures", "erase_bodies", "erasures", "key_of_body", "marked"]

_OUTLIVE = ", ".join(repr(kind.value) for kind in sorted(OUTLIVES_ITS_CASE))


def key_of_body(header: Mapping[str, object]) -> str:
    """Say whose key an entry's private part is sealed under: its case's, or "" for the service's own."""
    return "" if header.get("kind") in OUTLIVES_ITS_CASE else str(header.get("case", ""))


def erase_bodies(db: sqlite3.Connection, case: str) -> int:
    """Take out the ciphertexts of a case, and give how many of them are out by now. Inside the caller's transaction."""
    theirs = f'"case"=? AND +kind NOT IN ({_OUTLIVE})'
    db.execute(f"UPDATE leaves SET body=NULL WHERE {theirs} AND body IS NOT NULL", (case,))  # noqa: S608 - our words
    count = f"SELECT count(*) FROM leaves WHERE {theirs} AND json_extract(leaf, '$.body') IS NOT NULL"  # noqa: S608
    gone: int = db.execute(count, (case,)).fetchone()[0]
    return gone


@dataclass(frozen=True, slots=True)
class Erasures:
    """What the log says about cases whose private parts are gone."""

    done: frozenset[str]
    begun: frozenset[str]
    """Requested; whether it is done, too, `done` says."""

    def explain(self, leaf: bytes) -> bool:
        """Say whether the private part of this entry is rightly missing."""
        return _case_of_body(leaf) in self.done

    def are_going_on(self, leaf: bytes) -> bool:
        return _case_of_body(leaf) in self.begun - self.done


NO_ERASURES = Erasures(frozenset(), frozenset())


def _case_of_body(leaf: bytes) -> str:
    try:
        header = json.loads(leaf)
        return key_of_body(header) if "body" in header else ""
    except (ValueError, TypeError, AttributeError):
        return ""


def erasures(db: sqlite3.Connection, logs: Collection[int]) -> Erasures:
    """Read which cases were erased, as these logs (by their numbers here) say.

    Only logs that are this device's own may say so: somebody who can write to the file could add a log of their own, in
    which anything stands.
    """
    said: dict[str, set[str]] = {EntryKind.ERASED.value: set(), EntryKind.ERASE_REQUESTED.value: set()}
    rows = db.execute(
        f"SELECT log, CAST(leaf AS BLOB) FROM leaves WHERE {RARE} AND kind IN (?, ?)",  # noqa: S608 - our words
        list(said),
    )
    for log, leaf in rows:
        with suppress(ValueError, TypeError, KeyError):  # read from what is hashed, and never from an index
            header = json.loads(leaf)
            if log in logs:
                said[header["kind"]].add(header["case"])
    return Erasures(*map(frozenset, said.values()))


def marked(db: sqlite3.Connection, records: Iterable[Record]) -> list[Record]:
    """Mark those records whose private part was erased."""
    listed = list(records)
    cases = {record.entry.case for record in listed if record.has_body and record.entry.case}
    if not cases:
        return listed
    rows = db.execute(
        'SELECT DISTINCT "case" FROM leaves INDEXED BY leaves_case'
        " WHERE \"case\" IN (SELECT value FROM json_each(?)) AND +kind='erased'",
        [json.dumps(sorted(cases))],
    )
    erased = {case for (case,) in rows}
    return (
        [
            replace(record, erased=True)
            if record.has_body and key_of_body(record.header) in erased
            else record
            for record in listed
        ]
        if erased
        else listed
    )
