"""Who checked a crisis service is written into the service's own file, and into no other line."""

from __future__ import annotations

import difflib
from datetime import date
from pathlib import Path

import pytest

from modconsole.core.errors import DataError, WrongUsage
from modconsole.protocol_files import FileLibrary, shipped_folder
from modconsole.protocol_files.resource_notes import FileResourceNotes, with_check

TODAY = date(2026, 11, 23)
NOTED = "verified: {on: 2026-11-23, by_role: safeguarding_lead, method: rang}"
HEAD = 'schema: "modconsole-resources/1"\ncountry: GB\nmaintainer_role: safeguarding_lead\nentries:\n'
BODY = """\
    name: "A line"
    kind: listening
    topics: [crisis]
    channels:
      - {type: phone, value: "01632 960001"}
    areas: [GB]
    source: {url: "https://line.example", seen_on: 2026-11-22}
"""
OTHER = "  - id: other\n" + BODY + "    verified: {on: null}\n"


def noted(text: str, id: str = "line") -> list[str]:
    after = with_check(text, id, TODAY, "safeguarding_lead", "rang")
    assert after is not None
    lines = difflib.unified_diff(text.split("\n"), after.split("\n"), lineterm="", n=0)
    return [line for line in lines if line[:3] not in ("---", "+++") and line[:2] != "@@"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "  - id: line\n" + BODY + "    verified: {on: null, by_role: null, method: null}  # ring first\n",
            [
                "-    verified: {on: null, by_role: null, method: null}  # ring first",
                f"+    {NOTED}  # ring first",
            ],
        ),
        ("  - id: line\n" + BODY, [f"+    {NOTED}"]),
        (
            '  - id: "line"  # ours\n'
            + BODY
            + "    verified:\n      on: null\n      method: null\n    recheck_days: 9\n",
            ["-    verified:", "-      on: null", "-      method: null", f"+    {NOTED}"],
        ),
        (
            "  - id: line\n    verified: {on: 2026-01-01,\n      by_role: moderator}\n" + BODY,
            ["-    verified: {on: 2026-01-01,", "-      by_role: moderator}", f"+    {NOTED}"],
        ),
        (
            "  - verified: {on: null}\n    id: line\n" + BODY,
            ["-  - verified: {on: null}", f"+  - {NOTED}"],
        ),
    ],
)
@pytest.mark.parametrize(("before", "after"), [("", OTHER), (OTHER, "")])
def test_one_entry_changes_however_it_is_written(
    entry: str, expected: list[str], before: str, after: str
) -> None:
    assert noted(HEAD + before + entry + "\n  # a comment\n" + after) == expected


@pytest.mark.parametrize(
    "text",
    [
        HEAD + '  - {id: line, name: "A line"}\n',
        HEAD + OTHER,
        HEAD + "  - id: line\n" + BODY + "  - id: line\n" + BODY,
        HEAD + "  - id: line\n" + BODY + "    verified: *alias\n",
    ],
)
def test_lines_that_are_not_as_we_know_them_are_left_alone(text: str) -> None:
    assert with_check(text, "line", TODAY, "safeguarding_lead", "rang") is None


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


def test_every_shipped_service_can_be_noted_and_the_shipped_file_stays(own: Path, tmp_path: Path) -> None:
    shipped = shipped_folder()
    before = {path: path.read_bytes() for path in sorted((shipped / "resources").iterdir())}
    notes = FileResourceNotes(shipped, own)
    all_ids = [resource.id for resource in FileLibrary([shipped, own], tmp_path / "kept").all_resources()]

    for id in all_ids:
        assert notes.checked(id, on=TODAY, by_role="safeguarding_lead", method="website").parent.parent == own

    library = FileLibrary([shipped, own], tmp_path / "kept")
    assert [resource.id for resource in library.all_resources()] == all_ids
    assert not any(resource.is_stale(TODAY) for resource in library.all_resources())
    assert {path: path.read_bytes() for path in before} == before
    assert library.problems() == FileLibrary([shipped], tmp_path / "kept").problems()


def test_checking_a_number_undoes_no_approval(own: Path, tmp_path: Path) -> None:
    shipped = shipped_folder()
    before = FileLibrary([shipped, own], tmp_path / "kept").get("suicide-thoughts")

    FileResourceNotes(shipped, own).checked(
        "gb-samaritans", on=TODAY, by_role="safeguarding_lead", method="rang"
    )

    after = FileLibrary([shipped, own], tmp_path / "kept").get("suicide-thoughts")
    assert before is not None
    assert after is not None
    assert before.hash == after.hash


def test_an_own_copy_is_made_once_and_then_kept_as_it_is(own: Path) -> None:
    notes = FileResourceNotes(shipped_folder(), own)
    place = notes.own_copy("gb-samaritans")
    assert place == own / "resources" / "GB.yaml"
    place.write_text(place.read_text("utf-8") + "# ours\n", "utf-8")

    assert notes.own_copy("gb-samaritans") == place
    notes.checked("gb-samaritans", on=TODAY, by_role="clinical_lead", method="official_list")

    assert place.read_text("utf-8").endswith("# ours\n")
    assert "by_role: clinical_lead, method: official_list" in place.read_text("utf-8")


def test_what_is_not_there_or_cannot_be_written_is_said(own: Path) -> None:
    notes = FileResourceNotes(shipped_folder(), own)
    with pytest.raises(WrongUsage, match="no crisis resource"):
        notes.checked("gb-nobody", on=TODAY, by_role="safeguarding_lead", method="rang")
    with pytest.raises(WrongUsage, match="guessed"):
        notes.checked("gb-samaritans", on=TODAY, by_role="safeguarding_lead", method="guessed")
    own.write_text("a file in the way")

    with pytest.raises(DataError, match="cannot be written"):
        notes.checked("gb-samaritans", on=TODAY, by_role="safeguarding_lead", method="rang")


def test_a_file_that_is_changed_by_our_reading_of_it_is_left_alone(own: Path) -> None:
    """An id inside a text looks like an entry's own: reading it back says no."""
    place = own / "resources" / "GB.yaml"
    place.parent.mkdir(parents=True)
    trap = "  - id: line\n    cautions:\n      - |\n        verified: {on: null}\n" + BODY
    place.write_text(HEAD + trap, "utf-8")

    with pytest.raises(WrongUsage, match="cannot be changed safely"):
        FileResourceNotes(shipped_folder(), own).checked(
            "line", on=TODAY, by_role="safeguarding_lead", method="rang"
        )

    assert place.read_text("utf-8") == HEAD + trap
