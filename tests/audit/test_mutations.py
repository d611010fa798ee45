"""Every value, row and page of a log is changed in turn, and `verify` reports each; what it cannot see is listed.

`test_verifying.py` has the clever changes one by one, and what is said about them. Here they come in bulk.
"""

# ruff: noqa: S608 - the table and column names are our own

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, product
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modconsole.audit import SealedLog
from modconsole.audit.database import schema_as_made
from modconsole.audit.log_end import EMPTY_TRAIL, trail_after
from modconsole.audit.troubles import told_plainly
from modconsole.core.decision import EntryKind
from modconsole.core.errors import LogError
from modconsole.core.merkle import Frontier, leaf_hash
from modconsole.core.note import Checkpoint, VerifierKey, checkpoint_text, parse_verifier_key
from modconsole.ports.audit import VerifyReport
from modconsole.ports.vault import KeptHead, WitnessedHead
from modconsole.vault import DemoSecrets
from tests.audit.homes import Home, an_entry

EVERY = int(os.environ.get("MODCONSOLE_MUTATE_EVERY", "9"))
"""Of a long value each so manyth byte is flipped; of a short one, each."""

SHORT = 64
PAGE_STEP = 23 * EVERY
Change = Callable[[sqlite3.Connection], object]


class Remembered:
    """What keys.db keeps of the logs."""

    def __init__(self, heads: list[KeptHead]) -> None:
        self.heads = heads

    def kept_heads(self) -> list[KeptHead]:
        return self.heads

    def witnessed_heads(self) -> list[WitnessedHead]:
        return []


class InMemory(SealedLog):
    """A log that verifies an image of its file."""

    def __init__(self, image: bytes, kept: list[KeptHead]) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.deserialize(image)
        self._path = Path("log.db")
        self._kept = Remembered(kept)  # type: ignore[assignment]
        self._witnesses = None

    @contextmanager
    def _apart(self) -> Iterator[sqlite3.Connection]:
        with told_plainly(self._path):
            yield self.db


@dataclass(frozen=True)
class Original:
    image: bytes
    kept: list[KeptHead]
    seeds: dict[str, bytes]
    """The logs' private keys, by origin."""
    sizes: dict[int, int]
    """How many entries each log has, by its number in the file."""
    origins: dict[int, str]

    def verify(self, change: Change, kept: list[KeptHead] | None = None) -> VerifyReport:
        """Change a fresh copy and verify it."""
        log = InMemory(self.image, self.kept if kept is None else kept)
        with closing(log.db):
            change(log.db)
            return log.verify()

    def places(self) -> list[tuple[int, int]]:
        return [(log, seq) for log, size in self.sizes.items() for seq in range(size)]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    """Three logs, of one quarter each, with twelve entries; two of each three have a private part."""
    home = Home(tmp_path_factory.mktemp("original"))
    for count in (5, 3, 2):
        for number in range(count):
            body = {"words": f"a kind word {number}"} if number % 3 else None
            home.log.seal(an_entry(EntryKind.ESCALATED, detail=str(number), body=body, at=home.time))
        home.later(days=92)
    kept = list(home.vault.kept_heads())
    secrets = DemoSecrets(home.folder / "demo.json")
    seeds = {head.origin: secrets.get(f"log-key {head.origin}") or b"" for head in kept}
    home.close()
    path = home.folder / "log.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=DELETE")  # a database in memory has no WAL
        sizes = dict(db.execute("SELECT log, count(*) FROM leaves GROUP BY log"))
        origins = dict(db.execute("SELECT id, origin FROM logs"))
    with pytest.MonkeyPatch.context() as patch:
        # The same every time, and it takes longer than all the rest.
        patch.setattr("modconsole.audit.verifying.schema_as_made", cache(schema_as_made))
        yield Original(path.read_bytes(), kept, seeds, sizes, origins)


def test_the_original_is_sound(original: Original) -> None:
    report = original.verify(lambda db: None)

    assert (report.findings, report.entries, len(report.heads)) == ((), 12, 3)
    assert list(original.sizes.values()) == [5, 4, 3]


# Single bits


def stored_columns(db: sqlite3.Connection, table: str) -> list[str]:
    """Name the columns that are not computed."""
    return [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]


