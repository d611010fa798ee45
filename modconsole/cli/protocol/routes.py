"""Every way through a protocol, as sentences that a safeguarding lead can read, and as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modconsole.core.paths import Choice, Path, Walk
from modconsole.core.protocol import Question, ReviewProtocol, Step

__all__ = ["plain_walk", "sentences"]


def sentences(walked: Walk, titles: Mapping[str, str]) -> Iterator[str]:
    """Give the lines: what holds on every way, then each way by itself, grouped by how it ends.

    Args:
        walked: What was found.
        titles: What the protocols it leads to are called, by id.
    """
    tell = _Teller(walked.protocol, titles)
    protocol = walked.protocol
    yield f"{protocol.id}: {protocol.title} (version {protocol.version}, {protocol.status})"
    yield _summary(walked)
    always = frozenset.intersection(*(frozenset(path.steps) for path in walked.paths))
    yield from ("", "Every route shows:")
    yield from (f"  {tell.step(step)}" for step in protocol.steps if step.id in always)
    yield from _asides(walked, always, tell)
    ends: dict[str, list[Path]] = {}
    for path in walked.paths:
        ends.setdefault(path.switched_to, []).append(path)
    number = 0
    for end in sorted(ends, key=bool, reverse=True):  # handing over first, for it comes first in time
        how = f"by handing over to {tell.other(end)}" if end else "with closing the case"
        yield from ("", f"Routes that end {how}:")
        for path in ends[end]:
            number += 1
            first, *others = tell.route(path, always)
            yield from (f"{number}. {first}", *(f"   {line}" for line in others))


def _summary(walked: Walk) -> str:
    count, longest = len(walked.paths), len(walked.longest.steps)
    said = f"{count:,} route{'' if count == 1 else 's'}; the longest has {longest} steps."
    if not walked.is_whole:
        return f"At least {said} There are too many to walk them all."
    if walked.ways > count:
        said += (
            f" Counting answers that change only who is told, how soon, or what is added or suggested: "
            f"{walked.ways:,} ways."
        )
    return said


def _asides(walked: Walk, always: frozenset[str], tell: _Teller) -> Iterator[str]:
    """Give what answers do that decide nothing about the way: on every route first, then where a step is shown."""
    steps = [step for step in walked.protocol.steps if any(q.id in walked.asides for q in step.questions)]
    for here, head in (
        ([step for step in steps if step.id in always], "On every route:"),
        ([step for step in steps if step.id not in always], "Where the question is shown:"),
    ):
        lines = [
            f"  - {tell.choice(choice)}: {', '.join(effects)}."
            for step in here
            for question in step.questions
            for choice in walked.asides.get(question.id, ())
            if (effects := tell.effects(choice))
        ]
        if lines:
            yield from ("", head, *lines)


class _Teller:
    """Puts ids into the words of the protocol."""

    def __init__(self, protocol: ReviewProtocol, titles: Mapping[str, str]) -> None:
        self._titles = titles
        self._steps: Mapping[str, Step] = {step.id: step for step in protocol.steps}
        self._questions: Mapping[str, Question] = {q.id: q for step in protocol.steps for q in step.questions}

    def step(self, step: Step) -> str:
        return f"{step.text} (emergency: shown in every state)" if step.emergency else step.text

    def other(self, id: str) -> str:
        return f"“{self._titles[id]}” ({id})" if id in self._titles else f"“{id}”"

    def choice(self, choice: Choice) -> str:
        question = self._questions[choice.question]
        if not choice.values:
            left = "skip the step with" if choice.skips else "leave unanswered:"
            return f"You {left} “{question.text}”"
        words = {option.value: option.text for option in question.options}
        single: list[tuple[str, ...]] = [values for values in choice.alike if len(values) == 1] or list(
            choice.alike
        )
        said = [" and ".join(f"“{words.get(value, value)}”" for value in values) for values in single]
        if not words:
            said = ["something"] if question.type != "integer" else [f"such as {said[0]}"]
        more = " (or several of them)" if question.multiple and len(single) < len(choice.alike) else ""
        return f"You say {_or(said)}{more} to “{question.text}”"

    def effects(self, choice: Choice) -> list[str]:
        said = [f"urgency becomes {choice.urgency}"] if choice.urgency else []
        said += [f"the {role.replace('_', ' ')} is told" for role in choice.roles]
        said += [f"{self.other(id)} is added" for id in choice.adds]
        said += [f"“{action.replace('_', ' ')}” is suggested" for action in choice.suggests]
        return said

    def route(self, path: Path, always: frozenset[str]) -> Iterator[str]:
        for number, choice in enumerate(path.choices):
            done = [*self.effects(choice), *self._shown(choice, path, always)]
            if choice.go_to in self._steps:
                done.append(f"you go on to “{self._steps[choice.go_to].text}”")
            said = self.choice(choice)
            yield f"{f'Then y{said[1:]}' if number else said}{f': {_and(done)}' if done else ''}."
        if not path.choices:
            yield "Whatever you answer, these steps are shown."
        end = f"handing over to {self.other(path.switched_to)}" if path.switched_to else "closing the case"
        yield f"It ends by {end}, after {len(path.steps)} step{'' if len(path.steps) == 1 else 's'}."

    def _shown(self, choice: Choice, path: Path, always: frozenset[str]) -> list[str]:
        """Name the steps that this answer brought, each at the last answer it had to wait for."""
        order = [made.question for made in path.choices]
        found = []
        for id, because in zip(path.steps, path.because, strict=True):
            step = self._steps[id]
            asked = [test.question for test in step.when.tests if test.question in order] if step.when else []
            if id not in always and asked and max(asked, key=order.index) == choice.question:
                plainly = len(choice.alike) <= 1 and len(asked) == 1
                found.append(
                    f"“{step.text}” is shown{f' {because}' if plainly else ', because of that answer'}"
                )
        return found


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, and {words[-1]}"


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def plain_walk(walked: Walk) -> dict[str, Any]:
    """Give a walk as plain values, with stable names."""
    protocol = walked.protocol
    return {
        "protocol": protocol.id,
        "version": protocol.version,
        "title": protocol.title,
        "complete": walked.is_whole,
        "count": len(walked.paths),
        "ways": walked.ways,
        "longest": len(walked.longest.steps),
        "paths": [
            {
                "number": number,
                "steps": list(path.steps),
                "because": list(path.because),
                "answers": [_plain_choice(choice) for choice in path.choices],
                "ends": "switch" if path.switched_to else "close",
                "switch_to": path.switched_to,
                "add_protocols": list(path.adds),
                "told": list(path.roles),
                "urgency": path.urgency or "",
                "suggested_actions": list(path.suggests),
            }
            for number, path in enumerate(_in_print(walked), 1)
        ],
        "asides": [
            _plain_choice(choice) for choices in walked.asides.values() for choice in choices if choice.values
        ],
    }


def _in_print(walked: Walk) -> list[Path]:
    """Give the paths in the order of the sentences, so that a number means the same in both."""
    ends: dict[str, list[Path]] = {}
    for path in walked.paths:
        ends.setdefault(path.switched_to, []).append(path)
    return [path for end in sorted(ends, key=bool, reverse=True) for path in ends[end]]


def _plain_choice(choice: Choice) -> dict[str, Any]:
    return {
        "step": choice.step,
        "question": choice.question,
        "answers": [list(values) for values in choice.alike],
        "left_out": not choice.values,
        "skips_step": choice.skips,
        "go_to": choice.go_to,
        "switch_to": choice.switch_to,
        "add_protocols": list(choice.adds),
        "told": list(choice.roles),
        "urgency": choice.urgency or "",
        "suggested_actions": list(choice.suggests),
    }
