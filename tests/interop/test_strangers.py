"""A stranger checks our log with Go and openssl, and we check a log that Go wrote."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from modconsole.audit.tools import FileLogTools
from modconsole.core.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from modconsole.core.note import parse_verifier_key
from modconsole.core.text import plain
from tests.audit.homes import CASE, Home
from tests.interop.conftest import Stranger

SIZES = (1, 2, 7, 255, 256, 257, 511, 513)
_BLOCK = re.compile(r"```(\w+)\n(.*?)\n```", re.DOTALL)


@dataclass(frozen=True)
class Exported:
    tiles: Path
    evidence: Path
    vkey: str
    size: int


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    """Give a log of ours with more than one tile, as tiles and as evidence of one case."""
    folder = tmp_path_factory.mktemp("ours")
    home = Home(folder)
    home.fill(90)
    tools = FileLogTools(lambda: folder / "log.db")
    tools.write_tiles(folder / "tiles")
    tools.write_evidence(folder / "evidence", CASE, "c-example")
    (tiles,), (evidence,) = (folder / "tiles").iterdir(), (folder / "evidence").iterdir()
    yield Exported(tiles, evidence, (tiles / "vkey").read_text().strip(), home.log.heads()[0].size)
    home.close()


def test_go_checks_our_signature_our_tiles_and_every_proof_from_them(
    stranger: Stranger, exported: Exported
) -> None:
    assert stranger("check", exported.tiles, exported.vkey) == f"{exported.size} entries\n"


def test_go_notices_a_change_to_our_tiles(stranger: Stranger, exported: Exported, tmp_path: Path) -> None:
    shutil.copytree(exported.tiles, tmp_path / "copy")
    tile = tmp_path / "copy" / "tile" / "0" / "000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])

    assert stranger("check", tmp_path / "copy", exported.vkey, fails=True)


@pytest.mark.parametrize("size", SIZES)
def test_we_check_a_log_that_go_wrote(stranger: Stranger, tmp_path: Path, size: int) -> None:
    vkey = stranger("write", tmp_path, size, "log.example/go", "log.example/go").strip()

    report = FileLogTools(lambda: tmp_path).verify_tiles(tmp_path, parse_verifier_key(vkey))
    assert report.findings == ()
    assert (report.origin, report.size, report.contents) == ("log.example/go", size, size)
    assert any("somebody.else" in note for note in report.notes)


def test_we_take_an_origin_like_that_of_gos_own_log_and_a_head_with_an_extension(
    stranger: Stranger, tmp_path: Path
) -> None:
    origin = "go.sum database tree"
    key = parse_verifier_key(stranger("write", tmp_path, 300, "sum.example", origin).strip())

    tools = FileLogTools(lambda: tmp_path)
    assert not tools.verify_tiles(tmp_path, key).is_sound
    assert tools.verify_tiles(tmp_path, key, origin=origin, checkpoint=tmp_path / "extended").findings == ()


def test_we_notice_a_change_to_a_log_that_go_wrote(stranger: Stranger, tmp_path: Path) -> None:
    key = parse_verifier_key(stranger("write", tmp_path, 300, "log.example", "log.example").strip())
    bundle = tmp_path / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes().replace(b"entry 77 ", b"entry 78 "))

    report = FileLogTools(lambda: tmp_path).verify_tiles(tmp_path, key)
    assert report.findings[0].seq == 77


@pytest.mark.parametrize("size", [1, 5, 64, 100])
def test_gos_proofs_and_ours_are_the_same(stranger: Stranger, tmp_path: Path, size: int) -> None:
    stranger("write", tmp_path, size, "log.example", "log.example")
    told = json.loads(stranger("prove", tmp_path))
    leaves = [b64decode(one["Leaf"]) for one in told]
    root = tree_root(leaves)

    for index, one in enumerate(told):
        included = [b64decode(hash) for hash in one["Inclusion"]]
        continued = [b64decode(hash) for hash in one["Continue"]]
        verify_inclusion(leaves[index], index, size, included, root)
        verify_consistency(index + 1, size, continued, b64decode(one["OldRoot"]), root)
        assert included == inclusion_proof(leaves, index)
        assert continued == consistency_proof(leaves, index + 1)


def test_go_checks_our_consistency_proofs(stranger: Stranger) -> None:
    leaves = [leaf_hash(b"entry %d" % number) for number in range(23)]
    root = text(tree_root(leaves))

    for old in range(1, 24):
        proof = [text(hash) for hash in consistency_proof(leaves, old)]
        older = text(tree_root(leaves[:old]))
        stranger("continues", old, older, 23, root, *proof)
        if proof:
            stranger("continues", old, older, 23, root, *proof[:-1], root, fails=True)


def text(hash: bytes) -> str:
    return b64encode(hash).decode()


# The commands of the README, as printed


def follow_readme(folder: Path, tools: Mapping[str, str]) -> list[subprocess.CompletedProcess[str]]:
    """Save the program and type the commands, as the README says. The environment names no GOPATH by itself."""
    environment = {name: value for name, value in tools.items() if not name.startswith("GO")}
    ran = []
    for language, code in _BLOCK.findall((folder / "README.md").read_text()):
        if language == "go":
            (folder / "check.go").write_text(code + "\n")
        elif language == "sh":
            ran.append(
                subprocess.run(
                    ["sh", "-eu"],
                    input=code,
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
            )
    return ran


def test_the_commands_of_a_logs_readme_work_as_printed(
    exported: Exported, tools: Mapping[str, str], tmp_path: Path
) -> None:
    folder = shutil.copytree(exported.tiles, tmp_path / "log")

    openssl, go = follow_readme(folder, tools)
    assert (openssl.returncode, openssl.stdout.strip()) == (0, "Signature Verified Successfully"), (
        openssl.stderr
    )
    assert go.returncode == 0, go.stderr
    assert f"all {exported.size} entries give the root that was signed" in go.stdout


def test_the_commands_of_a_cases_readme_work_as_printed(
    exported: Exported, tools: Mapping[str, str], tmp_path: Path
) -> None:
    folder = shutil.copytree(exported.evidence, tmp_path / "case")

    openssl, go, hashed = follow_readme(folder, tools)
    assert openssl.returncode == 0, openssl.stderr
    assert go.returncode == 0, go.stderr
    assert len(go.stdout.splitlines()) == len(list((folder / "entries").glob("*.leaf")))
    assert hashed.stdout.split()[-1] == leaf_hash((folder / "entries" / "0.leaf").read_bytes()).hex()


def test_the_commands_of_the_readmes_notice_what_was_changed(
    exported: Exported, tools: Mapping[str, str], tmp_path: Path
) -> None:
    log = shutil.copytree(exported.tiles, tmp_path / "log")
    case = shutil.copytree(exported.evidence, tmp_path / "case")
    for file, old, new in (
        (log / "tile" / "entries" / "000", b'"decision":"d-3"', b'"decision":"d-4"'),
        (case / "entries" / "9.leaf", b'"decision":"d-3"', b'"decision":"d-4"'),
        (case / "checkpoint", b"\n270\n", b"\n271\n"),
    ):
        before = file.read_bytes()
        assert old in before, plain(before.decode())
        file.write_bytes(before.replace(old, new, 1))

    openssl, go = follow_readme(log, tools)
    assert (openssl.returncode, go.returncode) == (0, 1), go.stderr
    openssl, go, _ = follow_readme(case, tools)
    assert openssl.returncode != 0
    assert go.returncode == 1, go.stderr
