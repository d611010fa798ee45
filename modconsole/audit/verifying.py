"""Checking the logs of a file from their stored bytes, trusting no stored hash.

First every leaf is hashed again and the last head's signature checked, which proves them all. Only when something does
not fit is every single head looked at, to name the first entry that differs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modconsole.audit.cosigned_heads import NOBODY, CosignedHeads
from modconsole.audit.database import schema_as_found, schema_as_made
from modconsole.audit.erasing import NO_ERASURES, Erasures, erasures
from modconsole.audit.schema import RARE
from modconsole.audit.walking import StoredLog, Walked, first_difference, is_signed, stored_logs, walk
from modconsole.core.cosignature import WitnessPolicy
from modconsole.core.decision import EntryKind
from modconsole.core.merkle import HASH_SIZE, Frontier
from modconsole.core.note import Checkpoint, checkpoint_text, signed_note
from modconsole.ports.audit import Finding, LogHead, VerifyReport
from modconsole.ports.vault import KeptHead, WitnessedHead

__all__ = ["heads", "shortened", "verify"]

_ODD_ENTRY = (
    "typeof(log)<>'integer' OR typeof(seq)<>'integer' OR typeof(hash)<>'blob' OR typeof(root)<>'blob'"
    " OR typeof(signature)<>'blob' OR typeof(leaf)<>'text' OR typeof(body) NOT IN ('blob', 'null')"
)
_ODD_LOG = (
    "typeof(origin)<>'text' OR typeof(vkey)<>'text' OR typeof(frontier)<>'blob' OR typeof(trail)<>'blob'"
)
_COMPARED = 100_000
"""Comparing the indices takes longer than checking the entries; no entry's proof hangs on it, only its being listed."""


def verify(
    db: sqlite3.Connection,
    kept: Sequence[KeptHead],
    policy: WitnessPolicy = NOBODY,
    witnessed: Sequence[WitnessedHead] = (),
) -> VerifyReport:
    """Check every log of the file, and the file itself, against themselves and what is kept elsewhere.

    Args:
        policy: Whose countersignatures make an entry witnessed.
        witnessed: The heads that are remembered elsewhere as countersigned.
    """
    db.execute("BEGIN")  # one moment in time, whatever is appended meanwhile
    try:
        logs, remembered = stored_logs(db), {head.origin: head for head in kept}
        erased = _erasures(db, logs, remembered)
        cosigned = CosignedHeads(db, policy, witnessed)
        findings: list[Finding] = []
        for log in logs:
            known = remembered.get(log.origin)
            walked = _walked(db, log, known, erased, cosigned.sizes(log.origin))
            findings += _of_log(db, log, known, erased, walked)
            findings += cosigned.of_log(log, walked)
        findings += _gone(logs, kept)
        findings += cosigned.of_missing_logs({log.origin for log in logs})
        findings += _of_file(db)
        entries = _one(db, "SELECT count(*) FROM leaves")
        return VerifyReport(
            tuple(heads(db)),
            entries,
            tuple(findings),
            unwitnessed=entries - cosigned.covered,
            oldest_unwitnessed=cosigned.oldest,
            notes=(*_notes(db, logs, remembered), *cosigned.notes()),
        )
    finally:
        db.execute("ROLLBACK")


def heads(db: sqlite3.Connection) -> list[LogHead]:
    """Give the last head of every log as a signed note; a log whose key is damaged, or without entries, has none."""
    found = []
    for log in stored_logs(db):
        row = db.execute(
            "SELECT seq, coalesce(CAST(root AS BLOB), x''), coalesce(CAST(signature AS BLOB), x'') FROM leaves"
            " WHERE log=? AND typeof(seq)='integer' ORDER BY seq DESC LIMIT 1",
            (log.id,),
        ).fetchone()
        if row is not None and log.key is not None:
            point = Checkpoint(log.origin, row[0] + 1, row[1])
            note = signed_note(checkpoint_text(point), (log.key, row[2]))
            found.append(LogHead(log.origin, point.size, point.root.hex(), note, log.vkey))
    return found


