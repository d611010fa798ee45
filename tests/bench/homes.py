"""Demo homes to measure on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.bench.watched import few_variables

__all__ = ["MODCONSOLE", "prepared", "variables"]

MODCONSOLE = str(Path(sys.executable).with_name("modconsole"))


def variables(home: Path) -> dict[str, str]:
    return {**few_variables(), "MODCONSOLE_HOME": str(home)}


def prepared(home: Path, cases: int) -> Path:
    """Build a demo home with this many cases, unless it is there already."""
    if not (home / "config.toml").exists():
        subprocess.run(
            [MODCONSOLE, "demo", "--prepare", "--cases", str(cases)],
            env=variables(home),
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return home
