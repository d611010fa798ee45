"""The desk: queue, case and protocol. Side by side where there is room, one at a time where there is not."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast
from zoneinfo import ZoneInfo

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from modconsole.core.actions import ACTIONS, OutcomeKind
from modconsole.core.errors import ForumError, ModconsoleError, NotAllowed, NotFound
from modconsole.core.model import CaseState, TargetKind
from modconsole.core.urgency import Urgency
from modconsole.ports.notify import CasesChanged
from modconsole.screens.answering import Answering
from modconsole.screens.bars import banner_page, status_page
from modconsole.screens.case_page import SHOWN_MORE, CaseLook, waiting_by_hand
from modconsole.screens.commands import Place
from modconsole.screens.ink import Ink, Line, bullet, paragraph
from modconsole.screens.keyed import KeyBar, run_command, textual_bindings
from modconsole.screens.panes import CasePane, ProtocolPane
from modconsole.screens.paper import Bar
from modconsole.screens.queue import QueuePane
from modconsole.screens.queue_page import why_page
from modconsole.screens.words import action_words, count, order_words, span

if TYPE_CHECKING:
    from modconsole.core.decision import DecisionState
    from modconsole.core.protocol import Question
    from modconsole.core.run import RunView, StepView
    from modconsole.desk import CaseView, Desk, Settlement, Standing
    from modconsole.screens.app import Console
    from modconsole.screens.talks import Talks

__all__ = ["DeskScreen"]

WIDE, VERY_WIDE = 120, 160
TINY = (60, 15)
BREAKPOINTS = [(0, "-tiny"), (TINY[0], "-narrow"), (WIDE, "-wide"), (VERY_WIDE, "-very-wide")]
HEIGHTS = [(0, "-flat"), (TINY[1], "-tall")]

_PLACES = {"queue": Place.QUEUE, "case": Place.CASE, "protocol": Place.PROTOCOL}


class DeskScreen(Answering, Screen[object]):
    """Where a moderator spends the shift."""

    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.DESK)]
    AUTO_FOCUS = "#queue"
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, desk: Desk, *, start: str = "") -> None:
        super().__init__()
        self.desk = desk
        self._start = start
        self.zone = ZoneInfo(desk.settings.service.time_zone)
        self.case_id = ""
        self.view: CaseView | None = None
        self.look = CaseLook()
        self._run_id = ""
        """The run chosen with `p`; empty for the one that wants something."""
        self._preview = ""
        """A protocol that is looked at, but not begun."""
        self.queue = QueuePane(desk.store, desk.settings.me, desk.now, self._cursor_moved, id="queue")
        self.case = CasePane(desk.settings.me, desk.now, self.zone, id="case")
        self.protocol = ProtocolPane(self.zone, id="protocol")
        self._here: Widget = self.queue
        self._countdown: Timer | None = None
        self._titles: dict[Widget, str] = {}

    @property
    def console(self) -> Console:
        return cast("Console", self.app)

    @cached_property
    def _talks(self) -> Talks:
        from modconsole.screens.talks import Talks  # its dialogs are not needed for the first frame

        return Talks(self)

    # Layout

    def compose(self) -> ComposeResult:
        # Textual sets these after the first layout, which would then be done twice.
        self.add_class(
            self._breakpoint(self.app.size.width, BREAKPOINTS),
            self._breakpoint(self.app.size.height, HEIGHTS),
        )
        keymap = self.desk.settings.look.keys
        yield Bar(page=self._set_banners, id="banners")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield self.queue
                yield Bar(page=self._set_why, id="why")
            yield self.case
            with Vertical(id="protocol-side"):
                yield self.protocol
        yield KeyBar(self.places, lambda: self, keymap, id="keys")
        yield Bar(page=self._set_status, id="status")
        yield Bar(page=self._set_small, id="small")

    @staticmethod
    def _breakpoint(cells: int, points: list[tuple[int, str]]) -> str:
        return [name for least, name in points if cells >= least][-1]

    def on_mount(self) -> None:
        self.set_class(self.console.is_plain, "-plain")
        self._arrange()
        self._title_panes()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()
        self._title_panes()
        self.query_one("#small", Bar).again()
        if self.focused is None and not self._is_tiny:
            self.set_focus(self._here)

    @property
    def is_wide(self) -> bool:
        return self.app.size.width >= WIDE

    @property
    def _is_tiny(self) -> bool:
        return self.app.size.width < TINY[0] or self.app.size.height < TINY[1]

    def _arrange(self) -> None:
        # Set here and not by classes: a class on the screen makes Textual look at the style of everything again.
        for pane, box in ((self.queue, "#left"), (self.case, "#case"), (self.protocol, "#protocol-side")):
            self.query_one(box).display = self.is_wide or pane is self._here

    def places(self) -> tuple[Place, ...]:
        """Say whose keys work here: the pane's, then the desk's."""
        return _PLACES[self._here.id or "queue"], Place.DESK

    def go(self, pane: Widget) -> None:
        """Go to a pane; in a narrow window the others make room."""
        self._here = pane
        self._arrange()
        self.set_focus(pane)
        self._title_panes()
        self.query_one("#keys", KeyBar).again()

    def turn(self, by: int) -> None:
        panes: list[Widget] = [self.queue, self.case, self.protocol]
        self.go(panes[(panes.index(self._here) + by) % len(panes)])

    def back(self) -> None:
        if self._here is self.queue:
            self.console.leave()
        else:
            self.go(self.queue)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        # An event may be late: what counts is where the cursor is now.
        if event.widget is self.focused is not self._here and event.widget in (
            self.queue,
            self.case,
            self.protocol,
        ):
            self.go(event.widget)

    def _title_panes(self) -> None:
        names = {
            self.queue: self.queue.heading,
            self.case: f"Case {self.case_id}" if self.case_id else "Case",
            self.protocol: self._protocol_title(),
        }
        for pane, name in names.items():
            shown = f"▸ {name}" if pane is self._here else name
            if not self.is_wide:
                others = [n.split(" · ")[0] for p, n in names.items() if p is not self._here]
                shown = f"{shown}   tab: {', '.join(others)}"
            title = f" {shown} "
            if self._titles.get(pane) != title:  # setting one draws the whole pane again
                self._titles[pane] = title
                pane.border_title = Content(title)

    def _protocol_title(self) -> str:
        run = self.protocol.run
        if run is None:
            return "Protocol"
        return f"Protocol · {run.protocol.id}" if self.is_wide else "Protocol"

    # Bars

    def refresh_bars(self) -> None:
        """Set banners, keys and status again, because what they tell has changed."""
        if not self.is_mounted:
            return
        for bar in self.query(Bar):
            bar.again()
        pending = bool(self.console.pending)
        if pending and self._countdown is None:
            self._countdown = self.set_interval(1, self._count_down)
        elif not pending and self._countdown is not None:
            self._countdown.stop()
            self._countdown = None

    def _count_down(self) -> None:
        self.query_one("#status", Bar).again()

    def _set_banners(self, width: int) -> list[Line]:
        return banner_page(self.console.banners, width, room=3 if self.app.size.height >= 30 else 2)

    def _set_why(self, width: int) -> list[Line]:
        queue = self.queue
        row = queue.row(queue.cursor) if queue.total else None
        case = self.desk.store.case(row.id) if row else None
        height = 6 if self.is_wide else 3
        return why_page(case, row, self.desk.now().timestamp(), self.desk.settings.me, width, height)

    def _set_status(self, width: int) -> list[Line]:
        settings = self.desk.settings
        return status_page(
            now=self.desk.now(),
            zone=self.zone,
            me=settings.me,
            role=settings.role,
            demo=settings.demo,
            forums=self.desk.forums.statuses(),
            pending=self._pending_words(),
            unsettled=len(self.console.unsettled()),
            sealed=self.console.sealed,
            width=width,
        )

    def _pending_words(self) -> str:
        if not self.console.pending:
            return "carrying out …" if self.console.settling else ""
        pending = list(self.console.pending.values())[-1]
        left = max(0.0, (pending.until - self.desk.now()).total_seconds())
        return f"{action_words(pending.decision)} in {span(left)} · z undoes it"

    def _set_small(self, width: int) -> list[Line]:
        size = self.app.size
        words = (
            f"The window is {size.width} by {size.height}; the console needs {TINY[0]} by {TINY[1]}. "
            "Make it larger and go on where you were; everything is kept. ! still opens the emergency panel."
        )
        return paragraph(words, width, Ink.STRONG)

    # Commands: the way in

    def action_command(self, id: str) -> None:
        if id.startswith("anywhere."):
            run_command(id, self.console, self.console.say)
        elif not self._is_tiny:
            self.run_here(id)

    def run_here(self, id: str) -> None:
        """Run a command of the desk; an error is shown, and the desk goes on."""
        try:
            run_command(id, self, self.console.say)
        except ModconsoleError as error:
            self.console.tell(error)

    def _later(self, work: Coroutine[object, object, object]) -> None:
        self.console.background(work)

    # What the console tells

    def begin(self) -> None:
        """Do what waited for the first frame."""
        if self._start:
            self.queue.go_to(self._start)
            self.open_case(self._start)

    def heed_cases(self, changed: CasesChanged) -> None:
        if self.queue.look():
            self._title_panes()
        if changed.new and changed.most_urgent is Urgency.NOW:
            self.console.say("A new case is needed now. It is at the top of the queue.")
        if self.case_id and changed.changed:
            self._reload_if_changed()

    def _reload_if_changed(self) -> None:
        """Show what is new about the open case; text that changed while it was read is folded first."""
        before = self.view
        self.reload()
        after = self.view
        if before is None or after is None or before.file is None or after.file is None:
            return
        if before.file.latest != after.file.latest:
            self._post_changed()
        elif len(before.file.flags) != len(after.file.flags):
            self.look.news = "It was flagged again while you have it open."
            self.case.again()

    def _post_changed(self) -> None:
        was_read = self.look.text
        self.look.text = False
        self.look.news = (
            "The post changed" + (" since you read it" if was_read else "") + ": space shows how."
        )
        self.case.again()

    def heed_decision(self, case: str, decision: DecisionState) -> None:
        if case and case == self.case_id:
            self.reload()
        self.queue.look()

    def heed_settlement(self, settlement: Settlement) -> None:
        """Say what came of a decision: nothing more than is known."""
        state = settlement.state
        case = self.desk.decisions.case_of(state.id)
        trouble = [o for o in state.orders if o.outcome in _TROUBLE]
        if settlement.problem is not None:
            self.console.tell(settlement.problem)
        elif trouble:
            words = "; ".join(f"{ACTIONS[o.action].label}: {order_words(o)}" for o in trouble)
            self.console.notify(
                f"{words}. o shows what can be done.", title=case, severity="warning", timeout=12
            )
        elif settlement.by_hand:
            labels = ", ".join(ACTIONS[order.action].label for order in settlement.by_hand)
            self.console.say(f"To do by hand: {labels}. When it is done, b records it.")
        elif state.is_settled and not state.reversed:
            self.console.say(
                f"{action_words(state)}: " + ", ".join(dict.fromkeys(map(order_words, state.orders))) + "."
            )
        if any(o.outcome is OutcomeKind.CONFLICT for o in trouble) and case == self.case_id:
            self.read_again()

    def tick(self) -> None:
        """Let time pass: clocks, leases, follow-ups."""
        now = self.desk.now()
        try:
            if now.second < 15:  # once a minute; this is called four times
                if not self.desk.vault.is_locked:
                    self.desk.intake.wake()
                if self.case_id and self.view is not None and not self.view.claimed_by_other:
                    self.desk.cases.renew(self.case_id)
            self.queue.look()
        except ModconsoleError as error:
            self.console.tell(error)
        self.queue.refresh()
        self.query_one("#status", Bar).again()

    # The queue

    def _cursor_moved(self) -> None:
        for why in self.query("#why").results(Bar):  # not there yet when the queue is loaded first
            why.again()
        self._title_panes()

    def on_queue_pane_chosen(self, event: QueuePane.Chosen) -> None:
        self.run_here("queue.open")

    def open_selected(self) -> None:
        if self.queue.under_cursor:
            self.open_case(self.queue.under_cursor)
        else:
            self.console.say("There is no case to open.")

    def next_case(self) -> None:
        self.queue.look()
        if self.case_id and self.case_id == self.queue.under_cursor:
            if self.queue.cursor + 1 >= self.queue.total:
                self.console.say("That was the last case in the queue.")
                return
            self.queue.go_down()
        self.open_selected()

    def next_forum(self) -> None:
        forums = ["", *self.desk.forums.ids]
        here = forums.index(self.queue.wanted.forum) if self.queue.wanted.forum in forums else 0
        self.queue.show_only(replace(self.queue.wanted, forum=forums[(here + 1) % len(forums)]))

    def why_one_forum(self) -> str:
        return "" if len(self.desk.forums.ids) > 1 else "There is only one forum."

    def filter(self) -> None:
        """Go to the queue and open the filter line over it."""
        from modconsole.screens.fields import Field

        self.go(self.queue)
        if not self.query("#filter"):
            field = Field(self.queue.wanted.text, placeholder="id, forum, topic or reason", id="filter")
            self.query_one("#left").mount(field, before=self.queue)
            keys = self.query_one("#keys", KeyBar)
            keys.typing = "enter keeps the filter · esc shows everything · ! emergency"
            keys.again()
        self.query_one("#filter", Field).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter":
            self.queue.show_only(replace(self.queue.wanted, text=event.value.strip()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "filter":
            self._end_filter()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self.focused is not None and self.focused.id == "filter":
            event.stop()
            self.queue.show_only(replace(self.queue.wanted, text=""))
            self._end_filter()

    def _end_filter(self) -> None:
        self.query("#filter").remove()
        self.query_one("#keys", KeyBar).typing = ""
        self.go(self.queue)

    # Opening and leaving a case

    def open_case(self, id: str, *, take_over: bool = False) -> None:
        """Claim and show a case; what else the forum knows comes when it comes."""
        if self.desk.vault.is_locked and self.desk.vault.needs_passphrase:
            self.console.talk(self._unlock_then_open(id))
            return
        if self.case_id and self.case_id != id:
            self.let_go()
        view = self.desk.cases.open(id, take_over=take_over)
        self.case_id = id
        self.look = CaseLook(text=self.desk.settings.look.unfold)
        self._run_id = self._preview = ""
        self.protocol.notes = []
        self._show(view, from_top=True)
        self.queue.look()
        self.queue.go_to(id)
        self.go(self.case)
        self.app.run_worker(self._fetch(id, view), group="fetch", exclusive=True)

    async def _unlock_then_open(self, id: str) -> None:
        if await self._talks.ask_passphrase():
            self.open_case(id)

    async def _fetch(self, id: str, view: CaseView) -> None:
        """Tell the forum that we are on it, and see whether the post is still what was flagged."""
        if not view.claimed_by_other:
            await self.desk.cases.announce(id, taken=True)
        if view.case.target.kind is not TargetKind.MEMBER and view.file is not None:
            await self._read_post(id)

    async def _read_post(self, id: str) -> str:
        """Ask for the post as it is now; gives what to say of it."""
        before = self.view.file.latest if self.view and self.view.file else None
        try:
            file = await self.desk.cases.refresh_post(id)
        except NotFound:
            if id == self.case_id:
                self.look.news = (
                    "The forum says that the post is not there any more. What was flagged is kept here."
                )
                self.case.again()
            return "It is not on the forum any more."
        except ForumError as error:
            return error.what  # the banner is up
        except ModconsoleError as error:
            self.console.tell(error)
            return ""
        if id != self.case_id:
            return ""
        self.reload()
        if (
            before is not None
            and file.latest is not None
            and (before.text, before.version)
            != (
                file.latest.text,
                file.latest.version,
            )
        ):
            self._post_changed()
            return "It changed."
        return "It is as it was."

    def let_go(self) -> None:
        """Give the claim of the open case back; answers and drafts stay."""
        if not self.case_id:
            return
        mine = self.view is not None and not self.view.claimed_by_other
        id, self.case_id, self.view = self.case_id, "", None
        try:
            if mine:
                self.desk.cases.leave(id)
        except ModconsoleError as error:
            self.console.tell(error)

    def _forget(self) -> None:
        """Show no case, and go back to the queue."""
        self.case_id, self.view, self.look = "", None, CaseLook()
        self.case.show_case(None, self.look, from_top=True)
        self.protocol.show_run(None, None, started=False, runs=(), blockers=())
        self.queue.look()
        self.go(self.queue)
        self.refresh_bars()

    def reload(self, *, moved_on: bool = False) -> None:
        if self.case_id:
            self._show(self.desk.cases.view(self.case_id), moved_on=moved_on)

    def _show(self, view: CaseView, *, from_top: bool = False, moved_on: bool = False) -> None:
        self.view = view
        self.case.show_case(view, self.look, from_top=from_top)
        if (
            view.file is not None
            and view.file.latest is not None
            and self.look.text
            and not view.claimed_by_other
        ):
            self.desk.cases.saw(view.case.id, view.file.latest.version)
        run, started = self._choose_run(view)
        nothing = view.unreadable or (
            "No protocol is suggested for this reason. p chooses one. Every action stays open (d), with a reason."
        )
        self.protocol.show_run(
            run,
            self._standing(view, run, started),
            started=started,
            runs=view.runs,
            blockers=view.blockers,
            problems=view.problems,
            moved_on=moved_on,
            nothing=nothing,
        )
        self._title_panes()
        self.refresh_bars()

    # Which protocol

    def _choose_run(self, view: CaseView) -> tuple[RunView | None, bool]:
        """Choose what to show: what was asked for, else the run that wants something, else what is suggested."""
        if self._preview:
            return self._preview_of(self._preview), False
        chosen = next((run for run in view.runs if run.run.id == self._run_id), None)
        if chosen is not None and not chosen.switched_to:
            return chosen, True
        if view.active_run is not None:
            return view.active_run, True
        if view.file is not None:
            for id in view.case.suggested:
                found = self._preview_of(id)
                if found is not None:
                    return found, False
        return None, False

    def _preview_of(self, id: str) -> RunView | None:
        from modconsole.core.run import Run
        from modconsole.core.run import view as run_view

        protocol = self.desk.library.get(id)
        return run_view(protocol, Run("", id, protocol.hash, self.desk.now())) if protocol else None

    def _standing(self, view: CaseView, run: RunView | None, started: bool) -> Standing | None:
        if run is None:
            return None
        if started:
            return view.standings.get(run.run.id)
        return self.desk.cases.standing_shown(run.protocol, view.runs)

    def shown_run(self) -> RunView | None:
        return self.protocol.run

    def cursor_step(self) -> str:
        return self.protocol.cursor.step if self.protocol.cursor else ""

    def show_protocol(self, run: str, preview: str) -> None:
        """Show this run, or this protocol without beginning it, instead of what the case would show by itself."""
        self._run_id, self._preview = run, preview
        self.reload()
        self.go(self.protocol)

    def choose_protocol(self) -> None:
        self.console.talk(self._talks.choose_protocol())

    def begun(self) -> str:
        """Give the id of the run on screen; a protocol that was only looked at begins now."""
        run = self.protocol.run
        if run is None or self.view is None:
            raise NotAllowed("There is no protocol to answer.", next_step="p chooses one.")
        if self.protocol.started:
            return run.run.id
        because = "suggested" if run.protocol.id in self.view.case.suggested else "chosen"
        begun = self.desk.cases.start_run(self.case_id, run.protocol.id, because)
        self._preview, self._run_id = "", begun.id
        return begun.id

    # Answering

    def give(self, question: Question, values: Sequence[str]) -> None:
        from modconsole.screens.protocol_page import follow_notes

        run_id = self.begun()
        follows = self.desk.cases.answer(self.case_id, run_id, question.id, values)
        self.protocol.notes = [note for follow in follows for note in follow_notes(follow)]
        if any(follow.consequence.switch_to or follow.consequence.add_protocol for follow in follows):
            self._run_id = ""
        self.reload(moved_on=not question.multiple)
        self.queue.look()

    def mark(self, step: StepView, *, done: bool) -> None:
        run_id = self.begun()
        self.desk.cases.tick(self.case_id, run_id, step.step.id, done=done)
        self.reload(moved_on=done)

    def type_answer(self, question: Question) -> None:
        self.console.talk(self._talks.type_answer(question))

    def skip(self) -> None:
        self.console.talk(self._talks.skip())

    # The case

    def why_no_case(self) -> str:
        return "" if self.case_id else "No case is open. Enter in the queue opens one."

    def toggle_text(self) -> None:
        self.look.text = not self.look.text
        if self.look.text:
            self.look.news = ""
        self.reload()

    def more_text(self) -> None:
        self.look.text = True
        self.look.characters += SHOWN_MORE
        self.reload()

    def toggle_thread(self) -> None:
        self.look.thread = not self.look.thread
        self.case.again()
        if self.look.thread and self.look.fetched_thread is None:
            self._later(self._fetch_thread(self.case_id, self.look))

    async def _fetch_thread(self, id: str, look: CaseLook) -> None:
        look.thread_problem = None
        try:
            look.fetched_thread = await self.desk.cases.thread(id)
        except ForumError as error:
            look.thread_problem = error
        self._again_if_open(look)

    def toggle_member(self) -> None:
        self.look.member = not self.look.member
        self.case.again()
        if self.look.member and self.look.fetched_member is None:
            self._later(self._fetch_member(self.case_id, self.look))

    async def _fetch_member(self, id: str, look: CaseLook) -> None:
        look.member_problem = None
        try:
            look.fetched_member = await self.desk.cases.member(id)
            self._again_if_open(look)
            look.member_posts = await self.desk.cases.history(id)
        except ForumError as error:
            look.member_problem = error
        self._again_if_open(look)

    def _again_if_open(self, look: CaseLook) -> None:
        if look is self.look:
            self.case.again()

    def read_again(self) -> None:
        self._later(self._read_again())

    async def _read_again(self) -> None:
        said = await self._read_post(self.case_id)
        if said:
            self.console.say(said)

    def why_no_take_over(self) -> str:
        return "" if self.view is not None and self.view.claimed_by_other else "Nobody else has this case."

    def take_over(self) -> None:
        self.open_case(self.case_id, take_over=True)
        self.console.say("It is yours now.")

    # Deciding

    def decide(self) -> None:
        found = self.at_cursor()
        actions = found[0].step.actions if found else ()
        done = {order.action for d in (self.view.decisions if self.view else ()) for order in d.in_force}
        ticked = [action for action in actions if action not in done][:1] if len(actions) == 1 else []
        self.console.talk(self._talks.decide(ticked))

    def message(self) -> None:
        self.console.talk(self._talks.message())

    def escalate(self) -> None:
        self.console.talk(self._talks.escalate())

    def why_no_undo(self) -> str:
        return (
            ""
            if self.console.pending
            else "There is nothing that can still be undone. A later decision can take it back."
        )

    def undo(self) -> None:
        self.console.undo(self.case_id)

    def why_nothing_by_hand(self) -> str:
        waiting = waiting_by_hand(self.view) if self.view else []
        return "" if waiting else "Nothing of this case waits to be done by hand."

    def done_by_hand(self) -> None:
        self.console.talk(self._talks.done_by_hand())

    def why_nothing_to_reverse(self) -> str:
        from modconsole.screens.decide import reversible

        if self.view is None:
            return self.why_no_case()
        return "" if reversible(self.view) else "Nothing is in force that can be taken back."

    def reverse(self) -> None:
        self.console.talk(self._talks.decide([]))

    # Notes, urgency, letting go

    def write_note(self) -> None:
        self.console.talk(self._talks.write_note())

    def raise_urgency(self) -> None:
        self.console.talk(self._talks.change_urgency(up=True))

    def lower_urgency(self) -> None:
        self.console.talk(self._talks.change_urgency(up=False))

    def pass_on(self) -> None:
        self.desk.cases.pass_on(self.case_id)
        id = self.case_id
        self._forget()
        self.console.say(f"Passed on {id}. That is always all right, and counted nowhere.")

    def close_case(self) -> None:
        view = self.desk.cases.view(self.case_id)
        if view.case.state is CaseState.CLOSED:
            self.console.say("It is closed already.")
        elif view.blockers:
            self._tell_blockers(view.blockers)
        else:
            self.desk.cases.close(self.case_id)
            after = any(run.protocol.after for run in view.runs)
            self._forget()
            kind_word = " That was a hard one: a short break is part of the work." if after else ""
            self.console.say(f"Closed and sealed: {view.case.id}.{kind_word}")

    def _tell_blockers(self, blockers: Sequence[str]) -> None:
        from modconsole.screens.dialogs import Tell

        def page(width: int) -> list[Line]:
            lines = [line for blocker in blockers for line in bullet("☐", blocker, width)]
            more = "Every answer is kept. A step can also be skipped, with a reason (s)."
            return [*lines, [], *paragraph(more, width, Ink.DIM)]

        heading = f"Before it can be closed: {count(len(blockers), 'thing')} to do"
        self.console.show(Tell(heading, page))

    # The rest

    def show_palette(self) -> None:
        self.console.talk(self._talks.show_palette())

    def show_library(self) -> None:
        from modconsole.screens.protocols import Protocols

        self.console.show(Protocols())

    def heed_library(self) -> None:
        """Show what the files say now. A run goes on with the text it began with."""
        if self.case_id and not self.protocol.started:
            self.reload()

    def show_matters(self) -> None:
        self.console.talk(self._talks.show_matters())

    def why_no_unlock(self) -> str:
        return "" if self.desk.vault.is_locked else "Everything is unlocked."

    def unlock(self) -> None:
        self.console.talk(self._talks.ask_passphrase())

    def change_theme(self) -> None:
        self.console.talk(self._talks.change_theme())


_TROUBLE = (OutcomeKind.CONFLICT, OutcomeKind.REFUSED, OutcomeKind.UNKNOWN)
