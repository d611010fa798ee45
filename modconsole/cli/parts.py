"""What the command line is handed. Everything is made only when a command asks for it, so each starts fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modconsole.core.cosignature import WitnessAnswer
    from modconsole.desk.desk import Desk
    from modconsole.ports.audit import AuditLog
    from modconsole.ports.gathered import Gathered
    from modconsole.ports.library import ProtocolLibrary
    from modconsole.ports.log_tools import LogTools
    from modconsole.ports.protocol_tools import ProtocolTools
    from modconsole.ports.resource_notes import ResourceNotes
    from modconsole.ports.settings import AdapterCatalogue, Settings, SettingsFile
    from modconsole.ports.store import CaseStore
    from modconsole.ports.vault import Secrets
    from modconsole.ports.witnessing import Witness, Witnessed


__all__ = ["Check", "Parts"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing `doctor` looked at."""

    name: str
    ok: bool
    found: str
    mend: str = ""
    """How to mend it, when it is not well."""


@dataclass(frozen=True, slots=True)
class Parts:
    places: Callable[[], Mapping[str, Path]]
    """Where everything is, by name, for `config path` and `doctor`."""
    settings_file: Callable[[], SettingsFile]
    catalogue: Callable[[], AdapterCatalogue]
    secrets: Callable[[], Secrets]
    """Unlocked, ready to take a token."""
    queue: Callable[[], tuple[Settings, CaseStore]]
    """What it takes to list the queue, and no more."""
    log: Callable[[], tuple[Settings, AuditLog]]
    """The log alone, to be read: it needs neither the cases nor an open vault."""
    tools: Callable[[], ProtocolTools]
    """What authors do with protocol files; needs neither vault nor store."""
    log_tools: Callable[[], LogTools]
    """Logs as files: checking a stranger's needs neither vault nor home."""
    gathered: Callable[[], Gathered]
    """Other devices' logs, as they were taken in here."""
    witness: Callable[[], Witness]
    """Countersigns other devices' logs."""
    witnessed: Callable[[], Witnessed]
    """Asks for countersignatures of ours."""
    post_to_witness: Callable[[str, str], WitnessAnswer]
    """Sends a request to a witness on the network, by its address, and gives the answer."""
    library: Callable[[], ProtocolLibrary]
    resource_notes: Callable[[], ResourceNotes]
    """The service's own copies of the crisis resource files."""
    desk: Callable[[], Desk]
    """The desk with its vault still locked; reading the queue needs no more."""
    unlock: Callable[[Desk], None]
    """Opens the vault: keyring, passphrase file, or asking once on the terminal."""
    start_config: Callable[[], None]
    """Writes a first config.toml, with comments, when there is none."""
    with_new_settings: Callable[[], Parts]
    """The same home after its settings file was changed."""
    prepare_demo: Callable[[Path | None, int, int], Path]
    """Builds a demo home (folder or a temporary one, cases, seed) and gives where it is."""
    open_console: Callable[[], int]
    checks: Callable[[], Sequence[Check]]
