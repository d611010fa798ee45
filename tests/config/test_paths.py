"""Where everything lives."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from modconsole.config.paths import Paths, private_folder
from modconsole.core.errors import DataError


def test_one_variable_moves_everything_under_one_folder(tmp_path: Path) -> None:
    paths = Paths.find({"MODCONSOLE_HOME": str(tmp_path)})

    assert paths.named_by == "MODCONSOLE_HOME"
    assert [
        paths.config_file,
        paths.desk_db,
        paths.log_db,
        paths.keys_db,
        paths.kept_protocols,
        paths.logs,
        paths.state,
        paths.cache,
    ] == [
        tmp_path / name
        for name in ("config.toml", "desk.db", "log.db", "keys.db", "protocols", "logs", "state", "cache")
    ]
    for place in (paths.own_protocols, paths.secrets_file, paths.forums):
        assert place.parent == tmp_path
    assert paths.own_protocols != paths.kept_protocols


def test_without_it_the_users_own_folders_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    paths = Paths.find({"MODCONSOLE_HOME": ""})

    assert paths.named_by == ""
    assert len({paths.config, paths.data, paths.state, paths.cache}) == 4
    assert paths.logs.parent == paths.state
    assert all("modconsole" in str(folder) for folder in (paths.config, paths.data, paths.state, paths.cache))


def test_a_relative_home_is_made_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert Paths.find({"MODCONSOLE_HOME": "here"}).config == tmp_path / "here"
    assert Paths.find({"MODCONSOLE_HOME": "~/x"}).config == Path.home() / "x"


def test_finding_makes_nothing_and_making_keeps_others_out(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path / "deep" / "home")

    assert not paths.config.exists()
    paths.make()
    paths.make()
    assert stat.S_IMODE(paths.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o700


@pytest.mark.parametrize("below", ["", "home", "home/deeper"])
def test_a_file_in_the_way_is_named(below: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match="there is a file") as caught:
        private_folder(tmp_path / "file" / below)

    assert "MODCONSOLE_HOME" in caught.value.next_step
    assert caught.value.exit_code == 4


def test_a_folder_we_may_not_make_or_write_to_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere, so it is told otherwise
    with pytest.raises(DataError, match="may not write"):
        private_folder(tmp_path)

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DataError, match="Permission denied"):
        private_folder(tmp_path / "new")
