from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modconsole.store import DeskStore
from tests.store.fakes import FakeVault


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "desk.db"


@pytest.fixture
def store(path: Path, vault: FakeVault) -> Iterator[DeskStore]:
    opened = DeskStore(path, vault)
    yield opened
    opened.close()
