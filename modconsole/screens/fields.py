"""Where people type. Where no prose is wanted, `!` still opens the emergency panel; in prose it is a character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, TextArea

from modconsole.core.message import unfilled
from modconsole.core.text import plain

__all__ = ["Field", "MessageArea", "Prose"]


class Field(Input):
    """One line: a filter, a time, a number, a passphrase."""

    def __init__(
        self, value: str = "", *, placeholder: str = "", password: bool = False, id: str | None = None
    ) -> None:
        super().__init__(
            plain(value, lines=False),
            placeholder=plain(placeholder, lines=False),
            password=password,
            id=id,
            compact=True,
        )
        self._takes_marks = password
        self.cursor_blink = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        if character == "!" and not self._takes_marks:
            return False
        return super().check_consume_key(key, character)

    async def _on_key(self, event: events.Key) -> None:
        if event.character == "!" and not self._takes_marks:
            event.prevent_default()


class Prose(TextArea):
    """A few lines of prose. Enter hands it in; ctrl+j starts a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j", "new_line", "New line", show=False, id="prose.new_line")
    ]

    @dataclass
    class Submitted(Message):
        """Enter was pressed."""

        text: str

    def __init__(self, text: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(
            plain(text),
            id=id,
            soft_wrap=True,
            tab_behavior="focus",
            compact=True,
            highlight_cursor_line=False,
            placeholder=plain(placeholder, lines=False),
        )
        self.cursor_blink = False
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted(self.text))

    def action_new_line(self) -> None:
        self.insert("\n")


class MessageArea(TextArea):
    """A message being written. Places still to be filled stand out, and tab goes from one to the next."""

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(
            plain(text),
            id=id,
            soft_wrap=True,
            tab_behavior="focus",
            compact=True,
            highlight_cursor_line=False,
        )
        self.cursor_blink = False

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        for name in unfilled(line.plain):
            line.highlight_words(["{" + name + "}"], "reverse bold")
        return line

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "tab":
            event.stop()
            event.prevent_default()
            self.go_to_open_place()

    def go_to_open_place(self) -> bool:
        """Select the next place to fill, from the cursor on and round; say whether there is one."""
        text = self.text
        places = [(text.index("{" + name + "}"), len(name) + 2) for name in unfilled(text)]
        if not places:
            return False
        row, column = max(self.selection.start, self.selection.end)
        cursor = sum(len(line) + 1 for line in text.split("\n")[:row]) + column
        start, length = min(places, key=lambda place: (place[0] < cursor, place[0]))
        self.move_cursor(_location(text, start))
        self.move_cursor(_location(text, start + length), select=True)
        return True


def _location(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1
