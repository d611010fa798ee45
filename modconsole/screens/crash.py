"""What is kept of a crash: types and places, never values, so that no post reaches a scrollback or a log."""

from __future__ import annotations

import os
import platform
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TypeGuard

from modconsole.core.errors import ForumError, ModconsoleError
from modconsole.core.text import plain

__all__ = ["REPORTS_KEPT", "may_be_quoted", "write_crash_report"]

REPORTS_KEPT = 10
FRAMES_SHOWN = 30
MESSAGE_LENGTH = 500


def write_crash_report(error: BaseException, folder: Path, moment: datetime) -> Path:
    """Write a report of a crash that holds no text of a post, and keep the ten newest.

    The message of an exception is left out, because `ValueError(f"bad post: {post}")` is one line of code away.
    Only our own errors, which promise to hold no post and no secret, are quoted.

    Args:
        error: What nobody caught; its causes and groups are followed.
        folder: Where reports live; made if missing, for the user's eyes only.
        moment: Now; names the file.

    Raises:
        OSError: The report could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    report = folder / f"crash-{moment.astimezone(UTC):%Y%m%dT%H%M%S%fZ}-{os.getpid()}.txt"
    with os.fdopen(
        os.open(report, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write("\n".join(_lines(error, moment)) + "\n")
    for old in sorted(folder.glob("crash-*.txt"))[:-REPORTS_KEPT]:
        old.unlink(missing_ok=True)
    return report


def may_be_quoted(error: BaseException) -> TypeGuard[ModconsoleError]:
    """Say whether the words of an error are our own. A `ForumError` may quote a server; all others, anything."""
    return isinstance(error, ModconsoleError) and not isinstance(error, ForumError)


def _lines(error: BaseException, moment: datetime) -> Iterator[str]:
    yield "modconsole crash report"
    yield f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    yield (
        f"modconsole {_version('modconsole')}, textual {_version('textual')}, "
        f"Python {platform.python_version()}, {sys.platform}"
    )
    yield "Only types and places are written here: no post, no answer, no key."
    for heading, cause in _family(error):
        yield ""
        yield heading + _type_name(cause)
        if may_be_quoted(cause):
            yield "  " + plain(str(cause), lines=False, limit=MESSAGE_LENGTH)
        yield from _frames(cause)


def _family(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """Walk from an error to what caused it, each once."""
    seen: set[int] = set()
    waiting: list[tuple[str, BaseException | None]] = [("", error)]
    while waiting:
        heading, present = waiting.pop(0)
        if present is None or id(present) in seen:
            continue
        seen.add(id(present))
        yield heading, present
        inner = getattr(present, "error", None)  # textual's WorkerFailed wraps what the worker raised
        if isinstance(inner, BaseException):
            waiting.append(("raised in a worker: ", inner))
        if isinstance(present, BaseExceptionGroup):
            waiting.extend(("one of a group: ", member) for member in present.exceptions)
        waiting.append(("caused by ", present.__cause__))
        if not present.__suppress_context__:
            waiting.append(("while handling ", present.__context__))


def _frames(error: BaseException) -> Iterator[str]:
    places = [
        f"  {_short(frame.f_code.co_filename)}:{line} {plain(frame.f_code.co_qualname, lines=False, limit=200)}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if len(places) > FRAMES_SHOWN:
        places[1 : 1 - FRAMES_SHOWN] = [f"  … {len(places) - FRAMES_SHOWN} more"]
    yield from places


def _short(filename: str) -> str:
    """Name a source file without the folders above it, which hold the user's name."""
    parts = PurePath(plain(filename, lines=False, limit=500)).parts
    for landmark in ("site-packages", "modconsole"):
        if landmark in parts[:-1]:
            start = len(parts) - 1 - parts[::-1].index(landmark)
            return "/".join(parts[start + (landmark == "site-packages") :])
    return "/".join(parts[-2:])


def _type_name(error: BaseException) -> str:
    name = type(error).__qualname__ if type(error).__module__ == "builtins" else _full_name(type(error))
    return plain(name, lines=False, limit=200)


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _version(package: str) -> str:
    # Imported here: it is slow, and who crashes is in no hurry.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "?"
