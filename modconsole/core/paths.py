"""Every way a moderator can go through a protocol.

What an answer does is never worked out here: each is put to `core.run.view`, so that what the check promises and what
the console does cannot come apart.

Answers that do the same are one choice, so the number of ways stays small. A question left out is a choice too: an
optional one may be, and skipping a step leaves out the required ones. Only questions that decide what is shown next, or
who takes over, make ways; the others (`asides`) may be answered either way on each of them, and change only who is
told, how soon, what is added and what is suggested. Notices and templates make no difference.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from modconsole.core.actions import Action
from modconsole.core.protocol import (
    Consequence,
    Question,
    QuestionType,
    ReviewProtocol,
    Step,
    Test,
    When,
)
from modconsole.core.run import RunView, demanded_urgency, view
from modconsole.core.runs import Run, RunEvent, RunEventKind
from modconsole.core.urgency import Urgency

__all__ = ["MAX_PATHS", "Choice", "Path", "Probe", "Tried", "Walk", "can_hold", "walk"]

MAX_PATHS = 20_000
"""More ways than anybody can know; a protocol that has them is to be split."""

_MOST_WORK = 400_000
"""Steps looked at in one walk: a second or two, whatever a file holds."""
_MOST_GROUPS = 10
"""Options of a multiple choice that do different things; a thousand combinations are enough."""

_WHEN = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Choice:
    """Answers to one question that all do the same."""

    step: str
    question: str
    values: tuple[str, ...]
    """One of the answers. Empty: it is left out, or its step skipped."""
    alike: tuple[tuple[str, ...], ...]
    """All of them; for a multiple choice some, and for a number or a text an example."""
    skips: bool = False
    """A required question is left out, which takes a skipped step."""
    adds: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    urgency: Urgency | None = None
    suggests: tuple[Action, ...] = ()
    switch_to: str = ""
    go_to: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """One way through: what is shown, because of which answers, and how it ends."""

    steps: tuple[str, ...]
    """The visible steps, in order."""
    because: tuple[str, ...]
    """For each step, why it is shown, such as `because you said: Unclear`; empty for one that always is."""
    choices: tuple[Choice, ...]
    """The answers that decided it, in the order of the questions."""
    switched_to: str = ""
    """The protocol that takes over; empty where the way ends with closing."""
    adds: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Who is told."""
    urgency: Urgency | None = None
    suggests: tuple[Action, ...] = ()

    @property
    def skips(self) -> bool:
        return any(choice.skips for choice in self.choices)


@dataclass(frozen=True)
class Walk:
    """What was found by going every way."""

    protocol: ReviewProtocol
    paths: tuple[Path, ...]
    """At least one."""
    is_whole: bool
    """Whether these are all the ways; else there were too many to go."""
    asides: Mapping[str, tuple[Choice, ...]]
    """By question: its choices, where they do something but decide nothing about the way."""

    @cached_property
    def longest(self) -> Path:
        return max(self.paths, key=lambda path: len(path.steps))

    @cached_property
    def reached(self) -> frozenset[str]:
        """The steps that some way shows."""
        return frozenset(step for path in self.paths for step in path.steps)

    @cached_property
    def ways(self) -> int:
        """How many ways there are when the asides are counted too."""
        counts = {
            s.id: [len(self.asides.get(q.id, ())) or 1 for q in s.questions] for s in self.protocol.steps
        }
        return sum(math.prod(n for step in path.steps for n in counts[step]) for path in self.paths)


@dataclass(frozen=True, slots=True)
class Tried:
    """What one answer does, taken alone."""

    consequences: tuple[Consequence, ...]
    tests: tuple[bool, ...]
    urgency: Urgency | None
    """What the answer demands; yes and unclear to `imminent` demand `now` by themselves."""


