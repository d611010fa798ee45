"""A device and a senior's console, by files: everything an evening of witnessing takes, typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modconsole.bootstrap.home import Home
from modconsole.cli import run
from modconsole.config import Paths, TomlSettingsFile
from modconsole.core.cosignature import WitnessAnswer
from modconsole.core.errors import SettingsError
from modconsole.core.note import VerifierKey, fingerprint, parse_verifier_key
from tests.cli.conftest import Commands

CONFIG = """\
[service]
demo = true
org = "Quiet Harbour"
{more}
[me]
pseudonym = "{device}"
[device]
id = "{device}"
"""


def settle(home: Path, device: str, more: str = "") -> None:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(CONFIG.format(device=device, more=more), "utf-8")


class Two:
    """The device and the senior's console, and a folder they share."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        settle(folder / "senior", "lead-laptop")
        self.senior = Commands(folder / "senior", capsys)
        self.witness = self.senior.json("audit", "witness", "key")
        self.device_home = folder / "device"
        self.device = Commands(self.device_home, capsys)
        self.name_witness(self.witness["vkey"])

    def name_witness(self, *vkeys: str, policy: int = 1) -> None:
        settle(self.device_home, "front-desk", f"witnesses = {json.dumps(vkeys)}\nwitness_policy = {policy}")
        self.seal()

    def seal(self) -> None:
        """Let the log grow by one entry: the settings changed."""
        text = (self.device_home / "config.toml").read_text("utf-8")
        number = text.count("approved-type")
        more = "".join(f'"approved-type-{at}" = "trolling"\n' for at in range(number + 1))
        before = text.partition("[reasons]\n")[0]
        (self.device_home / "config.toml").write_text(f"{before}[reasons]\n{more}", "utf-8")
        home = Home({"MODCONSOLE_HOME": str(self.device_home)})
        home.unlock(home.desk())

    def vkey(self) -> str:
        return str(self.device.json("audit", "checkpoint")["vkey"])

    def file(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture
def two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Two:
    return Two(tmp_path, capsys)


def test_a_whole_round_over_files(two: Two) -> None:
    asked = two.device("audit", "checkpoint", "--out", two.file("a.request"))
    assert two.vkey() in asked
    assert fingerprint(parse_verifier_key(two.vkey()).public) in asked

    refused = two.senior("audit", "witness", "serve-file", two.file("a.request"), expect=1)
    assert refused.startswith("404\n")
    added = two.senior("audit", "witness", "add", two.vkey())
    assert fingerprint(parse_verifier_key(two.vkey()).public) in added
    two.senior("audit", "witness", "serve-file", two.file("a.request"), "--out", two.file("a.answer"))
    assert "countersigned modconsole.demo/front-desk/" in two.device(
        "audit", "witness", "take", two.file("a.answer")
    )
    assert two.device.json("audit", "verify")["unwitnessed"] == 0

    two.seal()
    assert two.device.json("audit", "verify")["unwitnessed"] == 1
    assert "Not yet witnessed: 1 entries" in two.device("audit", "verify")


def test_what_is_printed_is_the_request_and_the_answer_and_nothing_else(two: Two) -> None:
    two.senior("audit", "witness", "add", two.vkey())

    request = two.device("audit", "checkpoint")
    Path(two.file("b.request")).write_text(request, "utf-8")
    answer = two.senior("audit", "witness", "serve-file", two.file("b.request"))
    assert request.startswith("old 0\n\nmodconsole.demo/front-desk/")
    status, line, end = answer.split("\n")
    assert (status, end) == ("200", "")
    assert line.startswith(f"— {two.witness['name']} ")
    Path(two.file("bare")).write_text(line + "\n", "utf-8")
    assert two.device.json("audit", "witness", "take", two.file("bare"))[0]["new"] is True


def test_a_stale_request_is_told_the_size_and_the_next_begins_there(two: Two) -> None:
    two.senior("audit", "witness", "add", two.vkey())
    two.device("audit", "checkpoint", "--out", two.file("a.request"))
    two.senior("audit", "witness", "serve-file", two.file("a.request"))
    size = two.device.json("audit", "checkpoint")["size"]
    two.seal()
    two.device("audit", "checkpoint", "--out", two.file("b.request"))

    stale = two.senior.json("audit", "witness", "serve-file", two.file("b.request"), expect=1)
    assert stale == {"status": 409, "content_type": "text/x.tlog.size", "body": f"{size}\n"}
    Path(two.file("b.answer")).write_text(f"409\n{size}\n")
    _, said = two.device.both("audit", "witness", "take", two.file("b.answer"), expect=1)
    assert f"--old {size}" in said
    two.device("audit", "checkpoint", "--old", str(size), "--out", two.file("c.request"))
    assert two.senior("audit", "witness", "serve-file", two.file("c.request")).startswith("200\n")


def test_a_shared_folder_is_answered_and_taken_as_a_whole(two: Two) -> None:
    two.senior("audit", "witness", "add", two.vkey())
    for name in ("monday", "tuesday"):
        two.device("audit", "checkpoint", "--out", two.file(f"{name}.request"))
        assert (
            two.senior("audit", "witness", "serve-folder", str(two.folder))
            == f"{name}.request: countersigned\n"
        )
        two.device("audit", "witness", "take", str(two.folder))
        two.seal()

    assert "nothing new" in two.senior("audit", "witness", "serve-folder", str(two.folder))
    assert two.device.json("audit", "verify")["unwitnessed"] == 1


def test_a_refusal_in_a_folder_is_not_drowned_by_what_was_taken(two: Two) -> None:
    two.senior("audit", "witness", "add", two.vkey())
    two.device("audit", "checkpoint", "--out", two.file("a.request"))
    two.senior("audit", "witness", "serve-folder", str(two.folder))
    two.device("audit", "checkpoint", "--out", two.file("z.request"))
    Path(two.file("z.answer")).write_text("409\n9999\n")

    out, err = two.device.both("audit", "witness", "take", str(two.folder), expect=1)
    assert "countersigned" in out
    assert "WRONG" in err


def test_a_cut_log_is_found_when_the_witness_answers(two: Two) -> None:
    two.senior("audit", "witness", "add", two.vkey())
    for _ in range(3):
        two.seal()
    backup = {path.name: path.read_bytes() for path in two.device_home.glob("*.db*")}
    two.seal()
    two.device("audit", "checkpoint", "--out", two.file("a.request"))
    two.senior("audit", "witness", "serve-file", two.file("a.request"))
    for path in two.device_home.glob("*.db*"):
        path.unlink()
    for name, data in backup.items():
        (two.device_home / name).write_bytes(data)

    assert two.device.json("audit", "verify")["sound"]
    two.device("audit", "checkpoint", "--out", two.file("b.request"))
    answer = two.senior("audit", "witness", "serve-file", two.file("b.request"), expect=1)
    Path(two.file("b.answer")).write_text(answer, "utf-8")
    _, said = two.device.both("audit", "witness", "take", two.file("b.answer"), expect=1)
    assert "WRONG in modconsole.demo/front-desk/" in said


def test_the_list_shows_the_fork_and_both_heads(two: Two) -> None:
    from tests.audit.foreign import ForeignLog

    log = ForeignLog("log.example/forked")
    two.senior("audit", "witness", "add", str(log.key))
    for old, history in ((0, 0), (8, 1)):
        Path(two.file(f"{history}.request")).write_bytes(log.request(old, 8, history))
        two.senior("audit", "witness", "serve-file", two.file(f"{history}.request"), expect=history)

    assert "FROZEN" in two.senior("audit", "witness", "list")
    listed = two.senior.json("audit", "witness", "list")
    assert listed["logs"][0]["size"] == 8
    (kept,) = listed["suspicions"]
    assert kept["state"] == "proven"
    assert kept["held"].startswith("log.example/forked\n8\n")
    assert kept["offered"] == log.head(8, 1)


def test_taking_a_log_on_is_sealed_once_and_countersigning_is_not(two: Two) -> None:
    before = len(two.senior.json("audit", "list"))
    two.senior("audit", "witness", "add", two.vkey())
    two.senior("audit", "witness", "add", two.vkey())
    two.device("audit", "checkpoint", "--out", two.file("a.request"))
    two.senior("audit", "witness", "serve-file", two.file("a.request"))

    entries = two.senior.json("audit", "list")
    assert len(entries) == before + 1
    assert (entries[0]["kind"], entries[0]["detail"]) == ("key_event", "witness_enrolled")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "nonsense"), "cannot be used as a log's key"),
        (("add", str(VerifierKey("weak", bytes(32)))), "weak"),
        (("serve-file", "gone.request"), "is not there"),
        (("serve-folder", "gone"), "no folder"),
        (("take", "gone.answer"), "is not there"),
    ],
)
def test_what_cannot_be_done_is_said(two: Two, words: tuple[str, ...], said: str) -> None:
    _, err = two.senior.both("audit", "witness", *words, expect=2)

    assert said in err
    assert "Safe:" in err


