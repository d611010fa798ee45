from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from modconsole.core.errors import StoreError
from modconsole.core.protocol import Operator, QuestionType
from modconsole.protocol_files import FileLibrary, shipped_folder
from modconsole.protocol_files.problems import Report
from modconsole.protocol_files.tree import Node, parse
from tests.protocol_files.conftest import GOOD, INCLUDE, RESOURCES, TEMPLATE, Home


def loaded(home: Home, id: str = "calm"):
    protocol = home.library().get(id)
    assert protocol is not None, home.told()
    return protocol


# What is read


def test_a_file_becomes_the_protocol_it_says(home: Home):
    home.change(
        "calm.yaml",
        '          - {value: "no", text: "No"}\n',
        '          - {value: "no", text: "No"}\n        on_answer:\n'
        '          - {in: ["no"], go_to: end, escalate: safeguarding_lead, raise_urgency: soon}\n',
    )
    home.change(
        "calm.yaml",
        '{id: note, text: "Note?", type: text}',
        '{id: note, text: "How many?", type: integer, valid: {min: 1, max: 9}, redact: true}',
    )
    home.change(
        "calm.yaml", "decisions:", "follow_up: {default_after: 2d}\nwellbeing: {exposure: low}\ndecisions:"
    )
    protocol = loaded(home)

    look, answer, end = protocol.steps
    assert (protocol.title, protocol.version, protocol.urgency) == ("A calm sheet", "1.0.0", "today")
    assert protocol.governance.review_by == date(2027, 5, 1)
    assert (protocol.follow_up_after, protocol.exposure, protocol.jurisdictions) == ("2d", "low", ("GB",))
    assert [option.value for option in look.questions[0].options] == ["yes", "unclear", "no"]
    assert look.questions[0].on_answer[0].values == ("no",)
    assert look.questions[0].on_answer[0].go_to == "end"
    assert answer.when is not None
    assert answer.when.tests[0].operator is Operator.IN
    assert answer.resources is not None
    assert (answer.resources.topics, answer.resources.max) == (("distress",), 3)
    assert end.questions[0].type is QuestionType.INTEGER
    assert (end.questions[0].minimum, end.questions[0].maximum) == (1, 9)
    assert type(protocol.title) is str


GUIDE_EXAMPLE = """\
schema: "modconsole-protocol/1"
id: suicide-thoughts
title: "Talks of suicide, no sign of immediate danger"
version: "0.1.0"
status: draft                 # draft | in_review | approved | retired | withdrawn
style: do_confirm             # read_do | do_confirm
urgency: soon                 # now | soon | today | routine
trigger: "A post mentions suicide or not wanting to live, and nothing shows danger now."
look_for:
  - "Wishing to be dead, feeling trapped, feeling a burden"
applies_to:
  jurisdictions: ["GB-ENG"]   # ISO 3166-1 or 3166-2
  age_bands: [adult]          # u13 | 13_15 | 16_17 | adult | unknown
  forum_types: [charity, peer_led, nhs, carers]
  language: en-GB
governance:
  owner_role: safeguarding_lead
  approvals: []               # role, name, registration, date, content_hash
  effective_from: null
  review_by: "2027-05-01"
  evidence: [NSPA, CHATSAFE, NG225, NHSE25]
  hazards: ["HZ-01", "HZ-04"]
  changes:
    - {version: "0.1.0", date: "2026-11-22", by_role: author, summary: "First draft for local review"}
includes: [closing-questions] # shared last questions (member_told, ...); an id already asked here is not repeated
steps:
  - id: content
    text: "Is the post safe for other people?"
    questions:
      - id: unsafe
        text: "Method detail, encouragement, pact or glorifying?"
        type: choice
        required: true
        safety: true
        options:
          - {value: "yes", text: "Yes"}
          - {value: "unclear", text: "Unclear"}
          - {value: "no", text: "No, keep it up"}
        on_answer:
          - {in: ["yes", "unclear"], add_protocol: harmful-suicide-selfharm-content}
  - id: change
    text: "Is this different from how they usually post?"
    when: {all: [{question: unsafe, equals: "no"}, {question: unsafe, answered: true}]}
    questions:
      - {id: follow_up_at, text: "When will we look again?", type: datetime, required: true}
      - {id: reason, text: "Reason for the decision", type: text, required: true, redact: true}
sign_off:
  role: senior_moderator
  when: {question: unsafe, in: ["yes", "unclear"]}
  after_event: true
  blocks_emergency: false
wellbeing: {exposure: high, after: offer_break}
decisions: [keep_reply, edit, hide, watch, escalate_lead]   # what may be decided
close_requires: [member_told]
"""


