"""What changed between two versions of a protocol, in words, in the order a reviewer wants it.

First what may make somebody less safe: an answer that no longer tells the lead, a step that became conditional, an
“unclear” that leads elsewhere, another urgency, anything about the emergency step. Then the steps, the questions, what
follows from answers, the messages, the services offered, and who is responsible. Whether a change is wise is for
people to say; whether it may matter to safety is said rather too often than too seldom.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import chain
from typing import TypeVar

from modconsole.core.actions import Action
from modconsole.core.protocol import (
    Consequence,
    Governance,
    Question,
    Resource,
    ReviewProtocol,
    Step,
    Template,
    When,
)
from modconsole.core.protocol_words import (
    actions_words,
    ages_words,
    consequence_words,
    listed,
    question_kind_words,
    quoted,
    resource_words,
    role_words,
    span_words,
    style_words,
    used_for_words,
    when_words,
)

__all__ = ["Bundled", "Difference", "DifferenceKind", "differences", "marked"]


class DifferenceKind(StrEnum):
    """What a change is about. They are told in this order."""

    PROTOCOL = "protocol"
    STEP = "step"
    QUESTION = "question"
    OPTION = "option"
    CONSEQUENCE = "consequence"
    ESCALATION = "escalation"
    TEMPLATE = "template"
    RESOURCE = "resource"
    GOVERNANCE = "governance"


@dataclass(frozen=True, slots=True)
class Difference:
    kind: DifferenceKind
    where: str
    """The place, in words: `step 2, “Say what they answer.”`; empty for the protocol as a whole."""
    words: str
    """What changed, as a sentence."""
    is_safety: bool = False
    """Wants a look for safety's sake."""
    before: str = ""
    """The old wording, where a text was reworded."""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Bundled:
    """What belongs to one version beside its steps."""

    templates: Mapping[str, Template]
    resources: Sequence[Resource] = ()
    more: Mapping[str, object] | None = None


NOTHING = Bundled({})


def differences(
    old: ReviewProtocol,
    new: ReviewProtocol,
    old_bundled: Bundled = NOTHING,
    new_bundled: Bundled = NOTHING,
    naming: Callable[[str], str] = str,
) -> tuple[Difference, ...]:
    """Say what changed from `old` to `new`, what may matter to safety first. None when the texts are the same.

    Status and approvals are no part of a text, and when a service was last rung is none either.

    Args:
        old_bundled: The templates, resources and people's words that belong to the old version.
        naming: Gives the title of a protocol by its id.
    """
    compared = _Compared(old, new, naming)
    found = [
        *_of_head(compared),
        *_of_steps(compared),
        *_of_questions(compared),
        *_of_escalations(old, new),
        *_of_templates(old_bundled.templates, new_bundled.templates),
        *_of_resources(old_bundled.resources, new_bundled.resources),
        *_of_governance(old.governance, new.governance),
        *_of_words_for_people(old_bundled.more or {}, new_bundled.more or {}),
    ]
    if old.version != new.version:
        found.append(_said(DifferenceKind.GOVERNANCE, f"The version is {new.version}, was {old.version}."))
    elif found:
        found.append(_said(DifferenceKind.GOVERNANCE, f"The version is {new.version} still."))
    elif old.hash != new.hash:
        words = "The two are written differently, and nothing that a reader would see has changed."
        found.append(_said(DifferenceKind.PROTOCOL, words))
    order = list(DifferenceKind)
    return tuple(sorted(found, key=lambda one: (not one.is_safety, order.index(one.kind))))


