"""What reaches the terminal when hostile text was given to widgets as received, with and without the second net."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from modconsole.core.text import is_safe
from tests.terminal import surfaces_app
from tests.terminal.corpus import HOSTILE
from tests.terminal.terminal import Terminal, assert_only_expected_sequences, unexpected

ROOT = Path(__file__).parents[2]
SURFACES = "SBDIALN"
UNSAFE_TEXTS = {name: text for name, text in HOSTILE.items() if not is_safe(f"A00 {text}", lines=False)}
LAST_DRAWN = [f"{surface}{len(HOSTILE) - 1:02}" for surface in SURFACES] + ["all is drawn"]


class Played(NamedTuple):
    screen: str
    drawn: bytes
    after_crash: bytes
    exit_code: int
    reports: list[str]


def has_sent_all(output: bytes) -> bool:
    return all(word.encode() in output for word in LAST_DRAWN)


def play(kind: str, folder: Path) -> Played:
    """Start the app, wait until every surface is drawn, make it crash, and give what was seen."""
    command = [sys.executable, "-m", "tests.terminal.surfaces_app", kind, str(folder)]
    with Terminal(command, size=(420, 220), cwd=ROOT) as terminal:
        terminal.wait_for(lambda: has_sent_all(terminal.bytes_out))
        screen = terminal.screen()
        terminal.send("x")
        exit_code = terminal.wait_for_exit()
        drawn, left_the_screen, after_crash = terminal.bytes_out.rpartition(b"\x1b[?1049l")
        reports = [report.read_text() for report in folder.glob("*")]
        return Played(screen, drawn + left_the_screen, after_crash, exit_code, reports)


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play("safe", tmp_path_factory.mktemp("safe"))


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play("leaky", tmp_path_factory.mktemp("leaky"))


def test_every_hostile_text_is_on_every_surface(safe: Played) -> None:
    missing = [
        f"{surface}{number:02}"
        for surface in SURFACES
        for number in range(len(HOSTILE))
        if f"{surface}{number:02}" not in safe.screen
    ]

    assert missing == []


def test_nothing_a_terminal_obeys_gets_through_the_second_net(safe: Played) -> None:
    assert_only_expected_sequences(safe.drawn)


def test_no_hostile_text_gets_through_the_second_net_as_received(safe: Played) -> None:
    drawn = safe.drawn.decode()
    leaked = [name for name, text in UNSAFE_TEXTS.items() if text in drawn]

    assert leaked == []
    assert "\\ud83d" not in drawn  # how a lone surrogate leaves Python
    assert "hidden.example" not in drawn  # the address of a link


def test_markup_is_shown_as_written(safe: Played) -> None:
    for text in ("kind [/b] words", "[@click=app.quit]words[/]", "kind [red]words[/red]"):
        assert safe.screen.count(text) == len(SURFACES)


def test_a_crash_tells_the_terminal_and_the_report_nothing_of_the_post(safe: Played) -> None:
    words = safe.after_crash.decode()

    assert safe.exit_code == 1
    assert "modconsole had to stop (ValueError)." in words
    assert "is saved" in words
    assert "A report with no post in it: " in words
    assert "Traceback" not in words
    assert len(safe.reports) == 1
    assert "ValueError" in safe.reports[0]
    assert "action_fail" in safe.reports[0]
    assert surfaces_app.POST not in words + safe.reports[0]
    assert_only_expected_sequences(safe.after_crash)


def test_without_the_second_net_the_same_app_leaks_all_of_it(leaky: Played) -> None:
    drawn = leaky.drawn.decode(errors="replace")
    found = unexpected(leaky.drawn)

    for leak in (
        "\x1b[2J",
        "\x1b[6n",
        "\x1b]2;pwned\x1b\\",
        "\x1b]52;c;cHduZWQ=\x1b\\",
        "\x1bPpwned\x1b\\",
        "\x9b2J",
    ):
        assert leak in drawn
    assert "\x1b[2J" in found
    assert "\x1b]52;c;cHduZWQ=\x1b\\" in found
    assert any("\u202e" in one for one in found)
    assert any("\x9b" in one for one in found)
    assert "\x1b]8;id=" in drawn


def test_without_our_crash_handling_the_post_lands_in_the_scrollback(leaky: Played) -> None:
    assert surfaces_app.POST in leaky.after_crash.decode(errors="replace")
