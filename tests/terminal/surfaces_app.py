"""Put every hostile string, as received, on every surface Textual has: `surfaces_app.py safe|leaky CRASH_FOLDER`.

`safe` has only the second net; `leaky` has none, and shows that the test could fail.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.strip import Strip
from textual.style import Style as ContentStyle
from textual.widget import Widget
from textual.widgets import DataTable, Input, Static, TextArea

from modconsole.screens.safe import SafeApp
from tests.terminal.corpus import HOSTILE

TEXTS = list(HOSTILE.values())
EVIL_LINK = "https://hidden.example/\x1b]52;c;cHduZWQ=\x07"
POST = "a post about a quiet garden"


def lines(surface: str) -> list[str]:
    """Give every text a name that can be found on the screen: the surface's letter and a number."""
    return [f"{surface}{number:02} {text}" for number, text in enumerate(TEXTS)]


class OwnLines(Widget):
    def render_line(self, y: int) -> Strip:
        if y >= len(TEXTS):
            return Strip(
                [Segment("linked", Style(link=EVIL_LINK)), Segment("clicked", Style(meta={"@click": "quit"}))]
            )
        return Strip([Segment(lines("L")[y])])


class Surfaces(App[None]):
    CSS = """
    Horizontal > * { width: 1fr; height: 100%; }
    .line { height: 1; }
    .lines { text-wrap: nowrap; }
    .titled { height: 2; border-top: solid white; }
    Toast { padding: 0; margin: 0; width: 50; max-width: 50; border: none; text-wrap: nowrap; }
    """
    AUTO_FOCUS = ""
    NOTIFICATION_TIMEOUT = 1000
    BINDINGS: ClassVar[list[BindingType]] = [("x", "fail", "Fail")]

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical():
                yield Static("\n".join(lines("S")), markup=False, classes="lines")
                yield Static(Content.styled("linked", ContentStyle(link=EVIL_LINK)), classes="line")
            with Vertical():
                for line in lines("B"):
                    titled = Static(classes="titled")
                    titled.border_title = Content(line)
                    yield titled
            yield DataTable[Text](cursor_type="none")
            with Vertical():
                for line in lines("I"):
                    yield Input(line, compact=True)
            yield TextArea(
                "\n".join(f"A{number:02} {text}" for number, text in enumerate(TEXTS)), soft_wrap=False
            )
            yield OwnLines()
            yield Vertical()  # room for the notices

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_column(Text("D-- \x1b]2;pwned\x07"), width=40)
        for line in lines("D"):
            table.add_row(Text(line))
        for start in range(0, len(TEXTS), 10):
            # Textual's own, because SafeApp's passes the text through the first net.
            App.notify(self, "\n".join(lines("N")[start : start + 10]), markup=False)
        self.call_after_refresh(self.mount, Static("all is drawn", classes="line"))

    def action_fail(self) -> None:
        post: Any = POST
        raise ValueError(f"cannot show {post}")


class Safe(SafeApp[None], Surfaces):
    MOST_NOTICES = 1000  # every text is to be drawn, also those that would make room for newer ones


class Leaky(Surfaces):
    pass


if __name__ == "__main__":
    app = Safe(crash_folder=Path(sys.argv[2])) if sys.argv[1] == "safe" else Leaky()
    app.run()
    sys.exit(app.return_code or 0)
