"""A good protocol for the tests of core, and short ways to make others of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from modconsole.core.actions import Action
from modconsole.core.protocol import (
    Change,
    Consequence,
    Governance,
    Operator,
    Option,
    ProtocolStatus,
    Question,
    QuestionType,
    ReviewProtocol,
    Step,
    Style,
    Test,
    When,
)
from modconsole.core.urgency import Urgency

TODAY = date(2026, 11, 22)


def ask(
    id: str, *on_answer: Consequence, values: Sequence[str] = ("yes", "unclear", "no"), **more: Any
) -> Question:
    """Make a required choice; a safety question where it offers `unclear`."""
    options = tuple(Option(value, value.capitalize()) for value in values)
    given = {"required": True, "safety": "unclear" in values, **more}
    return Question(
        id, f"What about {id}?", QuestionType.CHOICE, options=options, on_answer=on_answer, **given
    )


def on(*values: str, **consequence: Any) -> Consequence:
    return Consequence(values, **consequence)


def step(id: str, *questions: Question, **more: Any) -> Step:
    return Step(id, f"Do {id}.", **{"why": "Because.", "questions": questions, **more})


def when(question: str, *values: str, operator: Operator = Operator.IN) -> When:
    return When((Test(question, operator, values),))


MEMBER_TOLD = ask("member_told", values=("sent", "not_sent"))
FOLLOW_UP_AT = Question("follow_up_at", "When will we look again?", QuestionType.DATETIME, required=True)
CLOSING = step("closing", MEMBER_TOLD, FOLLOW_UP_AT)


def sheet(*steps: Step, **more: Any) -> ReviewProtocol:
    """Make a protocol of these steps that has nothing else wrong with it."""
    given: dict[str, Any] = {
        "id": "calm",
        "title": "A calm sheet",
        "version": "1.0.0",
        "status": ProtocolStatus.DRAFT,
        "style": Style.DO_CONFIRM,
        "urgency": Urgency.TODAY,
        "trigger": "When a test needs one.",
        "steps": steps,
        "decisions": (Action.KEEP, Action.KEEP_REPLY, Action.HIDE),
        "close_requires": ("member_told", "follow_up_at"),
        "governance": Governance(
            "safeguarding_lead",
            date(2027, 5, 1),
            ("NSPA",),
            (Change("1.0.0", TODAY, "author", "First"),),
        ),
        "hash": "0" * 64,
        "look_for": ("Nothing much",),
        "jurisdictions": ("GB",),
        "age_bands": ("adult",),
    }
    return ReviewProtocol(**{**given, **more})


IMMINENT = ask("imminent", on("yes", "unclear", raise_urgency=Urgency.NOW, escalate="safeguarding_lead"))
AGE = ask("age", values=("u13", "13_15", "16_17", "adult", "unknown"))
SEEN = ask("seen", on("yes", "unclear", escalate="safeguarding_lead", suggest_action=Action.HIDE))
CHILD_BANDS_AND_UNKNOWN = ("u13", "13_15", "16_17", "unknown")

GOOD = sheet(
    step("opening", IMMINENT, AGE),
    step("look", SEEN, actions=(Action.KEEP,)),
    step("reply", when=when("seen", "yes", "unclear"), actions=(Action.KEEP_REPLY,)),
    step("child", when=when("age", *CHILD_BANDS_AND_UNKNOWN)),
    CLOSING,
)


def with_step(id: str, *, of: ReviewProtocol = GOOD, **changes: Any) -> ReviewProtocol:
    """Give a protocol with one of its steps changed."""
    return replace(of, steps=tuple(replace(s, **changes) if s.id == id else s for s in of.steps))
