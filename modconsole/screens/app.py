"""The app: what outlives every screen. Listening to the desk, polling forums, carrying decisions out, `!`."""

from __future__ import annotations

import asyncio
import gc
import os
import select
from collections.abc import Callable, Coroutine, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar
from zoneinfo import ZoneInfo

from textual import events
from textual.binding import BindingType
from textual.driver import Driver
from textual.filter import LineFilter, NoColor
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker, get_current_worker

from modconsole.core.errors import ForumError, ModconsoleError, RateLimited, VaultLocked
from modconsole.core.text import plain
from modconsole.ports.notify import CasesChanged, DecisionChanged, Event, ForumTrouble, ForumWell
from modconsole.screens.bars import Banner, error_banner
from modconsole.screens.commands import Place, clashes
from modconsole.screens.desk_screen import DeskScreen
from modconsole.screens.keyed import textual_bindings
from modconsole.screens.notifier import ScreenNotifier
from modconsole.screens.safe import SafeApp
from modconsole.screens.theme import CSS, THEMES
from modconsole.screens.type_ahead import Input, KeyLine, Passed
from modconsole.screens.words import action_words, count, error_words

if TYPE_CHECKING:
    from modconsole.core.decision import DecisionState
    from modconsole.desk import Desk
    from modconsole.ports.library import LibraryProblem
    from modconsole.screens.dialogs import Dialog

T = TypeVar("T")

__all__ = ["Console", "Pending"]

READY = ("emergency", "protocol_page", "decide", "talks")
"""The screens that the first keys lead to, soonest first. Each is loaded within a frame or two."""

SETTLING = 0.08
"""Seconds in which Textual draws the whole screen once or twice more after its first frame."""

BREATH = 0.02
"""Seconds between two pieces that are loaded: a key and its frame fit in."""

FIRST_REST = 0.25
"""Seconds after the first frame in which nothing is done but what somebody asks for by a key, and small steps."""

KEEP_AGAIN = 3
"""Seconds until something typed that could not be kept is tried again."""

LOOK_AGAIN = 0.5
"""Seconds between two looks at the protocol files, so that an edit shows within one."""

LONGEST_BACK_OFF = 16
"""How many times the usual wait a forum in trouble is left alone at most."""


@dataclass(slots=True)
class Pending:
    """A sealed decision in its undo window."""

    decision: DecisionState
    case: str
    until: datetime
    go: asyncio.Event = field(default_factory=asyncio.Event)
    """Ends the window early: it was undone, or somebody is in a hurry."""


