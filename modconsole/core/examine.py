"""What is wrong with a protocol that can be read: the rules of the safeguarding guide, sections 4 and 11.

`docs/protocol-check.md` has every rule by name: what it finds, why that harms, how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from modconsole.core.examine_paths import of_nesting, of_paths, of_reach
from modconsole.core.examine_safety import of_age, of_emergency, of_safety
from modconsole.core.findings import Finding, Level, Neighbour, Place, consequences_of
from modconsole.core.paths import walk
from modconsole.core.protocol import (
    ProtocolStatus,
    ReviewProtocol,
    Template,
    UsedFor,
)
from modconsole.core.wording import wording

__all__ = ["circles", "examine", "leads_to", "templates_named"]

REVIEW_WITHIN_MONTHS = 24


def examine(
    protocol: ReviewProtocol,
    neighbours: Mapping[str, Neighbour],
    templates: Mapping[str, Template],
    today: date,
) -> list[Finding]:
    """Give everything that is wrong with one protocol.

    Args:
        protocol: One that could be read.
        neighbours: The other protocols of the library, by id; those that cannot be read are not among them.
        templates: The message templates, by id.
        today: For what expires.
    """
    walked = walk(protocol)
    return [
        *of_paths(walked),
        *of_reach(walked),
        *of_nesting(protocol),
        *of_safety(protocol, neighbours),
        *of_emergency(protocol),
        *of_age(protocol),
        *_handing_over(protocol, neighbours),
        *_governance(protocol, today),
        *_templates(protocol, templates),
        *wording(protocol),
    ]


# Other protocols


def _handing_over(protocol: ReviewProtocol, neighbours: Mapping[str, Neighbour]) -> Iterator[Finding]:
    for step, question, number, consequence in consequences_of(protocol):
        for key in ("switch_to", "add_protocol"):
            other = neighbours.get(getattr(consequence, key))
            if other is not None and other.used_for is not UsedFor.CASE:
                yield Finding(
                    Level.ERROR,
                    "leads-off-the-case",
                    Place(step.id, question.id, ("on_answer", number, key)),
                    f"“{key}” to “{getattr(consequence, key)}”, used for {other.used_for}, never on a case",
                    "a protocol that is used for cases",
                )
        if consequence.unless_running and not consequence.add_protocol:
            yield Finding(
                Level.WARNING,
                "unless-running-alone",
                Place(step.id, question.id, ("on_answer", number, "unless_running")),
                "“unless_running” without add_protocol",
                "it beside add_protocol, the only thing it says something about",
            )


def leads_to(protocol: ReviewProtocol) -> tuple[str, ...]:
    """Name the protocols that may take over from this one or be added to it."""
    return tuple(
        dict.fromkeys(id for *_, c in consequences_of(protocol) for id in (c.switch_to, c.add_protocol) if id)
    )


def circles(protocols: Mapping[str, ReviewProtocol]) -> dict[str, list[Finding]]:
    """Find protocols that lead back to themselves, by the protocol in which each step of the circle stands.

    `add_protocol` with `unless_running: true` begins nothing twice, so no circle goes through it.
    """
    leads: dict[str, dict[str, Place]] = {}
    for id, protocol in protocols.items():
        leads[id] = {}
        for step, question, number, consequence in consequences_of(protocol):
            for key in ("switch_to", "add_protocol"):
                target = getattr(consequence, key)
                if target in protocols and not (key == "add_protocol" and consequence.unless_running):
                    place = Place(step.id, question.id, ("on_answer", number, key))
                    leads[id].setdefault(target, place)
    found: dict[str, list[Finding]] = {}
    for id, targets in leads.items():
        for target, place in targets.items():
            back = _way(leads, target, id)
            if back:
                circle = " → ".join((id, *back))
                found.setdefault(id, []).append(
                    Finding(
                        Level.ERROR,
                        "circle",
                        place,
                        f"a circle of protocols: {circle}",
                        "no way back; where two may need each other, add_protocol with unless_running: true",
                    )
                )
    return found


def _way(leads: Mapping[str, Iterable[str]], start: str, goal: str) -> tuple[str, ...]:
    """Give a shortest way from one protocol to another; nothing if there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        if way[-1] == goal:
            return way
        ahead = [id for id in leads.get(way[-1], ()) if id not in seen]
        seen.update(ahead)
        ways += [(*way, id) for id in ahead]
    return ()


