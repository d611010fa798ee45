"""The command table: no key means two things, and every command is in the help."""

from __future__ import annotations

import pytest

from modconsole.screens.commands import COMMANDS, PLACE_NAMES, REACH, Place, clashes, commands_at
from modconsole.screens.help import help_lines, help_rows


def test_no_key_means_two_things_in_one_place() -> None:
    assert clashes({}) == []


def test_a_key_map_that_clashes_or_names_nothing_is_told() -> None:
    told = clashes({"desk.decide": "w", "desk.fly": "f"})

    assert "There is no command “desk.fly”." in told
    assert any("desk.decide" in line and "desk.note" in line for line in told)


def test_every_command_is_in_the_help() -> None:
    shown = {id for place in PLACE_NAMES for row in help_rows(place, {}) for id in row.ids}

    assert shown == {command.id for command in COMMANDS}


def test_every_id_is_there_once_and_starts_with_its_place() -> None:
    ids = [command.id for command in COMMANDS]

    assert len(ids) == len(set(ids))
    assert all(command.id.split(".")[0] == command.place for command in COMMANDS)


def test_every_place_has_a_name_and_says_what_its_keys_reach() -> None:
    assert set(PLACE_NAMES) == set(Place)
    assert set(REACH) == set(Place) - {Place.ANYWHERE, Place.DESK}
    assert all(commands_at(place) for place in Place)


def test_every_command_has_a_key_or_is_in_the_palette() -> None:
    assert [command.id for command in COMMANDS if not command.keys and not command.in_palette] == []


@pytest.mark.parametrize("width", [40, 100])
def test_the_help_starts_where_one_is(width: int) -> None:
    first = "".join(span.text for span in help_lines((Place.PROTOCOL, Place.DESK), {}, width)[0])

    assert first == "In the protocol  you are here"
