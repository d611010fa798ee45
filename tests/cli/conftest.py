"""A demo home of its own for every test, and commands run in this process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modconsole.bootstrap.home import Home
from modconsole.cli import run


class Commands:
    """Runs commands on one home; remembers nothing between them, like a shell."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *words: str, expect: int = 0) -> str:
        self.out, self.err = self.both(*words, expect=expect)
        return self.out

    def both(self, *words: str, expect: int = 0) -> tuple[str, str]:
        self._capsys.readouterr()
        code = run(words, Home({"MODCONSOLE_HOME": str(self.home)}).parts())
        said = self._capsys.readouterr()
        assert code == expect, f"exit {code}: {said.out}\n{said.err}"
        return said.out, said.err

    def json(self, *words: str, expect: int = 0) -> Any:
        out = self(*words, "--json", expect=expect)
        assert out.isascii()
        return json.loads(out)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo home made once; every test gets a copy."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    parts = Home({"MODCONSOLE_HOME": str(home)}).parts()
    assert run(["demo", "--prepare"], parts) == 0
    return home


@pytest.fixture
def demo(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    home = tmp_path / "home"
    shutil.copytree(prepared, home)
    return Commands(home, capsys)


@pytest.fixture
def case_about(demo: Commands) -> Callable[[str], str]:
    """Give the id of the demo's first case on a topic."""

    def find(topic: str) -> str:
        return next(str(row["id"]) for row in demo.json("queue") if row["topic"] == topic)

    return find
