"""Builds everything, decides nothing, hands the parts to each other. `main` is the console script."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> int:
    """Run modconsole with this process's arguments and give its exit code."""
    from modconsole.bootstrap.home import Home
    from modconsole.cli import run

    return run(sys.argv[1:], Home(os.environ).parts())
