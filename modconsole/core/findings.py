"""What a check of a protocol says: which rule, where, what stands there and what could."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Level", "Place"]


class Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a protocol: under which step and question, and by which keys and numbers from there."""

    step: str = ""
    question: str = ""
    keys: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    rule: str
    place: Place
    found: str
    expected: str
    words: str = ""
    """The very words this is about, where they are only a part of what stands at the place."""
