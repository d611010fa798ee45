"""What is wrong with the ways through a protocol: how they end, how long they are, and what nobody ever sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from modconsole.core.findings import Finding, Level, Place, conditions_of, place_of
from modconsole.core.paths import Choice, Path, Walk, can_hold
from modconsole.core.protocol import (
    Question,
    QuestionType,
    ReviewProtocol,
    Step,
    UsedFor,
)
from modconsole.core.run import FOLLOW_UP_QUESTION, MESSAGE_QUESTION

__all__ = ["MANY_STEPS", "of_nesting", "of_paths", "of_reach"]

MOST_STEPS, MANY_STEPS = 12, 9
MOST_NESTED = 3
MOST_SAID, MOST_CAUSES = 8, 10


def of_paths(walked: Walk) -> Iterator[Finding]:
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
            place_of(protocol, FOLLOW_UP_QUESTION, "type"),
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


def of_reach(walked: Walk) -> Iterator[Finding]:
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
    for place, when in conditions_of(protocol):
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


def of_nesting(protocol: ReviewProtocol) -> Iterator[Finding]:
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