def test_the_example_of_the_guide_is_read_with_one_warning(home: Home):
    home.write("suicide-thoughts.yaml", GUIDE_EXAMPLE)
    closing = (shipped_folder() / "includes/closing-questions.yaml").read_text("utf-8")
    home.write("includes/closing-questions.yaml", closing)
    library = home.library()
    protocol = library.get("suicide-thoughts")

    assert protocol is not None, home.told()
    assert [step.id for step in protocol.steps] == ["content", "change", "closing"]
    assert [question.id for question in protocol.steps[-1].questions] == ["member_told"]
    assert [(problem.line, problem.warning) for problem in library.problems()] == [(40, True)]


def test_what_is_put_last_comes_last_and_what_is_first_comes_first(home: Home):
    home.change("calm.yaml", "steps:", "includes: [ending, start]\nsteps:")
    home.write(
        "includes/start.yaml",
        INCLUDE.replace("ending", "start").replace("last", "first").replace("told", "x"),
    )
    home.change("includes/start.yaml", "id: closing", "id: opening")

    assert [step.id for step in loaded(home).steps] == ["opening", "look", "answer", "end", "closing"]


def test_nothing_is_put_before_a_leading_emergency_step_or_the_protocols_own_form_of_a_question(home: Home):
    home.change(
        "calm.yaml", "steps:", "includes: [start]\nsteps:\n  - {id: panel, text: Ring., emergency: true}"
    )
    home.write(
        "includes/start.yaml",
        INCLUDE.replace("ending", "start")
        .replace("position: last", "position: first")
        .replace("- {id: told", '- {id: seen, text: "Seen it?", type: text}\n      - {id: told'),
    )
    protocol = loaded(home)

    assert [step.id for step in protocol.steps] == ["panel", "look", "closing", "answer", "end"]
    assert [question.id for question in protocol.steps[2].questions] == ["told"]


def test_an_included_step_whose_questions_are_all_asked_already_is_left_out(home: Home):
    home.change("calm.yaml", "steps:", "includes: [ending]\nsteps:")
    home.change("calm.yaml", "id: note", "id: told")

    assert [step.id for step in loaded(home).steps] == ["look", "answer", "end"]


def test_a_question_of_two_includes_is_asked_once(home: Home):
    home.change("calm.yaml", "steps:", "includes: [ending, second]\nsteps:")
    home.write(
        "includes/second.yaml",
        INCLUDE.replace("id: ending", "id: second")
        .replace("id: closing", "id: more")
        .replace("- {id: told", '- {id: extra, text: "Extra?", type: text}\n      - {id: told'),
    )

    assert [[q.id for q in step.questions] for step in loaded(home).steps[-2:]] == [["told"], ["extra"]]


def test_conditions_may_ask_about_included_questions(home: Home):
    home.change("calm.yaml", "steps:", "includes: [ending]\nsteps:")
    home.change("includes/ending.yaml", "position: last", "position: first")
    home.change("calm.yaml", 'question: seen, in: ["yes", "unclear"]', "question: told, answered: true")

    assert [step.id for step in loaded(home).steps] == ["closing", "look", "answer", "end"]


# Hashes


