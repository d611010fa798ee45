"""The desk of a home, with each of its parts made when somebody first asks for it."""

from __future__ import annotations

import os
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from modconsole.desk.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from modconsole.bootstrap.home import Home
    from modconsole.desk import Approvals, Casework, Decisions, Forums, Intake, SettingsFirst
    from modconsole.ports.library import ProtocolLibrary
    from modconsole.ports.notify import Notifier
    from modconsole.ports.settings import Settings
    from modconsole.ports.store import CaseStore
    from modconsole.ports.vault import Vault

__all__ = ["HomeDesk"]

PIECES = (
    "core.decision",
    "vault.ciphers",
    "audit",
    "audit.verifying",
    "core.protocol",
    "core.run",
    "desk.casework",
    "desk.decisions",
    "protocol_files",
)
"""What opening the vault, looking at the log and opening a case need, in this order. Each is loaded within a frame."""


class HomeDesk(Desk):
    """A desk whose parts are loaded and made one by one: the first screen needs only the settings and the store."""

    def __init__(self, home: Home, told: Notifier, now: Callable[[], datetime]) -> None:
        self._home = home
        self._told = told
        self._now = now

    def load(self) -> Iterator[object]:
        for name in PIECES:
            yield import_module(f"modconsole.{name}")

    @property
    def now(self) -> Callable[[], datetime]:
        return self._now

    @property
    def settings(self) -> Settings:
        return self._home.settings

    @property
    def vault(self) -> Vault:
        return self._home.vault

    @property
    def store(self) -> CaseStore:
        return self._home.store

    @property
    def library(self) -> ProtocolLibrary:
        return self._home.library

    @cached_property
    def log(self) -> SettingsFirst:
        from modconsole.desk import SettingsFirst

        return SettingsFirst(self._home.log, self.settings, self.now)

    @cached_property
    def forums(self) -> Forums:
        from modconsole.desk import Forums

        return Forums(self._home.catalogue, self.settings.forums, self._told, self.now)

    @cached_property
    def intake(self) -> Intake:
        from modconsole.desk import Intake

        service = self.settings.service
        return Intake(
            self.store, self.vault, self.forums, self.library, service, self._told, self.now, os.urandom
        )

    @cached_property
    def cases(self) -> Casework:
        from modconsole.desk import Casework

        return Casework(self.store, self.log, self.library, self.forums, self.settings, self.now, os.urandom)

    @cached_property
    def decisions(self) -> Decisions:
        from modconsole.desk import Decisions

        return Decisions(self.cases, self.log, self._told, self.now, os.urandom)

    @cached_property
    def approvals(self) -> Approvals:
        from modconsole.desk import Approvals
        from modconsole.vault.ciphers import is_signed

        return Approvals(
            self.log, self.library, self.vault, self.settings, self.now, self._home.approver(), is_signed
        )
