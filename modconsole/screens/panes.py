"""The case pane and the protocol pane: sheets that show what they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from modconsole.screens.case_page import CaseLook, case_page
from modconsole.screens.commands import Place
from modconsole.screens.ink import Ink, Line, Span, bullet, paragraph
from modconsole.screens.keyed import textual_bindings
from modconsole.screens.paper import Paper

if TYPE_CHECKING:
    from modconsole.core.run import RunView
    from modconsole.desk import CaseView, Standing
    from modconsole.screens.protocol_page import Stop

__all__ = ["CasePane", "ProtocolPane"]


class CasePane(Paper):
    """Shows the open case."""

    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.CASE)]

    def __init__(self, me: str, now: Callable[[], datetime], zone: tzinfo, *, id: str) -> None:
        super().__init__(self._set_case, id=id, classes="pane")
        self._me, self._now, self._zone = me, now, zone
        self.view: CaseView | None = None
        self.look = CaseLook()

    def show_case(self, view: CaseView | None, look: CaseLook, *, from_top: bool = False) -> None:
        self.view, self.look = view, look
        self.show(self._set_case, from_top=from_top)

    def _set_case(self, width: int) -> list[Line]:
        if self.view is None:
            return [
                [
                    Span("No case is open. ", Ink.DIM),
                    Span("enter", Ink.KEY),
                    Span(" in the queue opens one.", Ink.DIM),
                ]
            ]
        return case_page(self.view, self.look, now=self._now(), zone=self._zone, me=self._me, width=width)


class ProtocolPane(Paper):
    """Shows one run of a protocol, with a cursor over its questions."""

    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.PROTOCOL)]

    def __init__(self, zone: tzinfo, *, id: str) -> None:
        super().__init__(self._set_run, id=id, classes="pane")
        self._zone = zone
        self.run: RunView | None = None
        self.started = False
        self.cursor: Stop | None = None
        self.help_shown = False
        self.notes: list[str] = []
        self._standing: Standing | None = None
        self._runs: Sequence[RunView] = ()
        self._blockers: Sequence[str] | None = ()
        self._nothing = ""
        self._problems: Mapping[str, str] = {}

    def show_run(
        self,
        run: RunView | None,
        standing: Standing | None,
        *,
        started: bool,
        runs: Sequence[RunView],
        blockers: Sequence[str] | None,
        problems: Mapping[str, str] = MappingProxyType({}),
        moved_on: bool = False,
        nothing: str = "",
    ) -> None:
        """Show a run.

        Args:
            moved_on: Whether the cursor goes on to what is next.
            nothing: What to say when there is no run.
        """
        from modconsole.screens.protocol_page import cursor_after

        another = run is None or self.run is None or run.protocol.id != self.run.protocol.id
        self.run, self.started, self._standing = run, started, standing
        self._runs, self._blockers, self._nothing = runs, blockers, nothing
        self._problems = problems
        self.cursor = (
            None if run is None else cursor_after(run, None if another else self.cursor, moved_on=moved_on)
        )
        self.show(self._set_run, from_top=another)
        self.keep_in_sight(self.cursor_rows)

    def toggle_help(self) -> None:
        self.help_shown = not self.help_shown
        self.again()
        self.keep_in_sight(self.cursor_rows)

    def _set_run(self, width: int) -> list[Line]:
        if self.run is None:
            self.cursor_rows = range(0)
            lines = [
                line
                for id, why in self._problems.items()
                for line in bullet("△", f"{id.replace('-', ' ')}: {why}", width, Ink.WARN)
            ]
            return [*lines, *(paragraph(self._nothing, width, Ink.DIM) if self._nothing else [])]
        from modconsole.screens.protocol_page import protocol_page

        page = protocol_page(
            self.run,
            self.cursor,
            self._standing,
            runs=self._runs,
            started=self.started,
            help_shown=self.help_shown,
            blockers=self._blockers,
            notes=self.notes,
            problems=self._problems,
            zone=self._zone,
            width=width,
        )
        self.cursor_rows = page.cursor_rows
        return page.lines

    # j and k go from question to question; the page follows

    def go_down(self) -> None:
        self._step(1)

    def go_up(self) -> None:
        self._step(-1)

    def go_top(self) -> None:
        self._step(-10_000)
        super().go_top()

    def go_bottom(self) -> None:
        self._step(10_000)
        super().go_bottom()

    def _step(self, by: int) -> None:
        if self.run is None:
            return
        from modconsole.screens.protocol_page import stops_of

        stops = stops_of(self.run)
        if not stops:
            return
        place = stops.index(self.cursor) if self.cursor in stops else 0
        self.cursor = stops[max(0, min(place + by, len(stops) - 1))]
        self.again()
        self.keep_in_sight(self.cursor_rows)
