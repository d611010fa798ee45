"""`protocol approve` and `adopt`: from a lead's console to a moderator's, and from a new home to a service's own."""

from __future__ import annotations

import builtins
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from modconsole.bootstrap.home import Home
from modconsole.cli import run
from modconsole.config import Paths, TomlSettingsFile
from modconsole.ports.library import LibraryProblem
from modconsole.protocol_files import shipped_folder
from tests.cli.conftest import Commands

WALK = """\
schema: "modconsole-protocol/1"
id: evening-walk
title: "An evening walk"
version: "1.0.0"
status: draft
style: do_confirm
urgency: today
trigger: "A walk is due."
look_for: ["Light"]
applies_to: {jurisdictions: [GB], age_bands: [adult], forum_types: [charity], language: en-GB}
governance:
  owner_role: safeguarding_lead
  review_by: 2099-05-01
  evidence: [NSPA]
  changes:
    - {version: "1.0.0", date: 2026-11-22, by_role: author, summary: "First"}
includes: [closing-questions]
steps:
  - id: look
    text: "Look at the sky."
    why: "It changes."
    actions: [keep]
decisions: [keep]
close_requires: [member_told]
"""


class Console(Commands):
    """A home whose protocol check finds what the test says, and who is at the terminal what the test types."""

    found: Sequence[LibraryProblem] = ()

    def both(self, *words: str, expect: int = 0) -> tuple[str, str]:
        self._capsys.readouterr()
        checker = cast(Any, SimpleNamespace(check=lambda ids=(), files=(): self.found))
        # Named, and never opened: no test asks the keyring of the computer it runs on.
        environ = {"MODCONSOLE_HOME": str(self.home), "MODCONSOLE_PASSPHRASE_FILE": str(self.home / "none")}
        parts = replace(Home(environ).parts(), tools=lambda: checker)
        code = run(words, parts)
        said = self._capsys.readouterr()
        assert code == expect, f"exit {code}: {said.out}\n{said.err}"
        return said.out, said.err

    def edit(self, old: str, new: str) -> None:
        file = self.home / "config.toml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")

    def own(self, text: str = WALK) -> Path:
        file = self.home / "own-protocols" / "evening-walk.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
        return file


