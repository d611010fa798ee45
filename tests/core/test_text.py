"""The one door: what it marks, what it leaves alone, and that nothing gets round it."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from modconsole.core import text as text_module
from modconsole.core.text import UNSAFE, ascii_json, cell_width, ellipsis, is_safe, plain, without_unsafe
from tests.terminal.corpus import HOSTILE, MARKUP, ten_megabytes
from tests.terminal.terminal import unexpected

FAMILY = "👨\u200d👩\u200d👧"
KISS = "👩🏽\u200d❤\ufe0f\u200d💋\u200d👨🏽"
WALES = "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbwls") + "\U000e007f"

# Letters that mean something to the rules, thickly mixed, besides whatever hypothesis likes.
AWKWARD = [
    *"a1# \n\r\t\x1b\x9b❤😀🏽◌⟦",
    *"\u200b\u200c\u200d\u202e\ufe0e\ufe0f\U000e0100\U000e0067\u034f\u3164\ud83d",
    *"\u0301\u0489\u20e3\u06cc\u062e\u094d\u0915\U0001f3f4",
    "\u0301" * 4,
    WALES,
]
awkward = st.lists(st.sampled_from(AWKWARD), max_size=40).map("".join)
anything = st.one_of(awkward, st.text(st.characters(exclude_categories=())))


@pytest.mark.parametrize(
    ("received", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x00\x07\x08\x7f", "␀␇␈␡"),
        ("\x9b2J", "⟦U+009B⟧2J"),
        ("a\u202eb", "a⟦U+202E⟧b"),
        ("a\u2066b\u2069", "a⟦U+2066⟧b⟦U+2069⟧"),
        ("a\u200bb", "a⟦U+200B⟧b"),
        ("a\u2028b\u2029c\x85d", "a⟦U+2028⟧b⟦U+2029⟧c⟦U+0085⟧d"),
        ("\U000e0041", "⟦U+E0041⟧"),
        ("a\u3164b\u2800c", "a⟦U+3164⟧b⟦U+2800⟧c"),
        ("\ufff9a\ufffa", "⟦U+FFF9⟧a⟦U+FFFA⟧"),
        ("\ue000\ufdd0", "⟦U+E000⟧⟦U+FDD0⟧"),
        ("a\ud83db", "a\ufffdb"),
        ("a\tb", "a    b"),
        ("a\r\nb\nc\rd", "a\nb\nc␍d"),
        ("x\ufe0f", "x⟦U+FE0F⟧"),
        ("a\u200db", "a⟦U+200D⟧b"),
    ],
)
def test_what_cannot_be_shown_becomes_a_visible_mark(received: str, shown: str) -> None:
    assert plain(received) == shown


@pytest.mark.parametrize(
    "text",
    [
        "I had a hard week, and writing here helps.\nThank you “all”.",
        f"We are well {FAMILY} {KISS} ❤\ufe0f ☺\ufe0e 1\ufe0f\u20e3 🇬🇧",
        WALES,
        "می\u200cخواهم",
        "क्\u200cष नमस्ते दोस्तों",
        "e\u0301te\u0301 Việt שָׁלוֹם",
        "中文 한국어 日本語 ไทย",
        "a\u00a0b",
        *MARKUP.values(),
    ],
)
def test_ordinary_writing_of_any_language_comes_back_as_the_same_object(text: str) -> None:
    assert plain(text) == text
    assert is_safe(text)
    if text.isascii():
        assert plain(text) is text


def test_floods_are_counted_rather_than_drawn() -> None:
    assert plain("a" + "\u200b" * 10_000 + "b") == "a⟦U+200B×10000⟧b"
    assert plain("\x1b" * 3) == "␛␛␛"
    assert plain("\x1b" * 4) == "⟦␛×4⟧"
    assert plain("a" + "\u0301" * 100 + "b") == "a" + "\u0301" * 4 + "⟦+96 marks⟧b"
    assert plain("a\n\n\n\n\nb", lines=False) == "a⟦⏎×5⟧b"


def test_a_mixed_flood_names_the_first_few_and_counts_the_rest() -> None:
    shown = plain("\u200b\u2060" * 1000)

    assert shown == "⟦U+200B⟧⟦U+2060⟧" * 4 + "⟦+1992 hidden characters⟧"


def test_a_mark_without_a_letter_gets_one_so_that_it_cannot_touch_its_neighbour() -> None:
    assert plain("\u0301x\n\u0302y") == "◌\u0301x\n◌\u0302y"


def test_an_emoji_can_be_joined_only_as_far_as_real_ones_are() -> None:
    shown = plain("😀\u200d" * 9 + "😀")

    assert shown.count("\u200d") == 3
    assert shown.count("⟦U+200D⟧") == 6


def test_marks_are_counted_through_whatever_is_hidden_between_them() -> None:
    for hidden in ("\u200b", "\t", "\x1b"):
        flood = "a" + ("\u0301" * 4 + hidden) * 50

        assert plain(flood).count("\u0301") == 4
        assert without_unsafe(flood) == "a" + "\u0301" * 4


def test_a_non_joiner_stands_only_between_letters_that_are_shown() -> None:
    letter, mark, joiner = "\u06a9", "\u064b", "\u200c"

    assert is_safe(letter + mark + joiner + letter)
    assert plain(letter + mark * 5 + joiner + letter) == f"{letter}{mark * 4}⟦+1 marks⟧⟦U+200C⟧{letter}"
    assert plain(letter + mark * 4 + joiner + mark) == f"{letter}{mark * 4}⟦U+200C⟧⟦+1 marks⟧"
    assert not is_safe(letter + joiner)
    assert not is_safe(joiner + letter)
    assert not is_safe(letter + joiner * 2 + letter)


def test_tags_behind_a_flag_are_shown_unless_they_spell_a_real_one() -> None:
    assert plain("\U0001f3f4\U000e0067\U000e0062") == "\U0001f3f4⟦U+E0067⟧⟦U+E0062⟧"
    assert plain(WALES + "\U000e0041") == WALES + "⟦U+E0041⟧"


def test_one_line_places_get_one_line() -> None:
    assert plain("a\r\nb\nc", lines=False) == "a⏎b⏎c"
    assert is_safe("a\nb")
    assert not is_safe("a\nb", lines=False)


def test_a_limit_says_what_was_left_out() -> None:
    assert plain("x" * 12_000, limit=10) == "x" * 10 + " ⟦11,990 more characters⟧"
    assert plain("x" * 10, limit=10) == "x" * 10
    assert plain("", limit=0) == ""


@pytest.mark.parametrize("kind", ["clean", "hostile", "invisible", "lines"])
def test_only_what_is_kept_of_ten_megabytes_is_looked_at(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    search = text_module._SUSPECTS.search

    class Counting:
        sub = text_module._SUSPECTS.sub

        def search(self, text: str) -> object:
            looked_at.append(len(text))
            return search(text)

    monkeypatch.setattr(text_module, "_SUSPECTS", Counting())
    shown = plain(ten_megabytes(kind), lines=False, limit=2_000)

    assert looked_at == [2_000]
    assert "more characters⟧" in shown
    assert len(shown) < 2_100


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_has_nothing_left_that_a_terminal_obeys(name: str) -> None:
    for lines in (True, False):
        shown = plain(HOSTILE[name], lines=lines)

        assert unexpected(shown.encode()) == []
        assert is_safe(shown, lines=lines)
    assert "\n" not in shown


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_disappears_without_a_trace(name: str) -> None:
    if not is_safe(HOSTILE[name]) and name != "CR LF":
        assert len(plain(HOSTILE[name])) > len(without_unsafe(HOSTILE[name]))


@settings(max_examples=400, deadline=None)
@given(anything, st.booleans())
def test_doing_it_twice_changes_nothing(text: str, lines: bool) -> None:
    once = plain(text, lines=lines)

    assert plain(once, lines=lines) == once
    assert is_safe(once, lines=lines)


@settings(max_examples=400, deadline=None)
@given(anything)
def test_nothing_hidden_survives_either_net(text: str) -> None:
    # `unexpected` asks Unicode's own tables, not the patterns under test.
    assert unexpected(plain(text).encode()) == []
    assert unexpected(f"x{without_unsafe(text)}".encode()) == []


def test_the_ranges_agree_with_the_tables_of_this_python() -> None:
    in_context = {0x200C, 0x200D, 0xFE0E, 0xFE0F, *range(0xE0020, 0xE0080)}
    missed = []
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        kind = unicodedata.category(letter)
        is_hidden = kind in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or code & 0xFFFE == 0xFFFE
        if is_hidden and letter != "\n" and code not in in_context and not UNSAFE.match(letter):
            missed.append(hex(code))
        if kind in ("Mn", "Me") and not text_module._SUSPECTS.match(letter):
            missed.append(hex(code))

    assert missed == []


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("quiet garden", 12, "quiet garden"),
        ("quiet garden", 6, "quiet…"),
        ("大きい庭", 8, "大きい庭"),
        ("大きい庭", 7, "大きい…"),
        ("大きい庭", 6, "大き…"),
        ("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        (f"{FAMILY}ab", 4, f"{FAMILY}ab"),
        (f"{FAMILY}ab", 3, f"{FAMILY}…"),
        ("❤\ufe0fab", 3, "❤\ufe0f…"),
        ("ab", 1, "…"),
        ("ab", 0, ""),
        ("", 0, ""),
    ],
)
def test_a_cell_is_cut_where_its_width_ends(text: str, width: int, cut: str) -> None:
    assert ellipsis(text, width) == cut


@settings(max_examples=300, deadline=None)
@given(anything, st.integers(0, 30))
def test_a_cut_cell_is_never_wider_than_asked_and_still_safe(text: str, width: int) -> None:
    cut = ellipsis(plain(text, lines=False), width)

    assert cell_width(cut) <= width
    assert is_safe(cut, lines=False)


@pytest.mark.parametrize(
    "text", [FAMILY, KISS, WALES, "大きい庭", "e\u0301", "❤\ufe0f", "1\ufe0f\u20e3", "می\u200cخواهم"]
)
def test_widths_agree_with_the_tables_textual_draws_by(text: str) -> None:
    assert cell_width(text) == cell_len(text)


@pytest.mark.parametrize("name", HOSTILE)
def test_json_keeps_hostile_text_whole_in_ascii(name: str) -> None:
    written = ascii_json({"text": HOSTILE[name], "a": 1})

    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written) == {"text": HOSTILE[name], "a": 1}
    assert written.startswith('{"text"')


def test_json_refuses_what_is_no_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        ascii_json(float("nan"))
