"""The one Desk: what screens and commands speak to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from modconsole.core.errors import LogError

if TYPE_CHECKING:
    from modconsole.core.protocol import Resource
    from modconsole.desk.approvals import Approvals
    from modconsole.desk.casework import Casework
    from modconsole.desk.decisions import Decisions
    from modconsole.desk.forums import Forums
    from modconsole.desk.intake import Intake
    from modconsole.desk.settings_first import SettingsFirst
    from modconsole.ports.library import ProtocolLibrary
    from modconsole.ports.settings import Contact, Settings
    from modconsole.ports.store import CaseStore
    from modconsole.ports.vault import Vault

__all__ = ["Desk", "Emergency"]


@dataclass(frozen=True, slots=True)
class Emergency:
    """The emergency panel. Made without keys, network or protocol, so that nothing can stand before it."""

    lines: tuple[Resource, ...]
    contacts: tuple[Contact, ...]
    say: tuple[str, ...]
    """What to say aloud, line by line."""
    problem: str = ""


SAY = (
    "“I am a moderator of an online peer-support forum. There is a real and immediate risk to somebody’s life.”",
    "The exact words that were posted, and when.",
    "What you hold that could help to find them: name, place, e-mail, phone.",
    "Ask: will somebody attend? If not: which service will? Write down the log number.",
)
"""Safeguarding guide, sheet 3.1, step 2: what a call handler needs to hear, and what to ask back."""

FALLBACK = "Ring the emergency number of the place the person is in (in the UK: 999)."


@dataclass(frozen=True)
class Desk:
    """Holds the parts of the work together. Each part says one thing; this class decides nothing."""

    settings: Settings
    vault: Vault
    store: CaseStore
    """The queue is read straight from it; only the desk's own parts write."""
    log: SettingsFirst
    library: ProtocolLibrary
    forums: Forums
    intake: Intake
    cases: Casework
    decisions: Decisions
    now: Callable[[], datetime]
    approvals: Approvals

    def load(self) -> Iterator[object]:
        """Load what the next steps of the work will need, a piece each time the next is asked for.

        Nothing depends on it: whatever is not loaded yet is loaded when it is needed, and whoever needs it waits.
        """
        return iter(())

    def unlock(self, passphrase: str = "") -> LogError | None:
        """Open the vault, and seal `config_changed` if the settings are not those of the last sealed start.

        A log that cannot be used keeps nobody from reading and answering: the vault is open all the same, and the
        settings are sealed before whatever is sealed next.

        Returns:
            What is wrong with the log, if the settings could not be sealed.

        Raises:
            VaultLocked, SecretsUnavailable
        """
        self.vault.unlock(passphrase)
        try:
            self.log.seal_settings()
        except LogError as error:
            return error
        return None

    def emergency(self, place: str = "") -> Emergency:
        """Give the emergency panel for a place, or for where the service works. Never raises, never waits."""
        places = (place,) if place else self.settings.service.jurisdictions
        contacts = self.settings.service.contacts
        try:
            lines = tuple(self.library.emergency(places))
            problem = "" if lines else "There is no emergency line in the files here."
        except Exception as error:  # noqa: BLE001 - whatever is broken, it never stands before an emergency
            lines = ()
            problem = f"The list of emergency lines cannot be read: {error}"
        return Emergency(lines, contacts, SAY if lines else (FALLBACK, *SAY), problem)
