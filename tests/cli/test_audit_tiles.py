"""`audit export` hands the log on and says so in it; `audit verify` checks a stranger's files without a home."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modconsole.bootstrap.home import Home
from modconsole.cli import run
from tests.audit.stranger import NAME, Stranger, put
from tests.cli.conftest import Commands


@pytest.fixture
def decided(demo: Commands, case_about: Callable[[str], str]) -> str:
    """Give a case that was decided on."""
    id = case_about("trolling")
    demo("case", "decide", id, "--action", "hide", "--reason", "mocks people in distress")
    return id


def exported(demo: Commands) -> list[dict[str, Any]]:
    return [entry for entry in demo.json("audit", "list") if entry["kind"] == "exported"]


# Handing our log on


def test_an_export_is_sealed_first_and_is_in_itself(demo: Commands, decided: str, tmp_path: Path) -> None:
    made = demo.json("audit", "export", "--form", "tiles", "--out", str(tmp_path / "out"))
    (entry,) = exported(demo)
    (folder,) = (tmp_path / "out").iterdir()
    vkey = (folder / "vkey").read_text().strip()

    report = demo.json("audit", "verify", "--tiles", str(folder), "--vkey", vkey)
    assert report["sound"]
    assert report["entries"] == report["contents_seen"] == made["entries"] == entry["seq"] + 1
    assert (entry["detail"], entry["has_private_part"]) == ("tiles", True)
    assert b'"kind":"exported"' in (folder / "tile" / "entries" / "000.p" / str(made["entries"])).read_bytes()
    assert demo.json("audit", "verify")["sound"]
    assert decided not in (folder / "tile" / "entries" / "000.p" / str(made["entries"])).read_text("latin-1")


def test_evidence_of_a_case_is_checked_by_its_key(demo: Commands, decided: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = demo.json("audit", "export", "--form", "evidence", "--case", decided, "--out", str(out))
    (folder,) = out.iterdir()
    vkey = (folder / "vkey").read_text().strip()

    report = demo.json("audit", "verify", "--evidence", str(out), "--vkey", vkey)
    assert report["sound"]
    kinds = {json.loads(file.read_bytes())["kind"] for file in (folder / "entries").glob("*.leaf")}
    assert kinds == {"decided", "asked", "outcome", "exported"}
    assert len(report["proved"]) == made["entries"] == 4
    assert [entry["case"] for entry in exported(demo)] == [decided]
    assert decided in (folder / "README.md").read_text()


def test_lines_take_the_filters_of_the_list(demo: Commands, decided: str, tmp_path: Path) -> None:
    export = ("audit", "export", "--form")
    some = demo.json(
        *export, "jsonl", "--out", str(tmp_path / "some"), "--case", decided, "--kind", "decided"
    )
    everything = demo.json(*export, "jsonl", "--out", str(tmp_path / "all"))
    demo(*export, "csv", "--out", str(tmp_path / "table"), "--action", "hide")

    (line,) = map(json.loads, (tmp_path / "some").read_text().splitlines())
    assert (some["entries"], line["header"]["kind"]) == (1, "decided")
    lines = [json.loads(line) for line in (tmp_path / "all").read_text().splitlines()]
    assert everything["entries"] == len(lines)
    assert [line["index"] for line in lines] == list(range(len(lines)))
    assert lines[-1]["header"]["kind"] == "exported"
    with (tmp_path / "table").open(newline="") as file:
        assert {(row["case"], row["demo"]) for row in csv.DictReader(file)} == {(decided, "demo")}
    assert [entry["detail"] for entry in exported(demo)] == ["csv", "jsonl", "jsonl"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--form", "tiles", "--out", "{there}"), "is there already, and is not written over"),
        (("--form", "jsonl", "--out", "{there}"), "is there already, and is not written over"),
        (("--form", "tiles", "--out", "{there}/no/where"), "There is no folder"),
        (("--form", "tiles", "--out", "{new}", "--origin", "another"), "There is no log “another”"),
        (("--form", "tiles", "--out", "{new}", "--kind", "decided"), "Tiles are a whole log."),
        (("--form", "evidence", "--out", "{new}"), "Evidence is about one case."),
        (
            ("--form", "evidence", "--out", "{new}", "--case", "{case}", "--kind", "decided"),
            "all of one case",
        ),
        (("--form", "evidence", "--out", "{new}", "--case", "{undecided}"), "nothing to hand on"),
    ],
)
def test_what_cannot_be_handed_on_is_not_in_the_log(
    words: tuple[str, ...],
    told: str,
    demo: Commands,
    decided: str,
    case_about: Callable[[str], str],
    tmp_path: Path,
) -> None:
    (tmp_path / "there").mkdir()
    names = {"there": tmp_path / "there", "new": tmp_path / "new", "case": decided}
    names |= {"undecided": case_about("suicide-thoughts")}

    _, err = demo.both("audit", "export", *(word.format(**names) for word in words), expect=2)
    assert told in err
    assert exported(demo) == []
    assert not (tmp_path / "new").exists()


# Checking a stranger's


class Anywhere:
    """Runs commands where there is no home, and none may be made."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._home = folder / "no home"
        self._capsys = capsys

    def __call__(self, *words: object, expect: int = 0) -> tuple[str, str]:
        code = run(["audit", "verify", *map(str, words)], Home({"MODCONSOLE_HOME": str(self._home)}).parts())
        said = self._capsys.readouterr()
        assert code == expect, said
        assert not self._home.exists()
        return said.out, said.err


