"""Whatever is changed behind the log's back is found, and the first entry that differs is named."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modconsole.audit.log_end import EMPTY_TRAIL, trail_after
from modconsole.core.merkle import Frontier, leaf_hash
from modconsole.core.note import Checkpoint, VerifierKey, checkpoint_text
from modconsole.ports.audit import Finding, LogQuery, VerifyReport
from tests.audit.homes import ORIGIN, Home, an_entry, tampered

ENTRIES = 12
LAST = ENTRIES - 1


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with four decisions in its log, to be copied and then spoilt."""
    home = Home(tmp_path_factory.mktemp("pristine"))
    home.fill(ENTRIES // 3)
    home.close()
    return home.folder


@dataclass
class Copy:
    folder: Path

    def verify(self) -> VerifyReport:
        home = Home(self.folder)
        try:
            return home.log.verify()
        finally:
            home.close()


@pytest.fixture
def copy(pristine: Path, tmp_path: Path) -> Copy:
    shutil.copytree(pristine, tmp_path / "copy")
    return Copy(tmp_path / "copy")


def the_first(report: VerifyReport) -> Finding:
    assert report.findings
    return report.findings[0]


def test_an_untouched_log_is_sound_and_says_what_it_cannot_know(copy: Copy) -> None:
    report = copy.verify()

    assert report.is_sound
    assert (report.entries, report.unwitnessed) == (ENTRIES, ENTRIES)
    assert report.oldest_unwitnessed is not None
    assert report.notes == ()
    assert [(head.origin, head.size) for head in report.heads] == [(ORIGIN, ENTRIES)]


def test_a_log_that_was_never_written_is_sound(home: Home) -> None:
    report = home.log.verify()

    assert (report.entries, report.findings, report.heads, report.oldest_unwitnessed) == (0, (), (), None)


# One thing changed


def flipped(column: str, at: int, bit: int = 1) -> Callable[[sqlite3.Connection, int], object]:
    """Flip a bit of a stored value, `at` counted from its start or, when negative, its end."""

    def change(db: sqlite3.Connection, seq: int) -> None:
        wanted = f"SELECT typeof({column}), CAST({column} AS BLOB) FROM leaves WHERE seq=?"  # noqa: S608
        kind, value = db.execute(wanted, (seq,)).fetchone()
        data = bytearray(value)
        data[at] ^= bit
        stored = data.decode() if kind == "text" else bytes(data)
        db.execute(f"UPDATE leaves SET {column}=? WHERE seq=?", (stored, seq))  # noqa: S608

    return change


def said_otherwise(db: sqlite3.Connection, seq: int) -> None:
    db.execute("UPDATE leaves SET leaf=replace(leaf, 'a-7f3', 'a-000') WHERE seq=?", (seq,))


def rehashed(db: sqlite3.Connection, seq: int) -> None:
    """Change an entry and its stored hash together."""
    said_otherwise(db, seq)
    (leaf,) = db.execute("SELECT leaf FROM leaves WHERE seq=?", (seq,)).fetchone()
    db.execute("UPDATE leaves SET hash=? WHERE seq=?", (leaf_hash(leaf.encode()), seq))


def rebuilt(db: sqlite3.Connection, seq: int) -> None:
    """Change an entry and then everything that can be computed without the log's key."""
    rehashed(db, seq)
    again(db)


def again(db: sqlite3.Connection) -> None:
    frontier, trail = Frontier(), EMPTY_TRAIL
    for id, leaf, signature in db.execute("SELECT id, leaf, signature FROM leaves ORDER BY seq").fetchall():
        frontier.append(leaf_hash(leaf.encode()))
        trail = trail_after(trail, frontier.root(), signature)
        db.execute(
            "UPDATE leaves SET hash=?, root=? WHERE id=?", (leaf_hash(leaf.encode()), frontier.root(), id)
        )
    db.execute("UPDATE logs SET frontier=?, trail=?", (frontier.to_bytes(), trail))


def body_and_commitment(db: sqlite3.Connection, seq: int) -> None:
    """Change a body and the header's hash of it together."""
    leaf, body = db.execute("SELECT leaf, body FROM leaves WHERE seq=?", (seq,)).fetchone()
    header = json.loads(leaf)
    header["body"]["ct"] = sha256(body + b"x").hexdigest()
    leaf = json.dumps(header, sort_keys=True, separators=(",", ":"))
    db.execute(
        "UPDATE leaves SET body=?, leaf=?, hash=? WHERE seq=?",
        (body + b"x", leaf, leaf_hash(leaf.encode()), seq),
    )


def deleted(db: sqlite3.Connection, seq: int) -> None:
    db.execute("DELETE FROM leaves WHERE seq=?", (seq,))


def deleted_and_closed_up(db: sqlite3.Connection, seq: int) -> None:
    deleted(db, seq)
    for later in range(seq + 1, ENTRIES):
        db.execute("UPDATE leaves SET seq=? WHERE seq=?", (later - 1, later))


def swapped(db: sqlite3.Connection, seq: int) -> None:
    other = (seq + 3) % ENTRIES
    for was, becomes in ((seq, -1), (other, seq), (-1, other)):
        db.execute("UPDATE leaves SET seq=? WHERE seq=?", (becomes, was))


def inserted(db: sqlite3.Connection, seq: int) -> None:
    """Put a copy of an entry in after it and number the rest anew."""
    for later in range(LAST, seq, -1):
        db.execute("UPDATE leaves SET seq=? WHERE seq=?", (later + 1, later))
    copied(db, seq, seq + 1)


def copied(db: sqlite3.Connection, seq: int, to: int) -> None:
    db.execute(
        "INSERT INTO leaves (log, seq, hash, root, signature, leaf, body)"
        " SELECT log, ?, hash, root, signature, leaf, body FROM leaves WHERE seq=?",
        (to, seq),
    )


def truncated(db: sqlite3.Connection, seq: int) -> None:
    db.execute("DELETE FROM leaves WHERE seq>=?", (seq,))


def truncated_properly(db: sqlite3.Connection, seq: int) -> None:
    """Cut the log back to an older state, whose head is validly signed."""
    truncated(db, seq)
    again(db)


def without_its_body(db: sqlite3.Connection, seq: int) -> None:
    db.execute("UPDATE leaves SET body=NULL WHERE seq=?", (seq,))


def with_a_body(db: sqlite3.Connection, seq: int) -> None:
    db.execute("UPDATE leaves SET body=x'00' WHERE seq=?", (seq,))


def with_anothers_body(db: sqlite3.Connection, seq: int) -> None:
    other = 0 if seq else 2
    db.execute("UPDATE leaves SET body=(SELECT body FROM leaves WHERE seq=?) WHERE seq=?", (other, seq))


def row_moved(db: sqlite3.Connection, seq: int) -> None:
    db.execute("UPDATE leaves SET id=1000 WHERE seq=?", (seq,))


OF_AN_ENTRY = [
    said_otherwise, rehashed, rebuilt, deleted, deleted_and_closed_up, swapped, truncated, truncated_properly,
    flipped("hash", 0), flipped("hash", -1, 128), flipped("root", 0), flipped("root", -1, 128),
    flipped("signature", 0), flipped("signature", 32), flipped("signature", -1, 16),
]  # fmt: skip
WITH_BODY = [
    without_its_body, with_anothers_body, body_and_commitment, flipped("body", 0), flipped("body", 20),
    flipped("body", -1),
]  # fmt: skip


@pytest.mark.parametrize("seq", [0, 1, 6, LAST])
@pytest.mark.parametrize("change", OF_AN_ENTRY, ids=lambda change: change.__qualname__)
def test_a_change_to_an_entry_is_found_and_the_first_that_differs_is_named(
    copy: Copy, change: Callable[[sqlite3.Connection, int], object], seq: int
) -> None:
    tampered(copy.folder, lambda db: change(db, seq))

    first = the_first(copy.verify())
    # Swapping entry n with n+3 shows first at the smaller of the two.
    assert first.seq == (min(seq, (seq + 3) % ENTRIES) if change is swapped else seq)
    assert first.origin == ORIGIN
    assert first.what
    assert first.means


@pytest.mark.parametrize("seq", [0, 2, 6, LAST])
@pytest.mark.parametrize("change", WITH_BODY, ids=lambda change: change.__qualname__)
def test_a_change_to_a_private_part_is_found(
    copy: Copy, change: Callable[[sqlite3.Connection, int], object], seq: int
) -> None:
    tampered(copy.folder, lambda db: change(db, seq))

    assert the_first(copy.verify()).seq == seq


def test_a_private_part_that_never_was_is_found(copy: Copy) -> None:
    tampered(copy.folder, lambda db: with_a_body(db, 1))

    assert "never had" in the_first(copy.verify()).what


def test_an_entry_that_was_given_another_number_is_found(copy: Copy) -> None:
    tampered(copy.folder, lambda db: db.execute("UPDATE leaves SET seq=20 WHERE seq=?", (LAST,)))

    assert the_first(copy.verify()).what == f"Entry {LAST} is missing: after {LAST - 1} comes 20."


def forged_root(db: sqlite3.Connection, seq: int) -> None:
    """Change a stored root, and the digest over the heads to fit."""
    flipped("root", 0)(db, seq)
    trail = EMPTY_TRAIL
    for root, signature in db.execute("SELECT root, signature FROM leaves ORDER BY seq").fetchall():
        trail = trail_after(trail, root, signature)
    db.execute("UPDATE logs SET trail=?", (trail,))


def forged_signature(db: sqlite3.Connection, seq: int) -> None:
    flipped("signature", 5)(db, seq)
    again(db)


@pytest.mark.parametrize(
    "change", [said_otherwise, rehashed, rebuilt, deleted, forged_root, forged_signature]
)
def test_the_log_shows_a_changed_end_by_itself_when_keys_db_is_gone(
    copy: Copy, change: Callable[[sqlite3.Connection, int], object]
) -> None:
    for file in copy.folder.glob("keys.db*"):
        file.unlink()
    tampered(copy.folder, lambda db: change(db, LAST))

    assert the_first(copy.verify()).seq == LAST


@pytest.mark.parametrize("seq", [0, 6, LAST])
def test_an_entry_put_in_twice_is_found(copy: Copy, seq: int) -> None:
    tampered(copy.folder, lambda db: inserted(db, seq))

    assert the_first(copy.verify()).seq == seq + 1


def test_a_row_that_was_taken_out_and_put_back_is_found(copy: Copy) -> None:
    tampered(copy.folder, lambda db: row_moved(db, 3))

    assert the_first(copy.verify()).seq == 4


def test_every_byte_of_an_entry_counts(copy: Copy) -> None:
    path = copy.folder / "log.db"
    whole = path.read_bytes()
    with sqlite3.connect(path) as db:
        leaf, body = db.execute("SELECT leaf, body FROM leaves WHERE seq=0").fetchone()
    db.close()
    for stored in (leaf.encode(), body):
        start = whole.index(stored)
        for at in range(start, start + len(stored), 7):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            report = copy.verify()
            assert not report.is_sound
            assert report.findings[0].seq == 0


@pytest.mark.parametrize("column", ["frontier", "trail", "vkey", "origin"])
def test_a_change_to_what_the_log_keeps_of_itself_is_found(copy: Copy, column: str) -> None:
    def change(db: sqlite3.Connection) -> None:
        kind, value = db.execute(f"SELECT typeof({column}), CAST({column} AS BLOB) FROM logs").fetchone()  # noqa: S608
        for at in (0, len(value) // 2, len(value) - 1):
            data = bytearray(value)
            data[at] ^= 1
            stored = data.decode() if kind == "text" else bytes(data)
            db.execute(f"UPDATE logs SET {column}=?", (stored,))  # noqa: S608
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert not copy.verify().is_sound

    tampered(copy.folder, change)


def test_entries_without_their_log_are_found(copy: Copy) -> None:
    tampered(copy.folder, lambda db: db.execute("DELETE FROM logs"))

    found = [finding.what for finding in copy.verify().findings]
    assert found == [
        f"The whole log is missing; keys.db remembers {ENTRIES} entries of it.",
        f"{ENTRIES} entries belong to no log of this file.",
    ]


# Cleverer changes


def test_a_log_written_again_under_another_key_is_found(copy: Copy) -> None:
    other = Ed25519PrivateKey.generate()

    def change(db: sqlite3.Connection) -> None:
        said_otherwise(db, 4)
        again(db)
        for id, seq, root in db.execute("SELECT id, seq, root FROM leaves").fetchall():
            text = checkpoint_text(Checkpoint(ORIGIN, seq + 1, root))
            db.execute("UPDATE leaves SET signature=? WHERE id=?", (other.sign(text.encode()), id))
        again(db)
        key = VerifierKey(ORIGIN, other.public_key().public_bytes_raw())
        db.execute("UPDATE logs SET vkey=?", (str(key),))

    tampered(copy.folder, change)

    found = [finding.what for finding in copy.verify().findings]
    assert "another public key" in found[0]
    assert "keys.db remembers" in found[1]


def test_a_shortened_log_is_found_even_when_everything_in_it_fits(copy: Copy) -> None:
    tampered(copy.folder, lambda db: truncated_properly(db, LAST))
    home = Home(copy.folder)

    for findings in (home.log.verify().findings, home.log.shortened()):
        assert [(finding.seq, finding.what) for finding in findings] == [
            (LAST, f"The log has {LAST} entries; keys.db remembers {ENTRIES}.")
        ]
    home.close()


def test_a_deleted_log_is_found(copy: Copy) -> None:
    for file in copy.folder.glob("log.db*"):
        file.unlink()
    home = Home(copy.folder)

    assert "whole log is missing" in the_first(home.log.verify()).what
    assert "whole log is missing" in home.log.shortened()[0].what
    home.close()


def test_without_keys_db_it_is_said_what_cannot_be_known(copy: Copy) -> None:
    for file in copy.folder.glob("keys.db*"):
        file.unlink()
    tampered(copy.folder, lambda db: truncated_properly(db, LAST))

    report = copy.verify()
    assert report.is_sound
    assert "could tell if entries were taken from its end" in report.notes[0]


def test_a_changed_head_in_the_middle_is_found_though_the_entries_are_proved(copy: Copy) -> None:
    def change(db: sqlite3.Connection) -> None:
        flipped("signature", 5)(db, 4)
        again(db)  # and the log's own digest over the heads is made to fit

    tampered(copy.folder, change)

    first = the_first(copy.verify())
    assert first.seq == 4
    assert "signature" in first.what


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER quiet AFTER INSERT ON leaves BEGIN DELETE FROM leaves WHERE id=new.id; END",
        "DROP INDEX leaves_case",
        "CREATE VIEW more AS SELECT 1",
        "DROP INDEX leaves_actor; CREATE INDEX leaves_actor ON leaves (actor) WHERE actor <> 'a-7f3'",
    ],
)
def test_a_change_to_how_the_file_works_is_found(copy: Copy, sql: str) -> None:
    tampered(copy.folder, lambda db: db.executescript(sql))

    assert "is not as modconsole made it" in the_first(copy.verify()).what


