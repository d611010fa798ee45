"""What a check of a protocol says: which rule, where, what stands there and what could."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from modconsole.core.protocol import Consequence, Question, ReviewProtocol, Step, UsedFor, When
from modconsole.core.urgency import Urgency

__all__ = ["Finding", "Level", "Neighbour", "Place", "conditions_of", "consequences_of", "place_of"]


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


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What has to be known of another protocol to judge one that leads to it."""

    title: str
    urgency: Urgency
    used_for: UsedFor


def consequences_of(protocol: ReviewProtocol) -> Iterator[tuple[Step, Question, int, Consequence]]:
    """Give every consequence with its step, its question and its number among the question’s."""
    for step in protocol.steps:
        for question in step.questions:
            for number, consequence in enumerate(question.on_answer):
                yield step, question, number, consequence


def place_of(protocol: ReviewProtocol, question: str, *keys: str | int) -> Place:
    """Give the place of a question, or of something below it."""
    step = next(step for step in protocol.steps if any(q.id == question for q in step.questions))
    return Place(step.id, question, keys)


def conditions_of(protocol: ReviewProtocol) -> Iterator[tuple[Place, When]]:
    for step in protocol.steps:
        if step.when:
            yield Place(step.id, keys=("when",)), step.when
    if protocol.sign_off and protocol.sign_off.when:
        yield Place(keys=("sign_off", "when")), protocol.sign_off.when
    if protocol.follow_up_required:
        yield Place(keys=("follow_up", "required_when")), protocol.follow_up_required
