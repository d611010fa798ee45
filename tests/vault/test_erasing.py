"""Erasing case keys and replacing the wrapping key: nothing else is lost, whatever stops it, and nothing comes back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from modconsole.core.errors import Erased, SecretsUnavailable, VaultError, WrongUsage
from modconsole.vault import DemoSecrets, KeyVault, ciphers, erasing
from modconsole.vault.erasing import about_case_key
from modconsole.vault.sealed_file import Cost, SealedFileSecrets

CASE, OTHER = "0" * 32, "1" * 32
ABOUT = b"note 1"


class Stopped(BaseException):
    """The power goes. Nobody catches this."""


class Stopping(DemoSecrets):
    """Stops everything at one of the moments before and after a secret is stored or deleted."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.moments = -1
        """How many are let pass; negative for all."""

    def set(self, name: str, value: bytes) -> None:
        self._moment()
        super().set(name, value)
        self._moment()

    def delete(self, name: str) -> None:
        self._moment()
        super().delete(name)
        self._moment()

    def _moment(self) -> None:
        if self.moments == 0:
            self.moments = -1
            raise Stopped
        self.moments -= 1


class Console:
    """A vault of its own on a home's files."""

    def __init__(self, home: Path, *, busy_seconds: float = 10.0) -> None:
        self.secrets = Stopping(home / "demo.json")
        self.vault = KeyVault(home / "keys.db", self.secrets, busy_seconds=busy_seconds)
        self.vault.unlock()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Callable[..., Console]]:
    made: list[Console] = []

    def make(**more: float) -> Console:
        made.append(Console(tmp_path, **more))
        return made[-1]

    yield make
    for each in made:
        each.vault.close()


def wrapped_keys(home: Path) -> dict[str, bytes]:
    with closing(sqlite3.connect(home / "keys.db")) as db:
        return dict(db.execute('SELECT "case", wrapped FROM case_keys'))


def in_files(home: Path, *wanted: bytes) -> set[str]:
    """Give the names of the files that hold any of these bytes."""
    return {
        file.name
        for file in home.rglob("*")
        if file.is_file() and any(each in file.read_bytes() for each in wanted)
    }


def test_an_erased_case_has_no_key_and_never_gets_one(console: Callable[..., Console]) -> None:
    vault = console().vault
    sealed, other = vault.seal(CASE, b"a kind word", ABOUT), vault.seal(OTHER, b"another", ABOUT)
    entry, _, commitment = vault.seal_entry(CASE, b"body", ABOUT)
    vault.erase([CASE])

    for again in (
        lambda: vault.open(CASE, sealed, ABOUT),
        lambda: vault.seal(CASE, b"", ABOUT),
        lambda: vault.seal_entry(CASE, b"", ABOUT),
        lambda: vault.seal_many([(OTHER, b"", ABOUT), (CASE, b"", ABOUT)]),
    ):
        with pytest.raises(Erased, match="erased"):
            again()
    assert vault.open_entry(CASE, entry, ABOUT, commitment) is None
    assert vault.open(OTHER, other, ABOUT) == b"another"
    with pytest.raises(WrongUsage):
        vault.erase([""])


def test_after_a_new_wrapping_key_everything_opens_and_the_old_one_opens_nothing(
    tmp_path: Path, console: Callable[..., Console]
) -> None:
    first = console()
    vault = first.vault
    sealed = {case: vault.seal(case, case.encode(), ABOUT) for case in (CASE, OTHER, "")}
    entry, _, commitment = vault.seal_entry(OTHER, b"body", ABOUT)
    pseudonym = vault.pseudonym("forum", "member")
    old, before = first.secrets.get("wrapping-key"), wrapped_keys(tmp_path)
    assert old is not None
    assert all(ciphers.decrypt(old, key, about_case_key(case)) for case, key in before.items())

    vault.erase([CASE])
    vault.rotate()
    assert vault.clear_wal()
    vault.close()

    after = wrapped_keys(tmp_path)
    assert set(after) == {OTHER, ""}
    for case, key in after.items():
        with pytest.raises(ciphers.Unsealable):
            ciphers.decrypt(old, key, about_case_key(case))
    assert in_files(tmp_path, old.hex().encode(), old, *before.values()) == set()
    assert len(first.secrets.names()) == 1
    again = console().vault
    assert again.open(OTHER, sealed[OTHER], ABOUT) == OTHER.encode()
    assert again.open("", sealed[""], ABOUT) == b""
    assert again.open_entry(OTHER, entry, ABOUT, commitment) == b"body"
    assert again.pseudonym("forum", "member") == pseudonym


