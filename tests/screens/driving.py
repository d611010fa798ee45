"""Drive the console by keys, waiting for what should appear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import Screen

from modconsole.screens.app import Console
from modconsole.screens.decide import ChooseActions
from modconsole.screens.paper import Bar, Paper
from tests.screens.stand_in import StandIn

__all__ = ["At", "at_the_desk"]

PATIENCE = 400
"""How often a wait looks again before it gives up: used up by a failure only."""


class At:
    """Somebody at the keyboard."""

    def __init__(self, console: Console, pilot: Pilot[int], made: StandIn) -> None:
        self.console = console
        self.pilot = pilot
        self.made = made

    async def press(self, *keys: str) -> None:
        """Press keys, each when the one before has been dealt with.

        Pilot's own way waits for the processor to be idle, which takes most of the time of a test.
        """
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            event = events.Key(name, " " if key == "space" else key if len(key) == 1 else None)
            event.set_sender(self.console)
            driver = self.console._driver
            assert driver is not None
            driver.send_message(event)
            await self.dealt_with()

    def burst(self, *keys: str) -> None:
        """Press keys so fast that all of them arrive before the first has done anything."""
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            event = events.Key(name, " " if key == "space" else key if len(key) == 1 else None)
            event.set_sender(self.console)
            self.console.post_message(event)

    async def dealt_with(self) -> None:
        """Wait until nothing waits: a key goes from the app to a widget, up to the screen, and may change the focus."""
        for _ in range(4):
            await self.pilot._wait_for_screen()

    async def settled(self) -> None:
        """Wait until what was begun in the background has come as far as it can without us."""
        for _ in range(3):
            await asyncio.sleep(0.002)
            await self.dealt_with()

    async def type(self, text: str) -> None:
        """Put words where the cursor is, at once: the terminal calls that a paste."""
        driver = self.console._driver
        assert driver is not None
        event = events.Paste(text)
        event.set_sender(self.console)
        driver.send_message(event)
        await self.dealt_with()

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        for _ in range(PATIENCE):
            if holds():
                return
            await self.dealt_with()
            await asyncio.sleep(0.005)
        raise AssertionError(f"never came: {what}\n{self.seen()}")

    async def see(self, text: str) -> None:
        """Wait until the screen says this, however its lines are broken."""
        await self.until(lambda: text in " ".join(self.seen().replace("▏", " ").split()), text)

    async def dialog(self, kind: type[Screen[object]] | type) -> None:
        await self.until(
            lambda: isinstance(self.console.screen, kind) and self.console.screen.is_mounted, kind.__name__
        )
        await self.dealt_with()

    async def back_at_the_desk(self) -> None:
        await self.until(lambda: len(self.console.screen_stack) == 1, "the desk")
        await self.dealt_with()

    def choices(self) -> list[str]:
        """Give the actions that can be chosen, in the order of the list."""
        screen = self.console.screen
        assert isinstance(screen, ChooseActions)
        return screen._values

    def seen(self) -> str:
        """Give what the present screen says, line by line; what is scrolled out of sight in its sheets too."""
        screen = self.console.screen
        parts = [paper.text for paper in screen.query(Paper)]
        parts += [
            "".join(span.text for span in line)
            for bar in screen.query(Bar)
            if bar.display
            for line in bar._lines
        ]
        return "\n".join(parts)

    def drawn(self) -> str:
        """Give exactly what is on the terminal."""
        strips = self.console.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    def said(self) -> str:
        """Give everything said in passing."""
        return "\n".join(f"{n.title} {n.message}" for n in self.console._notifications)


@asynccontextmanager
async def at_the_desk(
    made: StandIn, tmp_path: Path, *, size: tuple[int, int] = (120, 40), start: str = ""
) -> AsyncIterator[At]:
    console = Console(made.desk, notifier=made.notifier, logs=tmp_path, start=start)
    async with console.run_test(size=size) as pilot:
        at = At(console, pilot, made)
        await at.until(lambda: console._opening is not None, "the first frame")
        console._open_up()  # as the first key does
        yield at
