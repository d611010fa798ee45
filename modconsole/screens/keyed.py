"""From the command table to Textual's keys: one mixin for whatever has commands, and the bar that shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual.binding import Binding

from modconsole.screens.commands import Command, Place, bindings_of, by_id, commands_at, key_name, keys_of
from modconsole.screens.ink import Ink, Line, Span
from modconsole.screens.paper import Bar

__all__ = ["KeyBar", "run_command", "textual_bindings"]


def textual_bindings(place: Place) -> list[Binding]:
    """Give the keys of a place as Textual wants them. Each has its command's id, so that it can be remapped."""
    return [
        Binding(
            key,
            f"screen.command('{command.id}')",
            command.label,
            id=command.id,
            show=False,
        )
        for key, command in bindings_of(place)
    ]


def run_command(id: str, target: Any, refuse: Callable[[str], object]) -> None:
    """Run a command, or say why it cannot be done now."""
    command = by_id(id)
    why_not = command.check(target)
    if why_not:
        refuse(why_not)
    else:
        command.run(target)


class KeyBar(Bar):
    """The keys that work right now: those of one place, as many as fit, and always the way to help and to `!`."""

    def __init__(
        self,
        places: Callable[[], Sequence[Place]],
        target: Callable[[], Any],
        keymap: Mapping[str, str],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id, page=self._set_keys)
        self._places = places
        self._target = target
        self._keymap = keymap
        self.typing = ""
        """While somebody types: what the few keys that still work are. Otherwise empty."""

    def _set_keys(self, width: int) -> list[Line]:
        if self.typing:
            return [[Span(self.typing, Ink.DIM)]]
        target = self._target()
        shown = [c for c in commands_at(*self._places()) if c.foot and keys_of(c, self._keymap)]
        shown = [c for c in sorted(shown, key=lambda c: c.foot) if not c.check(target)]
        last = self._pieces([by_id("anywhere.emergency"), by_id("anywhere.help")])
        room = width - sum(len(span.text) for span in last)
        line: Line = []
        for command in shown:
            pieces = self._pieces([command])
            needed = sum(len(span.text) for span in pieces)
            if needed > room:
                break
            room -= needed
            line += pieces
        return [[*line, Span(" " * max(0, room)), *last]]

    def _pieces(self, commands: list[Command]) -> Line:
        pieces: Line = []
        for command in commands:
            pieces += [
                Span(key_name(keys_of(command, self._keymap)[0]), Ink.KEY),
                Span(f" {command.label}  ", Ink.DIM),
            ]
        return pieces
