"""What is said about files that say something we cannot follow: the place, what is there, what could be."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modconsole.protocol_files.checking import check as check_files
from modconsole.protocol_files.kinds import read
from modconsole.protocol_files.problems import Report
from modconsole.protocol_files.protocols import Known, check, plain_protocol, resolve
from modconsole.protocol_files.schema import PROTOCOL
from modconsole.protocol_files.tree import parse
from tests.protocol_files.broken import BROKEN, make
from tests.protocol_files.conftest import GOOD, RESOURCES, TEMPLATE, Home
from tests.protocol_files.sound import ENDING, SOUND

# What is changed in the good protocol, and all that is then said about it (after "shipped/calm.yaml:").
SLIPS: dict[str, tuple[str, str, list[str]]] = {
    "an unquoted version": (
        'version: "1.0.0"\nstatus',
        "version: 1.10\nstatus",
        ['4:10: 1.10 without quotes, which YAML reads as a number; expected quotes around it: "1.10".'],
    ),
    "an unquoted yes": (
        '{value: "yes", text: "Yes"}',
        '{value: yes, text: "Yes"}',
        [
            '32:21: yes without quotes, which YAML reads as true or false; expected quotes around it: "yes".',
        ],
    ),
    "unquoted no in a list": (
        'in: ["yes", "unclear"]',
        "in: [no, unclear]",
        ['37:33: no without quotes, which YAML reads as true or false; expected quotes around it: "no".'],
    ),
    "an unquoted on": (
        'title: "A calm sheet"',
        "title: on",
        ['3:8: on without quotes, which YAML reads as true or false; expected quotes around it: "on".'],
    ),
    "an unquoted off": (
        'text: "Yes"',
        "text: off",
        ['32:34: off without quotes, which YAML reads as true or false; expected quotes around it: "off".'],
    ),
    "a number with a leading zero": (
        'title: "A calm sheet"',
        "title: 0113",
        ['3:8: 0113 without quotes, which YAML reads as a number; expected quotes around it: "0113".'],
    ),
    "an age band without quotes": (
        "age_bands: [adult]",
        "age_bands: [13_15]",
        ['12:15: 13_15 without quotes, which YAML reads as a number; expected quotes around it: "13_15".'],
    ),
    "a date as a text": (
        'title: "A calm sheet"',
        "title: 2026-11-22",
        [
            '3:8: 2026-11-22 without quotes, which YAML reads as a date; expected quotes around it: "2026-11-22".'
        ],
    ),
    "Norway": (
        'jurisdictions: ["GB"]',
        "jurisdictions: [NO]",
        ['11:19: NO without quotes, which YAML reads as true or false; expected quotes around it: "NO".'],
    ),
    "a date that is none": (
        "review_by: 2027-05-01",
        "review_by: 2027-02-30",
        ["17:14: “2027-02-30”; expected a date such as 2027-05-01."],
    ),
    "a truth that is none": (
        "required: true",
        "required: yes",
        ["29:19: “yes”; expected true or false."],
    ),
    "an unknown key": (
        "    why:",
        "    wyh:",
        [
            "24:5: the unknown key “wyh”; expected one of: id, text, why, help, role, within, when, safety, emergency, "
            "questions, templates, resources, actions. Did you mean “why”?"
        ],
    ),
    "an unknown word": (
        "status: draft",
        "status: darft",
        [
            "5:9: “darft”; expected one of: draft, in_review, approved, retired, withdrawn. Did you mean “draft”?"
        ],
    ),
    "an unknown role": (
        "owner_role: safeguarding_lead",
        "owner_role: safegarding_lead",
        [
            "16:15: “safegarding_lead”; expected one of: moderator, senior_moderator, safeguarding_lead, "
            "clinical_lead, "
            "data_lead, service_manager, buddy. Did you mean “safeguarding_lead”?"
        ],
    ),
    "a missing key": (
        'trigger: "When a test needs one."\n',
        "",
        [
            "1:1: a protocol without “trigger”; expected trigger: a sentence saying when this protocol is used."
        ],
    ),
    "a key without a value": (
        'trigger: "When a test needs one."',
        "trigger:",
        ["8:9: nothing; expected a sentence."],
    ),
    "a key twice": (
        'title: "A calm sheet"',
        'title: "A calm sheet"\ntitle: "Another"',
        ["4:1: the key “title” again (first on line 3); expected each key once."],
    ),
    "an anchor and an alias": (
        'title: "A calm sheet"',
        'title: &t "A calm sheet"\nfinished_when: *t',
        [
            "3:8: an anchor, “&t”; expected the text alone.",
            "4:16: an alias, “*t”; expected the text itself, written out again.",
        ],
    ),
    "a tag": (
        'title: "A calm sheet"',
        'title: !!python/object "A calm sheet"',
        ["3:8: a tag, “tag:yaml.org,2002:python/object”; expected the text alone."],
    ),
    "a tab": ("  jurisdictions", "\tjurisdictions", ["11:1: a tab; expected spaces to indent with."]),
    "a colon in the text": (
        'title: "A calm sheet"',
        "title: Calm: a sheet",
        ["3:12: a “: ” in the middle of a text; expected quotes around a text that has “: ” in it."],
    ),
    "a quotation mark left open": (
        "close_requires: [seen]\n",
        'close_requires: ["seen\n',
        [
            "47:1: the end of the file inside a quoted text; expected the closing quotation mark; the file may be cut "
            "short."
        ],
    ),
    "a list left open": (
        "close_requires: [seen]\n",
        "close_requires: [seen\n",
        ["47:1: a list in [ ] that does not go on; expected “,” or “]”; the file may be cut short."],
    ),
    "a control character": (
        "calm sheet",
        "calm \x1b[2Jsheet",
        ["3:16: the invisible character U+001B; expected letters, spaces and line ends."],
    ),
    "a second document": (
        "close_requires: [seen]\n",
        "close_requires: [seen]\n---\nid: other\n",
        ["47:1: a second document, after “---”; expected one document to a file."],
    ),
    "an id that is not the file's name": (
        "id: calm",
        "id: clam",
        ["2:5: the id “clam” in a file named calm.yaml; expected “calm”, as the file is named."],
    ),
    "a step twice": (
        "- id: answer",
        "- id: look",
        ["35:9: the step “look” again (first on line 22); expected a different id."],
    ),
    "a question twice": (
        "{id: note,",
        "{id: seen,",
        ["44:14: the question “seen” again (first on line 26); expected a different id."],
    ),
    "an option twice": (
        '{value: "no", text',
        '{value: "yes", text',
        ["34:21: the value “yes” again (first on line 32); expected a different value."],
    ),
    "a condition on a later question": (
        'when: {question: seen, in: ["yes", "unclear"]}',
        "when: {question: note, answered: true}",
        [
            "37:22: a condition on “note”, which is not asked before this step; expected a question of an earlier step."
        ],
    ),
    "a condition on a missing question": (
        "when: {question: seen,",
        "when: {question: sene,",
        ["37:22: a condition on the unknown question “sene”; expected one of: seen. Did you mean “seen”?"],
    ),
    "an unknown operator": (
        'in: ["yes", "unclear"]}',
        'equal: "yes"}',
        [
            "37:28: the unknown operator “equal”; expected one of: equals, not_equals, in, any_of, answered, lt, "
            "gt. Did "
            "you mean “equals”?"
        ],
    ),
    "two operators": (
        'in: ["yes", "unclear"]}',
        'equals: "yes", not_equals: "no"}',
        [
            "37:11: 2 operators (equals, not_equals); expected exactly one of: equals, not_equals, in, any_of, "
            "answered, "
            "lt, gt."
        ],
    ),
    "an operator that does not fit": (
        'in: ["yes", "unclear"]}',
        "gt: 3}",
        [
            "37:11: “gt” on “seen”, a question of type choice; expected one of: equals, not_equals, in, any_of, "
            "answered."
        ],
    ),
    "a value that is no answer": (
        'in: ["yes", "unclear"]}',
        'in: ["yes", "unclaer"]}',
        [
            "37:40: “unclaer”, which is no answer to “seen”; expected one of: yes, unclear, no. Did you mean “unclear”?"
        ],
    ),
    "all beside any": (
        'when: {question: seen, in: ["yes", "unclear"]}',
        "when: {all: [{question: seen, answered: true}], any: [{question: seen, answered: true}]}",
        ["37:53: “all” and “any” side by side; expected “all” alone, with a list of tests in it."],
    ),
    "a group inside a group": (
        'when: {question: seen, in: ["yes", "unclear"]}',
        "when: {all: [{any: [{question: seen, answered: true}]}]}",
        ["37:19: a group inside a group; expected tests only; conditions are flat."],
    ),
    "an unknown template": (
        "templates: [hello]",
        "templates: [helo]",
        ["38:17: the unknown template “helo”; expected one of: hello. Did you mean “hello”?"],
    ),
    "an unknown topic": (
        "topics: [distress]",
        "topics: [distres]",
        [
            "39:26: the unknown topic “distres”; expected a topic of some resource: distress, emergency. Did you mean "
            "“distress”?"
        ],
    ),
    "an unknown include": (
        "steps:",
        "includes: [endnig]\nsteps:",
        ["21:12: the unknown include “endnig”; expected one of: ending. Did you mean “ending”?"],
    ),
    "a safety question without unclear": (
        '          - {value: "unclear", text: "Unclear"}\n',
        "",
        [
            "26:9: a safety question without the answer “unclear”; expected an option with the value “unclear”.",
            "36:40: “unclear”, which is no answer to “seen”; expected one of: yes, no.",
        ],
    ),
    "imminent in a form of its own": (
        '- {id: note, text: "Note?", type: text}',
        '- {id: imminent, text: "Now?", type: text}',
        [
            "44:9: “imminent” in a form of its own; expected a choice with safety: true and the values yes, "
            "unclear and "
            "no, because yes and unclear always mean now."
        ],
    ),
    "a choice without options": (
        'text: "Note?", type: text}',
        'text: "Note?", type: choice}',
        ["44:9: a choice without “options”; expected two or more options, each {value, text}."],
    ),
    "a choice whose options are nothing": (
        'text: "Note?", type: text}',
        'text: "Note?", type: choice, options: null}',
        ["44:9: a choice without “options”; expected two or more options, each {value, text}."],
    ),
    "a gated emergency": (
        "steps:",
        "sign_off: {role: safeguarding_lead, blocks_emergency: true}\nsteps:",
        ["21:37: “blocks_emergency” other than false; expected false: an emergency is never gated."],
    ),
    "an emergency gated further down": (
        "steps:",
        "escalations:\n  - {id: x, role: buddy, blocks_emergency: true}\nsteps:",
        ["22:26: “blocks_emergency” other than false; expected false: an emergency is never gated."],
    ),
    "a now protocol without an emergency step": (
        "urgency: today",
        "urgency: now",
        [
            "7:1: urgency now without an emergency step; expected a step with emergency: true, which opens the "
            "emergency "
            "panel."
        ],
    ),
    "a conditional emergency step": (
        "    templates: [hello]",
        "    emergency: true\n    templates: [hello]",
        ["37:5: a condition on the emergency step; expected none: an emergency is never gated."],
    ),
    "an approval without hash": (
        "  evidence: [NSPA]",
        '  evidence: [NSPA]\n  approvals: [{role: safeguarding_lead, name: "A. Lead", date: 2026-11-22}]',
        [
            "19:15: an approval without “content_hash”; expected content_hash: the SHA-256 of the text that was "
            "approved."
        ],
    ),
    "closing on a missing question": (
        "close_requires: [seen]",
        "close_requires: [sene]",
        ["46:18: the unknown question “sene”; expected one of: seen, note. Did you mean “seen”?"],
    ),
    "closing on a conditional question": (
        '  - id: end\n    text: "End it."\n    questions:\n      - {id: note, text: "Note?", type: text}\n'
        "decisions: [keep, keep_reply]\nclose_requires: [seen]",
        '    questions:\n      - {id: note, text: "Note?", type: text}\n'
        "decisions: [keep, keep_reply]\nclose_requires: [note]",
        ["44:18: “note”, which is asked under a condition; expected a question that is asked on every path."],
    ),
    "an unknown action": (
        "decisions: [keep, keep_reply]",
        "decisions: [keep, hid]",
        [
            "45:19: “hid”; expected one of: keep, keep_reply, edit, hide, hold, remove, lock_thread, slow_thread, "
            "split_thread, move, message_member, message_third_party, restrict_account, suspend, close_account, watch, "
            "escalate_lead, escalate_clinical, emergency_call, report_external, restore, no_action. Did you mean "
            "“hide”?"
        ],
    ),
    "a list where a text belongs": (
        'title: "A calm sheet"',
        'title: ["A", "B"]',
        ["3:8: a list; expected a sentence."],
    ),
    "a text where a list belongs": (
        "decisions: [keep, keep_reply]",
        "decisions: keep",
        ["45:12: “keep”; expected a list, each item on its own line after “- ”, or in [ ]."],
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_with_its_place_and_how_to_mend_it(home: Home, slip: str):
    old, new, expected = SLIPS[slip]
    home.change("calm.yaml", old, new)
    library = home.library()

    assert home.told(library) == [f"shipped/calm.yaml:{line}" for line in expected]
    assert library.get("calm") is None
    assert all(problem.rule for problem in library.problems())


CONSEQUENCES: dict[str, tuple[str, str, bool]] = {
    "to itself": (
        '{in: ["yes"], switch_to: calm}',
        "35:46: “switch_to” to this protocol itself; expected another protocol.",
        False,
    ),
    "to an unknown protocol": (
        '{in: ["yes"], switch_to: clam}',
        "35:46: the protocol “clam”, which is not in the library; expected one that can take over.",
        False,
    ),
    "adding an unknown protocol": (
        '{in: ["yes"], add_protocol: other}',
        "35:49: the protocol “other”, which is not in the library; expected one that can be added; until then this "
        "leads nowhere.",
        True,
    ),
    "back": (
        '{in: ["yes"], go_to: look}',
        "35:42: “go_to” “look”, which is no later step; expected the id of a step further down.",
        False,
    ),
    "of nothing": (
        '{in: ["yes"]}',
        "35:21: a consequence of nothing but “in”; expected something that follows, such as show_notice.",
        False,
    ),
    "of no answer": (
        '{in: ["maybe"], show_notice: "Look."}',
        "35:27: “maybe”, which is no answer to “seen”; expected one of: yes, unclear, no.",
        False,
    ),
    "with an unknown template": (
        '{in: ["yes"], offer_template: hallo}',
        "35:51: the unknown template “hallo”; expected one of: hello. Did you mean “hello”?",
        False,
    ),
}


@pytest.mark.parametrize("slip", CONSEQUENCES)
def test_a_consequence_that_leads_nowhere_is_told(home: Home, slip: str):
    consequence, expected, usable = CONSEQUENCES[slip]
    home.change(
        "calm.yaml",
        '          - {value: "no", text: "No"}\n',
        f'          - {{value: "no", text: "No"}}\n        on_answer: [{consequence}]\n',
    )
    library = home.library()

    assert home.told(library) == [f"shipped/calm.yaml:{expected}"]
    assert (library.get("calm") is not None) is usable
    assert all(problem.warning is usable for problem in library.problems())


def test_no_jump_leads_over_the_emergency_step_or_what_closing_requires(home: Home):
    home.change(
        "calm.yaml",
        '          - {value: "no", text: "No"}\n',
        '          - {value: "no", text: "No"}\n        on_answer: [{in: ["no"], go_to: last}]\n',
    )
    home.change("calm.yaml", "decisions:", '  - id: last\n    text: "Stop."\ndecisions:')
    home.change("calm.yaml", '    when: {question: seen, in: ["yes", "unclear"]}\n', "    emergency: true\n")
    home.change("calm.yaml", "close_requires: [seen]", "close_requires: [seen, note]")

    assert home.told() == [
        "shipped/calm.yaml:35:41: a “go_to” over the emergency step; expected a step before it: an emergency is never "
        "gated.",
        "shipped/calm.yaml:35:41: a “go_to” over “note”, which closing requires; expected a step before it, "
        "or it could "
        "never be answered.",
    ]


def test_all_mistakes_of_a_file_are_told_at_once(home: Home):
    home.change("calm.yaml", "status: draft", "status: darft")
    home.change("calm.yaml", "style: do_confirm", "stile: do_confirm")
    home.change("calm.yaml", "templates: [hello]", "templates: [helo]")
    home.change("calm.yaml", "close_requires: [seen]", "close_requires: [sene]")

    assert [line.split(":")[1] for line in home.told()] == ["5", "6", "1", "38", "46"]


def test_mistakes_in_a_template_are_told(home: Home):
    home.write("templates/hello.yaml", TEMPLATE.replace("Hi {member_name}.", "Hi {Member} and {next_look}."))

    assert home.told(home.library()) == [
        "shipped/calm.yaml:38:17: the template “hello”, which has mistakes of its own; expected a file "
        "without mistakes.",
        "shipped/templates/hello.yaml:7:7: “{Member}” in the message; expected a placeholder such as {member_name}, in "
        "small letters.",
        "shipped/templates/hello.yaml:6:16: “member_name”, which is not in the message; expected only names that are.",
        "shipped/templates/hello.yaml:6:1: “{next_look}” in the message, not declared here; expected every name the "
        "message has.",
    ]


def test_mistakes_in_resources_are_told(home: Home):
    text = RESOURCES.replace("id: gb-line", "id: gb-emergency").replace('value: "999"', "value: 999")
    home.write("resources/GB.yaml", text.replace("areas: [GB]", "areas: [UK2]", 1))

    told = [line for line in home.told() if "resources" in line.split(":")[0]]

    assert told == [
        "shipped/resources/GB.yaml:9:37: 999 without quotes, which YAML reads as a number; expected quotes around it: "
        '"999".',
        "shipped/resources/GB.yaml:10:13: “UK2”; expected an ISO 3166 code such as GB, or anywhere.",
        "shipped/resources/GB.yaml:12:9: the resource “gb-emergency” again (first on line 5); expected a different id.",
    ]


def test_one_resource_in_two_files_is_told(home: Home):
    home.write("resources/IE.yaml", RESOURCES.replace("country: GB", "country: IE"))

    assert [line for line in home.told() if "another file" in line] == [
        "IE.yaml:1:1: the resource “gb-emergency”, which another file has too; expected a different id.",
        "IE.yaml:1:1: the resource “gb-line”, which another file has too; expected a different id.",
    ]


def test_a_mistake_in_an_include_is_told_where_it_is(home: Home):
    home.change("calm.yaml", "steps:", "includes: [ending]\nsteps:")
    home.change("includes/ending.yaml", "position: last", "position: lats")

    assert home.told() == [
        "shipped/calm.yaml:21:12: the include “ending”, which has mistakes of its own; expected a file "
        "without mistakes.",
        "shipped/includes/ending.yaml:3:11: “lats”; expected one of: first, last. Did you mean “last”?",
    ]


def test_an_include_that_clashes_is_told_with_both_files(home: Home):
    home.change("calm.yaml", "steps:", "includes: [ending]\nsteps:")
    home.change("includes/ending.yaml", "id: closing", "id: look")

    assert home.told() == [
        f"shipped/includes/ending.yaml:5:9: the step “look” again (first on {home.shipped}/calm.yaml:23); expected a "
        "different id.".replace(f"{home.root}/", "")
    ]


# Files that are no text at all, or far too much of it


def test_a_file_that_is_not_utf_8_is_told_with_the_byte(home: Home):
    home.write("calm.yaml", GOOD.replace("calm sheet", "café").encode("latin-1"))

    assert home.told() == [
        "shipped/calm.yaml:3:14: the byte E9, which is not UTF-8; expected a file saved as UTF-8."
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_encodings_are_told(home: Home, encoding: str):
    home.write("calm.yaml", GOOD.encode(encoding))

    assert "which is not UTF-8" in home.told()[0]


@pytest.mark.parametrize("change", ["BOM", "CRLF", "CR"])
def test_a_bom_and_other_line_ends_are_fine(home: Home, change: str):
    text = {"BOM": "\ufeff" + GOOD, "CRLF": GOOD.replace("\n", "\r\n"), "CR": GOOD.replace("\n", "\r")}[
        change
    ]
    before = home.library().get("calm")
    home.write("calm.yaml", text)
    after = home.library().get("calm")

    assert home.told() == []
    assert before == after


def test_lines_count_the_same_with_crlf(home: Home):
    home.write("calm.yaml", GOOD.replace("status: draft", "status: darft").replace("\n", "\r\n"))

    assert home.told()[0].startswith("shipped/calm.yaml:5:9: “darft”")


def test_an_empty_file_is_told(home: Home):
    home.write("calm.yaml", "# nothing yet\n")

    assert home.told() == [
        "shipped/calm.yaml:1:1: an empty file; expected keys and values, beginning with “schema”."
    ]


@pytest.mark.parametrize("text", ["just words\n", "- a\n- b\n"])
def test_a_file_of_another_shape_is_told(home: Home, text: str):
    home.write("calm.yaml", text)

    assert "expected a protocol with the keys schema, id, title" in home.told()[0]


@pytest.mark.parametrize("at", [40, 200, 333, 500, 700, 950, len(GOOD) - 4])
def test_a_file_cut_short_is_told(home: Home, at: int):
    home.write("calm.yaml", GOOD[:at])
    library = home.library()

    told = home.told(library)

    assert told
    assert library.get("calm") is None
    assert all(line.startswith("shipped/calm.yaml:") for line in told)


def test_a_file_cut_short_at_any_byte_is_told(home: Home):
    home.write("calm.yaml", SOUND)
    home.write("includes/ending.yaml", ENDING)
    library, whole = home.library(), SOUND.encode("utf-8")
    file = home.root / "desk" / "calm.yaml"
    unnoticed = []
    for end in range(len(whole)):
        home.write("calm.yaml", whole[:end], file.parent)
        if all(problem.advice for problem in check_files(library, files=[file])):
            unnoticed.append(end)

    assert unnoticed == []


def test_a_last_line_without_an_end_is_a_warning(home: Home):
    home.write("calm.yaml", GOOD.rstrip("\n"))
    library = home.library()

    assert home.told(library) == [
        "shipped/calm.yaml:46:23: a last line without an end; expected a line end; the file may be cut short."
    ]
    assert library.get("calm") is not None


def test_a_huge_file_is_refused_unread(home: Home):
    path = home.shipped / "calm.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)

    tracemalloc.start()
    told = home.told()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert told == ["shipped/calm.yaml:1:1: a file of 52,428,800 bytes; expected 524,288 at most."]
    assert peak < 10 * 1024 * 1024


NESTED = {
    "flow": "x: " + "[" * 200_000,
    "flow groups": "x: " + "{a: " * 100_000,
    "block": None,
    "dashes": "x:\n  " + "- " * 200_000,
}


@pytest.mark.parametrize("kind", NESTED)
def test_deep_nesting_is_refused_without_depth(home: Home, kind: str):
    text = NESTED[kind] or "".join(f"{' ' * n}a:\n" for n in range(900))
    home.write("calm.yaml", text + "\n")

    told = home.told()

    assert len(told) == 1
    assert "more than 16 levels inside each other; expected a flatter file" in told[0]


def test_too_many_values_are_refused(home: Home):
    home.write("calm.yaml", "x: [" + "1," * 100_000 + "]\n")

    assert "more than 20,000 values; expected a file of readable size" in home.told()[0]


def test_an_alias_bomb_is_refused_before_anything_grows(home: Home):
    lines = ['a0: &a0 ["lol"]'] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    home.write("calm.yaml", "\n".join(lines) + "\n")
    told = home.told()

    assert told[0] == "shipped/calm.yaml:1:5: an anchor, “&a0”; expected the text alone."
    assert len(told) == 101


def test_a_file_of_nothing_but_mistakes_stops_being_listed(home: Home):
    home.write("calm.yaml", "".join(f"k{n}: x\n" for n in range(9000)))
    told = home.told()

    assert len(told) == 101
    assert told[-1].endswith("more than 100 mistakes; expected the ones above to be mended first.")


def test_a_long_word_is_shown_short(home: Home):
    home.change("calm.yaml", "status: draft", "status: " + "x" * 3000)

    assert f"5:9: “{'x' * 60}…”" in home.told()[0]


@pytest.mark.parametrize("text", ["? [a, b]\n: c\n", "? {a: b}\n: c\n", "*a : b\n", "{a, b}: c\n"])
def test_a_key_that_is_no_word_is_told(home: Home, text: str):
    home.write("calm.yaml", text)

    assert home.told()


@pytest.mark.parametrize(
    "text",
    ["%", "@", "`", "!!", "&", "*", "|", ">", "a: |9\n", "\x00", '"\\x', "%YAML 9.9\n---\n", "---\n...\n"],
)
def test_whatever_stands_there_it_is_told_and_nothing_is_raised(home: Home, text: str):
    home.write("calm.yaml", text)

    assert home.told()


# Things that are not files of this folder


def test_a_link_out_of_the_folder_is_refused(home: Home):
    outside = home.write("elsewhere/secret.yaml", GOOD.replace("id: calm", "id: secret"), home.root)
    (home.shipped / "secret.yaml").symlink_to(outside)
    library = home.library()

    assert home.told(library) == [
        "shipped/secret.yaml:1:1: a link to a file outside this folder; expected the file itself."
    ]
    assert "secret" not in library.ids()


def test_a_link_within_the_folder_is_followed(home: Home):
    home.write("templates/other.yaml", TEMPLATE.replace("id: hello", "id: other"))
    (home.shipped / "templates/hello.yaml").unlink()
    (home.shipped / "templates/hello.yaml").symlink_to(home.shipped / "templates/other.yaml")

    assert any("in a file named hello.yaml" in line for line in home.told())


def test_a_broken_link_and_a_folder_and_a_pipe_are_told(home: Home):
    (home.shipped / "gone.yaml").symlink_to(home.shipped / "nothing.yaml")
    (home.shipped / "folder.yaml").mkdir()
    os.mkfifo(home.shipped / "pipe.yaml")

    assert home.told() == [
        "shipped/folder.yaml:1:1: a folder with the name of a file; expected a file.",
        "shipped/gone.yaml:1:1: a file that cannot be read (No such file or directory); expected a readable file.",
        "shipped/pipe.yaml:1:1: something that is no file with the name of a file; expected a file.",
    ]


def test_two_files_of_one_name_are_told_and_one_is_used(home: Home):
    home.write("calm.yml", GOOD)
    library = home.library()

    assert home.told(library) == [
        "shipped/calm.yml:1:1: a second file of the name “calm”; expected one; calm.yaml is used."
    ]
    assert library.get("calm") is not None


def test_two_files_with_one_id_are_told_and_the_one_so_named_is_used(home: Home):
    home.write("copy.yaml", GOOD)
    library = home.library()

    assert home.told(library) == [
        "shipped/copy.yaml:2:5: the id “calm” in a file named copy.yaml; calm.yaml has it already; expected “copy”, as "
        "the file is named."
    ]
    assert library.get("calm") is not None
    assert library.get("copy") is None


def test_one_id_in_two_packs_is_told_and_the_first_is_used(home: Home):
    home.write("rules/calm.yaml", GOOD.replace("A calm sheet", "Another"))
    home.write("core/calm.yaml", GOOD.replace("A calm sheet", "A third"))
    library = home.library()

    assert home.told(library) == [
        "shipped/core/calm.yaml:1:1: a second file of the name “calm”; expected one; calm.yaml is used.",
        "shipped/rules/calm.yaml:1:1: a second file of the name “calm”; expected one; calm.yaml is used.",
    ]
    assert (calm := library.get("calm")) is not None
    assert calm.title == "A calm sheet"


def test_a_pack_that_is_a_link_out_of_the_folder_is_refused(home: Home):
    home.write("elsewhere/secret.yaml", GOOD.replace("id: calm", "id: secret"), home.root)
    (home.shipped / "pack").symlink_to(home.root / "elsewhere")
    library = home.library()

    assert home.told(library) == [
        "shipped/pack:1:1: a link to a folder outside this one; expected the folder itself."
    ]
    assert "secret" not in library.ids()


@pytest.mark.parametrize("kind", BROKEN)
def test_whatever_is_wrong_with_a_file_the_check_says_it_and_the_library_goes_on(home: Home, kind: str):
    home.write("calm.yaml", SOUND)
    home.write("includes/ending.yaml", ENDING)
    library = home.library()
    good = library.get("calm")
    found = check_files(library, files=[make(home.root / "desk", kind)])
    (home.shipped / "calm.yaml").unlink()
    make(home.shipped, kind)

    assert found
    assert all(problem.rule and problem.found and problem.expected for problem in found)
    assert not all(problem.warning for problem in found)
    assert library.get("calm") == good
    assert library.problems()


def test_a_file_name_that_can_be_no_id_is_told(home: Home):
    home.write("my protocol.yaml", GOOD)
    home.write(".hidden.yaml", GOOD)
    home.write("README.md", "not ours")

    assert home.told() == [
        "shipped/my protocol.yaml:1:1: the file name “my protocol.yaml”; expected letters, digits, “-” and “_”, then "
        ".yaml."
    ]


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path):
    library = Home(tmp_path).library()
    for folder in ("includes", "templates", "resources"):
        for path in (tmp_path / "shipped" / folder).iterdir():
            path.unlink()
        (tmp_path / "shipped" / folder).rmdir()

    assert library.resources(["distress"], ["GB"], 3) == []
    assert library.emergency([]) == []


@given(
    st.integers(0, len(GOOD) - 1),
    st.integers(0, 40),
    st.sampled_from(
        [
            "",
            "\n",
            "  ",
            "- ",
            ": ",
            "{",
            "[",
            "]",
            "}",
            '"',
            "'",
            "&a ",
            "*a",
            "!x ",
            "|\n",
            "#",
            "yes",
            "\t",
            "\u2028",
            "\x00",
            "7",
        ]
    ),
)
@settings(max_examples=150, deadline=None)
def test_no_edit_of_a_good_file_raises_or_points_outside_it(at: int, cut: int, put: str):
    text = GOOD[:at] + put + GOOD[at + cut :]
    report = Report()
    tree = parse(text, "calm.yaml", report)
    if tree is not None:
        record = read(tree, PROTOCOL, report)
        if record is not None:
            known = Known(("calm",), {}, ("hello",), ("distress",))
            check(record, resolve(record, known, report), known, report)
            if report.is_good:
                plain_protocol(record, resolve(record, known, report))

    lines = text.count("\n") + text.count("\u2028") + 2
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in report.problems)
    assert all(problem.found and problem.expected for problem in report.problems)
    assert tree is not None or report.problems