def test_the_hash_is_that_of_the_canonical_bundle_that_is_kept(home: Home):
    protocol = loaded(home)
    kept = json.loads((home.root / "kept" / f"{protocol.hash}.json").read_bytes())

    canonical = json.dumps(kept["bundle"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == protocol.hash


CHANGES = {
    "its file": ("calm.yaml", "Look at it.", "Look at it well."),
    "what is for people only": (
        "calm.yaml",
        "  evidence: [NSPA]",
        "  evidence: [NSPA]\n  min_role: moderator",
    ),
    "why it changed": ("calm.yaml", 'summary: "First"', 'summary: "First", why: "Asked for"'),
    "an include": ("includes/ending.yaml", "Close it.", "Close it now."),
    "a template": ("templates/hello.yaml", "Hi", "Hello"),
    "a resource it offers": ("resources/GB.yaml", "0113 496 0000", "0113 496 0001"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_hash_changes_with(home: Home, what: str):
    home.change("calm.yaml", "steps:", "includes: [ending]\nsteps:")
    before = loaded(home).hash
    home.change(*CHANGES[what])

    assert loaded(home).hash != before


NO_CHANGES = {
    "its status": ("calm.yaml", "status: draft", "status: in_review"),
    "an approval": (
        "calm.yaml",
        "  evidence: [NSPA]",
        "  evidence: [NSPA]\n  approvals:\n    - {role: safeguarding_lead, name: A, date: 2026-11-22, content_hash: "
        + "a" * 64
        + "}",
    ),
    "a comment": ("calm.yaml", "status: draft", "status: draft  # for now"),
    "another way of writing it": ("calm.yaml", 'title: "A calm sheet"', "title: A calm sheet"),
    "who last rang a number": ("resources/GB.yaml", "on: 2026-11-01", "on: 2026-11-20"),
    "a resource it does not offer": ("resources/GB.yaml", '"999"', '"112"'),
}


@pytest.mark.parametrize("what", NO_CHANGES)
def test_the_hash_does_not_change_with(home: Home, what: str):
    before = loaded(home).hash
    home.change(*NO_CHANGES[what])

    assert loaded(home).hash == before


def test_a_text_is_approved_only_by_its_own_hash(home: Home):
    hash = loaded(home).hash
    home.change("calm.yaml", "status: draft", "status: approved")
    home.change(
        "calm.yaml",
        "  evidence: [NSPA]",
        "  evidence: [NSPA]\n  approvals:\n    - {role: safeguarding_lead, name: A, date: 2026-11-22, content_hash: "
        + f"{hash}}}",
    )

    assert loaded(home).is_approved
    home.change("calm.yaml", "Look at it.", "Look at it again.")
    assert not loaded(home).is_approved


# Keeping


def test_a_kept_text_gives_the_same_protocol_back_without_its_files(home: Home):
    library = home.library()
    protocol = library.get("calm")
    assert protocol is not None
    library.keep(protocol)

    for path in home.shipped.rglob("*.yaml"):
        path.unlink()
    again = FileLibrary([home.shipped], home.root / "kept").by_hash(protocol.hash)
    assert again == protocol


def test_a_run_goes_on_with_the_text_it_began_with(home: Home):
    library = home.library()
    first = library.get("calm")
    assert first is not None
    library.keep(first)
    home.change("calm.yaml", "Look at it.", "Look elsewhere.")
    second = library.get("calm")

    assert second is not None
    assert second.hash != first.hash
    assert library.by_hash(first.hash) == first
    assert library.by_hash(second.hash) == second


def test_kept_files_are_their_owners_alone(home: Home):
    protocol = loaded(home)

    assert stat.S_IMODE((home.root / "kept").stat().st_mode) == 0o700
    for path in (home.root / "kept").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (home.root / "kept" / f"{protocol.hash}.json").exists()


def test_a_kept_text_that_was_changed_is_not_used_and_told(home: Home):
    hash = loaded(home).hash
    path = home.root / "kept" / f"{hash}.json"
    path.write_bytes(path.read_bytes().replace(b"Look at it.", b"Look away!!"))
    library = FileLibrary([home.root / "none"], home.root / "kept")

    assert library.by_hash(hash) is None
    assert any("not what it was when kept" in str(problem) for problem in library.problems())


@pytest.mark.parametrize(
    "hash", ["", "..", "../../etc/passwd", "g" * 64, "A" * 64, "0" * 64, "0" * 63, "last-good"]
)
def test_a_hash_nobody_kept_is_none(home: Home, hash: str):
    assert home.library().by_hash(hash) is None


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    return lambda: monkeypatch.setattr(tempfile, "mkstemp", refuse)


def test_keeping_says_when_it_cannot(home: Home, full_disk: Callable[[], None]):
    library = home.library()
    protocol = library.get("calm")
    assert protocol is not None
    full_disk()

    with pytest.raises(StoreError) as caught:
        library.keep(protocol)
    assert "No space left on device" in caught.value.what


def test_keeping_refuses_a_protocol_that_is_not_from_here(home: Home):
    with pytest.raises(StoreError):
        home.library().keep(replace(loaded(home), hash="0" * 64))


def test_a_text_is_on_disk_before_a_run_begins(home: Home, monkeypatch: pytest.MonkeyPatch):
    library = home.library()
    protocol = library.get("calm")
    assert protocol is not None
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)

    library.keep(protocol)
    assert len(synced) == 2, "the file, and the folder that names it"
    library.keep(protocol)
    assert len(synced) == 2


def test_a_full_disk_stops_no_reading(home: Home, full_disk: Callable[[], None]):
    full_disk()
    library = home.library()

    assert library.get("calm") is not None
    assert library.template("hello") is not None
    assert any("cannot be kept (No space left on device)" in line for line in home.told(library))


# The last good version


def test_a_file_that_breaks_keeps_its_last_good_version_in_use(home: Home):
    library = home.library()
    before = library.get("calm")
    assert before is not None
    home.change("calm.yaml", "status: draft", "status: darft")

    for now in (library, home.library(), home.library(cache=False)):
        assert now.get("calm") == before
        assert [problem.still_used for problem in now.problems()] == [before.hash]


def test_a_mended_file_is_used_again(home: Home):
    library = home.library()
    library.get("calm")
    home.change("calm.yaml", "status: draft", "status: darft")
    library.get("calm")
    home.write("calm.yaml", GOOD.replace("A calm sheet", "A mended sheet"))

    mended = library.get("calm")
    assert mended is not None
    assert mended.title == "A mended sheet"
    assert home.told(library) == []


def test_a_file_that_vanishes_keeps_its_last_good_version_in_use(home: Home):
    library = home.library()
    before = library.get("calm")
    (home.shipped / "calm.yaml").unlink()

    for now in (library, home.library()):
        assert now.ids() == ("calm",)
        assert now.get("calm") == before
        assert home.told(now) == [
            "calm.yaml:1:1: a protocol file that is gone; expected the file where it was."
        ]


def test_a_typing_slip_in_a_template_or_resource_changes_nothing_that_is_in_use(home: Home):
    library = home.library()
    before = library.get("calm")
    home.write("templates/hello.yaml", TEMPLATE.replace("channel: public", "channel: pubic"))
    home.write("resources/GB.yaml", RESOURCES.replace("country: GB", "country: gb"))

    for now in (library, home.library()):
        assert now.get("calm") == before
        assert now.template("hello") is not None
        assert [line.id for line in now.emergency(["GB"])] == ["gb-emergency"]
        assert len(now.problems()) == 2
        assert all(problem.still_used for problem in now.problems())


def test_a_file_that_never_was_good_is_none_and_the_shipped_one_serves(home: Home):
    home.write("calm.yaml", GOOD.replace("status: draft", "status: darft"), home.own)
    library = home.library()
    protocol = library.get("calm")

    assert protocol is not None
    assert [line.split(":")[0] for line in home.told(library)] == ["own/calm.yaml"]


def test_an_index_that_cannot_be_read_is_no_trouble(home: Home):
    home.write("kept/last-good.json", b"\xff{", home.root)

    assert loaded(home).id == "calm"


def test_a_disk_of_hostile_kept_files_is_no_trouble(home: Home):
    hash = loaded(home).hash
    home.change("calm.yaml", "status: draft", "status: darft")
    for bad in (b"", b"[]", b"{}", b'{"bundle": 1}', b"[" * 100_000, b'{"bundle": {"protocol": {}}}'):
        (home.root / "kept" / f"{hash}.json").write_bytes(bad)

        assert home.library(cache=False).get("calm") is None


# Looking again, and not more than needed


def test_the_services_own_file_stands_before_the_shipped_one(home: Home):
    home.write("calm.yaml", GOOD.replace("A calm sheet", "Our own sheet"), home.own)
    home.write("templates/hello.yaml", TEMPLATE.replace("Hi", "Hello there"), home.own)
    library = home.library()
    protocol, template = library.get("calm"), library.template("hello")

    assert protocol is not None
    assert template is not None
    assert protocol.title == "Our own sheet"
    assert template.body == "Hello there {member_name}.\n"


def test_an_edit_shows_at_the_next_look(home: Home):
    library = home.library()
    first = library.get("calm")
    assert library.get("calm") is first

    home.change("calm.yaml", "A calm sheet", "A calmer sheet")
    second = library.get("calm")
    assert second is not None
    assert second.title == "A calmer sheet"


def test_a_new_status_shows_though_the_text_is_the_same(home: Home):
    library = home.library()
    first = library.get("calm")
    home.change("calm.yaml", "status: draft", "status: withdrawn")
    second = library.get("calm")

    assert first is not None
    assert second is not None
    assert (first.hash, second.status) == (second.hash, "withdrawn")
    assert library.by_hash(first.hash) == second


def test_the_folders_are_not_looked_at_more_than_twice_a_second(home: Home):
    library = FileLibrary([home.shipped], home.root / "kept", monotonic=lambda: 5.0)
    before = library.ids()
    home.write("other.yaml", GOOD.replace("id: calm", "id: other"))

    assert library.ids() == before


def test_the_second_start_reads_no_yaml(home: Home):
    code = f"""
import sys
from pathlib import Path
from modconsole.protocol_files import FileLibrary
root = Path({str(home.root)!r})
library = FileLibrary([root / "shipped", root / "own"], root / "kept", root / "cache")
assert library.ids() == ("calm",)
first = "yaml" in sys.modules
assert library.get("calm").title == "A calm sheet"
assert library.template("hello") and library.emergency([]) and not library.problems()
print(first, "yaml" in sys.modules)
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]

    assert runs == [["False", "True"], ["False", "False"]]


@pytest.mark.parametrize("junk", [b"", b"null", b"[]", b"{", b'{"stamp": 1}', b"\xff\xfe"])
def test_an_unreadable_cache_is_read_past(home: Home, junk: bytes):
    before = loaded(home)
    for path in (home.root / "cache").iterdir():
        path.write_bytes(junk)

    assert loaded(home) == before


def test_an_edited_cache_cannot_slip_a_changed_text_under_a_hash(home: Home):
    before = loaded(home)
    path = home.root / "cache" / "protocol-calm.json"
    text = path.read_text("utf-8")
    assert "Look at it." in text
    path.write_text(text.replace("Look at it.", "Look away."), "utf-8")

    assert loaded(home) == before


def test_a_cache_folder_that_cannot_be_written_is_no_trouble(home: Home):
    home.write("cache", "a file where the folder should be", home.root)

    assert loaded(home).id == "calm"


def test_mistakes_are_remembered_in_the_cache_too(home: Home):
    home.change("calm.yaml", "status: draft", "status: darft")
    before = home.told()

    assert before
    assert home.told() == before


# What is made again after an edit


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were parsed, in order."""
    names: list[str] = []

    def noting(text: str, file: str, report: Report) -> Node | None:
        names.append(Path(file).name)
        return parse(text, file, report)

    monkeypatch.setattr("modconsole.protocol_files.library.parse", noting)
    return names


@pytest.fixture
def three(home: Home) -> Home:
    """Three protocols: one includes `ending` and leads to `plain`, which names nothing; `calm` names a template."""
    plain = GOOD.replace("templates: [hello]", "").replace("resources: {topics: [distress]}", "")
    home.write("plain.yaml", plain.replace("id: calm", "id: plain"))
    home.write(
        "leading.yaml",
        plain.replace("id: calm", "id: leading")
        .replace("steps:", "includes: [ending]\nsteps:")
        .replace(
            '          - {value: "no", text: "No"}\n',
            '          - {value: "no", text: "No"}\n        on_answer: [{in: ["no"], add_protocol: plain}]\n',
        ),
    )
    return home


EDITS = {
    "a protocol": ("plain.yaml", "Look at it.", "Look again.", ["plain.yaml"]),
    "a template": ("templates/hello.yaml", "Hi", "Hello", ["calm.yaml", "hello.yaml"]),
    "an include": ("includes/ending.yaml", "Close it.", "Close it now.", ["ending.yaml", "leading.yaml"]),
    "a service that is offered": ("resources/GB.yaml", "496 0000", "496 0001", ["GB.yaml", "calm.yaml"]),
    "a service that is not": ("resources/GB.yaml", '"999"', '"112"', ["GB.yaml"]),
    "who last rang a service": ("resources/GB.yaml", "2026-11-01", "2026-11-20", ["GB.yaml"]),
}


def use_all(library: FileLibrary) -> list[str]:
    for id in library.ids():
        assert library.get(id) is not None
    found = [str(problem) for problem in library.problems()]
    assert library.template("hello") is not None
    return found


@pytest.mark.parametrize("what", EDITS)
@pytest.mark.parametrize("anew", [False, True], ids=["in the same console", "in the next one"])
def test_an_edit_makes_only_that_anew_which_depends_on_it(
    three: Home, parsed: list[str], what: str, anew: bool
):
    library = three.library()
    use_all(library)
    file, old, new, expected = EDITS[what]
    three.change(file, old, new)
    parsed.clear()
    library = three.library() if anew else library
    use_all(library)

    assert sorted(parsed) == sorted(expected)
    assert [library.get(id) for id in library.ids()] == [
        three.library(cache=False).get(id) for id in library.ids()
    ]


def test_a_file_that_is_only_written_again_makes_nothing_anew(three: Home, parsed: list[str]):
    library = three.library()
    use_all(library)
    for path in three.shipped.rglob("*.yaml"):
        path.write_bytes(path.read_bytes())
        os.utime(path, ns=(1, 1))
    parsed.clear()
    use_all(library)
    use_all(three.library())

    assert parsed == []


def test_a_protocol_that_goes_or_comes_makes_those_anew_that_lead_to_it(three: Home, parsed: list[str]):
    library = three.library()
    use_all(library)
    shutil.rmtree(three.root / "kept")
    (three.shipped / "plain.yaml").rename(three.shipped / "plainer.txt")
    library = three.library()
    missing = library.problems()
    (three.shipped / "plainer.txt").rename(three.shipped / "plain.yaml")
    parsed.clear()

    assert "“plain”, which is not in the library" in str(missing[0])
    assert use_all(library) == []
    assert "calm.yaml" not in parsed


def test_a_file_that_is_broken_again_has_the_newest_good_version_behind_it(home: Home):
    good, newer, broken = (
        GOOD,
        GOOD.replace("A calm sheet", "A newer sheet"),
        GOOD.replace("draft", "darft", 1),
    )
    titles = []
    for text in (good, broken, newer, broken):
        home.write("calm.yaml", text)
        titles.append(loaded(home).title)

    assert titles == ["A calm sheet", "A calm sheet", "A newer sheet", "A newer sheet"]


def test_another_release_or_another_rule_makes_everything_anew(home: Home, monkeypatch: pytest.MonkeyPatch):
    before = loaded(home)
    cached = home.root / "cache" / "protocol-calm.json"
    monkeypatch.setattr("modconsole.protocol_files.made.maker", lambda: "another")
    again = loaded(home)

    assert again == before
    assert json.loads(cached.read_bytes())["by"] == "another"


def test_naming_the_protocols_opens_no_file(home: Home, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path, report: Report) -> bytes:
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr("modconsole.protocol_files.library.read_bytes", refuse)
    library = home.library()

    assert library.ids() == ("calm",)
    assert library.pack("calm") == home.shipped.name
    assert library.stamp()


def test_the_stamp_changes_with_every_edit_and_with_nothing_else(home: Home):
    library = home.library()
    stamps = [library.stamp()]
    library.get("calm")
    library.problems()
    stamps.append(library.stamp())
    for file, old, new in CHANGES.values():
        home.change(file, old, new)
        stamps.append(library.stamp())

    assert stamps[0] == stamps[1]
    assert len(set(stamps)) == len(stamps) - 1


@pytest.mark.parametrize("read", ["calm.yaml", "ending.yaml"])
@pytest.mark.parametrize(
    ("edited", "old", "new"),
    [("calm.yaml", "Look at it.", "Look gently."), ("includes/ending.yaml", "Close it.", "Look gently.")],
)
def test_an_edit_while_files_are_read_is_not_lost(
    home: Home, monkeypatch: pytest.MonkeyPatch, read: str, edited: str, old: str, new: str
):
    home.change("calm.yaml", "steps:", "includes: [ending]\nsteps:")
    edits = iter([edited])

    def meanwhile(text: str, file: str, report: Report) -> Node | None:
        if Path(file).name == read and next(edits, ""):
            home.change(edited, old, new)
        return parse(text, file, report)

    monkeypatch.setattr("modconsole.protocol_files.library.parse", meanwhile)
    library = home.library()
    library.get("calm")

    for now in (library, home.library()):
        protocol = now.get("calm")
        assert protocol is not None
        assert new in [step.text for step in protocol.steps]


def test_consoles_that_start_at_once_share_a_cache_and_harm_nothing(three: Home):
    code = f"""
from pathlib import Path
from modconsole.protocol_files import FileLibrary
root = Path({str(three.root)!r})
library = FileLibrary([root / "shipped", root / "own"], root / "kept", root / "cache")
print(*(library.get(id).hash for id in library.ids()), len(library.problems()))
"""
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = {process.communicate()[0] for process in started}

    assert len(said) == 1
    assert all(process.returncode == 0 for process in started)
    assert len(next(iter(said)).split()) == 4
    assert not list(three.root.rglob("*.part"))


# What belongs to a version


def test_a_bundle_gives_the_messages_and_services_of_that_very_version(home: Home):
    first = loaded(home)
    home.change("templates/hello.yaml", "Hi", "Hello")
    home.change("resources/GB.yaml", "0113 496 0000", "0113 496 0001")
    library = home.library()
    second = library.get("calm")
    assert second is not None
    old, new = library.bundle(first.hash), library.bundle(second.hash)

    assert old is not None
    assert new is not None
    assert old.templates["hello"].body.startswith("Hi ")
    assert new.templates["hello"].body.startswith("Hello ")
    assert old.resources[0].channels[0].value == "0113 496 0000"
    assert new.resources[0].channels[0].value == "0113 496 0001"
    assert library.bundle("0" * 64) is None


def test_the_shipped_version_can_be_read_behind_the_services_own(home: Home):
    home.write("calm.yaml", GOOD.replace("A calm sheet", "Our own sheet"), home.own)
    home.write("ours.yaml", GOOD.replace("id: calm", "id: ours"), home.own)
    library = home.library()
    shipped = library.shipped("calm")

    assert shipped is not None
    assert (shipped.title, loaded(home).title) == ("A calm sheet", "Our own sheet")
    assert library.shipped("ours") is None
    assert library.shipped("nobody") is None


def test_everything_unknown_is_none(home: Home):
    library = home.library()

    assert library.get("nobody") is None
    assert library.get("../calm") is None
    assert library.template("nobody") is None


# Resources


MANY = """\
schema: "modconsole-resources/1"
country: {country}
maintainer_role: safeguarding_lead
entries:
"""


def entry(id: str, areas: str, topics: str, kind: str = "listening") -> str:
    return (
        f"  - {{id: {id}, name: {id}, kind: {kind}, topics: [{topics}], areas: [{areas}],\n"
        '     channels: [{type: phone, value: "1"}], source: {url: "https://example.org", seen_on: 2026-11-22}}\n'
    )


@pytest.fixture
def lines(home: Home) -> FileLibrary:
    home.write(
        "resources/GB.yaml",
        MANY.format(country="GB")
        + entry("uk-wide", "GB", "suicide")
        + entry("scottish", "GB-SCT", "crisis, suicide")
        + entry("english", "GB-ENG", "crisis")
        + entry("uk-crisis", "GB, IE", "crisis")
        + entry("uk-emergency", "GB", "emergency", "emergency"),
    )
    home.write(
        "resources/IE.yaml",
        MANY.format(country="IE") + entry("irish-emergency", "IE", "emergency", "emergency"),
    )
    home.write(
        "resources/anywhere.yaml",
        MANY.format(country="anywhere")
        + entry("finder", "anywhere", "crisis")
        + entry("local", "anywhere", "emergency", "emergency"),
    )
    return home.library()


@pytest.mark.parametrize(
    ("topics", "places", "limit", "expected"),
    [
        (["crisis"], ["GB-SCT"], 9, ["scottish", "uk-crisis", "finder"]),
        (["suicide", "crisis"], ["GB-SCT"], 9, ["scottish", "uk-wide", "uk-crisis", "finder"]),
        (["crisis", "suicide"], ["GB"], 9, ["uk-crisis", "uk-wide", "scottish", "english", "finder"]),
        (["crisis"], ["IE"], 9, ["uk-crisis", "finder"]),
        (["crisis"], ["GB-ENG"], 1, ["english"]),
        (["crisis"], [], 9, ["finder"]),
        (["crisis"], ["FR"], 9, ["finder"]),
        (["gardening"], ["GB"], 9, []),
        (["crisis"], ["GB"], 0, []),
    ],
)
def test_the_closest_resources_come_first(lines: FileLibrary, topics, places, limit, expected):
    assert [found.id for found in lines.resources(topics, places, limit)] == expected


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (["GB-WLS"], ["uk-emergency", "local"]),
        (["IE"], ["irish-emergency", "local"]),
        (["FR"], ["local"]),
        ([], ["uk-emergency", "irish-emergency", "local"]),
    ],
)
def test_emergency_lines_are_those_of_the_place_or_all(lines: FileLibrary, places, expected):
    assert [line.id for line in lines.emergency(places)] == expected


def test_emergency_lines_are_never_none_while_there_are_any(home: Home):
    assert [line.id for line in home.library().emergency(["FR"])] == ["gb-emergency"]


# Where the shipped ones are


def test_the_shipped_folder_is_found_beside_the_package_and_inside_it(tmp_path: Path):
    package = tmp_path / "modconsole"
    package.mkdir()

    assert shipped_folder(package) == tmp_path / "protocols"
    (package / "_protocols").mkdir()
    assert shipped_folder(package) == package / "_protocols"
    assert (shipped_folder() / "core" / "suicide-immediate.yaml").is_file()


def test_threads_that_read_while_files_change_never_stumble(home: Home) -> None:
    library = home.library()
    stumbled: list[BaseException] = []
    is_over = threading.Event()

    def read() -> None:
        try:
            while not is_over.is_set():
                assert library.get("calm") is not None
                assert library.emergency(["GB"])
                library.stamp()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the test
            stumbled.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(30):
        home.write("calm.yaml", GOOD.replace("A calm sheet", f"Calm sheet {number}"))
        library.problems()
    is_over.set()
    for reader in readers:
        reader.join()

    assert stumbled == []
