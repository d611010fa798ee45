"""docs/settings.md names every section and key the settings know, and its example can be followed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modconsole.config import Paths, TomlSettingsFile, checking
from modconsole.config.reading import THEMES
from modconsole.core.model import AgeBand
from modconsole.core.roles import ROLES
from modconsole.core.topics import TOPICS
from modconsole.ports.settings import Settings
from modconsole.screens.commands import COMMANDS
from tests.docs.keys import BEGIN, END, table
from tests.docs.pages import DOCS, fenced

PAGE = (DOCS / "settings.md").read_text("utf-8")


def read_example(home: Path) -> Settings:
    (example,) = fenced(PAGE, "toml")
    (home / "config.toml").write_text(example, "utf-8")
    return TomlSettingsFile(Paths.under(home)).read()


def table_under(heading: str) -> str:
    """Give what stands under a heading, up to the next one of any rank."""
    (text,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_its_example_can_be_followed(tmp_path: Path) -> None:
    settings = read_example(tmp_path)

    assert settings.service.staffed_hours is not None
    assert settings.service.contacts[0].role == "safeguarding lead"
    assert settings.service.reasons["off topic"] == "trolling"
    assert [(forum.id, forum.kind) for forum in settings.forums] == [("evening", "synapse")]


def test_it_names_every_section_and_key_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[tuple[str, str]] = set()
    get = checking.Table._get

    def noted(table: checking.Table, name: str) -> object:
        asked.add((".".join(part for part in table._key if isinstance(part, str)), name))
        return get(table, name)

    monkeypatch.setattr(checking.Table, "_get", noted)
    read_example(tmp_path)

    sections = {(section, key) for section, key in asked if f"{section}.{key}".strip(".") in HEADINGS}
    missing = [
        f"{section}.{key}"
        for section, key in asked - sections
        if f"| `{key}` |" not in table_under(HEADINGS[section])
    ]
    assert {f"{section}.{key}".strip(".") for section, key in sections} == set(HEADINGS)
    assert missing == []


HEADINGS = {
    "service": "`[service]`",
    "service.contacts": "`[[service.contacts]]`",
    "me": "`[me]`",
    "device": "`[device]`",
    "reasons": "`[reasons]`",
    "forum": "`[[forum]]`",
    "look": "`[look]`",
    "keys": "`[keys]`",
}


def test_it_names_every_word_a_key_can_be() -> None:
    words = {*THEMES, *ROLES, *(band.value for band in AgeBand), *TOPICS}

    assert sorted(word for word in words if f"`{word}`" not in PAGE) == []


def test_the_commands_it_gives_keys_to_are_commands(tmp_path: Path) -> None:
    known = {command.id for command in COMMANDS}

    assert set(read_example(tmp_path).look.keys) <= known


def test_it_lists_every_command_with_its_usual_keys() -> None:
    shown = PAGE.partition(BEGIN)[2].partition(END)[0]

    assert shown == table(), "`python -m tests.docs.keys` writes the table again"
