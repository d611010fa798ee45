"""One protocol as a moderator will see it, in lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from modconsole.core.protocol import (
    Question,
    QuestionType,
    Resource,
    ReviewProtocol,
    Step,
    Template,
    UsedFor,
)
from modconsole.core.protocol_words import (
    actions_words,
    ages_words,
    answer_words,
    checked_words,
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
from modconsole.core.text import plain

__all__ = ["Shown", "folded", "lines_of", "option_keys"]

_AFTERWARDS = {
    "offer_break": "a break is offered afterwards",
    "offer_debrief": "a debrief is offered afterwards",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A protocol with what belongs to it."""

    protocol: ReviewProtocol
    standing: str
    """How it stands, in words; empty to leave it out."""
    templates: Mapping[str, Template]
    resources: Callable[[Step], Sequence[Resource]]
    """Gives what a step's wish for resources finds."""
    more: Mapping[str, object]
    naming: Callable[[str], str]
    today: date


def option_keys(question: Question) -> list[tuple[str, str]]:
    """Give each option's words with the key that chooses it: y, n, u for yes, no and unclear, or its number."""
    letters = {"yes": "y", "no": "n", "unclear": "u"}
    return [(letters.get(option.value, str(n)), option.text) for n, option in enumerate(question.options, 1)]


def folded(text: str, width: int, indent: str = "", first: str | None = None) -> list[str]:
    """Fold text from a file to a width; its own line ends are kept, and its hidden characters are shown.

    Args:
        first: What the first line begins with, where that is another than `indent`.
    """
    lines: list[str] = []
    for number, paragraph in enumerate(plain(text).strip().split("\n")):
        start = first if number == 0 and first is not None else indent
        lines += textwrap.wrap(
            paragraph, max(20, width), initial_indent=start, subsequent_indent=indent, break_on_hyphens=False
        ) or [""]
    return lines


def lines_of(shown: Shown, width: int) -> Iterator[str]:
    """Set a protocol: what it is for, every step in order, and who answers for it."""
    page = _Page(shown, width)
    yield from page.head()
    for number, step in enumerate(shown.protocol.steps, 1):
        yield ""
        yield from page.step(number, step)
    yield from page.messages()
    yield from page.escalations()
    yield from page.ending()
    yield from page.governance()


