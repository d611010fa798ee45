"""Sealing, opening, signing; and that keys are durable, wrapped, and never quietly replaced."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from modconsole.core.errors import VaultError, VaultLocked
from modconsole.ports.vault import KeptHead
from modconsole.vault import DemoSecrets, KeyVault

CASE, OTHER = "0" * 32, "1" * 32
ORIGIN = "modconsole.example/front-desk/2026Q4"
HEAD = KeptHead(ORIGIN, 3, b"r" * 32, b"t" * 32, b"p" * 32)


def a_vault(home: Path, *, busy_seconds: float = 10.0) -> KeyVault:
    vault = KeyVault(home / "keys.db", DemoSecrets(home / "demo.json"), busy_seconds=busy_seconds)
    vault.unlock()
    return vault


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[KeyVault]:
    vault = a_vault(tmp_path)
    yield vault
    vault.close()


def test_what_was_sealed_opens_for_the_same_case_and_purpose_only(vault: KeyVault) -> None:
    sealed = vault.seal(CASE, b"a kind word", b"note 1")
    vault.seal(OTHER, b"", b"")

    assert vault.open(CASE, sealed, b"note 1") == b"a kind word"
    for case, text, about in (
        (OTHER, sealed, b"note 1"),
        (CASE, sealed, b"note 2"),
        (CASE, sealed[:-1], b"note 1"),
        (CASE, b"", b"note 1"),
    ):
        with pytest.raises(VaultError, match="not what was sealed"):
            vault.open(case, text, about)


def test_keys_survive_the_vault_being_closed(tmp_path: Path, vault: KeyVault) -> None:
    sealed = vault.seal(CASE, b"a kind word", b"note 1")
    entry, _, commitment = vault.seal_entry("", b"body", b"entry")
    vault.close()

    again = a_vault(tmp_path)
    assert again.open(CASE, sealed, b"note 1") == b"a kind word"
    assert again.open_entry("", entry, b"entry", commitment) == b"body"
    again.close()


def test_many_are_sealed_under_the_same_keys_as_one(vault: KeyVault) -> None:
    cases = [f"{number:032x}" for number in range(1200)]
    vault.seal(cases[7], b"", b"")
    sealed = vault.seal_many((case, case.encode(), b"file") for case in [*cases, cases[0]])

    assert len(sealed) == 1201
    for case, text in zip(cases, sealed, strict=False):
        assert vault.open(case, text, b"file") == case.encode()
    assert vault.open(cases[0], sealed[-1], b"file") == cases[0].encode()


def test_an_entry_commits_to_its_ciphertext_and_its_key(vault: KeyVault) -> None:
    sealed, ct, commitment = vault.seal_entry(CASE, b"body", b"header")

    assert ct == sha256(sealed).digest()
    assert vault.open_entry(CASE, sealed, b"header", commitment) == b"body"
    for about, kc in ((b"other", commitment), (b"header", bytes(32))):
        with pytest.raises(VaultError, match="commits to"):
            vault.open_entry(CASE, sealed, about, kc)


def test_an_entry_whose_key_is_gone_reads_as_erased(tmp_path: Path, vault: KeyVault) -> None:
    sealed, ct, commitment = vault.seal_entry(CASE, b"body", b"header")
    with sqlite3.connect(tmp_path / "keys.db") as db:
        db.execute("DELETE FROM entry_keys WHERE ct=?", (ct,))
    db.close()

    assert vault.open_entry(CASE, sealed, b"header", commitment) is None


def test_a_text_without_a_key_is_said_to_be_erased(vault: KeyVault) -> None:
    with pytest.raises(VaultError, match="erased"):
        vault.open(CASE, bytes(40), b"")


def test_a_locked_vault_does_nothing_with_keys_but_still_knows_the_public_ones(tmp_path: Path) -> None:
    open_one = a_vault(tmp_path)
    public = open_one.verify_key(ORIGIN)
    open_one.keep_head(HEAD)
    open_one.close()
    locked = KeyVault(tmp_path / "keys.db", DemoSecrets(tmp_path / "demo.json"))

    for attempt in (
        lambda: locked.seal(CASE, b"", b""),
        lambda: locked.seal_many([(CASE, b"", b"")]),
        lambda: locked.open(CASE, b"", b""),
        lambda: locked.seal_entry(CASE, b"", b""),
        lambda: locked.open_entry(CASE, b"", b"", b""),
        lambda: locked.pseudonym("forum", "member"),
        lambda: locked.sign(ORIGIN, b""),
        lambda: locked.verify_key("another"),
    ):
        with pytest.raises(VaultLocked):
            attempt()
    assert locked.verify_key(ORIGIN) == public
    assert locked.kept_heads() == [HEAD]
    locked.close()


def test_a_pseudonym_is_stable_here_and_means_nothing_elsewhere(tmp_path: Path, vault: KeyVault) -> None:
    first = vault.pseudonym("forum", "member-1")
    vault.close()
    again, elsewhere = a_vault(tmp_path), a_vault(tmp_path / "elsewhere")

    assert again.pseudonym("forum", "member-1") == first
    assert len(first) == 32
    assert len({first, again.pseudonym("forum", "member-2"), again.pseudonym("forum-2", "member-1")}) == 3
    assert elsewhere.pseudonym("forum", "member-1") != first
    again.close()
    elsewhere.close()


def test_each_log_has_a_key_of_its_own_that_anybody_can_check(vault: KeyVault) -> None:
    signature = vault.sign(ORIGIN, b"head")

    Ed25519PublicKey.from_public_bytes(vault.verify_key(ORIGIN)).verify(signature, b"head")
    assert vault.verify_key(ORIGIN) != vault.verify_key("another")


def _unlock_and_sign(vault: KeyVault) -> None:
    vault.unlock()
    vault.sign(ORIGIN, b"")


@pytest.mark.parametrize("name", ["wrapping-key", f"log-key {ORIGIN}"])
@pytest.mark.parametrize(
    ("put", "says"), [(None, "no longer"), (bytes(32), "not the one"), (b"x", "damaged")]
)
def test_a_lost_or_swapped_secret_is_never_replaced(
    tmp_path: Path, name: str, put: bytes | None, says: str
) -> None:
    first = a_vault(tmp_path)
    first.sign(ORIGIN, b"")
    first.close()
    secrets = DemoSecrets(tmp_path / "demo.json")
    secrets.delete(name) if put is None else secrets.set(name, put)
    before = secrets.get(name)
    vault = KeyVault(tmp_path / "keys.db", secrets)

    with pytest.raises(VaultError, match=says) as caught:
        _unlock_and_sign(vault)

    assert "no new one was made" in caught.value.kept
    assert secrets.get(name) == before
    vault.close()


def test_a_kept_head_never_goes_back(vault: KeyVault) -> None:
    later = KeptHead(ORIGIN, 4, b"s" * 32, b"u" * 32, b"p" * 32)
    for head in (HEAD, later, HEAD):
        vault.keep_head(head)

    assert vault.kept_heads() == [later]


def test_the_file_is_private_durable_and_holds_no_key_in_the_clear(tmp_path: Path, vault: KeyVault) -> None:
    vault.seal(CASE, b"a kind word", b"")
    vault.pseudonym("forum", "member")
    keys = vault._keys._remembered.values()
    own = [*keys, vault._keys._wrapping.key(), vault._pseudonym_key]

    for file in tmp_path.glob("keys.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert not [key for key in own if key in file.read_bytes()]
    settings = ("journal_mode", "synchronous", "secure_delete")
    assert [vault._db.execute(f"PRAGMA {name}").fetchone()[0] for name in settings] == ["wal", 2, 1]
    assert not [key for key in own if key.hex() in repr(vault) or repr(key) in repr(vault)]


def test_a_damaged_or_newer_file_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_bytes(b"not a database, whatever it was before" * 50)
    with pytest.raises(VaultError, match="damaged"):
        a_vault(tmp_path)
    (tmp_path / "keys.db").unlink()
    a_vault(tmp_path).close()
    with sqlite3.connect(tmp_path / "keys.db") as db:
        db.execute("PRAGMA user_version=99")
    db.close()

    with pytest.raises(VaultError, match="newer") as caught:
        a_vault(tmp_path)
    assert caught.value.next_step == "Use the newer version."


def test_a_full_disk_keeps_what_was_there(vault: KeyVault) -> None:
    sealed = vault.seal(CASE, b"a kind word", b"")
    vault._db.execute(f"PRAGMA max_page_count={vault._db.execute('PRAGMA page_count').fetchone()[0]}")

    with pytest.raises(VaultError, match="disk is full"):
        vault.seal_many((f"{number:032x}", b"", b"") for number in range(2, 5000))

    assert vault.open(CASE, sealed, b"") == b"a kind word"


def test_another_console_that_holds_the_keys_too_long_is_named(tmp_path: Path) -> None:
    vault = a_vault(tmp_path, busy_seconds=0.01)
    other = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(VaultError, match="Another console"):
        vault.seal(CASE, b"", b"")
    other.close()
    vault.close()


def test_a_home_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(VaultError, match="cannot be opened"):
        KeyVault(tmp_path / "file" / "keys.db", DemoSecrets(tmp_path / "demo.json")).unlock()


def test_threads_share_one_vault(vault: KeyVault) -> None:
    opened: list[bytes] = []

    def work(number: int) -> None:
        case = f"{number % 3:032x}"
        opened.append(vault.open(case, vault.seal(case, b"%d" % number, b""), b""))

    threads = [Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(opened) == sorted(b"%d" % number for number in range(12))


def test_a_second_console_cannot_make_its_own_keys_while_the_first_does(tmp_path: Path) -> None:
    refused: list[str] = []

    class Slow(DemoSecrets):
        def set(self, name: str, value: bytes) -> None:
            with pytest.raises(VaultError) as caught:
                a_vault(tmp_path, busy_seconds=0.01)
            refused.append(caught.value.what)
            super().set(name, value)

    vault = KeyVault(tmp_path / "keys.db", Slow(tmp_path / "demo.json"))
    vault.unlock()

    assert len(refused) == 1
    assert "Another console" in refused[0]
    vault.close()


def _first_start(home: Path) -> tuple[str, str]:
    vault = a_vault(home)
    answer = vault.pseudonym("forum", "member"), vault.verify_key(ORIGIN).hex()
    vault.close()
    return answer


def test_consoles_started_together_for_the_first_time_make_one_set_of_keys(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        answers = pool.map(_first_start, [tmp_path] * 3)
        pool.close()
        pool.join()

    assert len(set(answers)) == 1


def test_importing_the_part_imports_no_library() -> None:
    code = (
        "import sys, modconsole.vault; print({'keyring', 'cryptography', 'sqlite_utils'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
