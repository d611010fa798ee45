"""Drive a program on a pseudo-terminal: type to it, read its screen, and look at every byte it sends.

    with Terminal([sys.executable, "-m", "modconsole", "demo"], size=(120, 40)) as terminal:
        terminal.wait_for("Queue")
        terminal.send("j")
        terminal.send(ENTER)
        terminal.wait_for(lambda: "Protocol" in terminal.screen())
        assert_only_expected_sequences(terminal.bytes_out)

Nothing here sleeps: every wait is a wait for output, and a wait that fails shows the screen.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

__all__ = [
    "CTRL_C",
    "DOWN",
    "ENTER",
    "ESCAPE",
    "LEFT",
    "RIGHT",
    "TAB",
    "UP",
    "Screen",
    "Terminal",
    "assert_only_expected_sequences",
    "unexpected",
]

ENTER, ESCAPE, TAB, CTRL_C = "\r", "\x1b", "\t", "\x03"
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"

PATIENCE = 30.0
"""Seconds before a wait gives up: generous, because it is only ever used up by a failure."""

# One token: a whole control sequence, one control character, or a stretch of text.
_TOKEN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]*[0-OQ-WYZ`-~]"
    r"|[\x00-\x1a\x1c-\x1f\x7f]"
    r"|[^\x00-\x1f\x7f]+"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)\Z")

# All that Textual 8 itself has to say to a terminal. Erasing, cursor reports, titles, links and the clipboard are
# not in it, so that they are noticed when a post says them.
_EXPECTED = re.compile(
    r"\x1b\[[\d;:]*m"  # colours
    r"|\x1b\[\d+;\d+H"  # go to
    r"|\x1b\[\?(?:25|7|1049|1000|1003|1004|1006|1015|1016|2004|2026|2048)[hl]"
    r"|\x1b\[\?(?:2026|2048)\$p"  # can you draw at once, can you tell your size?
    r"|\x1b\[(?:>\d+|<)u"  # kitty keyboard on, off
    r"|\x1b\]22;[a-z-]*\x07"  # shape of the mouse pointer
    r"|[\r\n]"
)


def unexpected(output: bytes, *, also: str = r"(?!)") -> list[str]:
    """List what a terminal was told beyond drawing: foreign sequences, and text it obeys or nobody sees.

    Args:
        output: Everything the program wrote.
        also: A regular expression for further sequences that this test expects, such as a copy to the clipboard.
    """
    text = output.decode("utf-8", errors="surrogateescape")
    allowed = re.compile(also)
    found = []
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() > end:
            found.append(text[end : token.start()])
        end = token.end()
        if token[0][0] < " " or token[0][0] == "\x7f":
            if not _EXPECTED.fullmatch(token[0]) and not allowed.fullmatch(token[0]):
                found.append(token[0])
        else:
            found.extend(_suspicious(token[0]))
    return [*found, text[end:]] if end < len(text) else found


def assert_only_expected_sequences(output: bytes, *, also: str = r"(?!)") -> None:
    """Fail, naming the first few, if `unexpected()` finds anything."""
    found = unexpected(output, also=also)
    assert not found, f"{len(found)} unexpected: {[ascii(one) for one in found[:10]]}"


def _suspicious(text: str) -> Iterator[str]:
    """Find hidden characters by what Unicode says of them: a second opinion, not the patterns under test."""
    if text.isascii():
        return
    text = _FLAGS.sub("\U0001f3f4", text)
    marks = joiners = 0
    for place, letter in enumerate(text):
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        kind = unicodedata.category(letter)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        joiners += letter == "\u200d"
        if kind not in ("So", "Sk", "Mn", "Cf"):
            joiners = 0
        hidden = (
            kind in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
            or letter in _LOOKS_LIKE_NOTHING
            or _is_no_letter(letter)
        )
        if letter in "\u200c\u200d":
            hidden = not (_can_be_joined(before) and _can_be_joined(after))
        elif letter in "\ufe0e\ufe0f":
            hidden = unicodedata.category(before or " ") not in ("So", "Po", "Nd", "Sm", "Sk")
        if hidden or marks > 5 or joiners > 3:  # four marks, and an emoji's selector
            yield text[max(0, place - 3) : place + 1]


_FLAGS = re.compile(
    "\U0001f3f4\U000e0067\U000e0062[\U000e0061-\U000e007a]{3}\U000e007f"
)  # the three home nations
_LOOKS_LIKE_NOTHING = "\u115f\u1160\u3164\uffa0\u2800\ufffc\u034f" + "".join(map(chr, range(0xFE00, 0xFE0E)))


def _is_no_letter(letter: str) -> bool:
    code = ord(letter)
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF or code >= 0xE0000


def _can_be_joined(letter: str) -> bool:
    return letter > "\u0600" and unicodedata.category(letter) not in ("Cf", "Cc")


class Screen:
    """A terminal just good enough for Textual's output: it goes where it is told, and writes.

    Colours are ignored. A wide character takes two cells, the second of them empty.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.row = self.column = 0
        self._cells = self._blank()
        self._main = self._cells
        self._rest = ""

    def feed(self, text: str) -> None:
        """Draw output; a sequence that is not whole yet waits for the next piece."""
        text = self._rest + text
        end = 0
        while token := _TOKEN.match(text, end):
            self._obey(token[0])
            end = token.end()
        self._rest = text[end:]
        if self._rest and not _UNFINISHED.match(self._rest):
            rest, self._rest = self._rest[1:], ""
            self.feed(rest)

    def text(self) -> str:
        """Give the screen as lines of text, without the blanks at their ends."""
        return "\n".join("".join(row).rstrip() for row in self._cells)

    def _blank(self) -> list[list[str]]:
        return [[" "] * self.columns for _ in range(self.rows)]

    def _obey(self, token: str) -> None:
        if token.startswith("\x1b["):
            self._control(token[-1], token[2:-1])
        elif token == "\x1bc":
            self._cells = self._blank()
        elif token == "\r":
            self.column = 0
        elif token in ("\n", "\x0b", "\x0c"):
            self._line_feed()
        elif token == "\b":
            self.column = max(0, self.column - 1)
        elif token == "\t":
            self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
        elif token[0] >= " ":
            self._write(token)

    def _control(self, order: str, arguments: str) -> None:
        numbers = [int(number) if number.isdigit() else 0 for number in arguments.split(";")]
        step = max(1, numbers[0])
        if order in "Hf":
            self.row = min(self.rows, step) - 1
            self.column = min(self.columns, max(1, *numbers[1:2], 0)) - 1
        elif order in "AB":
            self.row = min(self.rows - 1, max(0, self.row + (step if order == "B" else -step)))
        elif order in "CD":
            self.column = min(self.columns - 1, max(0, self.column + (step if order == "C" else -step)))
        elif order == "G":
            self.column = min(self.columns, step) - 1
        elif order == "d":
            self.row = min(self.rows, step) - 1
        elif order == "J":
            self._erase(
                numbers[0], ((row, column) for row in range(self.rows) for column in range(self.columns))
            )
        elif order == "K":
            self._erase(numbers[0], ((self.row, column) for column in range(self.columns)))
        elif arguments == "?1049":
            self._switch(to_alternate=order == "h")

    def _switch(self, *, to_alternate: bool) -> None:
        if to_alternate:
            self._main, self._cells = self._cells, self._blank()
        else:
            self._cells = self._main
        self.row = self.column = 0

    def _erase(self, what: int, area: Iterable[tuple[int, int]]) -> None:
        here = (self.row, self.column)
        for row, column in area:
            if what >= 2 or (what == 0 and (row, column) >= here) or (what == 1 and (row, column) <= here):
                self._cells[row][column] = " "

    def _line_feed(self) -> None:
        if self.row < self.rows - 1:
            self.row += 1
        else:
            self._cells.append([" "] * self.columns)
            del self._cells[0]

    def _write(self, text: str) -> None:
        if text.isascii() and self.column + len(text) <= self.columns:
            self._cells[self.row][self.column : self.column + len(text)] = text
            self.column += len(text)
            return
        for letter in text:
            self._put(letter)

    def _put(self, letter: str) -> None:
        if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
            if self.column:
                self._cells[self.row][self.column - 1] += letter
            return
        width = 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
        if self.column + width > self.columns:
            if self._cells is self._main:
                self.column = 0
                self._line_feed()
            else:
                self.column = self.columns - width  # Textual turns wrapping off
        self._cells[self.row][self.column] = letter
        if width == 2:
            self._cells[self.row][self.column + 1] = ""
        self.column += width


