"""The peer of our start: the smallest Textual app that looks like one."""

from textual.app import App, ComposeResult
from textual.widgets import Footer, Header, Static


class Bare(App[None]):
    BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012 - as Textual's own examples have it

    def compose(self) -> ComposeResult:
        yield Header()
        yield Static("Ready")
        yield Footer()


if __name__ == "__main__":
    Bare().run()
