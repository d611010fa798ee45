"""`audit erase`, `refuse-erasure` and `restrict` as they are typed."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from modconsole.bootstrap.home import Home
from modconsole.core.decision import EntryKind
from modconsole.core.errors import SecretsUnavailable
from modconsole.core.model import Case
from modconsole.practice.forum import FILE_NAME
from modconsole.vault import DemoSecrets
from tests.cli.conftest import Commands

WHY = ("--basis", "objection", "--requester", "the member, by letter", "--ref", "SAR-2026-014")


def as_role(demo: Commands, role: str) -> None:
    config = demo.home / "config.toml"
    config.write_text(re.sub(r"(?m)^role = .*$", f'role = "{role}"', config.read_text()))


@pytest.fixture
def lead(demo: Commands) -> Commands:
    as_role(demo, "data_lead")
    return demo


@pytest.fixture
def case(lead: Commands) -> str:
    """A case that a moderator has decided on."""
    id = str(lead.json("queue")[0]["id"])
    more = ("--until", "2099-01-01T09:00+00:00", "--reason", "We look again in spring.")
    lead("case", "decide", id, "--action", "watch", *more)
    return id


def the_case(lead: Commands, id: str) -> Case:
    home = Home({"MODCONSOLE_HOME": str(lead.home)})
    home.vault.unlock()
    found = home.store.case(id)
    home.store.close()
    home.vault.close()
    assert found is not None
    return found


def in_home(home: Path, what: str) -> set[str]:
    """Name the files that hold a text. The simulated forum's own file is the forum, and not ours."""
    files = (file for file in home.rglob("*") if file.is_file() and file.name != FILE_NAME)
    return {file.name for file in files if what.encode() in file.read_bytes()}


def test_erasing_says_what_went_and_everything_else_goes_on(lead: Commands, case: str) -> None:
    member = the_case(lead, case).member_key
    assert "desk.db" in in_home(lead.home, case)
    said = lead("audit", "erase", "--case", case, *WHY, "--yes")

    assert said == f"Erased: {case}, with 2 private parts of log entries.\n"
    assert in_home(lead.home, case) == set()
    assert member
    assert lead.json("audit", "verify")["sound"]
    assert case not in lead("queue", "--json")
    shown = lead.json("audit", "show", case)
    assert [entry["erased"] for entry in shown if entry["kind"] in ("decided", "outcome")] == [True, True]
    assert shown[0]["became"].endswith("by demo-moderator, ref SAR-2026-014")
    assert shown[0]["private"] is None
    assert shown[-1]["kind"] == "erased"
    assert shown[-1]["private"]["bodies"] == 2
    listed = " ".join(lead("audit", "list").split())
    assert "erased on 20" in listed
    other = lead.json("queue")[0]["id"]
    assert lead.json("case", "show", other)["unreadable"] == ""


def test_a_member_is_erased_by_the_forums_own_id(lead: Commands, case: str) -> None:
    home = Home({"MODCONSOLE_HOME": str(lead.home)})
    home.vault.unlock()
    cases = [home.store.case(str(row["id"])) for row in lead.json("queue")]
    some = next(found for found in cases if found is not None and found.member_key)
    author = home.desk().cases.author(some)
    expected = {found.id for found in cases if found is not None and found.member_key == some.member_key}
    home.store.close()
    home.vault.close()
    done = lead.json("audit", "erase", "--member", some.forum, author, *WHY, "--yes")

    assert {each["case"] for each in done["erased"]} >= expected
    lead("audit", "erase", "--member", some.forum, author, *WHY, "--yes", expect=2)
    assert "about a member" in lead.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (WHY, "--case ID, or --member"),
        (("--case", "c-nobodyxx", *WHY, "--yes"), "no case"),
        (("--case", "CASE", "--yes"), "--basis and --requester"),
        (("--case", "CASE", *WHY), "--yes"),
    ],
)
def test_what_is_missing_is_said_and_nothing_goes(
    lead: Commands, case: str, words: tuple[str, ...], says: str
) -> None:
    lead("audit", "erase", *(case if word == "CASE" else word for word in words), expect=2)

    assert says in lead.err
    assert lead.json("case", "show", case)["unreadable"] == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("agrees", [True, False])
def test_on_a_terminal_it_asks_for_one_typed_word(
    lead: Commands, case: str, agrees: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"{case}\n" if agrees else "yes\n"))
    lead("audit", "erase", "--case", case, *WHY, expect=0 if agrees else 2)

    assert "These go" in lead.out
    assert "These stay" in lead.out
    assert f"Type {case} to erase it" in lead.out
    assert (in_home(lead.home, case) == set()) == agrees


def test_a_moderator_is_told_whom_to_ask(lead: Commands, case: str) -> None:
    as_role(lead, "moderator")
    for words in (
        ("erase", "--case", case, *WHY, "--yes"),
        ("refuse-erasure", "--case", case, *WHY, "--reason", "a claim"),
        ("restrict", "--case", case, "--basis", "unlawful"),
    ):
        lead("audit", *words, expect=2)
        assert "Ask a safeguarding lead, data lead or service manager." in lead.err


def test_what_was_stopped_is_named_by_doctor_and_finished_by_resume(
    lead: Commands, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SecretsUnavailable("The keyring takes nothing.", next_step="Unlock it.")

    with monkeypatch.context() as patched:
        patched.setattr(DemoSecrets, "set", refuse)
        lead("audit", "erase", "--case", case, *WHY, "--yes", expect=4)
    assert "not finished" in lead.err
    assert "modconsole audit erase --resume" in lead.err
    assert not lead.json("audit", "verify", expect=1)["sound"]
    checks = {check["name"]: check for check in lead.json("doctor", expect=1)}
    assert "is not finished" in checks["erasures"]["found"]

    assert "Finished what was begun before" in lead("audit", "erase", "--resume")
    assert "Nothing was left" in lead("audit", "erase", "--resume")
    assert lead.json("audit", "verify")["sound"]
    assert {check["name"]: check["ok"] for check in lead.json("doctor")}["erasures"]


def test_refusing_is_kept_with_its_reason(lead: Commands, case: str) -> None:
    lead("audit", "refuse-erasure", "--case", case, *WHY, "--reason", "A claim is being heard.")
    last = lead.json("audit", "show", case)[-1]

    assert last["kind"] == EntryKind.ERASE_REFUSED
    assert last["private"]["reason"] == "A claim is being heard."
    assert "claim" not in json.dumps(last["detail"])


def test_a_restricted_case_shows_its_text_only_with_a_reason(lead: Commands, case: str) -> None:
    lead("audit", "restrict", "--case", case, "--basis", "accuracy_contested")

    assert lead.json("case", "show", case)["unreadable"].startswith("Restricted")
    assert "in spring" not in lead("audit", "show", case)
    lead("audit", "erase", "--case", case, *WHY, "--yes", expect=2)
    assert "--lift" in lead.err
    assert "in spring" in lead("audit", "show", case, "--reason", "Her solicitor asked.")
    assert lead.json("audit", "show", case)[-1]["kind"] == "text_opened"
    lead("audit", "restrict", "--case", case, "--lift")
    assert "in spring" in lead("audit", "show", case)
