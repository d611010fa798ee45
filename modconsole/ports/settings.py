"""Settings as the parts see them, and the adapters that were found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modconsole.core.clocks import StaffedHours
    from modconsole.ports.forum import Forum

__all__ = [
    "AdapterCatalogue",
    "AdapterInfo",
    "Contact",
    "ForumSettings",
    "LookSettings",
    "ServiceSettings",
    "SettingValue",
    "Settings",
    "SettingsFile",
]


@dataclass(frozen=True, slots=True)
class Contact:
    """Someone of the service to reach in an emergency. Lives in the settings, never in a shipped file."""

    role: str
    name: str
    reach: str
    """How to reach them, as typed: a number, a channel, a room."""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    org: str
    time_zone: str
    staffed_hours: StaffedHours | None
    staffed_lines: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    age_bands: tuple[str, ...]
    forum_types: tuple[str, ...]
    allow_drafts: bool = False
    undo_seconds: int = 10
    contacts: tuple[Contact, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    """A forum's reason, or one of our topics, to the topic it should count as."""
    protocols: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """A topic to the service's own protocols for it, suggested before the built-in ones."""
    approvers: tuple[str, ...] = ()
    """The C2SP verifier keys of those whose approvals count here as soon as they are taken over."""
    witnesses: tuple[str, ...] = ()
    """The C2SP verifier keys of those whose countersignatures count for our log."""
    witness_policy: int = 1
    """How many of them make an entry witnessed."""


SettingValue = str | bool | Sequence[str]
"""What a key that people are asked about can hold."""


@dataclass(frozen=True, slots=True)
class ForumSettings:
    id: str
    kind: str
    values: Mapping[str, object]
    """The adapter's own settings, as read; the adapter's dataclass checks them."""


@dataclass(frozen=True, slots=True)
class LookSettings:
    theme: str = "dark"
    """`dark`, `light`, `contrast` or `plain` (no colour)."""
    unfold: bool = False
    """Show text at once instead of folded."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Command id to keys, such as `queue.next = "j,down"`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything `config.toml` says, checked."""

    home: Path
    demo: bool
    service: ServiceSettings
    me: str
    """Our pseudonym in the log."""
    role: str
    device: str
    forums: tuple[ForumSettings, ...]
    look: LookSettings
    hash: str
    """SHA-256 of what the settings say (not of the file's bytes), sealed when it changes."""


class SettingsFile(ABC):
    """The one TOML file."""

    @property
    @abstractmethod
    def path(self) -> Path: ...

    @abstractmethod
    def read(self) -> Settings:
        """Read and check it.

        Raises:
            SettingsError: Names file, line, column, what was found and what was expected; all mistakes at once.
        """

    @abstractmethod
    def add_forum(self, forum: ForumSettings) -> None:
        """Write one more `[[forum]]`, keeping everything else in the file as it is."""

    @abstractmethod
    def remove_forum(self, id: str) -> None: ...

    @abstractmethod
    def change(self, section: str, values: Mapping[str, SettingValue]) -> None:
        """Set some keys of `[service]` or `[reasons]`, keeping everything else in the file as it is, comments too.

        Raises:
            SettingsError: The file would not be one we can follow, or is written in a way that cannot be changed
                safely. Nothing was changed.
        """

    @abstractmethod
    def add_contact(self, contact: Contact) -> None:
        """Write one more `[[service.contacts]]`, keeping everything else in the file as it is.

        Raises:
            SettingsError: As for `change`.
        """

    @abstractmethod
    def explain(self) -> Sequence[tuple[str, str, str]]:
        """Give every setting as (name, value, where it comes from)."""


@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """An adapter that was found. Listing imports none of them."""

    kind: str
    distribution: str
    version: str
    problem: str = ""
    """Why it cannot be used, in a sentence; empty when it can."""


class AdapterCatalogue(ABC):
    @abstractmethod
    def list(self) -> Sequence[AdapterInfo]: ...

    @abstractmethod
    def load(self, kind: str) -> type[Forum]:
        """Load one adapter's class.

        Raises:
            WrongUsage: There is none of this kind, or it was written for another contract version; says which.
        """

    @abstractmethod
    def open(self, forum: ForumSettings) -> Forum:
        """Make a forum ready to be used, isolated on a thread of its own.

        Raises:
            SettingsError: Its settings do not fit its adapter.
        """

    @abstractmethod
    def settings_problems(self, forum: ForumSettings) -> Sequence[str]:
        """Check a forum's settings against its adapter's, all mistakes at once."""
