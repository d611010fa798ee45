"""From what a TOML file says to settings: every rule about them, each in its own few lines."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from modconsole.config.checking import Mistake, Table, is_secret, nearest, one_of, shown
from modconsole.config.places import Key
from modconsole.core.clocks import StaffedHours, parse_staffed_hours
from modconsole.core.model import AgeBand
from modconsole.core.roles import ROLES
from modconsole.core.topics import TOPICS
from modconsole.ports.settings import Contact, ForumSettings, LookSettings, ServiceSettings, Settings

__all__ = ["THEMES", "plain_forum", "settings_from"]

THEMES = ("dark", "light", "contrast", "plain")

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_PROTOCOL = re.compile(r"[a-z][a-z0-9-]{0,79}")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_COMMAND = re.compile(r"[a-z][a-z0-9_.-]*")
_LONGEST_UNDO = 120
_LONGEST_NAME = 60
_MOST_WITNESSES = 100


def settings_from(values: Mapping[str, Any], home: Path, mistakes: list[Mistake]) -> Settings:
    """Read everything, noting what cannot be followed in `mistakes`. With mistakes, what comes back is not to be used.

    The hash covers what changes what happens: service, reasons, me, device, forums. Looks and keys do not.
    """
    _no_secrets(values, (), mistakes)
    root = Table(values, (), mistakes)
    service_table = root.table("service")
    demo = service_table.flag("demo", False)
    service = _service(service_table, _reasons(root.table("reasons")))
    me, role = _me(root.table("me"))
    device = _device(root.table("device"))
    forums = _forums(root.tables("forum"))
    look = _look(root.table("look"), _keys(root.table("keys")))
    root.done()
    meaning = {
        "demo": demo,
        "service": {
            "org": service.org,
            "time_zone": service.time_zone,
            "staffed_hours": service.staffed_lines,
            "jurisdictions": service.jurisdictions,
            "age_bands": service.age_bands,
            "forum_types": service.forum_types,
            "allow_drafts": service.allow_drafts,
            "undo_seconds": service.undo_seconds,
            "contacts": [[c.role, c.name, c.reach, c.hours] for c in service.contacts],
            "reasons": dict(service.reasons),
            # Only where there are any, so that a home that says nothing of them seals no change.
            **({"protocols": dict(service.protocols)} if service.protocols else {}),
            **({"approvers": service.approvers} if service.approvers else {}),
            **({"witnesses": [*service.witnesses, service.witness_policy]} if service.witnesses else {}),
        },
        "me": [me, role],
        "device": device,
        "forums": sorted((plain_forum(forum) for forum in forums), key=lambda plain: str(plain[0])),
    }
    return Settings(home, demo, service, me, role, device, forums, look, _hash(meaning))


def _hash(meaning: object) -> str:
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def plain_forum(forum: ForumSettings) -> list[object]:
    """Give a forum's settings in the one form that JSON and TOML share."""
    values = {
        name: list(v) if isinstance(v, tuple) else v for name, v in forum.values.items() if v is not None
    }
    return [forum.id, forum.kind, values]


def _service(table: Table, reasons: Mapping[str, str]) -> ServiceSettings:
    zone = _zone(table)
    lines = table.texts("staffed_hours", lambda line: _hours_problem(line))
    hours: StaffedHours | None = None
    if lines and zone is not None:
        with contextlib.suppress(ValueError):  # already among the mistakes
            hours = parse_staffed_hours(lines, zone)
    if lines and not table.has("time_zone"):
        table.wrong("staffed_hours", 'needs a "time_zone" beside it, such as "Europe/London".')
    service = ServiceSettings(
        org=table.text("org", None),
        time_zone=zone.key if zone is not None else "UTC",
        staffed_hours=hours,
        staffed_lines=lines,
        jurisdictions=table.texts("jurisdictions", _jurisdiction_problem),
        age_bands=table.texts("age_bands", lambda band: one_of(band, [known.value for known in AgeBand])),
        forum_types=table.texts("forum_types", _word_problem),
        allow_drafts=table.flag("allow_drafts", False),
        undo_seconds=table.number("undo_seconds", 10, 0, _LONGEST_UNDO),
        contacts=tuple(_contact(contact) for contact in table.tables("contacts")),
        reasons=reasons,
        protocols=_protocols(table.table("protocols")),
        approvers=table.texts("approvers", _approver_problem),
        witnesses=table.texts("witnesses", _witness_problem),
        witness_policy=table.number("witness_policy", 1, 1, _MOST_WITNESSES),
    )
    _check_witnesses(table, service.witnesses, service.witness_policy)
    table.done()
    return service


def _zone(table: Table) -> ZoneInfo | None:
    name = table.text("time_zone", "UTC")
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        from zoneinfo import available_timezones

        said = f'should be a time zone such as "Europe/London", and is {shown(name)}.'
        table.wrong("time_zone", said + nearest(name, available_timezones()))
        return None


def _hours_problem(line: str) -> str:
    try:
        parse_staffed_hours([line], ZoneInfo("UTC"))
    except ValueError as error:
        return str(error)
    return ""


def _jurisdiction_problem(found: str) -> str:
    if _JURISDICTION.fullmatch(found):
        return ""
    return f'should be a code such as "GB" or "GB-ENG", and is {shown(found)}.'


def _word_problem(found: str) -> str:
    if _WORD.fullmatch(found):
        return ""
    return f'should be one word in small letters such as "charity" or "peer_led", and is {shown(found)}.'


