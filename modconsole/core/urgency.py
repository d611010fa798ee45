"""Urgency of response: how soon a person has to do something. Never a property of a member."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Reason", "Urgency", "faster"]


class Urgency(StrEnum):
    """How soon the response is needed (safeguarding guide, section 2.1)."""

    NOW = "now"
    SOON = "soon"
    TODAY = "today"
    ROUTINE = "routine"

    @property
    def rank(self) -> int:
        """0 for `now` up to 3 for `routine`; the queue sorts by it."""
        return _RANK[self]


_RANK = {Urgency.NOW: 0, Urgency.SOON: 1, Urgency.TODAY: 2, Urgency.ROUTINE: 3}


def faster(first: Urgency, second: Urgency) -> Urgency:
    """Give the more urgent of two: where two levels seem possible, we take the faster one."""
    return first if first.rank <= second.rank else second


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of why a case is where it is.

    `code` is stable and fit for JSON; `text` is for people. Neither holds a member's words.
    """

    code: str
    text: str
