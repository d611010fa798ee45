"""Each way a keyring is known to fail gives a clear message, and none stores a secret in the clear."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from keyring.errors import InitError, KeyringError, KeyringLocked, NoKeyringError

from modconsole.core.errors import SecretsUnavailable, VaultError, VaultLocked
from modconsole.vault import KeyringSecrets
from tests.vault.backends import SECRET_SERVICE, backend, broken, raising

CHAINER = "keyring.backends.chainer.ChainerBackend"
PLAINTEXT = "keyrings.alt.file.PlaintextKeyring"


def secrets(chosen: Any, **more: Any) -> KeyringSecrets:
    return KeyringSecrets("modconsole test", load=lambda: chosen, **more)


@pytest.mark.parametrize(
    "name",
    [
        SECRET_SERVICE,
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
    ],
)
def test_a_real_keyring_keeps_and_gives_back_any_bytes(name: str) -> None:
    place = secrets(backend(name))
    place.unlock()
    place.set("key", bytes(range(256)))

    assert place.get("key") == bytes(range(256))
    place.delete("key")
    place.delete("key")
    assert place.get("key") is None


@pytest.mark.parametrize(
    "name",
    [
        "keyring.backends.fail.Keyring",
        "keyring.backends.null.Keyring",
        PLAINTEXT,
        "keyrings.alt.file.EncryptedKeyring",
        "keyrings.cryptfile.cryptfile.CryptFileKeyring",
        "somebody.SecretService.Keyring",
        "keyring.backends.SecretService.KeyringOfMine",
        CHAINER,
    ],
)
def test_every_other_back_end_is_refused_before_it_is_given_anything(name: str) -> None:
    chosen = backend(name)

    with pytest.raises(SecretsUnavailable) as caught:
        secrets(chosen).set("key", b"value")

    assert chosen.kept == {}
    assert "MODCONSOLE_PASSPHRASE_FILE" in caught.value.next_step
    assert caught.value.kept == "Nothing was stored."


def test_a_chain_that_could_fall_back_on_plaintext_is_refused() -> None:
    good, bad = backend(SECRET_SERVICE), backend(PLAINTEXT)

    with pytest.raises(SecretsUnavailable, match="PlaintextKeyring") as caught:
        secrets(backend(CHAINER, backends=[good, bad])).set("key", b"value")

    assert (good.kept, bad.kept) == ({}, {})
    assert "keyrings.alt" in caught.value.next_step


def test_a_chain_of_real_keyrings_is_used_through_its_first() -> None:
    first, second = backend(SECRET_SERVICE), backend("keyring.backends.kwallet.DBusKeyring")
    secrets(backend(CHAINER, backends=[first, second])).set("key", b"value")

    assert len(first.kept) == 1
    assert second.kept == {}


@pytest.mark.parametrize(
    ("error", "kind", "says", "next_step"),
    [
        (
            KeyringLocked("Failed to unlock the collection!"),
            VaultLocked,
            "locked",
            "gnome-keyring-daemon --unlock",
        ),
        (
            InitError("Failed to create the collection: Prompt dismissed.."),
            SecretsUnavailable,
            "set up",
            "sealed file",
        ),
        (
            NoKeyringError("No recommended backend was available."),
            SecretsUnavailable,
            "no keyring",
            "dbus-run-session",
        ),
        (KeyringError("odd"), SecretsUnavailable, "KeyringError: odd", "sealed file"),
        (
            RuntimeError("Unable to initialize SecretService"),
            SecretsUnavailable,
            "RuntimeError",
            "dbus-run-session",
        ),
        (FileNotFoundError(2, "No such file"), SecretsUnavailable, "FileNotFoundError", "dbus-run-session"),
        (EOFError("no input"), SecretsUnavailable, "EOFError", "sealed file"),
        (ValueError("MAC check failed"), SecretsUnavailable, "MAC check failed", "sealed file"),
    ],
)
def test_what_a_keyring_raises_is_said_in_words(
    error: Exception, kind: type[VaultError], says: str, next_step: str
) -> None:
    for attempt in (lambda place: place.get("key"), lambda place: place.set("key", b"value")):
        with pytest.raises(kind, match=says) as caught:
            attempt(secrets(broken(error)))

        assert next_step in caught.value.next_step
        assert caught.value.kept


def test_trouble_while_the_keyring_is_being_found_is_said_in_words_too() -> None:
    place = KeyringSecrets("modconsole test", load=raising(FileNotFoundError(2, "No such file")))

    with pytest.raises(SecretsUnavailable, match="FileNotFoundError"):
        place.unlock()


def test_a_mistake_of_ours_is_not_dressed_up_as_keyring_trouble() -> None:
    with pytest.raises(ZeroDivisionError):
        secrets(broken(ZeroDivisionError())).get("key")


def test_a_keyring_that_takes_a_secret_and_loses_it_is_noticed() -> None:
    place = secrets(backend(SECRET_SERVICE, set_password=lambda *_: None))

    with pytest.raises(SecretsUnavailable, match="did not give it back"):
        place.set("key", b"value")


def test_a_prompt_nobody_answers_does_not_hold_us_for_ever() -> None:
    answered = Event()
    place = secrets(backend(SECRET_SERVICE, get_password=lambda *_: answered.wait(10)), patience=0.05)

    with pytest.raises(VaultLocked, match="did not answer") as caught:
        place.get("key")

    assert "another screen" in caught.value.next_step
    answered.set()


def test_something_else_under_our_name_is_left_alone() -> None:
    chosen = backend(SECRET_SERVICE)
    chosen.set_password("modconsole test", "key", "not base64!")

    with pytest.raises(VaultError, match="not what modconsole stored"):
        secrets(chosen).get("key")


def test_hostile_text_in_an_error_is_shown_harmlessly() -> None:
    with pytest.raises(SecretsUnavailable) as caught:
        secrets(broken(KeyringError("\x1b]52;c;eA==\x07"))).get("key")

    assert "\x1b" not in str(caught.value)
