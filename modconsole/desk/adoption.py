"""What a service still has to do before the protocols are its own. Looks only; `protocol adopt` asks and writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from modconsole.core.codec import to_plain
from modconsole.core.protocol import ProtocolStatus, Resource, ReviewProtocol, Template, UsedFor
from modconsole.desk.fit import misfits
from modconsole.desk.standing import Standing
from modconsole.ports.library import ProtocolLibrary
from modconsole.ports.settings import ServiceSettings
from modconsole.ports.store import CaseStore, QueueFilter

__all__ = [
    "UNNAMED_SERVICE",
    "Remaining",
    "chosen",
    "has_open_places",
    "remaining",
    "roles_to_reach",
    "to_check",
    "unknown_suggestions",
    "unmapped_reasons",
]

UNNAMED_SERVICE = "My service"
"""What a new home calls the service until somebody says its name."""

_REACHABLE = ("safeguarding_lead", "clinical_lead", "data_lead", "service_manager")
"""Roles that a protocol has told, and that somebody else than the moderator at the desk has."""

_OPEN = re.compile(r"check(?: both)? locally", re.IGNORECASE)
"""How shipped files mark what only the service can know."""

_LOCAL_PLACEHOLDER = re.compile(
    r"our_[a-z0-9_]+|[a-z0-9_]+_(?:link|route|address|phone|site)|where_members_may_keep_in_touch"
)
"""Placeholders that are the same in every message of a service: its template says them once, moderators never."""

_LOOKED_AT = 300
_SAID = re.compile(r"said “(.+?)”: nobody has mapped")


@dataclass(frozen=True, slots=True)
class Remaining:
    """One thing that is still to do."""

    kind: str
    """`setting`, `contact`, `resource`, `placeholder`, `protocol` or `suggestion`."""
    about: str
    said: str
    mend: str
    """The command, or the place, that mends it."""


def remaining(
    service: ServiceSettings,
    library: ProtocolLibrary,
    standing: Callable[[ReviewProtocol], Standing],
    today: date,
) -> list[Remaining]:
    """List what stands between this service and protocols of its own, in the order it is best done."""
    protocols = chosen(service, library, standing)
    return [
        *_settings(service),
        *_contacts(service, protocols),
        *_suggestions(service, library),
        *_resources(service, library, today),
        *_open_places(protocols, library),
        *_unapproved(protocols, standing),
    ]


def chosen(
    service: ServiceSettings, library: ProtocolLibrary, standing: Callable[[ReviewProtocol], Standing]
) -> list[ReviewProtocol]:
    """Give the protocols for cases that fit this service and were not taken out of use here."""
    out = (ProtocolStatus.RETIRED, ProtocolStatus.WITHDRAWN)
    found = (library.get(id) for id in library.ids())
    return [
        protocol
        for protocol in found
        if protocol is not None
        and protocol.used_for is UsedFor.CASE
        and protocol.status not in out
        and not misfits(protocol, service, {})
        and standing(protocol).status != "withdrawn"
    ]


_ADOPT = "modconsole protocol adopt"


def _settings(service: ServiceSettings) -> Iterator[Remaining]:
    missing = {
        "org": service.org == UNNAMED_SERVICE and "the organisation has no name of its own yet",
        "time_zone": service.time_zone == "UTC" and "the time zone is still UTC",
        "staffed_hours": not service.staffed_lines and "nobody said when moderators are there",
        "jurisdictions": not service.jurisdictions and "nobody said where the members live",
        "age_bands": not service.age_bands and "nobody said how old the members are",
        "forum_types": not service.forum_types and "nobody said what kind of forum it is",
    }
    for name, said in missing.items():
        if said:
            yield Remaining("setting", name, said, _ADOPT)


def roles_to_reach(service: ServiceSettings, protocols: Sequence[ReviewProtocol]) -> list[str]:
    """Name the roles that these protocols have told and that no contact in the settings has."""
    named = {"safeguarding_lead"}
    for protocol in protocols:
        named |= {escalation.role for escalation in protocol.escalations}
        named |= {
            consequence.escalate
            for step in protocol.steps
            for question in step.questions
            for consequence in question.on_answer
        }
    known = {re.sub(r"[\s-]+", "_", contact.role.strip().lower()) for contact in service.contacts}
    return [role for role in _REACHABLE if role in named and role not in known]


def _contacts(service: ServiceSettings, protocols: Sequence[ReviewProtocol]) -> Iterator[Remaining]:
    for role in roles_to_reach(service, protocols):
        said = f"no contact for the {role.replace('_', ' ')}, whom protocols have told"
        yield Remaining("contact", role, said, _ADOPT)


def unknown_suggestions(service: ServiceSettings, library: ProtocolLibrary) -> list[tuple[str, str, str]]:
    """Give what `[service.protocols]` suggests and is not here: topic, protocol, and the nearest one that is."""
    known = library.ids()
    unknown = [(topic, id) for topic, ids in service.protocols.items() for id in ids if id not in known]
    if not unknown:
        return []
    from difflib import get_close_matches  # only when there is a mistake to explain

    return [(topic, id, next(iter(get_close_matches(id, known, n=1)), "")) for topic, id in unknown]


def _suggestions(service: ServiceSettings, library: ProtocolLibrary) -> Iterator[Remaining]:
    for topic, id, near in unknown_suggestions(service, library):
        hint = f" Did you mean “{near}”?" if near else ""
        said = f"suggested for {topic} in the settings, and not here.{hint}"
        yield Remaining("suggestion", id, said, "correct [service.protocols] in the settings")


def to_check(service: ServiceSettings, library: ProtocolLibrary, today: date) -> list[Resource]:
    """Give the crisis services for these places that nobody made sure of, or not lately."""
    return [
        resource
        for resource in library.all_resources()
        if resource.is_stale(today) and _is_for(resource, service.jurisdictions)
    ]


def _is_for(resource: Resource, places: Sequence[str]) -> bool:
    return not places or any(
        area == "anywhere" or area == place or area.startswith(f"{place}-") or place.startswith(f"{area}-")
        for area in resource.areas
        for place in places
    )


def has_open_places(resource: Resource) -> bool:
    """Say whether only the service can know something of it, such as its number, and has not written it yet."""
    ways = (text for channel in resource.channels for text in (channel.value, channel.hours))
    return any(_OPEN.search(text) for text in (resource.name, *ways))


def _resources(service: ServiceSettings, library: ProtocolLibrary, today: date) -> Iterator[Remaining]:
    stale = {resource.id for resource in to_check(service, library, today)}
    for resource in library.all_resources():
        if not _is_for(resource, service.jurisdictions):
            continue
        if has_open_places(resource):
            said = f"{resource.name}: “check locally” stands in its place of a number or hours"
            yield Remaining("placeholder", resource.id, said, "write it into own-protocols/resources")
        elif resource.id in stale:
            last = f"last checked {resource.verified_on}" if resource.verified_on else "NOT CHECKED"
            said = f"{resource.name}: {last}, so it cannot be put into a message"
            yield Remaining("resource", resource.id, said, _ADOPT)


def _open_places(protocols: Sequence[ReviewProtocol], library: ProtocolLibrary) -> Iterator[Remaining]:
    for protocol in protocols:
        count = sum(1 for text in _texts(to_plain(protocol)) if _OPEN.search(text))
        if count:
            said = f"“check locally” stands in {count} {'place' if count == 1 else 'places'}"
            mend = f"copy {protocol.id}.yaml to own-protocols and write what holds for you"
            yield Remaining("placeholder", protocol.id, said, mend)
    named = dict.fromkeys(id for protocol in protocols for id in _templates(protocol))
    for template in (found for id in named if (found := library.template(id)) is not None):
        places = _local_places(template)
        if places:
            said = f"only you can fill {', '.join(f'{{{name}}}' for name in places)} in this message"
            mend = f"copy templates/{template.id}.yaml to own-protocols/templates and fill it"
            yield Remaining("placeholder", template.id, said, mend)


def _local_places(template: Template) -> list[str]:
    open_text = ["check locally"] if _OPEN.search(template.body) else []
    return [name for name in template.placeholders if _LOCAL_PLACEHOLDER.fullmatch(name)] + open_text


def _templates(protocol: ReviewProtocol) -> Iterator[str]:
    for step in protocol.steps:
        yield from step.templates
        for question in step.questions:
            yield from (c.offer_template for c in question.on_answer if c.offer_template)


def _texts(value: object) -> Iterator[str]:
    """Give every text a moderator reads; what the authors note for each other is not among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key != "governance":
                yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)


