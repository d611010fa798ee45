"""The JSON Schema says what the loader says, as far as a schema can; judged by somebody else's library."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker

from modconsole.core.actions import Action
from modconsole.core.errors import WrongUsage
from modconsole.core.model import AgeBand
from modconsole.core.protocol import (
    Governance,
    Operator,
    ProtocolStatus,
    Question,
    QuestionType,
    Resource,
    ResourceWish,
    ReviewProtocol,
    SignOff,
    Step,
    Style,
    UsedFor,
)
from modconsole.core.roles import ROLES
from modconsole.core.urgency import Urgency
from modconsole.protocol_files import schema, shipped_folder
from modconsole.protocol_files.json_schema import json_schema
from modconsole.protocol_files.kinds import (
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
    read,
)
from modconsole.protocol_files.problems import Report
from modconsole.protocol_files.protocols import refuse_gated_emergency
from modconsole.protocol_files.schema import FILES
from modconsole.protocol_files.tree import parse
from tests.protocol_files.conftest import GOOD, INCLUDE, RESOURCES, TEMPLATE, Home


class Core(yaml.SafeLoader):
    """Reads YAML 1.2 with its core schema, as editors do: `yes` and `2027-05-01` are texts."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), first)


def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(kind), format_checker=FormatChecker())


VALIDATORS = {kind: validator(kind) for kind in FILES}


def as_an_editor(text: str) -> Any:
    """Read a file as an editor does."""
    loader = Core(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def told(kind: str, text: str) -> list[str]:
    """Every error the schema finds in a file, as an editor would read it."""
    read_by_an_editor = as_an_editor(text)
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in VALIDATORS[kind].iter_errors(read_by_an_editor)
    ]


@pytest.mark.parametrize("kind", FILES)
def test_a_schema_is_itself_valid_and_stands_alone(kind: str):
    made = json_schema(kind)

    Draft202012Validator.check_schema(dict(made))
    assert made == json.loads(json.dumps(made))
    named = set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(made)))
    assert named == set(made.get("$defs", ()))


def test_another_kind_of_file_has_no_schema():
    with pytest.raises(WrongUsage, match="protocol, include, template, resources"):
        json_schema("people")