class Terminal:
    """A program running on a pseudo-terminal of its own; used in a `with`, it never outlives the test.

    Args:
        command: What to run, as a list of arguments.
        env: Variables beyond the few that any program needs; nothing else of this process's environment is seen.
        size: Columns and rows.
        cwd: Where to run it.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        size: tuple[int, int] = (120, 40),
        cwd: Path | None = None,
    ) -> None:
        columns, rows = size
        self._screen = Screen(columns, rows)
        self._bytes = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._ours, theirs = os.openpty()
        self._is_open = True
        self._set_size(columns, rows)
        self.process = subprocess.Popen(
            [os.fspath(word) for word in command],
            env={**_few_variables(), **(env or {})},
            cwd=cwd,
            preexec_fn=lambda: os.login_tty(theirs),  # a session of its own, with this as its terminal
        )
        os.close(theirs)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)

    @property
    def bytes_out(self) -> bytes:
        """Everything the program has written so far, as far as it was read."""
        return bytes(self._bytes)

    def screen(self) -> str:
        """Give what a person would see now, line by line."""
        return self._screen.text()

    def send(self, keys: str | bytes) -> None:
        """Type. A text is sent at once, as a paste or a burst of keys would be."""
        os.write(self._ours, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as a person dragging the window's corner does; what was drawn is forgotten."""
        self._screen = Screen(columns, rows)
        self._set_size(columns, rows)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Pull the plug."""
        self.process.send_signal(number)

    def wait_for(self, wanted: str | Callable[[], bool], *, timeout: float = PATIENCE) -> None:
        """Read output until a text is on the screen, or until a question is answered with True."""
        is_there = wanted if callable(wanted) else lambda: wanted in self.screen()
        deadline = time.monotonic() + timeout
        while not is_there():
            if not self._read(deadline):
                waited_for = repr(wanted) if isinstance(wanted, str) else "what was asked"
                raise AssertionError(f"Waited in vain for {waited_for}. The screen:\n{self.screen()}")

    def wait_for_exit(self, *, timeout: float = PATIENCE) -> int:
        """Read output until the program ends; give its exit code."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        try:
            return self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"Still running. The screen:\n{self.screen()}") from None

    def _read(self, deadline: float) -> bool:
        """Take in all output there is; False when there is none before the deadline, or never will be."""
        if not self._is_open or not self._is_readable(max(0.0, deadline - time.monotonic())):
            return False
        pieces = [self._piece()]
        while self._is_open and len(pieces) < 100 and self._is_readable(0):
            pieces.append(self._piece())
        output = b"".join(pieces)
        self._bytes += output
        self._screen.feed(self._decoder.decode(output))
        return True

    def _is_readable(self, patience: float) -> bool:
        return bool(select.select([self._ours], [], [], patience)[0])

    def _piece(self) -> bytes:
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # Linux says EIO when the other end is gone
            piece = b""
        self._is_open = bool(piece)
        return piece

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _few_variables() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", "TEXTUAL_ANIMATIONS": "none"}
