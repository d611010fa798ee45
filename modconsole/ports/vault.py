"""Keys and secrets. The vault is the only place that encrypts, decrypts or erases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

__all__ = ["HeadKeeper", "KeptHead", "Secrets", "Vault", "WitnessedHead"]


class Vault(ABC):
    """AES-256-GCM: a key per case, wrapped by one wrapping key; a key per log entry, wrapped by its case's key."""

    @property
    @abstractmethod
    def is_locked(self) -> bool: ...

    @property
    @abstractmethod
    def needs_passphrase(self) -> bool:
        """Whether `unlock` needs a passphrase from a person (and not just the OS keyring or a demo home's own key)."""

    @abstractmethod
    def unlock(self, passphrase: str = "") -> None:
        """Get the wrapping key. Does nothing when it is already there.

        Raises:
            VaultLocked: The passphrase is missing or wrong, or the keyring is locked.
            SecretsUnavailable: There is no safe place for secrets here; says what to do.
        """

    @abstractmethod
    def seal(self, case: str, plain: bytes, about: bytes) -> bytes:
        """Encrypt under the case's key (made if it is new) and give nonce and ciphertext in one piece.

        Args:
            case: The case's token.
            about: Authenticated but not encrypted: what this text is and where it belongs.

        Raises:
            VaultLocked
        """

    @abstractmethod
    def seal_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[bytes]:
        """Do what `seal` does for many, with one durable write of the new keys before it returns."""

    @abstractmethod
    def open(self, case: str, sealed: bytes, about: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            VaultLocked
            Erased: The key is gone.
            VaultError: The bytes are not what was sealed.
        """

    @abstractmethod
    def seal_entry(self, case: str, plain: bytes, about: bytes) -> tuple[bytes, bytes, bytes]:
        """Encrypt a log entry's body under a new key of its own, wrapped by the case's key (or the service's own key
        when `case` is empty). The key is durable before this returns.

        Raises:
            Erased: The case was erased; nothing can be sealed for it any more.

        Returns:
            nonce and ciphertext in one piece, the SHA-256 of that, and the commitment to the key.
        """

    @abstractmethod
    def open_entry(self, case: str, sealed: bytes, about: bytes, commitment: bytes) -> bytes | None:
        """Decrypt a log entry's body; None when its key was erased. Checks the key commitment.

        Raises:
            VaultLocked
            VaultError: The key or the bytes are not what was committed to.
        """

    @abstractmethod
    def pseudonym(self, forum: str, member: str) -> str:
        """Give a keyed hash of a member's id (32 hex digits): the same member, the same value, on this device only.

        Raises:
            VaultLocked
        """

    @abstractmethod
    def sign(self, origin: str, message: bytes) -> bytes:
        """Sign with the log key of this origin (Ed25519), made on first use."""

    @abstractmethod
    def verify_key(self, origin: str) -> bytes:
        """Give the public half of the log key of this origin: 32 bytes."""

    @abstractmethod
    def erase(self, cases: Collection[str]) -> None:
        """Destroy the keys of these cases (by token) and of their log entries. They never get any again.

        Other consoles notice before they next use a key. What is left of the bytes opens nothing after `rotate`.
        """

    @abstractmethod
    def rotate(self) -> None:
        """Wrap every key that is left under a new wrapping key, and destroy the old one.

        Raises:
            VaultLocked
            VaultError: The place for secrets will not take the new one, or not let go of the old one. Nothing is lost:
                everything opens as before, and it can be done again.
        """

    @abstractmethod
    def clear_wal(self) -> bool:
        """Leave no deleted key in the file's write-ahead log; False while another console keeps it from being done."""

    @abstractmethod
    def close(self) -> None: ...


class Secrets(ABC):
    """A place for small secrets that outlives us: the OS keyring, or our own passphrase-sealed file."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Name the place in words, for `doctor`."""

    @property
    @abstractmethod
    def needs_passphrase(self) -> bool: ...

    @abstractmethod
    def unlock(self, passphrase: str = "") -> None: ...

    @abstractmethod
    def get(self, name: str) -> bytes | None: ...

    @abstractmethod
    def set(self, name: str, value: bytes) -> None:
        """Store it, and read it back before relying on it."""

    @abstractmethod
    def delete(self, name: str) -> None: ...

    @abstractmethod
    def names(self) -> Sequence[str]:
        """Name what is stored, where the place can tell; never the values."""


@dataclass(frozen=True, slots=True)
class KeptHead:
    """What is remembered of a log outside the log's own file, so that a shortened or swapped one is noticed."""

    origin: str
    size: int
    root: bytes
    trail: bytes
    """A digest over every head that was signed up to this one."""
    public: bytes
    """The public half of the log's key."""


@dataclass(frozen=True, slots=True)
class WitnessedHead:
    """A head of ours that a witness countersigned, with what proves it."""

    origin: str
    size: int
    root: bytes
    vkey: str
    """The witness's key."""
    time: int
    """In seconds since 1970, by the witness's clock."""
    signature: bytes


class HeadKeeper(ABC):
    """A place on this device, beside the keys and away from the log, that remembers how far each log had come."""

    @abstractmethod
    def keep_head(self, head: KeptHead) -> None:
        """Remember the head, unless a later one of the same log is remembered already.

        Survives `kill -9`; after a power cut it may be a few entries behind, which only makes it weaker.
        """

    @abstractmethod
    def kept_heads(self) -> Sequence[KeptHead]:
        """Give the latest head of every log, in the order the logs were begun. Works while the vault is locked."""

    @abstractmethod
    def keep_witnessed(self, head: WitnessedHead) -> None:
        """Remember a countersigned head, unless a later one of the same log is remembered already. Durable."""

    @abstractmethod
    def witnessed_heads(self) -> Sequence[WitnessedHead]:
        """Give the latest countersigned head of every log that has one. Works while the vault is locked."""