@pytest.fixture
def lead(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Console:
    shutil.copytree(prepared, tmp_path / "lead")
    console = Console(tmp_path / "lead", capsys)
    console.edit('role = "moderator"', 'role = "safeguarding_lead"')
    console.own()
    return console


@pytest.fixture
def desk(prepared: Path, tmp_path: Path, lead: Console, capsys: pytest.CaptureFixture[str]) -> Console:
    """A moderator's console that knows the lead's key."""
    shutil.copytree(prepared, tmp_path / "desk")
    console = Console(tmp_path / "desk", capsys)
    console.edit(
        "[service]\n", f'[service]\napprovers = ["{lead("protocol", "approve", "--key").strip()}"]\n'
    )
    console.own()
    return console


def status(console: Console) -> str:
    rows = {row["protocol"]: row for row in console.json("protocol", "approve")}
    return str(rows["evening-walk"]["status"])


def approve(console: Console) -> Path:
    return Path(console.json("protocol", "approve", "evening-walk", "--name", "Pat")["file"])


# Approve


def test_a_lead_approves_and_a_moderators_console_takes_it_over(lead: Console, desk: Console) -> None:
    given = lead.json("protocol", "approve", "evening-walk", "--name", "Pat", "--note", "read aloud")
    assert given["verdict"] == "approved"
    assert given["role"] == "safeguarding_lead"
    assert (status(lead), status(desk)) == ("approved", "draft")

    (taken,) = desk.json("protocol", "approve", "--from", given["file"])

    assert taken["taken"]
    assert taken["sha256"] == given["sha256"]
    assert status(desk) == "approved"
    sealed = desk.json("audit", "list", "--kind", "protocol_approved")
    assert [entry["protocols"][0]["sha256"] for entry in sealed] == [given["sha256"]]
    assert "evening-walk" in desk("audit", "list")
    assert "Pat" not in Path(given["file"]).read_text("utf-8")
    for console in (lead, desk):
        assert console.json("audit", "verify")["sound"]
        assert (console.home / "protocols" / f"{given['sha256']}.json").exists()
    assert "Here already" in desk("protocol", "approve", "--from", given["file"])


def test_the_file_lies_beside_the_own_protocols_and_is_none(lead: Console, tmp_path: Path) -> None:
    file = approve(lead)
    out = lead.json("protocol", "approve", "evening-walk", "--name", "Pat", "--out", str(tmp_path / "share"))

    assert file.parent == lead.home / "approvals"
    assert Path(out["file"]).parent == tmp_path / "share"
    library = Home({"MODCONSOLE_HOME": str(lead.home)}).library
    assert [p for p in library.problems() if "approv" in p.file] == []


def test_any_change_of_the_file_or_of_what_it_includes_makes_it_a_draft_again(lead: Console) -> None:
    approve(lead)
    yaml = lead.own()
    assert status(lead) == "approved"

    yaml.write_text(WALK.replace("It changes.", "It is wide."), "utf-8")
    assert status(lead) == "draft"
    yaml.write_text(WALK.replace("status: draft", "status: in_review"), "utf-8")
    assert status(lead) == "approved"
    include = lead.home / "own-protocols" / "includes" / "closing-questions.yaml"
    include.parent.mkdir()
    shipped = (shipped_folder() / "includes" / include.name).read_text("utf-8")
    include.write_text(shipped.replace("Was the member written to", "Was the member told"), "utf-8")

    assert status(lead) == "draft"


def test_what_the_check_finds_an_error_in_is_not_approved_and_warnings_are(lead: Console) -> None:
    problem = LibraryProblem("evening-walk.yaml", 3, 1, "a path without an outcome", "one", rule="x")
    lead.found = (problem,)

    _, err = lead.both("protocol", "approve", "evening-walk", "--name", "Pat", expect=1)

    assert "evening-walk.yaml:3:1: a path without an outcome" in err
    assert status(lead) == "draft"
    lead.found = (replace(problem, warning=True), replace(problem, advice=True))
    approve(lead)
    assert status(lead) == "approved"


def test_a_moderator_does_not_approve_and_a_name_is_needed(lead: Console, desk: Console) -> None:
    _, err = desk.both("protocol", "approve", "evening-walk", "--name", "Pat", expect=2)
    assert "does not rule on" in err
    _, err = lead.both("protocol", "approve", "evening-walk", expect=2)
    assert "--name" in err
    _, err = lead.both("protocol", "approve", "evening-wlak", "--name", "Pat", expect=2)
    assert "Did you mean “evening-walk”?" in err

    assert (status(lead), status(desk)) == ("draft", "draft")


def test_withdrawing_reaches_every_console_and_ends_older_approvals(lead: Console, desk: Console) -> None:
    file = approve(lead)
    desk("protocol", "approve", "--from", str(file))
    words = ("protocol", "approve", "evening-walk", "--withdraw", "--name", "Pat")
    _, err = lead.both(*words, expect=2)
    assert "needs a reason" in err

    gone = lead.json(*words, "--reason", "a step does harm")
    desk("protocol", "approve", "--from", gone["file"])

    assert gone["file"].endswith(".withdrawal")
    assert "harm" not in Path(gone["file"]).read_text("utf-8")
    assert (status(lead), status(desk)) == ("withdrawn", "withdrawn")


def test_files_that_do_not_fit_are_named_one_by_one_and_keep_no_other_back(
    lead: Console, desk: Console, tmp_path: Path
) -> None:
    good = approve(lead)
    forged, other = tmp_path / "forged.approval", tmp_path / "other.approval"
    forged.write_text(good.read_text("utf-8").replace("2099", "2199"), "utf-8")
    other.write_bytes(b"\xff\xfe\x00")
    big = tmp_path / "big.approval"
    big.write_text("x" * 100_000)
    files = [str(path) for path in (forged, other, big, tmp_path / "none.approval", good)]

    rows = desk.json("protocol", "approve", "--from", *files, expect=2)

    assert [row["taken"] for row in rows] == [False, False, False, False, True]
    assert "not what was signed" in rows[0]["problem"]
    assert all(row["problem"] for row in rows[:4])
    assert status(desk) == "approved"


def test_a_key_nobody_named_is_refused_with_what_to_do(lead: Console, desk: Console) -> None:
    file = approve(lead)
    desk.edit("approvers = ", "# approvers = ")

    _, err = desk.both("protocol", "approve", "--from", str(file), expect=2)

    assert "Nobody among this home’s approvers signed it" in err
    assert "protocol approve --key" in err
    assert status(desk) == "draft"


def test_a_folder_that_cannot_be_written_says_that_it_is_sealed_all_the_same(
    lead: Console, tmp_path: Path
) -> None:
    wall = tmp_path / "wall"
    wall.write_text("a file")

    words = ("protocol", "approve", "evening-walk", "--name", "Pat", "--out", str(wall))
    _, err = lead.both(*words, expect=4)

    assert "It is sealed here" in err
    assert status(lead) == "approved"


# Adopt


@pytest.fixture
def real(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Console:
    """A new real home with two protocols of its own in place of the shipped library."""
    shipped = tmp_path / "shipped"
    for folder in ("includes", "templates", "resources"):
        (shipped / folder).mkdir(parents=True)
    name = "closing-questions.yaml"
    shutil.copy(shipped_folder() / "includes" / name, shipped / "includes" / name)
    (shipped / "resources" / "GB.yaml").write_text(RESOURCES, "utf-8")
    monkeypatch.setattr("modconsole.protocol_files.shipped_folder", lambda: shipped)
    home = tmp_path / "real"
    home.mkdir()
    console = Console(home, capsys)
    TomlSettingsFile(Paths.under(home)).write_new(role="safeguarding_lead")
    console.own()
    return console


RESOURCES = """\
schema: "modconsole-resources/1"
country: GB
maintainer_role: safeguarding_lead
entries:
  - id: gb-line
    name: "A line"
    kind: listening
    topics: [crisis]
    channels:
      - {type: phone, value: "01632 960001"}
    areas: [GB]
    source: {url: "https://line.example", seen_on: 2026-11-22}
    verified: {on: null, by_role: null, method: null}  # ring it first
  - id: gb-office
    name: "The council’s office"
    kind: specialist
    topics: [adult-social-care]
    channels:
      - {type: advice, value: "Number: check locally"}
    areas: [GB]
    source: {url: "https://office.example", seen_on: 2026-11-22}
  - id: ie-line
    name: "A line elsewhere"
    kind: listening
    topics: [crisis]
    channels:
      - {type: phone, value: "01632 960002"}
    areas: [IE]
    source: {url: "https://line.example", seen_on: 2026-11-22}
"""


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Somebody at the terminal, who types these answers and then hangs up."""
    answers: list[str] = []

    def answer(prompt: str) -> str:
        if not answers:
            raise EOFError
        return answers.pop(0)

    monkeypatch.setattr(builtins, "input", answer)
    yield lambda *typed: answers.extend(typed)
    assert answers == []


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modconsole.cli.protocol.adopting._has_terminal", lambda: True)


def missing(console: Console) -> list[tuple[str, str]]:
    listed = console.json("protocol", "adopt", "--check", expect=1)
    assert listed["finished"] is False
    assert all(item["said"] and item["mend"] for item in listed["remaining"])
    return [(item["kind"], item["about"]) for item in listed["remaining"]]


SETTINGS = ("org", "time_zone", "staffed_hours", "jurisdictions", "age_bands", "forum_types")
ANSWERS = (
    "Lantern",
    "Europe/London",
    "Mon-Fri 08:00-24:00; Sat 10:00-18:00",
    "GB-ENG",
    "adult",
    "charity",
    "n",
)


def test_a_new_home_is_told_all_that_is_missing(real: Console) -> None:
    assert missing(real) == [
        *(("setting", name) for name in SETTINGS),
        ("contact", "safeguarding_lead"),
        ("resource", "gb-line"),
        ("placeholder", "gb-office"),
        ("resource", "ie-line"),
        ("protocol", "evening-walk"),
    ]
    assert "Not finished: 11 still to do" in real("protocol", "adopt", "--check", expect=1)


def test_without_a_terminal_it_only_lists(real: Console) -> None:
    _, err = real.both("protocol", "adopt", expect=2)

    assert "--check" in err


def test_a_demo_home_has_nothing_to_adopt(lead: Console) -> None:
    _, err = lead.both("protocol", "adopt", "--check", expect=2)

    assert "demo home" in err


@pytest.mark.usefixtures("at_terminal")
def test_it_can_be_stopped_at_any_question_and_gone_on_with(
    real: Console, types: Callable[..., None]
) -> None:
    types(*ANSWERS[:3], "q")
    out = real("protocol", "adopt", expect=1)
    assert "Stopped. What you answered is in" in out
    assert missing(real)[:2] == [("setting", "jurisdictions"), ("setting", "age_bands")]

    # Enter keeps; a wrong word is asked for again; a hang-up stops like q.
    types("", "", "", "GB-ENG", "grown-ups", "adult", "charity", "")
    out, err = real.both("protocol", "adopt", expect=1)

    assert "grown-ups" in err
    assert missing(real)[0] == ("contact", "safeguarding_lead")
    settings = TomlSettingsFile(Paths.under(real.home)).read().service
    assert settings.org == "Lantern"
    assert settings.staffed_lines == ("Mon-Fri 08:00-24:00", "Sat 10:00-18:00")
    assert settings.age_bands == ("adult",)


@pytest.mark.usefixtures("at_terminal")
def test_answered_to_the_end_it_is_finished(real: Console, types: Callable[..., None]) -> None:
    contact = ("Sam", "the duty phone", "")
    types(*ANSWERS, *contact, "y", "rang", "y")  # the line was rung; of the office, a copy is made

    real("protocol", "adopt", expect=1)

    own = real.home / "own-protocols" / "resources" / "GB.yaml"
    today = datetime.now(UTC).date().isoformat()
    noted = f"    verified: {{on: {today}, by_role: safeguarding_lead, method: rang}}  # ring it first\n"
    assert noted in own.read_text("utf-8")
    assert missing(real) == [("placeholder", "gb-office"), ("protocol", "evening-walk")]

    own.write_text(own.read_text("utf-8").replace("Number: check locally", "01632 960003"), "utf-8")
    types(*[""] * 7, "y", "w")
    real("protocol", "adopt", expect=1)
    assert missing(real) == [("protocol", "evening-walk")]
    home = Home({"MODCONSOLE_HOME": str(real.home)})
    listed = {line.id: line.verified_on is not None for line in home.library.all_resources()}
    assert listed == {"gb-line": True, "gb-office": True, "ie-line": False}


@pytest.mark.usefixtures("at_terminal")
def test_wrong_or_skipped_services_stay_unchecked(real: Console, types: Callable[..., None]) -> None:
    types(*ANSWERS, "", "skip", "n")
    real("protocol", "adopt", expect=1)
    types(*[""] * 7, "", "n", "n")
    out = real("protocol", "adopt", expect=1)

    assert "Correct it in" in out
    assert ("resource", "gb-line") in missing(real)


def test_a_protocol_that_was_withdrawn_or_retired_is_not_waited_for(real: Console) -> None:
    real.own(WALK.replace("status: draft", "status: retired"))

    assert ("protocol", "evening-walk") not in missing(real)


def test_open_places_and_roles_of_protocols_and_unknown_suggestions_are_named(real: Console) -> None:
    told = """\
    questions:
      - id: dark
        text: "Dark?"
        type: choice
        options:
          - {value: "yes", text: "Yes"}
          - {value: "no", text: "No"}
        on_answer:
          - {in: ["yes"], escalate: clinical_lead, offer_template: rules}
"""
    real.own(
        WALK.replace("It changes.", "Where it is dark: check locally.").replace(
            "    actions: [keep]\n", f"    actions: [keep]\n{told}"
        )
    )
    template = real.home / "own-protocols" / "templates" / "rules.yaml"
    template.parent.mkdir()
    template.write_text(
        'schema: "modconsole-template/1"\nid: rules\nversion: "1.0.0"\nsituation: "Rules."\nchannel: private\n'
        "placeholders: [member_name, rule_link]\nbody: |\n  Hi {member_name}, see {rule_link}.\n",
        "utf-8",
    )
    real.edit("[me]", '[service.protocols]\ntrolling = ["evening-wlak"]\n\n[me]')

    found = missing(real)

    assert ("contact", "clinical_lead") in found
    assert ("placeholder", "evening-walk") in found
    assert ("placeholder", "rules") in found
    assert ("suggestion", "evening-wlak") in found
    listed = json.loads(real("protocol", "adopt", "--json", expect=1))["remaining"]
    assert any("Did you mean “evening-walk”?" in item["said"] for item in listed)


def test_reasons_nobody_mapped_are_read_from_the_queue() -> None:
    from modconsole.desk.adoption import unmapped_reasons

    def case(*texts: str) -> Any:
        return SimpleNamespace(reasons=[SimpleNamespace(code="flag:unmapped", text=text) for text in texts])

    end = "nobody has mapped this reason, so a person looks soon (soon)"
    cases = {
        "a": case(f"a member said “off topic”: {end}"),
        "b": case(f"a rule said “off topic”: {end}"),
        "c": case(f"a member said “{'long ' * 12}”: {end}"),
        "d": case(f"a member said “no reason given”: {end}"),
        "e": case("your answers make it now"),
    }
    store: Any = SimpleNamespace(
        rows=lambda wanted, first, count: [SimpleNamespace(id=id) for id in cases], case=cases.get
    )

    assert unmapped_reasons(store) == ["off topic"]
