"""One way into the log: what is sealed, where, and what happens when it cannot be."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from modconsole.audit.header import about_body, canonical
from modconsole.audit.origins import origins_for, slug
from modconsole.core.decision import EntryKind
from modconsole.core.errors import LogError, VaultLocked
from modconsole.core.merkle import leaf_hash, tree_root
from modconsole.core.note import parse_checkpoint, parse_note, parse_verifier_key
from modconsole.ports.audit import LogQuery
from modconsole.vault import DemoSecrets, KeyVault
from tests.audit.homes import CASE, ORIGIN, START, USED, WORDS, Home, a_decision, an_entry, behind_its_back


def leaves(home: Home) -> list[bytes]:
    with behind_its_back(home.folder / "log.db") as db:
        return [leaf.encode() for (leaf,) in db.execute("SELECT leaf FROM leaves ORDER BY id")]


def test_an_entry_reads_back_as_it_was_sealed(home: Home) -> None:
    entry = a_decision("d-1")[0]
    receipt = home.log.seal(entry)
    record = home.log.records(LogQuery())[0]

    assert (record.origin, record.seq, record.leaf_hash) == (receipt.origin, receipt.seq, receipt.leaf_hash)
    assert record.entry == type(entry)(
        **{name: getattr(entry, name) for name in entry.__slots__ if name != "body"}, body=None
    )
    assert record.has_body
    assert home.log.open_body(record) == entry.body


def test_the_header_is_what_the_format_says_and_no_more(home: Home) -> None:
    home.log.seal(a_decision("d-1")[0])
    header = json.loads(leaves(home)[0])

    assert {name: value for name, value in header.items() if name != "body"} == {
        "v": 1,
        "kind": "decided",
        "seq": 0,
        "ts": "2026-11-02T09:30:00.000000Z",
        "actor": "a-7f3",
        "case": CASE,
        "forum": "harbour",
        "decision": "d-1",
        "orders": ["o-d-1"],
        "actions": ["hide"],
        "urgency": "soon",
        "protocols": [{"id": USED.id, "ver": USED.version, "sha256": USED.hash, "status": USED.status}],
    }
    assert header["body"].keys() == {"alg", "ct", "kc"}


def test_a_demos_entries_say_so_and_stand_in_a_log_that_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path, demo=True)
    receipt = home.log.seal(an_entry())

    assert json.loads(leaves(home)[0])["demo"] == 1
    assert receipt.origin == "modconsole.demo/front-desk/2026Q4"
    home.close()


def test_anybody_can_check_the_head_without_our_code(home: Home) -> None:
    home.fill(3)
    head = home.log.heads()[0]
    note, key = parse_note(head.checkpoint), parse_verifier_key(head.vkey)
    checkpoint = parse_checkpoint(note.text)

    Ed25519PublicKey.from_public_bytes(key.public).verify(note.signatures[0].signature, note.text.encode())
    assert note.signatures[0].key_id == key.id
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, 9)
    assert checkpoint.root == tree_root(leaf_hash(leaf) for leaf in leaves(home))
    assert key.public == home.vault.verify_key(ORIGIN)


def test_nothing_private_is_readable_in_any_file(home: Home) -> None:
    home.fill(2)

    for file in home.folder.iterdir():
        assert WORDS.encode() not in file.read_bytes()
        assert b"c-example" not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_body_cannot_be_moved_to_another_entry(home: Home) -> None:
    home.fill(2)
    with behind_its_back(home.folder / "log.db") as db:
        db.execute("UPDATE leaves SET body = (SELECT body FROM leaves WHERE seq=3) WHERE seq=0")
    record = home.log.records(LogQuery(), newest_first=False)[0]

    with pytest.raises(LogError, match="was changed"):
        home.log.open_body(record)


def test_a_body_is_bound_to_its_log_and_to_every_field_beside_it() -> None:
    header = {"seq": 1, "actor": "a-7f3", "body": {"ct": "00"}}
    bound = {
        about_body("one", header),
        about_body("two", header),
        about_body("one", header | {"seq": 2}),
        about_body("one", header | {"actor": "b-001"}),
    }

    assert len(bound) == 4
    assert about_body("one", header | {"body": {"ct": "11"}}) == about_body("one", header)


def test_the_log_is_durable_and_says_so_when_asked(home: Home) -> None:
    home.log.seal(an_entry())
    assert home.log._writer is not None

    settings = [
        home.log._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    ]
    assert settings == ["wal", 2]


def test_a_locked_vault_seals_nothing_but_everything_can_be_read(tmp_path: Path, home: Home) -> None:
    home.fill(1)
    home.close()
    locked = Home.__new__(Home)
    locked.vault = KeyVault(tmp_path / "keys.db", DemoSecrets(tmp_path / "demo.json"))
    home.log._vault = home.log._kept = locked.vault

    with pytest.raises(VaultLocked):
        home.log.seal(an_entry())
    record = home.log.records(LogQuery(decision="d-0"), newest_first=False)[0]
    with pytest.raises(VaultLocked):
        home.log.open_body(record)
    assert home.log.verify().is_sound
    assert home.log.heads()[0].size == 3
    assert home.log.decision("d-0") is not None
    locked.vault.close()


# What cannot be sealed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"at": datetime(2026, 11, 2, 9, 30)}, "without its zone"),  # noqa: DTZ001 - that is the point
        ({"actor": "half \ud83d"}, "surrogate"),
        ({"detail": "they said that"}, "not a code"),
        ({"detail": "x" * 201}, "not a code"),
        ({"body": {"reason": object()}}, "no JSON form"),
    ],
)
def test_what_has_no_safe_form_is_refused_and_leaves_nothing(
    home: Home, change: dict[str, object], says: str
) -> None:
    home.log.seal(an_entry())

    with pytest.raises(LogError, match=says):
        home.log.seal(an_entry(**change))

    assert home.log.verify().entries == 1


@pytest.mark.parametrize("value", [2**53, -(2**53), 1.5, True, None, ("a",), {"é": 1}, {1: 2}, ["\udc00"]])
def test_a_header_takes_whole_numbers_and_texts_only(value: object) -> None:
    with pytest.raises(LogError, match="cannot be sealed"):
        canonical({"field": value})


VALUES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner, max_size=4)
    ),
)


@given(st.dictionaries(st.text(st.characters(max_codepoint=127)), VALUES, max_size=5))
def test_the_bytes_are_those_of_rfc_8785(header: dict[str, object]) -> None:
    assert canonical(header) == rfc8785.dumps(header)  # type: ignore[arg-type]


def test_a_members_half_character_survives_in_the_private_part(home: Home) -> None:
    home.log.seal(an_entry(body={"reason": "half \ud83d, and \x1b[31m"}))

    assert home.log.open_body(home.log.records(LogQuery())[0]) == {"reason": "half \ud83d, and \x1b[31m"}


def test_times_are_kept_in_utc_whatever_zone_they_came_in(home: Home) -> None:
    home.log.seal(an_entry(at=START.astimezone(timezone(timedelta(hours=5)))))

    assert home.log.records(LogQuery())[0].entry.at == START
    assert home.log.records(LogQuery())[0].header["ts"] == "2026-11-02T09:30:00.000000Z"


# Bad days


def seal_many(home: Home, body: dict[str, object]) -> None:
    for _ in range(200):
        home.log.seal(an_entry(body=body))


def test_a_full_disk_is_said_and_costs_nothing_that_was_there(home: Home) -> None:
    home.fill(1)
    db = home.log._writer
    assert db is not None
    db.execute(f"PRAGMA max_page_count={db.execute('PRAGMA page_count').fetchone()[0]}")

    with pytest.raises(LogError, match="disk is full") as caught:
        seal_many(home, {"reason": "x" * 2000})

    assert "safe" in caught.value.kept
    assert "press !" in caught.value.next_step
    db.execute("PRAGMA max_page_count=1000000")
    home.log.seal(an_entry())
    assert home.log.verify().is_sound


def test_a_full_disk_under_the_keys_is_said_too(home: Home) -> None:
    home.fill(1)
    db = home.vault._db
    db.execute(f"PRAGMA max_page_count={db.execute('PRAGMA page_count').fetchone()[0]}")

    with pytest.raises(LogError, match="disk is full"):
        seal_many(home, {"reason": "x"})
    assert home.log.verify().is_sound


class FailingDisk:
    """A connection whose disk fails at COMMIT."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        if sql == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return self._db.execute(sql, *values)


