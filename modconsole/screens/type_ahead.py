"""Keys in their order: one is handed on when what the one before it began is there to receive it.

Textual hands every key to the widget that has focus when the key arrives. A burst (fast hands, a slow line) would
then act before the dialog that its first key opens: `/x` would pass the case on. Here keys wait in line while

- the key before is on its way, through the widget, its parents and the app, and once more for what that set going;
- a dialog is opening or closing;
- a talk (one dialog after another) is between two of its questions.

No wait is longer than `LONGEST`: a key is late then, never lost, and `!` is not kept from anybody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.message_pump import MessagePump

__all__ = ["LONGEST", "KeyLine", "Passed"]

LONGEST = 0.5
"""Seconds that keys wait at most for one cause, should the sign that it is over never come."""

_ROUNDS = 2
"""A key's way up to the app, and the way of a message that its action sent (such as a field's `Submitted`)."""


@dataclass
class Passed(Message):
    """Follows a key through the same queues, so that it arrives at the app when the key has been dealt with."""

    key: int
    round: int


Input = events.Key | events.Paste


class KeyLine:
    """The line in which keys wait.

    Args:
        hand_on: Gives one key to Textual.
        target: Who would get a key now.
    """

    def __init__(
        self, hand_on: Callable[[Input], Awaitable[None]], target: Callable[[], MessagePump]
    ) -> None:
        self._hand_on, self._target = hand_on, target
        self._waiting: deque[Input] = deque()
        self._causes: dict[Hashable, asyncio.TimerHandle] = {}
        self._number = 0
        self._wake: Callable[[], object] = lambda: None

    def on_wake(self, wake: Callable[[], object]) -> None:
        """Say how to have `advance` called soon, in the app's own turn."""
        self._wake = wake

    async def take(self, event: Input) -> None:
        """Take a key that has just arrived."""
        self._waiting.append(event)
        await self.advance()

    async def advance(self) -> None:
        """Hand on the next key if nothing holds it."""
        if self._causes or not self._waiting:
            return
        event = self._waiting.popleft()
        self._number += 1
        self.hold(self._number)
        target = self._target()
        await self._hand_on(event)
        self._follow(target, Passed(self._number, 1))

    def passed(self, sign: Passed) -> None:
        """Heed the sign that follows each key."""
        if sign.key not in self._causes:
            return
        if sign.round < _ROUNDS:
            self._follow(self._target(), Passed(sign.key, sign.round + 1))
        else:
            self.release(sign.key)

    def _follow(self, target: MessagePump, sign: Passed) -> None:
        if not target.post_message(sign):
            self.release(sign.key)

    def hold(self, cause: Hashable) -> None:
        """Let keys wait for this cause."""
        self._forget(cause)
        self._causes[cause] = asyncio.get_running_loop().call_later(LONGEST, self.release, cause)

    def release(self, cause: Hashable) -> None:
        """Let them wait for it no longer."""
        if self._forget(cause) and self._waiting and not self._causes:
            self._wake()

    def key_done(self) -> None:
        """Take the key on its way for done: what it was given to is closing, and its sign may never arrive."""
        self.release(self._number)

    def _forget(self, cause: Hashable) -> bool:
        timer = self._causes.pop(cause, None)
        if timer is not None:
            timer.cancel()
        return timer is not None
