"""Changing single lines of `config.toml`, so that every comment and every other line stays as somebody wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from modconsole.config.places import locate

__all__ = ["with_contact", "with_value"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"^[ \t]*\[", re.MULTILINE)

Value = str | bool | list[str]


def with_value(text: str, section: str, name: str, value: Value) -> str:
    """Give the text with one key of a section set: in its place, in the place of the comment that shows how, or new.

    The result is not looked at here; whoever writes it reads it back first.
    """
    places = locate(text)
    if (section, name) in places:
        return _replaced(text, section, name, value)
    line = f"{name if _BARE.fullmatch(name) else _written(name)} = {_written(value)}"
    if (section,) not in places:
        return f"{_ended(text)}\n[{section}]\n{line}\n"
    start = _line_start(text, places[(section,)].line + 1)
    rest = _HEADER.search(text, start)
    end = rest.start() if rest else len(text)
    shown = re.compile(rf"^# ?{re.escape(name)} = [^#\n]*", re.MULTILINE).search(text, start, end)
    if shown:
        gap = " " * max(1, len(shown[0]) - len(line)) if text[shown.end() : shown.end() + 1] == "#" else ""
        return text[: shown.start()] + line + gap + text[shown.end() :]
    first = places.get((section, "org"))  # the one key that is always there; ours belong below it
    at = _line_start(text, first.line + 1) if first else start
    return _ended(text[:at]) + f"{line}\n" + text[at:]


def with_contact(text: str, contact: Mapping[str, str]) -> str:
    """Give the text with one more `[[service.contacts]]` at its end."""
    lines = "".join(f"{name} = {_written(value)}\n" for name, value in contact.items())
    return f"{_ended(text)}\n[[service.contacts]]\n{lines}"


def _replaced(text: str, section: str, name: str, value: Value) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    table = document[section]
    if isinstance(table, dict):
        table[name] = value
    return document.as_string()


def _line_start(text: str, number: int) -> int:
    """Give where a line begins, counted from 1; the end of the text for a line after the last."""
    at = 0
    for _ in range(number - 1):
        at = text.find("\n", at) + 1
        if at == 0:
            return len(text)
    return at


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"


def _written(value: Value) -> str:
    """Write a TOML value. JSON's are the same, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
