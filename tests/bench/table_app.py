"""The peer of our queue: Textual's own table, with a thousandth of the rows it would need."""

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header

ROWS = 1_000


class Table(App[None]):
    BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012 - as Textual's own examples have it

    def compose(self) -> ComposeResult:
        yield Header()
        yield DataTable(cursor_type="row")
        yield Footer()

    def on_mount(self) -> None:
        table: DataTable[str] = self.query_one(DataTable)
        table.add_columns("case", "urgency", "about", "due", "flags", "forum")
        for number in range(ROWS):
            table.add_row(f"c-{number:08}", "soon", "distress", "in 2 h", "1", "lantern")
        table.focus()


if __name__ == "__main__":
    Table().run()
