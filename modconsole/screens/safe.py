"""The second net: nothing a widget was given by mistake reaches the terminal, and no crash prints a post.

The first net is `core.text.plain()`, and every screen uses it. This one is below every widget, for the day somebody
forgets. It drops instead of marking, because the width of a line is settled by the time it gets here.

It covers what Textual draws. It cannot cover what is printed after the screen is left, log files, or `$EDITOR`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App, ReturnType
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.worker import WorkerFailed

from modconsole.core.errors import ModconsoleError
from modconsole.core.text import is_safe, plain, without_unsafe
from modconsole.screens.crash import may_be_quoted, write_crash_report

__all__ = ["SAFE_FILTER", "SafeApp", "SafeFilter", "content"]

SHOWN_AT_MOST = 20_000
"""Characters of one text that a widget is given: laying out more takes longer than anybody reads."""

# What a scroll bar's own cells carry. Any other action in a style came from markup, and we write none.
_SCROLL_BAR = {"@mouse.down": ("grab", "scroll_up", "scroll_down")}


def content(text: str, *, lines: bool = True, limit: int | None = SHOWN_AT_MOST) -> Content:
    """Turn text from outside into what a widget may be given: plain, and never read as markup."""
    return Content(plain(text, lines=lines, limit=limit))


class SafeFilter(LineFilter):
    """Drop from every drawn line what a terminal would obey, what nobody can see, links, and clickable actions.

    A line keeps its width. Links go because Textual writes their address raw into OSC 8, and because nothing in a
    post is ever to be opened by a click.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if is_safe("".join([segment.text for segment in segments]), lines=False) and not any(
            map(_does_something, segments)
        ):
            return segments
        return [segment if segment.control else _harmless(segment) for segment in segments]


SAFE_FILTER = SafeFilter()


class SafeApp(App[ReturnType]):
    """A Textual app that shows hostile text harmlessly and crashes without telling.

    Args:
        crash_folder: Where crash reports go.
        now: The clock; names the reports.
    """

    MOST_NOTICES: ClassVar[int] = 3
    """Notices on screen at a time: they fit into 24 rows and leave most of what is under them."""

    def __init__(
        self, *, crash_folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__()
        self._crash_folder = crash_folder
        self._now = now

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), SAFE_FILTER]

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notice; its text is plain whatever it was and wherever it came from, so `markup` is not obeyed."""
        super().notify(
            plain(message, limit=1000),
            title=plain(title, lines=False, limit=200),
            severity=severity,
            timeout=timeout,
            markup=False,
        )

    def _refresh_notifications(self) -> None:
        # Textual would pile them up past the edge of a small terminal, the newest out of sight. The oldest makes room.
        for oldest in list(self._notifications)[: -self.MOST_NOTICES]:
            self._unnotify(oldest, refresh=False)
        super()._refresh_notifications()

    def bell(self) -> None:
        """Stay silent: moderators work at night, in shared rooms, and near other people's bad days."""

    def on_load(self) -> None:
        # A task that nobody awaited would have its exception printed, text and all, when it is forgotten.
        asyncio.get_running_loop().set_exception_handler(self._forgotten_task)

    def panic(self, *renderables: object) -> None:
        """Stop, without showing what Textual wanted shown: a traceback quotes what it was working on."""
        self._handle_exception(ModconsoleError("The terminal's keyboard input could not be read."))

    def _handle_exception(self, error: Exception) -> None:
        # Textual's own version prints every local variable of every frame, posts among them.
        self._return_code = 1
        if self._exception is None:
            self._exit_renderables[:] = [Text(self._last_words(error))]
            self._exception = error  # `run_test` raises it again
            self._exception_event.set()
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        self.panic()

    def _print_error_renderables(self) -> None:
        for renderable in self._exit_renderables[:1]:
            # soft_wrap, or the path of the report is cut at the edge of the terminal
            said = plain(renderable) if isinstance(renderable, str) else renderable
            self.error_console.print(said, soft_wrap=True, markup=False, highlight=False)
        self._exit_renderables.clear()

    def _forgotten_task(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._report(error)

    def _last_words(self, error: Exception) -> str:
        cause = error.error if isinstance(error, WorkerFailed) else error
        known = cause if may_be_quoted(cause) else None
        what = known.what if known else f"modconsole had to stop ({type(cause).__name__})."
        kept = (known and known.kept) or "Everything you answered and decided is saved."
        next_step = (known and known.next_step) or "Start modconsole again to go on."
        said = plain(" ".join((what, kept, next_step)), lines=False, limit=1000)
        return f"{said} {self._report(error)}"

    def _report(self, error: BaseException) -> str:
        try:
            report = write_crash_report(error, self._crash_folder, self._now())
        except OSError:
            return "No report could be written."
        return f"A report with no post in it: {plain(str(report), lines=False)}"


def _harmless(segment: Segment) -> Segment:
    text, style, _ = segment
    if not is_safe(text, lines=False):
        text = set_cell_size(without_unsafe(text), cell_len(text))
    return Segment(text, _tamed(style) if style and _does_something(segment) else style)


def _does_something(segment: Segment) -> bool:
    style = segment.style
    return style is not None and bool(style.link or style.meta) and not _is_tame(style)


def _is_tame(style: Style) -> bool:
    return not style.link and all(_is_tame_entry(key, value) for key, value in style.meta.items())


def _is_tame_entry(key: str, value: object) -> bool:
    return not key.startswith("@") or value in _SCROLL_BAR.get(key, ())


@lru_cache(maxsize=1024)
def _tamed(style: Style) -> Style:
    tame = {key: value for key, value in style.meta.items() if _is_tame_entry(key, value)}
    return style.clear_meta_and_links() + (Style.from_meta(tame) if tame else Style.null())
