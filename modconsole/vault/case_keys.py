"""The keys of cases: made on first use, kept wrapped, the latest ones remembered unwrapped."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

from modconsole.core.errors import Erased, VaultError
from modconsole.vault import ciphers
from modconsole.vault.database import transaction
from modconsole.vault.erasing import Wrapping, about_case_key, is_erased

__all__ = ["CaseKeys"]

_REMEMBERED = 4096
_AT_ONCE = 500  # SQLite takes a limited number of parameters in one statement


class CaseKeys:
    """Case keys by case token. The token "" stands for the service itself."""

    def __init__(self, db: sqlite3.Connection, wrapping: Wrapping) -> None:
        self._db = db
        self._wrapping = wrapping
        self._version = wrapping.version
        self._remembered: OrderedDict[str, bytes] = OrderedDict()

    def _wrapping_key(self) -> bytes:
        """Give the wrapping key, and forget every case key if another console has erased some since."""
        key = self._wrapping.key()
        if self._wrapping.version != self._version:
            self._version = self._wrapping.version
            self._remembered.clear()
        return key

    def get(self, case: str) -> bytes | None:
        """Give a case's key; None when it has none, or has none any more."""
        return self._known([case]).get(case)

    def get_or_make(self, case: str) -> bytes:
        return self.get(case) or self.get_or_make_many([case])[case]

    def get_or_make_many(self, cases: Iterable[str]) -> dict[str, bytes]:
        """Give the keys of many cases. New ones are durable, in one transaction, when this returns.

        Raises:
            Erased: One of them was erased, and never gets a key again.
        """
        wanted = list(dict.fromkeys(cases))
        self._wrapping_key()
        keys = {case: self._remembered[case] for case in wanted if case in self._remembered}
        if len(keys) < len(wanted):
            with transaction(self._db):  # which another console has to wait for, or both would make a key
                wrapping = self._wrapping_key()
                keys = self._known(wanted)
                new = {case: ciphers.new_key() for case in wanted if case not in keys}
                if any(is_erased(self._db, case) for case in new):
                    raise Erased("This case was erased, so nothing about it can be kept any more.")
                self._db.executemany(
                    'INSERT INTO case_keys ("case", wrapped) VALUES (?, ?)',
                    (
                        (case, ciphers.encrypt(wrapping, key, about_case_key(case)))
                        for case, key in new.items()
                    ),
                )
            keys |= new
            self._remember(new)
        return keys

    def _known(self, cases: Sequence[str]) -> dict[str, bytes]:
        wrapping, version = self._wrapping_key(), self._version
        keys = {case: self._remembered[case] for case in cases if case in self._remembered}
        try:
            stored = dict(self._stored([case for case in cases if case not in keys], wrapping))
        except VaultError:
            self._wrapping_key()
            if self._version == version:
                raise
            return self._known(cases)  # they were wrapped anew between the two looks
        self._remember(stored)
        return keys | stored

    def _stored(self, cases: Sequence[str], wrapping: bytes) -> Iterator[tuple[str, bytes]]:
        for at in range(0, len(cases), _AT_ONCE):
            some = cases[at : at + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(
                f'SELECT "case", wrapped FROM case_keys WHERE "case" IN ({marks})',  # noqa: S608 - only marks
                some,
            )
            for case, wrapped in rows:
                yield case, ciphers.unwrap(wrapping, wrapped, about_case_key(case))

    def _remember(self, keys: dict[str, bytes]) -> None:
        for case, key in keys.items():
            self._remembered[case] = key
            self._remembered.move_to_end(case)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
