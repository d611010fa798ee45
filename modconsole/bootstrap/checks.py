"""What `doctor` looks at: everything a moderator's evening depends on. Nothing personal is in what it says."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from modconsole.cli.parts import Check
from modconsole.core.errors import LogError, ModconsoleError, VaultError

if TYPE_CHECKING:
    from modconsole.bootstrap.home import Home
    from modconsole.core.decision import Record
    from modconsole.core.model import Case

__all__ = ["checks"]

ENOUGH_DISK = 200 * 1024 * 1024
TRIED = 20
"""How many of the newest texts are opened, to see whether their keys are there."""


def checks(home: Home) -> list[Check]:
    """Look at one thing after the other; what fails is named and the rest is still looked at."""
    looks: tuple[tuple[str, Callable[[Home], Iterator[Check]]], ...] = (
        ("python", _python),
        ("folders", _folders),
        ("settings", _settings),
        ("keys", _keys),
        ("cases", _cases),
        ("case texts", _case_texts),
        ("unsettled decisions", _unsettled),
        ("log", _log),
        ("log texts", _log_texts),
        ("erasures", _erasures),
        ("protocols", _protocols),
        ("adapters", _adapters),
    )
    found: list[Check] = []
    for name, look in looks:
        try:
            found += look(home)
        except ModconsoleError as error:
            found.append(Check(name, ok=False, found=error.what, mend=error.next_step))
        except OSError as error:
            found.append(Check(name, ok=False, found=f"{type(error).__name__}: {error.strerror or error}"))
    return found


def _python(home: Home) -> Iterator[Check]:
    del home
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Check("python", ok=True, found=f"{version}, SQLite {sqlite3.sqlite_version}")
    spec = importlib.util.find_spec("textual")
    cached = spec.cached if spec else None
    has_bytecode = cached is not None and os.path.exists(cached)  # noqa: PTH110 - a plain string from importlib
    yield Check(
        "bytecode",
        ok=has_bytecode,
        found="compiled" if has_bytecode else "not compiled: every start takes four times as long",
        mend="Unset PYTHONDONTWRITEBYTECODE, or run `python -m compileall` on the installed packages once.",
    )


def _folders(home: Home) -> Iterator[Check]:
    for name, path in home.places().items():
        folder = path if path.is_dir() else path.parent
        writable = os.access(folder, os.W_OK) if folder.exists() else os.access(_nearest(folder), os.W_OK)
        if not writable:
            yield Check(
                name,
                ok=False,
                found=f"{folder} cannot be written to",
                mend="Give yourself the right to write there.",
            )
    free = shutil.disk_usage(_nearest(home.paths.data)).free
    yield Check(
        "disk",
        ok=free > ENOUGH_DISK,
        found=f"{free // 1024 // 1024} MB free",
        mend="Make room: a decision that cannot be written down cannot be made.",
    )


def _nearest(path: os.PathLike[str]) -> str:
    """Give the nearest folder above that exists."""
    here = os.fspath(path)
    while not os.path.exists(here):  # noqa: PTH110
        here = os.path.dirname(here)  # noqa: PTH120
    return here


def _settings(home: Home) -> Iterator[Check]:
    settings = home.settings
    kind = "a demo" if settings.demo else "a real home"
    yield Check("settings", ok=True, found=f"{kind} with {len(settings.forums)} forum(s)")
    if settings.service.staffed_hours is None and not settings.demo:
        yield Check("staffed hours", ok=True, found="none given, so the queue shows ages and no targets")


def _keys(home: Home) -> Iterator[Check]:
    home.unlock(home.desk())
    yield Check("keys", ok=True, found=f"open; secrets are in {home.secrets.where}")


def _cases(home: Home) -> Iterator[Check]:
    from modconsole.ports.store import QueueFilter

    count = home.store.count(QueueFilter())
    yield Check("cases", ok=True, found=f"{count} open")


def _case_texts(home: Home) -> Iterator[Check]:
    """Open some texts: a `keys.db` that was emptied or replaced opens by itself, and nothing else does."""
    from modconsole.ports.store import QueueFilter

    rows = [row for closed in (False, True) for row in home.store.rows(QueueFilter(closed=closed), 0, TRIED)]
    cases = [case for row in rows if (case := home.store.case(row.id)) is not None]
    yield from _openable(home, "case texts", [(case.token, _opens_file(home, case)) for case in cases])


def _log_texts(home: Home) -> Iterator[Check]:
    from modconsole.ports.audit import LogQuery

    newest = home.log.records(LogQuery(), limit=TRIED)
    records = [record for record in newest if record.has_body and not record.erased]
    opened = [(record.entry.case, _opens_body(home, record)) for record in records]
    yield from _openable(home, "log texts", opened)


def _opens_file(home: Home, case: Case) -> bool:
    try:
        home.store.file(case)
    except VaultError:
        return False
    return True


def _opens_body(home: Home, record: Record) -> bool:
    try:
        return home.log.open_body(record) is not None
    except (LogError, VaultError):
        return False


def _openable(home: Home, name: str, tried: Sequence[tuple[str, bool]]) -> Iterator[Check]:
    """Judge texts by their case's token and whether they opened; those that were erased are as they should be."""
    from modconsole.core.decision import EntryKind
    from modconsole.ports.audit import LogQuery

    if home.vault.is_locked:
        return  # "keys" says why
    erasing = (EntryKind.ERASE_REQUESTED, EntryKind.ERASED)
    lost = [
        token
        for token, opened in tried
        if not opened
        and not any(home.log.records(LogQuery(kind=kind, case=token), limit=1) for kind in erasing)
    ]
    yield Check(
        name,
        ok=not lost,
        found=f"{len(lost)} of the {len(tried)} newest cannot be opened, and the log does not say that they were erased"
        if lost
        else f"the {len(tried)} newest open"
        if tried
        else "none yet",
        mend="keys.db was emptied or replaced, or these were changed. Work no further in this home, keep every file, "
        "and put the right keys.db back: without it they stay closed for good. The log still verifies.",
    )


