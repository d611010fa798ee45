"""The forums this desk works with: opened when first needed, watched for trouble, never allowed to harm each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from modconsole.core.errors import ForumError, ModconsoleError, NotFound
from modconsole.ports.notify import ForumTrouble, ForumWell, Notifier
from modconsole.ports.settings import AdapterCatalogue, ForumSettings

if TYPE_CHECKING:  # the first screen only names the forums; their contract is loaded with the first adapter
    from modconsole.core.actions import Action
    from modconsole.ports.forum import Ability, Capabilities, Feature, Forum, ForumInfo

__all__ = ["ForumStatus", "Forums"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ForumStatus:
    """How a forum is doing. `trouble` is what the banner shows; None when all is well or nothing was asked yet."""

    id: str
    kind: str
    info: ForumInfo | None = None
    trouble: ForumError | None = None
    since: datetime | None = None


class Forums:
    """Every configured forum by its id."""

    def __init__(
        self,
        catalogue: AdapterCatalogue,
        settings: Sequence[ForumSettings],
        notifier: Notifier,
        now: Callable[[], datetime],
    ) -> None:
        self._catalogue = catalogue
        self._settings = {forum.id: forum for forum in settings}
        self._notifier = notifier
        self._now = now
        self._open: dict[str, Forum] = {}
        self._status = {forum.id: ForumStatus(forum.id, forum.kind) for forum in settings}

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._settings)

    def status(self, id: str) -> ForumStatus:
        """Say how a forum is doing; one that is no longer in the settings is in trouble for good."""
        if id in self._status:
            return self._status[id]
        gone = NotFound(
            f"The forum “{id}” is not in your settings.",
            kept="Its cases, answers and log entries are untouched.",
            next_step="Add it again with `modconsole forum add` to act there.",
        )
        return ForumStatus(id, "", trouble=gone)

    def statuses(self) -> tuple[ForumStatus, ...]:
        return tuple(self._status.values())

    def poll_seconds(self, id: str) -> float:
        return self._forum(id).poll_seconds

    def ability(self, id: str, wanted: Action | Feature) -> Ability:
        """Say how far the forum can do this with our token; before the first contact, what its adapter claims."""
        info = self.status(id).info
        if info is not None:
            return info.capabilities.of(wanted)
        try:
            return self._forum(id).capabilities.of(wanted)
        except ForumError:
            from modconsole.ports.forum import Ability, Support

            return Ability(Support.NONE, "this forum cannot be reached from here")

    def unusable(self, id: str) -> ForumError | None:
        """Say why nothing at all can be asked of this forum from here; None when it is worth a try."""
        try:
            self._forum(id)
        except ForumError as error:
            return error
        return None

    def capabilities(self, id: str) -> Capabilities:
        info = self.status(id).info
        return info.capabilities if info is not None else self._forum(id).capabilities

    async def connect(self, id: str) -> ForumInfo:
        """Ask the forum who we are there. What it says holds until the next time.

        Raises:
            ForumError: Also kept as the forum's trouble.
        """
        info = await self.call(id, lambda forum: forum.connect())
        self._status[id] = ForumStatus(id, self._settings[id].kind, info, None, self._now())
        return info

    async def ready(self, id: str) -> None:
        """Connect if nobody has, or if something failed since: adapters may rely on that.

        Raises:
            ForumError: Nothing was asked of the forum but who we are.
        """
        status = self.status(id)
        if status.info is None or status.trouble is not None:
            await self.connect(id)

    async def call(self, id: str, ask: Callable[[Forum], Awaitable[T]]) -> T:
        """Ask a forum something, and keep note of whether it went well.

        Raises:
            ForumError: The forum or its adapter failed. Trouble with one target (not found, conflict) is no trouble
                with the forum.
        """
        try:
            answer = await ask(self._forum(id))
        except ForumError as error:
            if error.code not in ("not_found", "conflict"):
                self.trouble(id, error)
            raise
        self.well(id)
        return answer

    def trouble(self, id: str, error: ForumError) -> None:
        before = self.status(id)
        self._status[id] = ForumStatus(id, before.kind, before.info, error, self._now())
        self._notifier.tell(ForumTrouble(id, error))

    def well(self, id: str) -> None:
        before = self.status(id)
        if before.trouble is not None and id in self._settings:
            self._status[id] = ForumStatus(id, before.kind, before.info, None, self._now())
            self._notifier.tell(ForumWell(id))

    def opened(self, id: str) -> Forum:
        return self._forum(id)

    async def close(self) -> None:
        """Let go of every forum, also of those that do not want to."""
        import asyncio  # here, because a command that reads the queue has no use for it

        closing = [forum.close() for forum in self._open.values()]
        self._open.clear()
        await asyncio.gather(*closing, return_exceptions=True)

    def _forum(self, id: str) -> Forum:
        if id not in self._settings:
            raise self.status(id).trouble or NotFound(id)
        if id not in self._open:
            try:
                self._open[id] = self._catalogue.open(self._settings[id])
            except ForumError:
                raise
            except ModconsoleError as error:
                # A missing adapter, settings that do not fit it, a locked keyring: one forum's trouble, nobody else's.
                raise ForumError(error.what, kept=error.kept, next_step=error.next_step) from error
        return self._open[id]
