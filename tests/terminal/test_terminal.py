"""The instruments must be right before what they measure can be."""

from __future__ import annotations

import sys

import pytest

from tests.terminal.corpus import HOSTILE, MARKUP
from tests.terminal.terminal import Screen, Terminal, assert_only_expected_sequences, unexpected

ECHO = "import sys; print('ready', flush=True); print('heard', ascii(sys.stdin.readline()))"


# Harmless to a terminal, or what Textual says too: tests that need these look for the text itself.
NOT_TOLD_APART = {"newlines", "CR", "CR LF", "wide", "no words at all", "combining first"}
TEXTUAL_SAYS_IT_TOO = {"CSI colour", "CSI leave screen"}


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - set(MARKUP) - NOT_TOLD_APART - TEXTUAL_SAYS_IT_TOO))
def test_every_hostile_text_is_noticed_in_a_stream_of_bytes(name: str) -> None:
    stream = b"\x1b[1;1H\x1b[0m" + HOSTILE[name].encode("utf-8", "surrogatepass") + b"\x1b[0m\r\n"

    with pytest.raises(AssertionError, match="unexpected"):
        assert_only_expected_sequences(stream)


def test_what_textual_says_itself_is_expected() -> None:
    assert (
        unexpected(
            b"\x1b[?1049h\x1b[?1003h\x1b[>25u\x1b[?2026$p\x1b[12;40H\x1b[38;2;1;2;3mhi\x1b[0m\x1b[<u\n"
        )
        == []
    )
    assert unexpected("👨\u200d👩 ❤\ufe0f e\u0301 می\u200cخواهم".encode()) == []


def test_a_test_can_allow_one_more_sequence() -> None:
    copied = b"\x1b]52;c;a2luZA==\x07"

    assert unexpected(copied) == [copied.decode()]
    assert unexpected(copied, also=r"\x1b\]52;c;a2luZA==\x07") == []


def test_a_sequence_cut_off_at_the_end_is_noticed() -> None:
    assert unexpected(b"kind \x1b]0;pwned") != []


def test_the_screen_goes_where_it_is_told() -> None:
    screen = Screen(10, 3)
    screen.feed("one\r\ntwo\x1b[3;4Hthree\x1b[1;1HO\x1b[2B\x1b[Ghi\x1b[1A\x1b[2Cx")

    assert screen.text() == "One\ntwo x\nhi three"


def test_the_screen_erases_and_scrolls() -> None:
    screen = Screen(5, 2)
    screen.feed("abcde\x1b[1;3H\x1b[K\x1b[2;1Hfgh\n\x1b[2Dij")

    assert screen.text() == "fgh\n ij"
    screen.feed("\x1b[2J")
    assert screen.text() == "\n"


def test_the_main_screen_comes_back_when_the_other_is_left() -> None:
    screen = Screen(6, 2)
    screen.feed("main\x1b[?1049hother\x1b[?1049l")

    assert screen.text() == "main\n"


def test_a_wide_letter_takes_two_cells() -> None:
    screen = Screen(6, 1)
    screen.feed("大b\x1b[1;3Hc")

    assert screen.text() == "大c"


def test_a_sequence_in_two_pieces_is_one() -> None:
    screen = Screen(6, 1)
    for piece in ("a\x1b", "[1;", "4Hb\x1b]0;ti", "tle\x1b", "\\c"):
        screen.feed(piece)

    assert screen.text() == "a  bc"


def test_a_program_is_typed_to_and_read() -> None:
    with Terminal([sys.executable, "-c", ECHO], size=(40, 5)) as terminal:
        terminal.wait_for("ready")
        terminal.send("kind words\r")
        exit_code = terminal.wait_for_exit()

        assert "heard 'kind words\\n'" in terminal.screen()
        assert exit_code == 0


def test_a_wait_in_vain_shows_the_screen() -> None:
    with (
        Terminal([sys.executable, "-c", "print('something else')"], size=(40, 5)) as terminal,
        pytest.raises(AssertionError, match="something else"),
    ):
        terminal.wait_for("Queue")


def test_a_program_sees_nothing_of_our_environment_and_dies_with_the_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORUM_TOKEN", "not for you")
    code = "import os, sys; print('FORUM_TOKEN' in os.environ, os.get_terminal_size(), flush=True); sys.stdin.read()"
    with Terminal([sys.executable, "-c", code], size=(70, 5)) as terminal:
        terminal.wait_for("False os.terminal_size(columns=70, lines=5)")

    assert terminal.process.returncode == -9
