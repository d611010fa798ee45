"""What leaves of the log can be checked by anybody, holds no ciphertext, and is whole or not there at all."""

from __future__ import annotations

import csv
import errno
import json
import shutil
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from modconsole.audit.evidence import TlogProof, parse_proof, proof_text
from modconsole.audit.lines_writing import csv_cell
from modconsole.audit.tiles_writing import folder_names
from modconsole.audit.tools import FileLogTools
from modconsole.core.decision import EntryKind
from modconsole.core.errors import LogError, WrongUsage
from modconsole.core.note import VerifierKey, parse_verifier_key
from modconsole.ports.log_tools import EvidenceReport
from tests.audit.homes import CASE, ORIGIN, WORDS, Home, an_entry, tampered
from tests.audit.stranger import Stranger

FOLDER = "modconsole.quiet-harbour_front-desk_2026q4"
OTHER_CASE = "d1" * 16


def tools(home: Home) -> FileLogTools:
    return FileLogTools(lambda: home.folder / "log.db")


def key_of(folder: Path) -> VerifierKey:
    return parse_verifier_key((folder / "vkey").read_text().strip())


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def leaves(home: Home) -> list[bytes]:
    with sqlite3.connect(home.folder / "log.db") as db:
        return [leaf.encode() for (leaf,) in db.execute("SELECT leaf FROM leaves ORDER BY id")]


# Tiles


def test_at_every_size_the_files_are_those_another_implementation_writes(home: Home, tmp_path: Path) -> None:
    for size in (1, 2, 255, 256, 257, 515):
        while not home.log.heads() or home.log.heads()[0].size < size:
            home.log.seal(an_entry(EntryKind.CLOSED))
        written = tools(home).write_tiles(tmp_path / f"out-{size}")
        folder = tmp_path / f"out-{size}" / FOLDER

        assert (written.origins, written.entries) == ((ORIGIN,), size)
        assert tools(home).verify_tiles(folder, key_of(folder)).findings == ()
        other = Stranger(0, name=ORIGIN)
        other.entries = leaves(home)
        expected = {name: data for name, data in other.files().items() if name != "checkpoint"}
        found = files(folder)
        assert {name: found[name] for name in found if name.startswith("tile/")} == expected


def test_the_head_is_exactly_the_stored_one(home: Home, tmp_path: Path) -> None:
    home.fill(1)
    tools(home).write_tiles(tmp_path / "out")

    (head,) = home.log.heads()
    assert (tmp_path / "out" / FOLDER / "checkpoint").read_text() == head.checkpoint
    assert (tmp_path / "out" / FOLDER / "vkey").read_text() == f"{head.vkey}\n"
    assert head.vkey in (tmp_path / "out" / FOLDER / "README.md").read_text()


def test_no_private_part_leaves_sealed_or_open(home: Home, tmp_path: Path) -> None:
    home.fill(3)
    tools(home).write_tiles(tmp_path / "tiles")
    tools(home).write_evidence(tmp_path / "evidence", CASE, "c-example")
    tools(home).write_lines(tmp_path / "lines.jsonl", "jsonl")
    tools(home).write_lines(tmp_path / "lines.csv", "csv")
    with sqlite3.connect(home.folder / "log.db") as db:
        bodies = [body for (body,) in db.execute("SELECT body FROM leaves WHERE body IS NOT NULL")]

    assert len(bodies) == 6
    out = [*files(tmp_path / "tiles").values(), *files(tmp_path / "evidence").values()]
    out += [(tmp_path / "lines.jsonl").read_bytes(), (tmp_path / "lines.csv").read_bytes()]
    for data in out:
        assert WORDS.encode() not in data
        for body in bodies:
            assert body not in data
            assert b64encode(body)[:40] not in data
            assert body.hex()[:40].encode() not in data


def test_each_log_has_a_folder_and_one_can_be_asked_for(home: Home, tmp_path: Path) -> None:
    home.fill(1)
    home.later(days=60)
    home.fill(1)
    new = ORIGIN.replace("2026Q4", "2027Q1")

    assert tools(home).write_tiles(tmp_path / "both").origins == (ORIGIN, new)
    for folder in (tmp_path / "both").iterdir():
        assert tools(home).verify_tiles(folder, key_of(folder)).is_sound
    assert tools(home).write_tiles(tmp_path / "one", new).origins == (new,)
    assert [folder.name for folder in (tmp_path / "one").iterdir()] == [FOLDER.replace("2026q4", "2027q1")]