def shortened(db: sqlite3.Connection, kept: Sequence[KeptHead]) -> list[Finding]:
    """Compare the logs' sizes and roots with the kept heads, without reading the logs."""
    logs, remembered = stored_logs(db), {head.origin: head for head in kept}
    findings = list(_gone(logs, kept))
    for log in logs:
        head = remembered.get(log.origin)
        if head is None:
            continue
        size = _one(db, "SELECT coalesce(max(seq) + 1, 0) FROM leaves WHERE log=?", log.id)
        if size < head.size:
            findings.append(_too_short(log.origin, size, head))
        elif _one(db, "SELECT root FROM leaves WHERE log=? AND seq=?", log.id, head.size - 1) != head.root:
            findings.append(_another_history(log.origin, head))
    return findings


def _erasures(
    db: sqlite3.Connection, logs: Sequence[StoredLog], remembered: Mapping[str, KeptHead]
) -> Erasures:
    """Read what was erased, from the logs that keys.db knows as ours; from any if it remembers nothing at all."""
    ours = {log.id for log in logs if log.origin in remembered or not remembered}
    try:
        return erasures(db, ours)
    except (
        sqlite3.Error
    ):  # such as an entry that is no JSON any more: what it explained is then a finding, too
        return NO_ERASURES


def _walked(
    db: sqlite3.Connection, log: StoredLog, kept: KeptHead | None, erased: Erasures, sizes: Iterable[int]
) -> Walked:
    try:
        return walk(db, log, kept, erased, sizes)
    except sqlite3.Error:  # a page that cannot be read; the closer look says where
        return Walked(Frontier(), stopped=True)


def _of_log(
    db: sqlite3.Connection, log: StoredLog, kept: KeptHead | None, erased: Erasures, walked: Walked
) -> Iterator[Finding]:
    if log.key is None:
        yield Finding(
            log.origin,
            None,
            "The log's public key is damaged, or is another log's.",
            "Without it this file proves nothing; compare with the key that others were given.",
        )
    elif kept is not None and kept.public != log.key.public:
        yield Finding(
            log.origin,
            None,
            "The log states another public key than the one this device signed with.",
            "Somebody may have written this whole log again under a key of their own.",
        )
    if walked.stopped or not _is_whole(log, walked) or not _keeps_its_heads(walked, kept):
        found = first_difference(db, log, erased) or _of_end(log, walked)
        if found is not None:
            yield found
    if kept is not None and not walked.stopped:
        if walked.frontier.size < kept.size:
            yield _too_short(log.origin, walked.frontier.size, kept)
        elif walked.kept_root != kept.root or walked.kept_trail != kept.trail:
            yield _another_history(log.origin, kept)


def _is_whole(log: StoredLog, walked: Walked) -> bool:
    frontier = walked.frontier
    head = Checkpoint(log.origin, frontier.size, frontier.root())
    return (
        frontier.to_bytes() == log.frontier
        and walked.trail == log.trail
        and walked.root == head.root
        and (frontier.size == 0 or log.key is None or is_signed(log.key, head, walked.signature))
    )


def _keeps_its_heads(walked: Walked, kept: KeptHead | None) -> bool:
    return kept is None or walked.frontier.size < kept.size or walked.kept_trail == kept.trail


def _of_end(log: StoredLog, walked: Walked) -> Finding | None:
    """Say what is wrong when every entry that is there fits."""
    size = walked.frontier.size
    if walked.frontier.to_bytes() == log.frontier and walked.trail == log.trail:
        return None
    stated = int.from_bytes(log.frontier[:8], "big") if isinstance(log.frontier, bytes) else 0
    if stated == size + 1 or (stated > size and len(log.frontier) == 8 + HASH_SIZE * stated.bit_count()):
        return Finding(
            log.origin,
            size,
            f"The log says it has {stated} entries, and only {size} are there.",
            f"The entries from {size} on were taken out. The ones that are left are as they were sealed.",
        )
    return Finding(
        log.origin,
        None,
        "What the log keeps about its own end does not fit its entries.",
        "Every entry that is there is as it was sealed. New ones will go into a new log beside this one.",
    )


def _too_short(origin: str, size: int, kept: KeptHead) -> Finding:
    return Finding(
        origin,
        size,
        f"The log has {size} entries; keys.db remembers {kept.size}.",
        f"The entries from {size} on were taken out, or an older copy of log.db was put back.",
    )


