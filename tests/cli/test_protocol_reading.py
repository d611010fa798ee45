"""Protocols are listed, shown, compared and printed as people read them, whatever state the rest of the home is in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modconsole.bootstrap.home import Home
from modconsole.protocol_files import shipped_folder

IMMEDIATE = "suicide-immediate"


@pytest.fixture
def own(demo: Any) -> Callable[..., Path]:
    """Put a changed copy of a shipped protocol into the service's own folder."""

    def write(id: str, *changes: tuple[str, str], name: str = "") -> Path:
        text = next(shipped_folder().rglob(f"{id}.yaml")).read_text("utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        folder = Path(demo.json("config", "path")["own protocols"])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (name or f"{id}.yaml")
        path.write_text(text, "utf-8")
        return path

    return write


# list


def test_the_list_names_every_protocol_with_its_pack_and_how_it_stands(demo):
    rows = {row["id"]: row for row in demo.json("protocol", "list")}
    said = demo("protocol", "list")

    assert {"core", "rules"} <= {row["pack"] for row in rows.values()}
    assert rows[IMMEDIATE].items() >= {
        ("pack", "core"),
        ("urgency", "now"),
        ("style", "read_do"),
        ("standing", "practice"),
        ("problems", 0),
    }
    assert all(row["title"] in " ".join(said.split()) for row in rows.values())
    assert "Pack: core" in said


def test_one_pack_can_be_listed_and_an_unknown_one_says_which_there_are(demo):
    assert {row["pack"] for row in demo.json("protocol", "list", "--pack", "rules")} == {"rules"}

    demo("protocol", "list", "--pack", "ruels", expect=2)
    assert "rules" in demo.err


def test_a_protocol_with_mistakes_is_listed_with_how_many(demo, own):
    demo("protocol", "list")
    own(IMMEDIATE, ("style: read_do", "style: reed_do"))
    row = next(row for row in demo.json("protocol", "list") if row["id"] == IMMEDIATE)

    assert (row["usable"], row["pack"]) == (True, "own")
    assert row["problems"] >= 1


@pytest.mark.parametrize("command", [("list",), ("show", IMMEDIATE), ("print", IMMEDIATE)])
def test_a_damaged_log_hides_how_a_protocol_stands_and_nothing_else(demo, tmp_path, command):
    Path(demo.json("config", "path")["log"]).write_bytes(b"not a log" * 1000)
    more = ("--out", str(tmp_path / "wall")) if command[0] == "print" else ()
    said = demo("protocol", *command, *more)

    assert "not known: " in said or "APPROVAL NOT KNOWN" in said
    assert IMMEDIATE in said


# show


def test_a_protocol_is_shown_as_the_moderator_will_see_it(demo):
    said = " ".join(demo("protocol", "show", IMMEDIATE).replace("|", "").split())

    for words in (
        "1. Open the emergency panel and ring the emergency number. EMERGENCY STEP: always shown",
        "[y] Yes [u] Unclear [n] No → “Yes” or “Unclear”: ",
        "tell the safeguarding lead",
        "Emergency services: 999",
        "[NOT CHECKED]",
        "{member_name}, I’ve just read your post and I’m worried",
        "Signed afterwards by the safeguarding lead",
        "Closing requires answers to “Was the member written to",
        "For you: high exposure; a debrief is offered afterwards.",
        "Owner: the safeguarding lead",
    ):
        assert words in said


def test_a_condition_is_said_in_words(demo, own):
    path = own(
        IMMEDIATE,
        (f"id: {IMMEDIATE}", "id: ours"),
        ("  - id: write\n", '  - id: write\n    when: {question: attend, in: ["no", "unclear"]}\n'),
        name="ours.yaml",
    )
    said = " ".join(demo("protocol", "show", "ours").split())

    assert path.exists()
    assert "Shown when you say “No” or “Not said” to “Will someone attend?”." in said


def test_a_past_version_is_shown_by_its_hash_with_the_messages_it_had(demo, own):
    before = demo.json("protocol", "show", IMMEDIATE)
    own(IMMEDIATE, ("Minutes matter", "Every minute matters"))
    after = demo.json("protocol", "show", IMMEDIATE)
    said = demo("protocol", "show", before["sha256"])

    assert before["sha256"] != after["sha256"]
    assert "Minutes matter" in said
    assert "This is a kept text; the library has version" in said
    assert demo.json("protocol", "show", before["sha256"])["templates"] == before["templates"]


def test_an_unknown_protocol_says_which_is_nearest(demo):
    demo("protocol", "show", "suicide-imediate", expect=2)
    assert f"Did you mean “{IMMEDIATE}”?" in demo.err
    demo("protocol", "show", "0" * 64, expect=2)
    assert "No text with this hash" in demo.err


def test_a_broken_file_shows_its_last_good_version_and_says_so(demo, own):
    demo("protocol", "show", IMMEDIATE)
    own(IMMEDIATE, ("style: read_do", "style: reed_do"))

    assert "Its file has mistakes; this is its last good version" in " ".join(
        demo("protocol", "show", IMMEDIATE).split()
    )


def test_hostile_text_in_a_file_is_shown_and_not_obeyed(demo, own):
    own(IMMEDIATE, ("Minutes matter", r"Minutes \e[31m\u202e matter"))
    said = demo("protocol", "show", IMMEDIATE)

    assert "␛[31m⟦U+202E⟧" in said
    assert "\x1b" not in said


# diff


def test_the_same_text_is_called_the_same_with_both_hashes(demo):
    said = demo("protocol", "diff", IMMEDIATE, IMMEDIATE)

    assert said.startswith("The same text.")
    assert said.count(demo.json("protocol", "show", IMMEDIATE)["sha256"]) == 2


def test_a_service_sees_what_its_own_file_changes_in_the_shipped_one(demo, own):
    own(
        IMMEDIATE,
        ("Minutes matter", "Every minute matters"),
        ('          - in: ["none"]\n            escalate: safeguarding_lead\n', '          - in: ["none"]\n'),
    )
    said = " ".join(demo("protocol", "diff", IMMEDIATE, expect=1).split())
    found = demo.json("protocol", "diff", IMMEDIATE, expect=1)

    assert said.startswith("Your own file, beside the shipped")
    assert (
        "No longer after “Nothing” to “What do we hold that could help find them?”: tell the safeguarding lead"
        in said
    )
    assert "was: ‹Minutes" in said
    assert said.index("Look at these first") < said.index("No longer after") < said.index("Other changes")
    assert found["same"] is False
    assert found["differences"][0]["safety"] is True


def test_two_versions_are_compared_by_hash_messages_and_all(demo, own):
    old = demo.json("protocol", "show", IMMEDIATE)["sha256"]
    template = (shipped_folder() / "templates" / "crisis-immediate.yaml").read_text("utf-8")
    folder = own(IMMEDIATE).parent
    (folder / "templates").mkdir()
    (folder / "templates" / "crisis-immediate.yaml").write_text(
        template.replace("ring 999", "ring 112"), "utf-8"
    )
    new = demo.json("protocol", "show", IMMEDIATE)["sha256"]
    said = " ".join(demo("protocol", "diff", old, new, expect=1).split())

    assert "message “crisis-immediate”" in said
    assert "‹112,›" in said


def test_with_one_id_it_says_what_changed_since_the_approval(demo, own):
    settings = Path(demo.json("config", "path")["config"])
    written = settings.read_text("utf-8")
    assert 'role = "moderator"' in written
    settings.write_text(written.replace('role = "moderator"', 'role = "safeguarding_lead"'), "utf-8")
    home = Home({"MODCONSOLE_HOME": str(demo.home)})
    desk = home.desk()
    home.unlock(desk)
    protocol = desk.library.get(IMMEDIATE)
    assert protocol is not None
    own(IMMEDIATE, ("Minutes matter", "Every minute matters"))
    desk.approvals.approve(protocol, home.settings.role, "A. Lead")
    desk.log.close()
    said = " ".join(demo("protocol", "diff", IMMEDIATE, expect=1).split())

    assert said.startswith("Since it was approved: from suicide-immediate")
    assert "Why it is there is worded differently." in said


def test_a_file_is_compared_as_if_it_stood_in_the_library(demo, own, tmp_path):
    file = own(IMMEDIATE, ("Minutes matter", "Every minute matters")).rename(tmp_path / f"{IMMEDIATE}.yaml")
    said = demo("protocol", "diff", IMMEDIATE, str(file), expect=1)

    assert "Why it is there is worded differently." in said
    assert "Every minute matters" in demo("protocol", "show", str(file))


def test_with_nothing_to_compare_with_it_says_so(demo):
    demo("protocol", "diff", IMMEDIATE, expect=2)

    assert "nothing to compare" in demo.err


# print


def test_every_sheet_for_now_is_printed_into_a_folder_as_a_draft(demo, tmp_path):
    out = tmp_path / "wall"
    said = demo("protocol", "print", "--out", str(out))
    now = {row["id"] for row in demo.json("protocol", "list") if row["urgency"] == "now"}

    assert {path.stem for path in out.iterdir()} == now
    assert str(out / f"{IMMEDIATE}.html") in said
    assert '<p class="standing">DRAFT</p>' in (out / f"{IMMEDIATE}.html").read_text("utf-8")


def test_a_page_is_never_written_over_what_is_there_unless_told_to(demo, tmp_path):
    there = tmp_path / f"{IMMEDIATE}.md"
    there.write_text("mine")
    words = ("protocol", "print", IMMEDIATE, "--form", "markdown", "--out", str(tmp_path))
    demo(*words, expect=2)

    assert there.read_text() == "mine"
    demo(*words, "--force")
    assert there.read_text("utf-8").startswith("**DRAFT**")


def test_a_link_in_the_pages_place_is_replaced_not_written_through(demo, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("mine")
    (tmp_path / f"{IMMEDIATE}.html").symlink_to(other)
    demo("protocol", "print", IMMEDIATE, "--force", "--out", str(tmp_path))

    assert other.read_text() == "mine"


def test_json_of_a_protocol_is_the_protocol(demo):
    shown = demo.json("protocol", "show", IMMEDIATE)

    assert shown["protocol"]["steps"][0]["emergency"] is True
    assert shown["standing"] == "practice"
    assert "crisis-immediate" in shown["templates"]
    assert json.dumps(shown["resources"])
