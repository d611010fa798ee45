"""`protocol check` and `paths`, as people and machines read them."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modconsole.bootstrap.home import Home
from modconsole.cli import run
from tests.protocol_files.broken import BROKEN, make
from tests.protocol_files.sound import ENDING, SOUND


class Desk:
    """Runs the command from a folder of its own, with no home to speak of."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *words: str, expect: int, home: str = "/proc/nowhere") -> str:
        code = run(["protocol", *words], Home({"MODCONSOLE_HOME": home}).parts())
        self.out, self.err = self._capsys.readouterr()
        assert code == expect, f"exit {code}: {self.out}\n{self.err}"
        return self.out

    def json(self, *words: str, expect: int) -> Any:
        out = self(*words, "--json", expect=expect)
        assert out.isascii()
        assert out.count("\n") == 1
        return json.loads(out)

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return name


HERE = SOUND.replace("includes: [ending]", "includes: [closing-questions]").replace(
    "templates: [hello]", "templates: [crisis-immediate]"
)
"""As the shipped library has what it needs."""


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


def test_a_finding_is_shown_with_its_line_marked_and_what_was_expected(desk: Desk):
    desk.write("calm.yaml", HERE.replace("actions: [keep]\n", "actions: [kep]\n"))

    assert desk("check", "calm.yaml", expect=1).splitlines()[:4] == [
        "calm.yaml:26:15: error: “kep” [unknown-word]",
        "    26 |     actions: [kep]",
        "       |               ^^^",
        "    expected: one of: keep, keep_reply, edit, hide, hold, remove, lock_thread, slow_thread, split_thread, "
        "move, message_member, message_third_party, restrict_account, suspend, close_account, watch, escalate_lead, "
        "escalate_clinical, emergency_call, report_external, restore, no_action",
    ]
    assert "    Did you mean “keep”?" in desk.out
    assert "1 file checked: 1 error." in desk.out


def test_nothing_found_is_exit_0_and_says_how_much_was_looked_at(desk: Desk):
    desk.write("calm.yaml", HERE)

    assert desk("check", "calm.yaml", expect=0) == "1 file checked: nothing found.\n"


def test_the_shipped_library_passes(desk: Desk):
    told = desk.json("check", expect=0)

    assert told["checked"] > 40
    assert {finding["level"] for finding in told["findings"]} <= {"advice"}


def test_a_warning_is_a_finding_and_advice_only_when_asked_to_be_strict(desk: Desk):
    desk.write("warned.yaml", HERE.replace("id: calm", "id: warned").replace("[NSPA]", "[]"))
    desk.write("advised.yaml", HERE.replace("id: calm", "id: advised").replace("Look at it.", "The look."))

    assert "1 warning." in desk("check", "warned.yaml", expect=1)
    assert "1 piece of advice." in desk("check", "advised.yaml", expect=0)
    assert "1 piece of advice." in desk("check", "--strict", "advised.yaml", expect=1)


def test_json_has_stable_names_and_every_finding(desk: Desk):
    desk.write("calm.yaml", HERE.replace("status: draft", "status: darft").replace("[NSPA]", "[]"))
    told = desk.json("check", "calm.yaml", expect=1)

    assert told == {
        "checked": 1,
        "findings": [
            {
                "level": "error",
                "rule": "unknown-word",
                "file": "calm.yaml",
                "line": 5,
                "column": 9,
                "length": 5,
                "found": "“darft”",
                "expected": "one of: draft, in_review, approved, retired, withdrawn",
                "nearest": "draft",
                "source": "status: darft",
                "protocol": "calm",
            }
        ],
    }


def test_a_folder_of_files_is_checked_together(desk: Desk):
    desk.write("own/one.yaml", SOUND.replace("id: calm", "id: one").replace("[hello]", "[crisis-immediate]"))
    desk.write("own/includes/ending.yaml", ENDING)

    assert desk("check", "own", expect=0) == "2 files checked: nothing found.\n"


def test_a_protocol_is_checked_by_its_id(desk: Desk):
    assert desk("check", "suicide-thoughts", expect=0).startswith("1 file checked")


def test_a_name_that_is_none_is_wrong_usage_with_the_nearest(desk: Desk):
    desk.write("calm.yaml", HERE)
    desk.write("notes.txt", "not ours")
    (desk.folder / "empty").mkdir()

    for words, said in (
        (["suicide-thougts"], "Did you mean “suicide-thoughts”?"),
        (["clam.yaml"], "Did you mean “calm.yaml”?"),
        (["notes.txt"], "no .yaml file"),
        (["empty"], "no .yaml files in “empty”"),
    ):
        assert desk("check", *words, expect=2) == ""
        assert said in desk.err


def test_a_line_that_tries_to_reach_the_terminal_does_not(desk: Desk):
    desk.write("calm.yaml", HERE.replace("A calm sheet", "A \x1b[2J\u202esheet"))

    assert "\x1b" not in desk("check", "calm.yaml", expect=1)
    assert "\u202e" not in desk.out


