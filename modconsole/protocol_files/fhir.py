"""The FHIR-shaped export: a protocol as a `Questionnaire`, one run of it as a `QuestionnaireResponse`.

Plain dicts, R4 (4.0.1, and R4B) or R5. What is mapped to what, and what is lost, is in docs/fhir.md.
`linkId`s: a question has its own id; everything else begins with `about.`, `step.` or `question.`, and no id has a dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from modconsole.core.errors import WrongUsage
from modconsole.core.protocol import ProtocolStatus, Question, QuestionType, ReviewProtocol, Step
from modconsole.core.protocol_words import ages_words, role_words
from modconsole.core.run import NOT_NEEDED, SKIP_REASONS, Answer, RunEventKind, RunView, StepState, StepView
from modconsole.core.text import plain
from modconsole.protocol_files.fhir_conditions import (
    answer_system,
    exists,
    not_jumped_over,
    not_needed,
    not_switched,
    under,
    when_holds,
)
from modconsole.protocol_files.fhir_words import about, after_step, consequences, step_words

__all__ = ["HASH_SYSTEM", "WITHHELD", "questionnaire", "response"]

HASH_SYSTEM = "urn:modconsole:protocol-sha256"
"""Which exact text: a version may be written anew while it is a draft, its hash never stays the same."""

WITHHELD = "[not exported: free text]"
"""Stands where something was said that stays here. R5 has no answer without a value."""

_REDACTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED"}
"""FHIR's own label for a resource that something was taken out of."""

_STATUS = {
    ProtocolStatus.RETIRED: "retired",
    ProtocolStatus.WITHDRAWN: "retired",
}
_PURPOSE = (
    "A checklist that supports trained people in following their service's own safeguarding procedures and in keeping"
    " records. It does not diagnose, predict or decide treatment."
)
_NOT_APPROVED = "Not for use with real members until the service's own safeguarding lead has approved it."
_MIN, _MAX = -(2**31), 2**31 - 1  # what FHIR's integer holds
_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")

Item = dict[str, Any]


def questionnaire(protocol: ReviewProtocol, release: str = "R4") -> dict[str, Any]:
    """Give a protocol as a FHIR `Questionnaire`.

    Raises:
        WrongUsage: A release that is neither R4 nor R5.
    """
    r5 = _is_r5(release)
    return {
        "resourceType": "Questionnaire",
        **_id(protocol.id),
        "meta": _meta(protocol),
        "language": protocol.language,
        "url": _url(protocol.id),
        "identifier": [{"system": HASH_SYSTEM, "value": protocol.hash}],
        "version": protocol.version,
        "name": _machine_name(protocol.id),
        "title": _text(protocol.title),
        **_derived_from(protocol),
        "status": _STATUS.get(protocol.status, "active" if protocol.is_approved else "draft"),
        "experimental": not protocol.is_approved,
        **_governance(protocol),
        "item": [_about(protocol), *_steps(protocol, 0, r5)],
    }


def response(
    shown: RunView, *, case: str, release: str = "R4", closed: bool, include_text: bool = False
) -> dict[str, Any]:
    """Give one run as a FHIR `QuestionnaireResponse`: the steps that were shown and the answers that stand.

    Args:
        case: The case's id.
        closed: Whether the case was closed after the run.
        include_text: Whether free text goes with it, but for that of questions marked `redact`. Without it, that
            something was said is there and what was said is not.

    Raises:
        WrongUsage: A release that is neither R4 nor R5.
    """
    r5 = _is_r5(release)
    protocol, run = shown.protocol, shown.run
    identifier = {"system": "urn:modconsole:case", "value": _text(case)}
    last = run.events[-1] if run.events else None
    author = {"author": _moderator(last.by)} if last is not None else {}
    content = dict(_content(shown, include_text))
    is_redacted = any({"valueString": WITHHELD} in answers for answers in content.values())
    items = (_filled(item, content) for item in _steps(protocol, 0, r5))
    return {
        "resourceType": "QuestionnaireResponse",
        **_id(run.id),
        "meta": {**_meta(protocol), **({"security": [_REDACTED]} if is_redacted else {})},
        "language": protocol.language,
        "identifier": [identifier] if r5 else identifier,
        "questionnaire": f"{_url(protocol.id)}|{protocol.version}",
        "status": _response_status(shown, closed),
        "authored": _moment(last.at if last is not None else run.started_at),
        **author,
        "item": [item for item in items if item is not None],
    }


