"""The rules of FHIR that a check of structure does not see: code lists, and what items owe each other.

Named after the invariants of the specification where there is one (`que-2`). Written for what we export: a foreign
resource may break a rule that is not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["invariants"]

Item = Mapping[str, Any]

_TYPES = frozenset(
    "group display boolean decimal integer date dateTime time string text url attachment reference quantity".split()
)
_TYPES_OF = {"R4": _TYPES | {"choice", "open-choice"}, "R5": _TYPES | {"coding", "question"}}
_STATUSES = ("draft", "active", "retired", "unknown")
_RESPONSE_STATUSES = ("in-progress", "completed", "amended", "entered-in-error", "stopped")
_OPERATORS = ("exists", "=", "!=", ">", "<", ">=", "<=")
_VALUE_OF = {
    "boolean": "Boolean",
    "integer": "Integer",
    "dateTime": "DateTime",
    "text": "String",
    "string": "String",
    "choice": "Coding",
    "coding": "Coding",
}
_WITH_ZONE = re.compile(r".+T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_FINISHED = ("completed", "amended")


def invariants(
    resource: Mapping[str, Any], questionnaire: Mapping[str, Any] | None = None, *, release: str = "R4"
) -> list[str]:
    """Name, a sentence each, every rule that a Questionnaire, QuestionnaireResponse or Bundle of these breaks.

    Args:
        resource: The resource as plain JSON values.
        questionnaire: For a response: what it answers. Without it, only the response itself is looked at.
        release: `R4` or `R5`.
    """
    kind = resource.get("resourceType")
    if kind == "Questionnaire":
        return list(_questionnaire(resource, release))
    if kind == "QuestionnaireResponse":
        found = list(_response(resource, release))
        return found + (list(_fits(resource, questionnaire)) if questionnaire is not None else [])
    if kind == "Bundle":
        return list(_bundle(resource, release))
    return [f"{kind} is no Questionnaire, QuestionnaireResponse or Bundle"]


def _bundle(bundle: Mapping[str, Any], release: str) -> Iterator[str]:
    if bundle.get("type") != "collection":
        yield f"the bundle's type is {bundle.get('type')}, not collection"
    entries = bundle.get("entry", ())
    if len({entry.get("fullUrl") for entry in entries}) < len(entries):
        yield "bdl-7: two entries have one fullUrl, or none"
    resources = [entry["resource"] for entry in entries]
    asked = {
        (_canonical(found), _hash(found)): found
        for found in resources
        if found["resourceType"] == "Questionnaire"
    }
    for found in resources:
        questionnaire = asked.get((found.get("questionnaire"), _hash(found)))
        if found["resourceType"] == "QuestionnaireResponse" and questionnaire is None:
            yield f"{found.get('id')}: its questionnaire is not in the bundle"
        yield from (
            f"{found.get('id')}: {what}" for what in invariants(found, questionnaire, release=release)
        )


def _canonical(questionnaire: Mapping[str, Any]) -> str:
    return f"{questionnaire.get('url')}|{questionnaire.get('version')}"


def _hash(resource: Mapping[str, Any]) -> str:
    return next(
        (str(tag["code"]) for tag in resource.get("meta", {}).get("tag", ()) if "sha256" in tag["system"]), ""
    )


# A questionnaire


def _questionnaire(resource: Mapping[str, Any], release: str) -> Iterator[str]:
    if resource.get("status") not in _STATUSES:
        yield f"status {resource.get('status')} is not one of: {', '.join(_STATUSES)}"
    if not re.fullmatch(r"[A-Z]([A-Za-z0-9_]){1,254}", resource.get("name", "")):
        yield "que-0: the name is not a machine name"
    if not resource.get("url") or re.search(r"[|#\s]", resource["url"]):
        yield "cnl-1: there is no url, or it has a | or # in it"
    items = list(_all(resource.get("item", ())))
    seen: dict[str, Item] = {}
    for item in items:
        if item["linkId"] in seen:
            yield f"que-2: the linkId {item['linkId']} stands there twice"
        yield from (f"{item['linkId']}: {what}" for what in _item(item, release))
        yield from (f"{item['linkId']}: {what}" for what in _conditions(item, seen, items))
        seen[item["linkId"]] = item


def _all(items: Iterable[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from _all(item.get("item", ()))


def _item(item: Item, release: str) -> Iterator[str]:
    kind = item.get("type")
    if kind not in _TYPES_OF[release]:
        yield f"its type {kind} is none of {release}"
    if kind == "group" and not item.get("item"):
        yield "que-1: a group without items"
    if kind == "display":
        for name in ("item", "code", "required", "repeats", "readOnly", "answerOption", "initial"):
            if name in item:
                yield f"que-1, 3, 6, 8, 9: a display with {name}"
        if not item.get("text"):
            yield "a display without text"
    options = item.get("answerOption")
    if kind in ("choice", "coding") and not options and "answerValueSet" not in item:
        yield "a choice without options"
    if options and kind not in ("choice", "open-choice", "coding"):
        yield f"que-5: options on a question of type {kind}"
    if options and ("answerValueSet" in item or "initial" in item):
        yield "que-4, 11: options beside a value set or an initial value"
    codes = [_key(option.get("valueCoding", {})) for option in options or ()]
    if len(set(codes)) < len(codes):
        yield "two options with one code"
    if release == "R4" and {"answerConstraint", "disabledDisplay"} & set(item):
        yield "an element of R5 in R4"


def _conditions(item: Item, earlier: Mapping[str, Item], items: Sequence[Item]) -> Iterator[str]:
    conditions = item.get("enableWhen", ())
    behavior = item.get("enableBehavior")
    if len(conditions) > 1 and behavior not in ("all", "any"):
        yield "que-12: more than one enableWhen without enableBehavior all or any"
    for condition in conditions:
        asked = condition.get("question")
        if asked not in earlier:
            known = any(other["linkId"] == asked for other in items)
            yield f"enableWhen names {asked}, which is {'not asked before it' if known else 'not there'}"
        else:
            yield from _condition(condition, earlier[asked])


def _condition(condition: Item, asked: Item) -> Iterator[str]:
    operator = condition.get("operator")
    if operator not in _OPERATORS:
        yield f"enableWhen has the unknown operator {operator}"
    answers = [name for name in condition if name.startswith("answer")]
    if len(answers) != 1:
        yield "enableWhen has not exactly one answer"
    elif operator == "exists":
        if not isinstance(condition.get("answerBoolean"), bool):
            yield "que-7: exists without a boolean"
    elif answers[0] != f"answer{_VALUE_OF.get(asked['type'])}":
        yield f"enableWhen compares a question of type {asked['type']} with {answers[0]}"
    elif answers[0] == "answerCoding" and _key(condition["answerCoding"]) not in _options(asked):
        yield f"enableWhen compares with {condition['answerCoding'].get('code')}, which is no option"


def _key(coding: Mapping[str, Any]) -> tuple[Any, Any]:
    return coding.get("system"), coding.get("code")


def _options(item: Item) -> set[tuple[Any, Any]]:
    return {_key(option.get("valueCoding", {})) for option in item.get("answerOption", ())}


# A response


def _response(resource: Mapping[str, Any], release: str) -> Iterator[str]:
    if resource.get("status") not in _RESPONSE_STATUSES:
        yield f"status {resource.get('status')} is not one of: {', '.join(_RESPONSE_STATUSES)}"
    if not re.fullmatch(r"[^|\s]+\|[^|\s]+", resource.get("questionnaire", "")):
        yield "the questionnaire is not url|version"
    if not _WITH_ZONE.fullmatch(resource.get("authored", "")):
        yield "authored is not a time with its zone"
    if isinstance(resource.get("identifier", {} if release == "R4" else []), list) is not (release == "R5"):
        yield f"the identifier has not the form of {release}"
    seen: set[str] = set()
    for item in _all(resource.get("item", ())):
        if item["linkId"] in seen:
            yield f"{item['linkId']} stands there twice; several answers belong into one item"
        seen.add(item["linkId"])
        if "answer" in item and "item" in item:
            yield f"qrs-1: {item['linkId']} has items beside its answers"
        for answer in item.get("answer", ()):
            if sum(re.match("_?value", name) is not None for name in answer) != 1:
                yield f"{item['linkId']}: an answer has not exactly one value"
            at = answer.get("valueDateTime")
            if at is not None and not _WITH_ZONE.fullmatch(at):
                yield f"{item['linkId']}: a time without its zone"


def _fits(resource: Mapping[str, Any], questionnaire: Mapping[str, Any]) -> Iterator[str]:
    if resource.get("questionnaire") != _canonical(questionnaire):
        yield f"it answers {resource.get('questionnaire')}, not {_canonical(questionnaire)}"
    given = {item["linkId"]: item.get("answer", []) for item in _all(resource.get("item", ()))}
    yield from _fitting(
        resource.get("item", ()), questionnaire["item"], given, resource.get("status") in _FINISHED, ""
    )


def _fitting(
    found: Sequence[Item], asked: Sequence[Item], given: Mapping[str, Any], finished: bool, where: str
) -> Iterator[str]:
    """Hold the items of one level against the questionnaire's, and go into those that are shown."""
    here = {item["linkId"]: item for item in found}
    order = [item["linkId"] for item in asked]
    for link_id in here:
        if link_id not in order:
            yield f"{link_id} is not an item of the questionnaire{f' in {where}' if where else ''}"
    if [id for id in here if id in order] != [id for id in order if id in here]:
        yield f"the items{f' in {where}' if where else ''} are not in the questionnaire's order"
    for question in asked:
        link_id = question["linkId"]
        item = here.get(link_id)
        if not _enabled(question, given):
            if item is not None:
                yield f"{link_id} is there, and its conditions do not hold"
            continue
        if item is None:
            if finished and question.get("required"):
                yield f"{link_id} is required and not answered"
            if question["type"] != "group":
                continue
        yield from (f"{link_id}: {what}" for what in _answers(item or {}, question))
        if finished or item is not None:
            yield from _fitting(
                (item or {}).get("item", ()), question.get("item", ()), given, finished, link_id
            )


