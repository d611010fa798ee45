"""The vault: what encrypts, decrypts and signs, and keeps the keys in `keys.db`."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import wraps
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from modconsole.core.errors import Erased, VaultError, VaultLocked, WrongUsage
from modconsole.ports.vault import HeadKeeper, KeptHead, Secrets, Vault, WitnessedHead
from modconsole.vault import kept_heads
from modconsole.vault.database import open_keys, told_plainly, transaction

if TYPE_CHECKING:  # cryptography is behind these: see the part's own promise about imports
    from modconsole.vault.case_keys import CaseKeys
    from modconsole.vault.ciphers import Signer
    from modconsole.vault.erasing import Wrapping

__all__ = ["KeyVault"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_PSEUDONYM_KEY = "pseudonym"


def _one_at_a_time(
    method: Callable[Concatenate[KeyVault, _P], _T],
) -> Callable[Concatenate[KeyVault, _P], _T]:
    """Let one thread in at a time, and say in words what the file or the disk objects to."""

    @wraps(method)
    def guarded(self: KeyVault, /, *args: _P.args, **more: _P.kwargs) -> _T:
        with self._lock, told_plainly(self._path):
            return method(self, *args, **more)

    return guarded


class KeyVault(Vault, HeadKeeper):
    """Keys in `keys.db`, wrapped by a wrapping key that lives in `Secrets`. Safe to use from several threads.

    Args:
        path: `keys.db`. Must never be backed up, copied or synchronised: erasing counts on knowing every copy.
        secrets: Where the wrapping key and the log keys are.
    """

    def __init__(self, path: Path, secrets: Secrets, *, busy_seconds: float = 10.0) -> None:
        self._path = path
        self._secrets = secrets
        self._busy_seconds = busy_seconds
        self._lock = RLock()
        self._opened: sqlite3.Connection | None = None
        self._opened_for_heads: sqlite3.Connection | None = None
        self._wrapping: Wrapping | None = None
        self._case_keys: CaseKeys | None = None
        self._pseudonym_key: bytes | None = None
        self._signers: dict[str, Signer] = {}

    def __repr__(self) -> str:
        return f"<KeyVault {self._path} {'locked' if self.is_locked else 'unlocked'}>"

    @property
    def is_locked(self) -> bool:
        return self._wrapping is None

    @property
    def needs_passphrase(self) -> bool:
        return self._secrets.needs_passphrase

    @_one_at_a_time
    def unlock(self, passphrase: str = "") -> None:
        if self._wrapping is not None:
            return
        from modconsole.vault.case_keys import CaseKeys
        from modconsole.vault.erasing import Wrapping

        self._secrets.unlock(passphrase)
        wrapping = Wrapping(self._db, self._secrets)
        self._case_keys = CaseKeys(self._db, wrapping)
        self._wrapping = wrapping

    @_one_at_a_time
    def seal(self, case: str, plain: bytes, about: bytes) -> bytes:
        from modconsole.vault import ciphers

        return ciphers.encrypt(self._keys.get_or_make(case), plain, about)

    def seal_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[bytes]:
        from modconsole.vault import ciphers

        listed = list(items)
        keys = self._keys_of([case for case, _, _ in listed])
        # Out of the lock from here on: a screen may want to open a text while thousands are sealed.
        return [ciphers.encrypt(keys[case], plain, about) for case, plain, about in listed]

    @_one_at_a_time
    def open(self, case: str, sealed: bytes, about: bytes) -> bytes:
        # Before the ciphers are loaded: the first screen is drawn while the keys are locked, and needs none.
        key = self._keys.get(case)

        from modconsole.vault import ciphers

        if key is None:
            raise Erased("This case's key is gone: its text was erased.")
        try:
            return ciphers.decrypt(key, sealed, about)
        except ciphers.Unsealable as error:
            raise VaultError(
                "A stored text is not what was sealed: it was changed, or it belongs elsewhere.",
                kept="The log is not affected.",
            ) from error

    @_one_at_a_time
    def seal_entry(self, case: str, plain: bytes, about: bytes) -> tuple[bytes, bytes, bytes]:
        from modconsole.vault import ciphers
        from modconsole.vault.erasing import is_erased

        case_key, key = self._keys.get_or_make(case), ciphers.new_key()
        sealed = ciphers.encrypt(key, plain, about)
        ct = sha256(sealed).digest()
        wrapped = ciphers.encrypt(case_key, key, _about_entry_key(ct))
        with transaction(self._db):
            if is_erased(self._db, case):  # by another console, since we got its key
                raise Erased("This case was erased, so nothing about it can be kept any more.")
            self._db.execute(
                'INSERT INTO entry_keys (ct, "case", wrapped) VALUES (?, ?, ?)', (ct, case, wrapped)
            )
        return sealed, ct, ciphers.commitment(key)

    @_one_at_a_time
    def open_entry(self, case: str, sealed: bytes, about: bytes, commitment: bytes) -> bytes | None:
        from modconsole.vault import ciphers

        ct, case_key = sha256(sealed).digest(), self._keys.get(case)
        row = self._db.execute("SELECT wrapped FROM entry_keys WHERE ct=?", (ct,)).fetchone()
        if row is None or case_key is None:
            return None
        try:
            key = ciphers.decrypt(case_key, row[0], _about_entry_key(ct))
            if not ciphers.same(ciphers.commitment(key), commitment):
                raise ciphers.Unsealable
            return ciphers.decrypt(key, sealed, about)
        except ciphers.Unsealable as error:
            raise VaultError(
                "A log entry's private part is not what its readable part commits to.",
                kept="Nothing was changed.",
                next_step="Run `modconsole audit verify`; it names the entry.",
            ) from error

    def pseudonym(self, forum: str, member: str) -> str:
        key = self._pseudonym_key or self._made_pseudonym_key()
        # A forum's id cannot hold NUL, so no two pairs read the same.
        message = forum.encode() + b"\x00" + member.encode("utf-8", "surrogatepass")
        return hmac.digest(key, message, "sha256").hex()[:32]

    @_one_at_a_time
    def _made_pseudonym_key(self) -> bytes:
        self._pseudonym_key = self._own_key(_PSEUDONYM_KEY)
        return self._pseudonym_key

    @_one_at_a_time
    def sign(self, origin: str, message: bytes) -> bytes:
        return self._signer(origin).sign(message)

    @_one_at_a_time
    def verify_key(self, origin: str) -> bytes:
        if self.is_locked:
            from modconsole.vault.device_secrets import pinned

            public = pinned(self._db, _log_key(origin))
            if public is not None:
                return public
        return self._signer(origin).public

    @_one_at_a_time
    def erase(self, cases: Collection[str]) -> None:
        from modconsole.vault import erasing

        if "" in cases:
            raise WrongUsage("The service's own key is no case's, and is not erased.")
        erasing.erase(self._db, cases)

    @_one_at_a_time
    def rotate(self) -> None:
        from modconsole.vault import erasing

        if self._wrapping is None:
            raise _locked()
        erasing.rotate(self._db, self._secrets, self._wrapping)

    @_one_at_a_time
    def clear_wal(self) -> bool:
        from modconsole.vault import erasing

        return erasing.clear_wal(self._db)

    @_one_at_a_time
    def keep_head(self, head: KeptHead) -> None:
        kept_heads.keep(self._db_for_heads, head)

    @_one_at_a_time
    def kept_heads(self) -> Sequence[KeptHead]:
        return kept_heads.kept(self._db_for_heads)

    @_one_at_a_time
    def keep_witnessed(self, head: WitnessedHead) -> None:
        kept_heads.keep_witnessed(self._db, head)

    @_one_at_a_time
    def witnessed_heads(self) -> Sequence[WitnessedHead]:
        return kept_heads.witnessed(self._db_for_heads)

    @_one_at_a_time
    def close(self) -> None:
        for db in (self._opened, self._opened_for_heads):
            if db is not None:
                db.close()
        self._opened = self._opened_for_heads = self._wrapping = self._case_keys = self._pseudonym_key = None
        self._signers.clear()

    @property
    def _db(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = open_keys(self._path, busy_seconds=self._busy_seconds)
        return self._opened

    @property
    def _db_for_heads(self) -> sqlite3.Connection:
        # A connection of its own, because heads need no fsync each: one that lags is weaker, never wrong.
        if self._opened_for_heads is None:
            self._opened_for_heads = open_keys(self._path, durable=False, busy_seconds=self._busy_seconds)
        return self._opened_for_heads

    @_one_at_a_time
    def _keys_of(self, cases: Iterable[str]) -> dict[str, bytes]:
        return self._keys.get_or_make_many(cases)

    @property
    def _keys(self) -> CaseKeys:
        if self._case_keys is None:
            raise _locked()
        return self._case_keys

    def _own_key(self, name: str) -> bytes:
        """Get a key of this home's own, kept wrapped like a case's, so that a new wrapping key leaves it as it is."""
        from modconsole.vault import ciphers
        from modconsole.vault.erasing import about_own_key

        if self._wrapping is None:
            raise _locked()
        about = about_own_key(name)
        with transaction(self._db):
            wrapping = self._wrapping.key()
            row = self._db.execute("SELECT wrapped FROM own_keys WHERE name=?", (name,)).fetchone()
            if row is not None:
                return ciphers.unwrap(wrapping, row[0], about)
            key = ciphers.new_key()
            wrapped = ciphers.encrypt(wrapping, key, about)
            self._db.execute("INSERT INTO own_keys (name, wrapped) VALUES (?, ?)", (name, wrapped))
        return key

    def _signer(self, origin: str) -> Signer:
        if origin not in self._signers:
            self._signers[origin] = self._new_signer(origin)
        return self._signers[origin]

    def _new_signer(self, origin: str) -> Signer:
        from modconsole.vault import ciphers
        from modconsole.vault.device_secrets import device_secret

        if self._wrapping is None:
            raise _locked()
        return ciphers.Signer(device_secret(self._db, self._secrets, _log_key(origin), ciphers.public_half))


def _log_key(origin: str) -> str:
    return f"log-key {origin}"


def _about_entry_key(ct: bytes) -> bytes:
    return b"modconsole entry key v1\x00" + ct


def _locked() -> VaultLocked:
    return VaultLocked("The keys are locked.")