def test_of_a_very_long_line_the_part_around_the_place_is_shown(desk: Desk):
    long = "and on " * 200
    desk.write("calm.yaml", HERE.replace("look_for: [", f'look_for: ["{long}", 0113, '))
    lines = desk("check", "calm.yaml", expect=1).splitlines()
    start = lines[2].index("^")

    assert len(lines[1]) < 140
    assert lines[1][start:].startswith("0113")
    assert lines[2].count("^") == 4


def test_a_mark_stands_under_wide_letters_too(desk: Desk):
    desk.write("calm.yaml", HERE.replace('["Nothing much"]', '["静かに", 0113]'))
    lines = desk("check", "calm.yaml", expect=1).splitlines()

    assert lines[1].endswith('look_for: ["静かに", 0113]')
    assert lines[2].index("^") - lines[1].index("0113") == 3  # three letters, two cells each


@pytest.mark.parametrize("kind", BROKEN)
def test_every_broken_file_is_a_clear_error(desk: Desk, kind: str):
    make(desk.folder, kind)
    told = desk("check", "calm.yaml", expect=1)

    assert told.startswith("calm.yaml:")
    assert "    expected: " in told
    assert desk.err == ""


def test_all_broken_files_together_take_little_memory_and_time(tmp_path: Path):
    names = []
    for number, kind in enumerate(BROKEN):
        path = make(tmp_path / f"d{number}", kind)
        names.append(str(path))
    program = (
        "import re, sys\n"
        "from modconsole.bootstrap.home import Home\n"
        "from modconsole.cli import run\n"
        "codes = {run(['protocol', 'check', name], Home({'MODCONSOLE_HOME': '/proc/nowhere'}).parts())"
        " for name in sys.argv[1:]}\n"
        # ru_maxrss would count what this process held when it was still a copy of the tests.
        "most = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())\n"
        "print(sorted(codes), int(most[1]) // 1024, file=sys.stderr)\n"
    )
    limits = {resource.RLIMIT_CPU: 60, resource.RLIMIT_AS: 600 * 1024 * 1024}
    done = subprocess.run(
        [sys.executable, "-c", program, *names],
        capture_output=True,
        text=True,
        preexec_fn=lambda: [resource.setrlimit(what, (most, most)) for what, most in limits.items()] and None,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )

    codes, megabytes = done.stderr.rsplit(" ", 1)
    assert codes == "[1]", done.stderr
    assert int(megabytes) < 100
    assert "Traceback" not in done.stdout


# Paths


def test_every_route_is_a_numbered_sentence(desk: Desk):
    desk.write("calm.yaml", HERE)

    assert desk("paths", "calm.yaml", expect=0).splitlines() == [
        "calm: A calm sheet (version 1.0.0, draft)",
        "2 routes; the longest has 3 steps.",
        "",
        "Every route shows:",
        "  Look at it.",
        "  Say what the member was told, and set the next look.",
        "",
        "Routes that end with closing the case:",
        "1. You say “Yes” or “Unclear” to “Seen?”: the safeguarding lead is told, and “Answer it.” is shown, because "
        "of that answer.",
        "   It ends by closing the case, after 3 steps.",
        "2. You say “No” to “Seen?”.",
        "   It ends by closing the case, after 2 steps.",
    ]


def test_a_handover_comes_first_and_names_what_takes_over(desk: Desk):
    said = desk("paths", "suicide-thoughts", expect=0)

    assert (
        "Routes that end by handing over to “May be about to act on suicidal thoughts, or has acted”" in said
    )
    assert said.index("handing over") < said.index("closing the case")


def test_routes_are_told_to_machines_in_the_same_order(desk: Desk):
    desk.write("calm.yaml", HERE)
    told = desk.json("paths", "calm.yaml", expect=0)

    assert (told["protocol"], told["count"], told["ways"], told["longest"]) == ("calm", 2, 2, 3)
    assert told["complete"] is True
    assert told["paths"][0] == {
        "number": 1,
        "steps": ["look", "answer", "closing"],
        "because": ["", "because you said: Yes", ""],
        "answers": [
            {
                "step": "look",
                "question": "seen",
                "answers": [["yes"], ["unclear"]],
                "left_out": False,
                "skips_step": False,
                "go_to": "",
                "switch_to": "",
                "add_protocols": [],
                "told": ["safeguarding_lead"],
                "urgency": "",
                "suggested_actions": [],
            }
        ],
        "ends": "close",
        "switch_to": "",
        "add_protocols": [],
        "told": ["safeguarding_lead"],
        "urgency": "",
        "suggested_actions": [],
    }


def test_paths_of_a_file_with_mistakes_name_the_mistakes(desk: Desk):
    desk.write("calm.yaml", HERE.replace("status: draft", "status: darft"))
    desk("paths", "calm.yaml", expect=1)

    assert "calm.yaml:5:9: “darft”" in desk.err


def test_paths_of_every_shipped_protocol_are_told(desk: Desk, tmp_path: Path):
    ids = Home({"MODCONSOLE_HOME": str(tmp_path / "home")}).parts().library().ids()
    for id in ids:
        assert " route" in desk("paths", id, expect=0, home=str(tmp_path / "home"))