def _answers(item: Item, question: Item) -> Iterator[str]:
    answers = item.get("answer", ())
    kind = question["type"]
    if item and item.get("text") != question.get("text"):
        yield "its words are not those of the questionnaire"
    if answers and kind in ("group", "display"):
        yield f"a {kind} with an answer"
    elif answers:
        if len(answers) > 1 and not question.get("repeats"):
            yield "several answers to a question that takes one"
        for answer in answers:
            name = next((name.lstrip("_") for name in answer if "value" in name), "")
            if name != f"value{_VALUE_OF.get(kind)}":
                yield f"{name or 'no value'} as an answer to a question of type {kind}"
            elif name == "valueCoding" and _key(answer[name]) not in _options(question):
                yield f"{answer[name].get('code')} is not among its options"


def _enabled(item: Item, given: Mapping[str, Any]) -> bool:
    held = [
        _holds(condition, given.get(condition["question"], [])) for condition in item.get("enableWhen", ())
    ]
    return (any(held) if item.get("enableBehavior") == "any" else all(held)) if held else True


def _holds(condition: Item, answers: Sequence[Mapping[str, Any]]) -> bool:
    operator = condition["operator"]
    if operator == "exists":
        return bool(answers) is condition["answerBoolean"]
    if "answerCoding" in condition:
        found = [_key(answer.get("valueCoding", {})) for answer in answers]
        same = _key(condition["answerCoding"]) in found
        return same if operator == "=" else not same
    limit = condition.get("answerInteger")
    numbers = [answer["valueInteger"] for answer in answers if "valueInteger" in answer]
    tests = {
        "=": any(number == limit for number in numbers),
        "!=": all(number != limit for number in numbers),
        "<": any(number < limit for number in numbers),
        ">": any(number > limit for number in numbers),
        "<=": any(number <= limit for number in numbers),
        ">=": any(number >= limit for number in numbers),
    }
    return tests[operator]
