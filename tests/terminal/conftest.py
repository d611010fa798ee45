"""Homes for the console to run in: made once, copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.terminal.consoles import command


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo home, prepared by the command and never opened."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    said = command(home, "demo", "--prepare")
    assert said.code == 0, said
    return home


@pytest.fixture
def demo(prepared: Path, tmp_path: Path) -> Path:
    """A demo home of this test's own, in which no flags come in meanwhile to move the queue."""
    home = shutil.copytree(prepared, tmp_path / "home")
    with (home / "config.toml").open("a", encoding="utf-8") as config:
        config.write("arrivals = false\n")  # its last part is the forum's
    return home