def test_an_index_that_hides_an_entry_is_found(copy: Copy) -> None:
    def change(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA writable_schema=ON")
        (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name='leaves_actor'").fetchone()
        db.execute("UPDATE sqlite_master SET sql=sql || ' AND seq<>4' WHERE name='leaves_actor'")
        db.execute("PRAGMA writable_schema=RESET")
        db.execute("REINDEX leaves_actor")
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_master SET sql=? WHERE name='leaves_actor'", (sql,))

    tampered(copy.folder, change)

    assert "file itself is damaged" in the_first(copy.verify()).what


def test_a_kind_from_the_future_verifies_and_is_not_listed(home: Home) -> None:
    from modconsole.audit import header

    home.fill(1)
    known = header.header_fields

    def unknown(entry: object, *, demo: bool) -> dict[str, object]:
        return known(entry, demo=demo) | {"kind": "from_the_future"}  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modconsole.audit.sealed_log.header_fields", unknown)
        home.log.seal(an_entry())
    report = home.log.verify()

    assert report.is_sound
    assert "1 entries are of a kind this version does not know" in report.notes[0]
    assert len(home.log.records(LogQuery())) == 3


def test_verifying_holds_nobody_up_and_sees_one_moment(home: Home) -> None:
    home.fill(1)
    with home.log._apart() as db:
        from modconsole.audit.verifying import verify

        kept = home.vault.kept_heads()
        home.log.seal(an_entry())

        report = verify(db, kept)
        home.log.seal(an_entry())
    assert report.is_sound
    assert report.entries == 4
