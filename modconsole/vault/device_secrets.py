"""Secrets of this device: made once, kept in `Secrets`, pinned in `keys.db` so that a lost one is never replaced."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from modconsole.core.errors import KeyLost
from modconsole.ports.vault import Secrets
from modconsole.vault import ciphers
from modconsole.vault.database import transaction

__all__ = ["device_secret", "pinned"]

Pin = Callable[[bytes], bytes]
"""From a secret to what may be known of it: a commitment, or the public half."""


def pinned(db: sqlite3.Connection, name: str) -> bytes | None:
    row = db.execute("SELECT pinned FROM device_secrets WHERE name=?", (name,)).fetchone()
    return None if row is None else bytes(row[0])


def device_secret(db: sqlite3.Connection, secrets: Secrets, name: str, pin: Pin) -> bytes:
    """Get a 32-byte secret, made on first use, read back before it is relied on.

    Raises:
        KeyLost: There was one, and the place for secrets no longer has it, or has another.
    """
    # In this order: what is pinned was stored before. And without the lock, which whoever asks may hold already.
    pin_known, secret = pinned(db, name), secrets.get(name)
    if pin_known is None:
        # The write lock of keys.db is what keeps two consoles from each making their own at a first start.
        with transaction(db):
            secret, pin_known = secrets.get(name), pinned(db, name)
            if secret is None and pin_known is None:
                secret = ciphers.new_key()
                secrets.set(name, secret)
            if secret is not None and pin_known is None:
                pin_known = pin(_sound(secret, name, secrets))
                db.execute("INSERT INTO device_secrets (name, pinned) VALUES (?, ?)", (name, pin_known))
    if secret is None or pin_known is None:
        raise _not_there(f"The secret “{name}” is no longer in {secrets.where}.")
    if not ciphers.same(pin(_sound(secret, name, secrets)), pin_known):
        raise _not_there(f"The secret “{name}” in {secrets.where} is not the one this home was using.")
    return secret


def _sound(secret: bytes, name: str, secrets: Secrets) -> bytes:
    if len(secret) != ciphers.KEY_SIZE:
        raise _not_there(f"The secret “{name}” in {secrets.where} is damaged.")
    return secret


def _not_there(what: str) -> KeyLost:
    return KeyLost(
        what,
        kept="Nothing was changed, and no new one was made in its place. The log still verifies.",
        next_step="Put back what was there: restore the keyring or the sealed file, or bring back the right keys.db.",
    )
