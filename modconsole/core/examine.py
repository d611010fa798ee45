"""What is wrong with a protocol that can be read: the rules of the safeguarding guide, sections 4 and 11.

`docs/protocol-check.md` has every rule by name: what it finds, why that harms, how to mend it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from modconsole.core.findings import Finding, Level, Place
from modconsole.core.model import AgeBand
from modconsole.core.paths import Choice, Path, Probe, Tried, Walk, can_hold, walk
from modconsole.core.protocol import (
    Consequence,
    ProtocolStatus,
    Question,
    QuestionType,
    ReviewProtocol,
    Step,
    Template,
    Test,
    UsedFor,
    When,
)
from modconsole.core.run import FOLLOW_UP_QUESTION, MESSAGE_QUESTION
from modconsole.core.urgency import Urgency
from modconsole.core.wording import wording

__all__ = ["Neighbour", "circles", "examine", "leads_to", "templates_named"]

MOST_STEPS, MANY_STEPS = 12, 9
MOST_NESTED = 3
REVIEW_WITHIN_MONTHS = 24
MOST_SAID, MOST_CAUSES = 8, 10

UNCLEAR = "unclear"
CHILD_BANDS = (AgeBand.UNDER_13, AgeBand.TO_15, AgeBand.TO_17)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What has to be known of another protocol to judge one that leads to it."""

    title: str
    urgency: Urgency
    used_for: UsedFor


def examine(
    protocol: ReviewProtocol,
    neighbours: Mapping[str, Neighbour],
    templates: Mapping[str, Template],
    today: date,
) -> list[Finding]:
    """Give everything that is wrong with one protocol.

    Args:
        protocol: One that could be read.
        neighbours: The other protocols of the library, by id; those that cannot be read are not among them.
        templates: The message templates, by id.
        today: For what expires.
    """
    walked = walk(protocol)
    return [
        *_paths(walked),
        *_reach(walked),
        *_nesting(protocol),
        *_safety(protocol, neighbours),
        *_emergency(protocol),
        *_age(protocol),
        *_handing_over(protocol, neighbours),
        *_governance(protocol, today),
        *_templates(protocol, templates),
        *wording(protocol),
    ]


# Every way through


def _paths(walked: Walk) -> Iterator[Finding]:
    protocol = walked.protocol
    if not walked.is_whole:
        yield Finding(
            Level.ERROR,
            "too-many-paths",
            Place(keys=("steps",)),
            f"more ways through than can be walked (after {len(walked.paths):,} we stopped)",
            "fewer branches; hand over to another protocol rather than branch further",
        )
    length = len(walked.longest.steps)
    if length > MANY_STEPS:
        yield Finding(
            Level.ERROR if length > MOST_STEPS else Level.WARNING,
            "too-long",
            Place(keys=("steps",)),
            f"a path of {length} visible steps{_said(walked.longest.choices)}",
            f"{MANY_STEPS} at most, with the steps of includes; another protocol can take over the rest",
        )
    if protocol.used_for is not UsedFor.CASE:
        return  # nothing of such a walk is kept, so there is nothing to decide, tell or come back to
    yield from _each_path(
        walked,
        "path-without-outcome",
        _has_outcome,
        ("decisions",),
        "a path on which no step offers an action that may be decided",
        "on every path, a visible step with `actions` that are among `decisions`, or switch_to",
    )
    yield from _each_path(
        walked,
        "path-without-message-decision",
        _asks(MESSAGE_QUESTION),
        ("close_requires",),
        f"a path on which “{MESSAGE_QUESTION}” is not asked, or not required",
        f"“{MESSAGE_QUESTION}” with required: true on every path, as in the include closing-questions",
    )
    yield from _each_path(
        walked,
        "path-without-follow-up",
        _asks(FOLLOW_UP_QUESTION),
        ("close_requires",),
        f"a path on which “{FOLLOW_UP_QUESTION}” is not asked, or not required",
        f"“{FOLLOW_UP_QUESTION}” with required: true on every path, as in the include closing-questions",
    )
    follow_up = protocol.question(FOLLOW_UP_QUESTION)
    if follow_up is not None and follow_up.type is not QuestionType.DATETIME:
        yield Finding(
            Level.ERROR,
            "path-without-follow-up",
            _place_of(protocol, FOLLOW_UP_QUESTION, "type"),
            f"“{FOLLOW_UP_QUESTION}” of type {follow_up.type}",
            f"type: {QuestionType.DATETIME}, so that the case comes back at that time",
        )


