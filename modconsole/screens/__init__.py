"""The console. Nothing here imports Textual before the console is opened."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

from modconsole.screens.notifier import ScreenNotifier

if TYPE_CHECKING:
    from modconsole.desk import Desk

__all__ = ["ScreenNotifier", "open_console"]


def open_console(desk: Desk, *, notifier: ScreenNotifier, logs: Path, start: str = "") -> int:
    """Open the console on this terminal; gives the exit code when it is left.

    Args:
        desk: The desk to work at; its notifier is `notifier`.
        logs: Where a crash report goes.
        start: The id of a case to open at once.
    """
    from modconsole.screens.first_look import first_look

    gc.disable()  # nothing made during the start is ever garbage; the console lets it run again
    with first_look(desk) as taken_over:
        from modconsole.screens.app import Console

        console = Console(desk, notifier=notifier, logs=logs, start=start, continues=True)
        taken_over()
        console.run()
    return console.return_code or 0