@pytest.fixture
def anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Anywhere:
    return Anywhere(tmp_path, capsys)


def test_a_strangers_log_is_checked_without_a_home(anywhere: Anywhere, tmp_path: Path) -> None:
    log = Stranger(300)
    folder = log.write(tmp_path / "log")

    out, _ = anywhere("--tiles", folder, "--vkey", log.vkey)
    assert f"{NAME}: 300 entries" in out
    assert "Sound: the signature is right, and 300 entries give the root that was signed." in out
    assert "whether others were shown another, no folder can tell" in out
    (tmp_path / "kept").write_text(log.checkpoint(200))
    anywhere("--tiles", folder, "--vkey", log.vkey, "--checkpoint", tmp_path / "kept")


def test_what_is_wrong_is_named_and_the_exit_code_says_so(anywhere: Anywhere, tmp_path: Path) -> None:
    log = Stranger(300)
    folder = log.write(tmp_path / "log")
    put(
        folder,
        "tile/entries/001.p/44",
        (folder / "tile/entries/001.p/44").read_bytes().replace(b"270", b"271"),
    )

    out, _ = anywhere("--tiles", folder, "--vkey", log.vkey, expect=1)
    assert f"WRONG in {NAME}, entry 270: Entry 270 in tile/entries/001.p/44 does not give its hash" in out
    assert "  It means: The tile has what was signed: this is not the entry that was logged." in out
    assert "Sound" not in out
    (found,) = json.loads(anywhere("--tiles", folder, "--vkey", log.vkey, "--json", expect=1)[0])["findings"]
    assert (found["origin"], found["seq"]) == (NAME, 270)


def test_an_origin_that_plays_tricks_on_a_terminal_is_shown_plainly(
    anywhere: Anywhere, tmp_path: Path
) -> None:
    log = Stranger(3)
    put(tmp_path / "log", "checkpoint", log.checkpoint(origin="\u202eevil\u009b2J").encode())

    out, _ = anywhere("--tiles", tmp_path / "log", "--vkey", log.vkey, expect=1)
    assert "⟦U+202E⟧evil" in out
    assert "\u009b" not in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tiles", "{log}"), "Without --vkey nobody can say who signed it."),
        (("--tiles", "{log}", "--vkey", "nonsense"), "“nonsense” cannot be used as a verifier key."),
        (("--tiles", "{log}", "--vkey", "{mistyped}"), "The id of this verifier key does not belong to it"),
        (
            ("--tiles", "{log}", "--vkey", "{weak}"),
            "This verifier key is a weak one: anybody could sign under it.",
        ),
        (("--tiles", "{log}", "--vkey", "{vkey}", "--vkey", "{vkey}"), "give --vkey once"),
        (("--tiles", "{log}", "--evidence", "{log}", "--vkey", "{vkey}"), "Name one thing to check"),
        (("--vkey", "{vkey}"), "Name one thing to check"),
        (("--checkpoint", "{log}/checkpoint"), "Name one thing to check"),
        (
            ("--evidence", "{log}", "--vkey", "{vkey}", "--origin", "x"),
            "--checkpoint and --origin are for --tiles",
        ),
        (("--tiles", "{log}/nowhere", "--vkey", "{vkey}"), "There is no folder"),
        (("--evidence", "{log}/nowhere", "--vkey", "{vkey}"), "There is no folder"),
    ],
)
def test_wrong_usage_is_told_from_a_wrong_log(
    words: tuple[str, ...], told: str, anywhere: Anywhere, tmp_path: Path
) -> None:
    log = Stranger(3)
    weak = "log.example+f3e73440+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    names = {
        "log": log.write(tmp_path / "log"),
        "vkey": log.vkey,
        "weak": weak,
        "mistyped": log.vkey.replace("+", "+0", 1),
    }

    _, err = anywhere(*(word.format(**names) for word in words), expect=2)
    assert told in err