def test_a_failing_disk_is_said_and_the_entry_is_not_there(home: Home) -> None:
    home.fill(1)
    assert home.log._writer is not None
    sound = home.log._writer
    home.log._writer = FailingDisk(sound)  # type: ignore[assignment]

    with pytest.raises(LogError, match="disk failed") as caught:
        home.log.seal(an_entry())

    assert "audit verify" in caught.value.next_step
    home.log._writer = sound
    assert home.log.verify().entries == 3


def test_a_log_held_by_another_console_for_too_long_is_said(tmp_path: Path) -> None:
    home = Home(tmp_path, busy_seconds=0.01)
    home.log.seal(an_entry())
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(LogError, match="Another console"):
        home.log.seal(an_entry())

    other.close()
    assert home.log.seal(an_entry()).seq == 1
    home.close()


def test_a_file_that_is_no_log_is_said_and_left_alone(home: Home) -> None:
    (home.folder / "log.db").write_bytes(b"something else entirely " * 100)

    for attempt in (lambda: home.log.seal(an_entry()), lambda: home.log.records(LogQuery()), home.log.verify):
        with pytest.raises(LogError, match="damaged"):
            attempt()
    assert (home.folder / "log.db").read_bytes().startswith(b"something else")


def test_a_log_of_a_newer_version_is_left_alone(home: Home) -> None:
    home.fill(1)
    home.log.close()
    with behind_its_back(home.folder / "log.db") as db:
        db.execute("PRAGMA user_version=99")

    with pytest.raises(LogError, match="newer") as caught:
        home.log.seal(an_entry())
    assert caught.value.next_step == "Use the newer version."


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path, home: Home) -> None:
    (tmp_path / "file").write_text("in the way")
    home.log._path = tmp_path / "file" / "log.db"

    with pytest.raises(LogError, match="cannot be opened"):
        home.log.seal(an_entry())


