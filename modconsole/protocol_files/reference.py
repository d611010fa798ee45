"""The reference of the language, in Markdown: every key of every kind of file, from the structures the loader reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modconsole.protocol_files.folders import MAX_BYTES
from modconsole.protocol_files.kinds import (
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
from modconsole.protocol_files.schema import ACTION, BAND, FILES, OPERATORS_MEAN, ROLE, URGENCY
from modconsole.protocol_files.tree import MAX_DEPTH

__all__ = ["TRAPS", "Trap", "anchor", "reference"]


@dataclass(frozen=True, slots=True)
class Trap:
    """Something YAML lets an author write that does not say what it seems to say."""

    written: str
    why: str
    instead: str


TRAPS = (
    Trap(
        "value: yes",
        "`yes`, `no`, `on`, `off`, `y`, `n` without quotes mean true or false to YAML",
        'value: "yes"',
    ),
    Trap("jurisdictions: [NO]", "Norway, without quotes, is “no”", 'jurisdictions: ["NO"]'),
    Trap("version: 1.10", "a number, and then 1.1", 'version: "1.10"'),
    Trap("age_bands: [13_15]", "the number 1315", 'age_bands: ["13_15"]'),
    Trap("value: 999", "a number; of `0800` it would lose the nought", 'value: "999"'),
    Trap(
        "title: 2026-11-22",
        "a date; only the keys that want a date may have one without quotes",
        'title: "2026-11-22"',
    ),
    Trap("title: Talks: of plans", "a “: ” in the middle begins another key", 'title: "Talks: of plans"'),
    Trap(
        "title: Tells us # of them",
        "a “ #” begins a comment: the rest is gone, and no program can notice",
        'title: "Tells us # of them"',
    ),
    Trap(
        'title: "Says "goodbye""',
        "a quotation mark inside quotation marks ends the text",
        'title: "Says “goodbye”"',
    ),
    Trap(
        "title: *important*",
        "a “*”, “&”, “!”, “%”, “@” at the beginning means something to YAML",
        'title: "*important*"',
    ),
)
"""What the page warns of."""

_SHARED: Mapping[str, tuple[Word, str]] = {
    "urgency": (URGENCY, "How soon a person has to respond. It grades the response, never the person."),
    "role": (
        ROLE,
        "A protocol names roles, never people. Names and numbers stand in the settings of your service.",
    ),
    "age band": (BAND, "A condition that names an age under 18 names `unknown` as well."),
    "action": (
        ACTION,
        "What can be decided. After each code stand the words on the screen, and what happens.",
    ),
}
"""Words used in many places, each explained once; by what one of them is called."""

_FOLDERS: Mapping[str, tuple[str, str]] = {
    "protocol": ("at the top, or in any other folder (a “pack”), such as `core/`", "its `id`"),
    "include": ("`includes/`", "its `id`"),
    "template": ("`templates/`", "its `id`"),
    "resources": ("`resources/`", "its `subdivision`, or else its `country`"),
}


def reference() -> str:
    """Give the whole page."""
    parts = [_HEAD, _files(), _LAYOUT, _traps(), _READING]
    done: dict[int, str] = {}
    for kind, group in FILES.items():
        parts += _file(kind, group, done)
    parts += [_conditions(), *_shared()]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


_HEAD = """\
# The language of protocol files

Every key of every kind of file. This page is made from the structures that modconsole reads files with
(`modconsole protocol schema --reference`), so it says what the program does. To write your first protocol,
begin with [Writing a protocol](writing-protocols.md)."""

_LAYOUT = f"""\
A file’s name is the id in it, and `.yaml`: `off-topic.yaml` holds `id: off-topic`. Nothing else decides
what a file is called by, and an id stays for good, because records name it.

**Your own files** live in a folder of your own (`modconsole config path` says where, under “own
protocols”), laid out in the same way. One with the name of a shipped file stands before it: the shipped one
is not used any more.

**A file that cannot be followed** is told with file, line and column, all mistakes at once, and its last
good version stays in use meanwhile.

**The hash.** Every protocol is known by a hash of its full text: its file, its includes, its templates, and
the crisis resources it offers. An approval is bound to that hash: after a change to any of them the
protocol is not approved any more, until somebody approves it again. `status`, `governance.approvals` and the
day a resource was last checked are no part of it.

