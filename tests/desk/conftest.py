"""One home per test: `home` comes twice, with the log in memory and with the real one; `fast` with the first only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.fakes import a_page
from tests.desk.homes import Home


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Callable[..., Home]]:
    made: list[Home] = []

    def make(folder: str = "home", **more: Any) -> Home:
        place = tmp_path / folder
        place.mkdir(exist_ok=True, mode=0o700)
        made.append(Home(place, **{"real_log": False, **more}))
        return made[-1]

    yield make
    for home in made:
        home.stop()


@pytest.fixture(params=["memory", "sealed"])
def home(request: pytest.FixtureRequest, homes: Callable[..., Home]) -> Home:
    return homes(real_log=request.param == "sealed")


@pytest.fixture
def fast(homes: Callable[..., Home]) -> Home:
    """A home with the log in memory, for what is not about the log."""
    return homes()


@pytest.fixture
def case(request: pytest.FixtureRequest) -> str:
    """The id of the one case of the test's home."""
    home: Home = request.getfixturevalue("home" if "home" in request.fixturenames else "fast")
    home.desk.intake.take_in("fake", a_page())
    found = home.store.case_at("fake", a_page().flags[0].target)
    assert found is not None
    return found.id
