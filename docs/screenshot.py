"""Draw docs/console.svg from the running console: `make screenshot`. Everything on it is invented."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from pathlib import Path

from modconsole.bootstrap.home import Home
from modconsole.screens import ScreenNotifier
from modconsole.screens.app import Console

HERE = Path(__file__).parent
SIZE = (132, 40)


async def draw(home: Home) -> str:
    """Open the case of a member who mentions suicide, unfold it, answer the first question, and draw the screen."""
    notifier = ScreenNotifier()
    desk = home.desk(notifier)
    console = Console(desk, notifier=notifier, logs=home.paths.logs, start=_case(home))
    async with console.run_test(size=SIZE) as pilot:
        for keys in (("space",), ("tab",), ("n",), ("n",)):
            await pilot.pause(0.5)
            await pilot.press(*keys)
        await pilot.pause(1.0)
        return console.export_screenshot(title="modconsole")


def _case(home: Home) -> str:
    from modconsole.ports.store import QueueFilter

    rows = home.store.rows(QueueFilter(), 0, 100)
    return next(row.id for row in rows if row.topic == "suicide-thoughts")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home({**os.environ, "MODCONSOLE_HOME": folder})
        home.prepare_demo(None, 0, 7)
        svg = asyncio.run(draw(home))
    # Textual names fonts on a server elsewhere; a page that shows the picture should not have to ask for them.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (HERE / "console.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