@dataclass(frozen=True)
class Flip:
    """One bit of one stored value, the leaf's own text aside: SQLite would refuse to index what is no JSON."""

    table: str
    column: str
    id: int
    at: int

    def __call__(self, db: sqlite3.Connection) -> None:
        value = f"typeof({self.column}), CAST({self.column} AS BLOB)"
        ((kind, data),) = db.execute(f"SELECT {value} FROM {self.table} WHERE id=?", (self.id,))
        if kind == "integer":
            self.set(db, "?", int(data) ^ 1 << self.at)
            return
        spoilt = bytearray(data)
        spoilt[self.at] ^= 1 << (self.at + self.id) % 7
        self.set(db, "CAST(? AS TEXT)" if kind == "text" else "?", bytes(spoilt))

    def set(self, db: sqlite3.Connection, as_: str, value: object) -> None:
        db.execute(f"UPDATE {self.table} SET {self.column}={as_} WHERE id=?", (value, self.id))


def flips(original: Original, table: str) -> Iterator[Flip]:
    with closing(InMemory(original.image, []).db) as db:
        for column in stored_columns(db, table):
            size = f"CASE typeof({column}) WHEN 'integer' THEN 6 ELSE length(CAST({column} AS BLOB)) END"
            for id, length in db.execute(f"SELECT id, {size} FROM {table}").fetchall():
                step = 1 if (length or 0) <= SHORT else EVERY
                yield from (Flip(table, column, id, at) for at in range(0, length or 0, step))


def test_every_flipped_bit_of_an_entrys_row_is_reported_and_the_entry_named(original: Original) -> None:
    count = 0
    rows = dict(enumerate(original.places(), 1))
    for change in flips(original, "leaves"):
        if change.column in ("id", "leaf"):
            continue  # in tests of their own
        try:
            report = original.verify(change)
        except sqlite3.IntegrityError:
            continue  # two entries of one number: SQLite itself refuses
        count += 1
        log, seq = rows[change.id]
        assert report.findings, change
        if change.column not in ("log", "seq"):  # an entry under another number is missed elsewhere, too
            assert (report.findings[0].origin, report.findings[0].seq) == (original.origins[log], seq), change
    print(f"{count} flips")
    assert count > 1500


def test_every_flipped_bit_of_a_logs_own_row_is_reported(original: Original) -> None:
    for change in flips(original, "logs"):
        try:
            report = original.verify(change)
        except sqlite3.IntegrityError:
            continue  # two logs of one number
        assert report.findings, change


def test_every_flipped_bit_of_an_entrys_text_is_reported_and_the_entry_named(original: Original) -> None:
    """In the file itself, because SQLite would refuse most of them."""
    with closing(InMemory(original.image, []).db) as db:
        leaves = db.execute("SELECT log, seq, leaf FROM leaves").fetchall()
    for log, seq, leaf in leaves:
        start = original.image.index(leaf.encode())
        for at in range(start, start + len(leaf), EVERY):
            image = bytearray(original.image)
            image[at] ^= 1 << at % 7
            report = replace(original, image=bytes(image)).verify(lambda db: None)

            assert (report.findings[0].origin, report.findings[0].seq) == (original.origins[log], seq), at


# Values of another kind, or none

OTHERS = ["NULL", "''", "x''", "0", "-1", "9e99", "'a'", "x'80'", "zeroblob(70000)", "'[1,2]'", "char(0)"]
OF_ITSELF = ["{0} || x'00'", "substr({0}, 2)", "{0} || {0}"]
SAME_BYTES = {"blob": "CAST({0} AS TEXT)", "text": "CAST({0} AS BLOB)", "integer": "CAST({0} AS TEXT) || ' '"}


@contextmanager
def rules_off(db: sqlite3.Connection, table: str) -> Iterator[None]:
    """Have no indices, computed columns and NOT NULL for a moment, as somebody with a hex editor has none."""
    db.execute("PRAGMA writable_schema=ON")
    schema = db.execute("SELECT rowid, * FROM sqlite_master WHERE tbl_name=?", (table,)).fetchall()
    names = ["id INTEGER PRIMARY KEY" if name == "id" else name for name in stored_columns(db, table)]
    db.execute("DELETE FROM sqlite_master WHERE tbl_name=? AND type='index'", (table,))
    bare = f"CREATE TABLE {table} ({', '.join(names)})"
    db.execute("UPDATE sqlite_master SET sql=? WHERE name=?", (bare, table))
    db.execute("PRAGMA writable_schema=RESET")
    yield
    db.execute("PRAGMA writable_schema=ON")
    db.execute("DELETE FROM sqlite_master WHERE tbl_name=?", (table,))
    columns = "rowid, type, name, tbl_name, rootpage, sql"
    db.executemany(f"INSERT INTO sqlite_master ({columns}) VALUES (?, ?, ?, ?, ?, ?)", schema)
    db.execute("PRAGMA writable_schema=RESET")


