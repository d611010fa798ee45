"""One file of a home is damaged: what does not need it still works, and what does says so."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from modconsole.core.actions import Outcome, OutcomeKind
from modconsole.practice.forum import SimulatedForum

GARBAGE = bytes(range(128, 256)) * 40
DECIDE = ("--action", "hide", "--reason", "mocks people")


def damage(home: Path, name: str) -> Path:
    for path in home.glob(f"{name}*"):
        path.unlink()
    (home / name).write_bytes(GARBAGE)
    return home / name


# desk.db


def test_the_log_is_listed_and_verified_without_the_cases(demo, case_about):
    demo("case", "decide", case_about("trolling"), *DECIDE)
    whole = demo.json("audit", "list")
    damage(demo.home, "desk.db")

    out, err = demo.both("audit", "list", "--json")
    assert [{**entry, "case": ""} for entry in whole] == json.loads(out)
    assert "Which cases these are cannot be looked up" in err
    assert "desk.db" in err
    assert "decided" in demo("audit", "list")
    assert "cannot be looked up" in demo.err
    assert demo.json("audit", "verify")["sound"]


def test_what_needs_no_case_is_listed_without_a_complaint(demo, case_about):
    demo("case", "decide", case_about("trolling"), *DECIDE)
    damage(demo.home, "desk.db")

    assert "config changed" in demo("audit", "list", "--kind", "config_changed")
    assert demo.err == ""


def test_one_case_cannot_be_asked_for_while_nobody_knows_which_it_is(demo, case_about):
    id = case_about("trolling")
    damage(demo.home, "desk.db")

    _, err = demo.both("audit", "list", "--case", id, expect=4)

    assert f"Which entries are about “{id}” cannot be looked up" in err
    assert "without --case" in err


def test_a_check_of_the_log_opens_no_keys_and_seals_nothing(demo):
    (demo.home / "demo-secrets.json").write_bytes(GARBAGE)

    assert demo.json("audit", "verify") == {**demo.json("audit", "verify"), "sound": True}


# log.db


def test_a_case_is_shown_without_the_log_and_nothing_is_decided(demo, case_about):
    id = case_about("trolling")
    log = damage(demo.home, "log.db")

    case = demo.json("case", "show", id, expect=4)
    assert case["post"]["text"].startswith("Boo hoo")
    assert "is damaged" in case["log_problem"]
    assert "nothing can be decided" in case["before_closing"][0]
    assert "is damaged" in demo("case", "show", id, expect=4)
    _, err = demo.both("case", "decide", id, *DECIDE, expect=4)
    assert "no forum was asked" in err
    assert log.read_bytes() == GARBAGE


def test_what_a_damaged_log_makes_of_a_check_never_sends_anybody_to_the_same_check(demo):
    damage(demo.home, "log.db")

    _, err = demo.both("audit", "verify", expect=4)

    assert "is damaged" in err
    assert "audit verify" not in err


def test_with_a_damaged_log_put_aside_a_new_one_begins_and_says_so(demo, case_about):
    """What the message about a damaged log says."""
    demo("case", "decide", case_about("trolling"), *DECIDE)
    head = demo.json("audit", "verify")["logs"][0]
    damage(demo.home, "log.db")
    aside = demo.home / "aside"
    aside.mkdir()
    for path in list(demo.home.glob("log.db*")):
        path.rename(aside / path.name)

    demo("case", "decide", case_about("identifying-information"), *DECIDE)

    first = demo.json("audit", "list")[-1]
    assert (first["kind"], first["detail"]) == ("key_event", "shortened")
    assert first["origin"] != head["origin"]
    findings = demo.json("audit", "verify", expect=1)["findings"]
    assert [finding["origin"] for finding in findings] == [head["origin"]]


# keys.db


def test_doctor_does_not_call_empty_keys_well_while_anything_needs_them(demo, case_about):
    demo("case", "decide", case_about("trolling"), *DECIDE)
    assert all(check["ok"] for check in demo.json("doctor"))
    for path in demo.home.glob("keys.db*"):
        path.unlink()
    (demo.home / "keys.db").touch()

    wrong = {check["name"]: check for check in demo.json("doctor", expect=1) if not check["ok"]}

    assert {"case texts", "log texts"} <= set(wrong)
    assert "cannot be opened" in wrong["case texts"]["found"]
    assert "keys.db" in wrong["log texts"]["mend"]


def test_doctor_looks_at_the_cases_whatever_is_wrong_with_the_log(demo):
    damage(demo.home, "log.db")

    checks = {check["name"]: check for check in demo.json("doctor", expect=1)}

    assert checks["keys"]["ok"]
    assert checks["cases"]["ok"]
    assert checks["case texts"]["ok"]
    assert not checks["log"]["ok"]
    assert not checks["unsettled decisions"]["ok"]


# What a forum said


def test_why_a_forum_refused_is_printed_with_the_outcome(demo, case_about, monkeypatch):
    said = "This part of the forum belongs to its founders."
    refusal = Outcome(OutcomeKind.REFUSED, said)
    monkeypatch.setattr(SimulatedForum, "_apply_to_post", lambda *_: refusal)
    id = case_about("trolling")

    out = demo("case", "decide", id, *DECIDE, expect=1)
    assert f"Hide: not done: the forum said no\n    {said}\n" in out
    assert said in demo("case", "show", id)
    done = demo.json("case", "decide", id, *DECIDE, expect=1)
    (action,) = done["decision"]["actions"]
    assert (action["outcome"], action["outcome_words"], action["said"]) == (
        "refused",
        "not done: the forum said no",
        said,
    )


def test_what_a_conflict_is_about_is_printed(demo, case_about):
    with sqlite3.connect(demo.home / "forums" / "demo" / "practice.db") as forum:
        forum.execute("update posts set version = version + 1")
    forum.close()

    out = demo("case", "decide", case_about("trolling"), *DECIDE, expect=1)

    assert "not done: it is no longer what was read\n    The post was changed since you read it.\n" in out


@pytest.mark.parametrize("private", ["gone", "there"])
def test_what_was_said_is_left_out_where_it_cannot_be_opened(demo, case_about, private):
    id = case_about("trolling")
    demo("case", "decide", id, *DECIDE)
    if private == "gone":
        with sqlite3.connect(demo.home / "log.db") as log:
            log.execute("update leaves set body = x'00' where kind = 'outcome'")
        log.close()

    (decision,) = demo.json("case", "show", id)["decisions"]

    assert decision["actions"][0]["outcome"] == "applied"
    assert decision["actions"][0]["said"] == ("The post is hidden." if private == "there" else "")
