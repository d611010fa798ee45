"""Checking files: each finding with its place, its line and what of it is meant; and nothing is left behind."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest

from modconsole.core.errors import ProtocolFileError
from modconsole.ports.library import LibraryProblem
from modconsole.ports.protocol_tools import Checked
from modconsole.protocol_files import shipped_folder
from modconsole.protocol_files.checking import check, read_file
from modconsole.protocol_files.library import FileLibrary
from tests.protocol_files.conftest import INCLUDE, TEMPLATE, Home
from tests.protocol_files.sound import ENDING, SOUND

TODAY = date(2026, 11, 22)


@pytest.fixture
def sound(home: Home) -> Home:
    home.write("calm.yaml", SOUND)
    home.write("includes/ending.yaml", ENDING)
    return home


def checked(home: Home, *ids: str, files: tuple[Path, ...] = ()) -> Checked:
    return check(home.library(), ids, files, TODAY)


def only(home: Home, *ids: str, files: tuple[Path, ...] = ()) -> LibraryProblem:
    (problem,) = checked(home, *ids, files=files)
    return problem


def meant(problem: LibraryProblem) -> str:
    """Give what ^^^^ would stand under."""
    return problem.source[problem.column - 1 : problem.column - 1 + problem.length]


def rules(found: Checked) -> list[str]:
    return [problem.rule for problem in found]


def test_a_sound_library_has_no_findings_and_says_how_much_was_looked_at(sound: Home):
    found = checked(sound)

    assert found == ()
    assert found.files == 4


def test_the_library_that_comes_with_modconsole_has_no_findings_but_advice():
    found = check(FileLibrary([shipped_folder()], Path(os.devnull) / "kept"))

    assert [str(problem) for problem in found if not problem.advice] == []


# Where it is


PLACES: dict[str, tuple[str, str, str, tuple[int, int], str]] = {
    # what: (old, new, rule, (line, column), what is meant)
    "a title": ('title: "A calm sheet"', f'title: "{"calm " * 13}"', "wordy", (3, 8), f'"{"calm " * 13}"'),
    "a question’s text": (
        'text: "Seen?"',
        f'text: "{"so " * 16}"',
        "wordy",
        (29, 15),
        f'"{"so " * 16}"',
    ),
    "a step without why": ('    why: "Because."\n', "", "missing-why", (23, 5), "id"),
    "a flag": (
        "safety: true\n",
        "safety: true\n        required: false\n",
        "duplicate-key",
        (33, 9),
        "required",
    ),
    "a word in a text": ('"Look at it."', '"Look and/or see."', "and-or", (24, 17), "and/or"),
    "no evidence": ("evidence: [NSPA]", "evidence: []", "no-evidence", (18, 3), "evidence"),
    "a date": ("review_by: 2027-05-01", "review_by: 2029-05-01", "review-too-far", (17, 14), "2029-05-01"),
    "unclear": (
        'in: ["yes", "unclear"]\n',
        'in: ["yes"]\n',
        "unclear-not-cautious",
        (35, 13),
        '{value: "unclear", text: "Unclear"}',
    ),
    "an unknown template": ("templates: [hello]", "templates: [helo]", "unknown-template", (44, 17), "helo"),
    "a status": ("status: draft", "status: approved", "approved-without-approval", (5, 9), "approved"),
    "a condition": (
        '{question: seen, in: ["yes", "unclear"]}',
        '{all: [{question: seen, equals: "yes"}, {question: seen, equals: "no"}]}',
        "unreachable-step",
        (43, 11),
        '{all: [{question: seen, equals: "yes"}, {question: seen, equals: "no"}]}',
    ),
    "an unquoted yes": ('{value: "yes"', "{value: yes", "needs-quotes", (34, 21), "yes"),
}


@pytest.mark.parametrize("what", PLACES)
def test_a_finding_marks_the_place_it_is_about(sound: Home, what: str):
    old, new, rule, place, words = PLACES[what]
    sound.change("calm.yaml", old, new)
    problem = next(problem for problem in checked(sound) if problem.rule == rule)

    assert (problem.line, problem.column) == place
    assert meant(problem) == words
    assert problem.source == (sound.shipped / "calm.yaml").read_text("utf-8").split("\n")[place[0] - 1]
    assert problem.protocol == "calm"
    assert problem.file == str(sound.shipped / "calm.yaml")


def test_what_an_include_says_is_told_in_the_includes_file_and_once(sound: Home):
    sound.write("other.yaml", SOUND.replace("id: calm", "id: other"))
    sound.change("includes/ending.yaml", '    why: "Nobody is left without a word."\n', "")
    problem = only(sound)

    assert problem.rule == "missing-why"
    assert problem.file == str(sound.shipped / "includes/ending.yaml")
    assert (problem.line, problem.column) == (5, 5)


def test_a_path_that_an_include_breaks_is_told_for_the_protocol_that_has_it(sound: Home):
    sound.change("includes/ending.yaml", ", required: true}", "}")
    problem = only(sound, "calm")

    assert (problem.rule, problem.protocol) == ("path-without-follow-up", "calm")


def test_findings_come_in_the_order_of_the_file_and_all_at_once(sound: Home):
    sound.change("calm.yaml", 'title: "A calm sheet"', f'title: "{"calm " * 13}"')
    sound.change("calm.yaml", "topics: [distress]", "topics: [distres]")
    sound.change("calm.yaml", 'in: ["yes", "unclear"]\n', 'in: ["yes"]\n')
    sound.change("calm.yaml", 'why: "They wrote to us."', 'wyh: "They wrote to us."')

    assert [(problem.line, problem.rule) for problem in checked(sound)] == [
        (3, "wordy"),
        (35, "unclear-not-cautious"),
        (40, "missing-why"),
        (42, "unknown-key"),
        (45, "unknown-topic"),
    ]


def test_levels_tell_what_stops_a_file_what_wants_a_look_and_what_is_style(sound: Home):
    sound.change("calm.yaml", '"Look at it."', '"The look."')
    sound.change("calm.yaml", "evidence: [NSPA]", "evidence: []")
    sound.change("calm.yaml", 'in: ["yes", "unclear"]\n', 'in: ["yes"]\n')

    assert [(p.rule, p.warning, p.advice) for p in checked(sound)] == [
        ("no-evidence", True, False),
        ("begin-with-a-verb", True, True),
        ("unclear-not-cautious", False, False),
    ]


def test_a_circle_is_told_at_each_line_that_makes_it(sound: Home):
    leads = "escalate: safeguarding_lead\n            add_protocol: "
    sound.change("calm.yaml", "escalate: safeguarding_lead", f"{leads}other")
    other = SOUND.replace("id: calm", "id: other").replace("escalate: safeguarding_lead", f"{leads}calm")
    sound.write("other.yaml", other)

    assert [(Path(p.file).name, p.line, meant(p), p.found) for p in checked(sound)] == [
        ("calm.yaml", 40, "other", "a circle of protocols: calm → other → calm"),
        ("other.yaml", 40, "calm", "a circle of protocols: other → calm → other"),
    ]


def test_a_message_is_checked_for_words_to_avoid(sound: Home):
    sound.write(
        "templates/hello.yaml",
        TEMPLATE.replace("Hi {member_name}.", "Hi {member_name}.\n  It was triggering."),
    )
    problem = only(sound)

    assert (problem.rule, problem.advice) == ("wording-to-avoid", True)
    assert (problem.line, problem.column, meant(problem)) == (9, 10, "triggering")


# What is checked


def test_one_protocol_is_checked_with_what_belongs_to_it_and_no_more(sound: Home):
    sound.write("other.yaml", SOUND.replace("id: calm", "id: other").replace("[NSPA]", "[]"))
    sound.change("templates/hello.yaml", "channel: public", "channel: pubic")

    assert rules(checked(sound, "other")) == ["no-evidence", "broken-template", "unknown-word"]
    assert rules(checked(sound, "calm")) == ["broken-template", "unknown-word"]


def test_a_file_elsewhere_is_checked_as_if_it_stood_in_the_library(sound: Home):
    file = sound.write("calm.yaml", SOUND.replace("evidence: [NSPA]", "evidence: []"), sound.root / "desk")

    assert rules(checked(sound, files=(file,))) == ["no-evidence"]
    assert only(sound, files=(file,)).file == str(file)
    assert checked(sound) == ()


def test_a_file_of_a_new_name_is_checked_too(sound: Home):
    file = sound.write("brand-new.yaml", SOUND.replace("id: calm", "id: brand-new"), sound.root / "desk")

    assert checked(sound, files=(file,)) == ()


def test_a_template_and_an_include_elsewhere_are_known_by_what_they_say(sound: Home):
    template = sound.write("hello.yaml", TEMPLATE.replace("public", "pubic"), sound.root / "desk")
    include = sound.write("ending.yaml", ENDING.replace("last", "lats"), sound.root / "desk")

    assert rules(checked(sound, files=(template,))) == ["unknown-word"]
    assert rules(checked(sound, files=(include,))) == ["unknown-word"]


def test_a_folder_is_checked_with_all_its_files(sound: Home):
    folder = sound.root / "desk"
    sound.write("pack/one.yaml", SOUND.replace("id: calm", "id: one").replace("[ending]", "[finale]"), folder)
    sound.write("includes/finale.yaml", ENDING.replace("id: ending", "id: finale"), folder)
    sound.write("two.yaml", SOUND.replace("id: calm", "id: tow"), folder)
    found = checked(sound, files=(folder,))

    assert rules(found) == ["id-not-file-name"]
    assert found.files == 3


def test_an_include_that_is_only_checked_changes_what_the_protocol_beside_it_becomes(sound: Home):
    folder = sound.root / "desk"
    sound.write("calm.yaml", SOUND, folder)
    sound.write("includes/ending.yaml", INCLUDE, folder)

    assert "path-without-follow-up" not in rules(checked(sound))
    assert "unknown-question" in rules(checked(sound, files=(folder,)))


def test_a_service_s_own_file_is_judged_as_it_is_and_not_as_the_shipped_one(sound: Home):
    sound.write("calm.yaml", SOUND.replace("evidence: [NSPA]", "evidence: []"), sound.own)

    assert only(sound).file == str(sound.own / "calm.yaml")


def test_two_packs_with_one_name_are_told(sound: Home):
    sound.write("core/same.yaml", SOUND.replace("id: calm", "id: same"))
    sound.write("rules/same.yaml", SOUND.replace("id: calm", "id: same"))
    problem = only(sound)

    assert (problem.rule, problem.file) == ("second-file", str(sound.shipped / "rules/same.yaml"))
    assert "core/same.yaml is used" in problem.expected


def test_checking_leaves_nothing_behind(sound: Home):
    before = sorted(path for path in sound.root.rglob("*") if path.is_file())
    file = sound.write("calm.yaml", SOUND, sound.root / "desk")
    checked(sound, files=(file,))
    checked(sound, "calm")
    checked(sound)
    read_file(sound.library(), file)

    assert sorted(path for path in sound.root.rglob("*") if path.is_file()) == sorted([*before, file])


def test_what_was_good_once_is_no_excuse_in_a_check(sound: Home):
    library = sound.library()
    assert library.get("calm") is not None  # it is the last good version from now on
    sound.change("calm.yaml", "status: draft", "status: darft")

    assert [(p.rule, p.still_used) for p in checked(sound)] == [("unknown-word", "")]


def test_a_second_check_sees_the_edit_made_in_between(sound: Home):
    library = sound.library()
    first = check(library, ["calm"], today=TODAY)
    sound.change("calm.yaml", "evidence: [NSPA]", "evidence: []  # none yet")
    (second,) = check(library, ["calm"], today=TODAY)

    assert first == ()
    assert second.source == "  evidence: []  # none yet"


# Reading one file


def test_a_file_elsewhere_is_read_with_the_includes_of_the_library(sound: Home):
    file = sound.write("calm.yaml", SOUND.replace("A calm sheet", "A changed sheet"), sound.root / "desk")
    protocol = read_file(sound.library(), file)

    assert protocol.title == "A changed sheet"
    assert [step.id for step in protocol.steps] == ["look", "answer", "closing"]


def test_a_file_with_paths_that_go_wrong_is_read_all_the_same(sound: Home):
    file = sound.write("calm.yaml", SOUND.replace("actions: [keep]", "actions: []"), sound.root / "desk")

    assert read_file(sound.library(), file).id == "calm"


def test_a_file_that_cannot_be_read_is_an_error_that_names_every_mistake(sound: Home):
    text = SOUND.replace("status: draft", "status: darft").replace("[hello]", "[helo]")
    file = sound.write("calm.yaml", text, sound.root / "desk")

    with pytest.raises(ProtocolFileError) as caught:
        read_file(sound.library(), file)

    assert f"{file}:5:9: “darft”" in caught.value.what
    assert f"{file}:44:17: the unknown template “helo”" in caught.value.what
    assert "2 mistakes" in caught.value.what


def test_a_file_of_another_kind_is_no_protocol(sound: Home):
    with pytest.raises(ProtocolFileError) as caught:
        read_file(sound.library(), sound.shipped / "templates/hello.yaml")

    assert "a file of another kind" in caught.value.what


def test_a_file_that_went_away_is_an_error_too(sound: Home):
    with pytest.raises(ProtocolFileError) as caught:
        read_file(sound.library(), sound.root / "gone.yaml")

    assert "cannot be read" in caught.value.what


def test_every_rule_is_explained():
    package = Path(__file__).parents[2] / "modconsole"
    sources = [
        *(package / "protocol_files").glob("*.py"),
        *(package / "core").glob("examine*.py"),
        package / "core/wording.py",
    ]
    before = r'rule="|Level\.[A-Z]+,\s+"|walked,\s+"|(?:_AND_OR|_PASSIVE|_TWICE_NOT|JARGON|AVOID), "'
    given = re.compile(rf'(?:{before})([a-z0-9-]+)"')
    used = {rule for path in sources for rule in given.findall(path.read_text("utf-8"))}
    explained = set(
        re.findall(r"`([a-z0-9-]+)`", (package.parent / "docs/protocol-check.md").read_text("utf-8"))
    )

    assert len(used) > 80
    assert used <= explained
