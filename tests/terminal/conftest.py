"""Homes for the console to run in: made once, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.terminal.consoles import command

MakeHome = Callable[[], Path]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo home, prepared by the command and never opened."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    said = command(home, "demo", "--prepare")
    assert said.code == 0, said
    return home


@pytest.fixture
def demo(prepared: Path, tmp_path: Path) -> Path:
    """A demo home of this test's own."""
    return shutil.copytree(prepared, tmp_path / "home")
