"""The service's own copies of resource files: who checked an entry, and when, written without losing a comment.

Lines are changed, not YAML: a file that was parsed and written again would have lost its comments. What the changed
lines say is read back before anything is written, so a file we misread is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from modconsole.core.errors import DataError, WrongUsage
from modconsole.ports.resource_notes import CHECKED_BY, ResourceNotes
from modconsole.protocol_files import schema
from modconsole.protocol_files.folders import read_text, scan
from modconsole.protocol_files.kept import write_text
from modconsole.protocol_files.kinds import read
from modconsole.protocol_files.messages import plain_resources
from modconsole.protocol_files.problems import Report
from modconsole.protocol_files.tree import parse

__all__ = ["FileResourceNotes", "with_check"]

_ITEM = re.compile(r"^(\s*)- ")
_KEY = re.compile(r"^(\s*)(?:- +)?verified:(.*)$")


class FileResourceNotes(ResourceNotes):
    """Args:
    shipped: The folder of shipped files.
    own: The service's own folder.
    """

    def __init__(self, shipped: Path, own: Path) -> None:
        self._shipped = shipped
        self._own = own

    def own_copy(self, id: str) -> Path:
        file, text = self._file_of(id)
        place = self._own / "resources" / file.name
        if file != place:
            _write(place, text)
        return place

    def checked(self, id: str, *, on: date, by_role: str, method: str) -> Path:
        if method not in CHECKED_BY:
            raise WrongUsage(
                f"“{method}” is not a way to check.", next_step=f"One of: {', '.join(CHECKED_BY)}."
            )
        file, text = self._file_of(id)
        changed = with_check(text, id, on, by_role, method)
        place = self._own / "resources" / file.name
        if changed is None or not _says_so(text, changed, id, on):
            raise WrongUsage(
                f"{file} is written in a way that cannot be changed safely.",
                next_step=f"Write `verified: {_flow(on, by_role, method)}` for “{id}” into {place} in an editor.",
            )
        _write(place, changed)
        return place

    def _file_of(self, id: str) -> tuple[Path, str]:
        """Find the file in use that has this resource. It has no mistakes: only such files are in use."""
        for (kind, _), paths in scan((self._shipped, self._own)).files.items():
            report = Report()
            text = read_text(paths[0], report) if kind == "resources" else None
            if text is not None and any(entry["id"] == id for entry in _entries(text, paths[0])):
                return paths[0], text
        raise WrongUsage(f"There is no crisis resource “{id}” here.")


def with_check(text: str, id: str, on: date, by_role: str, method: str) -> str | None:
    """Give a resource file's text with one entry's `verified` set; None where the lines are not as we know them."""
    lines = text.split("\n")
    block = _block(lines, id)
    if block is None:
        return None
    keys = re.match(r"[\s-]*", lines[block.start])
    indent = " " * len(keys[0]) if keys else ""
    found = [number for number in block if _KEY.match(lines[number])]
    if len(found) > 1:
        return None
    written = f"verified: {_flow(on, by_role, method)}"
    if not found:
        lines.insert(block.stop, indent + written)
        return "\n".join(lines)
    at = found[0]
    before, _, rest = lines[at].partition("verified:")
    end = _end_of_value(lines, at, rest, block)
    if end is None:
        return None
    comment = re.search(r"\s+#.*$", rest if end == at + 1 else "")
    lines[at:end] = [before + written + (comment[0] if comment else "")]
    return "\n".join(lines)


def _block(lines: Sequence[str], id: str) -> range | None:
    """Give the lines of one entry: from its “-” to before the next one, without what is blank or comment at its end."""
    is_id = re.compile(rf"""^\s*(?:- +)?id: *(["']?){re.escape(id)}\1 *(?:#.*)?$""")
    places = [number for number, line in enumerate(lines) if is_id.match(line)]
    if len(places) != 1:
        return None
    start = next((number for number in range(places[0], -1, -1) if _ITEM.match(lines[number])), None)
    if start is None:
        return None
    item = _ITEM.match(lines[start])
    depth = len(item[1]) if item else 0
    stop = next(
        (
            number
            for number in range(start + 1, len(lines))
            if lines[number].strip()
            and not lines[number].lstrip().startswith("#")
            and _depth(lines[number]) <= depth
        ),
        len(lines),
    )
    while stop > start + 1 and (not lines[stop - 1].strip() or lines[stop - 1].lstrip().startswith("#")):
        stop -= 1
    return range(start, stop)


def _end_of_value(lines: Sequence[str], at: int, rest: str, block: range) -> int | None:
    """Give the line after the present value: of braces on one line or more, or of keys on lines of their own."""
    value = rest.strip()
    if value.startswith("{"):
        return next((n + 1 for n in range(at, block.stop) if "}" in lines[n]), None)
    if value and not value.startswith(("#", "null", "~")):
        return None
    end = at + 1
    while end < block.stop and _depth(lines[end]) > _depth(lines[at].replace("- ", "  ", 1)):
        end += 1
    return end


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _flow(on: date, by_role: str, method: str) -> str:
    return f"{{on: {on.isoformat()}, by_role: {by_role}, method: {method}}}"


def _says_so(before: str, after: str, id: str, on: date) -> bool:
    """Say whether the new text says what the old one did, but for this one day."""
    expected = [
        entry | {"verified_on": on.isoformat()} if entry["id"] == id else entry
        for entry in _entries(before, Path("before.yaml"))
    ]
    return bool(expected) and _entries(after, Path("after.yaml")) == expected


def _entries(text: str, path: Path) -> list[dict[str, Any]]:
    report = Report()
    tree = parse(text, str(path), report)
    record = None if tree is None else read(tree, schema.RESOURCES, report)
    if record is None or not report.is_good:
        return []
    return [_comparable(entry) for entry in plain_resources(record)]


def _comparable(entry: dict[str, Any]) -> dict[str, Any]:
    day = entry.get("verified_on")
    return (
        {**entry, "verified_on": str(day)}
        if day is not None
        else {k: v for k, v in entry.items() if k != "verified_on"}
    )


def _write(place: Path, text: str) -> None:
    try:
        write_text(place, text)
    except OSError as error:
        raise DataError(
            f"{place} cannot be written: {error.strerror}.",
            kept="Nothing was changed.",
            next_step="Make room, or make the folder writable.",
        ) from error
