"""Our own sealed file: secrets under a passphrase, for computers without a usable keyring.

JSON on the outside, so that a damaged file can be told from a wrong passphrase: scrypt's parameters, a checksum over
everything that was written, and the secrets under AES-256-GCM.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from modconsole.core.errors import VaultError, VaultLocked
from modconsole.ports.vault import Secrets
from modconsole.vault.files import only_one, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SealedFileSecrets"]

_SHORTEST = 8
_FORM = "modconsole sealed secrets"


@dataclass(frozen=True, slots=True)
class Cost:
    """How hard scrypt works: with the defaults 32 MiB, three times over (as OWASP's list has it)."""

    n: int = 2**15
    r: int = 8
    p: int = 3

    @property
    def is_sane(self) -> bool:
        """Whether a file may ask this of us: no more than 1 GiB, and a power of two."""
        return 2 <= self.n <= 2**20 and self.n.bit_count() == 1 and 1 <= self.r <= 8 and 1 <= self.p <= 16


@dataclass(frozen=True, slots=True)
class _Lock:
    """The key that opens the file, and what it was derived with."""

    salt: bytes
    cost: Cost
    key: bytes = field(repr=False)


class SealedFileSecrets(Secrets):
    """Secrets in one file under a passphrase. The first `unlock` of a new one makes the file.

    Args:
        path: The sealed file.
        passphrase_file: A file to read the passphrase from instead of asking a person.
        why: Why this place and not the keyring, for `where`.
    """

    def __init__(
        self, path: Path, *, passphrase_file: Path | None = None, why: str = "", cost: Cost | None = None
    ) -> None:
        self._path = path
        self._passphrase_file = passphrase_file
        self._why = why
        self._cost = cost or Cost()
        self._lock: _Lock | None = None

    @property
    def where(self) -> str:
        return f"our sealed file, {self._path}" + (f" ({self._why})" if self._why else "")

    @property
    def needs_passphrase(self) -> bool:
        return self._passphrase_file is None

    @property
    def is_new(self) -> bool:
        """Whether the next passphrase makes the file, and so had better be typed twice."""
        return not self._path.exists()

    def unlock(self, passphrase: str = "") -> None:
        if self._lock is not None:
            return
        if not passphrase and self._passphrase_file is not None:
            passphrase = _passphrase_from(self._passphrase_file)
        if not passphrase:
            raise VaultLocked(
                f"The secrets are in {self.where}, and no passphrase was given.",
                next_step="Type the passphrase, or name a file that holds it in MODCONSOLE_PASSPHRASE_FILE.",
            )
        with self._told_plainly(), only_one(self._path):
            self._lock = self._make(passphrase) if self.is_new else self._open(passphrase)

    def get(self, name: str) -> bytes | None:
        value = self._read(self._needed()).get(name)
        return None if value is None else bytes.fromhex(value)

    def set(self, name: str, value: bytes) -> None:
        self._change(lambda all: all | {name: value.hex()})
        if self.get(name) != value:
            raise VaultError(f"{self._path} does not keep what is written to it.")

    def delete(self, name: str) -> None:
        self._change(lambda all: {known: value for known, value in all.items() if known != name})

    def names(self) -> Sequence[str]:
        return sorted(self._read(self._needed()))

    def _needed(self) -> _Lock:
        if self._lock is None:
            raise VaultLocked(f"The secrets in {self.where} are locked.")
        return self._lock

    def _make(self, passphrase: str) -> _Lock:
        if len(passphrase) < _SHORTEST:
            raise VaultLocked(
                f"A passphrase of {len(passphrase)} characters is too short to keep these secrets.",
                kept="Nothing was written.",
                next_step=f"Choose one of {_SHORTEST} characters or more; a few words are easiest to remember.",
            )
        lock = _derive(passphrase, os.urandom(16), self._cost)
        self._write(lock, {})
        self._read(lock)
        return lock

    def _open(self, passphrase: str) -> _Lock:
        outside = self._outside()
        lock = _derive(passphrase, outside.salt, outside.cost)
        self._read(lock)
        return lock

    def _change(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        lock = self._needed()
        # Read again before writing: another console may have added a secret since.
        with self._told_plainly(), only_one(self._path):
            self._write(lock, change(self._read(lock)))

    def _write(self, lock: _Lock, secrets: dict[str, str]) -> None:
        from modconsole.vault import ciphers

        sealed = ciphers.encrypt(lock.key, json.dumps(secrets).encode(), _about(lock.salt, lock.cost))
        outside = {
            "form": _FORM,
            "v": 1,
            "scrypt": {"n": lock.cost.n, "r": lock.cost.r, "p": lock.cost.p, "salt": lock.salt.hex()},
            "sealed": b64encode(sealed).decode("ascii"),
        }
        write_private(self._path, json.dumps(outside | {"sum": _sum(outside)}, indent=1).encode())

    def _read(self, lock: _Lock) -> dict[str, str]:
        from modconsole.vault import ciphers

        outside = self._outside()
        try:
            read = json.loads(ciphers.decrypt(lock.key, outside.sealed, _about(outside.salt, outside.cost)))
        except ciphers.Unsealable as error:
            raise VaultLocked(
                f"This passphrase does not open {self._path}.",
                kept="Nothing was changed. The queue and the emergency panel (!) work without it.",
                next_step="Try again. Without the passphrase these secrets cannot be had back.",
            ) from error
        secrets: dict[str, str] = read
        return secrets

    def _outside(self) -> _Outside:
        with self._told_plainly():
            data = self._path.read_bytes()
        try:
            return _outside(data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise VaultError(
                f"The sealed file {self._path} is damaged: {len(data)} bytes that are not what was written.",
                kept="Nothing was changed, and no new file was made in its place. The log still verifies.",
                next_step="Put the file back from a copy you trust.",
            ) from error

    @contextmanager
    def _told_plainly(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise VaultError(
                f"The sealed file {self._path} cannot be used: {error.strerror or error}.",
                kept="What was in it before is still in it.",
                next_step="Check that it is yours, is still there, and that the disk has room.",
            ) from error


@dataclass(frozen=True, slots=True)
class _Outside:
    salt: bytes
    cost: Cost
    sealed: bytes


def _outside(data: bytes) -> _Outside:
    read = json.loads(data)
    if read.pop("sum") != _sum(read) or read["form"] != _FORM or read["v"] != 1:
        raise ValueError("not a sealed file of ours")
    scrypt = read["scrypt"]
    cost = Cost(scrypt["n"], scrypt["r"], scrypt["p"])
    if not cost.is_sane:
        raise ValueError("scrypt parameters nobody should ask for")
    return _Outside(bytes.fromhex(scrypt["salt"]), cost, b64decode(read["sealed"], validate=True))


def _sum(outside: object) -> str:
    return sha256(json.dumps(outside, sort_keys=True).encode()).hexdigest()


def _about(salt: bytes, cost: Cost) -> bytes:
    return f"{_FORM} v1 scrypt {cost.n} {cost.r} {cost.p} {salt.hex()}".encode()


def _derive(passphrase: str, salt: bytes, cost: Cost) -> _Lock:
    from modconsole.vault import ciphers

    return _Lock(salt, cost, ciphers.passphrase_key(passphrase, salt, cost.n, cost.r, cost.p))


def _passphrase_from(path: Path) -> str:
    try:
        # The last line's end is the editor's, not the passphrase's.
        passphrase = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise VaultLocked(
            f"The passphrase file {path} cannot be read: {why}.",
            next_step="Check the path in MODCONSOLE_PASSPHRASE_FILE, and that the file is yours to read.",
        ) from error
    if not passphrase:
        raise VaultLocked(
            f"The passphrase file {path} is empty.",
            next_step="Put the passphrase on its first line, or correct MODCONSOLE_PASSPHRASE_FILE.",
        )
    return passphrase
