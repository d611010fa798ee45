"""Writing a message to a member: from a template, every keystroke kept, not sent while a place is unfilled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import TextArea

from modconsole.core.errors import ModconsoleError
from modconsole.core.message import unfilled
from modconsole.core.protocol import Resource, Template
from modconsole.core.text import is_safe, plain
from modconsole.screens.commands import Place
from modconsole.screens.dialogs import Dialog, Pick, box
from modconsole.screens.fields import MessageArea
from modconsole.screens.ink import Ink, Line, Span, paragraph
from modconsole.screens.keyed import KeyBar, textual_bindings
from modconsole.screens.paper import Bar
from modconsole.screens.words import count

__all__ = ["Compose", "Stationery"]


@dataclass(frozen=True, slots=True)
class Stationery:
    """What a message can be made of."""

    templates: Sequence[Template]
    resources: Callable[[], Sequence[Resource]]
    fill: Callable[[str], str]
    """Starts a message from a template's id, with what is known filled in; gives the draft if one was kept."""
    keep: Callable[[str, str], object]
    """Keeps a draft: template id, text."""
    refused: Callable[[str], str]
    """Says why a template is not for this case; empty when it is."""
    words: Callable[[str], str]
    """Says a crisis service, by its id, in a message; refuses one that nobody checked."""
    today: date


class Compose(Dialog[str]):
    """Write one text. Gives it when it is fit to be confirmed; nothing is sent from here."""

    PLACE = Place.COMPOSE
    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.COMPOSE)]

    def __init__(
        self, heading: str, stationery: Stationery, *, template: str, text: str, what_it_does: str
    ) -> None:
        super().__init__()
        self._heading, self._stationery = heading, stationery
        self._template, self._text, self._what = template, text, what_it_does

    def compose(self) -> ComposeResult:
        with box(self._heading, classes="box full"):
            yield Bar(page=self._set_head, id="head")
            yield MessageArea(self._text)
            yield Bar(page=self._set_open, id="open")
            keymap = self.console.desk.settings.look.keys
            yield KeyBar(lambda: (Place.COMPOSE,), lambda: self, keymap, id="keys")

    def on_mount(self) -> None:
        self.edit()
        if not self._text and self._stationery.templates:
            self.choose_template()

    @property
    def area(self) -> MessageArea:
        return self.query_one(MessageArea)

    def _set_head(self, width: int) -> list[Line]:
        lines = paragraph(self._what, width, Ink.DIM, limit=400)
        if self._template:
            lines.append([Span("template ", Ink.DIM), Span(self._template.replace("-", " "), Ink.PLAIN)])
        return [*lines, []]

    def _set_open(self, width: int) -> list[Line]:
        places = unfilled(self.area.text)
        if not places:
            return [[], [Span(f"{count(len(self.area.text), 'character')}, nothing left to fill", Ink.GOOD)]]
        names = ", ".join("{" + name + "}" for name in places)
        return [[], *paragraph(f"Still to fill: {names}. It cannot be sent like this.", width, Ink.WARN)]

    def _typing(self, yes: bool) -> None:
        bar = self.query_one("#keys", KeyBar)
        bar.typing = "esc when done · tab next place to fill · F2 emergency" if yes else ""
        bar.again()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        template, words = self._template, self.area.text
        self.console.keep(self, lambda: self._stationery.keep(template, words))
        self.query_one("#open", Bar).again()

    def on_descendant_focus(self) -> None:
        self._typing(True)

    def on_descendant_blur(self) -> None:
        self._typing(False)

    # Commands

    def edit(self) -> None:
        self.area.focus()  # no place is selected yet: one stray key would fill it

    def cancel(self) -> None:
        if self.focused is not None:
            self.set_focus(None)
        else:
            self.dismiss(None)

    def why_not_yet(self) -> str:
        if not self.area.text.strip():
            return "There is no text yet."
        places = unfilled(self.area.text)
        names = ", ".join("{" + name + "}" for name in places)
        return f"Still to fill: {names}." if places else ""

    def use(self) -> None:
        text = self.area.text
        if not is_safe(text):
            self.area.load_text(plain(text))
            self.console.say("Hidden characters in the text were made visible. Look at it again.")
            return
        self.dismiss(text.strip())

    def choose_template(self) -> None:
        self.console.talk(self._choose_template())

    async def _choose_template(self) -> None:
        items = [
            (template.id, template.id.replace("-", " "), f"{template.situation} · {template.channel}")
            for template in self._stationery.templates
        ]
        if not items:
            self.console.say("This protocol has no message template; write your own words.")
            return
        chosen = await self.console.ask(Pick("Which template?", items, refused=self._stationery.refused))
        if chosen is not None:
            self._template = chosen
            self.area.load_text(plain(self._stationery.fill(chosen)))
            self.query_one("#head", Bar).again()
            self.edit()

    def choose_resource(self) -> None:
        self.console.talk(self._choose_resource())

    async def _choose_resource(self) -> None:
        found = {resource.id: resource for resource in self._stationery.resources()}
        today = self._stationery.today
        items = [(id, _named(resource, today), _reach(resource)) for id, resource in found.items()]
        if not items:
            self.console.say("There is no crisis service in the library for this step and place.")
            return

        def refused(id: str) -> str:
            try:
                self._stationery.words(id)
            except ModconsoleError as error:
                return error.what
            return ""

        chosen = await self.console.ask(Pick("Which service?", items, refused=refused))
        if chosen is not None:
            self.area.focus()
            self.area.replace(plain(self._stationery.words(chosen)), *self.area.selection)


def _named(resource: Resource, today: date) -> str:
    return f"{resource.name}  NOT CHECKED" if resource.is_stale(today) else resource.name


def _reach(resource: Resource) -> str:
    reach = ", ".join(f"{channel.type} {channel.value}" for channel in resource.channels)
    return " · ".join([reach, *resource.cautions])
