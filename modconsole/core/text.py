"""The one door through which text from outside reaches a person.

Posts, names, titles, links, server errors, protocol files: all of it is hostile until it went through `plain()`.
What is stored stays as received, for it is evidence; what is shown has no character in it that a terminal obeys,
that turns the reading direction, or that cannot be seen. Each of those becomes a visible mark, so that the
moderator knows something was there: `␛` for ESC, `⟦U+202E⟧` for what has no picture, `⟦U+200B×10000⟧` for many.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from enum import Enum, auto
from itertools import groupby

__all__ = ["UNSAFE", "ascii_json", "cell_width", "ellipsis", "is_safe", "plain", "without_unsafe"]

MARKS_PER_LETTER = 4
"""Real writing stacks up to four (Hebrew with points and cantillation); more is drawing over its neighbours."""

JOINS_PER_EMOJI = 3
"""The longest emoji in Unicode's list (two people, a heart, a kiss) has three joiners."""

KINDS_PER_RUN = 8
"""How many different hidden characters in a row are named one by one before the rest are only counted."""

# Never shown, wherever they stand. Written as ranges because asking `unicodedata` about every letter is slow; a
# test compares them with the tables of the running Python.
_FORBIDDEN = (
    "\x00-\x09\x0b-\x1f\x7f-\x9f"  # every control but newline: C0, DEL, C1 (U+009B is CSI to many terminals)
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0"  # soft hyphen, fillers, other blanks
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # direction, zero width, line and paragraph ends
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2"  # format characters that reach over the letters after them
    "\ufe00-\ufe0d\ufff0-\ufffc"  # variation selectors no emoji uses; annotations; the object replacement
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff"  # surrogates, private use, noncharacters
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0003fffe-\U000e001f\U000e0080-\U0010ffff"
)
_TAGS = "\U000e0020-\U000e007f"
_ZWNJ, _ZWJ, _VS15, _VS16 = "\u200c", "\u200d", "\ufe0e", "\ufe0f"

# Blocks with combining marks in them, letters and all: only a reason to look closer. Roughly cut on purpose,
# because every range beyond U+FFFF costs time on every letter of every post.
_MARK_BLOCKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711-\u07fd"
    "\u0816-\u085b\u0897-\u0fff\u102d-\u109d\u135d-\u135f\u1712-\u1773\u17b4-\u17dd\u1885\u1886\u18a9"
    "\u1920-\u193b\u1a17-\u1aff\u1b00-\u1bff\u1c24-\u1cff\u1dc0-\u1dff\u20d0-\u20ff\u2cef-\u2cf1\u2d7f"
    "\u2de0-\u2dff\u302a-\u302d\u3099\u309a\ua66f-\ua67d\ua69e\ua69f\ua6f0\ua6f1\ua802-\ua8ff\ua926-\uaaf6"
    "\uabe5-\uabed\ufb1e\ufe20-\ufe2f\U000101fd-\U0001e94a"
)

UNSAFE: re.Pattern[str] = re.compile(f"[{_FORBIDDEN}]")
"""One character that is never shown, wherever it stands. Tab is among them, because a terminal obeys it."""

