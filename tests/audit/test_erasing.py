"""Erased entries in the log: every proof holds, and what was taken out without a word is still found."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modconsole.core.decision import EntryKind, Record
from modconsole.ports import LogQuery
from tests.audit.homes import CASE, Home, a_decision, an_entry, tampered

OTHER = "0d" * 16
ASKED = EntryKind.ERASE_REQUESTED


def erase(home: Home, *, ending: bool = True) -> int:
    home.log.seal(an_entry(ASKED, detail="objection:SAR-1", body={"requester": "the member"}))
    home.vault.erase([CASE])
    gone = home.log.erase(CASE)
    if ending:
        home.log.seal(an_entry(EntryKind.ERASED, detail="rotated", body={"bodies": gone}))
    return gone


@pytest.fixture
def filled(home: Home) -> Home:
    home.fill(3)
    for entry in a_decision("d-other", case=OTHER):
        home.log.seal(entry)
    return home


def newest(home: Home, **query: Any) -> Record:
    return home.log.records(LogQuery(**query), limit=1)[0]


def what(home: Home) -> list[str]:
    return [finding.what for finding in home.log.verify().findings]


def test_an_erased_log_is_sound_and_its_head_is_what_it_was(filled: Home) -> None:
    before = [record.leaf_hash for record in filled.log.records(LogQuery())]
    assert erase(filled) == 6
    after = filled.log.records(LogQuery())

    assert filled.log.verify().is_sound
    assert [record.leaf_hash for record in after[2:]] == before
    assert filled.log.erase(CASE) == 6  # again: nothing more to take out, and the count stays right
    assert filled.log.verify().is_sound


def test_erased_entries_say_so_and_the_others_open_as_before(filled: Home) -> None:
    erase(filled)
    records = filled.log.records(LogQuery(case=CASE), limit=20)

    erased = [record for record in records if record.erased]
    assert {record.entry.kind for record in erased} == {EntryKind.DECIDED, EntryKind.OUTCOME}
    assert len(erased) == 6
    assert all(filled.log.open_body(record) is None for record in erased)
    assert filled.log.open_body(newest(filled, kind=ASKED)) == {"requester": "the member"}
    assert filled.log.open_body(newest(filled, kind=EntryKind.ERASED)) == {"bodies": 6}
    other = newest(filled, case=OTHER, kind=EntryKind.DECIDED)
    assert not other.erased
    assert filled.log.open_body(other)


def test_what_was_taken_out_without_an_erasure_is_found(filled: Home) -> None:
    erase(filled)
    out = "UPDATE leaves SET body=NULL WHERE \"case\"=? AND kind='decided'"
    tampered(filled.folder, lambda db: db.execute(out, [OTHER]))

    assert what(filled) == ["The private part of entry 9 is missing, and no erasure says why."]


def test_an_erasure_that_is_not_finished_is_found(filled: Home) -> None:
    erase(filled, ending=False)

    assert what(filled) == [
        "The private part of entry 0 is gone, and the erasure that took it is not finished."
    ]


def test_a_case_that_was_only_asked_for_explains_nothing_missing_elsewhere(filled: Home) -> None:
    filled.log.seal(an_entry(ASKED))
    out = 'UPDATE leaves SET body=NULL WHERE "case"=?'
    tampered(filled.folder, lambda db: db.execute(out, [OTHER]))

    assert what(filled) == ["The private part of entry 9 is missing, and no erasure says why."]


def test_the_reason_of_an_erasure_cannot_be_taken_out_under_its_own_cover(filled: Home) -> None:
    erase(filled)
    tampered(filled.folder, lambda db: db.execute("UPDATE leaves SET body=NULL WHERE kind='erase_requested'"))

    assert what(filled) == ["The private part of entry 12 is missing, and no erasure says why."]


@pytest.mark.parametrize(
    "change",
    [
        lambda db: db.execute("UPDATE leaves SET leaf=replace(leaf, 'hide', 'keep') WHERE seq=0"),
        lambda db: db.execute("UPDATE leaves SET body=x'00' WHERE seq=0"),
        lambda db: db.execute("DELETE FROM leaves WHERE kind='erased'"),
        lambda db: db.execute("UPDATE leaves SET hash=zeroblob(32) WHERE seq=3"),
    ],
    ids=["leaf", "body put back", "receipt taken out", "hash"],
)
def test_tampering_after_an_erasure_is_found(
    filled: Home, change: Callable[[sqlite3.Connection], object]
) -> None:
    erase(filled)
    tampered(filled.folder, change)

    assert what(filled) != []


def test_a_log_that_somebody_put_there_explains_nothing(filled: Home, tmp_path: Path) -> None:
    """A stranger can make a log of their own, validly signed, in which anything was erased."""
    stranger = Home(tmp_path / "stranger")
    stranger.later(days=100)
    stranger.log.seal(an_entry(EntryKind.ERASED, detail="rotated", at=stranger.time))
    stranger.close()
    filled.vault.clear_wal()
    shutil.copy(tmp_path / "stranger" / "log.db", tmp_path / "other.db")

    def plant(db: sqlite3.Connection) -> None:
        db.execute("ATTACH ? AS other", [str(tmp_path / "other.db")])
        db.execute("INSERT INTO logs SELECT 99, origin, vkey, frontier, trail FROM other.logs")
        db.execute(
            "INSERT INTO leaves (id, log, seq, hash, root, signature, leaf, body)"
            " SELECT 999, 99, seq, hash, root, signature, leaf, body FROM other.leaves"
        )
        db.execute("UPDATE leaves SET body=NULL WHERE log <> 99 AND kind='decided'")
        db.execute("DETACH other")

    tampered(filled.folder, plant)

    assert what(filled) == ["The private part of entry 0 is missing, and no erasure says why."]


def test_what_still_comes_in_is_sealed_without_a_body(filled: Home) -> None:
    erase(filled)
    filled.log.seal(an_entry(EntryKind.OUTCOME, body={"detail": "late"}))
    late = newest(filled, case=CASE)

    assert (late.entry.kind, late.has_body, late.erased) == (EntryKind.OUTCOME, False, False)
    assert filled.log.verify().is_sound


def test_another_console_sees_it_at_once(filled: Home) -> None:
    second = Home(filled.folder)
    decided = newest(second, case=CASE, kind=EntryKind.DECIDED)
    assert second.log.open_body(decided)
    erase(filled)

    assert second.log.open_body(decided) is None
    assert second.log.verify().is_sound
    second.close()
