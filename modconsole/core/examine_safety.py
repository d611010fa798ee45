"""What is wrong with a protocol's safety questions, its emergency step, and what it makes of a member's age."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modconsole.core.findings import Finding, Level, Neighbour, Place, conditions_of
from modconsole.core.model import AgeBand
from modconsole.core.paths import Probe, Tried
from modconsole.core.protocol import (
    Question,
    QuestionType,
    ReviewProtocol,
    Step,
    Test,
    When,
)
from modconsole.core.urgency import Urgency

__all__ = ["of_age", "of_emergency", "of_safety"]

UNCLEAR = "unclear"
CHILD_BANDS = (AgeBand.UNDER_13, AgeBand.TO_15, AgeBand.TO_17)


def of_safety(protocol: ReviewProtocol, neighbours: Mapping[str, Neighbour]) -> Iterator[Finding]:
    for place, step in enumerate(protocol.steps):
        for question in step.questions:
            if not question.safety or question.type is not QuestionType.CHOICE:
                continue
            if not question.required:
                yield Finding(
                    Level.WARNING,
                    "safety-not-required",
                    Place(step.id, question.id),
                    "a safety question that may be left out",
                    "required: true; the step can still be skipped with a reason",
                )
            if any(option.value == UNCLEAR for option in question.options):
                yield from _unclear(protocol, place, question, neighbours)


@dataclass(frozen=True, slots=True)
class _Caution:
    """What one answer sets in motion, so that two answers can be compared."""

    urgency: int
    """Rank; 0 is `now`, 4 is none demanded."""
    roles: frozenset[str]
    switches: frozenset[str]
    adds: frozenset[str]
    shown: frozenset[str]
    """The later steps that this answer does not hide."""

    @property
    def order(self) -> tuple[int, int, int, int, int]:
        return (-self.urgency, len(self.switches), len(self.roles), len(self.adds), len(self.shown))


def _unclear(
    protocol: ReviewProtocol, place: int, question: Question, neighbours: Mapping[str, Neighbour]
) -> Iterator[Finding]:
    """Hold `unclear` to rule 4 of the guide: if unsure, take the more cautious branch, then ask.

    Caution is what an answer sets in motion: the urgency it demands (its own, and that of the protocols it hands over
    to or adds), who is told, which protocols follow, and which steps are shown. "Unclear" may do more than any other
    answer, never less:

    - No other answer may demand a faster response.
    - Where the question is yes or no, one of the two is the more cautious: the faster one; of two as fast the one that
      hands over; then the one that tells more people, adds more protocols, shows more steps. "Unclear" then sets in
      motion everything that this one does. It need not do what the calmer answer does: a step such as "keep it up"
      belongs to a plain no. Where neither is more cautious, being like one of them is enough.
    - Any other answer may tell nobody whom "unclear" does not tell.
    - Steps are compared only where "unclear" hands over to no other protocol: what is shown then is up to that one.
      Conditions on other questions are taken as they may be, since they are the same for both answers.
    """
    tests = [test for step in protocol.steps for test in (step.when.tests if step.when else ())]
    mine = [test for test in tests if test.question == question.id]
    probe = Probe(question, mine, of=protocol)
    values = [option.value for option in question.options]

    def caution(value: str) -> _Caution:
        tried = probe((value,))
        leads_to = [
            id for c in tried.consequences for id in (c.switch_to, c.add_protocol) if id in neighbours
        ]
        ranks = [neighbours[id].urgency.rank for id in leads_to]
        ranks += [tried.urgency.rank] if tried.urgency else []
        return _Caution(
            min(ranks, default=4),
            frozenset(c.escalate for c in tried.consequences if c.escalate),
            frozenset(c.switch_to for c in tried.consequences if c.switch_to),
            frozenset(c.add_protocol for c in tried.consequences if c.add_protocol),
            _shown(protocol, place, question.id, tried, dict(zip(mine, tried.tests, strict=True))),
        )

    unclear = caution(UNCLEAR)
    others = {value: caution(value) for value in values if value != UNCLEAR}
    yes_no = {value: others[value] for value in ("yes", "no") if value in others}
    lacking: dict[str, list[str]] = {}
    if len(yes_no) == 2:
        top = max(c.order for c in yes_no.values())
        cautious = [value for value, c in yes_no.items() if c.order == top]
        lacks = {value: _lacks(unclear, yes_no[value], everything=True) for value in cautious}
        if all(lacks.values()):
            lacking |= {cautious[0]: lacks[cautious[0]]}
    for value, other in others.items():
        if value not in yes_no or len(yes_no) < 2:
            lacking[value] = _lacks(unclear, other, everything=False)
    at = next(n for n, option in enumerate(question.options) if option.value == UNCLEAR)
    step = protocol.steps[place]
    for value, missing in lacking.items():
        if missing:
            yield Finding(
                Level.ERROR,
                "unclear-not-cautious",
                Place(step.id, question.id, ("options", at)),
                f"“unclear” to “{question.id}” does less than “{value}”: {'; '.join(missing)}",
                f"“unclear” beside “{value}” wherever that leads to more: if unsure, the more cautious branch",
            )


def _lacks(unclear: _Caution, other: _Caution, *, everything: bool) -> list[str]:
    missing = []
    if other.urgency < unclear.urgency:
        missing.append(f"no urgency {list(Urgency)[other.urgency]}")
    missing += [f"does not tell the {role}" for role in sorted(other.roles - unclear.roles)]
    if everything:
        missing += [f"no switch_to {id}" for id in sorted(other.switches - unclear.switches)]
        if not unclear.switches:
            missing += [f"no add_protocol {id}" for id in sorted(other.adds - unclear.adds)]
            missing += [f"the step “{id}” is not shown" for id in sorted(other.shown - unclear.shown)]
        else:
            missing += [
                f"no add_protocol {id}" for id in sorted(other.adds - unclear.adds - unclear.switches)
            ]
    return missing


def _shown(
    protocol: ReviewProtocol,
    place: int,
    question: str,
    tried: Tried,
    held: Mapping[Test, bool],
) -> frozenset[str]:
    """Name the later steps that this answer does not hide: by their conditions on it, or by jumping over them."""
    later = protocol.steps[place + 1 :]
    targets = [c.go_to for c in tried.consequences if c.go_to]
    jumped: set[str] = set()
    if targets and targets[-1] in [step.id for step in later]:
        for step in later:
            if step.id == targets[-1]:
                break
            jumped.add(step.id)
    shown = set()
    for step in later:
        tests = [test for test in (step.when.tests if step.when else ()) if test.question == question]
        holds = not tests or (any if step.when and step.when.any else all)(held[test] for test in tests)
        if step.emergency or (holds and step.id not in jumped):
            shown.add(step.id)
    return frozenset(shown)


def of_emergency(protocol: ReviewProtocol) -> Iterator[Finding]:
    """Find an emergency step that anything stands before: the emergency panel comes first, whatever else is asked."""
    first = next((n for n, step in enumerate(protocol.steps) if step.emergency), None)
    if not first:
        return
    yield Finding(
        Level.ERROR,
        "emergency-gated",
        Place(protocol.steps[first].id, keys=("emergency",)),
        f"the emergency step comes after “{protocol.steps[0].id}”",
        "the emergency step before all others: an emergency is never gated",
    )


def of_age(protocol: ReviewProtocol) -> Iterator[Finding]:
    """Find what treats a member whose age is not known unlike a child (guide, section 3: handled as under 18).

    Whatever sets any under-18 band apart from adults has to set `unknown` apart from them too.
    """
    for step in protocol.steps:
        for question in step.questions:
            values = {option.value for option in question.options}
            if not values & set(CHILD_BANDS):
                continue
            if AgeBand.UNKNOWN not in values:
                yield Finding(
                    Level.ERROR,
                    "age-unknown-is-child",
                    Place(step.id, question.id, ("options",)),
                    "a question about age without “unknown”",
                    "an option with the value “unknown”, handled as under 18",
                )
                continue
            yield from _age_consequences(protocol, step, question)
            for place, when in conditions_of(protocol):
                yield from _age_condition(protocol, question, place, when)


def _age_consequences(protocol: ReviewProtocol, step: Step, question: Question) -> Iterator[Finding]:
    probe = Probe(question, of=protocol)
    for number, consequence in enumerate(question.on_answer):
        does = {band: consequence in probe((band,)).consequences for band in AgeBand}
        if _unlike_a_child(does, consequence.values):
            yield _age_finding(Place(step.id, question.id, ("on_answer", number, "in")))


def _age_condition(
    protocol: ReviewProtocol, question: Question, place: Place, when: When
) -> Iterator[Finding]:
    tests = tuple(test for test in when.tests if test.question == question.id)
    if not tests:
        return
    probe = Probe(question, tests, of=protocol)
    does = {band: (any if when.any else all)(probe((band,)).tests) for band in AgeBand}
    if _unlike_a_child(does, [value for test in tests for value in test.values]):
        number = when.tests.index(tests[0])
        yield _age_finding(Place(place.step, keys=(*place.keys, "tests", number)))


def _unlike_a_child(does: Mapping[AgeBand, bool], named: Sequence[str]) -> bool:
    """Say whether `unknown` is handled unlike a child, where children are set apart from adults or named at all.

    A condition on `unknown` alone, such as for a step that asks how old they are, says nothing about children.
    """
    adult = does[AgeBand.ADULT]
    apart = any(does[band] is not adult for band in CHILD_BANDS)
    as_a_child = (not adult) if apart else adult
    return does[AgeBand.UNKNOWN] is not as_a_child and (apart or bool(set(named) & set(CHILD_BANDS)))


def _age_finding(place: Place) -> Finding:
    return Finding(
        Level.ERROR,
        "age-unknown-is-child",
        place,
        "“unknown” handled unlike the under-18 bands",
        "“unknown” beside the under-18 bands: age not known is handled as under 18",
    )