@dataclass(frozen=True, slots=True)
class _Page:
    shown: Shown
    width: int

    @property
    def protocol(self) -> ReviewProtocol:
        return self.shown.protocol

    def fold(self, text: str, indent: str = "", first: str | None = None) -> list[str]:
        return folded(text, self.width, indent, first)

    def bullets(self, heading: str, items: Iterable[str]) -> Iterator[str]:
        found = list(items)
        if found:
            yield from ("", heading)
            for item in found:
                yield from self.fold(item, "    ", "  - ")

    def head(self) -> Iterator[str]:
        protocol = self.protocol
        yield from self.fold(protocol.title)
        said = [f"Urgency {protocol.urgency}", style_words(protocol.style), f"version {protocol.version}"]
        yield from self.fold(" · ".join(said))
        if self.shown.standing:
            yield from self.fold(self.shown.standing, "  ", "▲ ")
        if protocol.used_for is not UsedFor.CASE:
            yield from self.fold(f"It is {used_for_words(protocol.used_for)}.")
        yield from ("", *self.fold(f"When: {protocol.trigger}"))
        ages, forums = ages_words(protocol.age_bands), listed(protocol.forum_types).replace("_", " ")
        places = ", ".join(protocol.jurisdictions)
        yield from self.fold(f"For: {ages or 'any age'}; places {places or 'any'}; forums {forums or 'any'}.")
        yield from self.bullets("Look for", protocol.look_for)
        yield from self.bullets("Do not", protocol.do_not)

    def step(self, number: int, step: Step) -> Iterator[str]:
        yield from self.fold(f"{number}. {step.text}", "   ", "")
        for text in self._about(step):
            yield from self.fold(text, "   ", "   ")
        for question in step.questions:
            yield from self._question(question)
        if step.actions:
            yield from self.fold(f"Offers: {actions_words(step.actions)}.", "   ", "   ")
        if step.templates:
            yield from self.fold(f"Messages: {listed(map(quoted, step.templates))}.", "   ", "   ")
        if step.resources:
            about = (
                f"Services offered (up to {step.resources.max} about {listed(step.resources.topics, 'or')}):"
            )
            yield from self.fold(about, "   ", "   ")
            for resource in self.shown.resources(step):
                yield from self.fold(self._service(resource), "       ", "     - ")

    def _about(self, step: Step) -> Iterator[str]:
        if step.emergency:
            yield "EMERGENCY STEP: always shown; ! opens the emergency panel at any time."
        elif step.when is not None:
            yield f"Shown {when_words(step.when, self.protocol)}."
        who = [f"for the {role_words(step.role)}"] if step.role else []
        who += [f"within {step.within}"] if step.within else []
        if who:
            yield f"{', '.join(who).capitalize()}."
        if step.why:
            yield f"Why: {step.why}"
        if step.help:
            yield f"Help: {step.help}"

    def _question(self, question: Question) -> Iterator[str]:
        safety = "; safety question" if question.safety else ""
        yield from self.fold(f"{question.text} ({question_kind_words(question)}{safety})", "     ", "   ? ")
        if question.help:
            yield from self.fold(question.help, "     ", "     ")
        if question.type is QuestionType.CHOICE:
            for key, text in option_keys(question):
                yield from self.fold(text, "         ", f"     [{key}] ")
        for consequence in question.on_answer:
            said = "; ".join(
                one.rstrip(".") for one in consequence_words(consequence, self.protocol, self.shown.naming)
            )
            answers = answer_words(question, consequence.values)
            yield from self.fold(f"{answers}: {said}.", "       ", "     → ")

    def _service(self, resource: Resource) -> str:
        cautions = "".join(f" Caution: {caution.rstrip('.')}." for caution in resource.cautions)
        checked = checked_words(resource, self.shown.today)
        return f"{resource.name}: {resource_words(resource)}. For {resource.who}. [{checked}]{cautions}"

    def messages(self) -> Iterator[str]:
        for id, template in self.shown.templates.items():
            ages = f", for {ages_words(template.age_bands)}" if template.age_bands else ""
            yield from ("", *self.fold(f"Message “{id}” ({template.channel}{ages}): {template.situation}"))
            yield from self.fold(template.body, "    | ", "    | ")

    def escalations(self) -> Iterator[str]:
        for one in self.protocol.escalations:
            within = f" within {one.within}" if one.within else ""
            how = f": {one.method}" if one.method else ""
            yield from ("", *self.fold(f"Tell the {role_words(one.role)}{within}{how}"))
            if one.script:
                yield from self.fold(f"Say: “{one.script.strip()}”", "    ", "  ")

    def ending(self) -> Iterator[str]:
        protocol = self.protocol
        yield from ("", "At the end")
        for text in self._ending():
            yield from self.fold(text, "    ", "  - ")
        yield from self.fold(f"May be decided: {actions_words(protocol.decisions)}.", "    ", "  - ")
        asked = (protocol.question(id) for id in protocol.close_requires)
        required = listed(quoted(question.text) for question in asked if question)
        if required:
            yield from self.fold(f"Closing requires answers to {required}.", "    ", "  - ")

    def _ending(self) -> Iterator[str]:
        protocol = self.protocol
        if protocol.finished_when:
            yield f"Finished when: {protocol.finished_when}"
        if signed := protocol.sign_off:
            condition = f", {when_words(signed.when, protocol)}" if signed.when else ""
            second = ", with a second person" if signed.two_person else ""
            yield f"Signed afterwards by the {role_words(signed.role)}{second}{condition}. Nothing urgent waits for it."
        if protocol.follow_up_after:
            yield f"The next look is usually after {span_words(protocol.follow_up_after)}."
        if protocol.follow_up_required:
            yield f"“Not needed” does not do for the next look {when_words(protocol.follow_up_required, protocol)}."
        if protocol.exposure != "none" or protocol.after:
            after = _AFTERWARDS.get(protocol.after, "")
            yield f"For you: {protocol.exposure} exposure{f'; {after}' if after else ''}."

    def governance(self) -> Iterator[str]:
        protocol, held = self.protocol, self.protocol.governance
        yield from ("", "Who answers for it")
        effective = f", in force from {held.effective_from}" if held.effective_from else ""
        facts = [
            f"Owner: the {role_words(held.owner_role)}; review by {held.review_by}{effective}.",
            f"Evidence: {', '.join(held.evidence)}." if held.evidence else "",
            f"Derived from {held.derived_from}." if held.derived_from else "",
            f"May be run alone by: {role_words(held.min_role)}, as advice." if held.min_role else "",
            f"Training: {held.training_required}" if held.training_required else "",
            *(f"Hazard: {hazard}" for hazard in held.hazards),
            *(f"{_label(path)}: {text}" for path, text in self.shown.more.items()),
            *(f"{c.version}, {c.on}, {role_words(c.by_role)}: {c.summary}" for c in held.changes),
            *(f"The file names an approval: {role_words(a.role)}, {a.name}, {a.on}." for a in held.approvals),
            f"{protocol.id}, {protocol.status.replace('_', ' ')}, SHA-256 {protocol.hash}",
        ]
        for fact in facts:
            if fact:
                yield from self.fold(fact, "    ", "  - ")


def _label(path: str) -> str:
    """Name what is written for people only: `governance.equality_notes` is `Equality notes`."""
    return path.rpartition(".")[2].replace("_", " ").capitalize()
