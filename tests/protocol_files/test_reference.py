"""docs/protocol-language.md says what the loader reads, because it is made from the same structures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from modconsole.core.actions import Action
from modconsole.core.protocol import Operator, QuestionType
from modconsole.protocol_files.kinds import Group, ListOf, Word
from modconsole.protocol_files.protocols import _FITTING
from modconsole.protocol_files.reference import TRAPS, Trap, anchor, reference
from modconsole.protocol_files.schema import FILES
from tests.protocol_files.conftest import GOOD, Home

PAGE = Path(__file__).parents[2] / "docs" / "protocol-language.md"


def test_the_page_is_what_the_structures_say():
    """`modconsole protocol schema --reference --out docs/protocol-language.md` writes it again."""
    assert PAGE.read_text("utf-8") == reference()


def groups(group: Group) -> Iterator[Group]:
    yield group
    for field in group.fields.values():
        kind = field.kind
        while isinstance(kind, ListOf):
            kind = kind.item
        if isinstance(kind, Group):
            yield from groups(kind)


@pytest.mark.parametrize("kind", FILES)
def test_every_key_of_every_group_has_its_line_once(kind: str):
    page = reference()
    for group in groups(FILES[kind]):
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        firsts = [re.match(r"\| `(\w+)`", row)[1] for row in rows if re.match(r"\| `(\w+)`", row)]  # type: ignore[index]

        for key, field in group.fields.items():
            assert key in firsts, f"{group.name}: {key}"
            about = field.about[:1].upper() + field.about[1:]
            assert about.replace("|", "\\|") in page, f"{group.name}: {key}"


def test_every_word_that_can_be_written_is_explained():
    page = reference()
    for kind in FILES.values():
        for group in groups(kind):
            for key, field in group.fields.items():
                word = field.kind.item if isinstance(field.kind, ListOf) else field.kind
                if not isinstance(word, Word) or not word.means:
                    continue
                for choice, means in zip(word.choices, word.means, strict=True):
                    assert f"| `{choice}` | {means} |" in page, f"{key}: {choice}"
    assert [action for action in Action if f"| `{action}` |" not in page] == []


def test_every_link_leads_somewhere_on_the_page():
    page = reference()
    headings = [anchor(line.lstrip("# ")) for line in page.splitlines() if line.startswith("#")]
    targets = re.findall(r"\]\(#([^)]+)\)", page)

    assert len(headings) == len(set(headings))
    assert sorted(set(targets) - set(headings)) == []
    assert len(targets) > 40


def test_operators_are_told_for_the_types_of_question_they_fit():
    rows = re.findall(
        r"^\| `(\w+)` \| ((?:choice|integer|every)[a-z, ]*) \|",
        reference()[reference().index("## Conditions") :],
        re.M,
    )
    for operator, types in rows:
        fits = {kind for kind, operators in _FITTING.items() if Operator(operator) in operators}
        said = (
            set(QuestionType) if types == "every type" else {QuestionType(word) for word in types.split(", ")}
        )

        assert said == fits, operator
    assert [operator for operator, _ in rows] == [str(operator) for operator in Operator]


UNNOTICED = "title: Tells us # of them"


@pytest.mark.parametrize(
    "trap", [trap for trap in TRAPS if trap.written != UNNOTICED], ids=lambda trap: trap.written
)
def test_what_the_page_warns_of_is_refused_and_what_it_says_instead_is_taken(home: Home, trap: Trap):
    assert any("calm" in line for line in told_of(home, trap.written))
    assert told_of(home, trap.instead) == []


def test_the_one_trap_no_program_notices(home: Home):
    trap = next(trap for trap in TRAPS if trap.written == UNNOTICED)

    assert told_of(home, trap.written) == []
    library = home.library()
    protocol = library.get("calm")
    assert protocol is not None
    assert protocol.title == "Tells us"
    assert told_of(home, trap.instead) == []


def told_of(home: Home, line: str) -> list[str]:
    """What is said of the good protocol with this line in the place of the one of the same key."""
    key = line.partition(":")[0]
    if key == "value":
        value = line.partition(": ")[2]
        text = GOOD.replace('{value: "yes", text: "Yes"}', f'{{value: {value}, text: "Yes"}}')
        text = text.replace(
            'when: {question: seen, in: ["yes", "unclear"]}', 'when: {question: seen, equals: "no"}'
        )
    else:
        text = re.sub(rf"(?m)^( *){key}: .*$", lambda found: found[1] + line, GOOD, count=1)
    home.write("calm.yaml", text)
    return home.told()
