"""Decisions without a certain outcome, computed from the log."""

from __future__ import annotations

import sqlite3

from modconsole.audit.search import of_decisions
from modconsole.core.actions import OutcomeKind
from modconsole.core.decision import DecisionState, fold

__all__ = ["Unsettled"]

_CERTAIN = ", ".join(repr(kind.value) for kind in OutcomeKind if kind.is_certain)

# Fewer orders with a certain outcome than orders. What this finds is then computed properly.
_CANDIDATES = f"""
SELECT decision FROM leaves INDEXED BY leaves_decision WHERE decision IS NOT NULL GROUP BY decision
HAVING sum(CASE WHEN kind = 'decided' THEN orders ELSE 0 END)
     > count(DISTINCT CASE WHEN kind = 'outcome' AND outcome IN ({_CERTAIN}) THEN order1 END)
   AND sum(kind = 'reversed') = 0
"""  # noqa: S608 - only our own words


class Unsettled:
    """Remembers which decisions were unsettled and how far it has read, so that asking again reads what is new.

    That is right because the log only grows, and what is settled stays settled.
    """

    def __init__(self) -> None:
        self._read_to = 0
        self._open: set[str] = set()

    def find(self, db: sqlite3.Connection) -> list[DecisionState]:
        """Give them, oldest first."""
        end = db.execute("SELECT coalesce(max(id), 0) FROM leaves").fetchone()[0]
        if self._read_to:
            new = db.execute(
                "SELECT decision FROM leaves WHERE id > ? AND id <= ? AND +decision IS NOT NULL",
                (self._read_to, end),
            )
        else:
            new = db.execute(_CANDIDATES)
        candidates = self._open | {decision for (decision,) in new}
        states = [state for state in fold(of_decisions(db, candidates)).values() if not state.is_settled]
        self._read_to, self._open = end, {state.id for state in states}
        return sorted(states, key=lambda state: state.at)
