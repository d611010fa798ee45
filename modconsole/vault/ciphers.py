"""AES-256-GCM, Ed25519 and scrypt, as the vault uses them. Imported only when a key is first needed.

What is sealed is always nonce and ciphertext in one piece.
"""

from __future__ import annotations

import hmac
import os
import unicodedata
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from modconsole.core.errors import VaultError

__all__ = [
    "KEY_SIZE",
    "Signer",
    "Unsealable",
    "commitment",
    "decrypt",
    "encrypt",
    "is_signed",
    "new_key",
    "passphrase_key",
    "public_half",
    "same",
    "unwrap",
]

KEY_SIZE = 32
_NONCE_SIZE = 12
_COMMITMENT = b"modconsole key commitment v1\x00"


class Unsealable(Exception):
    """The bytes were not made with this key for this purpose."""


def new_key() -> bytes:
    return os.urandom(KEY_SIZE)


def encrypt(key: bytes, plain: bytes, about: bytes) -> bytes:
    # Random nonces are safe here: no key of ours ever seals near 2**32 texts.
    nonce = os.urandom(_NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, plain, about)


def decrypt(key: bytes, sealed: bytes, about: bytes) -> bytes:
    """Open what `encrypt` made.

    Raises:
        Unsealable
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], about)
    except (InvalidTag, ValueError) as error:
        raise Unsealable from error


def unwrap(wrapping: bytes, wrapped: bytes, about: bytes) -> bytes:
    """Open a key of `keys.db` with the wrapping key."""
    try:
        return decrypt(wrapping, wrapped, about)
    except Unsealable as error:
        raise VaultError(
            "A key in keys.db does not open with this home's wrapping key.",
            kept="Nothing was changed, and the log still verifies.",
            next_step="Was keys.db damaged, or copied from another home or time? Put the right one back.",
        ) from error


def commitment(key: bytes) -> bytes:
    """Give a hash that pins a key down. AES-GCM alone does not: one ciphertext can open under two keys."""
    return sha256(_COMMITMENT + key).digest()


def same(first: bytes, second: bytes) -> bool:
    return hmac.compare_digest(first, second)


def passphrase_key(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # Normalised, because keyboards differ in how they send the same letter.
    words = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    return Scrypt(salt=salt, length=KEY_SIZE, n=n, r=r, p=p).derive(words)


class Signer:
    """A log's key, ready to sign: making it ready takes longer than signing."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = public_half(seed)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether the owner of a public Ed25519 key signed this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_half(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
