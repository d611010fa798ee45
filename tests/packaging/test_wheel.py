"""What people install holds all it needs, and nothing it should not."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_protocols_are_in_the_wheel(wheel):
    shipped = {
        path.relative_to(ROOT / "protocols").as_posix() for path in (ROOT / "protocols").rglob("*.yaml")
    }
    packed = {
        name.removeprefix("modconsole/_protocols/") for name in wheel.namelist() if "/_protocols/" in name
    }

    assert shipped
    assert shipped <= packed


def test_the_types_and_the_licence_are_in_the_wheel(wheel):
    names = wheel.namelist()

    assert "modconsole/py.typed" in names
    assert any(name.endswith("LICENSE") for name in names)


def test_tests_and_plugins_are_not(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}

    assert tops == {"modconsole", next(top for top in tops if top.endswith(".dist-info"))}


def test_the_wheel_alone_makes_a_demo_and_lists_it(wheel, tmp_path):
    wheel.extractall(tmp_path / "installed")
    home = tmp_path / "home"
    run = "import sys; from modconsole.bootstrap import main; sys.exit(main())"
    environ = {"PYTHONPATH": str(tmp_path / "installed"), "MODCONSOLE_HOME": str(home), "PATH": ""}

    def modconsole(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", run, *words],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    modconsole("demo", "--prepare")

    assert "suicide-immediate" in modconsole("queue", "--json")
    assert "3 here" in modconsole("doctor")
