"""Every protocol of the library: to find one, to read it, to walk through it for practice. Nothing of that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from modconsole.core.protocol import Question, ReviewProtocol
from modconsole.core.run import Run, RunEvent, RunEventKind, StepView, checked, view
from modconsole.desk import Standing, StandingKind
from modconsole.desk.standing import NOT_KNOWN
from modconsole.screens.answering import Answering, asked_skip, asked_words
from modconsole.screens.commands import Place
from modconsole.screens.dialogs import Dialog, box
from modconsole.screens.fields import Field
from modconsole.screens.ink import URGENCY_INKS, Ink, Line, Span, key_line, side_by_side
from modconsole.screens.keyed import KeyBar
from modconsole.screens.panes import ProtocolPane
from modconsole.screens.paper import Bar, Choices, Page
from modconsole.screens.protocol_page import follow_notes

__all__ = ["Protocols", "Walk"]


class Protocols(Dialog[None]):
    """The library as a list, narrowed by typing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="library.leave", show=False),
        Binding("down", "down", "Down", id="library.down", show=False, priority=True),
        Binding("up", "up", "Up", id="library.up", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: list[str] = []
        self._log_is_unread = False

    def compose(self) -> ComposeResult:
        with box("Protocols", classes="box full"):
            yield Field(placeholder="part of a name")
            yield Choices()
            keys = [("enter", "read, and walk through it for practice"), ("↑ ↓", "move"), ("esc", "back")]
            yield Bar(page=lambda width: key_line(keys, width), id="hint")

    def on_mount(self) -> None:
        self._find("")
        self.query_one(Field).focus()

    @property
    def _list(self) -> Choices:
        return self.query_one(Choices)

    def _find(self, words: str) -> None:
        library = self.console.desk.library
        wanted = words.lower().replace(" ", "-")
        self._found = [id for id in library.ids() if wanted in id]
        self._list.show_items([self._item(id) for id in self._found], cursor=0)

    def _item(self, id: str) -> Page:
        desk = self.console.desk
        protocol = desk.library.get(id)
        standing = self._standing(protocol) if protocol else None

        def page(width: int) -> list[Line]:
            if protocol is None:
                return [[Span(id.replace("-", " "), Ink.DIM), Span("  its file cannot be used", Ink.WARN)]]
            left = [
                Span(f"{protocol.urgency:<8}", URGENCY_INKS[protocol.urgency]),
                Span(id.replace("-", " "), Ink.STRONG),
            ]
            right = [Span(f"{desk.library.pack(id)} · {_standing_words(standing)}", Ink.DIM)]
            return [side_by_side(left, right, width)]

        return page

    def _standing(self, protocol: ReviewProtocol) -> Standing:
        # A log that another program holds keeps every look waiting, and there are many protocols.
        held = NOT_KNOWN if self._log_is_unread else self.console.desk.cases.standing_shown(protocol)
        self._log_is_unread = held is NOT_KNOWN
        return held

    def on_input_changed(self, event: Input.Changed) -> None:
        self._find(event.value.strip())

    def on_input_submitted(self) -> None:
        protocol = self.console.desk.library.get(self._found[self._list.cursor]) if self._found else None
        if protocol is None:
            self.console.say("Its file cannot be used; `modconsole protocol check` says why.")
        else:
            self.console.show(Walk(protocol))

    def action_down(self) -> None:
        self._list.go_down()

    def action_up(self) -> None:
        self._list.go_up()


def _standing_words(standing: Standing | None) -> str:
    if standing is None:
        return ""
    if standing is NOT_KNOWN:
        return "not known"
    return {
        StandingKind.APPROVED: "approved",
        StandingKind.PRACTICE: "practice",
        StandingKind.DRAFT: "draft",
        StandingKind.READ_ONLY: "not approved",
        StandingKind.NOT_FOR_CASES: "not for cases",
    }[standing.kind]


class Walk(Dialog[None], Answering):
    """One protocol, answered as on a case, and forgotten on leaving."""

    PLACE = Place.PROTOCOL
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", id="walk.leave", show=False),
    ]

    def __init__(self, protocol: ReviewProtocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._run: Run | None = None

    def compose(self) -> ComposeResult:
        self.protocol = ProtocolPane(self.console.zone, id="walk")
        with box(f"{self._protocol.id} · for practice: nothing is kept", classes="box full"):
            yield self.protocol
            yield KeyBar(lambda: (Place.PROTOCOL,), lambda: self, self.console.desk.settings.look.keys)

    def on_mount(self) -> None:
        self.protocol.help_shown = True
        self._run = Run("", self._protocol.id, self._protocol.hash, self.console.desk.now())
        self._again()
        self.protocol.focus()

    def _again(self, *, moved_on: bool = False) -> None:
        if self._run is not None:
            self.protocol.show_run(
                view(self._protocol, self._run),
                self.console.desk.cases.standing_shown(self._protocol),
                started=True,
                runs=(),
                blockers=None,
                moved_on=moved_on,
            )

    def _add(self, kind: RunEventKind, step: str, question: str = "", values: Sequence[str] = ()) -> None:
        if self._run is None:
            return
        event = RunEvent(kind, step, self.console.desk.now(), "", question, tuple(values))
        self._run = replace(self._run, events=(*self._run.events, event))

    # What the keys of a protocol need

    def why_no_case(self) -> str:
        return ""

    def give(self, question: Question, values: Sequence[str]) -> None:
        found = self.at_cursor()
        if found is None or self._run is None:
            return
        self._add(RunEventKind.ANSWERED, found[0].step.id, question.id, checked(question, values))
        follows = view(self._protocol, self._run).follows
        self.protocol.notes = [
            note
            for follow in follows
            if follow.question == question.id
            for note in follow_notes(follow, will=True)
        ]
        self._again(moved_on=not question.multiple)

    def mark(self, step: StepView, *, done: bool) -> None:
        self._add(RunEventKind.TICKED if done else RunEventKind.UNTICKED, step.step.id)
        self._again(moved_on=done)

    def type_answer(self, question: Question) -> None:
        self.console.talk(self._type(question))

    async def _type(self, question: Question) -> None:
        if self._run is None:
            return
        desk = self.console.desk
        run = view(self._protocol, self._run)
        said = await asked_words(self.console, question, run, now=desk.now, zone=self.console.zone)
        if said is not None:
            self.give(question, (said,))

    def skip(self) -> None:
        self.console.talk(self._skip())

    async def _skip(self) -> None:
        found = self.at_cursor()
        why = await asked_skip(self.console, found[0]) if found else None
        if found and why:
            self._add(RunEventKind.SKIPPED, found[0].step.id, values=why)
            self._again(moved_on=True)
