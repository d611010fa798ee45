"""What a protocol, include, template or resource file may say (safeguarding guide, sections 7.1, 8.1 and 11)."""

from __future__ import annotations

from modconsole.core.actions import Action
from modconsole.core.model import AgeBand
from modconsole.core.protocol import ProtocolStatus, QuestionType, Style
from modconsole.core.roles import ROLES
from modconsole.core.urgency import Urgency
from modconsole.protocol_files.kinds import (
    AsWritten,
    Conditions,
    Day,
    Field,
    Flag,
    Group,
    Kind,
    ListOf,
    Text,
    Whole,
    Word,
)

__all__ = ["ANYWHERE", "ID", "INCLUDE", "PROTOCOL", "RESOURCES", "TEMPLATE"]

ANYWHERE = "anywhere"
"""The place of what helps wherever somebody is."""

ID = r"[a-z][a-z0-9_-]{0,79}"

_ID = Text("an id of small letters, digits, “-” and “_”", ID)
_FILE_ID = Text(
    "an id of small letters, digits and “-”, the same as the file’s name", r"[a-z][a-z0-9-]{0,79}"
)
_VALUE = Text("a value of letters, digits, “-” and “_”", r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_SENTENCE = Text("a sentence")
_VERSION = Text('a version in quotes, such as "1.2.0"', r"[0-9A-Za-z.+-]{1,40}")
_PLACE = Text("an ISO 3166 code such as GB or GB-SCT", r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_LANGUAGE = Text("a language such as en-GB", r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_AGES = ListOf(Word(tuple(AgeBand)))
_ROLE = Word(ROLES)
_ACTION = Word(tuple(Action))
_SENTENCES = ListOf(_SENTENCE)
_WORDS = ListOf(_ID)


def _must(kind: Kind, about: str = "") -> Field:
    return Field(kind, required=True, about=about)


def _may(kind: Kind) -> Field:
    return Field(kind)


_FOR_PEOPLE = _may(AsWritten())

_ON_ANSWER = Group(
    {
        "in": _must(ListOf(_VALUE, least=1), "the answers this follows from, in quotes"),
        "go_to": _may(_ID),
        "switch_to": _may(_FILE_ID),
        "add_protocol": _may(_FILE_ID),
        "escalate": _may(_ROLE),
        "raise_urgency": _may(Word(tuple(Urgency))),
        "suggest_action": _may(_ACTION),
        "show_notice": _may(_SENTENCE),
        "offer_template": _may(_FILE_ID),
    },
    "a consequence",
)

_QUESTION = Group(
    {
        "id": _must(_ID),
        "text": _must(_SENTENCE, "the question, as the moderator reads it"),
        "type": _must(Word(tuple(QuestionType))),
        "help": _may(Text()),
        "required": _may(Flag()),
        "options": _may(
            ListOf(Group({"value": _must(_VALUE), "text": _must(Text())}, "an option"), least=2),
        ),
        "multiple": _may(Flag()),
        "valid": _may(Group({"min": _may(Whole()), "max": _may(Whole())}, "limits")),
        "safety": _may(Flag()),
        "redact": _may(Flag()),
        "on_answer": _may(ListOf(_ON_ANSWER)),
    },
    "a question",
)

_STEP = Group(
    {
        "id": _must(_ID),
        "text": _must(_SENTENCE, "one thing to do, beginning with a verb"),
        "why": _may(_SENTENCE),
        "help": _may(Text()),
        "role": _may(_ROLE),
        "within": _may(Text("a time such as 15 min")),
        "when": _may(Conditions()),
        "safety": _may(Flag()),
        "emergency": _may(Flag()),
        "questions": _may(ListOf(_QUESTION)),
        "templates": _may(ListOf(_FILE_ID)),
        "resources": _may(
            Group({"topics": _must(ListOf(_ID, least=1)), "max": _may(Whole())}, "a wish for resources")
        ),
        "actions": _may(ListOf(_ACTION)),
    },
    "a step",
)

_APPROVAL = Group(
    {
        "role": _must(_ROLE),
        "name": _must(Text()),
        "date": _must(Day()),
        "content_hash": _must(
            Text("the SHA-256 of the approved text, 64 hex digits", r"[0-9a-f]{64}"),
            "the SHA-256 of the text that was approved",
        ),
        "registration": _FOR_PEOPLE,
        "decision": _FOR_PEOPLE,
    },
    "an approval",
)

_CHANGE = Group(
    {
        "version": _must(_VERSION),
        "date": _must(Day()),
        "by_role": _must(Word((*ROLES, "author"))),
        "summary": _must(_SENTENCE, "what changed"),
        "why": _FOR_PEOPLE,
        "ref": _FOR_PEOPLE,
    },
    "a change",
)

_GOVERNANCE = Group(
    {
        "owner_role": _must(_ROLE),
        "review_by": _must(Day()),
        "evidence": _must(ListOf(Text()), "the sources it rests on"),
        "changes": _must(ListOf(_CHANGE)),
        "approvals": _may(ListOf(_APPROVAL)),
        "effective_from": _may(Day()),
        "overdue_grace_days": _may(Whole()),
        "hazards": _may(ListOf(Text())),
        "derived_from": _FOR_PEOPLE,
        "min_role": _FOR_PEOPLE,
        "training_required": _FOR_PEOPLE,
        "lived_experience_input": _FOR_PEOPLE,
        "equality_notes": _FOR_PEOPLE,
        "review_cycle_months": _FOR_PEOPLE,
        "organisation": _FOR_PEOPLE,
        "licence": _FOR_PEOPLE,
        "disclaimer": _FOR_PEOPLE,
    },
    "governance",
)

PROTOCOL = Group(
    {
        "schema": _must(Word(("modconsole-protocol/1",))),
        "id": _must(_FILE_ID, "the file’s name, without .yaml"),
        "title": _must(_SENTENCE),
        "version": _must(_VERSION),
        "status": _must(Word(tuple(ProtocolStatus))),
        "style": _must(Word(tuple(Style))),
        "urgency": _must(Word(tuple(Urgency))),
        "trigger": _must(_SENTENCE, "a sentence saying when this protocol is used"),
        "look_for": _must(_SENTENCES),
        "applies_to": _must(
            Group(
                {
                    "jurisdictions": _must(ListOf(_PLACE)),
                    "age_bands": _must(_AGES),
                    "forum_types": _must(_WORDS),
                    "language": _must(_LANGUAGE),
                },
                "applies_to",
            )
        ),
        "governance": _must(_GOVERNANCE),
        "do_not": _may(_SENTENCES),
        "finished_when": _may(_SENTENCE),
        "includes": _may(ListOf(_FILE_ID)),
        "steps": _must(ListOf(_STEP, least=1)),
        "escalations": _FOR_PEOPLE,
        "sign_off": _may(
            Group(
                {
                    "role": _must(_ROLE),
                    "when": _may(Conditions()),
                    "after_event": _may(Flag(only=True)),
                    "blocks_emergency": _may(Flag()),
                    "two_person": _may(Flag()),
                },
                "a sign-off",
            )
        ),
        "follow_up": _may(
            Group(
                {
                    "default_after": _may(Text("a time such as 30m, 24h or 2d", r"[1-9][0-9]{0,3}[mhd]")),
                    "required_when": _FOR_PEOPLE,
                },
                "follow_up",
            )
        ),
        "wellbeing": _may(
            Group(
                {
                    "exposure": _may(Word(("none", "low", "high"))),
                    "after": _may(Word(("offer_break", "offer_debrief"))),
                },
                "wellbeing",
            )
        ),
        "decisions": _must(ListOf(_ACTION, least=1), "the actions that may be decided"),
        "close_requires": _must(_WORDS, "the ids of the questions a case cannot be closed without"),
        "privacy": _FOR_PEOPLE,
        "i18n": _FOR_PEOPLE,
    },
    "a protocol",
)

INCLUDE = Group(
    {
        "schema": _must(Word(("modconsole-include/1",))),
        "id": _must(_FILE_ID, "the file’s name, without .yaml"),
        "position": _must(Word(("first", "last"))),
        "steps": _must(ListOf(_STEP, least=1)),
    },
    "an include",
)

TEMPLATE = Group(
    {
        "schema": _must(Word(("modconsole-template/1",))),
        "id": _must(_FILE_ID, "the file’s name, without .yaml"),
        "version": _must(_VERSION),
        "situation": _must(_SENTENCE, "when this message fits"),
        "channel": _must(Word(("public", "private"))),
        "body": _must(Text("the message"), "the message, after “|” on lines of its own"),
        "placeholders": _must(ListOf(_ID), "the names in { } that the message has"),
        "age_bands": _may(_AGES),
        "jurisdictions": _may(ListOf(_PLACE)),
        "never_with": _may(ListOf(_FILE_ID)),
        "reading_age": _may(Text()),
        "resources": _FOR_PEOPLE,
        "reviewed_by": _FOR_PEOPLE,
    },
    "a template",
)

_ENTRY = Group(
    {
        "id": _must(_ID),
        "name": _must(Text()),
        "kind": _must(Word(("emergency", "urgent_nhs", "crisis", "listening", "specialist", "reporting"))),
        "topics": _must(ListOf(_ID, least=1)),
        "channels": _must(
            ListOf(
                Group(
                    {
                        "type": _must(Word(("phone", "text", "website", "chat", "email", "advice"))),
                        "value": _must(Text("a number or address in quotes")),
                        "cost": _may(Text()),
                        "hours": _may(Text()),
                    },
                    "a channel",
                ),
                least=1,
            )
        ),
        "areas": _must(
            ListOf(
                Text(f"an ISO 3166 code such as GB, or {ANYWHERE}", rf"{_PLACE.pattern}|{ANYWHERE}"), least=1
            )
        ),
        "source": _must(
            Group(
                {
                    "url": _must(Text("an address that begins with https://", r"https?://[^\s]+")),
                    "seen_on": _must(Day()),
                },
                "a source",
            ),
            "where this was read, and when",
        ),
        "audience": _may(
            Group({"age_min": _may(Whole()), "age_max": _may(Whole()), "who": _may(Text())}, "an audience")
        ),
        "languages": _may(ListOf(_LANGUAGE)),
        "verified": _may(
            Group(
                {
                    "on": _may(Day()),
                    "by_role": _may(_ROLE),
                    "method": _may(Word(("website", "rang", "official_list"))),
                },
                "verified",
            )
        ),
        "recheck_days": _may(Whole()),
        "cautions": _may(_SENTENCES),
    },
    "a resource",
)

RESOURCES = Group(
    {
        "schema": _must(Word(("modconsole-resources/1",))),
        "country": _must(Text(f"an ISO 3166 country such as GB, or {ANYWHERE}", rf"[A-Z]{{2}}|{ANYWHERE}")),
        "subdivision": _may(_PLACE),
        "maintainer_role": _must(_ROLE),
        "entries": _must(ListOf(_ENTRY, least=1)),
    },
    "a resource file",
)
