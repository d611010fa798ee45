"""Texts kept by their hash, for good; and which of them was the last good version of each file.

A kept file is JSON: the `bundle`, whose canonical form (sorted keys, no spaces, UTF-8) has the SHA-256 that is the
file's name, and beside it what the hash leaves out (`status`, `approvals`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["Kept", "canonical", "hash_of", "read_json", "write_json", "write_text"]

_HASH = re.compile(r"[0-9a-f]{64}")
_INDEX = "last-good.json"


def canonical(bundle: object) -> bytes:
    """Give the one form of a bundle that is hashed. Texts, whole numbers and booleans only."""
    return json.dumps(bundle, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def hash_of(bundle: object) -> str:
    return hashlib.sha256(canonical(bundle)).hexdigest()


class Kept:
    """A folder of kept texts. Reading never raises: what cannot be read is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: dict[str, str] | None = None
        self._on_disk: set[str] = set()

    def read(self, hash: str) -> dict[str, Any] | None:
        """Give a kept text if it is there and still is what its name says."""
        if not _HASH.fullmatch(hash):
            return None
        text = read_json(self._folder / f"{hash}.json")
        if not isinstance(text, dict) or "bundle" not in text or hash_of(text["bundle"]) != hash:
            return None
        return text

    def write(self, hash: str, text: Mapping[str, Any], *, durable: bool) -> None:
        """Keep a text.

        Args:
            durable: Return only when it is on disk.

        Raises:
            OSError: It could not be written.
        """
        there = self.read(hash) == text
        if there and (hash in self._on_disk or not durable):
            return
        write_json(self._folder / f"{hash}.json", text, durable=durable)
        if durable:
            self._on_disk.add(hash)

    def path(self, hash: str) -> Path:
        return self._folder / f"{hash}.json"

    def last_good(self) -> Mapping[str, str]:
        """Give the hash of the last good version of each file, by kind and id such as `protocol/suicide-thoughts`."""
        if self._index is None:
            index = read_json(self._folder / _INDEX)
            self._index = (
                {str(name): str(hash) for name, hash in index.items()} if isinstance(index, dict) else {}
            )
        return self._index

    def set_last_good(self, name: str, hash: str) -> None:
        """Remember the last good version of a file.

        Raises:
            OSError: It could not be written; it is remembered until the console ends.
        """
        if self.last_good().get(name) == hash:
            return
        # Read again: another console may have added to it since.
        index = read_json(self._folder / _INDEX)
        known = {**(index if isinstance(index, dict) else {}), **(self._index or {}), name: hash}
        self._index = known
        write_json(self._folder / _INDEX, known, durable=False)


def read_json(path: Path) -> Any:
    """Give what a JSON file of ours holds; None if there is none or it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def write_json(path: Path, value: object, *, durable: bool) -> None:
    """Write a file as a whole or not at all, readable by its owner only.

    Args:
        durable: Return only when it is on disk.
    """
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    write_text(path, text, durable=durable)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Do what `write_json` does with a text as it is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            if durable:
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot; the file itself is on disk
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
