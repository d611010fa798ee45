"""docs/commands.md names every command and option there is, and what it shows works."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from modconsole.cli.main import _parser
from modconsole.core.actions import Action
from modconsole.core.run import SKIP_REASONS, checked
from modconsole.protocol_files import FileLibrary
from tests.docs.pages import DOCS, fenced

PAGE = (DOCS / "commands.md").read_text("utf-8")


def commands(
    parser: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Walk every command that does something, with its words."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in nested:
        for word, inner in action.choices.items():
            yield from commands(inner, (*words, word))
    if not nested:
        yield " ".join(words), parser


def sections() -> dict[str, str]:
    """Give the page's sections by their headings."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    known = {name for name, _ in commands(_parser())}

    described = set(sections()) - {"What holds for all of them", "modconsole"}
    assert described == known


def test_every_option_and_argument_stands_in_its_section() -> None:
    missing = []
    for name, parser in commands(_parser()):
        text = sections()[name]
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction):
                continue
            words = action.option_strings or [str(action.metavar or action.dest).upper()]
            missing += [
                f"{name}: {word}" for word in words if not re.search(rf"{re.escape(word)}(?![\w-])", text)
            ]

    assert missing == []


def test_the_commands_it_shows_can_be_parsed() -> None:
    lines = [line for block in fenced(PAGE, "sh") for line in block.splitlines()]
    for line in lines:
        words = shlex.split(line.rpartition("| ")[2])
        _parser().parse_args(words[words.index("modconsole") + 1 :])

    assert len(lines) >= 4


def test_its_answers_fit_the_protocol_they_name(tmp_path: Path) -> None:
    (example,) = (json.loads(block) for block in fenced(PAGE, "json"))
    library = FileLibrary([DOCS.parent / "protocols"], tmp_path / "kept")
    protocol = library.get(example["protocol"])
    assert protocol is not None
    questions = {question.id: question for step in protocol.steps for question in step.questions}

    for name, value in example["answers"].items():
        spoken = "yes" if value is True else "no" if value is False else str(value)
        assert checked(questions[name], [spoken]) == (spoken,)
    assert datetime.fromisoformat(example["answers"]["follow_up_at"]).astimezone(UTC)


def test_it_names_every_action_and_every_reason_to_skip() -> None:
    assert [action for action in Action if f"`{action}`" not in PAGE] == []
    assert [reason for reason in SKIP_REASONS if f"`{reason}`" not in PAGE] == []


def test_it_names_every_field_of_the_json() -> None:
    """Reads the command line's own source for the names, so that a new field is noticed."""
    from modconsole.cli import audit, cases, doctor, forums

    fields = set()
    for part in (audit, cases, doctor, forums):
        source = Path(str(part.__file__)).read_text("utf-8")
        fields |= set(re.findall(r'^\s+"([a-z_0-9]+)":', source, re.MULTILINE))
        fields |= set(re.findall(r'[{,] "([a-z_0-9]+)":', source))

    assert sorted(field for field in fields if f"`{field}`" not in PAGE) == []
