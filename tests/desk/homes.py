"""A home in a folder, with a desk that can be thrown away and built again on the same files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modconsole.audit import SealedLog
from modconsole.core.decision import Entry, EntryKind
from modconsole.core.model import Case
from modconsole.core.urgency import Urgency
from modconsole.desk import Approvals, Casework, Decisions, Desk, Forums, Intake, SettingsFirst
from modconsole.ports import AuditLog, Forum, ForumSettings, LogQuery, LookSettings, ServiceSettings, Settings
from modconsole.ports.settings import Contact
from modconsole.practice import SimulatedForum, build
from modconsole.practice.forum import FILE_NAME, SimulatedSettings
from modconsole.store import DeskStore
from modconsole.vault import DemoSecrets, KeyVault
from modconsole.vault.ciphers import is_signed
from tests.desk.fakes import (
    Clock,
    FakeCatalogue,
    FakeForum,
    FakeLibrary,
    MemoryLog,
    Told,
    a_context,
    a_library,
)

LEAD = Contact("safeguarding_lead", "Pat", "the lead's phone")


def some_settings(home: Path, forums: Sequence[str], me: str = "moss", **service: Any) -> Settings:
    chosen: dict[str, Any] = {
        "org": "Riverside",
        "time_zone": "Europe/London",
        "staffed_hours": None,
        "staffed_lines": (),
        "jurisdictions": ("GB",),
        "age_bands": (),
        "forum_types": (),
        "allow_drafts": True,
        "contacts": (LEAD,),
    }
    made = ServiceSettings(**{**chosen, **service})
    listed = tuple(ForumSettings(id, "fake", {}) for id in forums)
    digest = hashlib.sha256(repr((me, service)).encode()).hexdigest()
    return Settings(home, False, made, me, "moderator", "front-desk", listed, LookSettings(), digest)


class Home:
    """Everything one home holds. `start` gives a new desk on the same files, as a start of the console does."""

    def __init__(
        self,
        folder: Path,
        *,
        real_log: bool,
        forums: Mapping[str, Callable[[], Forum]] | None = None,
        library: FakeLibrary | None = None,
        me: str = "moss",
        clock: Clock | None = None,
        settings_first: bool = False,
        **service: Any,
    ) -> None:
        """Make one.

        Args:
            settings_first: Let the desk's parts seal as those of a real home do; most tests want to see their own
                entries only.
        """
        self.folder = folder
        self.clock = clock or Clock()
        self.forum = FakeForum()
        self.forums: dict[str, Callable[[], Forum]] = dict(forums or {"fake": lambda: self.forum})
        self.configured: tuple[str, ...] = tuple(self.forums)
        self.library = library or a_library()
        self.me = me
        self.service = service
        self.told = Told()
        self._real_log = real_log
        self._settings_first = settings_first
        self._memory: MemoryLog | None = None
        self.start()

    def start(self) -> Desk:
        self.stop()
        self.vault = KeyVault(self.folder / "keys.db", DemoSecrets(self.folder / "demo.json"))
        self.vault.unlock()
        self.settings = some_settings(self.folder, self.configured, self.me, **self.service)
        self.store = DeskStore(self.folder / "desk.db", self.vault)
        self.log = self._a_log()
        self.desk = self.a_desk()
        return self.desk

    def a_desk(self) -> Desk:
        now, told = self.clock, self.told
        forums = Forums(FakeCatalogue(self.forums), self.settings.forums, told, now)
        sealed = SettingsFirst(self.log, self.settings, now)
        log = sealed if self._settings_first else self.log
        cases = Casework(self.store, log, self.library, forums, self.settings, now, os.urandom)
        return Desk(
            settings=self.settings,
            vault=self.vault,
            store=self.store,
            log=sealed,
            library=self.library,
            forums=forums,
            intake=Intake(
                self.store, self.vault, forums, self.library, self.settings.service, told, now, os.urandom
            ),
            cases=cases,
            decisions=Decisions(cases, log, told, now, os.urandom),
            now=now,
            approvals=Approvals(
                log, self.library, self.vault, self.settings, now, f"{self.me}/approvals", is_signed
            ),
        )

    def _a_log(self) -> AuditLog:
        if self._real_log:
            return SealedLog(
                self.folder / "log.db",
                self.vault,
                kept=self.vault,
                org="Riverside",
                device="front-desk",
                demo=False,
                now=self.clock,
            )
        if self._memory is None:
            self._memory = MemoryLog(self.vault)
        self._memory._vault = self.vault
        return self._memory

    def stop(self) -> None:
        for part in ("store", "log", "vault"):
            if hasattr(self, part):
                getattr(self, part).close()

    # What tests ask

    def lock(self) -> None:
        self.vault.close()

    @property
    def entries(self) -> list[Entry]:
        return [record.entry for record in self.log.records(LogQuery(), newest_first=False, limit=10_000)]

    @property
    def kinds(self) -> list[str]:
        return [entry.kind.value for entry in self.entries]

    def body(self, kind: EntryKind) -> dict[str, Any]:
        """Give the private part of the newest entry of a kind."""
        record = self.log.records(LogQuery(kind=kind), limit=1)[0]
        return dict(self.log.open_body(record) or {})

    def case(self, id: str) -> Case:
        found = self.store.case(id)
        assert found is not None
        return found

    def make(self, id: str, **changes: Any) -> Case:
        """Change a case as if other things had happened to it."""
        self.store.save_case(replace(self.case(id), **changes))
        return self.case(id)


def practice_forum(folder: Path, now: Clock) -> Callable[[], SimulatedForum]:
    """Make an invented world in a folder, and give what opens it."""
    if not (folder / FILE_NAME).exists():
        build(folder / FILE_NAME, now=now())
    return lambda: SimulatedForum(a_context(folder, now, SimulatedSettings(arrivals=False)))


NOW, SOON, TODAY, ROUTINE = Urgency.NOW, Urgency.SOON, Urgency.TODAY, Urgency.ROUTINE