@pytest.mark.parametrize("cleared", [True, False])
def test_without_the_last_step_a_deleted_key_would_still_be_there(
    tmp_path: Path, console: Callable[..., Console], cleared: bool
) -> None:
    vault = console().vault
    vault.seal(CASE, b"a kind word", ABOUT)
    key = wrapped_keys(tmp_path)[CASE]
    vault.clear_wal()
    assert in_files(tmp_path, key) == {"keys.db"}
    vault.erase([CASE])
    if cleared:
        vault.clear_wal()

    assert in_files(tmp_path, key) == (set() if cleared else {"keys.db"})


def test_without_secure_delete_a_deleted_key_would_still_be_there(
    tmp_path: Path, console: Callable[..., Console]
) -> None:
    vault = console().vault
    vault.seal_many((f"{number:032x}", b"", ABOUT) for number in range(20))
    key = wrapped_keys(tmp_path)[CASE]
    vault._db.execute("PRAGMA secure_delete=OFF")
    vault.erase([CASE])
    vault.clear_wal()

    assert in_files(tmp_path, key) == {"keys.db"}


@pytest.mark.parametrize("moments", range(4))
def test_stopped_at_any_moment_everything_opens_and_it_can_be_done_again(
    tmp_path: Path, console: Callable[..., Console], moments: int
) -> None:
    first = console()
    sealed = first.vault.seal(OTHER, b"another", ABOUT)
    first.secrets.moments = moments
    with pytest.raises(Stopped):
        first.vault.rotate()

    second = console()
    assert second.vault.open(OTHER, sealed, ABOUT) == b"another"
    assert first.vault.open(OTHER, sealed, ABOUT) == b"another"
    second.vault.rotate()
    assert console().vault.open(OTHER, sealed, ABOUT) == b"another"
    assert len(second.secrets.names()) == 1
    with closing(sqlite3.connect(tmp_path / "keys.db")) as db:
        assert db.execute("SELECT * FROM unneeded_secrets").fetchall() == []
        assert len(db.execute("SELECT * FROM device_secrets").fetchall()) == 1


