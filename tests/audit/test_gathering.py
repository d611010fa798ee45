"""Many devices' logs become one reviewing database: a union, in any order, of what each log's own key signed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modconsole.audit import SealedLog
from modconsole.audit.evidence import parse_proof
from modconsole.audit.gathering import Gathering
from modconsole.audit.heads import signed_head
from modconsole.audit.tiles import bundle
from modconsole.audit.tools import FileLogTools
from modconsole.core.decision import EntryKind
from modconsole.core.errors import LogError, NotAllowed
from modconsole.core.merkle import leaf_hash, tree_root, verify_inclusion
from modconsole.core.note import Checkpoint, VerifierKey, checkpoint_text, parse_verifier_key, signed_note
from modconsole.ports.audit import LogQuery
from modconsole.ports.gathered import TakenIn
from modconsole.vault import DemoSecrets, KeyVault
from tests.audit.homes import START, a_decision, an_entry

SIZES = (1, 3, 4, 255, 256, 257, 300)


class Machine:
    """A device with a log of its own, at which time goes on by a second with every entry."""

    def __init__(self, folder: Path, device: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.device = folder, device
        self.time = START
        self.vault = KeyVault(folder / "keys.db", DemoSecrets(folder / "demo.json"))
        self.vault.unlock()
        self.log = SealedLog(
            folder / "log.db",
            self.vault,
            kept=self.vault,
            org="Quiet Harbour",
            device=device,
            demo=False,
            now=lambda: self.time,
        )

    @property
    def origin(self) -> str:
        return f"modconsole.quiet-harbour/{self.device}/2026Q4"

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.origin, self.vault.verify_key(self.origin))

    def grow(self, size: int) -> None:
        """Seal decisions, as many entries as it takes."""
        while (at := self.size) < size:
            entry = a_decision(f"d-{self.device}-{at // 3}", at=self.time, actor=f"a-{self.device}")[at % 3]
            self.log.seal(entry)
            self.time += timedelta(seconds=1)

    @property
    def size(self) -> int:
        heads = self.log.heads()
        return heads[0].size if heads else 0

    def export(self, out: Path) -> Path:
        FileLogTools(lambda: self.folder / "log.db").write_tiles(out)
        return out

    def cloned(self, folder: Path) -> Machine:
        shutil.copytree(self.folder, folder)
        return Machine(folder, self.device)

    def close(self) -> None:
        self.log.close()
        self.vault.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    made: list[Machine] = []

    def make(device: str = "front", size: int = 6) -> Machine:
        made.append(Machine(tmp_path / device, device))
        made[-1].grow(size)
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def review(tmp_path: Path) -> Iterator[Gathering]:
    made = Gathering(tmp_path / "review.db")
    yield made
    made.close()


def content(path: Path) -> list[object]:
    """Give all that a reviewing database says, without the numbers it gave the logs itself."""
    with sqlite3.connect(path) as db:
        return [
            db.execute("SELECT origin, vkey, size, checkpoint, frozen FROM logs ORDER BY origin").fetchall(),
            db.execute(
                "SELECT origin, seq, hash, leaf FROM leaves JOIN logs ON logs.id = log ORDER BY origin, seq"
            ).fetchall(),
            db.execute(
                "SELECT origin, seq, what, value, listed.ts FROM listed JOIN logs ON logs.id = log ORDER BY 1, 2, 3, 4"
            ).fetchall(),
            db.execute("SELECT * FROM forks").fetchall(),
        ]


def only(taken: list[TakenIn]) -> TakenIn:
    (one,) = taken
    return one


# A union


@dataclass(frozen=True)
class Exports:
    keys: tuple[VerifierKey, ...]
    folders: dict[tuple[int, int], Path]
    """By machine and size."""


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """Exports of two machines, each at several sizes, and of the log that each began when it lost its key."""
    folder = tmp_path_factory.mktemp("exports")
    folders, keys = {}, []
    for number, device in enumerate(("front", "back")):
        made = Machine(folder / device, device)
        for size in SIZES:
            made.grow(size)
            folders[number, size] = made.export(folder / f"{device}-{size}")
        keys.append(made.key)
        made.close()
    return Exports(tuple(keys), folders)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.lists(st.tuples(st.sampled_from((0, 1)), st.sampled_from(SIZES)), min_size=1, max_size=8),
    enrolled_first=st.sampled_from((0, 1)),
    by_two=st.booleans(),
)
def test_any_exports_in_any_order_any_number_of_times_give_the_same_database(
    exports: Exports, tmp_path: Path, order: list[tuple[int, int]], enrolled_first: int, by_two: bool
) -> None:
    paths = [tmp_path / "drawn.db", tmp_path / "plain.db"]
    for path in paths:
        for left in path.parent.glob(path.name + "*"):
            left.unlink()
    drawn, plain = Gathering(paths[0]), Gathering(paths[1])
    beside = Gathering(paths[0])  # another console, which takes turns
    for number in (enrolled_first, 1 - enrolled_first):
        drawn.enrol(exports.keys[number])
    for turn, (number, size) in enumerate(order):
        taken = (beside if by_two and turn % 2 else drawn).take_in(exports.folders[number, size])
        assert only(taken).is_sound
    for number in (0, 1):
        plain.enrol(exports.keys[number])
        largest = max((size for other, size in order if other == number), default=0)
        if largest:
            plain.take_in(exports.folders[number, largest])
    shown = [
        [(r.origin, r.seq) for r in one.records(LogQuery(), limit=1000, newest_first=False)]
        for one in (drawn, plain)
    ]
    for one in (drawn, plain, beside):
        one.close()

    assert content(paths[0]) == content(paths[1])
    assert sorted(shown[0]) == sorted(shown[1])


def test_one_folder_may_hold_many_logs_and_each_is_taken_in_by_itself(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path
) -> None:
    front, back = machine("front"), machine("back", size=3)
    both = tmp_path / "both"
    both.mkdir()
    for one in (front, back):
        shutil.move(str(next(one.export(tmp_path / f"x-{one.device}").iterdir())), both / one.device)
    review.enrol(front.key)

    taken = {one.origin: one for one in review.take_in(both)}

    assert taken[front.origin].size == 6
    assert "not known here" in taken[back.origin].findings[0].what
    assert [log.origin for log in review.enrolled()] == [front.origin]


def test_what_was_taken_in_is_durable_and_readable_by_its_owner_only(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path
) -> None:
    front = machine()
    review.enrol(front.key)
    review.take_in(front.export(tmp_path / "out"))

    with sqlite3.connect(tmp_path / "review.db") as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert (tmp_path / "review.db").stat().st_mode & 0o777 == 0o600
    assert not review.verify()


# Whose logs


def test_a_key_is_never_taken_from_the_export(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path
) -> None:
    front = machine()

    taken = only(review.take_in(front.export(tmp_path / "out")))

    assert taken.size == 0
    assert "--enrol" in taken.findings[0].means


def test_another_key_for_a_name_that_is_known_is_refused(
    machine: Callable[..., Machine], review: Gathering
) -> None:
    front = machine()
    review.enrol(front.key)

    assert not review.enrol(front.key)
    with pytest.raises(NotAllowed, match="another key"):
        review.enrol(VerifierKey(front.origin, b"\x07" * 32))
    assert review.enrolled()[0].key == front.key


def test_an_enrolment_is_taken_back_only_while_nothing_came_in(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path
) -> None:
    front = machine()
    review.enrol(VerifierKey(front.origin, b"\x07" * 32))
    review.dismiss(front.origin)
    review.enrol(front.key)
    review.take_in(front.export(tmp_path / "out"))

    with pytest.raises(NotAllowed, match="6 entries"):
        review.dismiss(front.origin)
    with pytest.raises(NotAllowed, match="no log"):
        review.dismiss("modconsole.elsewhere/desk/2026Q4")


def test_a_demos_log_stays_out_of_a_real_home_and_a_real_one_out_of_a_demo(tmp_path: Path) -> None:
    key = bytes(range(32))
    with pytest.raises(NotAllowed, match="demo"):
        Gathering(tmp_path / "real.db").enrol(VerifierKey("modconsole.demo/desk/2026Q4", key))
    with pytest.raises(NotAllowed, match="demo"):
        Gathering(tmp_path / "demo.db", demo=True).enrol(VerifierKey("modconsole.quiet/desk/2026Q4", key))


# Two histories


@pytest.mark.parametrize(("ours", "theirs"), [(7, 7), (7, 9), (9, 7), (6, 9)])
def test_a_cloned_machine_stops_its_own_log_and_both_heads_are_kept(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path, ours: int, theirs: int
) -> None:
    front, back = machine(size=5), machine("back")
    for made in (front, back):
        review.enrol(made.key)
    clone = front.cloned(tmp_path / "clone")
    clone.time += timedelta(minutes=1)
    front.grow(ours)
    clone.grow(theirs)
    review.take_in(front.export(tmp_path / "front-out"))

    taken = only(review.take_in(clone.export(tmp_path / "clone-out")))
    after = only(review.take_in(back.export(tmp_path / "back-out")))
    front.grow(12)
    later = only(review.take_in(front.export(tmp_path / "later")))
    clone.close()

    (fork,) = review.forks()
    assert taken.fork == fork
    assert (fork.seq, taken.findings[0].seq) == (5, 5)
    assert [signed_head(note.encode(), [front.key]).point.size for note in (fork.held, fork.other)] == [
        ours,
        theirs,
    ]
    for text, leaf in ((fork.held_proof, fork.held_leaf), (fork.other_proof, fork.other_leaf)):
        proof = parse_proof(text)
        point = signed_head(proof.checkpoint.encode(), [front.key]).point
        verify_inclusion(leaf_hash(leaf), 5, point.size, proof.hashes, point.root)
    assert fork.held_leaf != fork.other_leaf
    assert after.is_sound
    assert after.size == 6
    assert "any more" in later.findings[0].what
    assert {log.origin: (log.size, log.frozen) for log in review.enrolled()} == {
        front.origin: (ours, True),
        back.origin: (6, False),
    }


def test_a_signed_head_alone_is_enough_to_prove_two_histories(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path
) -> None:
    front = machine(size=8)
    review.enrol(front.key)
    review.take_in(front.export(tmp_path / "out"))
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "checkpoint").write_text(signed(front, Checkpoint(front.origin, 4, b"\x05" * 32)))

    taken = only(review.take_in(alone))

    assert taken.fork is not None
    assert taken.fork.seq is None
    assert review.enrolled()[0].frozen


def test_nobody_is_accused_when_the_database_itself_was_changed(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path
) -> None:
    front = machine()
    review.enrol(front.key)
    review.take_in(front.export(tmp_path / "out"))
    with sqlite3.connect(tmp_path / "review.db") as db:
        db.execute("UPDATE leaves SET leaf = replace(leaf, 'hide', 'keep') WHERE seq = 2")
    db.close()

    with pytest.raises(LogError, match="behind our back"):
        review.take_in(tmp_path / "out")
    assert "do not give the head" in review.verify()[0].what
    assert not review.forks()
    assert not review.enrolled()[0].frozen


# Bad input


def signed(machine: Machine, point: Checkpoint) -> str:
    text = checkpoint_text(point)
    return signed_note(text, (machine.key, machine.vault.sign(machine.origin, text.encode())))


def spoilt_log(folder: Path) -> Path:
    (inner,) = [path for path in folder.iterdir() if path.is_dir()]
    return inner


def leaves_of(path: Path) -> list[bytes]:
    data, leaves, at = path.read_bytes(), [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        leaves.append(data[at + 2 : end])
        at = end
    return leaves


def cut_short(log: Path, machine: Machine) -> None:
    path = log / "tile/entries/001.p/44"
    path.write_bytes(path.read_bytes()[:-1])


def without_a_bundle(log: Path, machine: Machine) -> None:
    (log / "tile/entries/000").unlink()


def reordered(log: Path, machine: Machine) -> None:
    leaves = leaves_of(log / "tile/entries/000")
    leaves[3], leaves[4] = leaves[4], leaves[3]
    (log / "tile/entries/000").write_bytes(bundle(leaves))


def edited(log: Path, machine: Machine) -> None:
    path = log / "tile/entries/000"
    path.write_bytes(path.read_bytes().replace(b'"hide"', b'"keep"', 1))


def too_long(log: Path, machine: Machine) -> None:
    path = log / "tile/entries/001.p/44"
    path.write_bytes(path.read_bytes() + b"\x00" * 20_000_000)


def foreign(log: Path, machine: Machine) -> None:
    path = log / "checkpoint"
    path.write_text(path.read_text().replace("2026Q4", "2026Q3"))


def huge(log: Path, machine: Machine) -> None:
    (log / "checkpoint").write_text(signed(machine, Checkpoint(machine.origin, 2**62, b"\x05" * 32)))


def absurd(log: Path, machine: Machine) -> None:
    path = log / "checkpoint"
    path.write_text(path.read_text().replace("\n300\n", "\n" + "9" * 5000 + "\n"))


def two_heads(log: Path, machine: Machine) -> None:
    path = log / "checkpoint"
    path.write_text(path.read_text() + "\n" + path.read_text())


def out_of_its_folder(log: Path, machine: Machine) -> None:
    outside = log.parent.parent / "elsewhere"
    shutil.move(log / "tile/entries", outside)
    (log / "tile/entries").symlink_to(outside)


def a_device(log: Path, machine: Machine) -> None:
    (log / "checkpoint").unlink()
    (log / "checkpoint").symlink_to("/dev/zero")


def empty_with_a_root(log: Path, machine: Machine) -> None:
    (log / "checkpoint").write_text(signed(machine, Checkpoint(machine.origin, 0, b"\x05" * 32)))


def not_ours(log: Path, machine: Machine) -> None:
    first, last = log / "tile/entries/000", log / "tile/entries/001.p/44"
    leaves = [*leaves_of(first), *leaves_of(last)[:-1], b'{"v":1}']
    last.write_bytes(bundle(leaves[256:]))
    root = tree_root(map(leaf_hash, leaves))
    (log / "checkpoint").write_text(signed(machine, Checkpoint(machine.origin, 300, root)))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut_short, "ends within entry 43"),
        (without_a_bundle, "tile/entries/000 is not there"),
        (reordered, "Entry 3 in tile/entries/000 does not give its hash"),
        (edited, "does not give its hash"),
        (too_long, "is too long"),
        (foreign, "is not known here"),
        (huge, "is not there"),
        (absurd, "no signed head"),
        (two_heads, "no signed head"),
        (out_of_its_folder, "leads out of the folder"),
        (a_device, "leads out of the folder"),
        (empty_with_a_root, "of no entries"),
        (not_ours, "Entry 299 is none that modconsole writes"),
    ],
)
def test_bad_input_is_named_and_nothing_else_is_harmed(
    machine: Callable[..., Machine],
    review: Gathering,
    tmp_path: Path,
    spoil: Callable[[Path, Machine], None],
    said: str,
) -> None:
    front, back = machine(size=4), machine("back")
    for made in (front, back):
        review.enrol(made.key)
    good = back.export(tmp_path / "good")
    review.take_in(front.export(tmp_path / "early"))
    front.grow(300)
    bad = front.export(tmp_path / "bad")
    spoil(spoilt_log(bad), front)

    before = content(tmp_path / "review.db")
    taken = review.take_in(bad)

    assert said in " ".join(f"{f.what} {f.means}" for one in taken for f in one.findings)
    assert content(tmp_path / "review.db") == before
    assert only(review.take_in(good)).is_sound
    assert review.forks() == []


def test_a_swapped_head_of_another_log_is_refused(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path
) -> None:
    front, back = machine(), machine("back", size=6)
    for made in (front, back):
        review.enrol(made.key)
    one, other = spoilt_log(front.export(tmp_path / "one")), spoilt_log(back.export(tmp_path / "other"))
    shutil.copy(other / "checkpoint", one / "checkpoint")

    taken = only(review.take_in(one))

    assert not taken.is_sound
    assert review.enrolled()[0].size == review.enrolled()[1].size == 0


@pytest.mark.parametrize(
    "leaf",
    [
        b"\xff",
        b"[]",
        b'{"kind":"decided","kind":"outcome","seq":0,"ts":"2026-11-02T09:30:00.000000Z","actor":"a","v":1}',
        b'{"kind":"later","seq":1,"ts":"2026-11-02T09:30:00.000000Z"}',
        b'{"kind":"later","seq":true,"ts":"2026-11-02T09:30:00.000000Z"}',
        b'{"kind":"later","seq":0,"ts":"2026-11-02"}',
        b'{"kind":"later","seq":0,"ts":"2026-11-02T09:30:00.000000Z","x":NaN}',
        b'{"kind":"decided","seq":0,"ts":"2026-11-02T09:30:00.000000Z","actor":7}',
        b'{"kind":"later","seq":0,"ts":"2026-11-02T09:30:00.000000Z","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_a_signed_entry_that_could_not_be_listed_is_not_taken_in(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path, leaf: bytes
) -> None:
    front = machine(size=1)
    review.enrol(front.key)
    taken = only(review.take_in(hand_made(tmp_path / "made", front, [leaf])))

    assert "none that modconsole writes" in taken.findings[0].what
    assert review.enrolled()[0].size == 0


def test_an_entry_of_a_kind_that_is_not_known_here_is_kept_and_not_listed(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path
) -> None:
    front = machine(size=1)
    review.enrol(front.key)
    leaf = b'{"actions":"x","kind":"later","protocols":["x",7],"seq":0,"ts":"2026-11-02T09:30:00.000000Z"}'

    assert only(review.take_in(hand_made(tmp_path / "made", front, [leaf]))).size == 1
    assert review.records(LogQuery()) == list(review.everything()) == []
    assert not review.verify()


def hand_made(folder: Path, machine: Machine, leaves: list[bytes]) -> Path:
    (folder / "tile/entries/000.p").mkdir(parents=True)
    (folder / f"tile/entries/000.p/{len(leaves)}").write_bytes(bundle(leaves))
    point = Checkpoint(machine.origin, len(leaves), tree_root(map(leaf_hash, leaves)))
    (folder / "checkpoint").write_text(signed(machine, point))
    return folder


def test_a_log_that_copies_another_is_told_and_harms_it_not(
    machine: Callable[..., Machine], review: Gathering, tmp_path: Path
) -> None:
    front, back = machine("front", size=6), machine("back", size=1)
    for made in (front, back):
        review.enrol(made.key)
    with sqlite3.connect(front.folder / "log.db") as db:
        leaves = [leaf.encode() for (leaf,) in db.execute("SELECT leaf FROM leaves ORDER BY seq")]
    db.close()
    review.take_in(hand_made(tmp_path / "made", back, leaves))

    taken = only(review.take_in(front.export(tmp_path / "out")))

    assert taken.size == 6
    assert f"6 of its new entries are in {back.origin} too" in taken.notes[0]


# Looking entries up


@pytest.fixture
def filled(machine: Callable[..., Machine], review: Gathering, tmp_path: Path) -> Gathering:
    front, back = machine("front", size=9), machine("back", size=6)
    back.log.seal(
        an_entry(
            EntryKind.DECIDED,
            decision="d-last",
            orders=tuple(f"o-{n}" for n in range(6)),
            actions=("hide", "keep", "move", "hold", "remove", "watch"),
            actor="a-back",
            at=back.time,
            forum="bridge",
        )
    )
    for made in (front, back):
        review.enrol(made.key)
        review.take_in(made.export(tmp_path / f"out-{made.device}"))
    return review


def places(review: Gathering, query: LogQuery, **more: Any) -> list[tuple[str, int]]:
    found = review.records(query, **more)
    return [(record.origin.split("/")[1], record.seq) for record in found]


def test_entries_of_all_devices_are_listed_by_their_own_times(filled: Gathering) -> None:
    found = filled.records(LogQuery(), limit=100)

    assert [record.entry.at for record in found] == sorted((r.entry.at for r in found), reverse=True)
    assert len(found) == 16
    assert {record.origin.split("/")[1] for record in found} == {"front", "back"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (LogQuery(actor="a-back", kind=EntryKind.DECIDED), [("back", 6), ("back", 3), ("back", 0)]),
        (LogQuery(decision="d-front-1"), [("front", 5), ("front", 4), ("front", 3)]),
        (LogQuery(action="watch"), [("back", 6)]),
        (LogQuery(action="hide", forum="bridge"), [("back", 6)]),
        (LogQuery(protocol="suicide-thoughts", actor="a-back"), [("back", 3), ("back", 0)]),
        (
            LogQuery(protocol="suicide-thoughts", version="1.4.0", actor="a-back"),
            [("back", 3), ("back", 0)],
        ),
        (LogQuery(protocol="suicide-thoughts", version="1.4"), []),
        (LogQuery(action="hide", protocol="suicide-thoughts", actor="a-back"), [("back", 3), ("back", 0)]),
        (LogQuery(decision="d-back-0", action="hide", urgency="soon"), [("back", 0)]),
        (LogQuery(since=START + timedelta(seconds=7)), [("front", 8), ("front", 7)]),
        (LogQuery(until=START + timedelta(seconds=1), actor="a-back"), [("back", 0)]),
        (LogQuery(outcome="applied", until=START + timedelta(seconds=3), actor="a-front"), [("front", 2)]),
    ],
)
def test_every_filter_finds_what_it_names_and_nothing_else(
    filled: Gathering, query: LogQuery, expected: list[tuple[str, int]]
) -> None:
    assert places(filled, query) == expected


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("query", [LogQuery(), LogQuery(action="hide")])
def test_pages_go_on_where_the_last_one_ended(filled: Gathering, query: LogQuery, newest_first: bool) -> None:
    whole = filled.records(query, newest_first=newest_first)
    paged, last = [], None
    while page := filled.records(query, newest_first=newest_first, limit=4, beyond=last):
        paged += page
        last = page[-1]

    assert paged == whole


def test_everything_is_given_log_by_log_in_the_order_it_was_sealed(filled: Gathering) -> None:
    assert [(r.origin.split("/")[1], r.seq) for r in filled.everything()] == [
        *(("back", seq) for seq in range(7)),
        *(("front", seq) for seq in range(9)),
    ]


def test_a_weak_key_is_no_key() -> None:
    with pytest.raises(ValueError, match="weak"):
        parse_verifier_key(str(VerifierKey("modconsole.quiet-harbour/desk/2026Q4", bytes(32))))