def test_an_entry_that_was_committed_is_never_reported_as_lost(home: Home) -> None:
    home.fill(1)
    heads = home.vault._db_for_heads
    heads.execute("PRAGMA query_only=ON")

    assert home.log.seal(an_entry()).seq == 3
    assert home.log.verify().is_sound


# Names, quarters, and logs that cannot be continued


def test_names_are_plain_and_nobodys_real_log_passes_for_a_demos() -> None:
    assert [slug(name) for name in ("Quiet Harbour!", "Ärzte & Co", "  ", "日本")] == [
        "quiet-harbour",
        "arzte-co",
        "unnamed",
        "unnamed",
    ]
    name = next(origins_for("Demo", "d", demo=False, at=datetime(2027, 1, 1, tzinfo=UTC)))
    assert name == "modconsole.demo-service/d/2027Q1"
    assert next(origins_for("x", "d", demo=True, at=START)) == "modconsole.demo/d/2026Q4"


def test_a_new_quarter_opens_a_new_log_that_names_the_old_ones_head(home: Home) -> None:
    home.fill(1)
    old = home.log.heads()[0]
    home.later(days=70)
    receipt = home.log.seal(an_entry(at=home.time))
    opening = home.log.records(LogQuery(kind=EntryKind.KEY_EVENT))[0]

    assert receipt.origin == "modconsole.quiet-harbour/front-desk/2027Q1"
    assert (opening.origin, opening.seq, receipt.seq) == (receipt.origin, 0, 1)
    assert opening.header["prev"] == {"origin": old.origin, "size": 3, "root": old.root}
    assert opening.entry.detail == "new_period"
    assert len({head.vkey for head in home.log.heads()}) == 2
    assert home.log.verify().is_sound


