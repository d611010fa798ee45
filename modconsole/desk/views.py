"""What the front ends are shown of a case. Member text in here is as received: it goes through `plain()` to be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modconsole.core.actions import Action, ActionSpec
from modconsole.core.decision import DecisionState
from modconsole.core.model import Case, CaseFile, Note
from modconsole.core.run import RunView
from modconsole.desk.forums import ForumStatus
from modconsole.desk.standing import Standing
from modconsole.ports.forum import Ability
from modconsole.ports.store import Draft

__all__ = ["ActionOffer", "CaseView"]


@dataclass(frozen=True, slots=True)
class ActionOffer:
    """One action as it can be taken on this case."""

    action: Action
    spec: ActionSpec
    carrier: str
    """Who carries it out: `forum`, `by_hand` or `desk`."""
    ability: Ability
    in_protocol: bool
    """Whether a protocol that runs on this case names it."""


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with everything beside it."""

    case: Case
    file: CaseFile | None
    """None while the vault is locked, or when it was erased: `unreadable` says which."""
    unreadable: str
    claimed_by_other: bool
    runs: tuple[RunView, ...]
    standings: Mapping[str, Standing]
    """By run id."""
    decisions: tuple[DecisionState, ...]
    offers: tuple[ActionOffer, ...]
    notes: tuple[Note, ...]
    drafts: Mapping[str, Draft]
    earlier: tuple[Case, ...]
    """Other cases about the same member, newest first."""
    blockers: tuple[str, ...]
    """What still stands between the case and being closed."""
    forum: ForumStatus
    problems: Mapping[str, str] = field(default_factory=dict)
    """Protocols that this case wants and cannot have, by id, and why."""
    earlier_runs: tuple[RunView, ...] = ()
    """Runs of sittings that ended when the case was closed: to be read, not to be gone on with."""
    log_problem: str = ""
    """What keeps the log from telling all about this case; empty when nothing does. `decisions` may then be empty
    because nobody knows them, and what belongs to earlier sittings is told by what the queue remembers."""

    @property
    def active_run(self) -> RunView | None:
        """The run to work on: the latest that was not handed over and still wants something, or else the latest."""
        live = [shown for shown in self.runs if not shown.switched_to]
        waiting = [shown for shown in live if shown.open_required]
        choice = waiting or live
        return choice[-1] if choice else None
