"""Importing other devices' logs, and finding entries in them and in ours, as commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modconsole.protocol_files import shipped_folder
from tests.cli.conftest import Commands

TROLLING = "trolling"


@pytest.fixture
def other(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Another device of the same service, with one decision in its log."""
    home = tmp_path / "other"
    shutil.copytree(prepared, home)
    for name in ("log.db", "keys.db", "witness.db"):
        for path in home.glob(f"{name}*"):
            path.unlink()
    config = home / "config.toml"
    text = config.read_text().replace('id = "demo"\n', 'id = "back-room"\n', 1)
    config.write_text(text.replace("demo-moderator", "other-moderator"))
    for path in home.glob("desk.db*"):
        path.unlink()
    made = Commands(home, capsys)
    made("demo", "--prepare")
    decide(made)
    return made


def decide(home: Commands, *more: str) -> str:
    case = next(str(row["id"]) for row in home.json("queue") if row["topic"] == TROLLING)
    home("case", "decide", case, "--action", "hide", "--reason", "mocks people", *more)
    return case


def key_of(home: Commands) -> str:
    (log,) = home.json("audit", "verify")["logs"]
    return str(log["vkey"])


def exported(home: Commands, out: Path) -> str:
    home("audit", "export", "--form", "tiles", "--out", str(out))
    return str(out)


def test_a_log_is_enrolled_by_its_key_and_its_fingerprint_is_shown(demo: Commands, other: Commands) -> None:
    said = demo("audit", "import", "--enrol", key_of(other))
    (log,) = demo.json("audit", "import")

    assert "Compare it with the device's owner" in said
    assert log["fingerprint"] in said
    assert log["vkey"] == key_of(other)
    sealed = demo.json("audit", "list", "--kind", "key_event")
    assert sealed[0]["detail"] == "enrolled:" + log["vkey"].split("+")[1]


def test_enrolling_again_is_no_news_and_is_not_sealed_again(demo: Commands, other: Commands) -> None:
    demo("audit", "import", "--enrol", key_of(other))

    assert "before" in demo("audit", "import", "--enrol", key_of(other))
    assert len(demo.json("audit", "list", "--kind", "key_event")) == 1


def test_a_fingerprint_that_is_another_enrols_nothing(demo: Commands, other: Commands) -> None:
    _, err = demo.both("audit", "import", "--enrol", key_of(other), "--fingerprint", "ab" * 32, expect=2)

    assert "another one" in err
    assert demo.json("audit", "import") == []


def test_a_weak_or_mistyped_key_is_refused(demo: Commands, other: Commands) -> None:
    from modconsole.core.note import VerifierKey

    weak = str(VerifierKey("modconsole.demo/back-room/2026Q4", bytes(32)))
    _, err = demo.both("audit", "import", "--enrol", weak, expect=2)
    assert "weak" in err

    _, err = demo.both("audit", "import", "--enrol", key_of(other)[:-4], expect=2)
    assert "exactly as" in err


def test_an_enrolment_that_was_a_mistake_is_taken_back(demo: Commands, other: Commands) -> None:
    demo("audit", "import", "--enrol", key_of(other))
    name = key_of(other).split("+")[0]

    demo("audit", "import", "--dismiss", name)

    assert demo.json("audit", "import") == []
    assert demo.json("audit", "list", "--kind", "key_event")[0]["detail"].startswith("dismissed:")


def test_exports_are_taken_in_once_however_often_they_are_imported(
    demo: Commands, other: Commands, tmp_path: Path
) -> None:
    early = exported(other, tmp_path / "early")
    decide(other)
    late = exported(other, tmp_path / "late")
    demo("audit", "import", "--enrol", key_of(other))

    first = demo.json("audit", "import", late)["imported"]
    again = demo.json("audit", "import", early, late)["imported"]

    assert first[0]["sound"]
    assert first[0]["new"] == first[0]["entries"] > 0
    assert [one["new"] for one in again] == [0, 0]
    assert "none of them new" in demo("audit", "import", late)


def test_one_bad_folder_stops_nothing_but_itself(demo: Commands, other: Commands, tmp_path: Path) -> None:
    good, ours = exported(other, tmp_path / "good"), exported(demo, tmp_path / "ours")
    demo("audit", "import", "--enrol", key_of(other))

    said = demo("audit", "import", str(tmp_path / "nowhere"), ours, good, expect=1)

    assert "There is no such folder" in said
    assert "is not known here" in said
    assert "all of them new" in said or "of them new" in said
    assert demo.json("audit", "import")[0]["entries"] > 0