def test_only_its_owner_may_read_it(home: Home, tmp_path: Path) -> None:
    home.fill(1)
    tools(home).write_tiles(tmp_path / "out")
    tools(home).write_lines(tmp_path / "lines", "jsonl")

    made = [tmp_path / "out", tmp_path / "lines", *(tmp_path / "out").rglob("*")]
    assert {file.stat().st_mode & 0o77 for file in made} == {0}


def test_whatever_a_log_is_called_its_folder_is_below_the_export() -> None:
    origins = [
        "../../etc",
        "/",
        "..",
        "",
        "a/b",
        "a_b",
        "A/B",
        "a" * 300,
        "a" * 300 + "b",
        "x\0y\n",
        ".hidden",
    ]

    names = folder_names(origins)
    assert len({name.casefold() for name in names}) == len(origins)
    assert [name for name in names if "/" in name or name.startswith(".") or len(name) > 100] == []


# Whole, or not there at all

Write = Callable[[Home, Path], object]


def as_tiles(home: Home, out: Path) -> object:
    return tools(home).write_tiles(out)


def as_evidence(home: Home, out: Path) -> object:
    return tools(home).write_evidence(out, CASE, "c-example")


def as_jsonl(home: Home, out: Path) -> object:
    return tools(home).write_lines(out, "jsonl")


@pytest.mark.parametrize("write", [as_tiles, as_evidence, as_jsonl])
@pytest.mark.parametrize("there", ["file", "folder", "dangling link"])
def test_what_is_there_is_never_written_over(write: Write, there: str, home: Home, tmp_path: Path) -> None:
    home.fill(1)
    out = tmp_path / "out"
    if there == "file":
        out.write_text("mine")
    elif there == "folder":
        out.mkdir()
    else:
        out.symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(WrongUsage, match="is there already, and is not written over"):
        write(home, out)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("write", [as_tiles, as_evidence])
def test_a_log_that_is_not_sound_is_not_handed_out(write: Write, home: Home, tmp_path: Path) -> None:
    home.fill(2)
    home.close()
    tampered(
        home.folder, lambda db: db.execute("UPDATE leaves SET leaf=replace(leaf, 'd-1', 'd-7') WHERE seq=3")
    )

    with pytest.raises(LogError, match="do not give the head that was signed") as caught:
        write(home, tmp_path / "out")
    assert "audit verify" in caught.value.next_step
    assert [file.name for file in tmp_path.iterdir() if "out" in file.name] == []