def put(table: str, column: str, id: int, value: str) -> Change:
    def change(db: sqlite3.Connection) -> None:
        before = f"SELECT typeof({column}) FROM {table} WHERE id=?"
        kind = db.execute(before, (id,)).fetchone()[0]
        with rules_off(db, table):
            into = SAME_BYTES.get(kind, "x'00'") if value == "the same bytes" else value
            db.execute(f"UPDATE {table} SET {column}={into.format(column)} WHERE id=?", (id,))

    return change


@pytest.mark.parametrize(("table", "ids"), [("leaves", (1, 2, 5, 8, 12)), ("logs", (1, 3))])
def test_a_value_of_any_other_kind_is_reported_and_stops_nothing(
    original: Original, table: str, ids: tuple[int, ...]
) -> None:
    with closing(InMemory(original.image, []).db) as db:
        columns = [column for column in stored_columns(db, table) if column != "id"]
    for column, id, value in product(columns, ids, (*OTHERS, *OF_ITSELF, "the same bytes")):
        log = InMemory(original.image, original.kept)
        with closing(log.db):
            before = log.db.execute(f"SELECT typeof({column}), {column} FROM {table}").fetchall()
            put(table, column, id, value)(log.db)
            log.db.text_factory = bytes
            after = log.db.execute(f"SELECT typeof({column}), {column} FROM {table}").fetchall()
            log.db.text_factory = str

            assert log.verify().findings or before == decoded(after), (column, id, value)


def decoded(rows: list[tuple[bytes, object]]) -> list[tuple[str, object]]:
    return [
        (
            kind.decode(),
            value.decode(errors="replace") if kind == b"text" and isinstance(value, bytes) else value,
        )
        for kind, value in rows
    ]


def test_a_row_renumbered_is_reported_if_its_log_would_be_read_in_another_order(original: Original) -> None:
    for change in flips(original, "leaves"):
        if change.column != "id":
            continue
        log = InMemory(original.image, original.kept)
        with closing(log.db), suppress(sqlite3.IntegrityError):
            change(log.db)
            order = log.db.execute("SELECT log, seq FROM leaves ORDER BY id").fetchall()

            assert log.verify().findings or sorted(order, key=lambda place: place[0]) == sorted(order)


# Rows


def again(db: sqlite3.Connection, log: int) -> None:
    """Compute anew whatever takes no key."""
    frontier, trail = Frontier(), EMPTY_TRAIL
    rows = db.execute("SELECT id, leaf, signature FROM leaves WHERE log=? ORDER BY seq", (log,)).fetchall()
    for id, leaf, signature in rows:
        hash = leaf_hash(leaf.encode())
        frontier.append(hash)
        trail = trail_after(trail, frontier.root(), signature)
        db.execute("UPDATE leaves SET hash=?, root=? WHERE id=?", (hash, frontier.root(), id))
    db.execute("UPDATE logs SET frontier=?, trail=? WHERE id=?", (frontier.to_bytes(), trail, log))


def cut(db: sqlite3.Connection, log: int, size: int) -> None:
    """Take a log back to an older state of it, whose head is validly signed."""
    db.execute("DELETE FROM leaves WHERE log=? AND seq>=?", (log, size))
    again(db, log)


def taken_out(log: int, seq: int) -> Change:
    return lambda db: db.execute("DELETE FROM leaves WHERE log=? AND seq=?", (log, seq))


def taken_out_and_closed_up(log: int, seq: int) -> Change:
    def change(db: sqlite3.Connection) -> None:
        taken_out(log, seq)(db)
        db.execute("UPDATE leaves SET seq=-seq WHERE log=? AND seq>?", (log, seq))
        db.execute("UPDATE leaves SET seq=-seq-1 WHERE log=? AND seq<0", (log,))
        again(db, log)

    return change


def doubled(log: int, seq: int) -> Change:
    def change(db: sqlite3.Connection) -> None:
        db.execute("UPDATE leaves SET seq=-seq WHERE log=? AND seq>?", (log, seq))
        db.execute("UPDATE leaves SET seq=-seq+1 WHERE log=? AND seq<0", (log,))
        db.execute(
            "INSERT INTO leaves (log, seq, hash, root, signature, leaf, body)"
            " SELECT log, seq+1, hash, root, signature, leaf, body FROM leaves WHERE log=? AND seq=?",
            (log, seq),
        )
        again(db, log)

    return change


