"""The emergency panel: numbers, people, what to say. Needs no keys, no network, no protocol; recording comes after."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from modconsole.core.actions import Action
from modconsole.desk import Emergency
from modconsole.screens.commands import Place
from modconsole.screens.dialogs import AskWords, Dialog, box
from modconsole.screens.ink import Ink, Line, Span, bullet, paragraph
from modconsole.screens.keyed import KeyBar, textual_bindings
from modconsole.screens.paper import Paper
from modconsole.screens.words import role_words

__all__ = ["EmergencyPanel", "emergency_lines"]

_RECORDS = {
    "rang": (Action.EMERGENCY_CALL, "You rang the emergency service"),
    "told": (Action.ESCALATE_LEAD, "You told the safeguarding lead"),
}


def emergency_lines(panel: Emergency, width: int, *, case: str) -> list[Line]:
    """Set the panel: whom to ring first, then whom to tell, then what to say."""
    lines: list[Line] = []
    if panel.problem:
        lines += [*paragraph(panel.problem, width, Ink.WARN, limit=400), []]
    for resource in panel.lines:
        ways = ", ".join(f"{c.value} ({c.hours})" if c.hours else c.value for c in resource.channels)
        area = f" · {', '.join(resource.areas)}" if resource.areas else ""
        lines += bullet("☎", ways, width, Ink.STRONG, mark_ink=Ink.NOW)
        lines += paragraph(f"{resource.name}{area}", width, Ink.DIM, indent="  ", limit=200)
        for caution in resource.cautions:
            lines += paragraph(caution, width, Ink.DIM, indent="  ", limit=200)
    lines += [[], [Span("Your service", Ink.TITLE)]]
    for contact in panel.contacts:
        hours = f" · {contact.hours}" if contact.hours else ""
        lines += bullet("☎", f"{role_words(contact.role)}: {contact.reach}", width, Ink.STRONG)
        lines += paragraph(f"{contact.name}{hours}", width, Ink.DIM, indent="  ", limit=200)
    if not panel.contacts:
        lines += paragraph(
            "No contacts are in the settings yet. `[service]` contacts in config.toml is their place.",
            width,
            Ink.WARN,
        )
    lines += [[], [Span("Say", Ink.TITLE)]]
    for number, sentence in enumerate(panel.say, start=1):
        lines += bullet(f"{number}.", sentence, width)
    after = (
        f"Afterwards: r or t records it for {case}. Nothing has to be filled in."
        if case
        else "Afterwards, open the case and press ! again to record it."
    )
    return [*lines, [], *paragraph(after, width, Ink.DIM)]


class EmergencyPanel(Dialog[None]):
    """The panel over whatever was on screen."""

    PLACE = Place.EMERGENCY
    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.EMERGENCY)]

    def __init__(self, panel: Emergency, case: str) -> None:
        super().__init__()
        self._panel, self._case = panel, case

    def compose(self) -> ComposeResult:
        with box("! Emergency", classes="box full"):
            yield Paper(lambda width: emergency_lines(self._panel, width, case=self._case))
            yield KeyBar(lambda: (Place.EMERGENCY,), lambda: self, self.console.desk.settings.look.keys)

    def on_mount(self) -> None:
        self.paper.focus()

    @property
    def paper(self) -> Paper:
        return self.query_one(Paper)

    # Commands

    def why_no_record(self) -> str:
        return (
            ""
            if self._case
            else "No case is open, so there is nothing to record it on. The numbers work all the same."
        )

    def record(self, what: str) -> None:
        self.console.talk(self._record(what))

    async def _record(self, what: str) -> None:
        action, said = _RECORDS[what]
        note = await self.console.ask(
            AskWords(
                f"{said}. Enter records it",
                placeholder="Log number, who, when. May stay empty.",
                may_be_empty=True,
            )
        )
        if note is None:
            return
        self.console.desk.decisions.record_done(self._case, action, note)
        self.console.say(f"Sealed: {said[0].lower()}{said[1:]}.")

    def leave(self) -> None:
        self.dismiss(None)
