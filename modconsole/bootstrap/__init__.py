"""Builds everything, decides nothing, hands the parts to each other. `main` is the console script."""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType

from modconsole.bootstrap.home import Home, now
from modconsole.cli import run

__all__ = ["main"]


def main() -> int:
    """Run modconsole with this process's arguments and give its exit code."""
    home = Home(os.environ)
    _catch_what_nobody_caught(home)
    return run(sys.argv[1:], home.parts())


def _catch_what_nobody_caught(home: Home) -> None:
    """Keep tracebacks off the terminal: their values hold posts. A report without values is written instead."""

    def told(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        del trace
        if error is None or issubclass(kind, KeyboardInterrupt):
            return
        sys.stderr.write(_sentence(home, error) + "\n")

    sys.excepthook = told
    threading.excepthook = lambda args: told(args.exc_type, args.exc_value, args.exc_traceback)


def _sentence(home: Home, error: BaseException) -> str:
    from modconsole.screens.crash import write_crash_report

    kept = "What was sealed is in the log and every answer given is kept."
    try:
        report = write_crash_report(error, home.paths.logs, now())
    except OSError:
        return f"modconsole stopped on a mistake of its own ({type(error).__name__}). {kept} Please start it again."
    said = f"modconsole stopped on a mistake of its own. {kept} Please start it again."
    return f"{said} {report} says where it happened, and holds no text of anybody."