def _each_path(
    walked: Walk,
    rule: str,
    holds: Callable[[ReviewProtocol, Path], bool],
    keys: tuple[str | int, ...],
    found: str,
    expected: str,
) -> Iterator[Finding]:
    """Say by which answers the way goes wrong, and name each of them once, however many paths go on from there."""
    wrong: list[Path] = []
    right: list[Path] = []
    for path in walked.paths:
        (right if path.switched_to or holds(walked.protocol, path) else wrong).append(path)
    if not wrong:
        return
    if all(path.switched_to for path in right):
        everywhere = frozenset.intersection(*(frozenset(map(_key, path.choices)) for path in wrong))
        common = [choice for choice in wrong[0].choices if _key(choice) in everywhere]
        yield Finding(Level.ERROR, rule, Place(keys=keys), f"{found}{_said(common)}", expected)
        return
    for choices in _causes(wrong, right):
        place = Place(choices[-1].step, choices[-1].question)
        yield Finding(Level.ERROR, rule, place, f"{found}{_said(choices)}", expected)


def _causes(wrong: Sequence[Path], right: Sequence[Path]) -> Iterator[Sequence[Choice]]:
    """Give answers that lead to nothing but wrong paths, those with the most first; else a path’s answers in full."""
    innocent = {_key(choice) for path in right for choice in path.choices}
    left = [(path, {_key(choice): choice for choice in path.choices}) for path in wrong]
    for _ in range(MOST_CAUSES):
        counts = Counter(key for _, choices in left for key in choices if key not in innocent)
        if not counts:
            break
        cause = max(counts, key=counts.__getitem__)
        yield (next(choices[cause] for _, choices in left if cause in choices),)
        left = [(path, choices) for path, choices in left if cause not in choices]
    by_last: dict[tuple[str, tuple[str, ...]], Path] = {}
    for path, _ in left:
        known = by_last.setdefault(_key(path.choices[-1]), path)
        if len(path.choices) < len(known.choices):
            by_last[_key(path.choices[-1])] = path
    yield from (path.choices for path in by_last.values())


def _key(choice: Choice) -> tuple[str, tuple[str, ...]]:
    return choice.question, choice.values


def _has_outcome(protocol: ReviewProtocol, path: Path) -> bool:
    """Say whether this path offers something to decide.

    What a skipped question would have suggested counts: its step was on the screen with all its answers.
    """
    visible = frozenset(path.steps)
    steps = [step for step in protocol.steps if step.id in visible]
    offered = {action for step in steps for action in step.actions} | set(path.suggests)
    skipped = {choice.question for choice in path.choices if choice.skips}
    offered |= {
        consequence.suggest_action
        for step in steps
        for question in step.questions
        if question.id in skipped
        for consequence in question.on_answer
        if consequence.suggest_action
    }
    return bool(offered & set(protocol.decisions)) or _aside_always_suggests(protocol, steps)


def _aside_always_suggests(protocol: ReviewProtocol, steps: Sequence[Step]) -> bool:
    """Say whether a required choice on the way suggests something whatever is answered."""
    wanted = set(protocol.decisions)
    return any(
        question.required
        and question.options
        and all(
            any(c.suggest_action in wanted and option.value in c.values for c in question.on_answer)
            for option in question.options
        )
        for step in steps
        for question in step.questions
    )


def _asks(id: str) -> Callable[[ReviewProtocol, Path], bool]:
    def asked(protocol: ReviewProtocol, path: Path) -> bool:
        visible = frozenset(path.steps)
        return any(
            question.id == id and question.required
            for step in protocol.steps
            if step.id in visible
            for question in step.questions
        )

    return asked


def _said(choices: Sequence[Choice]) -> str:
    """Say by which answers one comes here, in the words of the file."""
    said = [
        f"{choice.question}: {'+'.join(choice.values) or ('skipped' if choice.skips else 'left out')}"
        for choice in choices
    ]
    if len(said) > MOST_SAID:
        said = [*said[: MOST_SAID - 1], "…", said[-1]]
    return f" after {', '.join(said)}" if said else ""


# What nobody ever sees


def _reach(walked: Walk) -> Iterator[Finding]:
    if not walked.is_whole:
        return  # what was not found may be on the ways not gone
    protocol = walked.protocol
    for step in protocol.steps:
        if step.id not in walked.reached:
            yield Finding(
                Level.ERROR,
                "unreachable-step",
                Place(step.id, keys=("when",) if step.when else ()),
                f"the step “{step.id}”, which no answers ever show",
                "a condition that can hold, or no such step",
            )
            continue
        for question in step.questions:
            yield from _lost_consequences(step, question)
    asked = {q.id: q for step in protocol.steps if step.id in walked.reached for q in step.questions}
    for place, when in _conditions(protocol):
        if place.step and (place.step not in walked.reached or not when.any):
            continue  # a condition all of which must hold is judged by whether the step is ever shown
        for number, test in enumerate(when.tests):
            tested = asked.get(test.question)
            if tested is None or not can_hold(protocol, tested, test):
                yield Finding(
                    Level.ERROR,
                    "unreachable-condition",
                    Place(place.step, keys=(*place.keys, "tests", number)),
                    f"a condition on “{test.question}” that no answer ever meets",
                    "a condition that can hold",
                )