class Console(SafeApp[int]):
    """The console of one moderator."""

    CSS = CSS
    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.ANYWHERE)]
    ENABLE_COMMAND_PALETTE = False
    TITLE = "modconsole"

    @dataclass
    class Told(Message):
        """The desk told us something, on whatever thread."""

        event: Event

    def __init__(
        self, desk: Desk, *, notifier: ScreenNotifier, logs: Path, start: str = "", continues: bool = False
    ) -> None:
        """Make the console.

        Args:
            start: A case to open at once.
            continues: Whether the terminal already shows a first look at the queue, which stays until our first frame.
        """
        self._continues = continues
        self.is_plain = desk.settings.look.theme == "plain" or "NO_COLOR" in os.environ
        super().__init__(crash_folder=logs, now=desk.now)
        self.animation_level = "none"
        self.desk = desk
        self.zone = ZoneInfo(desk.settings.service.time_zone)
        self.pending: dict[str, Pending] = {}
        self.settling: set[str] = set()
        self.sealed: int | None = None
        self._banners: dict[str, Banner] = {}
        self._unkept: dict[Hashable, Callable[[], object]] = {}
        self._unsettled: list[DecisionState] = []
        self._notifier = notifier
        self._polling: set[str] = set()
        self._opening: Timer | None = None
        """Runs while what waits for a rest after the first frame has not been done."""
        self._desk_screen = DeskScreen(desk, start=start)
        self._keys = KeyLine(super().on_event, lambda: self.focused or self.screen)
        self._keys.on_wake(lambda: self.call_later(self._keys.advance))
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = THEMES.get(desk.settings.look.theme, THEMES["dark"]).name

    # Textual's own questions

    def get_default_screen(self) -> Screen[object]:
        return self._desk_screen

    def get_line_filters(self) -> list[LineFilter]:
        filters = list(super().get_line_filters())
        return [*filters, NoColor()] if self.is_plain else filters

    def refresh_css(self, animate: bool = True) -> None:
        if self.screen_stack:
            super().refresh_css(animate)
        else:  # the theme is set, and nothing is shown: Textual would read all styles now, and again for the screen
            self.stylesheet.set_variables(self.get_css_variables())
            self.stylesheet.update(self, animate=animate)

    def on_mount(self) -> None:
        self._notifier.attach(lambda event: self.post_message(self.Told(event)))
        keymap = self.desk.settings.look.keys
        if keymap:
            self.set_keymap(dict(keymap))
        self.call_after_refresh(self._begin)

    async def on_unmount(self) -> None:
        self._notifier.detach()
        try:
            await asyncio.wait_for(self.desk.forums.close(), 3)
        except TimeoutError:
            return  # a forum that does not let go is left to the end of the process

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, Input | events.MouseDown):
            self._open_up()
        if isinstance(event, Input) and not event.is_forwarded:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    def on_passed(self, sign: Passed) -> None:
        self._keys.passed(sign)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()  # pasted text is never keys; where nobody types, it is nothing

    def action_help_quit(self) -> None:
        self.say("ctrl+q leaves the console.")

    async def action_quit(self) -> None:
        self.leave()

    def get_driver_class(self) -> type[Driver]:
        found = super().get_driver_class()
        return _staying_on_screen(found) if self._continues else found

    # After the first frame

    def _begin(self) -> None:
        """Load what keys will need, and leave the rest of the start for a moment in which nobody asks for anything."""
        if not gc.isenabled():
            gc.freeze()  # what was made by now stays for good; looking through it again would cost whole frames
            gc.enable()
        self._opening = self.set_timer(FIRST_REST, self._open_up)
        self.background(self._watch_library())
        self.set_interval(15, self._tick)
        if not self.is_headless:
            self.set_interval(1, self._look_for_terminal)

    def _open_up(self) -> None:
        """Do what the first frame did not need: keys, unsettled decisions, forums. The first key brings it forward."""
        if self._opening is None:
            return
        self._opening.stop()
        self._opening = None
        self._desk_screen.begin()
        self.unlock_quietly()
        self.count_up()
        self._look_at_log()
        wrong = clashes(self.desk.settings.look.keys)
        if wrong:
            self.put_up(
                Banner("keys", f"Keys in your settings: {' '.join(wrong)}", "The usual keys stay for these.")
            )
        if self._unsettled:
            self._desk_screen.show_matters()

    def _look_at_log(self) -> None:
        """Say at once when the log ends before what we remember of it."""
        try:
            found = self.desk.log.shortened()
        except ModconsoleError as error:
            self.put_up(error_banner("log", error, about="The log", grave=True))
            return
        if found:
            self.put_up(Banner("shortened", found[0].what, found[0].means, grave=True))

    def unlock_quietly(self) -> None:
        """Open the vault where that needs nobody; otherwise say what is closed."""
        if self.desk.vault.is_locked and self.desk.vault.needs_passphrase:
            self.put_up(
                Banner(
                    "vault",
                    "Text is locked, and new flags are not taken in.",
                    "l asks for your passphrase; the queue and ! work without it.",
                    grave=True,
                )
            )
            return
        try:
            self.unlock("")
        except ModconsoleError as error:
            self.put_up(error_banner("vault", error, grave=True))

    def unlock(self, passphrase: str) -> None:
        """Open the vault and begin to poll. A log that cannot be written is said, and keeps nobody from reading.

        Raises:
            ModconsoleError: It stays locked; says why.
        """
        trouble = self.desk.unlock(passphrase)
        if trouble is not None:
            self.tell(trouble)
        self.take_down("vault")
        for forum in self.desk.forums.ids:
            if forum not in self._polling:
                self._polling.add(forum)
                self.run_worker(self._poll(forum), group="poll", name=f"poll {forum}")

    async def _make_ready(self) -> None:
        """Load what the first frame did not need, so that no key press has to wait for it; `!` above all.

        Piece by piece, with room for a whole key press between two: a thread would stop every key many times over.
        """
        await asyncio.sleep(SETTLING)
        for _ in self.desk.load():
            await asyncio.sleep(BREATH)
        for name in READY:
            import_module(f"modconsole.screens.{name}")
            await asyncio.sleep(BREATH)
        self.desk.emergency()  # read once now, so that it is instant when it matters

    async def _watch_library(self) -> None:
        """Look at the protocol files now and whenever one of them changes."""
        await self._make_ready()
        library, seen = self.desk.library, ""
        while True:
            stamp = await asyncio.to_thread(library.stamp)
            if stamp != seen:
                self._tell_problems(await asyncio.to_thread(library.problems))
                self._desk_screen.heed_library()
                seen = stamp
            await asyncio.sleep(LOOK_AGAIN)

    def _tell_problems(self, problems: Sequence[LibraryProblem]) -> None:
        if not problems:
            self.take_down("library")
            return
        first = replace(
            problems[0], file=Path(problems[0].file).name
        )  # the way to it would push out what is wrong
        more = f" ({count(len(problems), 'mistake')} in all)" if len(problems) > 1 else ""
        self.put_up(
            Banner(
                "library",
                f"Protocol files: {first}{more}",
                "`modconsole protocol check` names every mistake.",
                kept="The last good version of each protocol stays in use.",
            )
        )

    # Forums

    async def _poll(self, forum: str) -> None:
        """Take in what is new, for as long as the console runs. Trouble means a longer wait, never the end."""
        await asyncio.sleep(FIRST_REST)
        failures, wait = 0, 0.0
        while True:
            try:
                await self.desk.intake.poll(forum)
                failures, wait = 0, 0.0
                self.take_down(f"intake:{forum}")
            except VaultLocked:
                pass  # the banner for that is up
            except ForumError as error:
                failures += 1
                wait = error.retry_after if isinstance(error, RateLimited) else 0.0
            except ModconsoleError as error:
                failures += 1
                self.put_up(error_banner(f"intake:{forum}", error, about=f"New flags of {forum}"))
            await asyncio.sleep(max(wait, self._poll_seconds(forum) * min(2**failures, LONGEST_BACK_OFF)))

    def _poll_seconds(self, forum: str) -> float:
        try:
            seconds = self.desk.forums.poll_seconds(forum)
        except ModconsoleError:
            seconds = 30.0
        return seconds * (
            0.8 + 0.4 * os.urandom(1)[0] / 255
        )  # so that a team's consoles do not ask all at once

    # What the desk tells

    def on_console_told(self, message: Told) -> None:
        match message.event:
            case CasesChanged() as changed:
                self._desk_screen.heed_cases(changed)
            case ForumTrouble(forum, error):
                self.put_up(error_banner(f"forum:{forum}", error, about=forum, grave=True))
            case ForumWell(forum):
                self.take_down(f"forum:{forum}")
                self._desk_screen.refresh_bars()
            case DecisionChanged(case, decision):
                self.count_up()
                self._desk_screen.heed_decision(case, decision)

    def count_up(self) -> None:
        """Look at the log again: what is unsettled, and how long it is."""
        try:
            self._unsettled = self.desk.log.unsettled()
            self.sealed = sum(head.size for head in self.desk.log.heads())
        except ModconsoleError as error:
            self.put_up(error_banner("log", error, about="The log", grave=True))
            return
        self.take_down("log")
        waiting = self.unsettled()
        if waiting:
            words = count(len(waiting), "decision is", "decisions are")
            self.put_up(
                Banner("unsettled", f"{words} sealed but not settled.", "Finish or withdraw with one key.")
            )
        else:
            self.take_down("unsettled")
        self._desk_screen.refresh_bars()

    def unsettled(self) -> list[DecisionState]:
        """Give the unsettled decisions that nobody is busy with."""
        return [d for d in self._unsettled if d.id not in self.pending and d.id not in self.settling]

    # Banners

    @property
    def banners(self) -> list[Banner]:
        return list(self._banners.values())

    def put_up(self, banner: Banner) -> None:
        if self._banners.get(banner.cause) != banner:
            self._banners[banner.cause] = banner
            self._desk_screen.refresh_bars()

    def take_down(self, cause: str) -> None:
        if self._banners.pop(cause, None) is not None:
            self._desk_screen.refresh_bars()

    # Carrying decisions out

    def carry_out(self, decision: DecisionState, case: str) -> None:
        """Wait for the undo window, then carry a decision out. Leaving a screen does not stop it."""
        window = self.desk.decisions.window(self.desk.cases.case(case))
        if window:
            self.pending[decision.id] = Pending(decision, case, self.desk.now() + window)
        self.count_up()
        self.run_worker(self._carry_out(decision, window.total_seconds()), group="decisions")

    async def _carry_out(self, decision: DecisionState, window: float) -> None:
        pending = self.pending.get(decision.id)
        if pending is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(pending.go.wait(), window)
            self.pending.pop(decision.id, None)
        await self.settle_now(decision.id)

    async def settle_now(self, decision: str) -> None:
        """Carry out what is left of a decision, and say what came of it."""
        self.settling.add(decision)
        try:
            if not self.desk.decisions.state(decision).is_settled:
                self._desk_screen.heed_settlement(await self.desk.decisions.settle(decision))
        except ModconsoleError as error:
            self.tell(error)
        finally:
            self.settling.discard(decision)
            self.count_up()

    def undo(self, case: str) -> None:
        """Take back the latest decision still in its window: of this case, if it has one."""
        waiting = [p for p in self.pending.values() if p.case == case] or list(self.pending.values())
        if not waiting:
            return
        pending = waiting[-1]
        self.desk.decisions.undo(pending.decision.id)
        pending.go.set()
        self.pending.pop(pending.decision.id, None)
        self.clear_notifications()  # what was said of it a moment ago is not true any more
        self.say(f"Undone: {action_words(pending.decision)}. It was never sent.")
        self.count_up()

    # Time

    def _look_for_terminal(self) -> None:
        """Leave when the window was closed without a signal reaching us: reading nothing for ever would burn a core."""
        terminal = select.poll()
        terminal.register(0, 0)  # a hang-up is told without being asked for
        if any(state & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, state in terminal.poll(0)):
            self._desk_screen.let_go()
            os._exit(0)  # every answer is saved and every entry sealed; there is no terminal to put in order

    def _tick(self) -> None:
        self._desk_screen.tick()

    # Everywhere

    def show_emergency(self) -> None:
        from modconsole.screens.emergency import EmergencyPanel

        if not isinstance(self.screen, EmergencyPanel) and not any(
            isinstance(screen, EmergencyPanel) for screen in self.screen_stack
        ):
            self.show(EmergencyPanel(self.desk.emergency(), self._desk_screen.case_id))

    def show_help(self) -> None:
        from modconsole.screens.dialogs import Dialog, Tell
        from modconsole.screens.help import help_lines

        if isinstance(self.screen, Tell):
            return
        place = self.screen.PLACE if isinstance(self.screen, Dialog) else None
        here = (place, Place.ANYWHERE) if place else (*self._desk_screen.places(), Place.ANYWHERE)
        keymap = self.desk.settings.look.keys
        self.show(Tell("Help", lambda width: help_lines(here, keymap, width)))

    def leave(self) -> None:
        """Leave, unless something decided is still on its way: then say so and ask."""
        if self.pending or self.settling:
            self.talk(self._leave())
        else:
            self._go()

    def _go(self) -> None:
        self._keep_again()
        self._desk_screen.let_go()
        self.exit(0)

    async def _leave(self) -> None:
        from modconsole.screens.dialogs import Pick

        names = ", ".join(action_words(pending.decision) for pending in self.pending.values())
        what = f"Decided, but not carried out yet: {names}" if names else "A decision is being carried out"
        items = [
            ("wait", "Carry it out now, then leave", ""),
            (
                "leave",
                "Leave now",
                "It stays unsettled in the log. Nothing is sent; the next start shows it.",
            ),
            ("stay", "Stay", ""),
        ]
        chosen = await self.ask(Pick(what, items))
        if chosen == "wait":
            for pending in list(self.pending.values()):
                pending.go.set()
            while self.pending or self.settling:
                await asyncio.sleep(0.05)
        if chosen in ("wait", "leave"):
            self._go()

    def say(self, words: str) -> None:
        """Say something in passing."""
        self.notify(words, timeout=5)

    def keep(self, what: Hashable, work: Callable[[], object]) -> None:
        """Keep what is being typed. Where that fails it is said, the words stay on screen, and it is tried again.

        Args:
            what: Whose words these are: of one and the same, the latest work is enough.
        """
        if self._unkept:  # trying at every letter would stop the typing at every letter
            self._unkept[what] = work
            return
        try:
            work()
        except ModconsoleError as error:
            self.tell(error)
            self._unkept[what] = work
            self.set_timer(KEEP_AGAIN, self._keep_again)

    def _keep_again(self) -> None:
        waiting, self._unkept = self._unkept, {}
        for what, work in waiting.items():
            self.keep(what, work)
        if waiting and not self._unkept:
            self.say("What you typed is kept again.")

    def tell(self, error: ModconsoleError) -> None:
        """Show an error: what happened, what is safe, what to do next."""
        what, *rest = error_words(error)
        short = plain(what, lines=False, limit=140)
        self.notify("\n".join(rest) or what, title=short if rest else "", severity="warning", timeout=12)

    # Dialogs

    async def ask(self, dialog: Dialog[T]) -> T | None:
        """Show a dialog and wait for what it gives; None when it was left. Only in a `talk`."""
        talk = get_current_worker()
        self._keys.hold(dialog)
        self._keys.release(talk)
        try:
            return await self.push_screen_wait(dialog)
        finally:
            self._keys.hold(talk)  # its next question may follow at once
            self._keys.release(dialog)

    def show(self, dialog: Dialog[None]) -> None:
        """Show a dialog that nobody waits for."""
        self._keys.hold(dialog)
        self.push_screen(dialog, lambda _: self._keys.release(dialog))

    def opened(self, dialog: Dialog[T]) -> None:
        """Let keys go on: the dialog is up, and has asked for the focus."""
        self.call_later(self._keys.release, dialog)

    def closing(self, dialog: Dialog[T]) -> None:
        """Let keys wait until whoever asked has heard the answer."""
        self._keys.hold(dialog)
        self._keys.key_done()

    def talk(self, work: Coroutine[object, object, object]) -> None:
        """Let something run that asks. Keys typed ahead wait for its questions."""
        worker = self.background(work)
        self._keys.hold(worker)

    def background(self, work: Coroutine[object, object, object]) -> Worker[None]:
        """Let something run that may take a while; its errors are shown."""
        return self.run_worker(self._guarded(work), group="background")

    async def _guarded(self, work: Coroutine[object, object, object]) -> None:
        try:
            await work
        except ModconsoleError as error:
            self.tell(error)
        finally:
            self._keys.release(get_current_worker())


def _staying_on_screen(driver: type[Driver]) -> type[Driver]:
    """Give a driver that does not enter the terminal's other screen at its start: that would blank the first look."""

    class StayingOnScreen(driver):  # type: ignore[misc, valid-type]
        entered = False

        def write(self, data: str) -> None:
            if not self.entered and "\x1b[?1049h" in data:
                self.entered = True
                data = data.replace("\x1b[?1049h", "")
            super().write(data)

    return StayingOnScreen
