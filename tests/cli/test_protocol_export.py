"""`protocol export` and `case export`: FHIR-shaped, ASCII, for their owner's eyes, recorded."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from fhir.resources import bundle as r5_bundle
from fhir.resources.R4B import bundle as r4b_bundle

from modconsole.protocol_files import shipped_folder
from modconsole.protocol_files.fhir_rules import invariants
from tests.cli.conftest import Commands

THOUGHTS = "suicide-thoughts"


@pytest.fixture
def answered(demo, case_about) -> str:
    """A case with two runs: the answer to the first hands over to the second."""
    id = case_about(THOUGHTS)
    file = demo.home / "answers.json"
    file.write_text(
        json.dumps(
            [
                {"protocol": THOUGHTS, "answers": {"imminent": "unclear"}},
                {"protocol": "suicide-immediate", "answers": {"follow_up_at": "not needed: Robin is there"}},
            ]
        )
    )
    demo("case", "decide", id, "--answers", str(file))
    return id


def as_lead(demo: Commands) -> None:
    config = demo.home / "config.toml"
    config.write_text(config.read_text().replace('role = "moderator"', 'role = "safeguarding_lead"'))


def exported(demo: Commands) -> list[str]:
    return [entry["detail"] for entry in demo.json("audit", "list") if entry["kind"] == "exported"]


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_a_protocol_of_the_library_is_written_out_as_a_questionnaire(demo, release):
    out = demo("protocol", "export", THOUGHTS, "--fhir", release)

    made = json.loads(out)
    assert out.isascii()
    assert (made["resourceType"], made["status"]) == ("Questionnaire", "draft")
    assert invariants(made, release=release) == []


def test_a_file_is_read_as_it_is_and_needs_no_home(demo, tmp_path):
    shipped = next(shipped_folder().rglob(f"{THOUGHTS}.yaml"))
    file = tmp_path / shipped.name
    file.write_text(
        shipped.read_text("utf-8").replace("no sign of immediate danger", "none just now"), "utf-8"
    )
    demo.home = tmp_path / "no-home-yet"

    assert "none just now" in json.loads(demo("protocol", "export", str(file)))["title"]
    assert json.loads(demo("protocol", "export", THOUGHTS))["name"] == "SuicideThoughts"
    assert not (demo.home / "log.db").exists()


def test_a_new_file_is_for_its_owner_only_and_nothing_is_written_over(demo, tmp_path, answered):
    for words in (("protocol", "export", THOUGHTS), ("case", "export", answered)):
        file = tmp_path / f"{words[0]}.json"
        said = demo(*words, "--out", str(file))
        first = file.read_bytes()

        assert "FHIR-shaped export" in said
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert first.isascii()
        assert json.loads(first)["resourceType"] in ("Questionnaire", "Bundle")

        _, err = demo.both(*words, "--out", str(file), expect=2)
        assert "is there already" in err
        assert file.read_bytes() == first
    assert exported(demo) == ["fhir:R4"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("protocol", "export", "nothere"), "nothere"),
        (("protocol", "export", THOUGHTS, "--out", "/nowhere/x.json"), "/nowhere/x.json"),
        (("case", "export", "c-nothere0"), "c-nothere0"),
    ],
)
def test_what_is_not_there_is_named(demo, words, said):
    _, err = demo.both(*words, expect=2)

    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_a_case_is_a_bundle_of_its_runs_and_their_protocols_and_the_log_says_so(demo, answered, release):
    made = json.loads(demo("case", "export", answered, "--fhir", release))

    resources = [entry["resource"] for entry in made["entry"]]
    assert [resource["resourceType"] for resource in resources] == ["Questionnaire"] * 2 + [
        "QuestionnaireResponse"
    ] * 2
    assert [resource["status"] for resource in resources[2:]] == ["stopped", "in-progress"]
    assert invariants(made, release=release) == []
    (r4b_bundle if release == "R4" else r5_bundle).Bundle.model_validate(made)
    assert exported(demo) == [f"fhir:{release}"]
    assert demo.json("audit", "verify")["sound"]


def test_everything_that_leaves_a_demo_says_that_it_is_about_nobody(demo, answered):
    made = json.loads(demo("case", "export", answered))

    for resource in (made, *(entry["resource"] for entry in made["entry"])):
        assert "HTEST" in [tag["code"] for tag in resource["meta"]["tag"]]


def test_what_a_moderator_typed_stays_here_unless_a_lead_asks_for_it(demo, answered):
    _, err = demo.both("case", "export", answered, "--include-text", expect=2)
    assert "may not hand it on" in err
    assert exported(demo) == []
    assert "Robin" not in demo("case", "export", answered)

    as_lead(demo)
    assert "Robin is there" in demo("case", "export", answered, "--include-text")
    assert exported(demo) == ["fhir:R4:text", "fhir:R4"]


def test_a_bundle_holds_nothing_of_the_post(demo, answered):
    shown = demo.json("case", "show", answered)
    out = demo("case", "export", answered)

    assert shown["post"]["author"] not in out
    assert json.dumps(shown["post"]["text"])[1:40] not in out


def test_a_file_that_cannot_be_written_is_said_in_a_sentence(demo, tmp_path, answered):
    folder = tmp_path / "gone"
    _, err = demo.both("case", "export", answered, "--out", str(folder / "x.json"), expect=2)

    assert "cannot be written" in err
    assert not Path(folder).exists()
