"""Where the protocols that come with modconsole are."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped_folder"]


def shipped_folder(package: Path = Path(__file__).parents[1]) -> Path:
    """Give the folder of shipped protocols: inside an installed package, beside it in a source checkout."""
    installed = package / "_protocols"
    return installed if installed.is_dir() else package.parent / "protocols"