def _is_r5(release: str) -> bool:
    if release not in ("R4", "R5"):
        raise WrongUsage(f"“{release}” is not a FHIR release known here.", next_step="Choose R4 or R5.")
    return release == "R5"


def _id(id: str) -> dict[str, str]:
    return {"id": id} if _FHIR_ID.fullmatch(id) else {}


def _meta(protocol: ReviewProtocol) -> dict[str, Any]:
    return {"tag": [{"system": HASH_SYSTEM, "code": protocol.hash}]}


def _url(id: str) -> str:
    return f"urn:modconsole:protocol:{id}"


def _text(text: str) -> str:
    """Give text without what a screen somewhere else might obey; FHIR forbids most of it too."""
    return plain(text) or "…"


# The questionnaire's head


def _machine_name(id: str) -> str:
    name = "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", id))
    return name if len(name) > 1 else f"Protocol{name}"


def _derived_from(protocol: ReviewProtocol) -> dict[str, Any]:
    found = re.fullmatch(r"([a-z][a-z0-9-]*)(?:[ |@]+v?([0-9A-Za-z.+-]+))?", protocol.governance.derived_from)
    if found is None:
        return {}
    return {"derivedFrom": [_url(found[1]) + (f"|{found[2]}" if found[2] else "")]}


def _governance(protocol: ReviewProtocol) -> dict[str, Any]:
    rules = protocol.governance
    approved = [approval.on for approval in rules.approvals if approval.content_hash == protocol.hash]
    changed = max((change.on for change in rules.changes), default=None)
    period = {"start": rules.effective_from.isoformat()} if rules.effective_from else {}
    found: dict[str, Any] = {
        "date": changed.isoformat() if changed else None,
        "contact": [{"name": f"The service's {role_words(rules.owner_role)}"}],
        "description": _text(protocol.trigger),
        "useContext": [*_ages(protocol), *_forum_types(protocol)],
        "jurisdiction": [_place(place) for place in protocol.jurisdictions],
        "purpose": "\n\n".join(_purpose(protocol)),
        "copyright": "FHIR-shaped export of a modconsole protocol."
        + ("" if protocol.is_approved else f" {_NOT_APPROVED}"),
        "approvalDate": max(approved).isoformat() if approved else None,
        "lastReviewDate": max(approved).isoformat() if approved else None,
        "effectivePeriod": {**period, "end": rules.review_by.isoformat()},
    }
    return {name: value for name, value in found.items() if value}


def _purpose(protocol: ReviewProtocol) -> Iterator[str]:
    rules = protocol.governance
    yield _PURPOSE
    if rules.derived_from and not _derived_from(protocol):
        yield _text(f"Derived from: {rules.derived_from}")
    if rules.evidence:
        yield _text(f"Evidence: {', '.join(rules.evidence)}")
    if rules.hazards:
        yield "Hazards considered:\n" + "\n".join(f"- {_text(hazard)}" for hazard in rules.hazards)


def _ages(protocol: ReviewProtocol) -> Iterator[dict[str, Any]]:
    return (_context("age", "age-band", band, ages_words((band,))) for band in protocol.age_bands)


def _forum_types(protocol: ReviewProtocol) -> Iterator[dict[str, Any]]:
    return (_context("venue", "forum-type", kind, kind.replace("_", " ")) for kind in protocol.forum_types)


