"""The files of the library: which there are, and their text. Nothing outside the folders is ever opened."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modconsole.ports.library import LibraryProblem
from modconsole.protocol_files.problems import Mark, Report, quote

__all__ = ["MAX_BYTES", "Snapshot", "decoded", "read_bytes", "read_text", "scan", "usable"]

MAX_BYTES = 512 * 1024
"""Ten times the longest protocol anybody should write."""

_PLACES = {"include": "includes", "template": "templates", "resources": "resources"}
"""Every other folder is a pack of protocols; so is the top."""
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
    states: Mapping[Path, tuple[int, int, int]] = field(default_factory=dict)
    """Of each file: its size, time of change and inode."""

    def ids(self, kind: str) -> tuple[str, ...]:
        return tuple(sorted(id for of_kind, id in self.files if of_kind == kind))


def scan(folders: Sequence[Path]) -> Snapshot:
    """Look at names, sizes and times only; no file is opened.

    Args:
        folders: The shipped one first; a later folder's file stands before an earlier one's of the same id.
    """
    report = Report()
    files: dict[tuple[str, str], list[Path]] = {}
    states: dict[Path, tuple[int, int, int]] = {}
    for folder in folders:
        for kind, place in _places(folder, report):
            for path, state in _yaml_files(place, folder, report):
                known = files.setdefault((kind, path.stem), [])
                if known and known[0].is_relative_to(folder):
                    report.add(
                        Mark(str(path)),
                        f"a second file of the name {quote(path.stem)}",
                        f"one; {known[0].relative_to(folder)} is used",
                        rule="second-file",
                    )
                    continue
                known.insert(0, path)
                states[path] = (state.st_size, state.st_mtime_ns, state.st_ino)
    stamps = (f"{path}\0{size}\0{time}\0{inode}" for path, (size, time, inode) in states.items())
    stamp = hashlib.sha256("\n".join(stamps).encode("utf-8", "surrogateescape")).hexdigest()
    return Snapshot(stamp, files, tuple(report.problems), states)


def _places(folder: Path, report: Report) -> list[tuple[str, Path]]:
    """Give each folder to look into with the kind of its files: the top and the packs hold protocols."""
    packs = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        entries = []  # looking into it says why, in a moment
    for entry in entries:
        if entry.name in _PLACES.values() or not entry.is_dir() or not _NAME.fullmatch(entry.name):
            continue
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(folder.resolve()):
            report.add(
                Mark(entry.path),
                "a link to a folder outside this one",
                "the folder itself",
                rule="link-outside",
            )
            continue
        packs.append(("protocol", Path(entry.path)))
    return [("protocol", folder), *packs, *((kind, folder / below) for kind, below in _PLACES.items())]


def _yaml_files(place: Path, folder: Path, report: Report) -> list[tuple[Path, os.stat_result]]:
    try:
        names = sorted(entry.name for entry in os.scandir(place))
    except FileNotFoundError:
        return []
    except OSError as error:
        report.add(
            Mark(str(place)),
            f"a folder that cannot be read ({error.strerror})",
            "a readable folder",
            rule="unreadable-file",
        )
        return []
    found = []
    for name in names:
        path = place / name
        if name.startswith(".") or path.suffix not in _ENDINGS:
            continue
        state = usable(path, folder, report)
        if state is not None:
            found.append((path, state))
    return found


def usable(path: Path, folder: Path | None, report: Report) -> os.stat_result | None:
    """Give the file's state, or None with the reason noted.

    Args:
        folder: Where it has to be; None where somebody named the very file.
    """
    at = Mark(str(path))
    if not _NAME.fullmatch(path.stem):
        report.add(
            at,
            f"the file name {quote(path.name)}",
            "letters, digits, “-” and “_”, then .yaml",
            rule="file-name",
        )
        return None
    try:
        state = path.stat()
        if folder is not None and path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            report.add(at, "a link to a file outside this folder", "the file itself", rule="link-outside")
            return None
    except OSError as error:
        report.add(
            at, f"a file that cannot be read ({error.strerror})", "a readable file", rule="unreadable-file"
        )
        return None
    if not stat.S_ISREG(state.st_mode):
        what = "a folder" if stat.S_ISDIR(state.st_mode) else "something that is no file"
        report.add(at, f"{what} with the name of a file", "a file", rule="not-a-file")
        return None
    return state


def read_text(path: Path, report: Report) -> str | None:
    """Give a file's text, with every line end as a newline. None with the reason noted."""
    data = read_bytes(path, report)
    return None if data is None else decoded(data, path, report)


def read_bytes(path: Path, report: Report) -> bytes | None:
    """Give what a file holds. None with the reason noted."""
    at = Mark(str(path))
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            # Asked before reading; and read no further than that, for a file that grows meanwhile.
            data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
    except OSError as error:
        report.add(
            at, f"a file that cannot be read ({error.strerror})", "a readable file", rule="unreadable-file"
        )
        return None
    if size > MAX_BYTES or len(data) > MAX_BYTES:
        report.add(
            at, f"a file of {max(size, len(data)):,} bytes", f"{MAX_BYTES:,} at most", rule="too-large"
        )
        return None
    return data


def decoded(data: bytes, path: Path, report: Report) -> str | None:
    """Give the text that a file's bytes spell, with every line end as a newline. None with the reason noted."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        report.add(
            Mark(str(path), line, column),
            f"the byte {data[error.start]:02X}, which is not UTF-8",
            "a file saved as UTF-8",
            rule="not-utf-8",
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
            rule="no-line-end",
        )
    return text