def cut(db: sqlite3.Connection) -> None:
    """Put the log back to three entries, as it really was then."""
    from modconsole.audit.log_end import EMPTY_TRAIL, trail_after
    from modconsole.core.merkle import Frontier

    db.execute("DELETE FROM leaves WHERE seq > 2")
    frontier, trail = Frontier(), EMPTY_TRAIL
    for hash, root, signature in db.execute(
        "SELECT hash, root, signature FROM leaves ORDER BY seq"
    ).fetchall():
        frontier.append(hash)
        trail = trail_after(trail, root, signature)
    db.execute("UPDATE logs SET frontier=?, trail=?", (frontier.to_bytes(), trail))


def drop(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM leaves")
    db.execute("DELETE FROM logs")


def spoil(db: sqlite3.Connection) -> None:
    db.execute("UPDATE logs SET frontier=x'00'")


def nudge(db: sqlite3.Connection) -> None:
    (frontier,) = db.execute("SELECT frontier FROM logs").fetchone()
    db.execute("UPDATE logs SET frontier=?", (frontier[:-1] + bytes([frontier[-1] ^ 1]),))


def rename(db: sqlite3.Connection) -> None:
    db.execute("UPDATE logs SET vkey=replace(vkey, '+', '-')")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (cut, "shortened"),
        (drop, "shortened"),
        (spoil, "damaged"),
        (nudge, "damaged"),
        (rename, "key_changed"),
    ],
)
def test_a_log_that_cannot_be_continued_is_left_and_named_by_the_next(
    home: Home, harm: object, reason: str
) -> None:
    home.fill(2)
    whole = home.log.heads()[0]
    home.log.close()
    with behind_its_back(home.folder / "log.db") as db:
        harm(db)  # type: ignore[operator]
    receipt = home.log.seal(an_entry())
    again = home.log.seal(an_entry())
    opening = home.log.records(LogQuery(kind=EntryKind.KEY_EVENT))[0]

    assert receipt.origin == again.origin == ORIGIN + "-2"
    assert (receipt.seq, again.seq) == (1, 2)
    assert opening.entry.detail == reason
    assert opening.header["prev"] == {"origin": ORIGIN, "size": 6, "root": whole.root}
    assert {finding.origin for finding in home.log.verify().findings} == {ORIGIN}


def test_a_log_that_went_on_elsewhere_is_not_continued_here(tmp_path: Path) -> None:
    here = Home(tmp_path / "here")
    here.fill(1)
    here.log.close()
    before = (tmp_path / "here" / "log.db").read_bytes()
    here.log.seal(an_entry(actor="one"))
    here.log.close()
    kept = here.vault.kept_heads()[0]
    for left in (tmp_path / "here").glob("log.db*"):
        left.unlink()
    (tmp_path / "here" / "log.db").write_bytes(before)
    elsewhere = Home(tmp_path / "here")
    elsewhere.vault.kept_heads = lambda: []  # type: ignore[method-assign]  # what a copied folder would not know
    elsewhere.log.seal(an_entry(actor="two"))
    elsewhere.close()

    receipt = here.log.seal(an_entry(actor="three"))
    assert receipt.origin == ORIGIN + "-2"
    assert here.log.records(LogQuery(kind=EntryKind.KEY_EVENT))[0].entry.detail == "forked"
    assert here.vault.kept_heads()[0] == kept
    assert [finding.what for finding in here.log.shortened()] == [
        f"At 4 entries the log is not the one that keys.db remembers (root {kept.root.hex()})."
    ]
    here.close()


def test_a_lost_log_key_stops_that_log_and_nothing_else(home: Home) -> None:
    home.fill(1)
    home.close()
    DemoSecrets(home.folder / "demo.json").delete(f"log-key {ORIGIN}")
    again = Home(home.folder)

    assert again.log.seal(an_entry()).origin == ORIGIN + "-2"
    assert again.log.records(LogQuery(kind=EntryKind.KEY_EVENT))[0].entry.detail == "key_lost"
    assert again.log.verify().is_sound
    again.close()


def test_importing_the_part_imports_no_library() -> None:
    code = (
        "import sys, modconsole.audit; print({'keyring', 'cryptography', 'sqlite_utils'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