def marked(before: str, after: str) -> tuple[str, str]:
    """Put ‹ › around the words that differ. Texts with little in common come back as they are."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < _LITTLE_IN_COMMON:
        return before, after
    blocks = matcher.get_opcodes()
    return (
        "".join(_bracketed(old[i:j], kind) for kind, i, j, _, _ in blocks),
        "".join(_bracketed(new[i:j], kind) for kind, _, _, i, j in blocks),
    )


_WORDS = re.compile(r"\s+|[^\s]+")
_LITTLE_IN_COMMON = 0.5


def _bracketed(words: Sequence[str], kind: str) -> str:
    text = "".join(words)
    if kind == "equal" or not text.strip():
        return text
    inner = text.strip()
    return text.replace(inner, f"‹{inner}›", 1)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Two versions and how to name what is in them."""

    old: ReviewProtocol
    new: ReviewProtocol
    naming: Callable[[str], str]

    def step_name(self, step: Step) -> str:
        """Name a step by its place in the version that has it, the new one first."""
        for protocol in (self.new, self.old):
            for number, other in enumerate(protocol.steps, 1):
                if other.id == step.id:
                    gone = "" if protocol is self.new else "the old "
                    return f"{gone}step {number}, {quoted(other.text)}"
        return quoted(step.text)


def _said(
    kind: DifferenceKind,
    words: str,
    where: str = "",
    *,
    safety: bool = False,
    before: str = "",
    after: str = "",
) -> Difference:
    return Difference(kind, where, words, safety, before, after)


def _reworded(
    kind: DifferenceKind, what: str, before: str, after: str, where: str = "", *, safety: bool = False
) -> Iterator[Difference]:
    """Tell a text that came, went or changed."""
    if before == after:
        return
    if not before:
        yield _said(kind, f"{what} is new.", where, after=after)
    elif not after:
        yield _said(kind, f"{what} was taken out.", where, safety=safety, before=before)
    else:
        yield _said(kind, f"{what} is worded differently.", where, safety=safety, before=before, after=after)


def _lists(
    kind: DifferenceKind,
    what: str,
    old: Iterable[str],
    new: Iterable[str],
    where: str = "",
    *,
    losing: bool = False,
) -> Iterator[Difference]:
    """Tell what a list lost and gained; entries much alike count as one reworded.

    Args:
        losing: Whether losing an entry matters to safety.
    """
    before, after = list(old), list(new)
    lost = [entry for entry in before if entry not in after]
    gained = [entry for entry in after if entry not in before]
    for entry in lost:
        like = difflib.get_close_matches(entry, gained, n=1)
        if like:
            gained.remove(like[0])
            words = f"{what}: an entry is worded differently."
            yield _said(kind, words, where, safety=losing, before=entry, after=like[0])
        else:
            yield _said(kind, f"{what}: {quoted(entry)} was taken out.", where, safety=losing)
    for entry in gained:
        yield _said(kind, f"{what}: {quoted(entry)} is new.", where)
    if not lost and not gained and before != after and sorted(before) == sorted(after):
        yield _said(kind, f"{what}: in another order.", where)


# The protocol as a whole


def _of_head(compared: _Compared) -> Iterator[Difference]:
    old, new, kind = compared.old, compared.new, DifferenceKind.PROTOCOL
    if old.id != new.id:
        yield _said(kind, f"These are two protocols: {quoted(old.id)} and {quoted(new.id)}.", safety=True)
    yield from _reworded(kind, "The title", old.title, new.title)
    if old.urgency is not new.urgency:
        yield _said(kind, f"The urgency is {new.urgency}, was {old.urgency}.", safety=True)
    if old.style is not new.style:
        yield _said(kind, f"It is walked as “{style_words(new.style)}”, was “{style_words(old.style)}”.")
    if old.used_for is not new.used_for:
        words = f"It is {used_for_words(new.used_for)}; it was {used_for_words(old.used_for)}."
        yield _said(kind, words, safety=True)
    yield from _reworded(kind, "When it is used", old.trigger, new.trigger)
    yield from _lists(kind, "Look for", old.look_for, new.look_for)
    yield from _lists(kind, "Do not", old.do_not, new.do_not, losing=True)
    yield from _reworded(kind, "When it is finished", old.finished_when, new.finished_when)
    yield from _of_reach(old, new)
    yield from _of_ending(compared)