def test_a_log_whose_key_is_damaged_is_not_left_out_silently(home: Home, tmp_path: Path) -> None:
    home.fill(1)
    home.close()
    tampered(home.folder, lambda db: db.execute("UPDATE logs SET vkey='nonsense'"))

    with pytest.raises(LogError, match=r"key of .* is damaged"):
        as_tiles(home, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_until_all_of_it_is_written_nothing_looks_complete(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.fill(1)
    seen: list[str] = []

    def full(*about: object) -> str:
        seen.extend(file.name for file in tmp_path.rglob("*"))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("modconsole.audit.tiles_writing.tiles_readme", full)
    with pytest.raises(LogError, match="cannot be written: No space left on device"):
        as_tiles(home, tmp_path / "out")

    assert any("unfinished" in name for name in seen)
    assert not {"out", "checkpoint"} & set(seen)
    assert [file.name for file in tmp_path.iterdir() if "out" in file.name or "unfinished" in file.name] == []


def test_a_place_in_no_folder_is_named(home: Home, tmp_path: Path) -> None:
    home.fill(1)

    with pytest.raises(WrongUsage, match="no folder"):
        as_jsonl(home, tmp_path / "no" / "where")


def test_the_page_about_checking_has_the_readmes_own_commands(home: Home, tmp_path: Path) -> None:
    home.fill(1)
    as_tiles(home, tmp_path / "out")
    readme = (tmp_path / "out" / FOLDER / "README.md").read_text()
    page = Path(__file__).parents[2] / "docs" / "audit" / "checking-without-us.md"

    commands = readme[readme.index("```sh\nsed") : readme.index("```\n\nIt says")]
    assert commands in page.read_text()


# Evidence


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the evidence of a case with entries in three tiles, the last of them partial."""
    folder = tmp_path_factory.mktemp("case")
    home = Home(folder)
    for number in range(521):
        in_case = number in (0, 255, 256, 300, 511, 512, 520)
        home.log.seal(an_entry(EntryKind.CLOSED, case=CASE if in_case else OTHER_CASE))
    tools(home).write_evidence(folder / "evidence", CASE, "c-example")
    yield folder / "evidence" / FOLDER
    home.close()


@pytest.fixture
def evidence(case: Path, tmp_path: Path) -> Path:
    return shutil.copytree(case, tmp_path / "log")


def verify(folder: Path, *keys: VerifierKey) -> EvidenceReport:
    return FileLogTools(lambda: folder).verify_evidence(folder, keys or [key_of(folder)])


def said(report: EvidenceReport) -> str:
    assert not report.is_sound
    return "\n".join(f"{finding.seq}: {finding.what} {finding.means}" for finding in report.findings)


def test_every_entry_of_a_case_is_proved_and_none_of_another(evidence: Path) -> None:
    report = verify(evidence)

    assert report.findings == ()
    assert [proved.index for proved in report.proved] == [0, 255, 256, 300, 511, 512, 520]
    assert {(proved.origin, proved.size) for proved in report.proved} == {(ORIGIN, 521)}
    for file in (evidence / "entries").glob("*.leaf"):
        assert json.loads(file.read_bytes())["case"] == CASE
    assert "That these are all entries about a case, no proof can say" in report.notes[0]


def test_the_folder_above_does_as_well(evidence: Path) -> None:
    assert verify(evidence.parent, key_of(evidence)).proved == verify(evidence).proved


def test_every_changed_byte_of_evidence_is_reported(evidence: Path) -> None:
    key = key_of(evidence)
    for name in ("0", "255", "256", "511", "512"):
        for end in ("leaf", "tlog-proof"):
            (evidence / "entries" / f"{name}.{end}").unlink()
    unnoticed = []
    for file in [*(evidence / "entries").iterdir(), evidence / "checkpoint"]:
        kept = file.read_bytes()
        for at in range(0, len(kept)):
            file.write_bytes(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
            if verify(evidence, key).is_sound:
                unnoticed.append((file.name, at))
        file.write_bytes(kept)

    assert verify(evidence, key).is_sound
    assert unnoticed == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda at: (at / "300.leaf").unlink(), "300: entries/300.leaf is not there."),
        (lambda at: (at / "300.tlog-proof").unlink(), "300: entries/300.tlog-proof is not there."),
        (
            lambda at: (at / "300.leaf").write_bytes((at / "256.leaf").read_bytes()),
            "300: Entry 300 is not proved by entries/300.tlog-proof: The proof leads to another root.",
        ),
        (
            lambda at: (at / "300.tlog-proof").write_bytes((at / "256.tlog-proof").read_bytes()),
            "300: Entry 300 is not proved by entries/300.tlog-proof: It is of entry 256.",
        ),
        (
            lambda at: (at / "300.tlog-proof").write_bytes(b"\xff"),
            "300: entries/300.tlog-proof is no proof: 'utf-8'",
        ),
        (
            lambda at: (at / "300.tlog-proof").write_bytes(b""),
            "300: entries/300.tlog-proof is no proof: A proof begins",
        ),
        (
            lambda at: (at / "300.leaf").write_bytes(bytes(70_000)),
            "300: entries/300.leaf is too long: 70,000 bytes",
        ),
        (
            lambda at: (at / "0300.leaf").write_bytes(b""),
            "None: entries/0300 is not named after an entry's index.",
        ),
        (
            lambda at: (at / "notes").write_bytes(b""),
            "None: entries/notes is not named after an entry's index.",
        ),
        (lambda at: (at.parent / "checkpoint").unlink(), "None: checkpoint is not there."),
        (
            lambda at: [file.unlink() for file in at.iterdir()],
            "None: There is no entry with a proof in this folder.",
        ),
    ],
)
def test_evidence_that_is_not_right_is_named(
    change: Callable[[Path], object], told: str, evidence: Path
) -> None:
    change(evidence / "entries")

    assert told in said(verify(evidence))


def test_evidence_under_another_key_proves_nothing(evidence: Path) -> None:
    report = verify(evidence, parse_verifier_key(Stranger(0, name=ORIGIN).vkey))

    assert report.proved == ()
    assert "0: The head in entries/0.tlog-proof is signed under the right name by another key." in said(
        report
    )


def test_evidence_from_two_logs_needs_both_keys(home: Home, tmp_path: Path) -> None:
    home.fill(1)
    home.later(days=60)
    home.fill(1)
    tools(home).write_evidence(tmp_path / "out", CASE, "c-example")
    old, new = (key_of(folder) for folder in sorted((tmp_path / "out").iterdir()))

    assert verify(tmp_path / "out", old, new).is_sound
    assert "is not signed by" in said(verify(tmp_path / "out", old))


def test_evidence_put_together_from_two_heads_is_named(home: Home, tmp_path: Path) -> None:
    for out in ("old", "new"):
        home.fill(1)
        as_evidence(home, tmp_path / out)
    shutil.copy(tmp_path / "old" / FOLDER / "checkpoint", tmp_path / "new" / FOLDER / "checkpoint")

    report = verify(tmp_path / "new" / FOLDER)
    assert "0: entries/0.tlog-proof is of another head than the folder's. The entry is proved;" in said(
        report
    )


def test_a_proof_reads_back_as_it_was_written() -> None:
    proof = TlogProof(7, (bytes(32), bytes(range(32))), "o\n9\nroot\n\n— o sig\n")

    text = proof_text(proof)
    assert text.split("\n")[:2] == ["c2sp.org/tlog-proof@v1", "index 7"]
    assert parse_proof(text) == proof
    assert parse_proof(text.replace("index 7", "extra AAAA\nindex 7")) == proof


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 7", "index 07"),
        ("index 7", "index -7"),
        ("index 7", "7"),
        ("index 7", "index 7\nextra AAAA"),
        ("index 7", f"index {'9' * 5000}"),
        ("AAA=", "AAB="),
        ("\n\n", "\n"),
        ("index 7\n", "index 7\n" + f"{b64encode(bytes(32)).decode()}\n" * 70),
    ],
)
def test_what_is_no_proof_is_refused(old: str, new: str) -> None:
    text = proof_text(TlogProof(7, (bytes(32),), "o\n"))
    assert old in text

    with pytest.raises(ValueError, match="proof"):
        parse_proof(text.replace(old, new))


# Lines


def test_jsonl_has_every_entry_as_it_was_hashed(home: Home, tmp_path: Path) -> None:
    home.fill(2)
    written = tools(home).write_lines(tmp_path / "out", "jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out").read_text("ascii").splitlines()]

    assert (written.origins, written.entries, len(lines)) == ((ORIGIN,), 6, 6)
    assert [b64decode(line["leaf"]) for line in lines] == leaves(home)
    for index, line in enumerate(lines):
        assert (line["origin"], line["index"]) == (ORIGIN, index)
        assert line["leaf_hash"] == sha256(b"\x00" + b64decode(line["leaf"])).hexdigest()
        assert line["header"] == json.loads(b64decode(line["leaf"]))


def test_lines_can_be_chosen(home: Home, tmp_path: Path) -> None:
    home.fill(2)

    tools(home).write_lines(tmp_path / "some", "jsonl", chosen=[(ORIGIN, 4), (ORIGIN, 1), ("another", 1)])
    assert [json.loads(line)["index"] for line in (tmp_path / "some").read_text().splitlines()] == [4, 1]
    assert tools(home).write_lines(tmp_path / "none", "jsonl", origin="another").entries == 0


def test_csv_is_for_people_and_says_what_it_is_worth(home: Home, tmp_path: Path) -> None:
    home.log.seal(an_entry(actor="=HYPERLINK(1)", forum="+44", decision="@d", actions=("hide", "lock")))
    tools(home).write_lines(tmp_path / "out", "csv", case_id={CASE: "c-example"}.__getitem__)
    with (tmp_path / "out").open(newline="") as file:
        (row,) = csv.DictReader(file)

    assert (row["who"], row["forum"], row["decision"]) == ("'=HYPERLINK(1)", "'+44", "'@d")
    assert (row["case"], row["case_token"], row["actions"]) == ("c-example", CASE, "hide, lock")
    assert any("This table proves nothing" in name for name in row)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\t=", "＝"])
def test_no_cell_is_a_formula(start: str) -> None:
    assert csv_cell(f"{start}1").startswith("'")


def test_a_cell_is_otherwise_as_it_was_and_shows_nothing_hidden() -> None:
    assert csv_cell("c-example, a=b") == "c-example, a=b"
    assert csv_cell("a\x1b[2Jb") == "a␛[2Jb"
