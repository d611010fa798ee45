"""A program on a pseudo-terminal, with the moment of every piece of its output."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

__all__ = ["Watched"]

PATIENCE = 60.0
COLUMNS, ROWS = 120, 40


class Watched:
    """Starts a program and reads what it writes. Used in a `with`, it never outlives the measurement.

    Times are seconds since the start of the program.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.output = bytearray()
        self.last_output = 0.0
        self._begun = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            env={**few_variables(), "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})},
            preexec_fn=lambda: os.login_tty(theirs),  # a session of its own, with this as its terminal
        )
        os.close(theirs)

    def __enter__(self) -> Watched:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)

    @property
    def now(self) -> float:
        return time.perf_counter() - self._begun

    def until(self, word: str) -> float:
        """Read until a word is painted; give when.

        Raises:
            TimeoutError: It never was.
        """
        wanted = word.encode()
        while wanted not in self.output:
            if not self._read(PATIENCE):
                raise TimeoutError(f"“{word}” was never painted; {len(self.output)} bytes were")
        return self.last_output

    def until_quiet(self, seconds: float = 0.15) -> float:
        """Read until nothing came for this long; give when the last piece came."""
        while self._read(seconds):
            pass
        return self.last_output

    def press(self, key: str, settle: float) -> tuple[float, float]:
        """Press a key; give the seconds until the first and until the last of its output.

        Raises:
            TimeoutError: Nothing changed.
        """
        self.until_quiet(0.02)
        pressed = self.now
        os.write(self._ours, key.encode())
        if not self._read(1.0):
            raise TimeoutError(f"nothing was painted after {key!r}")
        first = self.last_output - pressed
        return first, self.until_quiet(settle) - pressed

    def memory(self) -> float:
        """Give the resident memory in MiB."""
        told = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return int(told.stdout) / 1024

    def _read(self, patience: float) -> bool:
        if not select.select([self._ours], [], [], patience)[0]:
            return False
        try:
            piece = os.read(self._ours, 1 << 16)
        except OSError:  # Linux says EIO when the program is gone
            piece = b""
        if not piece:
            return False
        self.last_output = self.now
        self.output += piece
        return True


def few_variables() -> dict[str, str]:
    """Give what any program needs. Without compiled bytecode nothing here would mean anything, so it is never off."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return {"LANG": "C.UTF-8", **kept, "TEXTUAL_ANIMATIONS": "none"}