def _of_reach(old: ReviewProtocol, new: ReviewProtocol) -> Iterator[Difference]:
    """Where and for whom it holds."""
    kind = DifferenceKind.PROTOCOL
    yield from _lists(kind, "Places", old.jurisdictions, new.jurisdictions, losing=True)
    if set(old.age_bands) != set(new.age_bands):
        lost = set(old.age_bands) - set(new.age_bands)
        words = f"It is for {ages_words(new.age_bands)}; it was for {ages_words(old.age_bands)}."
        yield _said(kind, words, safety=bool(lost))
    yield from _lists(kind, "Kinds of forum", old.forum_types, new.forum_types)
    if old.language != new.language:
        yield _said(kind, f"The language is {new.language}, was {old.language}.")


def _of_ending(compared: _Compared) -> Iterator[Difference]:
    """What may be decided, what closing takes, who signs, when we look again, how the moderator is looked after."""
    old, new, kind = compared.old, compared.new, DifferenceKind.PROTOCOL
    if lost := _without(old.decisions, new.decisions):
        yield _said(kind, f"May no longer be decided: {actions_words(lost)}.", safety=True)
    if gained := _without(new.decisions, old.decisions):
        yield _said(kind, f"May be decided now: {actions_words(gained)}.")
    for id in _without(old.close_requires, new.close_requires):
        yield _said(kind, f"Closing no longer requires an answer to {_asked(old, id)}.", safety=True)
    for id in _without(new.close_requires, old.close_requires):
        yield _said(kind, f"Closing requires an answer to {_asked(new, id)} now.")
    before, after = _sign_off(old), _sign_off(new)
    if before != after:
        yield _said(kind, f"{after} Before: {before}", safety=True)
    if old.follow_up_after != new.follow_up_after:
        before, after = span_words(old.follow_up_after) or "unset", span_words(new.follow_up_after) or "unset"
        yield _said(kind, f"The usual time to the next look is {after}, was {before}.", safety=True)
    if _meaning(old.follow_up_required) != _meaning(new.follow_up_required):
        before, after = _follow_up(old), _follow_up(new)
        yield _said(kind, f"{after} Before: {before}", safety=True)
    if (old.exposure, old.after) != (new.exposure, new.after):
        before, after = _wellbeing(old), _wellbeing(new)
        yield _said(kind, f"For the moderator: {after}; was: {before}.")


def _asked(protocol: ReviewProtocol, id: str) -> str:
    question = protocol.question(id)
    return quoted(question.text if question else id)


def _sign_off(protocol: ReviewProtocol) -> str:
    signed = protocol.sign_off
    if signed is None:
        return "Nobody signs afterwards."
    who = (
        f"Two people sign afterwards, the {role_words(signed.role)} one of them" if signed.two_person else ""
    )
    who = who or f"The {role_words(signed.role)} signs afterwards"
    return f"{who}{f', {when_words(signed.when, protocol)}' if signed.when else ''}."


def _follow_up(protocol: ReviewProtocol) -> str:
    if protocol.follow_up_required is None:
        return "“Not needed” always does as the answer to when we look again."
    return f"“Not needed” does not do {when_words(protocol.follow_up_required, protocol)}."


def _wellbeing(protocol: ReviewProtocol) -> str:
    offered = {"offer_break": ", a break is offered", "offer_debrief": ", a debrief is offered"}
    return f"{protocol.exposure} exposure{offered.get(protocol.after, '')}"


# Steps


def _of_steps(compared: _Compared) -> Iterator[Difference]:
    old, new, kind = compared.old, compared.new, DifferenceKind.STEP
    before = {step.id: step for step in old.steps}
    after = {step.id: step for step in new.steps}
    for step in old.steps:
        if step.id not in after:
            yield _said(
                kind,
                "The step was taken out.",
                compared.step_name(step),
                safety=_is_grave(step),
                before=step.text,
            )
    for step in new.steps:
        if step.id not in before:
            condition = f", shown {when_words(step.when, new)}" if step.when else ""
            yield _said(kind, f"The step is new{condition}.", compared.step_name(step), safety=step.emergency)
    for id in _moved(list(before), list(after)):
        at = list(after).index(id)
        place = f"comes after {quoted(new.steps[at - 1].text)} now" if at else "comes first now"
        passed = [step.id for step in new.steps if step.emergency and step.id in before]
        safety = any(_is_before(id, other, before) != _is_before(id, other, after) for other in passed)
        yield _said(kind, f"The step {place}.", compared.step_name(after[id]), safety=safety)
    for id, step in after.items():
        if id in before:
            yield from _of_step(compared, before[id], step)


