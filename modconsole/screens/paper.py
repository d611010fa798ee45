"""Widgets that draw lines of spans: a sheet that scrolls, a bar that does not, a list to choose from."""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from modconsole.screens.ink import Ink, Line

__all__ = ["INK_CLASSES", "Bar", "Choices", "Inked", "Page", "Paper", "Sheet"]

INK_CLASSES = {f"ink--{ink}" for ink in Ink}

Page = Callable[[int], list[Line]]
"""Sets a page for a width in cells."""


class Inked(Widget):
    """A widget that draws spans. Its styles are looked up once, not for every line."""

    COMPONENT_CLASSES = INK_CLASSES

    _styles_of: tuple[Style, Style, dict[Ink, Style]] | None = None

    def notify_style_update(self) -> None:
        self._styles_of = None
        super().notify_style_update()

    def strip(self, line: Line, width: int, *, on_cursor: bool = False) -> Strip:
        """Turn a line into what Textual draws, exactly `width` cells wide."""
        if self._styles_of is None:
            ground = self.rich_style
            inks = {ink: self.get_component_rich_style(f"ink--{ink}", partial=True) for ink in Ink}
            self._styles_of = ground, ground + inks[Ink.CURSOR], inks
        ground, cursor, inks = self._styles_of
        here = cursor if on_cursor else ground
        return Strip([Segment(text, here + inks[ink]) for text, ink in line]).adjust_cell_length(width, here)


class Sheet(Inked, ScrollView):
    """Something that scrolls and draws its own lines.

    Its scroll bar always has its column, so neither a longer page nor a wider one has the screen laid out again.
    """

    def lengthen(self, rows: int) -> None:
        """Say how many rows there are."""
        size = Size(1, rows)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)  # assigning it would lay the whole screen out
            self._scroll_update(size)


class Bar(Inked):
    """A few lines that never scroll, as high as they are many."""

    def __init__(self, *, id: str | None = None, page: Page | None = None) -> None:
        super().__init__(id=id)
        self._page: Page = page or (lambda width: [])
        self._lines: list[Line] = []

    def show(self, page: Page) -> None:
        """Show another page."""
        self._page = page
        self.again()

    def again(self) -> None:
        """Set the page again, because what it tells has changed."""
        before = len(self._lines)
        self._lines = self._page(max(1, self.content_size.width or self.app.size.width - 2))
        grows = self.styles.height is None or self.styles.height.is_auto
        self.refresh(layout=grows and len(self._lines) != before)

    def on_mount(self) -> None:
        self.again()

    def on_resize(self) -> None:
        self.again()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._page(max(1, width)))

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        return self.strip(self._lines[y] if y < len(self._lines) else [], width)


class Paper(Sheet, can_focus=True, inherit_bindings=False):
    """A sheet of lines, set anew whenever its width changes. May have a cursor over some of its rows."""

    def __init__(
        self, page: Page | None = None, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._page: Page = page or (lambda width: [])
        self._lines: list[Line] = []
        self._set_for = -1
        self.cursor_rows = range(0)

    @property
    def text(self) -> str:
        """Everything on the sheet, as text (also what is scrolled out of sight)."""
        return "\n".join("".join(span.text for span in line) for line in self._lines)

    def show(self, page: Page, *, from_top: bool = False) -> None:
        """Show another page, at the same place unless told otherwise."""
        self._page = page
        self.again()
        if from_top:
            self.scroll_to(y=0, animate=False, immediate=True)

    def again(self) -> None:
        """Set the page again, because what it tells has changed."""
        width = self._room()
        if width <= 0:
            return
        before = len(self._lines)
        self._set(width)
        self.lengthen(len(self._lines))
        grows = self.styles.height is not None and self.styles.height.is_auto
        self.refresh(layout=grows and len(self._lines) != before)

    def _set(self, width: int) -> None:
        self._set_for = width
        self._lines = self._page(width)

    def on_resize(self, event: events.Resize) -> None:
        if self._room() != self._set_for:
            self.again()
        self.keep_in_sight(self.cursor_rows)

    def _room(self) -> int:
        # One column is the scroll bar's, whether it is there or not.
        return self.scrollable_content_region.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        room = width - self.styles.scrollbar_size_vertical
        if room > 0 and room != self._set_for:
            self._set(room)
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        width = self._room()
        row = y + self.scroll_offset.y
        line = self._lines[row] if row < len(self._lines) else []
        return self.strip(line, width, on_cursor=row in self.cursor_rows)

    def keep_in_sight(self, rows: range) -> None:
        """Scroll just far enough to show these rows, their top above all."""
        if not rows:
            return
        height = self.scrollable_content_region.height
        if height <= 0:
            return  # not laid out yet; comes again with the first size
        top = self.scroll_offset.y
        if rows.start < top:
            top = rows.start
        elif rows.stop > top + height:
            top = min(rows.start, rows.stop - height)
        self.scroll_to(y=top, animate=False, immediate=True)

    # Movement, the same words for every pane

    def go_down(self) -> None:
        self.scroll_relative(y=1, animate=False, immediate=True)

    def go_up(self) -> None:
        self.scroll_relative(y=-1, animate=False, immediate=True)

    def go_page_down(self) -> None:
        self.scroll_relative(y=self._page_height(), animate=False, immediate=True)

    def go_page_up(self) -> None:
        self.scroll_relative(y=-self._page_height(), animate=False, immediate=True)

    def go_top(self) -> None:
        self.scroll_to(y=0, animate=False, immediate=True)

    def go_bottom(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)

    def _page_height(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)


class Choices(Paper):
    """A short list to choose from. Each item is a few lines; the cursor is on one of them."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(self._set_items, id=id)
        self._items: list[Page] = []
        self._rows: list[range] = []
        self.cursor = 0

    def show_items(self, items: list[Page], *, cursor: int | None = None) -> None:
        """Show other items, each a page of its own."""
        self._items = items
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, len(items) - 1))
        self.again()
        self._mark()

    def _set_items(self, width: int) -> list[Line]:
        lines: list[Line] = []
        rows: list[range] = []
        for item in self._items:
            start = len(lines)
            lines += item(width)
            rows.append(range(start, len(lines)))
        self._rows = rows
        self.cursor_rows = rows[self.cursor] if rows else range(0)
        return lines

    def _move_to(self, cursor: int) -> None:
        if self._items:
            self.cursor = max(0, min(cursor, len(self._items) - 1))
            self._mark()

    def _mark(self) -> None:
        if not self._rows:
            return
        old, self.cursor_rows = self.cursor_rows, self._rows[self.cursor]
        self.keep_in_sight(self.cursor_rows)
        top = self.scroll_offset.y
        for rows in (old, self.cursor_rows):
            self.refresh(Region(0, rows.start - top, self.size.width, len(rows)))

    def go_down(self) -> None:
        self._move_to(self.cursor + 1)

    def go_up(self) -> None:
        self._move_to(self.cursor - 1)

    def go_page_down(self) -> None:
        self._move_to(self.cursor + 8)

    def go_page_up(self) -> None:
        self._move_to(self.cursor - 8)

    def go_top(self) -> None:
        self._move_to(0)

    def go_bottom(self) -> None:
        self._move_to(len(self._items) - 1)
