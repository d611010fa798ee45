"""One home: its places, its settings, and every part made from them, each only when it is first needed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from modconsole.cli.parts import Check, Parts
from modconsole.config import HOME_VARIABLE, Paths, TomlSettingsFile
from modconsole.core.errors import VaultLocked, WrongUsage

if TYPE_CHECKING:
    from modconsole.audit import SealedLog
    from modconsole.core.cosignature import WitnessAnswer, WitnessPolicy
    from modconsole.desk.desk import Desk
    from modconsole.ports.audit import AuditLog
    from modconsole.ports.gathered import Gathered
    from modconsole.ports.log_tools import LogTools
    from modconsole.ports.notify import Notifier
    from modconsole.ports.protocol_tools import ProtocolTools
    from modconsole.ports.resource_notes import ResourceNotes
    from modconsole.ports.settings import AdapterCatalogue, Settings
    from modconsole.ports.store import CaseStore
    from modconsole.ports.vault import Secrets
    from modconsole.ports.witnessing import Witness, Witnessed
    from modconsole.protocol_files import FileLibrary
    from modconsole.store import DeskStore
    from modconsole.vault import KeyVault

__all__ = ["Home"]

PATIENCE, PATIENCE_AT_A_SCREEN = 10.0, 1.5
"""Seconds to wait for another program that holds one of our files. A screen stands still meanwhile, `!` with it."""


def now() -> datetime:
    return datetime.now(UTC)


class Home:
    """Everything of one home, by name. Opening a part opens no more than that part needs."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._patience = PATIENCE

    @cached_property
    def paths(self) -> Paths:
        return Paths.find(self._environ)

    @cached_property
    def settings_file(self) -> TomlSettingsFile:
        return TomlSettingsFile(self.paths)

    @cached_property
    def settings(self) -> Settings:
        return self.settings_file.read()

    def _made(self) -> Paths:
        """Give the paths with their folders in place: what is about to be opened needs them."""
        self.paths.make()
        return self.paths

    @cached_property
    def secrets(self) -> Secrets:
        from modconsole.vault import choose_secrets

        return choose_secrets(self._made().data, demo=self.settings.demo, environ=self._environ)

    @cached_property
    def vault(self) -> KeyVault:
        from modconsole.vault import KeyVault

        return KeyVault(self._made().keys_db, self.secrets, busy_seconds=self._patience)

    @cached_property
    def store(self) -> DeskStore:
        from modconsole.store import DeskStore

        return DeskStore(self._made().desk_db, self.vault, patience=self._patience)

    @cached_property
    def log(self) -> SealedLog:
        from modconsole.audit import SealedLog

        settings = self.settings
        return SealedLog(
            self._made().log_db,
            self.vault,
            kept=self.vault,
            org=settings.service.org,
            device=settings.device,
            demo=settings.demo,
            now=now,
            busy_seconds=self._patience,
            witnesses=self._witnesses() if settings.service.witnesses else None,
        )

    def _witnesses(self) -> WitnessPolicy:
        from modconsole.core.cosignature import WitnessPolicy, parse_witness_key

        service = self.settings.service
        return WitnessPolicy(tuple(map(parse_witness_key, service.witnesses)), service.witness_policy)

    @cached_property
    def witness(self) -> Witness:
        from modconsole.audit.witnessing import FileWitness

        return FileWitness(
            self._made().witness_db,
            self.vault,
            kept=self.vault,
            name=self._own_name("witness"),
            now=now,
            busy_seconds=self._patience,
        )

    @cached_property
    def witnessed(self) -> Witnessed:
        from modconsole.audit.witnessed import LogWitnessed

        return LogWitnessed(
            self._made().log_db, self._witnesses(), kept=self.vault, now=now, busy_seconds=self._patience
        )

    def _post_to_witness(self, url: str, request: str) -> WitnessAnswer:
        from modconsole.adapters.witness_post import post_to_witness

        return post_to_witness(url, request)

    @cached_property
    def library(self) -> FileLibrary:
        from modconsole.protocol_files import FileLibrary, shipped_folder

        folders = [shipped_folder(), self.paths.own_protocols]
        return FileLibrary(folders, self.paths.kept_protocols, self.paths.cache / "protocols")

    @cached_property
    def tools(self) -> ProtocolTools:
        from modconsole.protocol_files.tools import FileTools

        return FileTools(self.library)

    @cached_property
    def log_tools(self) -> LogTools:
        from modconsole.audit.tools import FileLogTools

        return FileLogTools(lambda: self._made().log_db)

    @cached_property
    def gathered(self) -> Gathered:
        from modconsole.audit.gathering import Gathering

        return Gathering(self._made().review_db, demo=self.settings.demo, busy_seconds=self._patience)

    @cached_property
    def resource_notes(self) -> ResourceNotes:
        from modconsole.protocol_files import shipped_folder
        from modconsole.protocol_files.resource_notes import FileResourceNotes

        return FileResourceNotes(shipped_folder(), self.paths.own_protocols)

    @cached_property
    def catalogue(self) -> AdapterCatalogue:
        from modconsole.adapters import Catalogue

        return Catalogue(demo=self.settings.demo, folder=self.paths.forums, secrets=self.secrets, now=now)

    def queue(self) -> tuple[Settings, CaseStore]:
        """Give what it takes to list the queue, and no more."""
        return self.settings, self.store

    def log_alone(self) -> tuple[Settings, AuditLog]:
        """Give what it takes to read the log, whatever has become of the cases."""
        return self.settings, self.log

    def desk(self, notifier: Notifier | None = None) -> Desk:
        """Make the desk, with its vault still locked."""
        from modconsole.bootstrap.home_desk import HomeDesk
        from modconsole.bootstrap.silent import Silent

        return HomeDesk(self, notifier or Silent(), now)

    def approver(self) -> str:
        """Name who signs approvals here. Not the log's own name: that changes with every quarter."""
        return self._own_name("approvals")

    def _own_name(self, what: str) -> str:
        """Name a key of this device that is no log's."""
        from modconsole.audit.origins import slug

        service = "demo" if self.settings.demo else slug(self.settings.service.org)
        return f"modconsole.{service}/{slug(self.settings.device)}/{what}"

    def unlock(self, desk: Desk) -> None:
        """Open the vault: by the keyring or a passphrase file where there is one, else by asking once."""
        try:
            desk.unlock()
        except VaultLocked:
            if not (desk.vault.needs_passphrase and sys.stdin.isatty()):
                raise
            desk.unlock(self._asked_passphrase())

    def _asked_passphrase(self) -> str:
        from getpass import getpass

        from modconsole.vault import SealedFileSecrets

        if not (isinstance(self.secrets, SealedFileSecrets) and self.secrets.is_new):
            return getpass("Passphrase of this home (not shown): ")
        sys.stderr.write(
            "There is no usable keyring here, so this home keeps its keys in a file that a passphrase seals.\n"
            "Without the passphrase nobody can open them again, you included.\n"
        )
        chosen = getpass("Choose a passphrase of at least 8 characters (not shown): ")
        if getpass("The same again: ") != chosen:
            raise VaultLocked("The two were not the same.", kept="Nothing was made.", next_step="Try again.")
        return chosen

    def unlocked_secrets(self) -> Secrets:
        self.unlock(self.desk())
        return self.secrets

    def start_config(self) -> None:
        """Write a first config.toml when there is none."""
        if not self.settings_file.exists:
            self.settings_file.write_new(demo=False)

    def prepare_demo(self, folder: Path | None, cases: int, seed: int) -> Path:
        """Build a demo home, or take the one that is there, and move into it.

        Raises:
            WrongUsage: The folder holds a real home, which is never turned into a demo.
        """
        import tempfile

        named = folder or (Path(self._environ[HOME_VARIABLE]) if self._environ.get(HOME_VARIABLE) else None)
        place = named or Path(tempfile.mkdtemp(prefix="modconsole-demo-"))
        self._environ[HOME_VARIABLE] = str(place)
        if not self.settings_file.exists:
            self.settings_file.write_new(demo=True)
        if not self.settings.demo:
            raise WrongUsage(
                f"{place} holds a real home; a demo is never put into it.",
                next_step=f"Point {HOME_VARIABLE} at another folder, or leave it unset.",
            )
        forum = self.settings.forums[0]
        if not self.store.cursor(forum.id):  # new, or a first filling that did not come to its end
            from modconsole.bootstrap.demo import fill

            fill(self.desk(), self.paths.forums / forum.id, now=now(), cases=cases, seed=seed)
        return place

    def open_console(self) -> int:
        from modconsole.screens import ScreenNotifier, open_console

        self._patience = PATIENCE_AT_A_SCREEN
        notifier = ScreenNotifier()
        return open_console(self.desk(notifier), notifier=notifier, logs=self.paths.logs)

    def with_new_settings(self) -> Home:
        """Give this home again after its settings changed. What is open stays open; nobody is asked twice."""
        again = Home(self._environ)
        for part in ("secrets", "vault", "store"):
            if part in self.__dict__:
                again.__dict__[part] = self.__dict__[part]
        return again

    def places(self) -> dict[str, Path]:
        """Where everything of this home is, by name."""
        paths = self.paths
        return {
            "config": paths.config_file,
            "cases": paths.desk_db,
            "log": paths.log_db,
            "keys": paths.keys_db,
            "protocols of the record": paths.kept_protocols,
            "own protocols": paths.own_protocols,
            "approvals": paths.approvals,
            "forums": paths.forums,
            "diagnostics": paths.logs,
        }

    def checks(self) -> list[Check]:
        """Look at everything `doctor` looks at."""
        from modconsole.bootstrap.checks import checks

        return checks(self)

    def parts(self) -> Parts:
        """Give the command line what it needs, nothing of it made yet."""
        return Parts(
            places=self.places,
            settings_file=lambda: self.settings_file,
            catalogue=lambda: self.catalogue,
            secrets=self.unlocked_secrets,
            queue=self.queue,
            log=self.log_alone,
            tools=lambda: self.tools,
            log_tools=lambda: self.log_tools,
            gathered=lambda: self.gathered,
            witness=lambda: self.witness,
            witnessed=lambda: self.witnessed,
            post_to_witness=self._post_to_witness,
            library=lambda: self.library,
            resource_notes=lambda: self.resource_notes,
            desk=self.desk,
            unlock=self.unlock,
            start_config=self.start_config,
            with_new_settings=lambda: self.with_new_settings().parts(),
            prepare_demo=self.prepare_demo,
            open_console=self.open_console,
            checks=self.checks,
        )
