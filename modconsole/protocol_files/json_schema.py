"""The JSON Schema (2020-12) of our files, for editors: made from the same structures the loader reads with.

Editors read YAML 1.2, where an unquoted `yes` or `2027-05-01` is a text. The loader looks at the letters themselves, so
it refuses more than a schema can: unquoted words that some YAML reader turns into something else, ids that name
nothing, conditions on later questions. In one thing it takes more: `"true"` and `"3"` in quotes.

Written with what older readers of JSON Schema know too (draft 7, and `$defs`): many editors read no newer one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modconsole.core.errors import WrongUsage
from modconsole.protocol_files.kinds import (
    DAY,
    LONGEST_TEXT,
    OPERATORS,
    AsWritten,
    Conditions,
    Day,
    Field,
    Flag,
    Group,
    Kind,
    ListOf,
    Text,
    Whole,
    Word,
)
from modconsole.protocol_files.schema import FILES, OPERATORS_MEAN

__all__ = ["DIALECT", "json_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_LARGEST = 999_999_999
"""Nine digits, as the loader reads them."""

_CONDITION, _TEST = "#/$defs/condition", "#/$defs/test"


def json_schema(kind: str) -> Mapping[str, Any]:
    """Give the schema of `protocol`, `include`, `template` or `resources` files.

    Raises:
        WrongUsage: There is no such kind of file.
    """
    if kind not in FILES:
        raise WrongUsage(f"There is no kind of file “{kind}”.", next_step=f"One of: {', '.join(FILES)}.")
    group = FILES[kind]
    made = {"$schema": DIALECT, "title": f"modconsole: {group.name}", **_of(group)}
    if _has_conditions(group):
        made["$defs"] = {"condition": _condition(), "test": _test()}
    return made


def _of(kind: Kind) -> dict[str, Any]:
    match kind:
        case Text(pattern=""):
            return {"type": "string", "pattern": r"\S", "maxLength": LONGEST_TEXT}
        case Text():
            return {"type": "string", "pattern": f"^(?:{kind.pattern})$", "maxLength": LONGEST_TEXT}
        case Word():
            return _word(kind)
        case Flag():
            return {"type": "boolean"} if kind.only is None else {"type": "boolean", "const": kind.only}
        case Whole():
            return {"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST}
        case Day():
            return {"type": "string", "format": "date", "pattern": f"^{DAY}$"}
        case ListOf():
            return {"type": "array", "items": _of(kind.item), "minItems": kind.least}
        case Group():
            return _group(kind)
        case Conditions():
            return {"$ref": _CONDITION}
        case AsWritten():
            return {}


def _word(kind: Word) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "string", "enum": [str(choice) for choice in kind.choices]}
    if kind.means:
        made["enumDescriptions"] = list(kind.means)  # no JSON Schema, but several editors show it
    return made


def _group(kind: Group) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object"}
    if kind.about:
        made["description"] = kind.about
    made["properties"] = {key: _field(key, field) for key, field in kind.fields.items()}
    made["required"] = [key for key, field in kind.fields.items() if field.required]
    made["additionalProperties"] = False
    return made


def _field(key: str, field: Field) -> dict[str, Any]:
    made = _of(field.kind)
    if not field.required:
        made = _or_nothing(made)
    made["title"] = key.replace("_", " ").capitalize()
    made["description"] = _told(field)
    if field.default is not None:
        made["default"] = field.default
    if field.examples:
        made["examples"] = list(field.examples)
    return made


def _told(field: Field) -> str:
    about = field.about[:1].upper() + field.about[1:]
    if isinstance(field.kind, Group) and field.kind.about:
        about += f" {field.kind.about}"
    words = field.kind.item if isinstance(field.kind, ListOf) else field.kind
    if isinstance(words, Word) and words.means:
        meanings = (f"{word}: {means}." for word, means in zip(words.choices, words.means, strict=True))
        about += "\n\n" + "\n".join(meanings)
    return about


def _or_nothing(made: dict[str, Any]) -> dict[str, Any]:
    """Let a key stand empty: for the loader that is the same as no such key."""
    if not made:
        return made
    if "$ref" in made:
        return {"anyOf": [made, {"type": "null"}]}
    made["type"] = [made["type"], "null"]
    if "const" in made:
        made["enum"] = [made.pop("const"), None]
    elif "enum" in made:
        made["enum"] = [*made["enum"], None]
        if "enumDescriptions" in made:
            made["enumDescriptions"] = [*made["enumDescriptions"], "nothing, as if the key were not there"]
    return made


def _has_conditions(kind: Kind) -> bool:
    match kind:
        case Conditions():
            return True
        case ListOf():
            return _has_conditions(kind.item)
        case Group():
            return any(_has_conditions(field.kind) for field in kind.fields.values())
        case _:
            return False


def _condition() -> dict[str, Any]:
    return {
        "description": "One test; or a list of tests under `all` or `any`. A list holds tests, never lists of tests.",
        "anyOf": [
            {"$ref": _TEST},
            *(
                {
                    "type": "object",
                    "properties": {word: tests},
                    "required": [word],
                    "additionalProperties": False,
                }
                for word, tests in (
                    ("all", _tests("All of these hold.")),
                    ("any", _tests("At least one holds.")),
                )
            ),
        ],
    }


def _tests(about: str) -> dict[str, Any]:
    return {"description": about, "type": "array", "items": {"$ref": _TEST}, "minItems": 1}


def _test() -> dict[str, Any]:
    operators = {
        word: {**_of(kind), "description": OPERATORS_MEAN[word][:1].upper() + OPERATORS_MEAN[word][1:] + "."}
        for word, kind in OPERATORS.items()
    }
    return {
        "type": "object",
        "properties": {
            "question": {**_of(Text()), "description": "The id of an earlier question."},
            **operators,
        },
        "required": ["question"],
        "minProperties": 2,
        "maxProperties": 2,  # the question and exactly one operator
        "additionalProperties": False,
    }
