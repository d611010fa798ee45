"""The queue: a window of rows over the store, drawn line by line. Nothing is kept per row, so length is free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from modconsole.ports.store import CaseRow, CaseStore, QueueFilter
from modconsole.screens.commands import Place
from modconsole.screens.ink import Ink, Span
from modconsole.screens.keyed import textual_bindings
from modconsole.screens.paper import Sheet
from modconsole.screens.queue_page import heading, nothing_words, row_line

__all__ = ["QueuePane"]

PAGE = 64
PAGES_KEPT = 6


class QueuePane(Sheet, can_focus=True, inherit_bindings=False):
    """The cases in queue order. The cursor stays on its case when rows move."""

    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.QUEUE)]

    @dataclass
    class Chosen(Message):
        """A case was clicked twice."""

        case: str

    def __init__(
        self, store: CaseStore, me: str, now: Callable[[], datetime], moved: Callable[[], object], *, id: str
    ) -> None:
        # `moved` is called whenever the cursor may be on another case. At once and not by message: what tells about
        # the case is then drawn in the same frame as the cursor.
        super().__init__(id=id, classes="pane")
        self._moved = moved
        self._store = store
        self._me = me
        self._now = now
        self.wanted = QueueFilter(without=me)
        self.total = 0
        self.cursor = 0
        self.under_cursor = ""
        self._pages: dict[int, list[CaseRow]] = {}
        self._version = -1

    # What is shown

    def load(self) -> None:
        """Look at the store again: count, and find the case under the cursor wherever it went."""
        self._version = self._store.version()
        self._pages.clear()
        self.total = self._store.count(self.wanted)
        moved_to = self._store.position(self.wanted, self.under_cursor) if self.under_cursor else None
        self.cursor = max(0, min(self.cursor if moved_to is None else moved_to, self.total - 1))
        self.lengthen(self.total)
        self._settle_cursor()
        self.refresh()

    def look(self) -> bool:
        """Load again if anything changed in the store; say whether it did."""
        if self._store.version() == self._version:
            return False
        self.load()
        return True

    def row(self, index: int) -> CaseRow | None:
        """Give a row by its place in the queue; fetched a page at a time."""
        number, place = divmod(index, PAGE)
        page = self._pages.get(number)
        if page is None:
            while len(self._pages) >= PAGES_KEPT:
                del self._pages[next(iter(self._pages))]
            page = self._pages[number] = self._store.rows(self.wanted, number * PAGE, PAGE)
        return page[place] if place < len(page) else None

    def show_only(self, wanted: QueueFilter) -> None:
        """Show other cases, from their top unless the case under the cursor is among them."""
        self.wanted = wanted
        self.load()

    def only(self, urgency: str) -> None:
        self.show_only(replace(self.wanted, urgency=urgency))

    def change_view(self) -> None:
        self.show_only(replace(self.wanted, closed=not self.wanted.closed))

    def toggle_passed(self) -> None:
        self.show_only(replace(self.wanted, without="" if self.wanted.without else self._me))

    @property
    def heading(self) -> str:
        return heading(self.wanted, self.total)

    # The cursor

    def go_to(self, case: str) -> None:
        """Put the cursor on a case, if it is among those shown."""
        place = self._store.position(self.wanted, case)
        if place is not None:
            self._move(place)

    def go_down(self) -> None:
        self._move(self.cursor + 1)

    def go_up(self) -> None:
        self._move(self.cursor - 1)

    def go_page_down(self) -> None:
        self._move(self.cursor + self._height())

    def go_page_up(self) -> None:
        self._move(self.cursor - self._height())

    def go_top(self) -> None:
        self._move(0)

    def go_bottom(self) -> None:
        self._move(self.total - 1)

    def _height(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def _move(self, index: int) -> None:
        index = max(0, min(index, self.total - 1))
        if self.total == 0 or index == self.cursor:
            return
        before, self.cursor = self.cursor, index
        top = self.scroll_offset.y
        for changed in (before, index):
            self.refresh(Region(0, changed - top, self.size.width, 1))
        self._settle_cursor()

    def _settle_cursor(self) -> None:
        height = self.scrollable_content_region.height
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif height and self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)
        row = self.row(self.cursor) if self.total else None
        self.under_cursor = row.id if row else ""
        self._moved()

    # Drawing

    def on_mount(self) -> None:
        self.load()

    def on_resize(self) -> None:
        self.lengthen(self.total)
        self._settle_cursor()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y + self.scroll_offset.y
        if index == self.cursor and self.under_cursor:
            self.post_message(self.Chosen(self.under_cursor))
        self._move(min(index, self.total - 1))

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        row = self.row(index) if index < self.total else None
        if row is None:
            empty = self.total == 0 and y == 0
            return self.strip([Span(nothing_words(self.wanted), Ink.DIM)] if empty else [], width)
        here = index == self.cursor
        line = row_line(row, width - 1, self._now().timestamp(), self._me)
        return self.strip([Span("›" if here else " ", Ink.TITLE), *line], width, on_cursor=here)
