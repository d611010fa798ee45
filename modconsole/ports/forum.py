"""The adapter contract: what a forum's adapter promises, and what it is given.

An adapter is a class in a package of its own that subclasses `Forum` and is named by an entry point in the group
`modconsole.adapters`. It is treated as a stranger: it runs on its own thread, its answers are checked, and whatever it
raises costs its own forum a banner and nothing else.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from modconsole.core.actions import Action, ActionOrder, Outcome, TargetState
from modconsole.core.model import Flag, Member, Post, Target, Thread

__all__ = [
    "API_VERSION",
    "Ability",
    "Answer",
    "Capabilities",
    "Cursor",
    "Feature",
    "FlagPage",
    "Forum",
    "ForumContext",
    "ForumInfo",
    "ForumSecrets",
    "Identity",
    "Resolved",
    "Support",
    "Web",
    "setting",
]

API_VERSION = 1
"""An adapter states the version it was written for; another one is refused with a sentence."""

Cursor = str
"""Where an adapter left off. Opaque to us, kept between starts; empty means from the beginning."""


class Support(StrEnum):
    """How far a forum can do something."""

    NATIVE = "native"
    """The forum does it."""
    EMULATED = "emulated"
    """We do it with other calls, and say so."""
    NONE = "none"
    """The moderator does it by hand, and confirms."""
    UNWRITTEN = "unwritten"
    """The forum could; this adapter does not yet."""


@dataclass(frozen=True, slots=True)
class Ability:
    support: Support
    note: str = ""
    """What the moderator should know before confirming, such as `only subscribers of our labels stop seeing it`."""

    @property
    def works(self) -> bool:
        return self.support in (Support.NATIVE, Support.EMULATED)


class Feature(StrEnum):
    THREAD = "thread"
    MEMBER = "member"
    HISTORY = "history"
    CLAIM = "claim"
    READ_STATE = "read_state"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a forum can do. Anything not named is `none`."""

    actions: Mapping[Action, Ability] = field(default_factory=dict)
    features: Mapping[Feature, Ability] = field(default_factory=dict)

    def of(self, wanted: Action | Feature) -> Ability:
        found = self.actions.get(wanted) if isinstance(wanted, Action) else self.features.get(wanted)
        return found or Ability(Support.NONE)