@pytest.mark.parametrize("path", sorted(shipped_folder().rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_file_fits_its_schema(path: Path):
    text = path.read_text("utf-8")
    kind = {"includes": "include", "templates": "template", "resources": "resources"}.get(path.parent.name)

    assert told(kind or "protocol", text) == []


def test_the_examples_of_the_other_tests_fit():
    files = {"protocol": GOOD, "template": TEMPLATE, "resources": RESOURCES, "include": INCLUDE}

    assert {kind: told(kind, text) for kind, text in files.items()} == {kind: [] for kind in FILES}


# Mistakes that the loader and the schema both refuse: what is changed in the good protocol.
BROKEN: Mapping[str, tuple[str, str]] = {
    "an unknown key": ("    why:", "    wyh:"),
    "an unknown word": ("status: draft", "status: darft"),
    "an unknown role": ("owner_role: safeguarding_lead", "owner_role: the_lead"),
    "an unknown action": ("actions: [keep_reply]", "actions: [sing]"),
    "an unknown type": ("type: text", "type: boolean"),
    "an unknown operator": ("in: [", "one_of: ["),
    "another language": ('"modconsole-protocol/1"', '"modconsole-protocol/2"'),
    "no trigger": ('trigger: "When a test needs one."\n', ""),
    "no trigger in it": ('trigger: "When a test needs one."', "trigger:"),
    "a blank trigger": ('trigger: "When a test needs one."', 'trigger: "  "'),
    "a number for a version": ('version: "1.0.0"\nstatus', "version: 1.10\nstatus"),
    "a number for a title": ('title: "A calm sheet"', "title: 0113"),
    "a list for a title": ('title: "A calm sheet"', 'title: ["A", "b"]'),
    "a text for a list": ('look_for: ["Nothing much"]', 'look_for: "Nothing much"'),
    "a text for a group": ("resources: {topics: [distress]}", 'resources: "distress"'),
    "no steps": (GOOD[GOOD.index("steps:") : GOOD.index("decisions:")], "steps: []\n"),
    "one option only": (
        '          - {value: "yes", text: "Yes"}\n          - {value: "unclear", text: "Unclear"}\n',
        "",
    ),
    "an id in capitals": ("id: calm", "id: Calm"),
    "a place that is none": ('jurisdictions: ["GB"]', 'jurisdictions: ["Scotland"]'),
    "a date that is none": ("review_by: 2027-05-01", "review_by: 2027-02-30"),
    "a date as it is spoken": ("review_by: 2027-05-01", "review_by: 1 May 2027"),
    "yes for true": ("required: true", 'required: "yes"'),
    "a number that is none": ("{topics: [distress]}", "{topics: [distress], max: 2.5}"),
    "a number of ten digits": ("{topics: [distress]}", "{topics: [distress], max: 1234567890}"),
    "a gated emergency": ("steps:", "sign_off: {role: buddy, blocks_emergency: true}\nsteps:"),
    "a signature before": ("steps:", "sign_off: {role: buddy, after_event: false}\nsteps:"),
    "a group in a group": (
        'when: {question: seen, in: ["yes", "unclear"]}',
        'when: {all: [{any: [{question: seen, equals: "no"}]}]}',
    ),
    "all and any": (
        'when: {question: seen, in: ["yes", "unclear"]}',
        'when: {all: [{question: seen, answered: true}], any: [{question: seen, equals: "no"}]}',
    ),
    "two operators": ('in: ["yes", "unclear"]}', 'in: ["yes"], equals: "yes"}'),
    "no operator": (', in: ["yes", "unclear"]}', "}"),
    "no question": ("{question: seen, in:", "{in:"),
    "an empty condition": ('when: {question: seen, in: ["yes", "unclear"]}', "when: {all: []}"),
    "a long text": ("A calm sheet", "x" * 4001),
    "a follow-up in weeks": ("steps:", "follow_up: {default_after: 2w}\nsteps:"),
    "a hash of 63 digits": (
        "  changes:",
        f"  approvals: [{{role: buddy, name: A, date: 2026-11-22, content_hash: {'a' * 63}}}]\n  changes:",
    ),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_mistake_of_form_is_refused_by_the_schema_and_by_the_loader(home: Home, mistake: str):
    home.change("calm.yaml", *BROKEN[mistake])

    assert told("protocol", (home.shipped / "calm.yaml").read_text("utf-8"))
    assert home.told()


def test_editors_that_know_only_an_older_json_schema_judge_alike():
    """Many still read draft 7: it must take the schema, and find the same right and wrong with it."""
    files = [(None, path.read_text("utf-8")) for path in shipped_folder().glob("*/*.yaml")]
    files += [(mistake, GOOD.replace(old, new, 1)) for mistake, (old, new) in BROKEN.items()]
    for mistake, text in files:
        kind = re.search(r"modconsole-(\w+)/", text)
        assert kind is not None
        old = Draft7Validator(json_schema(kind[1]), format_checker=FormatChecker())

        Draft7Validator.check_schema(old.schema)
        assert old.is_valid(as_an_editor(text)) == (mistake is None), mistake or text[:100]


# What no schema can see, and the loader refuses. Whoever trusts the editor alone still runs the check.
BEYOND: Mapping[str, tuple[str, str]] = {
    "yes without quotes": ('{value: "yes", text: "Yes"}', '{value: yes, text: "Yes"}'),
    "an age without quotes": ("age_bands: [adult]", "age_bands: [13_15]"),
    "a date for a title": ('title: "A calm sheet"', "title: 2026-11-22"),
    "an id that is not the file's name": ("id: calm", "id: calmer"),
    "a question nobody asks": ("when: {question: seen,", "when: {question: sean,"),
    "an answer nobody gives": ('in: ["yes", "unclear"]', 'in: ["perhaps"]'),
    "an unknown template": ("templates: [hello]", "templates: [hullo]"),
    "an unknown topic": ("topics: [distress]", "topics: [distres]"),
    "a safety question without unclear": ('          - {value: "unclear", text: "Unclear"}\n', ""),
    "now without an emergency step": ("urgency: today", "urgency: now"),
    "an id twice": ("  - id: end", "  - id: look"),
    "an anchor": ('title: "A calm sheet"', 'title: &t "A calm sheet"'),
}


@pytest.mark.parametrize("mistake", BEYOND)
def test_what_the_loader_refuses_beyond_the_schema_is_known(home: Home, mistake: str):
    home.change("calm.yaml", *BEYOND[mistake])

    assert told("protocol", (home.shipped / "calm.yaml").read_text("utf-8")) == []
    assert home.told()


@pytest.mark.parametrize(
    ("right", "quoted"), [("required: true", 'required: "true"'), ("[distress]}", '[distress], max: "3"}')]
)
def test_the_one_thing_the_loader_takes_and_the_schema_does_not_is_quotes_around_true_and_numbers(
    home: Home, right: str, quoted: str
):
    home.change("calm.yaml", right, quoted)

    assert home.told() == []
    assert len(told("protocol", (home.shipped / "calm.yaml").read_text("utf-8"))) == 1


# Values made from the structures themselves

GOOD_TEXTS = (
    "A sentence.",
    "yes",
    "1.10",
    "a: b # c",
    "“Emoji” \U0001f642",
    "two\nlines",
    "{member_name}",
    "null",
    "0113",
)
JUNK: tuple[Any, ...] = (
    *(None, True, False, 7, 2.5, -1, 10**9, "", " ", "yes", "1.10", "Now", "A b", "2027-02-30", "x" * 4001),
    *([], ["x"], [None], [[]], {}, {"x": "y"}, {"question": "q"}, {"all": []}),
    *(
        {"question": "q", "in": []},
        {"question": "q", "lt": "x"},
        {"any": [{"question": "q", "answered": True}], "x": 1},
    ),
)
PATTERNED = (
    *("a", "calm-sheet", "no", "b_2", "13_15", "GB-ENG", "0.1.0", "GB", "en-GB", "24h", "anywhere"),
    *("https://example.org/a", "a" * 64, "modconsole"),
)


class Maker:
    """Makes files that the structures allow, from one number. What Hypothesis would build itself takes minutes."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311, nothing secret

    def value(self, kind: Kind) -> Any:
        dice = self._dice
        match kind:
            case Text(pattern=""):
                return dice.choice(GOOD_TEXTS)
            case Text():
                return dice.choice([text for text in PATTERNED if re.fullmatch(kind.pattern, text)])
            case Word():
                return str(dice.choice(kind.choices))
            case Flag():
                return dice.random() < 0.5 if kind.only is None else kind.only
            case Whole():
                return dice.choice([0, 3, -(10**9) + 1, 10**9 - 1])
            case Day():
                return dice.choice(["2027-05-01", "2024-02-29"])
            case ListOf():
                return [self.value(kind.item) for _ in range(kind.least + dice.randrange(2))]
            case Group():
                return self._group(kind)
            case Conditions():
                tests = [self._test() for _ in range(1 + dice.randrange(2))]
                return dice.choice([tests[0], {"all": tests}, {"any": tests}])
            case AsWritten():
                return self.junk()

    def _group(self, kind: Group) -> dict[str, Any]:
        made = {}
        for key, field in kind.fields.items():
            if field.required or self._dice.random() < 0.4:
                made[key] = self.value(field.kind)
            elif self._dice.random() < 0.1 and key != "blocks_emergency":
                made[key] = None  # “nothing here”; only `blocks_emergency` says false, or is not there
        return made

    def _test(self) -> dict[str, Any]:
        operator = self._dice.choice([*OPERATORS])
        return {"question": "q", operator: self.value(OPERATORS[operator])}

    def junk(self) -> Any:
        return copy.deepcopy(self._dice.choice(JUNK))

    def spoilt(self, made: dict[str, Any]) -> dict[str, Any]:
        """Put something that may not belong there in one place, or leave one out."""
        *path, last = self._dice.choice([*places(made)])
        inside: Any = made
        for key in path:
            inside = inside[key]
        if isinstance(inside, dict) and self._dice.random() < 0.3:
            del inside[last]
        else:
            inside[last] = self.junk()
        return made


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value, the value itself left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("spoils", [False, True], ids=["right", "spoilt"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_the_schema_and_the_loader_judge_the_form_of_a_file_alike(kind: str, spoils: bool, seed: int):
    """With quotes around every text there is nothing left between them, right or wrong."""
    maker = Maker(seed)
    made = maker.value(FILES[kind])
    if spoils:
        made = maker.spoilt(made)
    written = json.dumps(made, ensure_ascii=False)  # JSON is YAML with quotes around every text
    report = Report()

    tree = parse(written, "made.yaml", report)
    assert tree is not None, report.problems
    refuse_gated_emergency(tree, report)
    read(tree, FILES[kind], report)

    assert report.is_good == VALIDATORS[kind].is_valid(made), (written, report.problems)
    assert spoils or report.is_good, (written, report.problems)


# What is said in it


def all_fields(group: Group, path: str = "") -> Iterator[tuple[str, Field]]:
    for key, field in group.fields.items():
        yield path + key, field
        inner = field.kind
        while isinstance(inner, ListOf):
            inner = inner.item
        if isinstance(inner, Group):
            yield from all_fields(inner, f"{path}{key}.")


@pytest.mark.parametrize("kind", FILES)
def test_every_key_is_explained_in_whole_sentences(kind: str):
    for path, field in all_fields(FILES[kind]):
        assert field.about.endswith("."), path
        assert field.in_short, path
        assert not field.in_short.endswith("."), path


@pytest.mark.parametrize("kind", FILES)
def test_every_example_and_default_is_one_that_would_do(kind: str):
    def parts(part: Any) -> Iterator[Mapping[str, Any]]:
        if isinstance(part, dict):
            yield part
            for inner in part.values():
                yield from parts(inner)
        elif isinstance(part, list):
            for inner in part:
                yield from parts(inner)

    whole = json_schema(kind)
    for part in parts(whole):
        shown = [*part.get("examples", ())] if isinstance(part.get("examples", []), list) else []
        shown += [part["default"]] if isinstance(part.get("default"), (str, int)) else []
        for value in shown:
            Draft202012Validator({**part, "$defs": whole.get("$defs", {})}).validate(value)


def test_the_words_are_those_of_the_program():
    top = schema.PROTOCOL.fields
    step = top["steps"].kind
    assert isinstance(step, ListOf)
    assert isinstance(step.item, Group)
    question = step.item.fields["questions"].kind
    assert isinstance(question, ListOf)
    assert isinstance(question.item, Group)
    words = {
        "urgency": (top["urgency"].kind, Urgency),
        "style": (top["style"].kind, Style),
        "status": (top["status"].kind, ProtocolStatus),
        "used_for": (top["used_for"].kind, UsedFor),
        "type": (question.item.fields["type"].kind, QuestionType),
        "ages": (schema.BAND, AgeBand),
        "roles": (schema.ROLE, ROLES),
        "actions": (schema.ACTION, Action),
    }

    for name, (kind, known) in words.items():
        assert isinstance(kind, Word)
        assert kind.choices == tuple(map(str, known)), name
        assert len(kind.means) == len(kind.choices), name
    assert tuple(OPERATORS) == tuple(schema.OPERATORS_MEAN) == tuple(map(str, Operator))


def test_the_defaults_are_those_of_the_program():
    def defaults(group: Group) -> dict[str, Any]:
        return {key: field.default for key, field in all_fields(group) if field.default is not None}

    def of(made: type, name: str) -> Any:
        return made.__dataclass_fields__[name].default

    said, resource = defaults(schema.PROTOCOL), defaults(schema.RESOURCES)
    at = "steps.questions."
    assert said == {
        "used_for": of(ReviewProtocol, "used_for"),
        "governance.overdue_grace_days": of(Governance, "overdue_grace_days"),
        "steps.safety": of(Step, "safety"),
        "steps.emergency": of(Step, "emergency"),
        "steps.resources.max": of(ResourceWish, "max"),
        **{f"{at}{key}": of(Question, key) for key in ("required", "multiple", "safety", "redact")},
        f"{at}on_answer.unless_running": False,
        "escalations.blocks_emergency": False,
        "sign_off.after_event": True,
        "sign_off.blocks_emergency": False,
        "sign_off.two_person": of(SignOff, "two_person"),
        "wellbeing.exposure": of(ReviewProtocol, "exposure"),
    }
    assert resource == {
        "entries.audience.who": of(Resource, "who"),
        "entries.recheck_days": of(Resource, "recheck_days"),
    }


def test_a_choice_of_words_says_what_each_means():
    urgency = json_schema("protocol")["properties"]["urgency"]

    assert urgency["enum"] == ["now", "soon", "today", "routine"]
    assert len(urgency["enumDescriptions"]) == 4
    assert "someone may die" in urgency["description"]
