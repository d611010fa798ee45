"""The files of the library: which there are, and their text. Nothing outside the folders is ever opened."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modconsole.ports.library import LibraryProblem
from modconsole.protocol_files.problems import Mark, Report, quote

__all__ = ["MAX_BYTES", "Snapshot", "read_text", "scan"]

MAX_BYTES = 512 * 1024
"""Ten times the longest protocol anybody should write."""

_PLACES = {"protocol": "", "include": "includes", "template": "templates", "resources": "resources"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,79}")
_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was there at one look."""

    stamp: str
    """Changes whenever a file comes, goes or changes."""
    files: Mapping[tuple[str, str], Sequence[Path]]
    """By kind and id; the service's own file before the shipped one."""
    problems: Sequence[LibraryProblem]

    def ids(self, kind: str) -> tuple[str, ...]:
        return tuple(sorted(id for of_kind, id in self.files if of_kind == kind))


def scan(folders: Sequence[Path]) -> Snapshot:
    """Look at names, sizes and times only; no file is opened.

    Args:
        folders: The shipped one first; a later folder's file stands before an earlier one's of the same id.
    """
    report = Report()
    files: dict[tuple[str, str], list[Path]] = {}
    stamps: list[str] = []
    for folder in folders:
        for kind, below in _PLACES.items():
            for path, state in _yaml_files(folder / below, folder, report):
                known = files.setdefault((kind, path.stem), [])
                if known and known[0].parent == path.parent:
                    report.add(
                        Mark(str(path)),
                        f"a second file of the name {quote(path.stem)}",
                        f"one; {known[0].name} is used",
                    )
                    continue
                known.insert(0, path)
                stamps.append(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0{state.st_ino}")
    stamp = hashlib.sha256("\n".join(stamps).encode("utf-8", "surrogateescape")).hexdigest()
    return Snapshot(stamp, files, tuple(report.problems))


def _yaml_files(place: Path, folder: Path, report: Report) -> list[tuple[Path, os.stat_result]]:
    try:
        names = sorted(entry.name for entry in os.scandir(place))
    except FileNotFoundError:
        return []
    except OSError as error:
        report.add(Mark(str(place)), f"a folder that cannot be read ({error.strerror})", "a readable folder")
        return []
    found = []
    for name in names:
        path = place / name
        if name.startswith(".") or path.suffix not in _ENDINGS:
            continue
        state = _usable(path, folder, report)
        if state is not None:
            found.append((path, state))
    return found


def _usable(path: Path, folder: Path, report: Report) -> os.stat_result | None:
    """Give the file's state, or None with the reason noted."""
    at = Mark(str(path))
    if not _NAME.fullmatch(path.stem):
        report.add(at, f"the file name {quote(path.name)}", "letters, digits, “-” and “_”, then .yaml")
        return None
    try:
        state = path.stat()
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            report.add(at, "a link to a file outside this folder", "the file itself")
            return None
    except OSError as error:
        report.add(at, f"a file that cannot be read ({error.strerror})", "a readable file")
        return None
    if not stat.S_ISREG(state.st_mode):
        what = "a folder" if stat.S_ISDIR(state.st_mode) else "something that is no file"
        report.add(at, f"{what} with the name of a file", "a file")
        return None
    return state


def read_text(path: Path, report: Report) -> str | None:
    """Give a file's text, with every line end as a newline. None with the reason noted."""
    at = Mark(str(path))
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            # Asked before reading; and read no further than that, for a file that grows meanwhile.
            data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
    except OSError as error:
        report.add(at, f"a file that cannot be read ({error.strerror})", "a readable file")
        return None
    if size > MAX_BYTES or len(data) > MAX_BYTES:
        report.add(at, f"a file of {max(size, len(data)):,} bytes", f"{MAX_BYTES:,} at most")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        report.add(
            Mark(str(path), line, column),
            f"the byte {data[error.start]:02X}, which is not UTF-8",
            "a file saved as UTF-8",
        )
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text and not text.endswith("\n"):
        line = text.count("\n") + 1
        column = len(text) - (text.rfind("\n") + 1) + 1
        report.warn(
            Mark(str(path), line, column),
            "a last line without an end",
            "a line end; the file may be cut short",
        )
    return text