@dataclass(frozen=True, slots=True)
class ForumInfo:
    """Who we are on the forum, and what this token may really do there."""

    name: str
    server: str
    version: str
    me: str
    me_name: str
    capabilities: Capabilities
    clock_skew: float = 0.0
    """Seconds the forum's clock is ahead of ours."""
    missing: tuple[str, ...] = ()
    """Rights the token lacks, each with what then has to be done by hand."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A target whose flags were answered elsewhere: by another moderator, on the forum itself."""

    target: Target
    at: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class FlagPage:
    """One page of flags, with the posts they are about as they are now."""

    flags: tuple[Flag, ...]
    posts: tuple[Post, ...] = ()
    """The flagged posts, as far as the forum gave them; they become the frozen evidence."""
    resolved: tuple[Resolved, ...] = ()
    cursor: Cursor = ""
    """Where to go on if we stop after this page."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a member really is: shown only after break-glass, never stored, never logged."""

    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. `data` is the parsed JSON, or None where there was no body."""

    status: int
    headers: Mapping[str, str]
    data: Any


class Web(ABC):
    """The HTTP client adapters are handed: one base address, time-outs, retries, limits, and no secret ever shown."""

    @abstractmethod
    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | Sequence[str]] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        token: str = "",
        repeatable: bool | None = None,
    ) -> Answer:
        """Make one call and give its answer when the status is 2xx.

        Args:
            path: Appended to the base address; the caller has percent-encoded its parts.
            query: A sequence becomes repeated parameters.
            body: Sent as JSON.
            token: Sent as `Authorization: Bearer`; kept out of every message and traceback.
            repeatable: Whether the call may be repeated after a time-out or 5xx. Default: only GET, HEAD and PUT.

        Raises:
            ForumError: Every other status and failure, as one of its children, with `status` and the parsed `answer`
                set where there was one, so that the adapter can look twice.
        """

    @abstractmethod
    async def close(self) -> None: ...


class ForumSecrets(ABC):
    """This forum's own drawer in the keyring."""

    @abstractmethod
    def get(self, name: str) -> str:
        """Give the secret, or an empty string when there is none."""

    @abstractmethod
    def set(self, name: str, value: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ForumContext:
    """What an adapter is given when it is made."""

    id: str
    """The forum's id in the settings."""
    settings: Any
    """An instance of the adapter's own `Settings`, checked; secret fields are not in it."""
    secrets: ForumSecrets
    web: Callable[[str], Web]
    """Makes a client for one base address."""
    now: Callable[[], datetime]
    folder: Path | None = None
    """A folder of this forum's own under the data folder, where an adapter may keep files. Exists; mode 0700."""


def setting(
    label: str,
    *,
    help: str = "",
    default: Any = dataclasses.MISSING,
    secret: bool = False,
    choices: Sequence[str] = (),
) -> Any:
    """Declare one field of an adapter's `Settings` dataclass: the connect form, the checks and the docs come from it.

    A secret field is asked for, kept in the keyring, and read with `context.secrets.get(<field name>)`; in the
    dataclass it is always empty.
    """
    metadata = {"label": label, "help": help, "secret": secret, "choices": tuple(choices)}
    if secret:
        return dataclasses.field(default="", repr=False, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


class Forum(ABC):
    """One kind of forum. Everything is `async`; nothing may block its loop for long.

    It raises only `ForumError` and its children.
    """

    api: ClassVar[int] = API_VERSION
    kind: ClassVar[str]
    """One word for this kind of forum, the same as the entry point's name."""
    title: ClassVar[str]
    """What moderators call it, such as `Matrix (Synapse)`."""
    Settings: ClassVar[type[Any]]
    """A frozen dataclass whose fields are made with `setting()`."""
    capabilities: ClassVar[Capabilities]
    """What the adapter can do at best; `connect` says what this token may do."""
    poll_seconds: ClassVar[float] = 30.0

    def __init__(self, context: ForumContext) -> None:
        self.context = context

    @abstractmethod
    async def connect(self) -> ForumInfo:
        """Say who we are there, and what this token may really do. Called first, and again after a failure."""

    @abstractmethod
    def flags(self, since: Cursor) -> AsyncIterator[FlagPage]:
        """Give what is new since `since`, page by page, and what was resolved elsewhere.

        At least once: a flag may come again, with the same id. Ends when there is nothing more for now.
        """

    @abstractmethod
    async def thread(self, target: Target, before: int, after: int) -> Thread:
        """Give the post with up to that many posts before and after it."""

    @abstractmethod
    async def post(self, target: Target) -> Post:
        """Give the post as it is now.

        Raises:
            NotFound: It is not there any more.
        """

    @abstractmethod
    async def member(self, id: str) -> Member: ...

    @abstractmethod
    async def history(self, id: str, limit: int) -> tuple[Post, ...]:
        """Give the member's latest posts, newest first; empty where the forum cannot tell."""

    async def claim(self, target: Target) -> None:  # noqa: B027 - a forum without claims does nothing
        """Show colleagues on the forum that somebody is on it, where the forum has that."""

    async def release(self, target: Target) -> None:  # noqa: B027
        """Take the claim back."""

    @abstractmethod
    async def ask(self, order: ActionOrder) -> Outcome:
        """Carry out one action and say what the forum says afterwards, never what was hoped.

        Reads before it writes: what is already so is `already`; a post that is no longer the version the moderator
        read is `conflict`; a deliberate no of the server is `refused`. When `order.attempt` is above 1 an earlier try
        may have arrived: look for its traces first. What cannot be proved about a message is `unknown`, and a message
        is never sent a second time on a guess.
        """

    @abstractmethod
    async def read_state(self, target: Target) -> TargetState:
        """Say what the forum says about the target now."""

    async def identity(self, id: str) -> Identity:
        """Say who the member really is, where the token may see it. Called only behind the break-glass."""
        return Identity({})

    async def close(self) -> None:  # noqa: B027
        """Let go of connections. Called once, also after a failure."""