def _unsettled(home: Home) -> Iterator[Check]:
    unsettled = len(home.log.unsettled())
    yield Check(
        "unsettled decisions",
        ok=unsettled == 0,
        found=str(unsettled),
        mend="`modconsole case unsettled` lists them; finish or withdraw each.",
    )


def _log(home: Home) -> Iterator[Check]:
    report = home.log.verify()
    first = report.findings[0].what if report.findings else ""
    yield Check(
        "log",
        ok=report.is_sound,
        found=first or f"{report.entries} entries, sound",
        mend="`modconsole audit verify` says more. Keep every file as it is until somebody has looked.",
    )


def _erasures(home: Home) -> Iterator[Check]:
    from modconsole.desk.erasure import unfinished

    begun = unfinished(home.log)
    yield Check(
        "erasures",
        ok=not begun,
        found=", ".join(f"entry {asked.seq} of {asked.origin} is not finished" for asked in begun)
        or "none unfinished",
        mend="`modconsole audit erase --resume` finishes them; until then it is not done.",
    )


def _protocols(home: Home) -> Iterator[Check]:
    problems = home.library.problems()
    yield Check(
        "protocols", ok=not problems, found=f"{len(home.library.ids())} here, {len(problems)} problem(s)"
    )
    from modconsole.desk.adoption import unknown_suggestions

    for topic, id, near in unknown_suggestions(home.settings.service, home.library):
        hint = f" Did you mean “{near}”?" if near else ""
        yield Check(
            "suggested protocol",
            ok=False,
            found=f"“{id}”, which the settings suggest for {topic}, is not here.{hint}",
            mend="Correct [service.protocols] in config.toml.",
        )
    for problem in problems:
        yield Check(
            "protocol",
            ok=False,
            found=str(problem),
            mend="The last good version stays in use until it is mended.",
        )


def _adapters(home: Home) -> Iterator[Check]:
    infos = {info.kind: info for info in home.catalogue.list()}
    for forum in home.settings.forums:
        info = infos.get(forum.kind)
        if info is None:
            yield Check(
                forum.id,
                ok=False,
                found=f"no adapter “{forum.kind}” is installed",
                mend="Install its package.",
            )
            continue
        problems = [info.problem] if info.problem else list(home.catalogue.settings_problems(forum))
        found = "; ".join(problems) or f"{info.distribution} {info.version}"
        yield Check(forum.id, ok=not problems, found=found, mend="Mend its [[forum]] part of config.toml.")
