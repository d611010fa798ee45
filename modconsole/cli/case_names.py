"""Which case an entry of the log is about: only `desk.db` knows, and the log can be read without it."""

from __future__ import annotations

from collections.abc import Callable

from modconsole.core.errors import NoSuchCase, StoreError
from modconsole.ports.settings import Settings
from modconsole.ports.store import CaseStore

__all__ = ["CaseNames"]


class CaseNames:
    """Turns the log's case tokens into the ids that people know, as far as the cases can be read."""

    def __init__(self, queue: Callable[[], tuple[Settings, CaseStore]]) -> None:
        self._queue = queue
        self.trouble: StoreError | None = None
        """Why ids are missing; None when none is."""

    def id_of(self, token: str) -> str:
        """Give the id of a case; empty when it is not here, or cannot be looked up (see `trouble`)."""
        if not token or self.trouble is not None:
            return ""
        try:
            case = self._queue()[1].case_by_token(token)
        except StoreError as error:
            self.trouble = StoreError(
                f"Which cases these are cannot be looked up. {error.what}",
                kept="The log is not affected: it is read without desk.db.",
                next_step=error.next_step,
            )
            return ""
        return case.id if case else ""

    def token_of(self, id: str) -> str:
        """Give the token of a case.

        Raises:
            NoSuchCase
            StoreError: It cannot be looked up.
        """
        try:
            case = self._queue()[1].case(id)
        except StoreError as error:
            raise StoreError(
                f"Which entries are about “{id}” cannot be looked up. {error.what}",
                kept="The log is not affected: without --case it can be listed.",
                next_step=error.next_step,
            ) from error
        if case is None:
            raise NoSuchCase(f"There is no case “{id}” here.")
        return case.token