def test_a_cloned_device_is_named_its_log_stops_and_ours_says_so(
    demo: Commands, other: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone_home = tmp_path / "clone"
    shutil.copytree(other.home, clone_home)
    clone = Commands(clone_home, capsys)
    decide(clone)
    decide(other)
    demo("audit", "import", "--enrol", key_of(other))
    demo("audit", "import", exported(other, tmp_path / "one"))

    said = demo("audit", "import", exported(clone, tmp_path / "two"), expect=1)

    assert "Two histories" in said
    assert "FROZEN" in demo("audit", "import")
    event = demo.json("audit", "list", "--kind", "key_event")[0]
    assert event["detail"].startswith("two_histories:")
    assert demo.json("audit", "list", "--gathered")
    assert demo.json("audit", "verify", "--gathered")["frozen"] == [key_of(other).split("+")[0]]


@pytest.fixture
def reviewing(demo: Commands, other: Commands, tmp_path: Path) -> Commands:
    decide(demo)
    for number, one in enumerate((demo, other)):
        demo("audit", "import", "--enrol", key_of(one))
        demo("audit", "import", exported(one, tmp_path / f"x{number}"))
    return demo


def test_gathered_entries_are_found_by_every_filter(reviewing: Commands) -> None:
    def actors(*words: str) -> set[str]:
        return {entry["actor"] for entry in reviewing.json("audit", "list", "--gathered", *words)}

    both = {"demo-moderator", "other-moderator"}
    (theirs,) = reviewing.json(
        "audit", "list", "--gathered", "--actor", "other-moderator", "--kind", "decided"
    )

    assert actors() == both
    assert actors("--action", "hide") == both
    assert actors("--forum", "demo", "--outcome", "applied") == both
    assert actors("--decision", theirs["decision"]) == {"other-moderator"}
    assert actors("--case", theirs["case_token"]) == {"other-moderator"}
    assert actors("--until", "2020-01-01") == set()
    assert actors("--since", "2020-01-01", "--urgency", theirs["urgency"]) >= {"other-moderator"}
    assert len(reviewing.json("audit", "list", "--gathered", "--limit", "2")) == 2


def test_the_table_says_whose_clock_it_is(reviewing: Commands) -> None:
    said = reviewing("audit", "list", "--gathered")

    assert "back-room" in said
    assert "no log can say" in " ".join(said.split())


def test_a_gathered_case_is_shown_by_its_token_without_a_private_part(reviewing: Commands) -> None:
    (theirs,) = reviewing.json(
        "audit", "list", "--gathered", "--actor", "other-moderator", "--kind", "decided"
    )

    shown = reviewing.json("audit", "show", "--gathered", theirs["case_token"])

    assert [entry["kind"] for entry in shown] == ["decided", "asked", "outcome"]
    assert "mocks" not in json.dumps(shown)
    assert reviewing.json("audit", "verify", "--gathered")["sound"]
    _, err = reviewing.both("audit", "show", "--gathered", "ab" * 16, expect=2)
    assert "nothing about" in err


def test_our_own_entries_are_found_by_a_protocols_version(
    demo: Commands, case_about: Callable[[str], str]
) -> None:
    case = case_about("suicide-thoughts")
    answers = demo.home / "answers.json"
    answers.write_text(json.dumps([{"protocol": "suicide-thoughts", "answers": {"imminent": "no"}}]))
    demo("case", "decide", case, "--answers", str(answers), "--action", "keep", "--reason", "r")
    (entry,) = demo.json("audit", "list", "--protocol", "suicide-thoughts")
    version = entry["protocols"][0]["version"]

    assert demo.json("audit", "list", "--protocol", "suicide-thoughts", "--protocol-version", version) == [
        entry
    ]
    assert demo.json("audit", "list", "--protocol", "suicide-thoughts", "--protocol-version", "9.9") == []
    _, err = demo.both("audit", "list", "--protocol-version", version, expect=2)
    assert "--protocol" in err


# Reading a case again


def walked(demo: Commands, case: str) -> None:
    answers = demo.home / "answers.json"
    answers.write_text(
        json.dumps(
            [
                {"protocol": "suicide-thoughts", "answers": {"imminent": "no"}},
                {"protocol": "suicide-thoughts", "answers": {"imminent": "unclear"}},
            ]
        )
    )
    demo("case", "decide", case, "--answers", str(answers), "--action", "hide", "--reason", "kept safe")


def test_a_case_is_read_again_step_by_step_with_what_was_superseded(
    demo: Commands, case_about: Callable[[str], str]
) -> None:
    case = case_about("suicide-thoughts")
    walked(demo, case)

    said = " ".join(demo("audit", "show", case).split())

    assert "Talks of suicide, no sign of immediate danger (suicide-thoughts" in said
    assert "Check again for immediate danger. [done]" in said
    assert ": No (superseded)" in said
    assert "“suicide-immediate” took over" in said
    assert "Unclear (carried over)" in said
    assert "Hide: applied" in said
    assert "reason: kept safe" in said


def test_the_text_is_that_of_the_version_it_was_walked_with(
    demo: Commands, case_about: Callable[[str], str]
) -> None:
    shipped = next(shipped_folder().rglob("suicide-thoughts.yaml"))
    own = demo.home / "own-protocols" / "suicide-thoughts.yaml"
    own.parent.mkdir()
    own.write_text(shipped.read_text().replace("Check again for immediate danger.", "Look once more."))
    case = case_about("suicide-thoughts")
    walked(demo, case)
    own.unlink()

    walk = demo.json("audit", "show", case)[0]["reread"][0]

    assert walk["steps"][0]["text"] == "Look once more."
    assert [(given["text"], given["standing"]) for given in walk["steps"][0]["given"]] == [
        ("No", False),
        ("Unclear", True),
    ]


def test_whoever_worked_on_a_case_reads_it_again_without_a_trace_and_others_leave_one(
    demo: Commands, case_about: Callable[[str], str]
) -> None:
    case = case_about("suicide-thoughts")
    walked(demo, case)
    demo("audit", "show", case)
    assert demo.json("audit", "list", "--kind", "text_opened") == []
    config = demo.home / "config.toml"
    config.write_text(config.read_text().replace("demo-moderator", "a-lead"))

    demo("audit", "show", case)

    (opened,) = demo.json("audit", "list", "--kind", "text_opened")
    assert (opened["actor"], opened["detail"], opened["case"]) == ("a-lead", "reread", case)
