"""`protocol new` asks or takes options, never overwrites, and writes what the check has nothing against."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from modconsole.bootstrap.home import Home
from modconsole.cli.protocol.writing import KINDS, _slug
from modconsole.core.urgency import Urgency
from modconsole.protocol_files.reference import reference
from tests.cli.conftest import Commands

GIVEN = ("--title", "Adverts: off topic", "--trigger", "A member advertises something.")


@pytest.fixture
def own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """A home in which nothing was ever done."""
    return Commands(tmp_path / "home", capsys)


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have somebody at the terminal type these lines; after the last one the terminal is closed."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def answers(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", Terminal("".join(f"{line}\n" for line in lines)))

    return answers


def folder(own: Commands) -> Path:
    return Home({"MODCONSOLE_HOME": str(own.home)}).paths.own_protocols


def test_a_file_is_written_from_options_and_the_check_finds_nothing(own):
    said = own(
        "protocol", "new", *GIVEN, "--urgency", "soon", "--step", "Read it all. | One line alone can mislead."
    )

    text = (folder(own) / "adverts-off-topic.yaml").read_text("utf-8")
    assert 'text: "Read it all."' in text
    assert 'why: "One line alone can mislead."' in text
    assert "modconsole protocol approve adverts-off-topic" in said
    assert "nothing found" in own("protocol", "check", "adverts-off-topic")


def test_every_option_stands_in_the_file(own):
    own(
        *("protocol", "new", "night-shift", *GIVEN, "--urgency", "now", "--style", "do_confirm"),
        *(
            "--owner",
            "service_manager",
            "--place",
            "GB-SCT",
            "--place",
            "IE",
            "--age",
            "16_17",
            "--age",
            "unknown",
        ),
        *("--forum-type", "carers", "--look-for", "A link", "--look-for", "A price"),
    )
    protocol = Home({"MODCONSOLE_HOME": str(own.home)}).library.get("night-shift")

    assert protocol.urgency is Urgency.NOW
    assert (protocol.style, protocol.governance.owner_role) == ("do_confirm", "service_manager")
    assert (protocol.jurisdictions, protocol.age_bands) == (("GB-SCT", "IE"), ("16_17", "unknown"))
    assert (protocol.forum_types, protocol.look_for[:2]) == (("carers",), ("A link", "A price"))


def test_questions_are_asked_on_a_terminal_and_asked_again_until_the_answer_will_do(own, types):
    types(
        *("", "Adverts from members"),  # a title has to be given
        *("suicide-thoughts", "Adverts!", ""),  # taken, no id, then the one offered
        "A member advertises something.",
        *("A link", "A price", ""),
        "1",  # now, by its number
        "",  # the style that goes with now
        *("safegarding_lead", "service_manager"),
        *("Scotland", "GB-SCT, IE"),
        "13_15 16_17",
        "",
        *("Hide it. | Others may buy.", ""),
    )
    own("protocol", "new")

    protocol = Home({"MODCONSOLE_HOME": str(own.home)}).library.get("adverts-from-members")
    assert (protocol.title, protocol.urgency, protocol.style) == ("Adverts from members", "now", "read_do")
    assert protocol.governance.owner_role == "service_manager"
    assert (protocol.jurisdictions, protocol.age_bands) == (("GB-SCT", "IE"), ("13_15", "16_17"))
    assert [(step.text, step.why) for step in protocol.steps if step.id == "hide-it"] == [
        ("Hide it.", "Others may buy.")
    ]
    for refused in (
        "The title is empty",
        "already, among the shipped ones",
        "cannot be the id",
        "Did you mean",
    ):
        assert refused in own.err
    assert "someone may die" in own.out  # each word with its meaning
    assert "nothing found" in own("protocol", "check", "adverts-from-members")


def test_what_is_given_is_not_asked(own, types):
    types("", "", "", "", "", "", "", "")
    said = own("protocol", "new", "adverts", *GIVEN, "--look-for", "A link")

    assert "What is it about?" not in said
    assert "What would a moderator see" not in said
    assert "How soon does a person have to respond?" in said


def test_a_terminal_that_goes_away_leaves_nothing_behind(own, types):
    types("Adverts from members", "")
    _, err = own.both("protocol", "new", expect=2)

    assert "Nothing was written" in err
    assert not folder(own).exists()


def test_without_a_terminal_what_is_missing_is_named(own):
    _, err = own.both("protocol", "new", "--title", "Adverts", expect=2)

    assert "--trigger must be given" in err
    assert not folder(own).exists()


def test_a_file_that_is_there_is_never_overwritten(own, tmp_path):
    own("protocol", "new", "adverts", *GIVEN)
    before = (folder(own) / "adverts.yaml").read_bytes()
    out = tmp_path / "mine.yaml"
    out.write_text("mine")

    _, err = own.both("protocol", "new", "adverts", *GIVEN, "--urgency", "now", expect=2)
    _, err_out = own.both("protocol", "new", *GIVEN, "--out", str(out), expect=2)

    assert "among your own folder" in err
    assert "there already" in err_out
    assert (folder(own) / "adverts.yaml").read_bytes() == before
    assert out.read_text() == "mine"


def test_a_shipped_protocol_is_not_pushed_aside_by_an_unfinished_one(own):
    _, err = own.both("protocol", "new", "suicide-immediate", *GIVEN, expect=2)

    assert "among the shipped ones (core)" in err
    assert Home({"MODCONSOLE_HOME": str(own.home)}).library.pack("suicide-immediate") == "core"


def test_a_file_elsewhere_takes_its_id_from_its_name(own, tmp_path):
    out = tmp_path / "adverts.yaml"
    said = own("protocol", "new", *GIVEN, "--out", str(out))

    assert 'id: "adverts"' in out.read_text("utf-8")
    assert "own folder" in said
    assert "nothing found" in own("protocol", "check", str(out))
    _, err = own.both("protocol", "new", "other", *GIVEN, "--out", str(tmp_path / "name.yaml"), expect=2)
    assert "other.yaml" in err
    _, err = own.both("protocol", "new", *GIVEN, "--out", str(tmp_path / "no" / "adverts.yaml"), expect=2)
    assert "cannot be written" in err


def test_the_services_own_places_and_ages_are_offered_first(own):
    own.home.mkdir()
    (own.home / "config.toml").write_text(
        '[service]\norg = "x"\ntime_zone = "UTC"\njurisdictions = ["IE"]\nage_bands = ["16_17"]\n'
        '[me]\npseudonym = "p"\n[device]\nid = "d"\n'
    )
    own("protocol", "new", "adverts", *GIVEN)
    protocol = Home({"MODCONSOLE_HOME": str(own.home)}).library.get("adverts")

    assert (protocol.jurisdictions, protocol.age_bands) == (("IE",), ("16_17",))
    (own.home / "config.toml").write_text("[service]\nbroken")
    own("protocol", "new", "adverts-2", *GIVEN)


def test_the_schemas_stand_where_the_first_line_of_the_file_says(own):
    made = own.json("protocol", "new", "adverts", *GIVEN)
    file = Path(made["file"])
    named = file.read_text("utf-8").splitlines()[0].partition("$schema=")[2]
    schema = json.loads((file.parent / named).read_text("ascii"))

    assert schema["title"] == "modconsole: a protocol"
    assert {path.stem for path in Path(made["schemas"]).iterdir()} == set(KINDS)
    assert stat.S_IMODE(own.home.stat().st_mode) == 0o700
    assert Home({"MODCONSOLE_HOME": str(own.home)}).library.problems() == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_goes_to_the_screen_or_into_a_file(own, tmp_path, kind):
    shown = json.loads(own("protocol", "schema", kind))
    out = tmp_path / "it.json"
    own("protocol", "schema", kind, "--out", str(out))
    own("protocol", "schema", kind, "--out", str(out))  # over its own

    Draft202012Validator.check_schema(shown)
    assert json.loads(out.read_text("ascii")) == shown


@pytest.mark.parametrize("held", ["schema: x\n", '{"name": "mine"}', ""])
def test_a_schema_is_not_written_over_something_else(own, tmp_path, held):
    file = tmp_path / "calm.yaml"
    file.write_text(held)
    _, err = own.both("protocol", "schema", "--out", str(file), expect=2)

    assert "holds something else" in err
    assert file.read_text() == held


def test_the_schemas_can_be_put_where_editors_look(own):
    said = own("protocol", "schema", "--editor")

    assert "# yaml-language-server: $schema=.schema/protocol.json" in said
    assert (folder(own) / ".schema" / "template.json").exists()


def test_the_reference_is_the_page(own):
    assert own("protocol", "schema", "--reference") == reference()


@pytest.mark.parametrize(
    ("title", "id"),
    [
        ("Adverts: off topic", "adverts-off-topic"),
        ("What we’d do, and when, and who with", "what-wed-do-and-when"),
        ("1.10", ""),
        ("日本", ""),
        ("yes", "yes"),
        ("x" * 100, "x" * 60),
    ],
)
def test_an_id_is_made_of_a_titles_first_words(title, id):
    assert _slug(title) == id