def rewritten(log: int, seq: int) -> Change:
    """Change an entry's words, its body and every hash that takes no key."""

    def change(db: sqlite3.Connection) -> None:
        (leaf,) = db.execute("SELECT leaf FROM leaves WHERE log=? AND seq=?", (log, seq)).fetchone()
        words = leaf.replace('"ts":"2', '"ts":"1')
        assert words != leaf
        db.execute("UPDATE leaves SET leaf=? WHERE log=? AND seq=?", (words, log, seq))
        again(db, log)

    return change


@pytest.mark.parametrize("way", [taken_out, taken_out_and_closed_up, doubled, rewritten])
def test_an_entry_taken_out_put_in_twice_or_rewritten_is_reported(
    original: Original, way: Callable[[int, int], Change]
) -> None:
    for log, seq in original.places():
        first = original.verify(way(log, seq)).findings[0]

        assert (first.origin, first.seq) == (original.origins[log], seq + (way is doubled))


VALUES = ["hash", "root", "signature", "leaf", "body"]


@pytest.mark.parametrize(
    "columns", [[column] for column in VALUES] + [VALUES, ["seq"], ["log", "seq"]], ids=str
)
def test_two_entries_that_changed_places_are_reported(original: Original, columns: list[str]) -> None:
    """Within a log, and from one log to another; values alone, whole rows, and just the numbers."""
    names = ", ".join(columns)
    for first, second in combinations(range(1, sum(original.sizes.values()) + 1), 2):

        def change(db: sqlite3.Connection, first: int = first, second: int = second) -> bool:
            wanted = f"SELECT {names} FROM leaves WHERE id=?"
            one, other = (db.execute(wanted, (id,)).fetchone() for id in (first, second))
            marks = ", ".join(f"{name}=?" for name in columns)
            with rules_off(db, "leaves"):
                db.execute(f"UPDATE leaves SET {marks} WHERE id=?", (*other, first))
                db.execute(f"UPDATE leaves SET {marks} WHERE id=?", (*one, second))
            return bool(one != other)

        log = InMemory(original.image, original.kept)
        with closing(log.db):
            if change(log.db):
                assert log.verify().findings, (first, second)


def test_a_tail_cut_back_to_an_old_signed_head_is_reported_with_where(original: Original) -> None:
    for log, seq in original.places():
        first = original.verify(lambda db, log=log, seq=seq: cut(db, log, seq)).findings[0]  # type: ignore[misc]

        assert (first.origin, first.seq) == (original.origins[log], seq)


# Whole logs


def gone(log: int) -> Change:
    return lambda db: db.executescript(f"DELETE FROM leaves WHERE log={log}; DELETE FROM logs WHERE id={log}")


def renamed(log: int) -> Change:
    """Give a log another name, and its key that name too."""

    def change(db: sqlite3.Connection) -> None:
        (vkey,) = db.execute("SELECT vkey FROM logs WHERE id=?", (log,)).fetchone()
        key = VerifierKey("modconsole.quiet-harbour/front-desk/2031Q1", parse_verifier_key(vkey).public)
        db.execute("UPDATE logs SET origin=?, vkey=? WHERE id=?", (key.name, str(key), log))

    return change


def swapped(column: str, log: int) -> Change:
    def change(db: sqlite3.Connection) -> None:
        values = [
            db.execute(f"SELECT {column} FROM logs WHERE id=?", (id,)).fetchone()[0]
            for id in (log, 1 + log % 3)
        ]
        for id, value in ((log, None), (1 + log % 3, values[0]), (log, values[1])):
            db.execute(f"UPDATE logs SET {column}=? WHERE id=?", (value or b"meanwhile", id))

    return change


@pytest.mark.parametrize("log", [1, 2, 3])
def test_a_log_removed_renamed_or_swapped_with_another_is_reported(original: Original, log: int) -> None:
    swaps = [swapped(column, log) for column in ("origin", "vkey", "frontier", "trail")]
    for change in [gone(log), renamed(log), *swaps]:
        found = original.verify(change).findings

        assert original.origins[log] in [finding.origin for finding in found]


# Pages


