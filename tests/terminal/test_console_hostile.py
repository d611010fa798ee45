"""Hostile text through an adapter of another maker: on every part of the screen, and through every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from modconsole.core.text import is_safe
from tests.terminal import brook
from tests.terminal.consoles import Console, command
from tests.terminal.corpus import HOSTILE, MARKUP, ten_megabytes
from tests.terminal.terminal import DOWN, ESCAPE, assert_only_expected_sequences

FIRST = "everybody flags this one"
TEXTS = [FIRST, *HOSTILE.values(), ten_megabytes("hostile")]
UNSAFE = [
    text for name, text in HOSTILE.items() if not is_safe(text) and name != "combining first"
]  # that one is made safe by what is put before it

# A line may break at any blank, and beside it stand other panes; a word stays in one piece, up to a pane's width.
MARKUP_WORDS = sorted({word[:24] for text in MARKUP.values() for word in text.split() if "[" in word})
STILL = 4


class Brook(NamedTuple):
    home: Path
    env: dict[str, str]
    rows: list[dict[str, Any]]

    @property
    def flagged_by_all(self) -> str:
        return str(max(self.rows, key=lambda row: row["flags"])["id"])

    @property
    def longest(self) -> str:
        return str(max(self.rows, key=lambda row: row["length"])["id"])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Brook:
    """A real home whose forum says every hostile text, with everything it flagged taken in."""
    home, env = brook.make_home(tmp_path_factory.mktemp("brook"), TEXTS)
    said = command(home, "queue", "--refresh", "--limit", "500", "--json", env=env)
    assert said.code == 0, said
    return Brook(home, env, json.loads(said.out))


def test_nothing_hostile_reaches_the_terminal_and_the_console_lives(hostile: Brook) -> None:
    assert len(hostile.rows) == len(TEXTS)

    with Console(hostile.home, env=hostile.env) as console:
        console.ready()
        console.see(f"Queue · {len(TEXTS)} open")
        for _ in TEXTS:  # under the queue stands why: the reason in the forum's own word
            console.press(DOWN)
        console.settle()

        console.find_and_open(hostile.flagged_by_all)
        console.press(" ", see=f"▏ {FIRST}")
        console.press("t")
        console.press("h")
        seen = look_through(console)
        for key, what in (("?", "Help"), (":", "enter do it"), ("o", "Open matters")):
            console.press(key, see=what)
            console.press(ESCAPE, gone=what)
        console.decide("Hide", reason=MARKUP["markup closing nothing"])
        console.see("If you confirm")
        console.press("y", see="Sealed: Hide")

        console.find_and_open(hostile.longest)
        console.press(" ", see="more characters")
        look_through(console)

        brook.say(hostile.home, TEXTS, trouble="\n".join(HOSTILE.values()))
        console.press("r", see="▲")
        console.press("o", see="Open matters")
        console.press(ESCAPE, gone="Open matters")
        console.press("!", see="999")
        console.press(ESCAPE, gone="999")
        alive = console.process.poll() is None
        drawn = console.bytes_out

    assert alive
    assert_only_expected_sequences(drawn)
    text = drawn.decode()
    assert [hostile_text for hostile_text in UNSAFE if hostile_text in text] == []
    assert [word for word in MARKUP_WORDS if word not in seen] == []


def look_through(console: Console) -> str:
    """Page through the pane to its end; gives everything that was on the screen on the way, without frames.

    The end is where several pages in a row are the same: one may be, when what comes next is still being drawn.
    """
    screens = [console.words()]
    while len(screens) < STILL or len(set(screens[-STILL:])) > 1:
        console.press("\x1b[6~")
        console.settle()
        screens.append(console.words())
    return " ".join(screens)


def test_no_command_says_a_hostile_byte(hostile: Brook) -> None:
    brook.say(hostile.home, TEXTS)
    case = hostile.flagged_by_all
    said = [
        command(hostile.home, *words, env=hostile.env)
        for words in (
            ("queue", "--limit", "500"),
            ("forum", "check"),
            ("case", "show", case, "--thread"),
            ("case", "show", case, "--thread", "--json"),
            (
                "case",
                "decide",
                case,
                "--take-over",
                "--action",
                "keep",
                "--reason",
                "kind \x1b]52;c;cHduZWQ=\x07 words",
            ),
            ("audit", "show", case),
            ("audit", "show", case, "--json"),
            ("audit", "list"),
        )
    ]
    brook.say(hostile.home, TEXTS, trouble="\n".join(HOSTILE.values()))
    in_trouble = [
        command(hostile.home, *words, env=hostile.env)
        for words in (
            ("forum", "check"),
            ("queue", "--refresh", "--json"),
            ("case", "show", case, "--thread"),
        )
    ]

    for out in (*said, *in_trouble):
        assert_only_expected_sequences(out.out)
        assert_only_expected_sequences(out.err)
        assert b"Traceback" not in out.err
    assert [out.code for out in said] == [0, 0, 0, 0, 1, 0, 0, 0]  # this forum refuses everything
    assert [out.code for out in in_trouble] == [3, 3, 3]
    assert b"kind \xe2\x90\x9b[2J words" in in_trouble[0].err
    shown = {post["text"] for post in json.loads(said[3].out)["thread"]}
    received = set(HOSTILE.values()) - {HOSTILE["lone surrogates"]}  # which no database could keep
    assert shown >= received  # behind JSON's escapes
