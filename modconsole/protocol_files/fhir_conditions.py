"""When a step is shown, as FHIR's `enableWhen` can say it.

One FHIR item holds tests of which all or any must be true, and no groups of tests. Whatever a protocol says is brought
into the form "any of these, and any of those, and ..." first. Then every part gets an item of its own, one inside the
other: an inner item is shown only where its outer ones are.

Two readings of FHIR's `!=` are about (R4's text: no answer is equal; some software: some answer is not equal, and
there is one), so it is used only where a question takes several answers and nothing else can say "not this one".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from modconsole.core.protocol import (
    Consequence,
    Operator,
    Question,
    QuestionType,
    ReviewProtocol,
    Step,
    Test,
    When,
)

__all__ = [
    "Conditions",
    "answer_system",
    "exists",
    "not_jumped_over",
    "not_needed",
    "not_switched",
    "under",
    "when_holds",
]


@dataclass(frozen=True, slots=True)
class Literal:
    """One `enableWhen`: a question's linkId, FHIR's operator, and what is compared."""

    question: str
    operator: str
    value: bool | int | str
    system: str = ""
    """Of the coding, where `value` is one's code."""

    def plain(self) -> dict[str, Any]:
        made: dict[str, Any] = {"question": self.question, "operator": self.operator}
        if isinstance(self.value, bool):
            made["answerBoolean"] = self.value
        elif isinstance(self.value, int):
            made["answerInteger"] = self.value
        else:
            made["answerCoding"] = {"system": self.system, "code": self.value}
        return made


Clause = tuple[Literal, ...]
"""Any of these."""

Conditions = tuple[Clause, ...]
"""All of these clauses; none for what is always shown."""


def answer_system(protocol: ReviewProtocol, question: Question) -> str:
    """Name the code system of a question's options: the same value may mean another thing elsewhere."""
    return f"urn:modconsole:protocol:{protocol.id}:{question.id}"


def not_needed(question: Question) -> str:
    """Name the item that says why nobody has to look again: the other answer to a question for a time."""
    return f"question.{question.id}.not-needed"


def exists(link_id: str, yes: bool) -> Literal:
    return Literal(link_id, "exists", yes)


def when_holds(when: When | None, protocol: ReviewProtocol) -> Conditions:
    """Give what has to hold for `when`. A condition on something that was not answered never holds, as on screen."""
    if when is None:
        return ()
    each = [_holds(test, protocol) for test in when.tests]
    if not when.any:
        return _tidy(clause for conditions in each for clause in conditions)
    return _tidy(tuple(one for clause in choice for one in clause) for choice in product(*each))


def _holds(test: Test, protocol: ReviewProtocol) -> Conditions:
    question = protocol.question(test.question)
    if question is None:
        raise ValueError(f"a condition on {test.question!r}, which is not asked in {protocol.id!r}")
    if test.operator is Operator.ANSWERED:
        return _answered(question, test.values[0] == "true")
    if question.type is QuestionType.INTEGER:
        return _number_holds(test, question)
    others = [option.value for option in question.options if option.value not in test.values]
    equal = tuple(_code(protocol, question, "=", value) for value in test.values)
    if test.operator is Operator.EQUALS and question.multiple:
        return (equal, *((_code(protocol, question, "!=", value),) for value in others))
    if test.operator is not Operator.NOT_EQUALS:
        return (equal,)
    if question.multiple:
        return ((exists(question.id, True),), (_code(protocol, question, "!=", test.values[0]),))
    return (tuple(_code(protocol, question, "=", value) for value in others),)


def _answered(question: Question, yes: bool) -> Conditions:
    asked = [question.id, *([not_needed(question)] if question.type is QuestionType.DATETIME else [])]
    literals = tuple(exists(link_id, yes) for link_id in asked)
    return (literals,) if yes else tuple((literal,) for literal in literals)


def _number_holds(test: Test, question: Question) -> Conditions:
    operators = {Operator.NOT_EQUALS: ("<", ">"), Operator.LT: ("<",), Operator.GT: (">",)}
    return (
        tuple(
            Literal(question.id, operator, int(value))
            for operator in operators.get(test.operator, ("=",))
            for value in test.values
        ),
    )


def _code(protocol: ReviewProtocol, question: Question, operator: str, value: str) -> Literal:
    return Literal(question.id, operator, value, answer_system(protocol, question))


def not_switched(step: Step, protocol: ReviewProtocol) -> Conditions:
    """Give what has to hold for this protocol to go on after `step`: no answer to it switched to another."""
    return _tidy(
        clause
        for question, consequence in _consequences(step)
        if consequence.switch_to
        for clause in _not_given(protocol, question, consequence.values)
    )


def not_jumped_over(step: Step, protocol: ReviewProtocol) -> Conditions:
    """Give what has to hold for no earlier `go_to` to lead past `step`. Of several answers to a step the last leads."""
    places = {other.id: place for place, other in enumerate(protocol.steps)}
    clauses: list[Clause] = []
    for earlier in protocol.steps[: places[step.id]]:
        jumps = [
            (question, consequence)
            for question, consequence in _consequences(earlier)
            if places.get(consequence.go_to, -1) > places[earlier.id]
        ]
        for number, (question, consequence) in enumerate(jumps):
            if places[consequence.go_to] > places[step.id]:
                overruled = tuple(
                    _code(protocol, later, "=", value)
                    for later, other in jumps[number + 1 :]
                    for value in other.values
                )
                clauses += [
                    clause + overruled for clause in _not_given(protocol, question, consequence.values)
                ]
    return _tidy(clauses)


def _consequences(step: Step) -> Iterator[tuple[Question, Consequence]]:
    return ((question, consequence) for question in step.questions for consequence in question.on_answer)


def _not_given(protocol: ReviewProtocol, question: Question, values: Sequence[str]) -> Conditions:
    """Give what holds when none of `values` was answered, or nothing at all yet."""
    unanswered = exists(question.id, False)
    if question.multiple:
        return tuple((_code(protocol, question, "!=", value), unanswered) for value in values)
    others = (option.value for option in question.options if option.value not in values)
    return ((*(_code(protocol, question, "=", value) for value in others), unanswered),)


def _tidy(clauses: Iterable[Clause]) -> Conditions:
    return tuple(dict.fromkeys(tuple(dict.fromkeys(clause)) for clause in clauses))


def under(conditions: Conditions, item: dict[str, Any], *, r5: bool) -> dict[str, Any]:
    """Give `item` so that it is shown only under these conditions, inside as many groups as that takes."""
    single = tuple(clause[0] for clause in conditions if len(clause) == 1)
    layers = [("any", clause) for clause in conditions if len(clause) > 1]
    if single:
        layers.append(("all", single))
    made = item
    for number, (behavior, literals) in enumerate(reversed(layers)):
        if number:
            made = {"linkId": f"{item['linkId']}.if{number}", "type": "group", "item": [made]}
        made["enableWhen"] = [literal.plain() for literal in literals]
        if len(literals) > 1:
            made["enableBehavior"] = behavior
        if r5:
            made["disabledDisplay"] = "hidden"
    return made
