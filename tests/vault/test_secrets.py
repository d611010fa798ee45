"""Our own sealed file, the demo's open one, and how one of them, or the keyring, is chosen."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from keyring.errors import NoKeyringError

from modconsole.core.errors import SecretsUnavailable, VaultError, VaultLocked
from modconsole.ports.vault import Secrets
from modconsole.vault import DemoSecrets, KeyringSecrets, SealedFileSecrets, choose_secrets
from modconsole.vault.sealed_file import Cost
from tests.vault.backends import SECRET_SERVICE, backend, broken

WORDS = "four gentle words here"
CHEAP = Cost(n=2**4, r=1, p=1)


def sealed(folder: Path, passphrase: str = WORDS, **more: Any) -> SealedFileSecrets:
    place = SealedFileSecrets(folder / "secrets.sealed", cost=CHEAP, **more)
    place.unlock(passphrase)
    return place


# The sealed file


def test_what_was_sealed_is_there_for_the_right_passphrase(tmp_path: Path) -> None:
    sealed(tmp_path).set("key", b"\x00value")

    again = sealed(tmp_path)
    assert again.get("key") == b"\x00value"
    assert again.names() == ["key"]
    again.delete("key")
    assert sealed(tmp_path).get("key") is None


def test_the_file_is_its_owners_alone_and_holds_nothing_readable(tmp_path: Path) -> None:
    place = sealed(tmp_path)
    place.set("key", b"value")
    data = (tmp_path / "secrets.sealed").read_bytes()

    assert stat.S_IMODE((tmp_path / "secrets.sealed").stat().st_mode) == 0o600
    for open_text in (b"key", b"76616c7565", b"value", WORDS.encode()):
        assert open_text not in data
    assert WORDS not in repr(place) + str(vars(place))


def test_a_wrong_passphrase_is_told_from_a_damaged_file(tmp_path: Path) -> None:
    sealed(tmp_path).set("key", b"value")

    with pytest.raises(VaultLocked, match="does not open"):
        sealed(tmp_path, "four other words here")


def test_every_changed_byte_of_the_file_is_noticed(tmp_path: Path) -> None:
    sealed(tmp_path).set("key", b"value")
    path = tmp_path / "secrets.sealed"
    whole = path.read_bytes()
    for at in range(len(whole)):
        if whole[at : at + 1].isspace():
            continue  # the layout between JSON's tokens says nothing
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(VaultError, match="damaged"):
            sealed(tmp_path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VaultError, match="damaged") as caught:
        sealed(tmp_path)

    assert "no new file was made" in caught.value.kept
    assert not isinstance(caught.value, VaultLocked)


def test_a_file_cannot_make_us_work_for_hours(tmp_path: Path) -> None:
    from modconsole.vault.sealed_file import _sum

    sealed(tmp_path)
    path = tmp_path / "secrets.sealed"
    outside = json.loads(path.read_text())
    outside.pop("sum")
    outside["scrypt"]["n"] = 2**40
    path.write_text(json.dumps(outside | {"sum": _sum(outside)}))

    with pytest.raises(VaultError, match="damaged"):
        sealed(tmp_path)


def test_nothing_is_given_or_taken_before_the_passphrase(tmp_path: Path) -> None:
    place = SealedFileSecrets(tmp_path / "secrets.sealed", cost=CHEAP)
    assert place.needs_passphrase
    assert place.is_new
    for attempt in (place.unlock, lambda: place.get("key"), lambda: place.set("key", b"value"), place.names):
        with pytest.raises(VaultLocked):
            attempt()

    assert not place._path.exists()


def test_a_short_passphrase_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(VaultLocked, match="too short"):
        sealed(tmp_path, "short")

    assert not (tmp_path / "secrets.sealed").exists()


def test_two_consoles_do_not_lose_each_others_secrets(tmp_path: Path) -> None:
    first, second = sealed(tmp_path), sealed(tmp_path)
    first.set("a", b"1")
    second.set("b", b"2")

    assert first.names() == second.names() == ["a", "b"]


def test_the_passphrase_can_come_from_a_file(tmp_path: Path) -> None:
    named = tmp_path / "passphrase"
    named.write_text(WORDS + "\n")
    sealed(tmp_path, "", passphrase_file=named).set("key", b"value")

    assert sealed(tmp_path, WORDS).get("key") == b"value"
    assert not SealedFileSecrets(tmp_path / "x", passphrase_file=named).needs_passphrase


@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot be read"), (b"\n", "empty"), (b"\xff", "UTF-8")]
)
def test_a_passphrase_file_that_is_no_use_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    named = tmp_path / "passphrase"
    if content is not None:
        named.write_bytes(content)

    with pytest.raises(VaultLocked, match=says) as caught:
        sealed(tmp_path, "", passphrase_file=named)

    assert "MODCONSOLE_PASSPHRASE_FILE" in caught.value.next_step


def test_a_passphrase_typed_on_another_keyboard_is_the_same(tmp_path: Path) -> None:
    sealed(tmp_path, "caf\u00e9 and scones").set("key", b"value")

    assert sealed(tmp_path, "cafe\u0301 and scones").get("key") == b"value"


def test_an_unwritable_place_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(VaultError, match="cannot be used"):
        sealed(tmp_path / "file")


# The demo's


def test_a_demo_keeps_its_secrets_in_its_home(tmp_path: Path) -> None:
    place = DemoSecrets(tmp_path / "demo.json")
    place.unlock()
    place.set("key", b"value")
    place.set("other", b"value")
    place.delete("other")

    assert DemoSecrets(tmp_path / "demo.json").get("key") == b"value"
    assert place.names() == ["key"]
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600
    assert not place.needs_passphrase


@pytest.mark.parametrize("content", ["", "[]", '{"key": "xyz"}', '{"key": 1}'])
def test_a_demo_whose_secrets_are_damaged_says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "demo.json").write_text(content)

    with pytest.raises(VaultError, match="cannot be read"):
        DemoSecrets(tmp_path / "demo.json").get("key")


# Choosing


def choose(
    folder: Path, *, demo: bool = False, keyring: Any = None, environ: dict[str, str] | None = None
) -> Secrets:
    return choose_secrets(folder, demo=demo, environ=environ or {}, load_keyring=lambda: keyring)


def test_a_new_home_takes_a_keyring_that_works_and_stays_with_it(tmp_path: Path) -> None:
    good = backend(SECRET_SERVICE)
    choose(tmp_path, keyring=good).set("key", b"value")

    assert choose(tmp_path, keyring=good).get("key") == b"value"
    assert [name for _, name in good.kept] == ["key"]  # the try-out was taken out again


def test_a_keyring_that_was_used_is_never_left_silently(tmp_path: Path) -> None:
    choose(tmp_path, keyring=backend(SECRET_SERVICE))

    for environ in ({}, {"MODCONSOLE_PASSPHRASE_FILE": str(tmp_path / "passphrase")}):
        place = choose(tmp_path, keyring=broken(NoKeyringError("gone")), environ=environ)
        with pytest.raises(SecretsUnavailable, match="no keyring"):
            place.unlock(WORDS)
    assert not (tmp_path / "secrets.sealed").exists()


def test_two_homes_on_one_keyring_do_not_meet(tmp_path: Path) -> None:
    good = backend(SECRET_SERVICE)
    choose(tmp_path / "one", keyring=good).set("key", b"value")

    assert choose(tmp_path / "two", keyring=good).get("key") is None


def test_without_a_usable_keyring_a_person_is_asked_and_told_why(tmp_path: Path) -> None:
    place = choose(tmp_path, keyring=backend("keyrings.alt.file.PlaintextKeyring"))

    assert isinstance(place, SealedFileSecrets)
    assert place.needs_passphrase
    assert "PlaintextKeyring" in place.where


def test_a_named_passphrase_file_or_a_sealed_file_means_the_sealed_file(tmp_path: Path) -> None:
    named = tmp_path / "passphrase"
    named.write_text(WORDS)
    first = choose(tmp_path, keyring=None, environ={"MODCONSOLE_PASSPHRASE_FILE": str(named)})
    assert isinstance(first, SealedFileSecrets)
    assert not first.needs_passphrase
    sealed(tmp_path)

    again = choose(tmp_path, keyring=backend(SECRET_SERVICE))
    assert isinstance(again, SealedFileSecrets)
    assert again.needs_passphrase


def test_only_a_demo_uses_the_demos_place(tmp_path: Path) -> None:
    assert isinstance(choose(tmp_path, demo=True), DemoSecrets)
    choose(tmp_path, demo=True).set("key", b"value")

    assert isinstance(choose(tmp_path, keyring=backend(SECRET_SERVICE)), KeyringSecrets)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"place": "moon", "service": "x"}'])
def test_a_damaged_note_of_the_place_is_not_guessed_around(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.place").write_text(content)

    with pytest.raises(VaultError, match="cannot be read"):
        choose(tmp_path, keyring=backend(SECRET_SERVICE))
