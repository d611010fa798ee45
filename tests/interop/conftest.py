"""Go's own packages and openssl, as strangers to our log. Left out unless MODCONSOLE_INTEROP=1 asks for them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GOPATH = Path("/usr/share/gocode")
"""Where Debian's golang-golang-x-mod-dev puts its sources."""
NEEDED = (
    "The interop tests need Debian's packages golang-go, golang-golang-x-mod-dev and openssl: {} is missing."
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "interop: needs Go and openssl (MODCONSOLE_INTEROP=1)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave this folder alone unless it was asked for."""
    del config
    asked = os.environ.get("MODCONSOLE_INTEROP") == "1"
    return True if HERE in collection_path.parents and not asked else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def tools() -> Mapping[str, str]:
    """Give the environment to run Go and openssl in, or fail and name what is missing."""
    wanted = {name: shutil.which(name) for name in ("go", "openssl")}
    package = GOPATH / "src" / "golang.org" / "x" / "mod" / "sumdb" / "tlog"
    missing = [name for name, path in wanted.items() if path is None]
    missing += [] if package.is_dir() else [str(package)]
    if missing:
        pytest.fail(NEEDED.format(", ".join(missing)), pytrace=False)
    return {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH)}


class Stranger:
    """Runs `stranger.go`."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def __call__(self, *words: object, fails: bool = False) -> str:
        ran = subprocess.run([self._program, *map(str, words)], capture_output=True, text=True, check=False)
        assert (ran.returncode != 0) is fails, ran.stdout + ran.stderr
        return ran.stderr if fails else ran.stdout


@pytest.fixture(scope="session")
def stranger(tools: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    program = tmp_path_factory.mktemp("go") / "stranger"
    built = subprocess.run(
        ["go", "build", "-o", program, HERE / "stranger.go"],
        env=tools,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return Stranger(program)