def everything(db: sqlite3.Connection) -> object:
    """Read all that anybody could read in the file."""
    tables = [
        name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")
    ]
    rows = {table: db.execute(f"SELECT *, rowid FROM {table}").fetchall() for table in tables}
    return rows, db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()


def reads_as_before(image: bytes, before: object) -> bool:
    with closing(InMemory(image, []).db) as db:
        try:
            return everything(db) == before
        except sqlite3.Error:
            return False


def test_a_flipped_byte_anywhere_in_the_file_is_reported_unless_nothing_reads_differently(
    original: Original,
) -> None:
    with closing(InMemory(original.image, []).db) as db:
        before = everything(db)
    reported = harmless = 0
    for at in [*range(0, 100), *range(100, len(original.image), PAGE_STEP)]:
        image = bytearray(original.image)
        image[at] ^= 1 << at % 8
        if found(replace(original, image=bytes(image))):
            reported += 1
        else:
            harmless += 1
            assert reads_as_before(bytes(image), before), at
    print(f"{reported} reported, {harmless} in places where nothing is stored")
    assert reported > 100


def found(original: Original) -> bool:
    """Verify; a file that SQLite cannot even open is told as an error, in words."""
    try:
        return bool(original.verify(lambda db: None).findings)
    except LogError as error:
        return bool(error.next_step)


# What nobody can see without a witness


def resigned(key: Ed25519PrivateKey, origin: str) -> Change:
    """Rewrite an entry as the one who holds the log's key."""

    def change(db: sqlite3.Connection) -> None:
        (log,) = db.execute("SELECT id FROM logs WHERE origin=?", (origin,)).fetchone()
        rewritten(log, 1)(db)
        for id, seq, root in db.execute("SELECT id, seq, root FROM leaves WHERE log=?", (log,)).fetchall():
            text = checkpoint_text(Checkpoint(origin, seq + 1, root))
            db.execute("UPDATE leaves SET signature=? WHERE id=?", (key.sign(text.encode()), id))
        again(db, log)

    return change


def kept_now(original: Original, change: Change) -> list[KeptHead]:
    """Give what keys.db would remember if the changed log were the only one there ever was."""
    log = InMemory(original.image, [])
    with closing(log.db) as db:
        change(db)
        rows = db.execute(
            "SELECT origin, seq + 1, root, trail, vkey FROM logs JOIN leaves ON leaves.log=logs.id"
            " WHERE seq=(SELECT max(seq) FROM leaves WHERE log=logs.id) ORDER BY logs.id"
        ).fetchall()
    return [
        KeptHead(origin, size, root, trail, parse_verifier_key(vkey).public)
        for origin, size, root, trail, vkey in rows
    ]


def test_this_is_all_that_cannot_be_seen_without_a_witness(original: Original) -> None:
    last, size = original.origins[3], original.sizes[3]
    shorter: Change = lambda db: cut(db, 3, size - 1)  # noqa: E731
    stolen = resigned(Ed25519PrivateKey.from_private_bytes(original.seeds[last]), last)
    everything_gone: Change = lambda db: db.executescript("DELETE FROM leaves; DELETE FROM logs")  # noqa: E731
    unseen: dict[str, tuple[Change, list[KeptHead] | None]] = {
        "log.db and keys.db put back together": (shorter, kept_now(original, shorter)),
        "a log and keys.db's memory of it taken out together": (gone(3), kept_now(original, gone(3))),
        "log.db and keys.db deleted together": (everything_gone, []),
        "the tail cut, and keys.db gone": (shorter, []),
        "an entry rewritten with the log's own key, and keys.db with it": (
            stolen,
            kept_now(original, stolen),
        ),
        "the last row moved further down the file, past other logs' rows": (
            lambda db: db.execute("UPDATE leaves SET id=1000 WHERE log=1 AND seq=4"),
            None,
        ),
    }
    seen: dict[str, tuple[Change, list[KeptHead] | None]] = {
        "log.db alone put back": (shorter, None),
        "a log alone taken out": (gone(3), None),
        "log.db alone deleted": (everything_gone, None),
        "an entry rewritten with the log's own key alone": (stolen, None),
        "an entry rewritten without it, and keys.db gone": (rewritten(3, 1), []),
    }

    sound = {
        name for name, (change, kept) in {**unseen, **seen}.items() if original.verify(change, kept).is_sound
    }
    assert sound == set(unseen)
    # Where keys.db is what is missing, that is said.
    assert any("keys.db remembers nothing" in note for note in original.verify(shorter, []).notes)
