"""What the desk tells whoever listens. The screen is told; it never polls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modconsole.core.errors import ForumError
from modconsole.core.urgency import Urgency

if TYPE_CHECKING:
    from modconsole.core.decision import DecisionState

__all__ = [
    "CasesChanged",
    "DecisionChanged",
    "Event",
    "ForumTrouble",
    "ForumWell",
    "Notifier",
]


@dataclass(frozen=True, slots=True)
class CasesChanged:
    """Cases came in or changed; `most_urgent` is the fastest among those that are new."""

    forum: str
    new: int
    changed: int
    most_urgent: Urgency | None = None


@dataclass(frozen=True, slots=True)
class ForumTrouble:
    """A forum cannot be worked with right now."""

    forum: str
    error: ForumError


@dataclass(frozen=True, slots=True)
class ForumWell:
    """A forum answers again."""

    forum: str


@dataclass(frozen=True, slots=True)
class DecisionChanged:
    """A decision was sealed, settled, withdrawn, or an action of it got its outcome."""

    case: str
    decision: DecisionState


Event = CasesChanged | ForumTrouble | ForumWell | DecisionChanged


class Notifier(ABC):
    @abstractmethod
    def tell(self, event: Event) -> None:
        """Pass the event on. Returns at once; may be called from any thread."""
