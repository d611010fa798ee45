"""The first file of a protocol is whole: it loads and the check finds nothing, whatever its author calls it."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modconsole.core.errors import WrongUsage
from modconsole.core.protocol import ReviewProtocol, Style
from modconsole.core.text import is_safe
from modconsole.core.urgency import Urgency
from modconsole.ports.library import LibraryProblem
from modconsole.ports.protocol_tools import Sketch
from modconsole.protocol_files import FileLibrary, shipped_folder
from modconsole.protocol_files.checking import check
from modconsole.protocol_files.starter import MOST_OWN_STEPS, WHY_UNKNOWN, starter
from tests.protocol_files.test_json_schema import told

TODAY = date(2026, 11, 22)
PLAIN = Sketch("adverts", "Adverts from members", "A member advertises something.", written_on=TODAY)
STEPS = ("Read the whole thread.", "Ask the member what they meant.")
HOSTILE = (
    'Says "goodbye"',
    "colon: and # hash",
    "two\nlines\tand\r\nmore",
    "emoji \U0001f642 and \U0001f469\u200d\U0001f4bb",
    "yes",
    "1.10",
    "2026-11-22",
    "null",
    "~",
    "- a list",
    "{id} {x!r} %s",
    "*bold* &and !tag",
    "’’“”",
    "\\n \\ \\u0041",
    "```",
    "<script>",
    "{member_name}",
)

Checked = Callable[[Sketch], tuple[ReviewProtocol, list[LibraryProblem]]]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """Write a sketch's file among the shipped includes and resources, and check it there."""
    root = tmp_path_factory.mktemp("starter")
    shutil.copytree(shipped_folder() / "includes", root / "shipped" / "includes")
    (root / "shipped" / "resources").mkdir()
    for name in ("GB.yaml", "anywhere.yaml"):
        shutil.copy(shipped_folder() / "resources" / name, root / "shipped" / "resources" / name)
    (root / "own").mkdir()

    def write_and_check(sketch: Sketch, text: str = "") -> tuple[ReviewProtocol, list[LibraryProblem]]:
        file = root / "own" / f"{sketch.id}.yaml"
        file.write_text(text or starter(sketch), "utf-8")
        library = FileLibrary([root / "shipped", root / "own"], root / "kept")
        found = list(check(library, files=[file], today=TODAY))
        protocol = library.get(sketch.id)
        file.unlink()
        assert protocol is not None, found
        return protocol, found

    return write_and_check


@pytest.mark.parametrize("steps", [(), STEPS], ids=["no steps", "steps"])
@pytest.mark.parametrize(("urgency", "style"), [*itertools.product(Urgency, Style)])
def test_every_urgency_and_style_gives_a_file_without_a_finding(
    checked: Checked, urgency: Urgency, style: Style, steps: tuple[str, ...]
):
    sketch = replace(PLAIN, urgency=urgency, style=style, steps=steps)
    protocol, found = checked(sketch)

    assert found == []  # nor any advice
    assert (protocol.urgency, protocol.style, protocol.title) == (urgency, style, "Adverts from members")
    assert [step.text for step in protocol.steps if step.text in STEPS] == list(steps)
    assert told("protocol", starter(sketch)) == []


def test_a_protocol_for_now_begins_with_the_emergency_step_and_is_signed_afterwards(checked: Checked):
    protocol, _ = checked(replace(PLAIN, urgency="now", steps=STEPS))

    assert [step.id for step in protocol.steps] == [
        "ring",
        "opening",
        "read-the",
        "ask-the",
        "decide",
        "closing",
    ]
    assert protocol.steps[0].emergency
    assert protocol.steps[0].when is None
    assert protocol.sign_off is not None


def test_its_dates_follow_from_the_day_it_is_written(checked: Checked):
    protocol, _ = checked(PLAIN)

    assert protocol.governance.changes[0].on == TODAY
    assert protocol.governance.review_by == TODAY + timedelta(days=365)


def test_a_reason_that_is_not_given_is_asked_for_in_the_file():
    text = starter(replace(PLAIN, steps=STEPS, whys=("It shows what came before.",)))

    assert text.count(WHY_UNKNOWN) == 1
    assert "It shows what came before." in text


def test_as_many_steps_as_it_takes_are_no_finding_and_one_more_is_refused(checked: Checked):
    for urgency, most in (("today", MOST_OWN_STEPS), ("now", MOST_OWN_STEPS - 1)):
        most_steps = tuple(f"Do thing {number}." for number in range(most))
        _, found = checked(replace(PLAIN, urgency=urgency, steps=most_steps))

        assert found == []
        with pytest.raises(WrongUsage, match="more than anybody keeps in mind"):
            starter(replace(PLAIN, urgency=urgency, steps=(*most_steps, "Do one more.")))


