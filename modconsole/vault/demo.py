"""Where a demo home keeps its secrets: in the home itself, in the open. Never used for a real one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from modconsole.core.errors import VaultError
from modconsole.ports.vault import Secrets
from modconsole.vault.files import only_one, write_private

__all__ = ["DemoSecrets"]


class DemoSecrets(Secrets):
    """A demo's secrets in a file of its home. They protect nothing: everything in a demo is invented."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> str:
        return f"the demo home's own file, {self._path.name} (a demo has nothing to protect)"

    @property
    def needs_passphrase(self) -> bool:
        return False

    def unlock(self, passphrase: str = "") -> None:
        pass

    def get(self, name: str) -> bytes | None:
        value = self._read().get(name)
        return None if value is None else bytes.fromhex(value)

    def set(self, name: str, value: bytes) -> None:
        self._change(name, value.hex())
        if self.get(name) != value:
            raise VaultError(f"{self._path} does not keep what is written to it.")

    def delete(self, name: str) -> None:
        self._change(name, None)

    def names(self) -> Sequence[str]:
        return sorted(self._read())

    def _change(self, name: str, value: str | None) -> None:
        try:
            with only_one(self._path):
                all = self._read() | {name: value}
                text = json.dumps({name: value for name, value in all.items() if value is not None}, indent=1)
                write_private(self._path, text.encode())
        except OSError as error:
            raise VaultError(
                f"{self._path} cannot be written: {error.strerror or error}.",
                next_step="Check that the demo's folder can be written to, or make a new demo.",
            ) from error

    def _read(self) -> dict[str, str]:
        try:
            read = json.loads(self._path.read_text("ascii"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._damaged() from error
        if not isinstance(read, dict) or not all(_is_hex(value) for value in read.values()):
            raise self._damaged()
        return read

    def _damaged(self) -> VaultError:
        return VaultError(
            f"The demo's own secrets in {self._path} cannot be read.",
            kept="A demo holds nothing real.",
            next_step="Make a new demo home.",
        )


def _is_hex(value: object) -> bool:
    return (
        isinstance(value, str) and all(char in "0123456789abcdef" for char in value) and len(value) % 2 == 0
    )