def test_a_place_that_refuses_the_new_secret_costs_nothing(
    console: Callable[..., Console], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = console()
    sealed = first.vault.seal(OTHER, b"another", ABOUT)

    def refuse(name: str, value: bytes) -> None:
        raise SecretsUnavailable(f"No room for {name}.")

    with monkeypatch.context() as patched:
        patched.setattr(first.secrets, "set", refuse)
        with pytest.raises(SecretsUnavailable):
            first.vault.rotate()
    assert first.vault.open(OTHER, sealed, ABOUT) == b"another"
    assert console().vault.open(OTHER, sealed, ABOUT) == b"another"
    first.vault.rotate()
    assert first.vault.open(OTHER, sealed, ABOUT) == b"another"


def test_another_console_goes_on_with_the_new_wrapping_key(console: Callable[..., Console]) -> None:
    first, second = console().vault, console().vault
    sealed = second.seal(OTHER, b"another", ABOUT)
    second.seal(CASE, b"a kind word", ABOUT)
    first.erase([CASE])
    first.rotate()
    new = second.seal("2" * 32, b"new", ABOUT)

    with pytest.raises(Erased):  # it had that key in memory
        second.seal(CASE, b"", ABOUT)
    assert second.open(OTHER, sealed, ABOUT) == b"another"
    assert console().vault.open("2" * 32, new, ABOUT) == b"new"


def test_keys_that_are_made_meanwhile_are_wrapped_anew_too(
    console: Callable[..., Console], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = console(), console()
    sealed: dict[str, bytes] = {}
    again = erasing._again

    def meanwhile(old: bytes, new: bytes, *row: str | bytes) -> bytes | None:
        if not sealed:
            sealed["2" * 32] = second.vault.seal("2" * 32, b"in between", ABOUT)
            second.vault.erase([CASE])
        return again(old, new, *row)  # type: ignore[arg-type]

    first.vault.seal(CASE, b"", ABOUT)
    first.vault.seal(OTHER, b"", ABOUT)
    monkeypatch.setattr(erasing, "_again", meanwhile)
    first.vault.rotate()

    third = console().vault
    assert third.open("2" * 32, sealed["2" * 32], ABOUT) == b"in between"
    with pytest.raises(Erased):
        third.seal(CASE, b"", ABOUT)


def test_two_consoles_rotating_at_once_never_use_a_secret_that_was_taken_away(
    console: Callable[..., Console], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = console(), console()
    sealed = first.vault.seal(OTHER, b"another", ABOUT)
    put = first.secrets.set
    stored: list[str] = []

    def and_the_other_too(name: str, value: bytes) -> None:
        put(name, value)
        stored.append(name)
        if len(stored) == 1:
            second.vault.rotate()  # takes away what is noted as unneeded: ours, that is not in use yet

    monkeypatch.setattr(first.secrets, "set", and_the_other_too)
    first.vault.rotate()

    assert len(stored) == 2
    assert all(
        each.open(OTHER, sealed, ABOUT) == b"another" for each in (first.vault, second.vault, console().vault)
    )
    assert first.secrets.names() == [stored[1]]


def test_an_entry_that_is_sealed_in_that_very_moment_gets_no_key(
    tmp_path: Path, console: Callable[..., Console], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = console().vault, console().vault
    second.seal(CASE, b"", ABOUT)
    new_key = ciphers.new_key

    def after_the_erasure() -> bytes:
        first.erase([CASE])
        return new_key()

    monkeypatch.setattr(ciphers, "new_key", after_the_erasure)
    with pytest.raises(Erased):
        second.seal_entry(CASE, b"body", ABOUT)
    with closing(sqlite3.connect(tmp_path / "keys.db")) as db:
        assert db.execute("SELECT * FROM entry_keys").fetchall() == []


def test_a_home_from_before_there_was_erasing_opens_and_can_erase(
    tmp_path: Path, console: Callable[..., Console]
) -> None:
    vault = console().vault
    sealed = vault.seal(OTHER, b"another", ABOUT)
    vault.close()
    with closing(sqlite3.connect(tmp_path / "keys.db", isolation_level=None)) as db:
        for table in ("wrapping", "unneeded_secrets", "erased_cases"):  # what the third migration made
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version=2")

    again = console().vault
    again.erase([CASE])
    again.rotate()
    assert again.open(OTHER, sealed, ABOUT) == b"another"


def test_a_key_that_opens_no_more_is_left_as_it_is_and_stops_nothing(
    tmp_path: Path, console: Callable[..., Console]
) -> None:
    vault = console().vault
    sealed = vault.seal(OTHER, b"another", ABOUT)
    with closing(sqlite3.connect(tmp_path / "keys.db", isolation_level=None)) as db:
        db.execute("INSERT INTO case_keys VALUES (?, ?)", (CASE, bytes(60)))
    vault.rotate()

    assert vault.open(OTHER, sealed, ABOUT) == b"another"
    assert wrapped_keys(tmp_path)[CASE] == bytes(60)


def test_old_pages_that_somebody_reads_are_said_to_be_there_still(
    tmp_path: Path, console: Callable[..., Console]
) -> None:
    vault = console(busy_seconds=0.05).vault
    vault.seal(CASE, b"a kind word", ABOUT)
    with closing(sqlite3.connect(tmp_path / "keys.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM case_keys").fetchone()
        vault.erase([CASE])
        assert not vault.clear_wal()
        reader.execute("ROLLBACK")
        assert vault.clear_wal()


def test_a_sealed_file_changes_its_wrapping_key_as_well(tmp_path: Path) -> None:
    def opened() -> KeyVault:
        secrets = SealedFileSecrets(tmp_path / "secrets.sealed", cost=Cost(2**4, 1, 1))
        vault = KeyVault(tmp_path / "keys.db", secrets)
        vault.unlock("a few quiet words")
        return vault

    with closing(opened()) as vault:
        sealed = vault.seal(OTHER, b"another", ABOUT)
        vault.rotate()
    with closing(opened()) as vault:
        assert vault.open(OTHER, sealed, ABOUT) == b"another"


def test_a_lost_new_wrapping_key_is_never_replaced_quietly(console: Callable[..., Console]) -> None:
    first = console()
    first.vault.rotate()
    (name,) = first.secrets.names()
    first.secrets.delete(name)

    with pytest.raises(VaultError, match="no longer in") as caught:
        console()
    assert "no new one was made" in caught.value.kept
