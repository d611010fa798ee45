"""The Desk: take in flags, order the queue, claim, run protocols, decide, settle. The only place that does."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modconsole.desk.approvals import Approvals
    from modconsole.desk.casework import Casework
    from modconsole.desk.decisions import Carrier, Choice, Decisions, Settlement
    from modconsole.desk.desk import Desk, Emergency
    from modconsole.desk.forums import Forums, ForumStatus
    from modconsole.desk.intake import Intake
    from modconsole.desk.settings_first import SettingsFirst
    from modconsole.desk.standing import Standing, StandingKind
    from modconsole.desk.views import ActionOffer, CaseView

__all__ = [
    "ActionOffer",
    "Approvals",
    "Carrier",
    "CaseView",
    "Casework",
    "Choice",
    "Decisions",
    "Desk",
    "Emergency",
    "ForumStatus",
    "Forums",
    "Intake",
    "SettingsFirst",
    "Settlement",
    "Standing",
    "StandingKind",
]

_PLACES = {
    "ActionOffer": "views",
    "Approvals": "approvals",
    "Carrier": "decisions",
    "CaseView": "views",
    "Casework": "casework",
    "Choice": "decisions",
    "Decisions": "decisions",
    "Desk": "desk",
    "Emergency": "desk",
    "ForumStatus": "forums",
    "Forums": "forums",
    "Intake": "intake",
    "SettingsFirst": "settings_first",
    "Settlement": "decisions",
    "Standing": "standing",
    "StandingKind": "standing",
}


def __getattr__(name: str) -> Any:
    """Load a part of the desk when it is first asked for: showing the queue needs none."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
