"""Reads the pages under docs/, so that tests can hold them to what they say."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["DOCS", "fenced", "file_in"]

DOCS = Path(__file__).parents[2] / "docs"

_BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)\n```", re.DOTALL)


def fenced(page: str, language: str) -> list[str]:
    """Give the page's code blocks in one language, in order."""
    return [match["code"] for match in _BLOCK.finditer(page) if match["language"] == language]


def file_in(page: str, name: str) -> str:
    """Give a file the page builds: all blocks marked `<!-- file: name -->`, in order."""
    blocks = [match["code"] for match in _BLOCK.finditer(page) if match["file"] == name]
    assert blocks, f"the page builds no {name}"
    return "\n\n".join(blocks) + "\n"