def test_the_example_in_it_works_when_its_marks_are_taken_away(checked: Checked):
    text = starter(PLAIN)
    begin, end = text.index("  # - id: worry\n"), text.index("  # Somewhere on every way")
    example = text[begin:end]
    protocol, found = checked(
        PLAIN, text[:begin] + re.sub(r"^  # ", "  ", example, flags=re.MULTILINE) + text[end:]
    )

    assert found == []
    assert [step.id for step in protocol.steps] == [
        "opening",
        "look",
        "worry",
        "worry-lead",
        "decide",
        "closing",
    ]


TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=30)


@given(title=TEXTS, trigger=TEXTS, sign=TEXTS, step=TEXTS, why=TEXTS, urgency=st.sampled_from(Urgency))
@settings(max_examples=60, deadline=None)
def test_whatever_an_author_types_stands_in_the_file_as_typed_or_is_refused(
    checked: Checked, title: str, trigger: str, sign: str, step: str, why: str, urgency: Urgency
):
    sketch = replace(
        PLAIN,
        title=title,
        trigger=trigger,
        look_for=(sign,),
        steps=(step, step),
        whys=(why, ""),
        urgency=urgency,
    )
    lines = [" ".join(typed.split()) for typed in (title, trigger, sign, step, why or "as if none was given")]
    words = max(len(lines[0].split()) - 3, len(lines[3].split()))
    if any(not line or not is_safe(line) for line in lines) or words > 15:
        with pytest.raises(WrongUsage):
            starter(sketch)
        return
    text = starter(sketch)
    protocol, found = checked(sketch, text)

    assert [problem for problem in found if not problem.advice] == []
    assert protocol.title == " ".join(title.split())
    assert protocol.trigger == " ".join(trigger.split())
    assert protocol.look_for[0] == " ".join(sign.split())
    assert [s.text for s in protocol.steps].count(" ".join(step.split())) == 2
    assert yaml.safe_load(text)["title"] == " ".join(title.split())  # other readers of YAML agree


@pytest.mark.parametrize("text", HOSTILE)
def test_each_hostile_text_can_be_a_title(checked: Checked, text: str):
    protocol, found = checked(replace(PLAIN, title=text, steps=(text,)))

    assert [problem for problem in found if not problem.advice] == []
    assert protocol.title == " ".join(text.split())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "Adverts"}, "cannot be the id"),
        ({"id": "../adverts"}, "cannot be the id"),
        ({"id": "x\nstatus: approved"}, "cannot be the id"),
        ({"title": " \n"}, "The title is empty"),
        ({"title": "a\x1b[2J"}, "cannot be seen"),
        ({"title": "a\u202eb"}, "cannot be seen"),
        ({"title": "word " * 13}, "The title has 13 words"),
        ({"steps": ("word " * 16,)}, "step 1 has 16 words"),
        ({"trigger": "x" * 5000}, "5,000 characters"),
        ({"urgency": "high"}, "“high” is no urgency"),
        ({"style": "read_do # x"}, "is no style"),
        ({"owner_role": "safegarding_lead"}, "Did you mean “safeguarding_lead”"),
        ({"jurisdictions": ("Scotland",)}, "ISO 3166"),
        ({"age_bands": ("16-17",)}, "Did you mean “16_17”"),
        ({"forum_types": ("a b",)}, "an id of small letters"),
    ],
)
def test_what_cannot_stand_in_a_protocol_is_refused_in_words(change: dict[str, object], said: str):
    with pytest.raises(WrongUsage) as refused:
        starter(replace(PLAIN, **change))  # type: ignore[arg-type]

    assert said in f"{refused.value.what} {refused.value.next_step}"


def test_an_id_that_yaml_would_take_for_something_else_is_written_in_quotes(checked: Checked):
    for id in ("no", "null", "y", "off"):
        protocol, found = checked(replace(PLAIN, id=id))

        assert (protocol.id, found) == (id, [])


def test_the_folder_the_first_line_names_is_no_pack(tmp_path: Path):
    (tmp_path / ".schema").mkdir()
    (tmp_path / ".schema" / "protocol.json").write_text("{}")

    assert FileLibrary([tmp_path], tmp_path / "kept").problems() == ()
    assert starter(PLAIN).startswith("# yaml-language-server: $schema=.schema/protocol.json\n")
