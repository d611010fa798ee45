"""Small dialogs: ask for words, for a time, for one of a few things, for a yes; tell what is in the way.

They say what they want in one line, keep what was typed, and leave with esc. `!` works in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea

from modconsole.core.errors import ModconsoleError, NotAllowed
from modconsole.core.text import plain
from modconsole.screens.commands import Place
from modconsole.screens.fields import Field, Prose
from modconsole.screens.ink import Ink, Line, Span, bullet, key_line, paragraph
from modconsole.screens.keyed import run_command, textual_bindings
from modconsole.screens.paper import Bar, Choices, Page, Paper
from modconsole.screens.words import error_words

if TYPE_CHECKING:
    from modconsole.screens.app import Console

__all__ = ["AskLine", "AskWords", "Confirm", "Dialog", "Pick", "Tell", "box", "error_page", "whole_number"]

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A screen over the desk. The keys that work everywhere work here as well."""

    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.ANYWHERE)]
    AUTO_FOCUS = ""
    PLACE: ClassVar[Place | None] = None
    """Where its own commands are in the command table, if it has any."""

    @property
    def console(self) -> Console:
        return cast("Console", self.app)

    def on_mount(self) -> None:
        # Textual calls this after the one of the dialog itself, which has asked for the focus by then.
        self.console.opened(self)

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        self.console.closing(self)
        return super().dismiss(result)

    def action_command(self, id: str) -> None:
        target = self.console if id.startswith("anywhere.") else self
        run_command(id, target, self.console.say)

    def action_leave(self) -> None:
        self.dismiss(None)


def box(heading: str, *, classes: str = "box") -> Vertical:
    """Make the frame of a dialog."""
    made = Vertical(classes=classes)
    made.border_title = Content(f" {plain(heading, lines=False, limit=90)} ")
    return made


def _hint(*keys: tuple[str, str]) -> Page:
    return lambda width: key_line([*keys], width)


class AskWords(Dialog[str]):
    """Ask for some prose. What is typed is kept on every change, if somebody wants to keep it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", id="ask.leave", show=False)]

    def __init__(
        self,
        heading: str,
        *,
        about: Page | None = None,
        text: str = "",
        placeholder: str = "",
        keep: Callable[[str], object] | None = None,
        may_be_empty: bool = False,
    ) -> None:
        super().__init__(classes="prompt")
        self._heading, self._about = heading, about
        self._text, self._placeholder = text, placeholder
        self._keep = keep
        self._may_be_empty = may_be_empty

    def compose(self) -> ComposeResult:
        with box(self._heading):
            if self._about is not None:
                yield Bar(page=self._about)
            yield Prose(self._text, placeholder=self._placeholder)
            yield Bar(
                page=_hint(("enter", "done"), ("ctrl+j", "new line"), ("esc", "back"), ("F2", "emergency")),
                id="hint",
            )

    def on_mount(self) -> None:
        self.query_one(Prose).focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        if self._keep is not None:
            keep, words = self._keep, event.text_area.text
            self.console.keep(self, lambda: keep(words))

    def on_prose_submitted(self, event: Prose.Submitted) -> None:
        text = plain(event.text).strip()
        if text or self._may_be_empty:
            self.dismiss(text)
        else:
            self.console.say("A few words are needed here.")


class AskLine(Dialog[str]):
    """Ask for one line that must mean something: a time, a number, a passphrase."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", id="ask.leave", show=False)]

    def __init__(
        self,
        heading: str,
        *,
        read: Callable[[str], str],
        shown: Callable[[str], str] = lambda value: value,
        text: str = "",
        placeholder: str = "",
        secret: bool = False,
        about: Page | None = None,
        keep: Callable[[str], object] | None = None,
    ) -> None:
        """Ask.

        Args:
            read: Turns what was typed into the answer, or raises a `ModconsoleError`.
            shown: How the answer reads, shown while typing so that nobody has to guess what was understood.
        """
        super().__init__(classes="prompt")
        self._heading, self._about = heading, about
        self._read, self._shown = read, shown
        self._text, self._placeholder, self._secret = text, placeholder, secret
        self._keep = keep
        self._said: list[tuple[str, Ink]] = []

    def compose(self) -> ComposeResult:
        with box(self._heading):
            if self._about is not None:
                yield Bar(page=self._about)
            yield Field(self._text, placeholder=self._placeholder, password=self._secret)
            yield Bar(page=self._set_said, id="said")
            yield Bar(page=_hint(("enter", "done"), ("esc", "back"), ("F2", "emergency")), id="hint")

    def on_mount(self) -> None:
        self.query_one(Field).focus()

    def _set_said(self, width: int) -> list[Line]:
        return [line for text, ink in self._said for line in paragraph(text, width, ink)] or [[]]

    def _say(self, *said: tuple[str, Ink]) -> None:
        self._said = list(said)
        self.query_one("#said", Bar).again()

    def on_input_changed(self, event: Input.Changed) -> None:
        if self._keep is not None and not self._secret:
            keep, words = self._keep, event.value
            self.console.keep(self, lambda: keep(words))
        if self._secret or not event.value.strip():
            return self._say()
        try:
            understood = self._shown(self._read(event.value))
        except ModconsoleError:
            return self._say()
        return self._say((f"→ {plain(understood, lines=False, limit=200)}", Ink.GOOD))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            self.dismiss(self._read(event.value))
        except ModconsoleError as error:
            self._say(*((part, Ink.WARN) for part in error_words(error)))


