"""The desk: queue, case and protocol. Side by side where there is room, one at a time where there is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from modconsole.core.actions import ACTIONS, Action, OutcomeKind
from modconsole.core.decision import DecisionState
from modconsole.core.errors import ForumError, ModconsoleError, NotFound
from modconsole.core.model import CaseState, TargetKind
from modconsole.core.protocol import Question, QuestionType
from modconsole.core.run import SKIP_REASONS, Follow, Run, RunView, StepState, view as run_view
from modconsole.core.text import plain
from modconsole.core.urgency import Urgency
from modconsole.desk import CaseView, Desk, Settlement, Standing
from modconsole.ports.forum import Feature
from modconsole.ports.notify import CasesChanged
from modconsole.screens.bars import banner_page, status_page
from modconsole.screens.case_page import SHOWN_MORE, CaseLook, waiting_by_hand
from modconsole.screens.commands import Place
from modconsole.screens.ink import Ink, Line, Span, bullet, paragraph
from modconsole.screens.keyed import KeyBar, run_command, textual_bindings
from modconsole.screens.panes import CasePane, ProtocolPane
from modconsole.screens.paper import Bar
from modconsole.screens.protocol_page import option_for
from modconsole.screens.queue import QueuePane, why_page
from modconsole.screens.words import action_words, count, moment, order_words, parse_when, role_words, span

if TYPE_CHECKING:
    from modconsole.screens.app import Console

__all__ = ["DeskScreen"]

WIDE = 120


class DeskScreen(Screen[object]):
    """Where a moderator spends the shift."""

    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.DESK)]
    AUTO_FOCUS = "#queue"

    def __init__(self, desk: Desk, *, start: str = "") -> None:
        super().__init__()
        self.desk = desk
        self._start = start
        self.case_id = ""
        self.view: CaseView | None = None
        self.look = CaseLook()
        self._run_id = ""
        """The run chosen with `p`; empty for the one that wants something."""
        self._preview = ""
        """A protocol looked at, but not begun."""
        me, now = desk.settings.me, desk.now
        zone = self._zone()
        self.queue = QueuePane(desk.store, me, now, id="queue")
        self.case = CasePane(me, now, zone, id="case")
        self.protocol = ProtocolPane(id="protocol")
        self._panes: tuple[Widget, ...] = (self.queue, self.case, self.protocol)
        self._here: Widget = self.queue
        self._counting = False

    def _zone(self):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    @property
    def console(self) -> Console:
        return cast("Console", self.app)