def test_an_answer_is_not_written_over_and_then_nothing_is_countersigned(two: Two) -> None:
    two.senior("audit", "witness", "add", two.vkey())
    two.device("audit", "checkpoint", "--out", two.file("a.request"))
    Path(two.file("a.answer")).write_text("mine")

    two.senior(
        "audit", "witness", "serve-file", two.file("a.request"), "--out", two.file("a.answer"), expect=2
    )
    assert two.senior.json("audit", "witness", "list")["logs"][0]["size"] == 0


def test_a_senior_does_not_countersign_their_own_log(two: Two) -> None:
    own = two.senior.json("audit", "checkpoint")["vkey"]

    _, err = two.senior.both("audit", "witness", "add", own, expect=2)
    assert "this very device" in err


# Over the network, which is played here


def posting(two: Two, post: Callable[[str, str], WitnessAnswer], *words: str) -> int:
    parts = Home({"MODCONSOLE_HOME": str(two.device_home)}).parts()
    return run(["audit", "witness", "send", *words], replace(parts, post_to_witness=post))


def test_a_witness_on_the_network_is_asked_again_from_where_it_is(
    two: Two, capsys: pytest.CaptureFixture[str]
) -> None:
    two.senior("audit", "witness", "add", two.vkey())
    witness = Home({"MODCONSOLE_HOME": str(two.senior.home)})
    witness.unlock(witness.desk())
    statuses: list[int] = []

    def post(url: str, request: str) -> WitnessAnswer:
        assert url == "https://witness.example"
        answer = witness.witness.answer(request.encode())
        statuses.append(int(answer.status))
        return answer

    first = two.device("audit", "checkpoint")
    assert witness.witness.answer(first.encode()).status == 200  # and its answer was lost
    two.seal()
    capsys.readouterr()

    assert posting(two, post, "https://witness.example") == 0
    assert statuses == [409, 200]
    assert two.device.json("audit", "verify")["unwitnessed"] == 0