class Confirm(Dialog[bool]):
    """Ask for a yes to something that reaches people. Enter and esc mean no; only its own key means yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", id="confirm.yes", show=False),
        Binding("escape,enter,n,q", "leave", "No", id="confirm.no", show=False),
        Binding("j,down", "down", "Down", id="confirm.down", show=False),
        Binding("k,up", "up", "Up", id="confirm.up", show=False),
    ]

    def __init__(self, heading: str, page: Page, *, yes: str, no: str = "cancel") -> None:
        super().__init__()
        self._heading, self._page, self._yes, self._no = heading, page, yes, no

    def compose(self) -> ComposeResult:
        with box(self._heading):
            yield Paper(self._page)
            yield Bar(page=lambda width: [[]])
            yield Bar(page=_hint(("y", self._yes), ("enter or esc", self._no)), id="hint")

    def on_mount(self) -> None:
        self.query_one(Paper).focus()

    def action_yes(self) -> None:
        self.dismiss(True)

    def action_leave(self) -> None:
        self.dismiss(False)

    def action_down(self) -> None:
        self.query_one(Paper).go_down()

    def action_up(self) -> None:
        self.query_one(Paper).go_up()


class Tell(Dialog[None]):
    """Say something that takes more than a line. Any of enter, esc and q goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "leave", "Back", id="tell.leave", show=False),
        Binding("j,down", "down", "Down", id="tell.down", show=False),
        Binding("k,up", "up", "Up", id="tell.up", show=False),
    ]

    def __init__(self, heading: str, page: Page) -> None:
        super().__init__()
        self._heading, self._page = heading, page

    def compose(self) -> ComposeResult:
        with box(self._heading):
            yield Paper(self._page)
            yield Bar(page=_hint(("enter", "back"), ("j k", "scroll")), id="hint")

    def on_mount(self) -> None:
        self.query_one(Paper).focus()

    def action_down(self) -> None:
        self.query_one(Paper).go_down()

    def action_up(self) -> None:
        self.query_one(Paper).go_up()


class Pick(Dialog[str]):
    """Choose one of a few things, by moving and enter or by its number."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", id="pick.leave", show=False),
        Binding("enter", "choose", "Choose", id="pick.choose", show=False),
        Binding("j,down", "down", "Down", id="pick.down", show=False),
        Binding("k,up", "up", "Up", id="pick.up", show=False),
        *(Binding(str(n), f"nth({n})", f"Choose {n}", id=f"pick.nth_{n}", show=False) for n in range(1, 10)),
    ]

    def __init__(
        self,
        heading: str,
        items: Sequence[tuple[str, str, str]],
        *,
        refused: Callable[[str], str] = lambda value: "",
        about: Page | None = None,
    ) -> None:
        """Choose.

        Args:
            items: For each its value, its words, and what else there is to know.
            refused: Says why a value cannot be chosen.
        """
        super().__init__()
        self._heading, self._items, self._refused, self._about = heading, items, refused, about

    def compose(self) -> ComposeResult:
        with box(self._heading):
            if self._about is not None:
                yield Bar(page=self._about)
            yield Choices()
            yield Bar(page=_hint(("enter", "choose"), ("1-9", "by number"), ("esc", "back")), id="hint")

    def on_mount(self) -> None:
        self._list.show_items([self._item(number) for number in range(len(self._items))])
        self._list.focus()

    @property
    def _list(self) -> Choices:
        return self.query_one(Choices)

    def _item(self, number: int) -> Page:
        _, words, more = self._items[number]
        key = str(number + 1) if number < 9 else " "

        def page(width: int) -> list[Line]:
            lines = bullet(f"{key:>2}", words, width, mark_ink=Ink.KEY)
            return [
                *lines,
                *([Span("   "), *line] for line in paragraph(more, width - 3, Ink.DIM, limit=600) if more),
            ]

        return page

    def action_down(self) -> None:
        self._list.go_down()

    def action_up(self) -> None:
        self._list.go_up()

    def action_nth(self, number: int) -> None:
        if number <= len(self._items):
            self._choose(number - 1)

    def action_choose(self) -> None:
        if self._items:
            self._choose(self._list.cursor)

    def _choose(self, number: int) -> None:
        value = self._items[number][0]
        why_not = self._refused(value)
        if why_not:
            self.console.say(why_not)
        else:
            self.dismiss(value)


def error_page(error: ModconsoleError) -> Page:
    """Set an error as a calm page: what happened, what is safe, what to do."""
    what, *rest = error_words(error)

    def page(width: int) -> list[Line]:
        lines = paragraph(what, width, Ink.STRONG, limit=3000)
        for part in rest:
            lines += [[], *paragraph(part, width, limit=3000)]
        return lines

    return page


def whole_number(text: str) -> str:
    """Read a whole number."""
    try:
        return str(int(text.strip()))
    except ValueError as error:
        raise NotAllowed(
            f"“{text.strip()}” is not a whole number.", next_step="Type it in digits."
        ) from error
