"""How the desk reaches the screen: made before the app, it passes events on from any thread once the app runs."""

from __future__ import annotations

from collections.abc import Callable

from modconsole.ports.notify import Event, Notifier

__all__ = ["ScreenNotifier"]


class ScreenNotifier(Notifier):
    """Passes events to the console. Before it runs, and after it left, they are dropped: state is read at the start."""

    def __init__(self) -> None:
        self._deliver: Callable[[Event], object] | None = None

    def attach(self, deliver: Callable[[Event], object]) -> None:
        """Begin to pass events on.

        Args:
            deliver: Called on whatever thread tells; has to cope with that.
        """
        self._deliver = deliver

    def detach(self) -> None:
        self._deliver = None

    def tell(self, event: Event) -> None:
        deliver = self._deliver
        if deliver is not None:
            deliver(event)
