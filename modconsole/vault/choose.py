"""Where this home keeps its secrets: chosen once, remembered, and never changed behind anybody's back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from modconsole.core.errors import SecretsUnavailable, VaultError, VaultLocked
from modconsole.ports.vault import Secrets
from modconsole.vault.demo import DemoSecrets
from modconsole.vault.files import write_private
from modconsole.vault.sealed_file import SealedFileSecrets
from modconsole.vault.system_keyring import Backend, KeyringSecrets, system_keyring

__all__ = ["choose_secrets"]

NAMED_FILE = "MODCONSOLE_PASSPHRASE_FILE"
_DEMO = "demo-secrets.json"
_SEALED = "secrets.sealed"
_PLACE = "secrets.place"


def choose_secrets(
    folder: Path,
    *,
    demo: bool,
    environ: Mapping[str, str],
    load_keyring: Callable[[], Backend] = system_keyring,
) -> Secrets:
    """Choose the place for this home's secrets; nothing is unlocked yet.

    A demo's are in its home. A home that has a sealed file uses it; one that ever used the keyring stays with the
    keyring. A new home takes the passphrase file it is given, else a keyring that proves to work, else a sealed file
    whose passphrase a person types. Asks the keyring only at such a first time.

    Args:
        folder: The home's data folder.

    Raises:
        VaultError: What was chosen once can no longer be read.
    """
    if demo:
        return DemoSecrets(folder / _DEMO)
    passphrase_file = Path(environ[NAMED_FILE]) if environ.get(NAMED_FILE) else None
    sealed, place = folder / _SEALED, folder / _PLACE
    if sealed.exists():
        return SealedFileSecrets(sealed, passphrase_file=passphrase_file)
    if place.exists():
        return KeyringSecrets(_remembered(place), load=load_keyring)
    if passphrase_file is not None:
        return SealedFileSecrets(sealed, passphrase_file=passphrase_file)
    keyring = KeyringSecrets(f"modconsole {os.urandom(8).hex()}", load=load_keyring)
    try:
        keyring.try_out()
    except (SecretsUnavailable, VaultLocked) as error:
        return SealedFileSecrets(sealed, why=error.what)
    _remember(place, keyring)
    return keyring


def _remember(place: Path, keyring: KeyringSecrets) -> None:
    try:
        write_private(place, json.dumps({"place": "keyring", "service": keyring.service}).encode())
    except OSError as error:
        raise VaultError(
            f"{place} cannot be written: {error.strerror or error}.",
            kept="Nothing was stored in the keyring yet.",
            next_step="Check that the folder is yours and can be written to.",
        ) from error


def _remembered(place: Path) -> str:
    try:
        read = json.loads(place.read_text("utf-8"))
        if read["place"] == "keyring" and isinstance(read["service"], str):
            return str(read["service"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(place) from error
    raise _unreadable(place)


def _unreadable(place: Path) -> VaultError:
    return VaultError(
        f"{place}, which says where this home keeps its secrets, cannot be read.",
        kept="Nothing was changed, and no other place was taken instead.",
        next_step="Put the file back from a copy: it holds no secret, only the name they stand under.",
    )
