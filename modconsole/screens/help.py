"""Help and the palette: both read the command table, so they show what the keys really do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from modconsole.screens.commands import COMMANDS, PLACE_NAMES, Command, Place, commands_at, key_name, keys_of
from modconsole.screens.dialogs import Dialog, box
from modconsole.screens.fields import Field
from modconsole.screens.ink import Ink, Line, Span, bullet, side_by_side
from modconsole.screens.paper import Bar, Choices, Page

__all__ = ["HelpRow", "Palette", "help_lines", "help_rows"]


@dataclass(frozen=True, slots=True)
class HelpRow:
    """One row of the help: some keys and what they do. Commands with the same label share a row."""

    keys: str
    help: str
    ids: tuple[str, ...]


def help_rows(place: Place, keymap: Mapping[str, str]) -> list[HelpRow]:
    """Give every command of a place, as one row for each label."""
    by_label: dict[str, list[Command]] = {}
    for command in commands_at(place):
        by_label.setdefault(command.label, []).append(command)
    rows = []
    for commands in by_label.values():
        if len(commands) > 2:
            first, last = (keys_of(command, keymap)[0] for command in (commands[0], commands[-1]))
            keys, said = f"{key_name(first)}-{key_name(last)}", "Choose the answer with that number."
        else:
            keys = " ".join(key_name(key) for command in commands for key in keys_of(command, keymap))
            said = commands[0].help
        rows.append(HelpRow(keys or ": only", said, tuple(command.id for command in commands)))
    return rows


def help_lines(here: Sequence[Place], keymap: Mapping[str, str], width: int) -> list[Line]:
    """Set the help: the place one is in first, then the others."""
    order = [*here, *(place for place in PLACE_NAMES if place not in here)]
    lines: list[Line] = []
    for place in order:
        rows = help_rows(place, keymap)
        if not rows:
            continue
        mark = "  you are here" if place is here[0] else ""
        lines += [[Span(PLACE_NAMES[place], Ink.TITLE), Span(mark, Ink.DIM)]]
        for row in rows:
            lines += bullet(f"{row.keys:>14} ", row.help, width, mark_ink=Ink.KEY)
        lines.append([])
    return lines


class Palette(Dialog[str]):
    """Find a command by its words and run it. Gives its id."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="palette.leave", show=False),
        Binding("down", "down", "Down", id="palette.down", show=False, priority=True),
        Binding("up", "up", "Up", id="palette.up", show=False, priority=True),
    ]

    def __init__(self, target: Any, keymap: Mapping[str, str]) -> None:
        super().__init__()
        self._target, self._keymap = target, keymap
        self._found: list[Command] = []

    def compose(self) -> ComposeResult:
        with box("Commands"):
            yield Field(placeholder="what do you want to do?")
            yield Choices()
            yield Bar(
                page=lambda width: [
                    [
                        Span("enter", Ink.KEY),
                        Span(" do it  ", Ink.DIM),
                        Span("esc", Ink.KEY),
                        Span(" back", Ink.DIM),
                    ]
                ]
            )

    def on_mount(self) -> None:
        self._find("")
        self.query_one(Field).focus()

    @property
    def _list(self) -> Choices:
        return self.query_one(Choices)

    def _find(self, words: str) -> None:
        wanted = words.lower().split()
        all_of_them = [c for c in COMMANDS if c.in_palette and c.id != "desk.palette"]
        hits = [c for c in all_of_them if all(word in f"{c.label} {c.help}".lower() for word in wanted)]
        hits.sort(key=lambda c: (bool(self._why_not(c)), not c.label.lower().startswith(" ".join(wanted))))
        self._found = hits
        self._list.show_items([self._item(command) for command in hits], cursor=0)

    def _why_not(self, command: Command) -> str:
        return command.check(self._target) if command.place is not Place.ANYWHERE else ""

    def _item(self, command: Command) -> Page:
        why_not = self._why_not(command)
        keys = keys_of(command, self._keymap)

        def page(width: int) -> list[Line]:
            left: Line = [
                Span(command.label, Ink.DIM if why_not else Ink.STRONG),
                Span(f"  {why_not or command.help}", Ink.DIM),
            ]
            return [side_by_side(left, [Span(key_name(keys[0]) if keys else "", Ink.KEY)], width)]

        return page

    def on_input_changed(self, event: Input.Changed) -> None:
        self._find(event.value)

    def on_input_submitted(self) -> None:
        if self._found:
            self.dismiss(self._found[self._list.cursor].id)

    def action_down(self) -> None:
        self._list.go_down()

    def action_up(self) -> None:
        self._list.go_up()
