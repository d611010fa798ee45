"""Where everything lives: under `MODCONSOLE_HOME` when that is set, else in the user's own folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modconsole.core.errors import DataError

__all__ = ["HOME_VARIABLE", "Paths", "private_folder"]

HOME_VARIABLE = "MODCONSOLE_HOME"


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one home. Nothing here makes any of them; `make` does."""

    config: Path
    data: Path
    state: Path
    cache: Path
    named_by: str = ""
    """`MODCONSOLE_HOME` when it says where the home is."""

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Paths:
        """Find the home: `MODCONSOLE_HOME` if it is set and not empty, else the user's folders on this system."""
        named = environ.get(HOME_VARIABLE, "")
        if named:
            return cls.under(Path(named), HOME_VARIABLE)
        from platformdirs import PlatformDirs  # only where no home is named, because it takes its time

        dirs = PlatformDirs("modconsole", appauthor=False)
        return cls(dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_cache_path)

    @classmethod
    def under(cls, home: Path, named_by: str = "") -> Paths:
        """Put everything under one folder."""
        home = home.expanduser().absolute()
        return cls(home, home, home / "state", home / "cache", named_by)

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def desk_db(self) -> Path:
        return self.data / "desk.db"

    @property
    def log_db(self) -> Path:
        return self.data / "log.db"

    @property
    def review_db(self) -> Path:
        """Other devices' logs, gathered for review. A copy: the logs themselves stay the authority."""
        return self.data / "review.db"

    @property
    def keys_db(self) -> Path:
        return self.data / "keys.db"

    @property
    def witness_db(self) -> Path:
        """What this home countersigned of other devices' logs. An older copy must never be put back."""
        return self.data / "witness.db"

    @property
    def secrets_file(self) -> Path:
        """Our own passphrase-sealed file, where there is no usable keyring."""
        return self.data / "secrets.sealed"

    @property
    def kept_protocols(self) -> Path:
        """Every protocol text ever used, by hash. Part of the record."""
        return self.data / "protocols"

    @property
    def own_protocols(self) -> Path:
        """The protocols the service writes for itself."""
        return self.config / "own-protocols"

    @property
    def approvals(self) -> Path:
        """Where a lead's signed approvals are put, for the other consoles to take over."""
        return self.config / "approvals"

    @property
    def forums(self) -> Path:
        """Where each forum has a folder of its own, for its adapter's files."""
        return self.data / "forums"

    @property
    def logs(self) -> Path:
        """Diagnostic logs; nothing personal in them. Not the audit log."""
        return self.state.parent / "logs" if self.named_by else self.state / "logs"

    def make(self) -> None:
        """Make the folders that are needed to start, readable by nobody else.

        Raises:
            DataError: One cannot be made or written to; says which and what to do.
        """
        for folder in dict.fromkeys((self.config, self.data, self.state)):
            private_folder(folder)


def private_folder(folder: Path) -> Path:
    """Make a folder (mode 0700) with its parents, if it is not there, and see that we can write to it.

    Raises:
        DataError: It cannot be made or written to; says why and what to do.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _unusable(folder, "there is a file where a folder has to be", "Move that file away") from None
    except OSError as error:
        raise _unusable(folder, error.strerror or "it cannot be made", "Make its parent writable") from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _unusable(folder, "you may not write there", "Make it writable")
    return folder


def _unusable(folder: Path, why: str, remedy: str) -> DataError:
    return DataError(
        f"The folder {folder} cannot be used: {why}.",
        kept="Nothing was changed.",
        next_step=f"{remedy}, or name another folder with {HOME_VARIABLE}.",
    )