def _another_history(origin: str, kept: KeptHead) -> Finding:
    return Finding(
        origin,
        None,
        f"At {kept.size} entries the log is not the one that keys.db remembers (root {kept.root.hex()}).",
        "Two histories were written under one name: a copy of this home was used elsewhere, or log.db was replaced.",
    )


def _gone(logs: Sequence[StoredLog], kept: Sequence[KeptHead]) -> Iterator[Finding]:
    present = {log.origin for log in logs}
    for head in kept:
        if head.origin not in present:
            yield Finding(
                head.origin,
                0,
                f"The whole log is missing; keys.db remembers {head.size} entries of it.",
                "log.db was deleted, or an older copy of it was put back.",
            )


def _of_file(db: sqlite3.Connection) -> Iterator[Finding]:
    strays = _one(db, "SELECT count(*) FROM leaves WHERE log NOT IN (SELECT id FROM logs)")
    if strays:
        yield Finding(
            "",
            None,
            f"{strays} entries belong to no log of this file.",
            "The log they were sealed in was taken out or renumbered; nothing proves them any more.",
        )
    yield from _of_kinds(db)
    made, found = schema_as_made(), schema_as_found(db)
    for kind, name, _ in sorted(made ^ found, key=repr):  # a name may be no text any more
        yield Finding(
            "",
            None,
            f"The file's {kind} “{name}” is not as modconsole made it.",
            "Somebody changed how the file works. Entries are checked all the same, but lists may not show them all.",
        )
    if made == found and _one(db, "SELECT count(*) FROM leaves") <= _COMPARED:
        yield from _of_indices(db)


def _of_kinds(db: sqlite3.Connection) -> Iterator[Finding]:
    """Say whether a value is of another kind than was stored, such as bytes in place of text.

    Its bytes may well be the right ones; but others who read the file, searches among them, would take it differently.
    """
    for log, seq in db.execute(f"SELECT log, seq FROM leaves WHERE {_ODD_ENTRY} LIMIT 1"):  # noqa: S608
        yield Finding(
            "",
            None,
            f"A value of entry {seq} of log {log} of this file is of another kind than modconsole stores.",
            "It was rewritten. What else is said here tells whether the entry still is what was sealed.",
        )
    for (id,) in db.execute(f"SELECT id FROM logs WHERE {_ODD_LOG} LIMIT 1"):  # noqa: S608
        yield Finding(
            "",
            None,
            f"A value that log {id} of this file keeps of itself is of another kind than modconsole stores.",
            "It was rewritten. What else is said here tells whether its entries still are what was sealed.",
        )


def _of_indices(db: sqlite3.Connection) -> Iterator[Finding]:
    try:
        answers = [said for (said,) in db.execute("PRAGMA integrity_check(1)")]
    except sqlite3.Error as error:  # such as an entry that is no JSON any more
        answers = [str(error)]
    for said in answers:
        if said != "ok":
            yield Finding(
                "",
                None,
                f"The file itself is damaged: {said}.",
                "Lists and searches may leave out entries. Each entry that is found is checked by itself.",
            )


def _notes(db: sqlite3.Connection, logs: Sequence[StoredLog], kept: Mapping[str, KeptHead]) -> Iterator[str]:
    for log in logs:
        if log.origin not in kept:
            yield (
                f"keys.db remembers nothing of {log.origin}, so nothing here could tell if entries were taken from its "
                "end."
            )
    if _one(db, "SELECT count(*) FROM leaves") > _COMPARED:
        yield f"The indices were not compared with the entries: that is done for logs of up to {_COMPARED:,} entries."
    strange = _of_unknown_kind(db)
    if strange:
        yield f"{strange} entries are of a kind this version does not know. They were checked, but are not listed."


def _of_unknown_kind(db: sqlite3.Connection) -> int:
    known = ",".join(f"'{kind.value}'" for kind in EntryKind)
    sql = f"SELECT count(*) FROM leaves WHERE {RARE} AND kind NOT IN ({known})"  # noqa: S608 - our words
    try:
        return int(_one(db, sql))
    except sqlite3.Error:
        return 0  # an entry that cannot be read is a finding already


def _one(db: sqlite3.Connection, sql: str, *values: object) -> Any:
    row = db.execute(sql, values).fetchone()
    return None if row is None else row[0]