# Governance


def _governance(protocol: ReviewProtocol, today: date) -> Iterator[Finding]:
    governance = protocol.governance
    review, begins = governance.review_by, governance.effective_from
    review_at = Place(keys=("governance", "review_by"))
    if protocol.status is ProtocolStatus.APPROVED:
        if not protocol.is_approved:
            yield Finding(
                Level.ERROR,
                "approved-without-approval",
                Place(keys=("status",)),
                "“approved”, and no approval of this very text",
                f"an approval whose content_hash is {protocol.hash}, or status: draft",
            )
        if (today - review).days > governance.overdue_grace_days:
            yield Finding(
                Level.ERROR,
                "approved-but-expired",
                review_at,
                f"a review that was due on {review}, more than {governance.overdue_grace_days} days ago",
                "a review and a new approval",
            )
    if begins is not None and begins > review:
        yield Finding(
            Level.ERROR,
            "never-in-force",
            Place(keys=("governance", "effective_from")),
            f"in force from {begins}, after its review on {review}",
            "a day before review_by",
        )
    if (review.year, review.month, review.day) > (
        today.year + REVIEW_WITHIN_MONTHS // 12,
        today.month,
        today.day,
    ):
        yield Finding(
            Level.WARNING,
            "review-too-far",
            review_at,
            f"a review on {review}, more than {REVIEW_WITHIN_MONTHS} months off",
            f"a day within {REVIEW_WITHIN_MONTHS} months",
        )
    if not governance.evidence:
        yield Finding(
            Level.WARNING,
            "no-evidence",
            Place(keys=("governance", "evidence")),
            "no evidence",
            "the sources it rests on, by their short names",
        )


# Messages


def templates_named(protocol: ReviewProtocol) -> tuple[str, ...]:
    """Name the messages that this protocol offers."""
    return tuple(dict.fromkeys(id for _, id in _template_places(protocol)))


def _templates(protocol: ReviewProtocol, templates: Mapping[str, Template]) -> Iterator[Finding]:
    for place, id in _template_places(protocol):
        template = templates.get(id)
        if template is None:
            continue
        if protocol.id in template.never_with:
            yield Finding(
                Level.WARNING,
                "template-never-here",
                place,
                f"the template “{id}”, which says never_with “{protocol.id}”",
                "another template",
            )
        if (
            template.age_bands
            and protocol.age_bands
            and not set(template.age_bands) & set(protocol.age_bands)
        ):
            yield Finding(
                Level.WARNING,
                "template-does-not-fit",
                place,
                f"the template “{id}” for ages {', '.join(template.age_bands)}",
                f"one for an age this protocol is for: {', '.join(protocol.age_bands)}",
            )
        if not _places_meet(template.jurisdictions, protocol.jurisdictions):
            yield Finding(
                Level.WARNING,
                "template-does-not-fit",
                place,
                f"the template “{id}” for {', '.join(template.jurisdictions)}",
                f"one for a place this protocol is for: {', '.join(protocol.jurisdictions)}",
            )


def _template_places(protocol: ReviewProtocol) -> Iterator[tuple[Place, str]]:
    for step in protocol.steps:
        for number, id in enumerate(step.templates):
            yield Place(step.id, keys=("templates", number)), id
    for step, question, number, consequence in consequences_of(protocol):
        if consequence.offer_template:
            yield (
                Place(step.id, question.id, ("on_answer", number, "offer_template")),
                consequence.offer_template,
            )


def _places_meet(first: Sequence[str], second: Sequence[str]) -> bool:
    if not first or not second:
        return True
    return any(a == b or a.startswith(f"{b}-") or b.startswith(f"{a}-") for a in first for b in second)