def _conditions(protocol: ReviewProtocol) -> Iterator[tuple[Place, When]]:
    for step in protocol.steps:
        if step.when:
            yield Place(step.id, keys=("when",)), step.when
    if protocol.sign_off and protocol.sign_off.when:
        yield Place(keys=("sign_off", "when")), protocol.sign_off.when
    if protocol.follow_up_required:
        yield Place(keys=("follow_up", "required_when")), protocol.follow_up_required


def _lost_consequences(step: Step, question: Question) -> Iterator[Finding]:
    """Find jumps and handovers that another consequence of the same answers always overrides: the last one counts."""
    if question.multiple:
        return
    for number, consequence in enumerate(question.on_answer):
        for key in ("switch_to", "go_to"):
            target = getattr(consequence, key)
            if not target:
                continue
            later = {
                value
                for other in question.on_answer[number + 1 :]
                if getattr(other, key) not in ("", target)
                for value in other.values
            }
            handed = {v for other in question.on_answer if other.switch_to for v in other.values}
            if set(consequence.values) <= (later if key == "switch_to" else later | handed):
                yield Finding(
                    Level.ERROR,
                    "unreachable-consequence",
                    Place(step.id, question.id, ("on_answer", number, key)),
                    f"“{key}: {target}”, which never comes about: a later line of the same answers counts",
                    f"one {key} for each answer",
                )


def _nesting(protocol: ReviewProtocol) -> Iterator[Finding]:
    asked_in: dict[str, Step] = {q.id: step for step in protocol.steps for q in step.questions}
    depth: dict[str, int] = {}
    for step in protocol.steps:  # a condition is only ever on an earlier step, so one pass will do
        tests = step.when.tests if step.when else ()
        above = [depth.get(asked_in[test.question].id, 0) for test in tests if test.question in asked_in]
        depth[step.id] = 1 + max(above) if above else 0
        if depth[step.id] > MOST_NESTED:
            yield Finding(
                Level.ERROR,
                "nested-too-deep",
                Place(step.id, keys=("when",)),
                f"a step {depth[step.id]} conditions deep: it hangs on a step that hangs on a step, and so on",
                f"{MOST_NESTED} at most; hand over to another protocol rather than nest",
            )


# Safety


def _safety(protocol: ReviewProtocol, neighbours: Mapping[str, Neighbour]) -> Iterator[Finding]:
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


def _emergency(protocol: ReviewProtocol) -> Iterator[Finding]:
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


def _age(protocol: ReviewProtocol) -> Iterator[Finding]:
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
            for place, when in _conditions(protocol):
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


# Other protocols


def _handing_over(protocol: ReviewProtocol, neighbours: Mapping[str, Neighbour]) -> Iterator[Finding]:
    for step, question, number, consequence in _consequences(protocol):
        for key in ("switch_to", "add_protocol"):
            other = neighbours.get(getattr(consequence, key))
            if other is not None and other.used_for is not UsedFor.CASE:
                yield Finding(
                    Level.ERROR,
                    "leads-off-the-case",
                    Place(step.id, question.id, ("on_answer", number, key)),
                    f"“{key}” to “{getattr(consequence, key)}”, used for {other.used_for}, never on a case",
                    "a protocol that is used for cases",
                )
        if consequence.unless_running and not consequence.add_protocol:
            yield Finding(
                Level.WARNING,
                "unless-running-alone",
                Place(step.id, question.id, ("on_answer", number, "unless_running")),
                "“unless_running” without add_protocol",
                "it beside add_protocol, the only thing it says something about",
            )


def leads_to(protocol: ReviewProtocol) -> tuple[str, ...]:
    """Name the protocols that may take over from this one or be added to it."""
    return tuple(
        dict.fromkeys(id for *_, c in _consequences(protocol) for id in (c.switch_to, c.add_protocol) if id)
    )


def circles(protocols: Mapping[str, ReviewProtocol]) -> dict[str, list[Finding]]:
    """Find protocols that lead back to themselves, by the protocol in which each step of the circle stands.

    `add_protocol` with `unless_running: true` begins nothing twice, so no circle goes through it.
    """
    leads: dict[str, dict[str, Place]] = {}
    for id, protocol in protocols.items():
        leads[id] = {}
        for step, question, number, consequence in _consequences(protocol):
            for key in ("switch_to", "add_protocol"):
                target = getattr(consequence, key)
                if target in protocols and not (key == "add_protocol" and consequence.unless_running):
                    place = Place(step.id, question.id, ("on_answer", number, key))
                    leads[id].setdefault(target, place)
    found: dict[str, list[Finding]] = {}
    for id, targets in leads.items():
        for target, place in targets.items():
            back = _way(leads, target, id)
            if back:
                circle = " → ".join((id, *back))
                found.setdefault(id, []).append(
                    Finding(
                        Level.ERROR,
                        "circle",
                        place,
                        f"a circle of protocols: {circle}",
                        "no way back; where two may need each other, add_protocol with unless_running: true",
                    )
                )
    return found