class Probe:
    """Puts answers to one question to `view`, and says what each does.

    Args:
        question: The question.
        tests: Conditions on it, of whatever step.
    """

    def __init__(self, question: Question, tests: Sequence[Test] = (), *, of: ReviewProtocol) -> None:
        self._consequences, self._tests = question.on_answer, tests
        # Numbered notices in place of what would hide the tests or lead out of this little protocol.
        numbered = tuple(
            Consequence(c.values, show_notice=str(n), raise_urgency=c.raise_urgency)
            for n, c in enumerate(question.on_answer)
        )
        asked = Step("asked", "", questions=(replace(question, on_answer=numbered),))
        shown = tuple(Step(str(n), "", when=When((test,))) for n, test in enumerate(tests))
        self._protocol = replace(of, steps=(asked, *shown))
        self._question = question.id

    def __call__(self, values: tuple[str, ...]) -> Tried:
        shown = view(self._protocol, _run(self._protocol, [("asked", self._question, values)]))
        held = tuple(self._consequences[int(follow.consequence.show_notice)] for follow in shown.follows)
        seen = {step.step.id for step in shown.steps}
        return Tried(held, tuple(str(n) in seen for n in range(len(self._tests))), demanded_urgency([shown]))


def can_hold(protocol: ReviewProtocol, question: Question, test: Test) -> bool:
    """Say whether any answer to its question meets a condition."""
    probe = Probe(question, (test,), of=protocol)
    return any(probe(values).tests[0] for values in (*_answers(question, (test,))[0], ()))


def walk(protocol: ReviewProtocol, limit: int = MAX_PATHS) -> Walk:
    """Go every way through `protocol`; stop, and say so, when there are more than `limit`."""
    tests = _tests_by_question(protocol.steps)
    decides: dict[str, tuple[Choice, ...]] = {}
    asides: dict[str, tuple[Choice, ...]] = {}
    is_whole = True
    for step in protocol.steps:
        for question in step.questions:
            choices, shapes, all_tried = _choices(protocol, step, question, tests.get(question.id, ()))
            is_whole = is_whole and all_tried
            if len(choices) > 1:
                (decides if shapes else asides)[question.id] = choices
    paths: list[Path] = []
    work = 0
    ahead: list[tuple[Choice, ...]] = [()]
    while ahead:
        chosen = ahead.pop()
        shown = view(protocol, _run(protocol, ((c.step, c.question, c.values) for c in chosen)))
        work += len(protocol.steps)
        if len(paths) >= limit or work > _MOST_WORK:
            return Walk(protocol, tuple(paths) or (_path(shown, chosen),), False, asides)
        decided = {choice.question for choice in chosen}
        open_question = next((id for id in _asked(shown) if id in decides and id not in decided), None)
        if open_question is None:
            paths.append(_path(shown, chosen))
        else:
            ahead += [(*chosen, choice) for choice in reversed(decides[open_question])]
    return Walk(protocol, tuple(paths), is_whole, asides)


def _asked(shown: RunView) -> Iterator[str]:
    return (question.id for step in shown.steps for question in step.step.questions)


def _path(shown: RunView, chosen: tuple[Choice, ...]) -> Path:
    follows = [follow.consequence for follow in shown.follows]
    return Path(
        tuple(step.step.id for step in shown.steps),
        tuple(step.because for step in shown.steps),
        chosen,
        shown.switched_to,
        _each(c.add_protocol for c in follows),
        _each(c.escalate for c in follows),
        demanded_urgency([shown]),
        tuple(dict.fromkeys(c.suggest_action for c in follows if c.suggest_action)),
    )


def _run(protocol: ReviewProtocol, answers: Iterable[tuple[str, str, tuple[str, ...]]]) -> Run:
    events = tuple(
        RunEvent(RunEventKind.ANSWERED, step, _WHEN, "", question, values)
        for step, question, values in answers
        if values
    )
    return Run("r-walk", protocol.id, protocol.hash, _WHEN, events=events)


def _tests_by_question(steps: Sequence[Step]) -> Mapping[str, tuple[Test, ...]]:
    found: dict[str, dict[Test, None]] = {}
    for step in steps:
        for test in step.when.tests if step.when else ():
            found.setdefault(test.question, {})[test] = None
    return {question: tuple(tests) for question, tests in found.items()}