def _context(about: str, system: str, code: str, words: str) -> dict[str, Any]:
    return {
        "code": {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": about},
        "valueCodeableConcept": {
            "coding": [{"system": f"urn:modconsole:{system}", "code": code, "display": words}],
            "text": words,
        },
    }


def _place(place: str) -> dict[str, Any]:
    system = "urn:iso:std:iso:3166:-2" if "-" in place else "urn:iso:std:iso:3166"
    return {"coding": [{"system": system, "code": place}]}


# The questionnaire's items


def _about(protocol: ReviewProtocol) -> Item:
    lines = [_display(f"about.{number}", line) for number, line in enumerate(about(protocol), 1)]
    return {"linkId": "about.protocol", "text": "About this protocol", "type": "group", "item": lines}


def _steps(protocol: ReviewProtocol, start: int, r5: bool) -> list[Item]:
    """Give the steps from a place on. What comes after a possible switch is in a group that the switch hides."""
    items: list[Item] = []
    for place, step in enumerate(protocol.steps[start:], start):
        shown = () if step.emergency else (*when_holds(step.when, protocol), *not_jumped_over(step, protocol))
        items.append(under(shown, _step(step, protocol, r5), r5=r5))
        going_on = not_switched(step, protocol)
        if going_on and place + 1 < len(protocol.steps):
            rest: Item = {
                "linkId": f"step.{step.id}.after",
                "text": _text(after_step(step)),
                "type": "group",
                "item": _steps(protocol, place + 1, r5),
            }
            items.append(under(going_on, rest, r5=r5))
            break
    return items


def _step(step: Step, protocol: ReviewProtocol, r5: bool) -> Item:
    id = f"step.{step.id}"
    before: list[Item] = []
    after: list[Item] = []
    for name, words in step_words(step):
        (after if name in ("templates", "resources", "actions") else before).append(
            _display(f"{id}.{name}", words)
        )
    return {
        "linkId": id,
        **({"text": _text(step.text)} if step.questions else {}),
        "type": "group",
        "item": [
            *([] if step.questions else [_display(f"{id}.text", step.text)]),
            *before,
            {"linkId": f"{id}.skip", "text": "To skip this step, say why", "type": "text"},
            *([_done(id)] if _can_be_ticked(step) else []),
            *(item for question in step.questions for item in _question(question, step, protocol, r5)),
            *after,
        ],
    }


def _can_be_ticked(step: Step) -> bool:
    return not any(question.required for question in step.questions)


def _done(id: str) -> Item:
    return {"linkId": f"{id}.done", "text": "Done", "type": "boolean"}


def _question(question: Question, step: Step, protocol: ReviewProtocol, r5: bool) -> Iterator[Item]:
    if question.type is QuestionType.DATETIME:
        yield {
            "linkId": not_needed(question),
            "text": _text(f"{question.text} Not needed, because"),
            "type": "text",
        }
    asked: Item = {"linkId": question.id, **_limits(question), "text": _text(question.text)}
    asked["type"] = "coding" if r5 and question.type is QuestionType.CHOICE else _TYPES[question.type]
    if question.required:
        # Ours means: answered, or the step skipped with a reason. FHIR's means: answered, if it is asked.
        instead = [f"step.{step.id}.skip"]
        instead += [not_needed(question)] if question.type is QuestionType.DATETIME else []
        asked = under(tuple((exists(link_id, False),) for link_id in instead), asked, r5=r5)
        asked["required"] = True
    if question.multiple:
        asked["repeats"] = True
    if question.options:
        if r5:
            asked["answerConstraint"] = "optionsOnly"
        asked["answerOption"] = [
            {"valueCoding": _coding(protocol, question, option.value)} for option in question.options
        ]
    yield asked
    if question.help:
        yield _display(f"question.{question.id}.help", question.help)
    for number, words in enumerate(consequences(question, protocol), 1):
        yield _display(f"question.{question.id}.then{number}", words)


_TYPES = {
    QuestionType.CHOICE: "choice",
    QuestionType.TEXT: "text",
    QuestionType.INTEGER: "integer",
    QuestionType.DATETIME: "dateTime",
}


def _limits(question: Question) -> dict[str, Any]:
    limits = (("minValue", question.minimum), ("maxValue", question.maximum))
    said = [
        {"url": f"http://hl7.org/fhir/StructureDefinition/{name}", "valueInteger": limit}
        for name, limit in limits
        if limit is not None and _MIN <= limit <= _MAX
    ]
    return {"extension": said} if said else {}


def _coding(protocol: ReviewProtocol, question: Question, value: str) -> dict[str, str]:
    words = next((option.text for option in question.options if option.value == value), value)
    return {"system": answer_system(protocol, question), "code": value, "display": _text(words)}


def _display(link_id: str, words: str) -> Item:
    return {"linkId": link_id, "text": _text(words), "type": "display"}


# The response


def _response_status(shown: RunView, closed: bool) -> str:
    if shown.switched_to or (closed and shown.open_required):
        return "stopped"
    return "completed" if closed else "in-progress"


def _moderator(pseudonym: str) -> dict[str, Any]:
    """Name who recorded it, without a reference to anybody's record."""
    name = _text(pseudonym)
    return {"identifier": {"system": "urn:modconsole:moderator", "value": name}, "display": name}


Content = tuple[str, list[dict[str, Any]]]
"""A linkId and what was answered there; nothing for a step that was only shown."""


def _content(shown: RunView, include_text: bool) -> Iterator[Content]:
    for step in shown.steps:
        id = f"step.{step.step.id}"
        yield id, []
        if not step.step.questions:
            yield f"{id}.text", []
        if step.skip_reason:
            yield f"{id}.skip", [{"valueString": _skip_words(shown, step, include_text)}]
        if step.state is StepState.DONE and _can_be_ticked(step.step):
            yield f"{id}.done", [{"valueBoolean": True}]
        for answer in step.answers.values():
            yield _answered(shown.protocol, answer, include_text)


def _skip_words(shown: RunView, step: StepView, include_text: bool) -> str:
    """Give a skip's reason code, and the note beside it where free text may go out."""
    marks = (
        event.values
        for event in reversed(shown.run.events)
        if event.kind is RunEventKind.SKIPPED and event.step == step.step.id
    )
    said = next(marks, ())
    code = step.skip_reason if step.skip_reason in SKIP_REASONS else "other"
    note = " ".join(said[1:])
    return _text(f"{code}: {note}") if include_text and note.strip() else code


def _answered(protocol: ReviewProtocol, answer: Answer, include_text: bool) -> Content:
    question, value = answer.question, answer.values[0]
    match question.type:
        case QuestionType.CHOICE:
            return question.id, [
                {"valueCoding": _coding(protocol, question, value)} for value in answer.values
            ]
        case QuestionType.INTEGER:
            # One that is too large for FHIR is asked and shown, and has no value.
            return question.id, [{"valueInteger": int(value)}] if _MIN <= int(value) <= _MAX else []
        case QuestionType.DATETIME if value.startswith(NOT_NEEDED):
            why = value[len(NOT_NEEDED) :].lstrip(": ")
            return not_needed(question), [_free_text(question, why, include_text)]
        case QuestionType.DATETIME:
            return question.id, [{"valueDateTime": _moment(datetime.fromisoformat(value))}]
        case QuestionType.TEXT:
            return question.id, [_free_text(question, value, include_text)]


def _free_text(question: Question, value: str, include_text: bool) -> dict[str, Any]:
    return {"valueString": _text(value) if include_text and not question.redact else WITHHELD}


def _moment(at: datetime) -> str:
    """Give a time as FHIR writes it: to the second, with a zone of whole minutes up to fourteen hours away."""
    offset = at.utcoffset()
    if offset is None or abs(offset) > timedelta(hours=14) or offset % timedelta(minutes=1):
        at = at.astimezone(UTC)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _filled(item: Item, content: Mapping[str, list[dict[str, Any]]]) -> Item | None:
    """Give what was shown and answered of a questionnaire's item, nested as it is; None when there is nothing."""
    inner = [made for child in item.get("item", ()) if (made := _filled(child, content)) is not None]
    answers = content.get(item["linkId"])
    if answers is None and not inner:
        return None
    return {
        "linkId": item["linkId"],
        **({"text": item["text"]} if "text" in item else {}),
        **({"answer": answers} if answers else {}),
        **({"item": inner} if inner else {}),
    }
