"""What a protocol says, in words: for the page on the wall, the command line and the list of differences.

Texts come out as written, so whoever shows them sends them through `core.text.plain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from modconsole.core.actions import ACTIONS, Action
from modconsole.core.protocol import (
    Consequence,
    Operator,
    Question,
    QuestionType,
    Resource,
    ReviewProtocol,
    Style,
    Test,
    UsedFor,
    When,
)

__all__ = [
    "actions_words",
    "ages_words",
    "answer_words",
    "checked_words",
    "consequence_words",
    "listed",
    "question_kind_words",
    "quoted",
    "resource_words",
    "role_words",
    "span_words",
    "style_words",
    "used_for_words",
    "when_words",
]

Naming = Callable[[str], str]
"""Gives the title of a protocol by its id."""

_AGES = {
    "u13": "under 13",
    "13_15": "13 to 15",
    "16_17": "16 to 17",
    "adult": "adults",
    "unknown": "age not known",
}
_SPANS = {"m": "minute", "h": "hour", "d": "day"}


def quoted(text: str) -> str:
    return f"“{text}”"


def listed(words: Iterable[str], last: str = "and") -> str:
    """Put words into a row: `one`, `one and two`, `one, two and three`."""
    *before, end = [*words] or [""]
    return f"{', '.join(before)} {last} {end}" if before else end


def role_words(role: str) -> str:
    return role.replace("_", " ")


def ages_words(bands: Iterable[str]) -> str:
    return listed(_AGES.get(band, band) for band in bands)


def span_words(span: str) -> str:
    """Say a time such as `24h` or `30m` in words."""
    number, unit = span[:-1], span[-1:]
    if not number.isdecimal() or unit not in _SPANS:
        return span
    return f"{number} {_SPANS[unit]}{'' if number == '1' else 's'}"


def style_words(style: Style) -> str:
    return (
        "read, then do: one step at a time" if style is Style.READ_DO else "do, then check nothing was missed"
    )


def used_for_words(used_for: UsedFor) -> str:
    match used_for:
        case UsedFor.SHIFT:
            return "for the beginning or end of a shift; nothing of the walk is kept"
        case UsedFor.SELF:
            return "for the moderator’s own wellbeing; private, nothing of the walk is kept"
        case UsedFor.CASE:
            return "for a case"


def actions_words(actions: Iterable[Action]) -> str:
    return listed(ACTIONS[action].label for action in actions)


def answer_words(question: Question | None, values: Iterable[str]) -> str:
    """Name answers in the words the moderator chooses them by: `“Yes” or “Unclear”`, or `any answer`."""
    words = {option.value: option.text for option in question.options} if question else {}
    named = list(dict.fromkeys(values))
    if len(named) > 1 and set(words) == set(named):
        return "any answer"
    return listed((quoted(words.get(value, value)) for value in named), "or")


def question_kind_words(question: Question) -> str:
    """Say how a question is answered."""
    match question.type:
        case QuestionType.CHOICE:
            said = "choose all that apply" if question.multiple else "choose one"
        case QuestionType.TEXT:
            said = "write it down"
        case QuestionType.INTEGER:
            low, high = question.minimum, question.maximum
            said = "a whole number"
            said += f" from {low}" if low is not None else ""
            said += f" to {high}" if high is not None else ""
        case QuestionType.DATETIME:
            said = "a date and time"
    return said if question.required else f"{said}, if it applies"


def when_words(when: When, protocol: ReviewProtocol) -> str:
    """Say a condition: `when you say “Unclear” to “Is it safe?”`."""
    tests = [_test_words(test, protocol.question(test.question)) for test in when.tests]
    return f"when {listed(tests, 'or' if when.any else 'and')}"


def _test_words(test: Test, question: Question | None) -> str:
    asked = quoted(question.text if question else test.question)
    answers = answer_words(question, test.values)
    match test.operator:
        case Operator.ANSWERED:
            return f"{asked} {'is answered' if test.values[0] == 'true' else 'is not answered'}"
        case Operator.NOT_EQUALS:
            return f"you say anything but {answers} to {asked}"
        case Operator.LT:
            return f"the answer to {asked} is less than {test.values[0]}"
        case Operator.GT:
            return f"the answer to {asked} is more than {test.values[0]}"
        case Operator.EQUALS if question is not None and question.multiple:
            return f"you say {answers} and nothing else to {asked}"
        case Operator.EQUALS | Operator.IN | Operator.ANY_OF:
            return f"you say {answers} to {asked}"


def consequence_words(consequence: Consequence, protocol: ReviewProtocol, naming: Naming) -> tuple[str, ...]:
    """Say what follows from an answer, the gravest first, each as an order or a fact."""
    return tuple(_consequence(consequence, protocol, naming))


def _consequence(consequence: Consequence, protocol: ReviewProtocol, naming: Naming) -> Iterator[str]:
    if consequence.raise_urgency is not None:
        yield f"the urgency becomes at least {consequence.raise_urgency}"
    if consequence.escalate:
        yield f"tell the {role_words(consequence.escalate)}"
    if consequence.switch_to:
        yield f"go over to the protocol {quoted(naming(consequence.switch_to))}"
    if consequence.add_protocol:
        once = ", unless it was begun already" if consequence.unless_running else ""
        yield f"begin {quoted(naming(consequence.add_protocol))} as well{once}"
    if consequence.go_to:
        step = next((step.text for step in protocol.steps if step.id == consequence.go_to), consequence.go_to)
        yield f"go on at {quoted(step)}"
    if consequence.suggest_action is not None:
        yield f"suggested: {ACTIONS[consequence.suggest_action].label}"
    if consequence.offer_template:
        yield f"offered: the message {quoted(consequence.offer_template)}"
    if consequence.show_notice:
        yield consequence.show_notice


def checked_words(resource: Resource, today: date | None) -> str:
    """Say whether somebody made sure that a service is still reached so, as far as that can be told without a day."""
    if resource.verified_on is None:
        return "NOT CHECKED"
    if today is not None and resource.is_stale(today):
        return f"LAST CHECKED {resource.verified_on}: CHECK AGAIN"
    return f"checked {resource.verified_on}"


def resource_words(resource: Resource) -> str:
    """Say how a service is reached: `116 123 (free, 24/7); text SHOUT to 85258`."""
    said = []
    for channel in resource.channels:
        about = ", ".join(part for part in (channel.cost, channel.hours) if part)
        kind = "" if channel.type in ("phone", "advice", "website") else f"{channel.type} "
        said.append(f"{kind}{channel.value}{f' ({about})' if about else ''}")
    return "; ".join(said)