def _protocols(table: Table) -> dict[str, tuple[str, ...]]:
    """Read which protocols the service suggests for a topic. Whether they are here, only the library can tell."""
    chosen: dict[str, tuple[str, ...]] = {}
    for topic, found in table.rest().items():
        listed = [found] if isinstance(found, str) else found
        if topic not in TOPICS:
            known = f"is not one of our topics.{nearest(topic, TOPICS)}"
            table.wrong(topic, known)
        elif not isinstance(listed, list) or not all(isinstance(id, str) for id in listed):
            table.wrong(
                topic, f'should be a list of protocols such as ["our-{topic}"], and is {shown(found)}.'
            )
        else:
            for number, id in enumerate(listed):
                if not _PROTOCOL.fullmatch(id):
                    said = f'should be a protocol\'s id such as "our-{topic}", and is {shown(id)}.'
                    table.wrong(topic, said, *([] if isinstance(found, str) else [number]))
            chosen[topic] = tuple(listed)
    return chosen


def _approver_problem(found: str) -> str:
    from modconsole.core.note import (
        parse_verifier_key,
    )  # only where an approver is named: every start waits for us

    try:
        parse_verifier_key(found)
    except ValueError as error:
        return f"should be the key that `modconsole protocol approve --key` prints, and is {shown(found)}: {error}"
    return ""


def _witness_problem(found: str) -> str:
    from modconsole.core.cosignature import parse_witness_key  # as above: only where one is named

    try:
        parse_witness_key(found)
    except ValueError as error:
        return f"should be the key that `modconsole audit witness key` prints there, and is {shown(found)}: {error}"
    return ""


def _check_witnesses(table: Table, witnesses: Sequence[str], needed: int) -> None:
    """Count witnesses, not lines: a key under two names is one witness."""
    keys = [witness.rpartition("+")[2] for witness in witnesses]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            table.wrong(
                "witnesses", f"has the same key as number {keys.index(key) + 1}; it counts once.", number
            )
    if witnesses and needed > len(set(keys)):
        table.wrong("witness_policy", f"asks for {needed} witnesses, and there are {len(set(keys))}.")


def _contact(table: Table) -> Contact:
    contact = Contact(
        table.text("role", None), table.text("name", None), table.text("reach", None), table.text("hours")
    )
    table.done()
    return contact


def _reasons(table: Table) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for reason, topic in table.rest().items():
        problem = (
            _topic_problem(topic) if isinstance(topic, str) else f"should be a topic, and is {shown(topic)}."
        )
        if problem:
            table.wrong(reason, problem)
        else:
            reasons[reason] = topic
    return reasons


def _topic_problem(found: str) -> str:
    if found in TOPICS:
        return ""
    return (
        f'should be one of our topics (such as "self-harm"), and is {shown(found)}.{nearest(found, TOPICS)}'
    )


def _me(table: Table) -> tuple[str, str]:
    me = table.text("pseudonym", None)
    if "@" in me.strip("@"):
        table.wrong(
            "pseudonym", "looks like an e-mail address; the log is kept for years, so use a pseudonym."
        )
    elif len(me) > _LONGEST_NAME:
        table.wrong("pseudonym", f"should have at most {_LONGEST_NAME} characters, and has {len(me)}.")
    role = table.choice("role", ROLES, "moderator")
    table.done()
    return me, role


def _device(table: Table) -> str:
    device = table.text("id", None)
    if device and not _ID.fullmatch(device):
        table.wrong("id", f'should be small letters, digits and "-" (at most 32), and is {shown(device)}.')
    table.done()
    return device


def _forums(tables: Sequence[Table]) -> tuple[ForumSettings, ...]:
    forums: list[ForumSettings] = []
    for table in tables:
        id, kind = table.text("id", None), table.text("kind", None)
        if id and not _ID.fullmatch(id):
            table.wrong("id", f'should be small letters, digits and "-" (at most 32), and is {shown(id)}.')
        if id and any(id == other.id for other in forums):
            table.wrong("id", f"is {shown(id)}, and another forum has this id already.")
        forums.append(ForumSettings(id, kind, table.rest()))
    return tuple(forums)


def _look(table: Table, keys: Mapping[str, str]) -> LookSettings:
    look = LookSettings(table.choice("theme", THEMES, "dark"), table.flag("unfold", False), keys)
    table.done()
    return look


def _keys(table: Table) -> dict[str, str]:
    keys: dict[str, str] = {}
    for path, found in _flat(table.rest()):
        command = ".".join(path)
        listed = [found] if isinstance(found, str) else found
        if not _COMMAND.fullmatch(command):
            table.wrong(path[0], 'should be the name of a command such as "queue.next".', *path[1:])
        elif not isinstance(listed, list) or not all(isinstance(k, str) and k.isprintable() for k in listed):
            said = f'should be a key or a list of keys such as ["j", "down"], and is {shown(found)}.'
            table.wrong(path[0], said, *path[1:])
        else:
            keys[command] = ",".join(listed)
    return keys


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Read `queue.next = "j"` the same with and without quotes around the name: TOML makes tables of the latter."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from (((name, *path), inner) for path, inner in _flat(value))
        else:
            yield (name,), value


def _no_secrets(values: Mapping[str, Any], key: Key, mistakes: list[Mistake]) -> None:
    for name, value in values.items():
        if not key and name in (
            "keys",
            "reasons",
        ):  # their names are other people's words, and their values none
            continue
        here = (*key, name)
        if isinstance(value, dict):
            _no_secrets(value, here, mistakes)
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    _no_secrets(item, (*here, number), mistakes)
        elif is_secret(name, value):
            said = (
                "looks like a secret, and secrets belong in the keyring: take it out, and give it to "
                "`modconsole forum add` when it asks."
            )
            mistakes.append(Mistake(here, said))