def _choices(
    protocol: ReviewProtocol, step: Step, question: Question, tests: Sequence[Test]
) -> tuple[tuple[Choice, ...], bool, bool]:
    """Give a question's choices; whether they decide what is shown; and whether every answer was tried."""
    if not tests and not question.on_answer:
        return (), False, True
    probe = Probe(question, tests, of=protocol)
    answers, all_tried = _answers(question, tests)
    kinds: dict[tuple[object, ...], list[tuple[str, ...]]] = {}
    made: dict[tuple[object, ...], Choice] = {}
    shapes: set[tuple[object, ...]] = set()
    # Left out comes last: where it does what an answer does, it is no choice of its own.
    for values in (*answers, ()):
        tried = probe(values)
        held = tried.consequences
        choice = Choice(
            step.id,
            question.id,
            values,
            (),
            question.required and not values,
            _each(c.add_protocol for c in held),
            _each(c.escalate for c in held),
            tried.urgency,
            tuple(dict.fromkeys(c.suggest_action for c in held if c.suggest_action)),
            _last(c.switch_to for c in held),
            _last(c.go_to for c in held),
        )
        shape = (tried.tests, choice.switch_to, choice.go_to)
        kind = (*shape, *map(frozenset, (choice.adds, choice.roles, choice.suggests)), choice.urgency)
        shapes.add(shape)
        made.setdefault(kind, choice)
        kinds.setdefault(kind, []).append(values)
    choices = tuple(
        replace(choice, alike=tuple(values for values in kinds[kind] if values))
        for kind, choice in made.items()
    )
    return choices, len(shapes) > 1, all_tried


def _answers(question: Question, tests: Sequence[Test]) -> tuple[list[tuple[str, ...]], bool]:
    """Give an answer of every kind there is, and whether these are all kinds."""
    match question.type:
        case QuestionType.CHOICE:
            singles: list[tuple[str, ...]] = [(option.value,) for option in question.options]
            if not question.multiple:
                return singles, True
            more, all_tried = _combinations(question, tests)
            return list(dict.fromkeys((*singles, *more))), all_tried
        case QuestionType.INTEGER:
            return [(str(number),) for number in _numbers(question, tests)], True
        case QuestionType.DATETIME:
            return [(_WHEN.isoformat(),)], True
        case QuestionType.TEXT:
            return [("a text",)], True


def _combinations(question: Question, tests: Sequence[Test]) -> tuple[list[tuple[str, ...]], bool]:
    """Give every combination of options that do different things.

    Options that stand in the same consequences and conditions are told apart by nothing, so one speaks for all.
    """
    named = [*(c.values for c in question.on_answer), *(test.values for test in tests)]
    alike: dict[tuple[bool, ...], str] = {}
    for option in question.options:
        stands_in = (option.value in values for values in named)
        alike.setdefault(tuple(stands_in), option.value)
    groups = list(alike.values())[:_MOST_GROUPS]
    combined = [
        chosen for size in range(2, len(groups) + 1) for chosen in itertools.combinations(groups, size)
    ]
    return combined, len(alike) <= _MOST_GROUPS


def _numbers(question: Question, tests: Sequence[Test]) -> list[int]:
    """Give the numbers on and beside each border that a condition draws."""
    borders = {int(float(value)) for test in tests for value in test.values if _is_number(value)}
    around = {border + beside for border in borders or {0} for beside in (-1, 0, 1)}
    low, high = question.minimum, question.maximum
    around |= {limit for limit in (low, high) if limit is not None}
    return sorted(n for n in around if (low is None or n >= low) and (high is None or n <= high))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _each(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if word))


def _last(words: Iterable[str]) -> str:
    """Give the last word that says something, as `view` lets the last consequence count."""
    return next((word for word in reversed(list(words)) if word), "")
