"""The table of keys in docs/settings.md, made from the command table. `python -m tests.docs.keys` writes it again."""

from __future__ import annotations

from modconsole.screens.commands import COMMANDS, Command
from tests.docs.pages import DOCS

__all__ = ["BEGIN", "END", "table"]

BEGIN, END = "<!-- keys -->\n", "<!-- end of keys -->\n"

_MOVES = {
    "down": "Go one down.",
    "up": "Go one up.",
    "page_down": "Go a page down.",
    "page_up": "Go a page up.",
    "top": "Go to the top.",
    "bottom": "Go to the end.",
}
_PAGE = DOCS / "settings.md"


def table() -> str:
    """Set every command with its usual keys; the movements, which are the same in every pane, only once."""
    rows = ["| command | usual keys | does |", "|---|---|---|"]
    places = dict.fromkeys(command.place.value for command in COMMANDS if _move(command))
    for move, does in _MOVES.items():
        command = next(command for command in COMMANDS if _move(command) == move)
        rows.append(_row(" ".join(f"`{place}.{move}`" for place in places), command, does))
    rows += [_row(f"`{one.id}`", one, one.help) for one in COMMANDS if not _move(one)]
    return "\n".join(rows) + "\n"


def _move(command: Command) -> str:
    name = command.id.partition(".")[2]
    return name if name in _MOVES else ""


def _row(names: str, command: Command, does: str) -> str:
    return f"| {names} | {' '.join(f'`{key}`' for key in command.keys)} | {does} |"


if __name__ == "__main__":
    before, _, rest = _PAGE.read_text("utf-8").partition(BEGIN)
    _PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], "utf-8")
