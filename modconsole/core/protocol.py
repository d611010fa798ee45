"""Review protocols: checklists as data. The schema is in the safeguarding guide, section 11.

These are the resolved forms: includes are already in their places. Files become these in `protocol_files`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from modconsole.core.actions import Action
from modconsole.core.urgency import Urgency

__all__ = [
    "Approval",
    "Change",
    "Channel",
    "Consequence",
    "Escalation",
    "Governance",
    "Operator",
    "Option",
    "ProtocolStatus",
    "Question",
    "QuestionType",
    "Resource",
    "ResourceWish",
    "ReviewProtocol",
    "SignOff",
    "Step",
    "Style",
    "Template",
    "Test",
    "UsedFor",
    "When",
]


class Style(StrEnum):
    READ_DO = "read_do"
    """One step at a time: read it, do it."""
    DO_CONFIRM = "do_confirm"
    """All steps with ticks: do, then check that nothing was missed."""


class UsedFor(StrEnum):
    """What a protocol is walked for. Only one for a case is ever run on a case, and so recorded."""

    CASE = "case"
    SHIFT = "shift"
    """A shift's beginning or end. Read and walked in the console; nothing of the walk is kept."""
    SELF = "self"
    """The moderator's own wellbeing. Private: nothing of the walk is kept anywhere."""


class ProtocolStatus(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"


class QuestionType(StrEnum):
    CHOICE = "choice"
    TEXT = "text"
    INTEGER = "integer"
    DATETIME = "datetime"


class Operator(StrEnum):
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    IN = "in"
    ANY_OF = "any_of"
    ANSWERED = "answered"
    LT = "lt"
    GT = "gt"


@dataclass(frozen=True, slots=True)
class Test:
    """One condition on one earlier question. `values` holds one value, or several for `in` and `any_of`."""

    __test__ = False  # not a pytest class, whatever its name

    question: str
    operator: Operator
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class When:
    """Conditions, all or any of which must hold. Flat: a group holds tests, never groups."""

    tests: tuple[Test, ...]
    any: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows when one of `values` is answered. Declared, never coded."""

    values: tuple[str, ...]
    go_to: str = ""
    switch_to: str = ""
    add_protocol: str = ""
    escalate: str = ""
    """A role."""
    raise_urgency: Urgency | None = None
    suggest_action: Action | None = None
    show_notice: str = ""
    offer_template: str = ""
    unless_running: bool = False
    """The protocol is begun only if this sitting has not begun it yet, so that two protocols can name each other."""


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: str
    type: QuestionType
    help: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    multiple: bool = False
    safety: bool = False
    redact: bool = False
    minimum: int | None = None
    maximum: int | None = None
    on_answer: tuple[Consequence, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceWish:
    """Which crisis resources a step wants offered: by topic, and how many at most."""

    topics: tuple[str, ...]
    max: int = 3


@dataclass(frozen=True, slots=True)
class Step:
    id: str
    text: str
    why: str = ""
    help: str = ""
    role: str = ""
    within: str = ""
    when: When | None = None
    safety: bool = False
    emergency: bool = False
    """The step is about the emergency panel; a `now` protocol has one, and it is never conditional."""
    questions: tuple[Question, ...] = ()
    templates: tuple[str, ...] = ()
    resources: ResourceWish | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    role: str
    name: str
    on: date
    content_hash: str


@dataclass(frozen=True, slots=True)
class Change:
    version: str
    on: date
    by_role: str
    summary: str


@dataclass(frozen=True, slots=True)
class Governance:
    owner_role: str
    review_by: date
    evidence: tuple[str, ...]
    changes: tuple[Change, ...]
    approvals: tuple[Approval, ...] = ()
    effective_from: date | None = None
    overdue_grace_days: int = 90
    """Days after `review_by` for which the protocol may still be run, under a banner."""
    hazards: tuple[str, ...] = ()
    derived_from: str = ""
    """The shipped protocol and version that a service's own one came from."""
    min_role: str = ""
    """Who may run it alone; advice, shown and never enforced: nothing urgent waits for a role."""
    training_required: str = ""


@dataclass(frozen=True, slots=True)
class Escalation:
    """How to tell a role, and what to say aloud. Nothing waits for it."""

    id: str
    role: str
    within: str = ""
    method: str = ""
    script: str = ""


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who signs afterwards. Never before: nothing urgent waits for a signature."""

    role: str
    when: When | None = None
    two_person: bool = False


@dataclass(frozen=True, slots=True)
class ReviewProtocol:
    id: str
    title: str
    version: str
    status: ProtocolStatus
    style: Style
    urgency: Urgency
    trigger: str
    steps: tuple[Step, ...]
    decisions: tuple[Action, ...]
    close_requires: tuple[str, ...]
    governance: Governance
    hash: str
    """SHA-256 in hex of the resolved bundle: file, includes, templates, resources; without status and approvals."""
    look_for: tuple[str, ...] = ()
    do_not: tuple[str, ...] = ()
    finished_when: str = ""
    jurisdictions: tuple[str, ...] = ()
    age_bands: tuple[str, ...] = ()
    forum_types: tuple[str, ...] = ()
    language: str = "en-GB"
    sign_off: SignOff | None = None
    follow_up_after: str = ""
    """Default time to the next look, such as `24h`."""
    follow_up_required: When | None = None
    """When this holds, "not needed" does not do as the answer to when we look again."""
    escalations: tuple[Escalation, ...] = ()
    used_for: UsedFor = UsedFor.CASE
    exposure: str = "none"
    after: str = ""
    """`offer_break` or `offer_debrief`."""

    def step(self, id: str) -> Step:
        return next(step for step in self.steps if step.id == id)

    def question(self, id: str) -> Question | None:
        return next(
            (question for step in self.steps for question in step.questions if question.id == id), None
        )

    @property
    def is_approved(self) -> bool:
        """Whether this exact text was approved. The approval sealed in the log is checked by the desk, not here."""
        return self.status is ProtocolStatus.APPROVED and any(
            approval.content_hash == self.hash for approval in self.governance.approvals
        )


@dataclass(frozen=True, slots=True)
class Template:
    """A message to a member, with named placeholders only. There is no logic in it."""

    id: str
    version: str
    situation: str
    channel: str
    """`public` or `private`."""
    body: str
    placeholders: tuple[str, ...]
    age_bands: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    never_with: tuple[str, ...] = ()
    reading_age: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    type: str
    value: str
    cost: str = ""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """One crisis service. Unverified or stale ones are shown as such and cannot be inserted into a message."""

    id: str
    name: str
    kind: str
    """`emergency`, `urgent_nhs`, `crisis`, `listening`, `specialist` or `reporting`."""
    topics: tuple[str, ...]
    channels: tuple[Channel, ...]
    areas: tuple[str, ...]
    source_url: str = ""
    seen_on: date | None = None
    verified_on: date | None = None
    recheck_days: int = 90
    age_min: int | None = None
    age_max: int | None = None
    who: str = "anyone"
    languages: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def is_stale(self, today: date) -> bool:
        """Whether nobody verified it, or too long ago. Emergency numbers are shown all the same."""
        return self.verified_on is None or (today - self.verified_on).days > self.recheck_days