# Joiners, emoji selectors, tags and marks are right in some places and hostile in others.
_SUSPECTS = re.compile(f"[{_FORBIDDEN}{_ZWNJ}{_ZWJ}{_VS15}{_VS16}{_TAGS}{_MARK_BLOCKS}]+")
_IN_CONTEXT = re.compile(f"[{_ZWNJ}{_ZWJ}{_VS15}{_VS16}{_TAGS}]")
_PILE = re.compile(f"(?:M[ne]){{{MARKS_PER_LETTER + 1}}}")  # in a row of category names
_EMOJI = (
    "\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_IS_EMOJI = re.compile(f"[{_EMOJI}]")
_ENDS_IN_EMOJI = re.compile(f"[{_EMOJI}]{_VS16}?\\Z")
_ENDS_IN_LONGEST_EMOJI = re.compile(
    f"(?:[{_EMOJI}][{_VS16}\U0001f3fb-\U0001f3ff]?{_ZWJ}){{{JOINS_PER_EMOJI}}}"
    f"[{_EMOJI}][{_VS16}\U0001f3fb-\U0001f3ff]?\\Z"
)
_LONGEST_EMOJI = 3 * (JOINS_PER_EMOJI + 1)
# England, Scotland and Wales: the only tag sequences in Unicode's list of emoji. All others carry hidden text.
_FLAGS = tuple(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)
_BLACK_FLAG = "\U0001f3f4"
# Persian, Urdu, Hindi and their neighbours cannot be spelt without the zero-width non-joiner.
_NEEDS_NON_JOINER = re.compile("[\u0620-\u06d3\u06d5-\u06ef\u06fa-\u08ff\u0900-\u0dff]")
_NEWLINES = re.compile("\n+")


class _Verdict(Enum):
    SHOW = auto()
    TAB = auto()
    HIDDEN = auto()
    SPARE_MARK = auto()


def plain(text: str, *, lines: bool = True, limit: int | None = None) -> str:
    """Turn text from outside into text that is safe to show, saying visibly what was taken out.

    Only newlines are left of all controls (a tab becomes spaces, CR LF a newline). Clean text comes back as the
    same object. Doing it twice changes nothing, except that a `limit` counts again.

    Args:
        text: Anything, of any length.
        lines: False for places of one line (titles, table cells): a newline becomes `⏎`.
        limit: Show no more than this many characters of the text and say how many were left out. The time taken
            grows with what is shown, not with what was sent.
    """
    left_out = 0 if limit is None else max(0, len(text) - limit)
    shown = text[:limit] if left_out else text
    if _SUSPECTS.search(shown):
        shown = _SUSPECTS.sub(_visibly, shown.replace("\r\n", "\n"))
    if not lines:
        shown = _NEWLINES.sub(_newline_mark, shown)
    return f"{shown} ⟦{left_out:,} more characters⟧" if left_out else shown


def is_safe(text: str, *, lines: bool = True) -> bool:
    """Say whether text can be shown as it is: `plain()` would change nothing."""
    return plain(text, lines=lines) == text


def without_unsafe(text: str) -> str:
    """Drop what `plain()` would mark, newlines too: the second net, for a line whose width is already settled."""
    return _SUSPECTS.sub(_silently, text.replace("\n", ""))


def cell_width(text: str) -> int:
    """Count the terminal cells that plain text takes: wide characters two, marks and joiners none."""
    return len(text) if text.isascii() else sum(_cells(text))


def ellipsis(text: str, width: int) -> str:
    """Cut one line of plain text to a width in terminal cells; `…` says that it was cut."""
    if text.isascii() and len(text) <= width:
        return text
    used = fits = 0
    for end, cells in enumerate(_cells(text), start=1):
        used += cells
        if used > width:
            return text[:fits] + "…" if width > 0 else ""
        if used < width:
            fits = end
    return text


def ascii_json(value: object, *, indent: int | None = None) -> str:
    """Write JSON that is safe on any terminal: ASCII only, fields in the order given, no NaN.

    The only way JSON output is printed, because JSON's own escapes keep hostile text harmless and whole.
    """
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)


def _visibly(run: re.Match[str]) -> str:
    letters, text, start = run[0], run.string, run.start()
    shown = letters if _is_ordinary(letters) else _judged(run)
    if _is_mark(shown[0]) and (start == 0 or text[start - 1] == "\n"):
        return "◌" + shown  # a mark without a letter would land on whatever stands before this text
    return shown


def _judged(run: re.Match[str]) -> str:
    if len(run[0]) == 1 and UNSAFE.match(run[0]):  # one stray control: the usual case, so no ceremony
        return _piece(_Verdict.TAB if run[0] == "\t" else _Verdict.HIDDEN, run[0])
    return "".join(_piece(verdict, letters) for verdict, letters in _verdicts(run))


def _silently(run: re.Match[str]) -> str:
    if _is_ordinary(run[0]):
        return run[0]
    return "".join(letters for verdict, letters in _verdicts(run) if verdict is _Verdict.SHOW)


def _is_ordinary(letters: str) -> bool:
    """Say whether a run is nothing but writing, as accents and Hindi are; much faster than judging each letter."""
    return not (
        UNSAFE.search(letters)
        or _IN_CONTEXT.search(letters)
        or _PILE.search("".join(map(unicodedata.category, letters)))
    )


def _piece(verdict: _Verdict, letters: str) -> str:
    match verdict:
        case _Verdict.SHOW:
            return letters
        case _Verdict.TAB:
            return "    " * len(letters)
        case _Verdict.SPARE_MARK:
            return f"⟦+{len(letters)} marks⟧"
        case _Verdict.HIDDEN:
            return _hidden(letters)


