"""Files that nobody should have: one of each kind, for whatever reads protocol files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.protocol_files.sound import SOUND

_BOMB = "\n".join(
    ['a0: &a0 ["lol"]', *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
)


def _text(change: Callable[[str], str]) -> Callable[[Path], None]:
    return lambda path: _write(path, change(SOUND).encode("utf-8"))


def _bytes(data: bytes) -> Callable[[Path], None]:
    return lambda path: _write(path, data)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(50):
            file.write(b"# a line of a comment, again and again\n" * (1024 * 1024 // 39))


def _link_to_nothing(path: Path) -> None:
    path.symlink_to(path.parent / "nothing.yaml")


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


BROKEN: dict[str, Callable[[Path], object]] = {
    **{
        f"unquoted {word}": _text(lambda text, word=word: text.replace('{value: "yes"', f"{{value: {word}"))  # type: ignore[misc]
        for word in ("yes", "no", "on", "off", "Yes", "TRUE", "n")
    },
    **{
        f"unquoted {word} as a title": _text(lambda text, word=word: text.replace('"A calm sheet"', word))  # type: ignore[misc]
        for word in ("1.10", "0113", "2026-11-22", "13_15", "0x1F", "1e3", "12:30", "~", ".inf")
    },
    "tabs": _text(lambda text: text.replace("  jurisdictions", "\tjurisdictions")),
    "a tab inside": _text(lambda text: text.replace("    text: ", "    \ttext: ")),
    "a key twice": _text(lambda text: text.replace("status: draft", "status: draft\nstatus: draft")),
    "anchors and aliases": _text(
        lambda text: text.replace('"A calm sheet"', '&t "A calm sheet"\nfinished_when: *t')
    ),
    "a merge key": _text(lambda text: text.replace("status: draft", "<<: {status: draft}")),
    "an alias bomb": _bytes(_BOMB.encode() + b"\n"),
    "a tag that builds things": _text(
        lambda text: text.replace('"A calm sheet"', "!!python/object/apply:os.getcwd []")
    ),
    "50 MB": _huge,
    "deep nesting": _bytes(b"x: " + b"[" * 200_000),
    "deep nesting of groups": _bytes(b"x: " + b"{a: " * 100_000),
    "deep nesting by indents": _bytes("".join(f"{' ' * n}a:\n" for n in range(900)).encode()),
    "Latin-1": _bytes(SOUND.replace("A calm sheet", "Café").encode("latin-1")),
    "UTF-16": _bytes(SOUND.encode("utf-16")),
    "UTF-32": _bytes(SOUND.encode("utf-32")),
    "only null bytes": _bytes(b"\0" * 4096),
    "an escape sequence": _text(lambda text: text.replace("calm sheet", "calm \x1b[2Jsheet")),
    "a bidi override": _text(lambda text: text.replace("status: draft", "status: \u202edraft")),
    "an unknown key": _text(lambda text: text.replace("    why:", "    wyh:", 1)),
    "cut in the middle of a line": _text(lambda text: text[: len(text) // 2]),
    "empty": _bytes(b""),
    "a page of the web": _bytes(b"<!DOCTYPE html>\n<html><body>404</body></html>\n"),
    "JSON of something else": _bytes(b'{"a": [1, 2, {"b": null}]}\n'),
    "a folder with the name of a file": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
    "a link to nothing": _link_to_nothing,
    "a link to a device without an end": _endless,
}
"""How to make each, at a given path."""


def make(folder: Path, kind: str) -> Path:
    """Make one broken file, under the name of a good one, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "calm.yaml"
    BROKEN[kind](path)
    return path
