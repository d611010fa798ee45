"""A vault small enough to read, and cases to put into a store. Every word in here is invented."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from modconsole.core.errors import VaultError, VaultLocked
from modconsole.core.model import Case, CaseFile, Flag, Post, Target, TargetKind
from modconsole.core.urgency import Reason, Urgency
from modconsole.ports.vault import Vault

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORDS = "The seedlings came up at last, and Robin of the allotment is proud of them."


class FakeVault(Vault):
    """Keeps no secret from anyone who tries, but what it seals is not readable and opens only where it belongs."""

    def __init__(self) -> None:
        self.locked = False
        self.erased: set[str] = set()
        self._sealed = 0

    @property
    def is_locked(self) -> bool:
        return self.locked

    @property
    def needs_passphrase(self) -> bool:
        return False

    def unlock(self, passphrase: str = "") -> None:
        self.locked = False

    def seal(self, case: str, plain: bytes, about: bytes) -> bytes:
        self._needs_keys()
        self._sealed += 1
        nonce = self._sealed.to_bytes(8, "big")
        return nonce + _tag(case, nonce, about, plain) + _mixed(case, nonce, plain)

    def seal_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[bytes]:
        return [self.seal(*item) for item in items]

    def open(self, case: str, sealed: bytes, about: bytes) -> bytes:
        self._needs_keys()
        nonce, tag, mixed = sealed[:8], sealed[8:24], sealed[24:]
        plain = _mixed(case, nonce, mixed)
        if case in self.erased:
            raise VaultError("The key was erased.")
        if tag != _tag(case, nonce, about, plain):
            raise VaultError("The bytes are not what was sealed here.")
        return plain

    def pseudonym(self, forum: str, member: str) -> str:
        self._needs_keys()
        return hmac.digest(b"this device", f"{forum}\n{member}".encode(), "sha256").hex()[:32]

    def seal_entry(self, case: str, plain: bytes, about: bytes) -> tuple[bytes, bytes, bytes]:
        raise NotImplementedError

    def open_entry(self, case: str, sealed: bytes, about: bytes, commitment: bytes) -> bytes | None:
        raise NotImplementedError

    def sign(self, origin: str, message: bytes) -> bytes:
        raise NotImplementedError

    def verify_key(self, origin: str) -> bytes:
        raise NotImplementedError

    def erase(self, cases: Collection[str]) -> None:
        self.erased |= set(cases)

    def rotate(self) -> None:
        self._needs_keys()

    def clear_wal(self) -> bool:
        return True

    def close(self) -> None:
        self.locked = True

    def _needs_keys(self) -> None:
        if self.locked:
            raise VaultLocked("The keys are locked.")


def _mixed(case: str, nonce: bytes, text: bytes) -> bytes:
    stream = hashlib.shake_128(case.encode() + nonce).digest(len(text))
    return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(text), "big")


def _tag(case: str, nonce: bytes, about: bytes, plain: bytes) -> bytes:
    return hashlib.blake2b(b"\0".join([case.encode(), nonce, about, plain]), digest_size=16).digest()


def a_case(number: int = 1, **changes: Any) -> Case:
    """Make a case that is like every other but for its number and what is asked for."""
    flagged_at = MORNING + timedelta(minutes=number)
    case = Case(
        id=f"c-{number:08d}",
        token=hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest(),
        forum="greenhouse",
        target=Target(TargetKind.POST, f"post-{number}", "@robin:allotment.example"),
        urgency=Urgency.SOON,
        reasons=(Reason("flag:self-harm", "a member said “worried about Robin”: self-harm (soon)"),),
        flagged_at=flagged_at,
        topic="self-harm",
        suggested=("self-harm", "suicide-thoughts"),
        look_due=flagged_at + timedelta(minutes=30),
        act_due=flagged_at + timedelta(hours=2),
        length=len(WORDS),
        member_key="",
    )
    return replace(case, **changes)


def a_file(case: Case, text: str = WORDS) -> CaseFile:
    post = Post(case.target, "@robin:allotment.example", "Robin", text, case.flagged_at, "v1", "Spring")
    flag = Flag(
        f"flag-{case.id}", case.target, "worry", case.flagged_at, "self-harm", "Is Robin all right?", "sam"
    )
    return CaseFile(post, (flag,), seen_version="v1")


def with_file(case: Case) -> tuple[Case, CaseFile]:
    return case, a_file(case)
