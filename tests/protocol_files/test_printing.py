"""A page for the wall holds all it needs, hides nothing that was typed, and says draft unless told otherwise."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from modconsole.core.protocol import Step
from modconsole.core.text import is_safe
from modconsole.protocol_files import FileLibrary, shipped_folder
from modconsole.protocol_files.printing import FORMS, page
from tests.protocol_files.conftest import Home

TODAY = date(2026, 11, 22)


class Reader(HTMLParser):
    """Reads a page as a browser would: which tags, which attributes, which text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(f"{word} " for word in self.words).split())


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> FileLibrary:
    return FileLibrary([shipped_folder()], tmp_path_factory.mktemp("kept"))


def printed(home: Home, form: str, **more: str) -> str:
    library = home.library()
    protocol = library.get("calm")
    assert protocol is not None, home.told(library)
    return page(protocol, form, library, printed_on=TODAY, **more)


@pytest.fixture
def urgent(home: Home) -> Home:
    """The calm sheet with everything a page may have to show."""
    home.change("calm.yaml", "urgency: today", "urgency: now")
    home.change(
        "calm.yaml",
        "steps:",
        'do_not: ["Promise secrecy"]\nfinished_when: "Somebody is on the way."\n'
        "sign_off: {role: clinical_lead}\n"
        "escalations:\n  - {id: lead, role: safeguarding_lead, within: 15 min, method: Ring.,\n"
        "     script: I need you now.}\n"
        "steps:\n  - {id: ring, text: Ring 999., help: Say where., emergency: true}",
    )
    home.change(
        "calm.yaml",
        '          - {value: "no", text: "No"}\n',
        '          - {value: "no", text: "No"}\n        on_answer:\n'
        '          - {in: ["yes", "unclear"], escalate: safeguarding_lead, show_notice: "Stay with them."}\n',
    )
    return home


@pytest.mark.parametrize("form", FORMS)
def test_a_page_says_everything_in_the_order_it_is_needed(urgent: Home, form: str):
    text = printed(urgent, form)
    said = Reader(text).text if form == "html" else text

    in_order = (
        "DRAFT",
        "A calm sheet",
        "If somebody may be in danger now",
        "999",
        "NOT CHECKED",
        "When a test needs one.",
        "Ring 999.",
        "Look at it.",
        "Seen?",
        "Unclear",
        "“Yes” or “Unclear”",
        "tell the safeguarding lead; Stay with them.",
        "Answer it.",
        "Only when you say “Yes” or “Unclear” to “Seen?”.",
        "Promise secrecy",
        "Safeguarding lead",
        "“I need you now.”",
        "Name and number:",
        "Clinical lead",
        "A line",
        "0113 496 0000",
        "checked 2026-11-01",
        "Somebody is on the way.",
        "Signed afterwards by the clinical lead. Nothing urgent waits for it.",
        "calm, version 1.0.0, DRAFT",
        "Printed on 2026-11-22",
        "SHA-256",
    )
    place = 0
    for words in in_order:
        assert words in said[place:], f"{words} after {said[max(0, place - 60) : place]}"
        place = said.index(words, place) + len(words)


def test_a_page_needs_nothing_but_itself(urgent: Home):
    read = Reader(printed(urgent, "html"))

    assert not read.open
    assert not read.tags & {"script", "link", "img", "iframe", "object", "a", "form"}
    assert read.attributes <= {"class", "lang", "charset", "http-equiv", "content", "name"}
    assert "url(" not in printed(urgent, "html")
    assert "@import" not in printed(urgent, "html")


HOSTILE = "<script>alert(1)</script> \u202e[x](http://e.example) *b* &amp; \x1b[31m \u200b'\""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("typed", ["A calm sheet", "Look at it.", "Seen?", "Unclear", "Nothing much"])
def test_what_is_typed_into_a_file_never_becomes_markup(home: Home, form: str, typed: str):
    home.change("calm.yaml", f'"{typed}"', json.dumps(HOSTILE))
    text = printed(home, form)

    assert is_safe(text)
    assert "\u202e" not in text
    if form == "html":
        read = Reader(text)
        assert "script" not in read.tags
        assert "<script>alert(1)</script>" in read.text
        assert "[x](http://e.example)" in read.text
        assert "⟦U+202E⟧" in read.text
    else:
        assert "<script>" not in text.replace("\\<", "")
        assert "\\[x\\](http://e.example)" in text
        assert "\\*b\\*" in text
        assert "\\&amp;" in text


@pytest.mark.parametrize("form", FORMS)
def test_only_a_word_from_outside_takes_the_draft_mark_away(home: Home, form: str):
    home.change("calm.yaml", "status: draft", "status: approved")

    assert "DRAFT" in printed(home, form)
    assert "DRAFT" not in printed(home, form, standing="")
    assert "calm, version 1.0.0, approved" in printed(home, form, standing="")
    assert "WITHDRAWN" in printed(home, form, standing="WITHDRAWN")


def test_a_number_that_was_checked_too_long_ago_says_so(home: Home):
    home.change("resources/GB.yaml", "on: 2026-11-01", "on: 2026-01-01")

    assert "LAST CHECKED 2026-01-01: CHECK AGAIN" in printed(home, "html")


def test_a_page_without_a_day_has_room_to_write_it(home: Home):
    library = home.library()
    protocol = library.get("calm")
    assert protocol is not None

    assert "Printed on ____________" in page(protocol, "html", library)


def test_an_unknown_form_is_refused(home: Home):
    with pytest.raises(ValueError, match="pdf"):
        printed(home, "pdf")


def test_a_longer_sheet_is_set_smaller_and_the_longest_takes_two_pages_whole(home: Home):
    library = home.library()
    protocol = library.get("calm")
    assert protocol is not None
    sizes = []
    for extra in (0, 14, 26, 120):
        steps = (Step(f"more{n}", f"Do thing {n}.", help="Help with it. " * 12) for n in range(extra))
        made = page(replace(protocol, steps=(*protocol.steps, *steps)), "html", library)
        size = re.search(r"body { font: ([0-9.]+)pt", made)
        assert size is not None
        sizes.append((float(size[1]), "Help with it." in made))

    assert sizes[0][0] > sizes[1][0] >= 10
    assert sizes[2][0] > 8
    assert not sizes[2][1], "what a wall can do without is left out before a second page is taken"
    assert sizes[3] == (10.0, True)


def test_every_shipped_sheet_for_now_becomes_a_page_in_both_forms(shipped: FileLibrary):
    for id in shipped.ids():
        protocol = shipped.get(id)
        if protocol is None or protocol.urgency != "now":
            continue
        for form in FORMS:
            text = page(protocol, form, shipped, printed_on=TODAY)
            said = Reader(text).text if form == "html" else text.replace("\\", "")
            assert is_safe(text)
            for words in (protocol.title, *protocol.do_not, *(step.text for step in protocol.steps)):
                assert " ".join(words.split()) in said, f"{id}: {words}"