def _way(leads: Mapping[str, Iterable[str]], start: str, goal: str) -> tuple[str, ...]:
    """Give a shortest way from one protocol to another; nothing if there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        if way[-1] == goal:
            return way
        ahead = [id for id in leads.get(way[-1], ()) if id not in seen]
        seen.update(ahead)
        ways += [(*way, id) for id in ahead]
    return ()


def _consequences(protocol: ReviewProtocol) -> Iterator[tuple[Step, Question, int, Consequence]]:
    for step in protocol.steps:
        for question in step.questions:
            for number, consequence in enumerate(question.on_answer):
                yield step, question, number, consequence


# Governance


def _governance(protocol: ReviewProtocol, today: date) -> Iterator[Finding]:
    governance = protocol.governance
    review, begins = governance.review_by, governance.effective_from
    review_at = Place(keys=("governance", "review_by"))
    if protocol.status is ProtocolStatus.APPROVED:
        if not protocol.is_approved:
            yield Finding(
                Level.ERROR,
                "approved-without-approval",
                Place(keys=("status",)),
                "“approved”, and no approval of this very text",
                f"an approval whose content_hash is {protocol.hash}, or status: draft",
            )
        if (today - review).days > governance.overdue_grace_days:
            yield Finding(
                Level.ERROR,
                "approved-but-expired",
                review_at,
                f"a review that was due on {review}, more than {governance.overdue_grace_days} days ago",
                "a review and a new approval",
            )
    if begins is not None and begins > review:
        yield Finding(
            Level.ERROR,
            "never-in-force",
            Place(keys=("governance", "effective_from")),
            f"in force from {begins}, after its review on {review}",
            "a day before review_by",
        )
    if (review.year, review.month, review.day) > (
        today.year + REVIEW_WITHIN_MONTHS // 12,
        today.month,
        today.day,
    ):
        yield Finding(
            Level.WARNING,
            "review-too-far",
            review_at,
            f"a review on {review}, more than {REVIEW_WITHIN_MONTHS} months off",
            f"a day within {REVIEW_WITHIN_MONTHS} months",
        )
    if not governance.evidence:
        yield Finding(
            Level.WARNING,
            "no-evidence",
            Place(keys=("governance", "evidence")),
            "no evidence",
            "the sources it rests on, by their short names",
        )


# Messages


def templates_named(protocol: ReviewProtocol) -> tuple[str, ...]:
    """Name the messages that this protocol offers."""
    return tuple(dict.fromkeys(id for _, id in _template_places(protocol)))


def _templates(protocol: ReviewProtocol, templates: Mapping[str, Template]) -> Iterator[Finding]:
    for place, id in _template_places(protocol):
        template = templates.get(id)
        if template is None:
            continue
        if protocol.id in template.never_with:
            yield Finding(
                Level.WARNING,
                "template-never-here",
                place,
                f"the template “{id}”, which says never_with “{protocol.id}”",
                "another template",
            )
        if (
            template.age_bands
            and protocol.age_bands
            and not set(template.age_bands) & set(protocol.age_bands)
        ):
            yield Finding(
                Level.WARNING,
                "template-does-not-fit",
                place,
                f"the template “{id}” for ages {', '.join(template.age_bands)}",
                f"one for an age this protocol is for: {', '.join(protocol.age_bands)}",
            )
        if not _places_meet(template.jurisdictions, protocol.jurisdictions):
            yield Finding(
                Level.WARNING,
                "template-does-not-fit",
                place,
                f"the template “{id}” for {', '.join(template.jurisdictions)}",
                f"one for a place this protocol is for: {', '.join(protocol.jurisdictions)}",
            )


def _template_places(protocol: ReviewProtocol) -> Iterator[tuple[Place, str]]:
    for step in protocol.steps:
        for number, id in enumerate(step.templates):
            yield Place(step.id, keys=("templates", number)), id
    for step, question, number, consequence in _consequences(protocol):
        if consequence.offer_template:
            yield (
                Place(step.id, question.id, ("on_answer", number, "offer_template")),
                consequence.offer_template,
            )


def _places_meet(first: Sequence[str], second: Sequence[str]) -> bool:
    if not first or not second:
        return True
    return any(a == b or a.startswith(f"{b}-") or b.startswith(f"{a}-") for a in first for b in second)


def _place_of(protocol: ReviewProtocol, question: str, *keys: str | int) -> Place:
    step = next(step for step in protocol.steps if any(q.id == question for q in step.questions))
    return Place(step.id, question, keys)
