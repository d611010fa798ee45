"""Small private files: written whole or not at all, readable by their owner only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["make_private", "only_one", "private_folder", "write_private"]


def private_folder(folder: Path) -> None:
    """Make sure a folder is there; one that is made here is its owner's alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_private(path: Path) -> None:
    """Create an empty file for its owner only, if there is none: a database takes its -wal's mode from it.

    A file that is there is never opened: closing it again would drop SQLite's locks in this process, and another
    process would then delete the -wal under us.
    """
    private_folder(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def write_private(path: Path, data: bytes) -> None:
    """Replace a file in one step. When this returns, the new content survives a power cut.

    Raises:
        OSError: The old file is still there as it was.
    """
    private_folder(path.parent)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return  # folders cannot be opened there; NTFS journals the rename
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Keep other consoles from changing `path` while this one does: read, change and replace as one step."""
    private_folder(path.parent)
    with os.fdopen(
        os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600), "rb+"
    ) as lock:
        _take(lock.fileno())
        yield  # closing the file lets go


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)
