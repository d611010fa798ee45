"""What comes after the first frame, and what the first frame does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from modconsole.screens.app import Console
from tests.screens.driving import At
from tests.screens.stand_in import stand_in

NOT_FOR_A_QUEUE = (
    "argparse",
    "cryptography",
    "httpx",
    "modconsole.audit",
    "modconsole.core.decision",
    "modconsole.core.protocol",
    "modconsole.core.run",
    "modconsole.desk.casework",
    "modconsole.desk.decisions",
    "modconsole.protocol_files",
)


async def test_the_first_key_is_answered_with_the_vault_open(tmp_path: Path) -> None:
    made = stand_in()
    console = Console(made.desk, notifier=made.notifier, logs=tmp_path)
    async with console.run_test(size=(120, 40)) as pilot:
        at = At(console, pilot, made)
        await at.until(lambda: console._opening is not None, "the first frame")
        assert made.desk.vault.is_locked
        await at.press("enter")
        await at.see("space shows it")

        assert not made.desk.vault.is_locked


async def test_without_a_key_the_rest_of_the_start_comes_by_itself(tmp_path: Path) -> None:
    made = stand_in()
    console = Console(made.desk, notifier=made.notifier, logs=tmp_path)
    async with console.run_test(size=(120, 40)) as pilot:
        at = At(console, pilot, made)
        await at.until(lambda: console.sealed is not None, "the log")

        assert not made.desk.vault.is_locked


def test_the_first_screen_loads_nothing_that_a_queue_does_not_show() -> None:
    code = (
        "import sys, modconsole.bootstrap.home_desk, modconsole.screens.app, modconsole.store, modconsole.vault;"
        f"print([name for name in {NOT_FOR_A_QUEUE} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
