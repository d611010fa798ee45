"""Nobody listens."""

from __future__ import annotations

from modconsole.ports.notify import Event, Notifier

__all__ = ["Silent"]


class Silent(Notifier):
    """For commands without a screen."""

    def tell(self, event: Event) -> None:
        del event
