"""docs/writing-protocols.md: the check has nothing against its examples, and says of every slip what the page says."""

from __future__ import annotations

import re
import shlex
import textwrap
from datetime import date
from pathlib import Path

import pytest

from modconsole.cli.main import _parser
from modconsole.cli.protocol.checking import _lines
from modconsole.core.protocol import Operator, QuestionType, ReviewProtocol
from modconsole.ports.library import LibraryProblem
from modconsole.protocol_files import FileLibrary, shipped_folder
from modconsole.protocol_files.checking import check
from modconsole.protocol_files.reference import anchor
from modconsole.protocol_files.schema import FILES
from tests.docs.pages import DOCS, fenced, file_in
from tests.protocol_files.test_json_schema import told

PAGE = (DOCS / "writing-protocols.md").read_text("utf-8")
FILE_NAMES = re.findall(r"<!-- file: (\S+) -->", PAGE)
TODAY = date(2026, 11, 29)


def own_files() -> dict[str, str]:
    """Every whole file of the page but the first version, by its place in an author's folder."""
    return {name: file_in(PAGE, name) for name in FILE_NAMES if not name.startswith("first/")}


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def checked(folder: Path) -> list[LibraryProblem]:
    """What the check says of an author's folder beside the shipped one."""
    library = FileLibrary([shipped_folder(), folder], folder / ".kept")
    return list(check(library, files=[folder], today=TODAY))


def read(folder: Path, id: str) -> ReviewProtocol:
    protocol = FileLibrary([shipped_folder(), folder], folder / ".kept").get(id)
    assert protocol is not None
    return protocol


def test_the_files_of_the_page_stand_beside_each_other_without_a_finding(tmp_path: Path):
    folder = put(tmp_path, own_files())

    assert [str(problem) for problem in checked(folder)] == []  # no advice either
    assert len(FILE_NAMES) == 7


def test_the_first_protocol_stands_alone(tmp_path: Path):
    folder = put(tmp_path, {"paid-offers.yaml": file_in(PAGE, "first/paid-offers.yaml")})

    assert [str(problem) for problem in checked(folder)] == []
    assert [step.id for step in read(folder, "paid-offers").steps] == ["opening", "look", "hide", "closing"]


@pytest.mark.parametrize("name", FILE_NAMES)
def test_every_file_fits_the_schema_editors_use(name: str):
    text = file_in(PAGE, name)
    kind = re.search(r"modconsole-(\w+)/1", text)
    assert kind is not None
    assert kind[1] in FILES

    assert told(kind[1], text) == []


def test_every_other_example_is_a_part_of_one_of_the_files():
    whole = [squeezed(text) for text in (file_in(PAGE, name) for name in FILE_NAMES)]
    parts = [
        block for block in fenced(PAGE, "yaml") if not block.startswith(("schema:", "# yaml-language-server"))
    ]

    assert len(parts) >= 6
    assert [part for part in parts if not any(squeezed(part) in text for text in whole)] == []


def squeezed(text: str) -> str:
    """The text without its common indentation, each line with how far it stands in from the first."""
    return re.sub(r"\n\s*", "\n", textwrap.dedent(text).strip())


def slips() -> list[tuple[str, str, str]]:
    """The rows of the table of slips: what is there, what was written instead, what the check says."""
    table = PAGE[PAGE.index("| instead of | you wrote |") :].partition("\n\n")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines()[2:]]
    return [(code(right), code(wrong), says.strip()) for right, wrong, says in rows]


def code(cell: str) -> str:
    return "" if "(left out)" in cell else cell.strip().strip("`")


@pytest.mark.parametrize(
    "slip", slips(), ids=lambda slip: f"{slip[1].strip() or 'without ' + slip[0].strip()}"
)
def test_a_slip_is_told_as_the_page_says(tmp_path: Path, slip: tuple[str, str, str]):
    right, wrong, says = slip
    files = own_files()
    text = files["paid-offers.yaml"]
    assert right in text, right
    changed = text.replace(right, wrong, 1) if wrong else text.replace(f"{right}\n", "", 1)
    files["paid-offers.yaml"] = changed
    problems = checked(put(tmp_path, files))

    assert any(says in problem.found for problem in problems if not problem.advice), [
        str(p) for p in problems
    ]


def test_the_check_answers_a_wrong_word_as_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shown = re.search(r"<!-- says: (.+) -->\n```text\n(.*?)\n```", PAGE, re.DOTALL)
    assert shown is not None
    first = file_in(PAGE, "first/paid-offers.yaml").replace("status: draft", shown[1])
    folder = put(tmp_path, {"paid-offers.yaml": first})
    monkeypatch.chdir(folder)
    (problem,) = checked(folder)

    assert "\n".join(_lines(problem)) == shown[2]


def test_the_ids_it_says_the_shared_questions_have_are_theirs(tmp_path: Path):
    table = dict(re.findall(r"^\| `(\w+-questions)` \| .* \| ((?:`\w+` ?)+)\|$", PAGE, re.MULTILINE))
    protocol = read(put(tmp_path, own_files()), "meeting-a-stranger")
    asked = {step.id: [question.id for question in step.questions] for step in protocol.steps}

    assert re.findall(r"\w+", table["opening-questions"]) == asked["opening"]
    assert re.findall(r"\w+", table["closing-questions"]) == asked["closing"]
    assert [step.id for step in protocol.steps][:2] == ["ring", "opening"]
    assert [step.id for step in protocol.steps][-2:] == ["handover", "closing"]


def test_it_names_every_type_operator_and_consequence():
    follows = "show_notice escalate raise_urgency suggest_action offer_template go_to add_protocol switch_to"
    named = [
        *QuestionType,
        *Operator,
        *follows.split(),
        "unless_running",
        "used_for",
        "required_when",
        "redact",
    ]

    assert [word for word in named if f"`{word}" not in PAGE] == []


def test_its_commands_can_be_parsed():
    lines = [line for block in fenced(PAGE, "sh") for line in block.splitlines()]
    lines += re.findall(r"`(modconsole protocol [^`]*)`", PAGE)
    for line in lines:
        _parser(["protocol"]).parse_args(shlex.split(line)[1:])

    assert len(lines) > 8


def test_it_names_every_option_of_new_and_schema():
    source = Path(str(__import__("modconsole.cli.protocol.writing", fromlist=["x"]).__file__)).read_text(
        "utf-8"
    )
    options = set(re.findall(r'"(--[a-z-]+)"', source))

    assert sorted(option for option in options if option not in PAGE) == []


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        page, _, heading = target.partition("#")
        text = (DOCS / page).read_text("utf-8") if page else PAGE
        headings = [anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")]

        assert not heading or heading in headings, target
