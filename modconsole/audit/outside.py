"""Reading files that somebody else made: plain files below one folder, no longer than they may be."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path

__all__ = ["Missing", "OutsideFolder", "Unreadable", "read_plain"]

_NAMES = 100_000
"""How many names of a folder are looked at."""


class Unreadable(Exception):
    """A file cannot be used; says why as the end of a sentence that begins with its name."""


class Missing(Unreadable):
    def __init__(self) -> None:
        super().__init__("is not there")


def read_plain(path: Path, limit: int) -> bytes:
    """Read a plain file whole, and never wait for anybody: a FIFO or a device is refused.

    Raises:
        Missing, Unreadable
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        raise Missing from None
    except OSError as error:
        raise Unreadable(f"cannot be opened: {error.strerror}") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("is no file, but a folder, a pipe or a device")
        if found.st_size > limit:
            raise Unreadable(f"is too long: {found.st_size:,} bytes, where at most {limit:,} belong")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
    finally:
        os.close(handle)
    if len(data) > limit:
        raise Unreadable(f"is too long: more than {limit:,} bytes")
    return data


class OutsideFolder:
    """A folder somebody else filled. Links are followed inside it, and never out of it."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._inside: dict[Path, bool] = {}

    def read(self, name: str, limit: int) -> bytes:
        """Read one of its files, by a path with slashes.

        Raises:
            Missing, Unreadable
        """
        path = self._root / name
        if not self._is_inside(path):
            raise Unreadable("is a link that leads out of the folder")
        return read_plain(path, limit)

    def has(self, name: str) -> bool:
        path = self._root / name
        return self._is_inside(path) and os.access(path, os.F_OK)

    def names(self, name: str = "") -> list[str]:
        """Name what is in a folder, sorted; nothing when there is no such folder."""
        path = self._root / name
        if not self._is_inside(path):
            return []
        try:
            with os.scandir(path) as found:
                return sorted(entry.name for entry in islice(found, _NAMES))
        except OSError:
            return []

    def _is_inside(self, path: Path) -> bool:
        if path == self._root:
            return True
        if path.is_symlink():
            return self._holds(path)
        if path.parent not in self._inside:
            self._inside[path.parent] = self._holds(path.parent)
        return self._inside[path.parent]

    def _holds(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):  # links in a circle
            return False
