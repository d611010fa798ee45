"""The contracts between the parts, as abstract classes. Adapter authors need `Forum` and what is around it.

The rest (`AuditLog`, `CaseStore`, `Vault`, ...) is how the desk is kept free of files, databases and keyrings.
"""

from modconsole.ports.audit import AuditLog, Finding, LogHead, LogQuery, Receipt, VerifyReport
from modconsole.ports.forum import (
    API_VERSION,
    Ability,
    Answer,
    Capabilities,
    Cursor,
    Feature,
    FlagPage,
    Forum,
    ForumContext,
    ForumInfo,
    ForumSecrets,
    Identity,
    Resolved,
    Support,
    Web,
    setting,
)
from modconsole.ports.library import LibraryProblem, ProtocolLibrary
from modconsole.ports.notify import Event, Notifier
from modconsole.ports.settings import (
    AdapterCatalogue,
    AdapterInfo,
    ForumSettings,
    LookSettings,
    ServiceSettings,
    Settings,
    SettingsFile,
)
from modconsole.ports.store import CaseRow, CaseStore, Draft, QueueFilter
from modconsole.ports.vault import HeadKeeper, KeptHead, Secrets, Vault

__all__ = [
    "API_VERSION",
    "Ability",
    "AdapterCatalogue",
    "AdapterInfo",
    "Answer",
    "AuditLog",
    "Capabilities",
    "CaseRow",
    "CaseStore",
    "Cursor",
    "Draft",
    "Event",
    "Feature",
    "Finding",
    "FlagPage",
    "Forum",
    "ForumContext",
    "ForumInfo",
    "ForumSecrets",
    "ForumSettings",
    "HeadKeeper",
    "Identity",
    "KeptHead",
    "LibraryProblem",
    "LogHead",
    "LogQuery",
    "LookSettings",
    "Notifier",
    "ProtocolLibrary",
    "QueueFilter",
    "Receipt",
    "Resolved",
    "Secrets",
    "ServiceSettings",
    "Settings",
    "SettingsFile",
    "Support",
    "Vault",
    "VerifyReport",
    "Web",
    "setting",
]