def test_a_witness_that_contradicts_itself_is_not_asked_for_ever(two: Two) -> None:
    asked: list[str] = []

    def post(url: str, request: str) -> WitnessAnswer:
        asked.append(request)
        return WitnessAnswer(409, f"{len(asked) % 2}\n")

    assert posting(two, post, "https://witness.example") == 1
    assert len(asked) <= 3


# Settings


def mistakes(folder: Path, more: str) -> str:
    settle(folder, "front-desk", more)
    with pytest.raises(SettingsError) as caught:
        TomlSettingsFile(Paths.under(folder)).read()
    return caught.value.what


def test_witnesses_are_read_from_the_settings(two: Two) -> None:
    service: Any = TomlSettingsFile(Paths.under(two.device_home)).read().service

    assert (service.witnesses, service.witness_policy) == ((two.witness["vkey"],), 1)


def test_a_wrong_witness_is_named_with_its_line(two: Two, tmp_path: Path) -> None:
    folder, vkey = tmp_path / "other", two.witness["vkey"]

    assert "service.witnesses[1]" in mistakes(folder, 'witnesses = ["nonsense"]')
    assert "a log's key" in mistakes(folder, f"witnesses = {json.dumps([two.vkey()])}")
    assert "the same key as number 1" in mistakes(folder, f"witnesses = {json.dumps([vkey, vkey])}")
    assert "asks for 2 witnesses, and there are 1" in mistakes(
        folder, f"witnesses = {json.dumps([vkey])}\nwitness_policy = 2"
    )
    assert "whole number from 1" in mistakes(folder, "witness_policy = 0")
    assert 'Did you mean "witnesses"?' in mistakes(folder, "witnesess = []")


def test_settings_without_witnesses_keep_their_hash(tmp_path: Path) -> None:
    """So that a home which names none seals no change when it is updated."""
    hashes = set()
    for more in ("", "witness_policy = 1", "witnesses = []"):
        settle(tmp_path, "front-desk", more)
        hashes.add(TomlSettingsFile(Paths.under(tmp_path)).read().hash)

    assert len(hashes) == 1