**Limits.** A file has {MAX_BYTES // 1024} KiB at most, a text {LONGEST_TEXT:,} characters, and {MAX_DEPTH}
levels inside each other. It is saved as UTF-8, indented with spaces, without anchors (`&`), aliases (`*`)
or tags (`!`)."""

_READING = """\
## How to read the tables

“Must” means that a file without the key is not used. The others may be left out; what then holds stands
behind “else”. A key that may be left out may also stand empty, which is the same. Unknown keys are
mistakes: a slip of the fingers is found, not passed over.

| word | means |
|---|---|
| text | letters, best in quotes: `"Hide it first."` |
| `true` or `false` | without quotes |
| number | a whole number, without quotes: `3` |
| date | year, month, day: `2027-05-01` |
| list | in brackets, `["yes", "no"]`, or each on its own line after “- ” |
| group | keys of its own, indented below it or in braces: `{min: 0, max: 20}` |"""


def _files() -> str:
    rows = [
        [f"[{kind}](#{anchor(_title(kind))})", *_FOLDERS[kind], f'`schema: "modconsole-{kind}/1"`']
        for kind in FILES
    ]
    return "## Files\n\n" + _table(["kind", "stands", "is named after", "begins with"], rows)


def _traps() -> str:
    about = (
        "YAML guesses what is meant by words without quotation marks. modconsole never lets it guess: it asks for the "
        "quotes. **Put quotes around every text, version, answer and code**, and none of this happens to you."
    )
    rows = [[f"`{trap.written}`", trap.why, f"`{trap.instead}`"] for trap in TRAPS]
    return f"## Traps of YAML\n\n{about}\n\n" + _table(["you write", "why that goes wrong", "write"], rows)


def _title(kind: str) -> str:
    name = FILES[kind].name.partition(" ")[2]
    return f"{name[0].upper()}{name[1:]}: every key"


def _file(kind: str, group: Group, done: dict[int, str]) -> Iterator[str]:
    yield f"## {_title(kind)}"
    yield from _group(group, "", done)


def _group(group: Group, path: str, done: dict[int, str]) -> Iterator[str]:
    """Set a group's keys, then those of the groups in it that no earlier table has."""
    inner = {f"{path}{key}": found for key, field in group.fields.items() if (found := _inside(field.kind))}
    fresh = {at: found for at, found in inner.items() if id(found) not in done}
    done |= {id(found): _heading(at, found) for at, found in fresh.items()}
    rows = [
        [f"`{key}`", _kind(field.kind, done), _need(field), _about(field)]
        for key, field in group.fields.items()
    ]
    yield _table(["key", "takes", "", "is"], rows)
    yield from _own_words(group)
    for at, found in fresh.items():
        yield f"### {_heading(at, found)}"
        if found.about:
            yield found.about
        yield from _group(found, f"{at}.", done)


def _heading(path: str, group: Group) -> str:
    return f"`{path}`" if group.name.replace(" ", "_") in path else f"`{path}`: {group.name}"


def _inside(kind: Kind) -> Group | None:
    if isinstance(kind, ListOf):
        return _inside(kind.item)
    return kind if isinstance(kind, Group) else None


def _kind(kind: Kind, done: Mapping[int, str]) -> str:
    match kind:
        case Text(pattern=""):
            return "text"
        case Text():
            return kind.expected
        case Word(choices=(only,)):
            return f'`"{only}"`'
        case Word():
            named = next((title for title, (word, _) in _SHARED.items() if word == kind), "")
            return f"[{named}](#{anchor(named)})" if named else _choices(kind)
        case Flag():
            return "`true` or `false`" if kind.only is None else f"`{str(kind.only).lower()}`"
        case Whole():
            return "number"
        case Day():
            return "date"
        case ListOf():
            least = f" of at least {_NUMBERS[kind.least]}" if kind.least else ""
            return f"list{least}: {_kind(kind.item, done)}"
        case Group():
            heading = done[id(kind)]
            return f"[{kind.name}](#{anchor(heading)})"
        case Conditions():
            return f"[a condition](#{anchor('Conditions')})"
        case AsWritten():
            return "anything"


_NUMBERS = {1: "one", 2: "two"}


def _choices(kind: Word) -> str:
    return " ".join(f"`{choice}`" for choice in kind.choices)


def _need(field: Field) -> str:
    if field.required:
        return "must"
    if field.default is None:
        return ""
    default = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return f"else `{default}`"


def _about(field: Field) -> str:
    return field.about[:1].upper() + field.about[1:] + "".join(map(_example, field.examples))


def _example(example: Any) -> str:
    if isinstance(example, str):
        return "" if "\n" in example else f" For example: “{example}”"
    return f" For example: `{json.dumps(example, ensure_ascii=False)}`"


def _own_words(group: Group) -> Iterator[str]:
    """Explain the words of this group's fields that are explained nowhere else."""
    shared = [word for word, _ in _SHARED.values()]
    for key, field in group.fields.items():
        word = field.kind.item if isinstance(field.kind, ListOf) else field.kind
        if isinstance(word, Word) and word.means and word not in shared:
            yield _table([f"`{key}`", "means"], _meanings(word))


def _meanings(word: Word) -> list[list[str]]:
    return [[f"`{choice}`", means] for choice, means in zip(word.choices, word.means, strict=True)]


def _conditions() -> str:
    rows = [
        [
            f"`{word}`",
            _FITS[word],
            _kind(kind, {}) if not isinstance(kind, Text) else kind.expected,
            OPERATORS_MEAN[word],
        ]
        for word, kind in OPERATORS.items()
    ]
    return f"{_CONDITIONS}\n\n{_table(['operator', 'for questions of type', 'takes', 'holds when'], rows)}\n\n{_AFTER}"


_FITS: Mapping[str, str] = {
    "equals": "choice, integer",
    "not_equals": "choice, integer",
    "in": "choice",
    "any_of": "choice",
    "answered": "every type",
    "lt": "integer",
    "gt": "integer",
}

_CONDITIONS = """\
## Conditions

A condition stands behind `when` of a step or a sign-off, and behind `required_when` of `follow_up`; nowhere
else. It is one test, or a flat list of tests: there are no lists inside lists, and no formulas.

```yaml
when: {question: imminent, equals: "no"}
```

```yaml
when:
  all:
    - {question: imminent, equals: "no"}
    - {question: changed, in: ["yes", "unclear"]}
```

`all`: every test holds. `any`: at least one does. A test names a `question` of an earlier step (for
`required_when` and for a sign-off, any question) and exactly one operator. **A test on a question that is
not answered yet never holds**, except `answered: false`; so a step never shows too early."""

_AFTER = """\
The moderator sees why a step is there: “because you said: Unclear”. When the answer is changed, the step
goes away, and what was answered in it is kept as superseded."""


def _shared() -> Iterator[str]:
    for title, (word, about) in _SHARED.items():
        yield f"## {title.capitalize()}\n\n{about}\n\n" + _table(["word", "means"], _meanings(word))


def anchor(heading: str) -> str:
    """Give the name under which Markdown renderers let a heading be linked to."""
    kept = (letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return "".join(kept).replace(" ", "-")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