def _is_grave(step: Step) -> bool:
    calls = {Action.EMERGENCY_CALL, Action.ESCALATE_LEAD, Action.ESCALATE_CLINICAL} & set(step.actions)
    return step.emergency or step.safety or bool(calls) or any(question.safety for question in step.questions)


def _is_before(id: str, other: str, steps: Iterable[str]) -> bool:
    order = list(steps)
    return order.index(id) < order.index(other)


def _moved(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Name what changed its place among what both have, and not what only moved up because something went."""
    common = [id for id in old if id in new]
    now = [id for id in new if id in common]
    matcher = difflib.SequenceMatcher(None, common, now, autojunk=False)
    stayed = {id for block in matcher.get_matching_blocks() for id in now[block.b : block.b + block.size]}
    return [id for id in now if id not in stayed]


def _of_step(compared: _Compared, old: Step, new: Step) -> Iterator[Difference]:
    kind, where = DifferenceKind.STEP, compared.step_name(new)
    grave = _is_grave(old)
    yield from _reworded(kind, "The step", old.text, new.text, where, safety=old.emergency)
    yield from _of_condition(compared, old, new, where)
    if old.emergency and not new.emergency:
        yield _said(kind, "It is no longer an emergency step.", where, safety=True)
    if new.emergency and not old.emergency:
        yield _said(kind, "It is an emergency step now: always shown.", where, safety=True)
    if old.safety != new.safety:
        yield _said(
            kind, f"It is {'now' if new.safety else 'no longer'} marked as a safety step.", where, safety=True
        )
    yield from _reworded(kind, "Why it is there", old.why, new.why, where)
    yield from _reworded(kind, "The help", old.help, new.help, where, safety=old.emergency)
    if old.role != new.role:
        before, after = (
            role_words(old.role) or "whoever has the case",
            role_words(new.role) or "whoever has the case",
        )
        yield _said(kind, f"It is for {after}; it was for {before}.", where, safety=grave)
    if old.within != new.within:
        before, after = old.within or "no time named", new.within or "no time named"
        yield _said(kind, f"Time allowed: {after}; was: {before}.", where, safety=grave)
    lost, gained = _without(old.actions, new.actions), _without(new.actions, old.actions)
    if lost:
        yield _said(kind, f"It no longer offers {actions_words(lost)}.", where, safety=grave)
    if gained:
        yield _said(kind, f"It offers {actions_words(gained)} now.", where)
    for id in _without(old.templates, new.templates):
        yield _said(kind, f"The message {quoted(id)} is no longer offered.", where)
    for id in _without(new.templates, old.templates):
        yield _said(kind, f"The message {quoted(id)} is offered now.", where)
    if old.resources != new.resources:
        before, after = _wish(old), _wish(new)
        yield _said(kind, f"Services offered: {after}; were: {before}.", where, safety=grave)


def _of_condition(compared: _Compared, old: Step, new: Step, where: str) -> Iterator[Difference]:
    if _meaning(old.when) == _meaning(new.when):
        return
    kind = DifferenceKind.STEP
    if new.when is None:
        yield _said(kind, "It is always shown now, no longer under a condition.", where)
        return
    words = f"It is shown only {when_words(new.when, compared.new)}"
    if old.when is None:
        yield _said(kind, f"{words}; it was always shown.", where, safety=True)
    else:
        yield _said(kind, f"{words}; it was shown {when_words(old.when, compared.old)}.", where, safety=True)


def _meaning(when: When | None) -> object:
    """Give what a condition says, whatever the order it says it in."""
    if when is None:
        return None
    tests = frozenset((test.question, test.operator, frozenset(test.values)) for test in when.tests)
    return tests, when.any and len(when.tests) > 1


def _wish(step: Step) -> str:
    wish = step.resources
    return "none" if wish is None else f"up to {wish.max} about {listed(wish.topics, 'or')}"


# Questions, options and what follows from answers


def _of_questions(compared: _Compared) -> Iterator[Difference]:
    old, new, kind = compared.old, compared.new, DifferenceKind.QUESTION
    before = {question.id: (step, question) for step in old.steps for question in step.questions}
    after = {question.id: (step, question) for step in new.steps for question in step.questions}
    for id, (step, question) in before.items():
        if id not in after:
            safety = question.safety or id in old.close_requires
            words = f"The question {quoted(question.text)} was taken out."
            yield _said(kind, words, compared.step_name(step), safety=safety)
            yield from _of_answers(compared, question.text, question, None, compared.step_name(step))
    for id, (step, question) in after.items():
        where = compared.step_name(step)
        if id not in before:
            words = f"The question {quoted(question.text)} is new ({question_kind_words(question)})."
            yield _said(kind, words, where)
            yield from _of_answers(compared, question.text, None, question, where)
            continue
        was_in, was = before[id]
        if was_in.id != step.id:
            words = f"{quoted(question.text)} is asked here now; it was asked in {quoted(was_in.text)}."
            yield _said(kind, words, where, safety=question.safety)
        yield from _of_question(was, question, where)
        yield from _of_answers(compared, question.text, was, question, where)


def _of_question(old: Question, new: Question, where: str) -> Iterator[Difference]:
    kind, name = DifferenceKind.QUESTION, quoted(new.text)
    yield from _reworded(kind, "The question", old.text, new.text, where, safety=old.safety)
    yield from _reworded(kind, f"The help for {name}", old.help, new.help, where)
    if question_kind_words(old) != question_kind_words(new):
        words = f"{name}: {question_kind_words(new)}; it was: {question_kind_words(old)}."
        yield _said(kind, words, where, safety=old.safety or (old.required and not new.required))
    if old.safety != new.safety:
        words = f"{name} is {'now' if new.safety else 'no longer'} a safety question."
        yield _said(kind, words, where, safety=True)
    if old.redact != new.redact:
        said = (
            "is left out of what is handed on" if new.redact else "is no longer left out of what is handed on"
        )
        yield _said(kind, f"The answer to {name} {said}.", where)
    yield from _of_options(old, new, where)


def _of_options(old: Question, new: Question, where: str) -> Iterator[Difference]:
    kind, name = DifferenceKind.OPTION, quoted(new.text)
    before = {option.value: option.text for option in old.options}
    after = {option.value: option.text for option in new.options}
    for value, text in before.items():
        if value not in after:
            words = f"{name} can no longer be answered {quoted(text)}."
            yield _said(kind, words, where, safety=old.safety)
        elif after[value] != text:
            words = f"{name}: an answer is worded differently."
            yield _said(kind, words, where, safety=old.safety, before=text, after=after[value])
    for value, text in after.items():
        if value not in before:
            yield _said(kind, f"{name} can be answered {quoted(text)} now.", where, safety=new.safety)
    if list(before) != list(after) and sorted(before) == sorted(after):
        yield _said(kind, f"{name}: the answers come in another order, so their keys may differ.", where)


_FOLLOWS = tuple(
    field.name for field in fields(Consequence) if field.name not in ("values", "unless_running")
)
_GRAVE = ("escalate", "raise_urgency", "switch_to", "add_protocol")


def _of_answers(
    compared: _Compared, asked: str, old: Question | None, new: Question | None, where: str
) -> Iterator[Difference]:
    """Compare what follows answer by answer, so that it does not matter how the file groups them."""
    both = [question for question in (old, new) if question is not None]
    words = {option.value: option.text for question in both for option in question.options}
    lost: dict[tuple[str, Consequence], list[str]] = {}
    gained: dict[tuple[str, Consequence], list[str]] = {}
    for value in words:
        before, after = _follows(old, value), _follows(new, value)
        for one in _without(before, after):
            lost.setdefault(one, []).append(value)
        for one in _without(after, before):
            gained.setdefault(one, []).append(value)
    is_safety = any(question.safety for question in both)
    for change, protocol, effects in (("No longer", compared.old, lost), ("New", compared.new, gained)):
        for (effect, consequence), values in effects.items():
            said = "; ".join(consequence_words(consequence, protocol, compared.naming))
            answers = listed((quoted(words[value]) for value in values), "or")
            leads_elsewhere = effect in ("go_to", "switch_to")
            grave = effect in _GRAVE or is_safety if effects is lost else is_safety and "unclear" in values
            sentence = f"{change} after {answers} to {quoted(asked)}: {said}"
            yield _said(DifferenceKind.CONSEQUENCE, sentence, where, safety=leads_elsewhere or grave)


def _follows(question: Question | None, value: str) -> list[tuple[str, Consequence]]:
    """Give what follows from one answer, each thing by itself."""
    found = []
    for consequence in question.on_answer if question else ():
        if value in consequence.values:
            for name in _FOLLOWS:
                what = getattr(consequence, name)
                if what:
                    once = consequence.unless_running if name == "add_protocol" else False
                    found.append((name, Consequence((), **{name: what}, unless_running=once)))
    return list(dict.fromkeys(found))


# What goes with it


def _of_escalations(old: ReviewProtocol, new: ReviewProtocol) -> Iterator[Difference]:
    kind = DifferenceKind.ESCALATION
    before = {one.id: one for one in old.escalations}
    after = {one.id: one for one in new.escalations}
    for id, one in before.items():
        if id not in after:
            words = f"How to tell the {role_words(one.role)} was taken out."
            yield _said(kind, words, safety=True, before=one.script)
    for id, one in after.items():
        name = f"telling the {role_words(one.role)}"
        if id not in before:
            yield _said(kind, f"How to tell the {role_words(one.role)} is new.", after=one.script)
            continue
        was = before[id]
        if was.role != one.role:
            yield _said(
                kind,
                f"It goes to the {role_words(one.role)}, was the {role_words(was.role)}.",
                name,
                safety=True,
            )
        if was.within != one.within:
            words = f"Time allowed: {one.within or 'none named'}; was: {was.within or 'none named'}."
            yield _said(kind, words, name, safety=True)
        yield from _reworded(kind, "How it is done", was.method, one.method, name)
        yield from _reworded(kind, "What to say aloud", was.script, one.script, name, safety=True)


def _of_templates(old: Mapping[str, Template], new: Mapping[str, Template]) -> Iterator[Difference]:
    kind = DifferenceKind.TEMPLATE
    for id in _without(old, new):
        yield _said(kind, f"The message {quoted(id)} no longer belongs to it.")
    for id in _without(new, old):
        yield _said(kind, f"The message {quoted(id)} belongs to it now.", after=new[id].body)
    for id, after in new.items():
        if id in old:
            yield from _of_template(old[id], after, f"message {quoted(id)}")


def _of_template(old: Template, new: Template, where: str) -> Iterator[Difference]:
    kind = DifferenceKind.TEMPLATE
    yield from _of_passages(old.body, new.body, where)
    yield from _reworded(kind, "When it fits", old.situation, new.situation, where)
    if old.channel != new.channel:
        yield _said(kind, f"It is {new.channel} now, was {old.channel}.", where, safety=True)
    if old.age_bands != new.age_bands:
        before, after = ages_words(old.age_bands) or "anybody", ages_words(new.age_bands) or "anybody"
        yield _said(kind, f"It is for {after}; it was for {before}.", where, safety=True)
    yield from _lists(kind, "Places", old.jurisdictions, new.jurisdictions, where)
    yield from _lists(kind, "Never with", old.never_with, new.never_with, where, losing=True)
    if old.reading_age != new.reading_age:
        yield _said(
            kind, f"Reading age {new.reading_age or 'not said'}, was {old.reading_age or 'not said'}.", where
        )


_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+|\n+")


def _of_passages(old: str, new: str, where: str) -> Iterator[Difference]:
    """Tell a longer text's changes sentence by sentence."""
    before = [sentence for sentence in _SENTENCE_END.split(old.strip()) if sentence]
    after = [sentence for sentence in _SENTENCE_END.split(new.strip()) if sentence]
    kind = DifferenceKind.TEMPLATE
    for what, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        was, now = " ".join(before[i:j]), " ".join(after[k:m])
        if what == "replace":
            yield _said(kind, "It is worded differently.", where, before=was, after=now)
        elif what == "delete":
            yield _said(kind, "It no longer says:", where, before=was)
        elif what == "insert":
            yield _said(kind, "It says as well:", where, after=now)


_ABOUT_RESOURCES = (
    *("kind", "topics", "areas", "age_min", "age_max", "who", "languages", "cautions"),
    *("source_url", "seen_on", "recheck_days"),
)
_WHOM_IT_SERVES = ("kind", "areas", "age_min", "age_max")


def _of_resources(old: Sequence[Resource], new: Sequence[Resource]) -> Iterator[Difference]:
    kind = DifferenceKind.RESOURCE
    before, after = {one.id: one for one in old}, {one.id: one for one in new}
    for id, one in before.items():
        if id not in after:
            words = f"{quoted(one.name)} is no longer offered ({resource_words(one)})."
            yield _said(kind, words, safety=one.kind == "emergency")
    for id, one in after.items():
        if id in before:
            yield from _of_resource(before[id], one)
        else:
            yield _said(kind, f"{quoted(one.name)} is offered now: {resource_words(one)}.")


def _of_resource(old: Resource, new: Resource) -> Iterator[Difference]:
    kind, name = DifferenceKind.RESOURCE, quoted(new.name)
    if old.name != new.name:
        yield _said(kind, f"{name} was called {quoted(old.name)}.")
    if old.channels != new.channels:
        before, after = resource_words(old), resource_words(new)
        yield _said(kind, f"{name} is reached differently.", safety=True, before=before, after=after)
    for what in _ABOUT_RESOURCES:
        was, now = getattr(old, what), getattr(new, what)
        if was != now:
            words = f"{name}: {what.replace('_', ' ')} is {_value(now)}, was {_value(was)}."
            yield _said(kind, words, safety=what in _WHOM_IT_SERVES)


def _of_governance(old: Governance, new: Governance) -> Iterator[Difference]:
    kind = DifferenceKind.GOVERNANCE
    single = ("owner_role", "review_by", "effective_from", "overdue_grace_days", "derived_from", "min_role")
    for name in (*single, "training_required"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield _said(kind, f"{_label(name)} is {_value(after)}, was {_value(before)}.")
    yield from _lists(kind, "Evidence", old.evidence, new.evidence)
    yield from _lists(kind, "Hazards", old.hazards, new.hazards, losing=True)
    for change in new.changes:
        if change not in old.changes:
            by = role_words(change.by_role)
            yield _said(kind, f"Change noted for {change.version} ({change.on}, {by}): {change.summary}")
    for change in old.changes:
        if change not in new.changes:
            yield _said(
                kind, f"The note of a change for {change.version} was taken out.", before=change.summary
            )


def _of_words_for_people(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Difference]:
    for path in dict.fromkeys(chain(old, new)):
        before, after = old.get(path), new.get(path)
        if before != after:
            label = _label(path.rpartition(".")[2]) if path.count(".") < 2 else path
            if isinstance(before, str | None) and isinstance(after, str | None):
                yield from _reworded(DifferenceKind.GOVERNANCE, label, before or "", after or "")
            else:
                yield _said(DifferenceKind.GOVERNANCE, f"{label} is {_value(after)}, was {_value(before)}.")


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _value(value: object) -> str:
    if value is None or value in ("", (), []):
        return "not said"
    if isinstance(value, tuple | list):
        return listed(str(one) for one in value)
    return str(value).replace("_", " ")


T = TypeVar("T")


def _without(these: Iterable[T], those: Iterable[T]) -> list[T]:
    known = list(those)
    return [one for one in these if one not in known]
