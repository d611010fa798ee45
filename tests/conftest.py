"""Keep the live tests, which need real servers, out of every run that does not ask for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

LIVE = Path(__file__).parent / "live"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --live."""
    parser.addoption(
        "--live",
        action="store_true",
        default=os.environ.get("MODCONSOLE_LIVE") == "1",
        help="also run tests/live, which starts real servers (or set MODCONSOLE_LIVE=1)",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave tests/live alone unless it was asked for."""
    if collection_path == LIVE and not config.getoption("--live"):
        return True
    return None
