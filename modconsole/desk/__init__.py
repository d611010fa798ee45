"""The Desk: take in flags, order the queue, claim, run protocols, decide, settle. The only place that does."""

from modconsole.desk.casework import Casework
from modconsole.desk.decisions import Carrier, Choice, Decisions, Settlement
from modconsole.desk.desk import Desk, Emergency
from modconsole.desk.forums import Forums, ForumStatus
from modconsole.desk.intake import Intake
from modconsole.desk.standing import Standing, StandingKind
from modconsole.desk.views import ActionOffer, CaseView

__all__ = [
    "ActionOffer",
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
    "Settlement",
    "Standing",
    "StandingKind",
]
