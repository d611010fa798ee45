"""Triage: from a case's flags to its urgency, suggested protocols and place in the queue, with the reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from modconsole.core.clocks import Due
from modconsole.core.model import Flag, FlagSource
from modconsole.core.topics import topic_for
from modconsole.core.urgency import Reason, Urgency, faster

__all__ = ["MANY_REPORTERS", "Judgement", "judge", "queue_place"]

MANY_REPORTERS = 3
"""From this many different reporters on, a person looks soon: several worried members, or a pile-on on one of them."""

_REASON_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Judgement:
    urgency: Urgency
    topic: str
    suggested: tuple[str, ...]
    reasons: tuple[Reason, ...]


def judge(
    flags: Sequence[Flag],
    mapping: Mapping[str, str],
    knows_protocol: Callable[[str], bool],
    own: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Judgement:
    """Judge how soon a person should look, and which protocols may help, from why the post was flagged.

    The fastest flag wins. A reason nobody mapped counts as `soon`, because it could be about safety; what the case is
    about is then what the other flags say.

    Args:
        flags: All flags of one case, at least one.
        mapping: The service's own words: a forum's reason, or one of our topics, to a topic.
        knows_protocol: Whether the library has a protocol of this id.
        own: The service's own protocols for a topic, suggested before ours.
    """
    ranked = sorted(
        (
            (flag, topic_for(mapping.get(flag.reason) or mapping.get(flag.topic) or flag.topic))
            for flag in flags
        ),
        key=lambda pair: pair[1].urgency.rank,
    )
    urgency = ranked[0][1].urgency
    known = next((topic.code for _, topic in ranked if topic.code), "")
    reasons: dict[str, Reason] = {}
    suggested: dict[str, None] = {}
    for flag, topic in ranked:
        word = flag.reason[:_REASON_LENGTH] or "no reason given"
        what = topic.label if topic.code else "nobody has mapped this reason, so a person looks soon"
        code = f"flag:{topic.code or 'unmapped'}"
        reasons.setdefault(code, Reason(code, f"{_WHO[flag.source]} said “{word}”: {what} ({topic.urgency})"))
        fitting = (*own.get(topic.code, ()), *topic.protocols) if topic.code or not known else ()
        suggested.update(dict.fromkeys(id for id in fitting if knows_protocol(id)))
    reporters = {flag.reporter for flag in flags if flag.reporter}
    if len(reporters) >= MANY_REPORTERS:
        urgency = faster(urgency, Urgency.SOON)
        reasons["reporters"] = Reason(
            "reporters", f"{len(reporters)} different members flagged it (at least soon)"
        )
    return Judgement(urgency, known, tuple(suggested), tuple(reasons.values()))


_WHO = {
    FlagSource.MEMBER: "a member",
    FlagSource.FILTER: "the forum’s filter",
    FlagSource.HOLD: "the approval queue",
    FlagSource.RULE: "a rule",
    FlagSource.STAFF: "a colleague",
}


def queue_place(urgency: Urgency, due: Due, flagged_at: datetime, *, looked_at: bool) -> tuple[int, int]:
    """Give the key the queue sorts by, smallest first: urgency, then what is due first (or flagged first).

    The second part is in whole seconds since 1970. Nothing in it depends on the time of day it is asked, so the queue
    never moves under a moderator's cursor by itself.
    """
    due_at = due.act if looked_at else due.look
    return urgency.rank, int((due_at or flagged_at).timestamp())
