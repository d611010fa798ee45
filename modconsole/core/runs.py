"""What is kept of a walk through a protocol: a list of events, only ever added to. What it means is in `core.run`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["Run", "RunEvent", "RunEventKind"]


class RunEventKind(StrEnum):
    ANSWERED = "answered"
    CARRIED = "carried"
    """Answered earlier, in another protocol for the same case."""
    SKIPPED = "skipped"
    TICKED = "ticked"
    UNTICKED = "unticked"


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something the moderator did with a step. `at` is when, so every answer is timed."""

    kind: RunEventKind
    step: str
    at: datetime
    by: str
    question: str = ""
    values: tuple[str, ...] = field(default=(), repr=False)
    """The option values, or one text. For a skip: its reason code and, if given, a note."""


@dataclass(frozen=True, slots=True)
class Run:
    """One walk through one version of one protocol."""

    id: str
    """`r-` and eight base32 letters."""
    protocol: str
    protocol_hash: str
    started_at: datetime
    because: str = ""
    """Why this protocol: `suggested`, `chosen`, or `switch:<run>` / `add:<run>`."""
    events: tuple[RunEvent, ...] = ()
