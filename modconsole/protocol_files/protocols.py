"""From a protocol file's record to the resolved protocol: includes put in, everything it names looked up.

The plain form made here is that of `core.protocol.ReviewProtocol`, as `core.codec.from_plain` reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modconsole.core.protocol import Operator, QuestionType
from modconsole.core.run import EMERGENCY_QUESTION
from modconsole.protocol_files.kinds import AsWritten, Group, ListOf
from modconsole.protocol_files.problems import Mark, Record, Report, one_of, quote
from modconsole.protocol_files.schema import PROTOCOL
from modconsole.protocol_files.tree import Fields, Items, Node, Scalar

__all__ = [
    "Known",
    "check",
    "more",
    "plain_approvals",
    "plain_protocol",
    "refuse_gated_emergency",
    "resolve",
    "topics_wished",
]

_FOR_CHOICE = (Operator.EQUALS, Operator.NOT_EQUALS, Operator.IN, Operator.ANY_OF, Operator.ANSWERED)
_FITTING: Mapping[str, tuple[Operator, ...]] = {
    QuestionType.CHOICE: _FOR_CHOICE,
    QuestionType.INTEGER: (
        Operator.EQUALS,
        Operator.NOT_EQUALS,
        Operator.LT,
        Operator.GT,
        Operator.ANSWERED,
    ),
    QuestionType.TEXT: (Operator.ANSWERED,),
    QuestionType.DATETIME: (Operator.ANSWERED,),
}


@dataclass(frozen=True, slots=True)
class Known:
    """What the library has, for a protocol to name."""

    protocols: Collection[str]
    includes: Mapping[str, Record | None]
    """None where the file is there and cannot be used."""
    templates: Collection[str]
    topics: Collection[str]


def refuse_gated_emergency(node: Node, report: Report) -> None:
    """Refuse `blocks_emergency` anywhere in a file unless it says false: nothing may stand before an emergency call."""
    if isinstance(node, Items):
        for item in node.items:
            refuse_gated_emergency(item, report)
    elif isinstance(node, Fields):
        for key, value in node.fields.items():
            if key == "blocks_emergency" and not (isinstance(value, Scalar) and value.text == "false"):
                report.add(
                    node.keys_at[key],
                    "“blocks_emergency” other than false",
                    "false: an emergency is never gated",
                    rule="emergency-gated",
                )
            refuse_gated_emergency(value, report)


def resolve(record: Record, known: Known, report: Report) -> list[Record]:
    """Give the protocol's steps with its includes in their places.

    An include's question that the protocol asks itself is not repeated. What belongs first comes after an emergency
    step that stands first (nothing is asked before the emergency panel), and after steps that ask its questions.
    """
    steps: list[Record] = list(record.get("steps", ()))
    own = {question["id"] for step in steps for question in step.get("questions", ()) if "id" in question}
    for name in record.get("includes", ()):
        if name not in known.includes:
            report.add(
                name.at,
                f"the unknown include {quote(name)}",
                one_of(sorted(known.includes), word=name),
                word=name,
                among=known.includes,
                rule="unknown-include",
            )
            continue
        include = known.includes[name]
        if include is None:
            report.add(
                name.at,
                f"the include {quote(name)}, which has mistakes of its own",
                "a file without mistakes",
                rule="broken-include",
            )
            continue
        extra = [kept for step in include["steps"] if (kept := _without(step, own)) is not None]
        if include["position"] == "last":
            steps += extra
        else:
            asked = {question["id"] for step in include["steps"] for question in step.get("questions", ())}
            at = next((n for n, step in enumerate(steps) if not _stays_first(step, asked)), len(steps))
            steps[at:at] = extra
        own |= {question["id"] for step in extra for question in step.get("questions", ())}
    return steps


def _without(step: Record, asked: Collection[str]) -> Record | None:
    questions = step.get("questions")
    if not questions:
        return step
    left = [question for question in questions if question.get("id") not in asked]
    if not left:
        return None
    copy = Record(step.at)
    copy.keys_at = step.keys_at
    copy.update(step)
    copy["questions"] = left
    return copy


def _stays_first(step: Record, asked: Collection[str]) -> bool:
    return bool(step.get("emergency")) or any(q.get("id") in asked for q in step.get("questions", ()))


def check(record: Record, steps: Sequence[Record], known: Known, report: Report) -> None:
    """Check what one look at a single value cannot tell. The rules are those of the guide, section 11."""
    _check_ids(steps, report)
    earlier: dict[str, Record] = {}
    everything = {q["id"]: q for step in steps for q in step.get("questions", ()) if "id" in q}
    for place, step in enumerate(steps):
        _check_when(step.get("when"), earlier, everything, report)
        _check_named(step, known, report)
        for question in step.get("questions", ()):
            _check_question(question, report)
            for consequence in question.get("on_answer", ()):
                _check_consequence(consequence, question, record, steps, place, known, report)
        earlier |= {question["id"]: question for question in step.get("questions", ()) if "id" in question}
    _check_when(record.get("sign_off", {}).get("when"), everything, everything, report)
    _check_when(record.get("follow_up", {}).get("required_when"), everything, everything, report)
    _check_emergency(record, steps, report)
    _check_close(record, steps, everything, report)


def _check_ids(steps: Sequence[Record], report: Report) -> None:
    seen_steps: dict[str, Mark] = {}
    seen_questions: dict[str, Mark] = {}
    for step in steps:
        _once(step, "step", seen_steps, report)
        for question in step.get("questions", ()):
            _once(question, "question", seen_questions, report)
            seen: dict[str, Mark] = {}
            for option in question.get("options", ()):
                _once(option, "value", seen, report, key="value")


def _once(record: Record, what: str, seen: dict[str, Mark], report: Report, key: str = "id") -> None:
    id = record.get(key)
    if id is None:
        return
    first = seen.setdefault(id, id.at)
    if first is not id.at:
        where = f"line {first.line}" if first.file == id.at.file else f"{first.file}:{first.line}"
        report.add(
            id.at,
            f"the {what} {quote(id)} again (first on {where})",
            f"a different {key}",
            rule="duplicate-id",
        )


def _check_when(
    when: Record | None, earlier: Mapping[str, Record], everything: Mapping[str, Record], report: Report
) -> None:
    for test in () if when is None else when["tests"]:
        id = test["question"]
        if id in earlier:
            _check_test(test, earlier[id], report)
        elif id in everything:
            report.add(
                id.at,
                f"a condition on {quote(id)}, which is not asked before this step",
                "a question of an earlier step",
                rule="condition-on-later-question",
            )
        else:
            report.add(
                id.at,
                f"a condition on the unknown question {quote(id)}",
                one_of(earlier, word=id) if earlier else "a question of an earlier step",
                word=id,
                among=earlier,
                rule="condition-on-unknown-question",
            )


def _check_test(test: Record, question: Record, report: Report) -> None:
    kind, operator = question.get("type"), Operator(test["operator"])
    if kind is None:
        return
    fitting = _FITTING[kind]
    if operator not in fitting:
        report.add(
            test.at,
            f"“{operator}” on {quote(question['id'])}, a question of type {kind}",
            f"one of: {', '.join(fitting)}",
            rule="unfitting-operator",
        )
    elif kind == QuestionType.CHOICE and operator is not Operator.ANSWERED:
        _check_values(test["values"], question, report)


def _check_values(values: Sequence[Any], question: Record, report: Report) -> None:
    options = [option.get("value") for option in question.get("options", ())]
    if None in options:
        return  # the option that could not be read may be the one that is meant
    for value in values:
        if value not in options:
            report.add(
                value.at,
                f"{quote(value)}, which is no answer to {quote(question['id'])}",
                f"one of: {', '.join(options)}",
                word=value,
                among=options,
                rule="unknown-answer",
            )


def _check_named(step: Record, known: Known, report: Report) -> None:
    for template in step.get("templates", ()):
        _check_template(template, known, report)
    for topic in step.get("resources", {}).get("topics", ()):
        if topic not in known.topics:
            report.add(
                topic.at,
                f"the unknown topic {quote(topic)}",
                f"a topic of some resource: {', '.join(sorted(known.topics))}",
                word=topic,
                among=known.topics,
                rule="unknown-topic",
            )


def _check_template(id: Any, known: Known, report: Report) -> None:
    if id not in known.templates:
        report.add(
            id.at,
            f"the unknown template {quote(id)}",
            one_of(sorted(known.templates), word=id),
            word=id,
            among=known.templates,
            rule="unknown-template",
        )


def _check_question(question: Record, report: Report) -> None:
    kind = question.get("type")
    if kind is None:
        return
    if kind == QuestionType.CHOICE:
        if "options" not in question and "options" not in question.keys_at:
            report.add(
                question.at,
                "a choice without “options”",
                "two or more options, each {value, text}",
                rule="choice-without-options",
            )
    else:
        for key in ("options", "multiple", "safety", "on_answer"):
            if question.get(key):
                report.add(
                    question.place(key),
                    f"“{key}” on a question of type {kind}",
                    "a question of type choice",
                    rule="unfitting-key",
                )
    if "valid" in question and kind != QuestionType.INTEGER:
        report.add(
            question.place("valid"),
            f"“valid” on a question of type {kind}",
            "a question of type integer",
            rule="unfitting-key",
        )
    values = {option.get("value") for option in question.get("options", ())}
    if None in values:
        return
    if kind == QuestionType.CHOICE and question.get("safety") and values and "unclear" not in values:
        report.add(
            question.at,
            "a safety question without the answer “unclear”",
            "an option with the value “unclear”",
            rule="safety-without-unclear",
        )
    if question.get("id") == EMERGENCY_QUESTION and not (
        kind == QuestionType.CHOICE and question.get("safety") and {"yes", "unclear", "no"} <= values
    ):
        report.add(
            question.at,
            f"“{EMERGENCY_QUESTION}” in a form of its own",
            "a choice with safety: true and the values yes, unclear and no, because yes and unclear always mean now",
            rule="imminent-form",
        )


def _check_consequence(
    consequence: Record,
    question: Record,
    protocol: Record,
    steps: Sequence[Record],
    place: int,
    known: Known,
    report: Report,
) -> None:
    if question.get("type") == QuestionType.CHOICE and "id" in question:
        _check_values(consequence.get("in", ()), question, report)
    if not consequence.keys() - {"in"} and not consequence.keys_at.keys() - {"in"}:
        report.add(
            consequence.at,
            "a consequence of nothing but “in”",
            "something that follows, such as show_notice",
            rule="empty-consequence",
        )
    if "go_to" in consequence:
        _check_jump(consequence["go_to"], protocol, steps, place, report)
    if "offer_template" in consequence:
        _check_template(consequence["offer_template"], known, report)
    for key in ("switch_to", "add_protocol"):
        target = consequence.get(key)
        if target is None:
            continue
        if target == protocol.get("id"):
            report.add(target.at, f"“{key}” to this protocol itself", "another protocol", rule="circle")
        elif target not in known.protocols:
            found = f"the protocol {quote(target)}, which is not in the library"
            if key == "switch_to":
                report.add(
                    target.at,
                    found,
                    "one that can take over",
                    word=target,
                    among=[id for id in known.protocols if id != protocol.get("id")],
                    rule="unknown-protocol",
                )
            else:
                report.warn(
                    target.at,
                    found,
                    "one that can be added; until then this leads nowhere",
                    rule="unknown-protocol",
                )


def _check_jump(target: Any, protocol: Record, steps: Sequence[Record], place: int, report: Report) -> None:
    later = [step.get("id", "") for step in steps[place + 1 :]]
    if target not in later:
        report.add(
            target.at,
            f"“go_to” {quote(target)}, which is no later step",
            "the id of a step further down",
            word=target,
            among=later,
            rule="jump-not-forwards",
        )
        return
    required = set(protocol.get("close_requires", ()))
    for step in steps[place + 1 : place + 1 + later.index(target)]:
        if step.get("emergency"):
            report.add(
                target.at,
                "a “go_to” over the emergency step",
                "a step before it: an emergency is never gated",
                rule="emergency-gated",
            )
        asked = [q["id"] for q in step.get("questions", ()) if q.get("id") in required]
        if asked:
            report.add(
                target.at,
                f"a “go_to” over {quote(asked[0])}, which closing requires",
                "a step before it, or it could never be answered",
                rule="jump-over-required",
            )


def _check_emergency(record: Record, steps: Sequence[Record], report: Report) -> None:
    emergency = [step for step in steps if step.get("emergency")]
    for step in emergency:
        if "when" in step.keys_at:
            report.add(
                step.place("when"),
                "a condition on the emergency step",
                "none: an emergency is never gated",
                rule="emergency-gated",
            )
    if record.get("urgency") == "now" and not emergency:
        report.add(
            record.place("urgency"),
            "urgency now without an emergency step",
            "a step with emergency: true, which opens the emergency panel",
            rule="emergency-gated",
        )


def _check_close(
    record: Record, steps: Sequence[Record], everything: Mapping[str, Record], report: Report
) -> None:
    conditional = {
        question.get("id")
        for step in steps
        if "when" in step.keys_at
        for question in step.get("questions", ())
    }
    for id in record.get("close_requires", ()):
        if id not in everything:
            report.add(
                id.at,
                f"the unknown question {quote(id)}",
                one_of(everything, word=id),
                word=id,
                among=everything,
                rule="unknown-question",
            )
        elif id in conditional:
            report.add(
                id.at,
                f"{quote(id)}, which is asked under a condition",
                "a question that is asked on every path",
                rule="required-under-condition",
            )


def topics_wished(steps: Sequence[Record]) -> frozenset[str]:
    return frozenset(str(topic) for step in steps for topic in step.get("resources", {}).get("topics", ()))


def plain_protocol(record: Record, steps: Sequence[Record]) -> dict[str, Any]:
    """Give the resolved protocol in plain values, without status, approvals and hash."""
    applies, governance = record["applies_to"], record["governance"]
    wellbeing, sign_off = record.get("wellbeing", {}), record.get("sign_off")
    plain = {
        key: record[key]
        for key in (
            "id",
            "title",
            "version",
            "style",
            "urgency",
            "trigger",
            "decisions",
            "close_requires",
            "look_for",
            "do_not",
            "finished_when",
            "used_for",
        )
        if key in record
    }
    plain |= {key: applies[key] for key in ("jurisdictions", "age_bands", "forum_types", "language")}
    plain |= wellbeing
    plain["steps"] = [_plain_step(step) for step in steps]
    plain["governance"] = {
        key: governance[key]
        for key in (
            "owner_role",
            "review_by",
            "evidence",
            "effective_from",
            "overdue_grace_days",
            "hazards",
            "derived_from",
            "min_role",
            "training_required",
        )
        if key in governance
    } | {
        "changes": [
            {"version": c["version"], "on": c["date"], "by_role": c["by_role"], "summary": c["summary"]}
            for c in governance["changes"]
        ]
    }
    if sign_off is not None:
        plain["sign_off"] = {"role": sign_off["role"], "two_person": sign_off.get("two_person", False)}
        if "when" in sign_off:
            plain["sign_off"]["when"] = _plain_when(sign_off["when"])
    if "default_after" in record.get("follow_up", {}):
        plain["follow_up_after"] = record["follow_up"]["default_after"]
    if "required_when" in record.get("follow_up", {}):
        plain["follow_up_required"] = _plain_when(record["follow_up"]["required_when"])
    if "escalations" in record:
        plain["escalations"] = [
            {key: value for key, value in escalation.items() if key != "blocks_emergency"}
            for escalation in record["escalations"]
        ]
    return plain


def plain_approvals(record: Record) -> list[dict[str, Any]]:
    return [
        {
            "role": approval["role"],
            "name": approval["name"],
            "on": approval["date"],
            "content_hash": approval["content_hash"],
        }
        for approval in record["governance"].get("approvals", ())
    ]


def _plain_step(step: Record) -> dict[str, Any]:
    plain = dict(step)
    if "when" in step:
        plain["when"] = _plain_when(step["when"])
    if "questions" in step:
        plain["questions"] = [_plain_question(question) for question in step["questions"]]
    return plain


def _plain_question(question: Record) -> dict[str, Any]:
    plain = {key: value for key, value in question.items() if key not in ("valid", "on_answer")}
    limits = question.get("valid", {})
    plain |= {name: limits[key] for key, name in (("min", "minimum"), ("max", "maximum")) if key in limits}
    if "on_answer" in question:
        plain["on_answer"] = [
            {("values" if key == "in" else key): value for key, value in consequence.items()}
            for consequence in question["on_answer"]
        ]
    return plain


def _plain_when(when: Record) -> dict[str, Any]:
    return {"tests": [dict(test) for test in when["tests"]], "any": when["any"]}


def more(record: Record) -> dict[str, Any]:
    """Give what is written for people only, by its path: part of what is approved, so part of the hash."""
    return dict(_for_people(record, PROTOCOL, ""))


def _for_people(record: Record, group: Group, path: str) -> Iterator[tuple[str, Any]]:
    for key, field in group.fields.items():
        if key not in record:
            continue
        if isinstance(field.kind, AsWritten):
            yield path + key, record[key]
        elif isinstance(field.kind, Group):
            yield from _for_people(record[key], field.kind, f"{path}{key}.")
        elif isinstance(field.kind, ListOf) and isinstance(field.kind.item, Group) and key != "approvals":
            for number, item in enumerate(record[key]):
                yield from _for_people(item, field.kind.item, f"{path}{key}.{number}.")
