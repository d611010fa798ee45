"""Commands do what the screen does, with the same checks, and say it in stable words."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

IDENTIFYING = "identifying-information"
THOUGHTS = "suicide-thoughts"


def answers_file(demo, *items):
    path = demo.home / "answers.json"
    path.write_text(json.dumps(list(items)))
    return str(path)


def test_the_queue_is_most_urgent_first_and_says_demo(demo):
    rows = demo.json("queue")
    ranks = [["now", "soon", "today", "routine"].index(row["urgency"]) for row in rows]

    assert len(rows) > 30
    assert ranks == sorted(ranks)
    assert "DEMO" in demo("queue")


def test_pages_of_the_queue_do_not_overlap(demo):
    whole = [row["id"] for row in demo.json("queue")]
    pages = [
        row["id"]
        for first in (0, 10, 20)
        for row in demo.json("queue", "--first", str(first), "--limit", "10")
    ]

    assert pages == whole[:30]


def test_a_case_shows_its_post_its_flags_and_what_can_be_done(demo, case_about):
    case = demo.json("case", "show", case_about("trolling"), "--thread")

    assert case["post"]["text"].startswith("Boo hoo")
    assert len(case["flags"]) == 3
    assert case["demo"] is True
    assert len(case["thread"]) >= 3
    assert {"hide": "forum", "emergency_call": "by_hand", "watch": "desk"}.items() <= {
        offer["action"]: offer["carrier"] for offer in case["actions"]
    }.items()


def test_a_decision_acts_on_the_forum_and_is_in_the_log(demo, case_about):
    id = case_about("trolling")

    done = demo.json("case", "decide", id, "--action", "hide", "--reason", "mocks people in distress")

    assert done["decision"]["settled"]
    assert done["decision"]["actions"][0]["outcome"] == "applied"
    assert demo.json("case", "show", id, "--thread")["thread"][0]["visibility"] in ("hidden", "visible")
    kinds = [entry["kind"] for entry in demo.json("audit", "list", "--case", id)]
    assert kinds == ["outcome", "asked", "decided"]
    assert all(entry["demo"] for entry in demo.json("audit", "list"))
    assert demo.json("audit", "verify")["sound"]


def test_a_decision_without_a_reason_is_refused_and_nothing_is_sealed(demo, case_about):
    before = demo.json("audit", "list")

    _, err = demo.both("case", "decide", case_about("trolling"), "--action", "hide", expect=2)

    assert "reason" in err
    assert demo.json("audit", "list") == before


def test_a_message_with_an_open_place_is_not_sent(demo, case_about):
    text = demo.home / "message.txt"
    text.write_text("Hello {member_name}, are you safe?")

    _, err = demo.both(
        "case",
        "decide",
        case_about(THOUGHTS),
        "--action",
        "message_member",
        "--message",
        str(text),
        "--reason",
        "r",
        expect=2,
    )

    assert "{member_name}" in err


def test_answers_are_given_in_the_order_they_open_up(demo, case_about):
    id = case_about(THOUGHTS)
    file = answers_file(demo, {"protocol": THOUGHTS, "answers": {"imminent": "unclear"}})

    done = demo.json("case", "decide", id, "--answers", file)

    assert done["urgency"] == "now"
    runs = {run["protocol"]: run for run in demo.json("case", "show", id)["runs"]}
    assert runs[THOUGHTS]["switched_to"] == "suicide-immediate"
    assert runs["suicide-immediate"]["answers"]["imminent"] == ["unclear"]


def test_an_answer_that_is_not_one_names_what_would_be(demo, case_about):
    file = answers_file(demo, {"protocol": THOUGHTS, "answers": {"imminent": "perhaps"}})

    _, err = demo.both("case", "decide", case_about(THOUGHTS), "--answers", file, expect=2)

    assert "perhaps" in err
    assert "unclear" in err


def test_a_case_with_open_questions_is_not_closed_and_says_which(demo, case_about):
    id = case_about(IDENTIFYING)

    _, err = demo.both("case", "close", id, expect=2)

    assert "No decision yet" in err


def test_a_case_is_reversed_by_a_decision_that_names_it(demo, case_about):
    id = case_about("trolling")
    first = demo.json("case", "decide", id, "--action", "hide", "--reason", "r")["decision"]["decision"]

    back = demo.json("case", "reverse", first, "--reason", "the wrong post")

    assert back["decision"]["reverses"] == first
    assert back["decision"]["actions"][0]["action"] == "restore"


def test_by_hand_actions_wait_until_somebody_says_they_are_done(demo, case_about):
    id = case_about("suicide-immediate")

    waiting = demo.json("case", "decide", id, "--action", "emergency_call")
    assert not waiting["decision"]["settled"]
    assert len(demo.json("case", "unsettled", expect=1)) == 1

    done = demo.json("case", "decide", id, "--action", "emergency_call", "--by-hand")
    assert done["decision"]["actions"][0]["outcome"] == "by_hand"


def test_an_unsettled_decision_can_be_withdrawn(demo, case_about):
    id = case_about("suicide-immediate")
    decision = demo.json("case", "decide", id, "--action", "emergency_call")["decision"]["decision"]

    demo("case", "withdraw", decision, "--reason", "the lead rang")

    assert demo.json("case", "unsettled") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("case", "show", "c-nothere0"), "c-nothere0"),
        (("case", "decide", "c-nothere0", "--action", "hyde"), "hyde"),
        (("case", "decide", "c-nothere0", "--action", "suspend", "--until", "soon"), "soon"),
        (("case", "decide", "c-nothere0", "--answers", "/nowhere.json"), "nowhere.json"),
        (("audit", "show", "d-nothere0"), "d-nothere0"),
        (("audit", "list", "--since", "yesterday"), "yesterday"),
        (("forum", "remove", "nothere"), "nothere"),
        (("forum", "add", "simulated"), "demo"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_two(demo, words, said):
    _, err = demo.both(*words, expect=2)

    assert said in err
    assert "Traceback" not in err


def test_audit_show_opens_the_private_parts(demo, case_about):
    id = case_about("trolling")
    demo("case", "decide", id, "--action", "hide", "--reason", "mocks people")

    shown = demo.json("audit", "show", id)

    assert shown[0]["private"]["reason"] == "mocks people"


def test_the_log_names_nobody_in_its_readable_part(demo, case_about):
    id = case_about("trolling")
    demo("case", "decide", id, "--action", "hide", "--reason", "mocks Driftwood again")

    readable = json.dumps(demo.json("audit", "list"))

    assert "Driftwood" not in readable
    assert "mocks" not in readable


def test_a_tampered_log_is_found(demo, case_about):
    import sqlite3

    demo("case", "decide", case_about("trolling"), "--action", "hide", "--reason", "r")
    db = sqlite3.connect(demo.home / "log.db")
    db.execute("update leaves set leaf = replace(leaf, 'hide', 'keep') where seq = 1")
    db.commit()
    db.close()

    report = demo.json("audit", "verify", expect=1)

    assert not report["sound"]
    assert report["findings"][0]["seq"] == 1


def test_doctor_says_all_is_well_and_names_no_secret(demo):
    checks = demo.json("doctor")

    assert all(check["ok"] for check in checks)


def test_config_path_names_every_place(demo):
    places = demo.json("config", "path")

    assert places["log"].endswith("log.db")
    assert all(str(demo.home) in place for place in places.values())


def test_forum_check_says_what_can_be_done_there(demo):
    checked = demo.json("forum", "check")

    assert checked[0]["ok"]
    assert checked[0]["actions"]["hide"]["support"] == "native"


def test_without_a_terminal_the_console_says_so_in_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "modconsole"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "queue" in done.stderr


def test_a_command_without_a_screen_never_imports_textual(demo):
    code = (
        "import sys; from modconsole.bootstrap import main; sys.argv[1:] = ['queue', '--json']; main();"
        "print(sorted(m for m in ('textual', 'httpx', 'keyring', 'sqlite_utils') if m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"MODCONSOLE_HOME": str(demo.home), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr.strip() == "[]"


def test_a_real_home_never_becomes_a_demo(tmp_path, capsys, demo):
    real = tmp_path / "real"
    real.mkdir()
    (real / "config.toml").write_text((demo.home / "config.toml").read_text().replace("demo = true", ""))
    demo.home = real

    _, err = demo.both("demo", "--prepare", expect=2)

    assert "real home" in err or "simulated" in err