def _unapproved(
    protocols: Sequence[ReviewProtocol], standing: Callable[[ReviewProtocol], Standing]
) -> Iterator[Remaining]:
    for protocol in protocols:
        held = standing(protocol)
        if held.approved_on is None:
            mend = f"modconsole protocol approve {protocol.id} --name NAME"
            yield Remaining("protocol", protocol.id, f"{protocol.title}: not approved", mend)
        elif not held.may_run or held.status == "overdue":
            mend = f"review it, then modconsole protocol approve {protocol.id} --name NAME"
            yield Remaining("protocol", protocol.id, f"{protocol.title}: {held.banner}", mend)


def unmapped_reasons(store: CaseStore) -> list[str]:
    """Give the forums' reasons that nothing maps to a topic yet, as far as the next cases of the queue show them.

    Read from what the queue says, so it needs no keys; a reason that is shortened there is left out.
    """
    found: dict[str, None] = {}
    for row in store.rows(QueueFilter(), 0, _LOOKED_AT):
        case = store.case(row.id)
        for reason in case.reasons if case else ():
            said = _SAID.search(reason.text) if reason.code == "flag:unmapped" else None
            if said and said[1].isprintable() and len(said[1]) < 60 and said[1] != "no reason given":
                found[said[1]] = None
    return list(found)
