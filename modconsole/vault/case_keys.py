"""The keys of cases: made on first use, kept wrapped, the latest ones remembered unwrapped."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

from modconsole.vault import ciphers
from modconsole.vault.database import transaction

__all__ = ["CaseKeys"]

_REMEMBERED = 4096
_AT_ONCE = 500  # SQLite takes a limited number of parameters in one statement


class CaseKeys:
    """Case keys by case token. The token "" stands for the service itself."""

    def __init__(self, db: sqlite3.Connection, wrapping: bytes) -> None:
        self._db = db
        self._wrapping = wrapping
        self._remembered: OrderedDict[str, bytes] = OrderedDict()

    def get(self, case: str) -> bytes | None:
        """Give a case's key; None when it has none, or has none any more."""
        return self._known([case]).get(case)

    def get_or_make(self, case: str) -> bytes:
        return self.get(case) or self.get_or_make_many([case])[case]

    def get_or_make_many(self, cases: Iterable[str]) -> dict[str, bytes]:
        """Give the keys of many cases. New ones are durable, in one transaction, when this returns."""
        wanted = list(dict.fromkeys(cases))
        keys = self._known(wanted)
        if len(keys) < len(wanted):
            with transaction(self._db):
                missing = [case for case in wanted if case not in keys]
                keys |= self._known(missing)  # another console may have made some just now
                new = {case: ciphers.new_key() for case in missing if case not in keys}
                self._db.executemany(
                    'INSERT INTO case_keys ("case", wrapped) VALUES (?, ?)',
                    ((case, ciphers.encrypt(self._wrapping, key, _about(case))) for case, key in new.items()),
                )
            keys |= new
            self._remember(new)
        return keys

    def _known(self, cases: Sequence[str]) -> dict[str, bytes]:
        keys = {case: self._remembered[case] for case in cases if case in self._remembered}
        stored = dict(self._stored([case for case in cases if case not in keys]))
        self._remember(stored)
        return keys | stored

    def _stored(self, cases: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        for at in range(0, len(cases), _AT_ONCE):
            some = cases[at : at + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(
                f'SELECT "case", wrapped FROM case_keys WHERE "case" IN ({marks})',  # noqa: S608 - only marks
                some,
            )
            for case, wrapped in rows:
                yield case, ciphers.unwrap(self._wrapping, wrapped, _about(case))

    def _remember(self, keys: dict[str, bytes]) -> None:
        for case, key in keys.items():
            self._remembered[case] = key
            self._remembered.move_to_end(case)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)


def _about(case: str) -> bytes:
    return b"modconsole case key v1\x00" + case.encode()
