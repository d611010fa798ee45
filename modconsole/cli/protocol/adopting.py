"""`protocol adopt`: a service makes the library its own, question by question, and hears what is still missing.

Every answer is written at once, so it can be stopped at any question and gone on with another day.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from modconsole.cli.output import complain, say, show_json
from modconsole.cli.parts import Parts
from modconsole.core.errors import ModconsoleError, SettingsError, WrongUsage
from modconsole.core.topics import TOPICS
from modconsole.desk import adoption
from modconsole.ports.resource_notes import CHECKED_BY
from modconsole.ports.settings import Contact, ServiceSettings, SettingValue

__all__ = ["add_to"]

_WORDS = {
    "setting": "Settings",
    "contact": "Contacts",
    "suggestion": "Suggested protocols",
    "resource": "Crisis services that nobody checked, or not lately",
    "placeholder": "Places that only you can fill",
    "protocol": "Protocols that are not approved",
}


def add_to(verbs: Any) -> None:
    adopt = verbs.add_parser(
        "adopt", help="make the protocols your service’s own: asks, notes each answer, says what is missing"
    )
    adopt.add_argument(
        "--check",
        action="store_true",
        help="ask nothing; list what is missing, exit 1 while there is anything",
    )
    adopt.add_argument("--json", action="store_true", help="the list as JSON; asks nothing")
    adopt.set_defaults(command=_adopt)


class _Stopped(Exception):
    """Somebody wants to go on another day."""


def _adopt(parts: Parts, args: argparse.Namespace) -> int:
    asks = not (args.check or args.json)
    if asks and not _has_terminal():
        raise WrongUsage(
            "This asks questions, and nobody is there to answer.",
            next_step="`modconsole protocol adopt --check` lists what is missing.",
        )
    if asks:
        parts.start_config()
    if parts.settings_file().read().demo:
        raise WrongUsage(
            "This is a demo home: nothing in it is for real members, so there is nothing to adopt.",
            next_step="Leave MODCONSOLE_HOME unset, or point it at the home of your service.",
        )
    if asks:
        say(
            "Enter keeps what stands in [ ]. “q” stops; what you answered by then is kept, and you can go on later.",
            "",
        )
        try:
            _settings(parts)
            parts = parts.with_new_settings()
            _contacts(parts)
            _reasons(parts)
            parts = parts.with_new_settings()
            _resources(parts)
        except _Stopped:
            say("", f"Stopped. What you answered is in {parts.settings_file().path}.")
        parts = parts.with_new_settings()
    return _missing(parts, as_json=args.json)


def _missing(parts: Parts, *, as_json: bool) -> int:
    desk = parts.desk()
    found = adoption.remaining(desk.settings.service, desk.library, desk.cases.standing, desk.now().date())
    if as_json:
        rows = [{"kind": r.kind, "about": r.about, "said": r.said, "mend": r.mend} for r in found]
        show_json({"finished": not found, "remaining": rows})
        return 1 if found else 0
    if not found:
        say("Finished: the settings, contacts, crisis services and protocols are your service’s own.")
        return 0
    for kind, heading in _WORDS.items():
        some = [item for item in found if item.kind == kind]
        if not some:
            continue
        say("", f"{heading}: {len(some)}")
        for item in some:
            say(f"  {item.about}: {item.said}")
            if item is some[0] or item.mend != some[0].mend:
                say(f"    → {item.mend}")
    say("", f"Not finished: {len(found)} still to do. `modconsole protocol adopt --check` lists them again.")
    return 1


# Settings


@dataclass(frozen=True, slots=True)
class _Asked:
    """One key of `[service]` and how it is asked for."""

    name: str
    question: str
    now: Callable[[ServiceSettings], str]
    read: Callable[[str], SettingValue]


def _words(text: str) -> list[str]:
    return [word for word in text.replace(",", " ").split() if word]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split(";") if line.strip()]


_SETTINGS = (
    _Asked(
        "org",
        "What is your service called, as the log names it?",
        lambda s: "" if s.org == adoption.UNNAMED_SERVICE else s.org,
        str,
    ),
    _Asked("time_zone", "Time zone, such as Europe/London", lambda s: s.time_zone, str),
    _Asked(
        "staffed_hours",
        "When are moderators there? Such as Mon-Fri 08:00-24:00; Sat, Sun 10:00-18:00",
        lambda s: "; ".join(s.staffed_lines),
        _lines,
    ),
    _Asked(
        "jurisdictions",
        "Where do your members live? Codes such as GB-ENG, GB-SCT, IE",
        lambda s: ", ".join(s.jurisdictions),
        _words,
    ),
    _Asked(
        "age_bands",
        "How old are they? Of u13, 13_15, 16_17, adult, unknown",
        lambda s: ", ".join(s.age_bands),
        _words,
    ),
    _Asked(
        "forum_types",
        "What kind of forum is it? Such as charity, peer_led, nhs, carers, young_people",
        lambda s: ", ".join(s.forum_types),
        _words,
    ),
    _Asked(
        "allow_drafts",
        "May drafts that nobody approved run on real cases? y or n",
        lambda s: "y" if s.allow_drafts else "n",
        lambda text: text.lower().startswith("y"),
    ),
)


def _settings(parts: Parts) -> None:
    file = parts.settings_file()
    for asked in _SETTINGS:
        while True:
            present = asked.now(file.read().service)
            said = _ask(asked.question, present)
            if said == present:
                break
            try:
                file.change("service", {asked.name: asked.read(said)})
                break
            except SettingsError as error:
                complain(error)


def _contacts(parts: Parts) -> None:
    file, desk = parts.settings_file(), parts.desk()
    protocols = adoption.chosen(desk.settings.service, desk.library, desk.cases.standing)
    for role in adoption.roles_to_reach(desk.settings.service, protocols):
        say("", f"Whom do moderators reach as {role.replace('_', ' ')}? Protocols have them told.")
        name = _ask("Name your team uses (Enter: later)")
        reach = _ask("How to reach them: a number, a room, a channel") if name else ""
        if not reach:
            continue
        try:
            file.add_contact(Contact(role, name, reach, _ask("When (may stay empty)")))
        except SettingsError as error:
            complain(error)


def _reasons(parts: Parts) -> None:
    desk, file = parts.desk(), parts.settings_file()
    for reason in adoption.unmapped_reasons(desk.store):
        if reason in file.read().service.reasons:
            continue
        say("", f"A forum gives the reason “{reason}”, and nothing says what it is about.")
        while True:
            topic = _ask("Which topic (“?” lists them; Enter: later)")
            if topic == "?":
                say(*(f"  {code}: {known.label}" for code, known in TOPICS.items()))
                continue
            try:
                if topic:
                    file.change("reasons", {reason: topic})
                break
            except SettingsError as error:
                complain(error)


# Crisis services


def _resources(parts: Parts) -> None:
    desk, notes = parts.desk(), parts.resource_notes()
    today, role = desk.now().date(), desk.settings.role
    waiting = adoption.to_check(desk.settings.service, desk.library, today)
    if waiting:
        say("", f"{len(waiting)} crisis services for your places are not checked, or not lately.")
    for number, resource in enumerate(waiting, start=1):
        ways = "; ".join(f"{c.type} {c.value}{f' ({c.hours})' if c.hours else ''}" for c in resource.channels)
        say(
            "",
            f"{number} of {len(waiting)}: {resource.name}, {ways}",
            *(f"  ! {c}" for c in resource.cautions),
        )
        say(f"  read of at {resource.source_url}")
        try:
            if adoption.has_open_places(resource):
                said = _choice("Something of it only you can know. Make a copy to write it into?", ("y", "n"))
                if said == "y":
                    say(f"  Write it into {notes.own_copy(resource.id)}, then go on here.")
                continue
            said = _choice(
                "Have you rung or looked it up today, and is all of this right?", ("y", "n", "skip")
            )
            if said == "n":
                say(f"  Correct it in {notes.own_copy(resource.id)}, or take it out there.")
            if said == "y":
                how = _choice("How did you make sure?", tuple(CHECKED_BY))
                file = notes.checked(resource.id, on=today, by_role=role, method=how)
                say(f"  Noted in {file}.")
        except ModconsoleError as error:
            complain(error)


# Asking


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _ask(question: str, present: str = "") -> str:
    shown = f" [{present}]" if present else ""
    try:
        said = input(f"{question}{shown}: ").strip()
    except EOFError:
        raise _Stopped from None
    if said == "q":
        raise _Stopped
    return said or present


def _choice(question: str, choices: Sequence[str]) -> str:
    """Ask until it is one of the choices, or the beginning of one. Enter takes the last, which changes nothing."""
    while True:
        said = _ask(f"{question} {' / '.join(choices)}").lower()
        found = [choice for choice in choices if said and choice.startswith(said)]
        if not said and "y" in choices:
            return choices[-1]
        if len(found) == 1:
            return found[0]
