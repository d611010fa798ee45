"""The contracts between the parts, as abstract classes. Adapter authors need `Forum` and what is around it.

The rest (`AuditLog`, `CaseStore`, `Vault`, ...) is how the desk is kept free of files, databases and keyrings.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from modconsole.ports.library import Bundle, LibraryProblem, ProtocolLibrary
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
    from modconsole.ports.vault import HeadKeeper, KeptHead, Secrets, Vault, WitnessedHead

__all__ = [
    "API_VERSION",
    "Ability",
    "AdapterCatalogue",
    "AdapterInfo",
    "Answer",
    "AuditLog",
    "Bundle",
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
    "WitnessedHead",
    "setting",
]

_PLACES = {
    "API_VERSION": "forum",
    "Ability": "forum",
    "AdapterCatalogue": "settings",
    "AdapterInfo": "settings",
    "Answer": "forum",
    "AuditLog": "audit",
    "Bundle": "library",
    "Capabilities": "forum",
    "CaseRow": "store",
    "CaseStore": "store",
    "Cursor": "forum",
    "Draft": "store",
    "Event": "notify",
    "Feature": "forum",
    "Finding": "audit",
    "FlagPage": "forum",
    "Forum": "forum",
    "ForumContext": "forum",
    "ForumInfo": "forum",
    "ForumSecrets": "forum",
    "ForumSettings": "settings",
    "HeadKeeper": "vault",
    "Identity": "forum",
    "KeptHead": "vault",
    "LibraryProblem": "library",
    "LogHead": "audit",
    "LogQuery": "audit",
    "LookSettings": "settings",
    "Notifier": "notify",
    "ProtocolLibrary": "library",
    "QueueFilter": "store",
    "Receipt": "audit",
    "Resolved": "forum",
    "Secrets": "vault",
    "ServiceSettings": "settings",
    "Settings": "settings",
    "SettingsFile": "settings",
    "Support": "forum",
    "Vault": "vault",
    "VerifyReport": "audit",
    "Web": "forum",
    "WitnessedHead": "vault",
    "setting": "forum",
}


def __getattr__(name: str) -> Any:
    """Load a contract when it is first asked for: showing the queue needs only its own."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
