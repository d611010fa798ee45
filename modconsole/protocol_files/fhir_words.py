"""What FHIR has no element for, said in words, so that nothing of a protocol is silently left out of its export."""

from __future__ import annotations

from collections.abc import Iterator

from modconsole.core.protocol import Escalation, Question, ReviewProtocol, Step, UsedFor, When
from modconsole.core.protocol_words import (
    actions_words,
    answer_words,
    consequence_words,
    listed,
    quoted,
    role_words,
    span_words,
    style_words,
    used_for_words,
    when_words,
)

__all__ = ["about", "after_step", "consequences", "step_words"]


def consequences(question: Question, protocol: ReviewProtocol) -> Iterator[str]:
    """Say what follows from answers, such as `If “Yes” or “Unclear”: tell the safeguarding lead`."""
    for consequence in question.on_answer:
        follows = "; ".join(consequence_words(consequence, protocol, naming=str))
        yield f"If {answer_words(question, consequence.values)}: {follows}"


def after_step(step: Step) -> str:
    """Say what has to be so for anything after `step` to be asked."""
    taking_over = dict.fromkeys(
        consequence.switch_to
        for question in step.questions
        for consequence in question.on_answer
        if consequence.switch_to
    )
    return f"Unless {listed(map(quoted, taking_over), 'or')} took over"


def step_words(step: Step) -> Iterator[tuple[str, str]]:
    """Give what a step says beside its text and questions, each with a name of its own."""
    if step.why:
        yield "why", f"Why: {step.why}"
    if step.help:
        yield "help", step.help
    if step.emergency:
        yield "emergency", "An emergency step: always shown, and nothing stands before it."
    if step.role or step.within:
        who = f"Who: {role_words(step.role)}" if step.role else ""
        yield (
            "who",
            "; ".join(part for part in (who, f"within: {step.within}" if step.within else "") if part),
        )
    if step.templates:
        yield "templates", f"Message templates: {', '.join(step.templates)}"
    if step.resources is not None:
        most, topics = step.resources.max, listed(step.resources.topics)
        yield "resources", f"Offer at most {most} crisis resources about {topics}"
    if step.actions:
        yield "actions", f"Actions: {actions_words(step.actions)}"


def about(protocol: ReviewProtocol) -> Iterator[str]:
    """Give what the protocol says as a whole, a sentence or line each."""
    yield f"Urgency of response: {protocol.urgency}. Style: {style_words(protocol.style)}."
    if protocol.used_for is not UsedFor.CASE:
        yield f"Used {used_for_words(protocol.used_for)}"
    yield from (f"Look for: {sign}" for sign in protocol.look_for)
    yield from (f"Do not: {thing}" for thing in protocol.do_not)
    if protocol.finished_when:
        yield f"Finished when: {protocol.finished_when}"
    yield f"What may be decided: {actions_words(protocol.decisions)}"
    yield from (_escalation(escalation) for escalation in protocol.escalations)
    signed = protocol.sign_off
    if signed is not None:
        two = " by two people" if signed.two_person else ""
        yield f"Signed afterwards{two}: {role_words(signed.role)}{_when(signed.when, protocol)}"
    if protocol.follow_up_after:
        yield f"The next look, unless another time is set: after {span_words(protocol.follow_up_after)}"
    if protocol.follow_up_required is not None:
        yield f"A next look has to be set{_when(protocol.follow_up_required, protocol)}"
    rules = protocol.governance
    if rules.min_role:
        yield f"Run alone by: {role_words(rules.min_role)} or above"
    if rules.training_required:
        yield f"Training: {rules.training_required}"


def _when(when: When | None, protocol: ReviewProtocol) -> str:
    return f", {when_words(when, protocol)}" if when is not None else ""


def _escalation(escalation: Escalation) -> str:
    parts = [f"Tell the {role_words(escalation.role)}"]
    parts += [f"within {escalation.within}"] if escalation.within else []
    parts += [f"how: {escalation.method}"] if escalation.method else []
    parts += [f"say: {quoted(escalation.script)}"] if escalation.script else []
    return "; ".join(parts)
