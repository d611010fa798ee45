"""Sampling and counting, as commands."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import pytest

from tests.cli.conftest import Commands


@pytest.fixture
def busy(demo: Commands) -> Commands:
    """A home in which seven decisions were made."""
    rows = [row for row in demo.json("queue") if row["kind"] == "post"]
    for row in rows[:7]:
        demo("case", "decide", row["id"], "--action", "hide", "--reason", "r")
    return demo


def test_the_same_seed_and_log_give_the_same_sample(busy: Commands) -> None:
    first = busy.json("audit", "sample", "--seed", "november", "--per", "2", "--by", "urgency")
    again = busy.json("audit", "sample", "--seed", "november", "--per", "2", "--by", "urgency")

    assert first == again
    assert sum(stratum["size"] for stratum in first["strata"]) == 7
    assert all(len(stratum["chosen"]) == min(2, stratum["size"]) for stratum in first["strata"])
    assert all(entry["kind"] == "decided" for s in first["strata"] for entry in s["chosen"])


def test_a_sample_is_drawn_again_by_its_own_first_line_when_the_log_has_grown(
    busy: Commands, case_about: Callable[[str], str]
) -> None:
    said = busy("audit", "sample", "--seed", "it's november", "--per", "3")
    drawn = busy.json("audit", "sample", "--seed", "it's november", "--per", "3")
    line = next(line for line in said.splitlines() if "To draw it again" in line)
    busy("case", "decide", case_about("trolling"), "--action", "keep", "--reason", "r")

    words = shlex.split(line.partition(": ")[2])[1:]
    again = busy.json(*words)

    assert again["strata"] == drawn["strata"]
    assert busy.json("audit", "sample", "--seed", "it's november", "--per", "3")["strata"] != drawn["strata"]


@pytest.mark.parametrize(
    ("at", "said"),
    [("modconsole.demo/demo/1999Q1=3", "no log"), ("nonsense", "NAME=SIZE"), ("x=-1", "NAME=SIZE")],
)
def test_a_sample_of_what_is_not_here_is_refused(demo: Commands, at: str, said: str) -> None:
    _, err = demo.both("audit", "sample", "--seed", "s", "--per", "1", "--at", at, expect=2)

    assert said in err


def test_a_span_without_decisions_gives_an_empty_sample(busy: Commands) -> None:
    words = ("audit", "sample", "--seed", "s", "--per", "1", "--until", "2020-01-01")

    assert busy.json(*words)["strata"] == []
    assert "no decisions" in busy(*words)


def test_the_report_counts_and_hides_what_is_small(busy: Commands) -> None:
    found = {measure["code"]: measure for measure in busy.json("audit", "report")["measures"]}

    response = found["time_to_first_response"]["rows"][0]
    assert (response["name"], response["count"]) == ("all", 7)
    assert response["median_seconds"] > 0
    assert found["paired_messages"]["rows"] == [
        {"name": "all", "hours": "all", "part": 0, "whole": 7, "percent": 0.0}
    ]
    assert found["escalations"]["rows"][0] == {
        "name": "all",
        "hours": "all",
        "part": 0,
        "whole": 7,
        "percent": 0.0,
    }
    assert all(
        row["count"] not in (1, 2, 3, 4) for m in found.values() for row in m["rows"] if "count" in row
    )


def test_the_report_says_what_it_cannot_say_and_why(busy: Commands) -> None:
    report = busy.json("audit", "report")
    said = busy("audit", "report")

    assert {"appeals", "agreement", "exposure", "fairness"} <= set(report["unanswered"])
    assert "never enters the log" in said
    assert report["hidden_below"] == 5
    assert "Numbers under 5 are hidden" in said


def test_the_report_names_nobody(busy: Commands) -> None:
    assert "demo-moderator" not in json.dumps(busy.json("audit", "report"))


def test_answers_sealed_at_closing_are_counted_as_kept_to(
    demo: Commands, case_about: Callable[[str], str]
) -> None:
    from modconsole.bootstrap.home import Home

    desk = Home({"MODCONSOLE_HOME": str(demo.home)}).desk()
    desk.unlock()
    case = case_about("trolling")
    demo("case", "decide", case, "--action", "keep", "--reason", "r")
    run = desk.cases.start_run(case, desk.cases.case(case).suggested[0])
    while blockers := desk.cases.view(case).runs[0].open_required:
        desk.cases.skip(case, run.id, blockers[0].step.id, "no_time")
    for shown in desk.cases.view(case).runs:
        assert not shown.open_required
    desk.cases.close(case)
    desk.log.close()

    found = {measure["code"]: measure for measure in demo.json("audit", "report")["measures"]}

    assert [row["name"] for row in found["adherence"]["rows"]] == [run.protocol]
    assert found["skip_reasons"]["rows"][0]["name"].startswith("no_time")
    assert found["time_to_resolution"]["rows"][0]["count"] is None


def test_over_gathered_logs_only_what_they_hold_is_counted(busy: Commands, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (log,) = busy.json("audit", "verify")["logs"]
    busy("audit", "import", "--enrol", log["vkey"])
    out = tmp_path / "out"
    busy("audit", "export", "--form", "tiles", "--out", str(out))
    busy("audit", "import", str(out))

    report = busy.json("audit", "report", "--gathered")
    sample = busy.json("audit", "sample", "--gathered", "--seed", "s", "--per", "9")

    assert report["of"] == "gathered"
    assert {"adherence", "time_to_resolution"} <= set(report["unanswered"])
    assert not {m["code"] for m in report["measures"]} & set(report["unanswered"])
    assert sample["strata"] == busy.json("audit", "sample", "--seed", "s", "--per", "9")["strata"]