def _hidden(letters: str) -> str:
    runs = [(letter, sum(1 for _ in same)) for letter, same in groupby(letters)]
    named = "".join(_name(letter, times) for letter, times in runs[:KINDS_PER_RUN])
    rest = sum(times for _, times in runs[KINDS_PER_RUN:])
    return f"{named}⟦+{rest} hidden characters⟧" if rest else named


def _name(letter: str, times: int) -> str:
    code = ord(letter)
    if code < 0x20:
        picture = chr(0x2400 + code)
    elif code == 0x7F:
        picture = "␡"
    elif 0xD800 <= code <= 0xDFFF:
        picture = "\ufffd"
    else:
        return f"⟦U+{code:04X}⟧" if times == 1 else f"⟦U+{code:04X}×{times}⟧"
    return picture * times if times <= 3 else f"⟦{picture}×{times}⟧"


def _newline_mark(run: re.Match[str]) -> str:
    times = len(run[0])
    return "⏎" * times if times <= 3 else f"⟦⏎×{times}⟧"


def _verdicts(run: re.Match[str]) -> Iterator[tuple[_Verdict, str]]:
    """Judge a run of suspects letter by letter; neighbours with the same verdict come together."""
    text, start, end = run.string, *run.span()
    judged = _judge(text, start, end)
    for verdict, group in groupby(zip(judged, text[start:end], strict=True), key=lambda pair: pair[0]):
        yield verdict, "".join(letter for _, letter in group)


def _judge(text: str, start: int, end: int) -> Iterator[_Verdict]:
    stacked = 0  # marks on the present letter; what is hidden between them is no letter
    flag_ends = start
    if text[start - 1 : start] == _BLACK_FLAG and text.startswith(_FLAGS, start):
        flag_ends = start + len(_FLAGS[0])
    verdict = _Verdict.SHOW
    for place in range(start, end):
        letter = text[place]
        if letter == "\t":
            verdict = _Verdict.TAB
        elif UNSAFE.match(letter):
            verdict = _Verdict.HIDDEN
        elif letter in (_VS15, _VS16):
            verdict = _Verdict.SHOW if _selects_an_emoji(text, place) else _Verdict.HIDDEN
        elif letter == _ZWJ:
            verdict = _Verdict.SHOW if _joins_emoji(text, place) else _Verdict.HIDDEN
        elif letter == _ZWNJ:
            fits = verdict is _Verdict.SHOW and _parts_letters(text, place)
            verdict = _Verdict.SHOW if fits else _Verdict.HIDDEN
        elif "\U000e0020" <= letter <= "\U000e007f":
            verdict = _Verdict.SHOW if place < flag_ends else _Verdict.HIDDEN
        elif _is_mark(letter):
            stacked += 1
            verdict = _Verdict.SHOW if stacked <= MARKS_PER_LETTER else _Verdict.SPARE_MARK
        else:
            verdict, stacked = _Verdict.SHOW, 0
        yield verdict


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter) in ("Mn", "Me") and letter not in (_VS15, _VS16)


def _selects_an_emoji(text: str, place: int) -> bool:
    before = text[place - 1 : place]
    if before in tuple("0123456789#*"):
        return text[place + 1 : place + 2] == "\u20e3"  # a keycap
    return _IS_EMOJI.match(before) is not None


def _joins_emoji(text: str, place: int) -> bool:
    before = text[max(0, place - _LONGEST_EMOJI) : place]
    return (
        _IS_EMOJI.match(text, place + 1) is not None
        and _ENDS_IN_EMOJI.search(before) is not None
        and _ENDS_IN_LONGEST_EMOJI.search(before) is None
    )


def _parts_letters(text: str, place: int) -> bool:
    return (
        place > 0
        and _NEEDS_NON_JOINER.match(text, place - 1) is not None
        and _NEEDS_NON_JOINER.match(text, place + 1) is not None
        and unicodedata.category(text[place + 1]).startswith("L")
    )


def _cells(text: str) -> Iterator[int]:
    """Give the cells of each letter, counted as Textual's own tables do: what is joined to an emoji takes none."""
    last, joined = 0, False
    for letter in text:
        if letter == _VS16:
            yield 1 if last == 1 else 0  # the emoji form of a narrow sign is wide
            last = 2
        elif joined or letter == _ZWJ or _takes_no_cell(letter):
            yield 0
        else:
            last = 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
            yield last
        joined = letter == _ZWJ


def _takes_no_cell(letter: str) -> bool:
    return unicodedata.category(letter) in ("Mn", "Me", "Cf") or "\U0001f3fb" <= letter <= "\U0001f3ff"
