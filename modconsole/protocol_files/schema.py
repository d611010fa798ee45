"""What a protocol, include, template or resource file may say (safeguarding guide, sections 7.1, 8.1 and 11).

One set of structures. The loader reads with it; the JSON Schema for editors and the reference for authors are made
from it, so what is said about a key stands here, where the key is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modconsole.core.actions import ACTIONS
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

__all__ = [
    "ACTION",
    "ANYWHERE",
    "BAND",
    "FILES",
    "FILE_ID",
    "ID",
    "INCLUDE",
    "OPERATORS_MEAN",
    "PROTOCOL",
    "RESOURCES",
    "ROLE",
    "ROLES_MEAN",
    "TEMPLATE",
    "URGENCY",
]

ANYWHERE = "anywhere"
"""The place of what helps wherever somebody is."""

ID = r"[a-z][a-z0-9_-]{0,79}"
FILE_ID = r"[a-z][a-z0-9-]{0,79}"

ROLES_MEAN: Mapping[str, str] = {
    "moderator": "the person at the console, often a volunteer or a peer",
    "senior_moderator": "an experienced moderator who answers questions and signs for some decisions",
    "safeguarding_lead": "who decides about safety, and is on call",
    "clinical_lead": "a clinician, where the service has one",
    "data_lead": "who answers for personal data",
    "service_manager": "who answers for the service",
    "buddy": "a colleague who looks after the moderator",
}

OPERATORS_MEAN: Mapping[str, str] = {
    "equals": "this one answer was given, and no other",
    "not_equals": "something was answered, and not this",
    "in": "one of these answers was given",
    "any_of": "the same as `in`; reads better where several answers can be ticked",
    "answered": "`true`: the question has an answer; `false`: it has none yet",
    "lt": "the number is less than this",
    "gt": "the number is greater than this",
}

_ID = Text("an id of small letters, digits, “-” and “_”", ID)
_FILE_ID = Text("an id of small letters, digits and “-”, the same as the file’s name", FILE_ID)
_VALUE = Text("a value of letters, digits, “-” and “_”", r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_SENTENCE = Text("a sentence")
_VERSION = Text('a version in quotes, such as "1.2.0"', r"[0-9A-Za-z.+-]{1,40}")
_PLACE = Text("an ISO 3166 code such as GB or GB-SCT", r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_LANGUAGE = Text("a language such as en-GB", r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_AFTER = Text("a time such as 30m, 24h or 2d", r"[1-9][0-9]{0,3}[mhd]")
_WITHIN = Text("a time such as 15 min")
_ADDRESS = Text("an address that begins with https://", r"https?://[^\s]+")
_SENTENCES = ListOf(_SENTENCE)
_WORDS = ListOf(_ID)


def _words(means: Mapping[str, str]) -> Word:
    return Word(tuple(map(str, means)), tuple(means.values()))


ROLE = _words(ROLES_MEAN)
ACTION = _words({code: f"{spec.label}: {spec.consequence}" for code, spec in ACTIONS.items()})
URGENCY = _words(
    {
        "now": "someone may die or be seriously hurt, a child may be being harmed, or illegal material can be "
        "seen",
        "soon": "wants a trained reply or a safeguarding decision this shift",
        "today": "wants a reply or a decision about the rules; no question of safety is open",
        "routine": "tidying up, feedback, administration",
    }
)
_STYLE = _words(
    {
        "read_do": "one step at a time: read it, do it. For rare, high-stakes, stressful work",
        "do_confirm": "all steps with ticks: act, then check that nothing was missed. For trained people",
    }
)
_STATUS = _words(
    {
        "draft": "being written. Every file begins so, and may stay so: approving does not change the file",
        "in_review": "with the people who will approve it",
        "approved": "approved, with the `approvals` that say so below",
        "retired": "no longer begun; open cases finish on it",
        "withdrawn": "taken out of use at once, for safety",
    }
)
_USED_FOR = _words(
    {
        "case": "a flagged post, message or member. Answers are recorded with the case",
        "shift": "the beginning or end of a shift. Nothing of the walk is kept",
        "self": "the moderator’s own wellbeing. Private: nothing of the walk is kept anywhere",
    }
)
_TYPE = _words(
    {
        "choice": "one of the options, or several with `multiple`. Only here can something follow from an answer",
        "text": "words typed by the moderator",
        "integer": "a whole number",
        "datetime": "a date and time with its zone, or `not needed: ` and the reason",
    }
)
BAND = _words(
    {
        "u13": "under 13",
        "13_15": "13 to 15; in quotes",
        "16_17": "16 to 17; in quotes",
        "adult": "18 or over",
        "unknown": "not known. On a forum open to under-18s it is handled as under 18",
    }
)
_AGES = ListOf(BAND)


def _must(kind: Kind, about: str, *examples: Any) -> Field:
    return Field(kind, required=True, about=about, examples=examples)


def _may(kind: Kind, about: str, *examples: Any, default: str | int | bool | None = None) -> Field:
    return Field(kind, about=about, default=default, examples=examples)


def _for_people(about: str) -> Field:
    return Field(
        AsWritten(), about=f"{about} For people: kept and approved with the rest, not used by the console."
    )


_NEVER_BLOCKS = _may(
    Flag(only=False, told_elsewhere=True),
    "always false, if it is written at all. Nothing in a protocol may stand before an emergency call.",
    default=False,
)

_ON_ANSWER = Group(
    {
        "in": _must(
            ListOf(_VALUE, least=1),
            "the answers this follows from, in quotes. They are values of this question’s options.",
            ["yes", "unclear"],
        ),
        "go_to": _may(
            _ID,
            "the id of a step further down: the steps between are not shown. Never upwards, never over an "
            "emergency step, and never over a question that closing requires.",
            "reply",
        ),
        "switch_to": _may(
            _FILE_ID,
            "the id of another protocol that takes over. The rest of this one is not shown, its answers "
            "are carried over, and the case cannot be closed until the other was begun.",
            "suicide-immediate",
        ),
        "add_protocol": _may(
            _FILE_ID,
            "the id of another protocol to walk as well. This one goes on, and the case cannot be closed "
            "until the other was begun.",
            "child-at-risk",
        ),
        "escalate": _may(
            ROLE,
            "a role that has to be told before the case can be closed. Nothing else waits for it.",
            "safeguarding_lead",
        ),
        "raise_urgency": _may(
            URGENCY, "the urgency the case is raised to. A faster one stays as it is.", "now"
        ),
        "suggest_action": _may(
            ACTION, "an action to offer first. The moderator decides; it is never taken by itself.", "hide"
        ),
        "show_notice": _may(
            _SENTENCE,
            "a sentence shown at once, under the answer.",
            "Hide the post first, then tell the lead what is in it.",
        ),
        "offer_template": _may(
            _FILE_ID, "the id of a message template to offer first.", "hidden-to-keep-people-safe"
        ),
        "unless_running": _may(
            Flag(),
            "true where switch_to or add_protocol is to begin the other protocol only if this sitting has "
            "not begun it yet. Needed where two protocols name each other.",
            default=False,
        ),
    },
    "a consequence",
    "What follows from an answer. It needs `in` and at least one thing that follows. When the answer is "
    "changed, what followed from the old one goes away again.",
)

_OPTION = Group(
    {
        "value": _must(
            _VALUE,
            "what conditions and consequences call this answer, in quotes. Not changed later: records "
            "name it.",
            "yes",
        ),
        "text": _must(Text(), "the answer as the moderator reads it.", "Yes"),
    },
    "an option",
)

_QUESTION = Group(
    {
        "id": _must(
            _ID,
            "an id, once in the whole protocol. Where another protocol asks a question with the same id, "
            "its answer is carried over within one sitting.",
            "imminent",
        ),
        "text": _must(
            _SENTENCE,
            "the question, as the moderator reads it. Fifteen words at most.",
            "Does anything suggest danger now?",
        ),
        "type": _must(
            _TYPE,
            "what kind of answer it takes. There is no type for a bare tick or for true and false: a "
            "judgement is a choice of Yes, Unclear and No.",
        ),
        "help": _may(Text(), "a few sentences more, shown when the moderator asks for them."),
        "required": _may(
            Flag(),
            "true where the case cannot be closed without an answer, or without skipping the step with a "
            "reason. No action waits for it.",
            default=False,
        ),
        "options": _may(
            ListOf(_OPTION, least=2),
            "the answers to choose from, for a choice and only there. A safety question has one with the "
            "value `unclear`.",
        ),
        "multiple": _may(
            Flag(), "true where several options can be ticked; only for a choice.", default=False
        ),
        "valid": _may(
            Group(
                {
                    "min": _may(Whole(), "the smallest number that will do.", 0),
                    "max": _may(Whole(), "the greatest number that will do.", 20),
                },
                "limits",
            ),
            "limits of the number; only for an integer.",
        ),
        "safety": _may(
            Flag(),
            "true where somebody’s safety hangs on the answer; only for a choice. It must then offer "
            "`unclear`, and `unclear` must lead to at least as much as the most cautious other answer.",
            default=False,
        ),
        "redact": _may(
            Flag(),
            "true where the typed text may identify somebody. It is then kept out of exports.",
            default=False,
        ),
        "on_answer": _may(ListOf(_ON_ANSWER), "what follows from which answer; only for a choice."),
    },
    "a question",
)

_STEP = Group(
    {
        "id": _must(_ID, "an id, once in the whole protocol, its includes among it.", "reply"),
        "text": _must(
            _SENTENCE,
            "one thing to do, beginning with a verb. Fifteen words at most.",
            "Reply warmly, and offer two or three resources.",
        ),
        "why": _may(
            _SENTENCE,
            "why it matters, in one line. The check warns without it: a step nobody can give a reason for "
            "should go.",
            "Silence can feel like rejection.",
        ),
        "help": _may(Text(), "a few sentences more, shown when the moderator asks for them."),
        "role": _may(ROLE, "who does it, where that is not the moderator."),
        "within": _may(_WITHIN, "how soon, in words, as the screen shows it.", "15 min"),
        "when": _may(
            Conditions(),
            "under which condition the step is shown. Without it, always. It can look only at questions "
            "of earlier steps.",
        ),
        "safety": _may(Flag(), "true where the step is about somebody’s safety.", default=False),
        "emergency": _may(
            Flag(),
            "true where the step is about the emergency panel. It stands first, has no `when`, and no "
            "jump leads over it. A protocol of urgency now has one.",
            default=False,
        ),
        "questions": _may(
            ListOf(_QUESTION), "what is asked here. A step without questions is ticked when it is done."
        ),
        "templates": _may(
            ListOf(_FILE_ID), "the ids of message templates offered here.", ["suicide-thoughts-reply"]
        ),
        "resources": _may(
            Group(
                {
                    "topics": _must(
                        ListOf(_ID, least=1),
                        "what the crisis services should be about, the most important first. Each is a "
                        "topic of some entry in `resources/`.",
                        ["suicide", "crisis"],
                    ),
                    "max": _may(Whole(), "how many at most.", default=3),
                },
                "a wish for resources",
            ),
            "which crisis services to offer here. The console picks those closest to the member’s place.",
        ),
        "actions": _may(
            ListOf(ACTION),
            "the actions that can be taken as soon as this step is reached. Name each in `decisions` too.",
            ["keep_reply"],
        ),
    },
    "a step",
)

_APPROVAL = Group(
    {
        "role": _must(ROLE, "the role of who approved it."),
        "name": _must(Text(), "their name."),
        "date": _must(Day(), "the day of the approval."),
        "content_hash": _must(
            Text("the SHA-256 of the approved text, 64 hex digits", r"[0-9a-f]{64}"),
            "the SHA-256 of the text that was approved.",
        ),
        "registration": _for_people("Professional body and number, if clinical."),
        "decision": _for_people("What was decided, in words."),
    },
    "an approval",
    "For readers of the file. The approval that counts is the one that `modconsole protocol approve` seals in the "
    "log.",
)

_CHANGE = Group(
    {
        "version": _must(_VERSION, "the version that brought the change, in quotes.", "1.1.0"),
        "date": _must(Day(), "the day of the change."),
        "by_role": _must(
            _words({**ROLES_MEAN, "author": "whoever wrote the file"}),
            "the role of who made it; never a name.",
        ),
        "summary": _must(_SENTENCE, "what changed.", "The lead is told before the reply, not after."),
        "why": _for_people("Why it changed."),
        "ref": _for_people("The incident or complaint it came from."),
    },
    "a change",
)

_GOVERNANCE = Group(
    {
        "owner_role": _must(ROLE, "the role that answers for this protocol."),
        "review_by": _must(
            Day(), "the day by which somebody reads it again. At most 24 months away.", "2027-05-01"
        ),
        "evidence": _must(
            ListOf(Text()),
            "the sources it rests on, one to a line: a guideline, a study, your own policy. The check "
            "warns when there is none.",
            ["Our safeguarding policy, March 2026, section 4"],
        ),
        "changes": _must(ListOf(_CHANGE), "what changed from version to version."),
        "approvals": _may(ListOf(_APPROVAL), "who approved which text. No part of the hash."),
        "effective_from": _may(Day(), "the first day on which it may be used. Not after review_by."),
        "overdue_grace_days": _may(
            Whole(), "for how many days after review_by it may still be run, under a banner.", default=90
        ),
        "hazards": _may(
            ListOf(Text()),
            "what could go wrong by following it, one to a line.",
            ["An emergency is treated as a conversation"],
        ),
        "derived_from": _may(
            Text("a protocol’s id and version"),
            "the shipped protocol and version that yours came from.",
            "suicide-thoughts 0.1.0",
        ),
        "min_role": _may(ROLE, "who may run it alone. Shown as advice; nothing urgent waits for a role."),
        "training_required": _may(_SENTENCE, "what somebody should have learnt before running it."),
        "lived_experience_input": _for_people("Who with lived experience was asked."),
        "equality_notes": _for_people("Who may be disadvantaged, and what is done about it."),
        "review_cycle_months": _for_people("How often it is read again."),
        "organisation": _for_people("Whose it is."),
        "licence": _for_people("Under which terms others may use it."),
        "disclaimer": _for_people("What it is not."),
    },
    "governance",
)

_ESCALATION = Group(
    {
        "id": _must(_ID, "an id.", "tell-lead"),
        "role": _must(ROLE, "the role to tell."),
        "within": _may(_WITHIN, "how soon, in words.", "15 min"),
        "method": _may(
            _SENTENCE,
            "how: the duty phone, in person. Names and numbers stand in the settings.",
            "The duty phone",
        ),
        "script": _may(
            Text(),
            "what to say aloud, word for word.",
            "I need a safeguarding decision now. It is about a child.",
        ),
        "blocks_emergency": _NEVER_BLOCKS,
    },
    "an escalation",
    "How to tell a role, and what to say. Nothing waits for it.",
)

_APPLIES_TO = Group(
    {
        "jurisdictions": _must(
            ListOf(_PLACE),
            "the countries and nations it is written for. GB stands for all of the UK. An empty list: "
            "everywhere.",
            ["GB-ENG", "GB-WLS"],
        ),
        "age_bands": _must(_AGES, "the ages it is written for.", ["adult", "unknown"]),
        "forum_types": _must(
            _WORDS,
            "the kinds of forum it is written for, in words of your own; your settings use the same. The "
            "shipped files say charity, peer_led, nhs, carers and young_people.",
            ["charity", "peer_led"],
        ),
        "language": _must(_LANGUAGE, "the language it is written in.", "en-GB"),
    },
    "applies_to",
)

_SIGN_OFF = Group(
    {
        "role": _must(ROLE, "the role that signs."),
        "when": _may(Conditions(), "under which condition it is needed. Without it, always."),
        "after_event": _may(
            Flag(only=True),
            "always true, if it is written at all: nobody’s signature comes first.",
            default=True,
        ),
        "blocks_emergency": _NEVER_BLOCKS,
        "two_person": _may(Flag(), "true where two people sign.", default=False),
    },
    "a sign-off",
    "Who signs afterwards. Never before: nothing urgent waits for a signature.",
)

_FOLLOW_UP = Group(
    {
        "default_after": _may(
            _AFTER, "the time until we look again, as it is offered first: minutes, hours or days.", "24h"
        ),
        "required_when": _may(
            Conditions(),
            "under which condition “not needed” does not do as the answer to when we look again.",
        ),
    },
    "follow_up",
)

_WELLBEING = Group(
    {
        "exposure": _may(
            _words(
                {
                    "none": "nothing hard to read",
                    "low": "may stay with somebody",
                    "high": "distressing for most people",
                }
            ),
            "how hard the work is on who does it.",
            default="none",
        ),
        "after": _may(
            _words({"offer_break": "a few minutes away", "offer_debrief": "somebody to talk to"}),
            "what the console offers the moderator afterwards. Whether it was taken is never recorded.",
        ),
    },
    "wellbeing",
)


def _schema(name: str) -> Field:
    return _must(
        Word((f"modconsole-{name}/1",)), "what kind of file this is, and by which rules it is written."
    )


_FILE_NAME = _must(
    _FILE_ID, "the file’s name, without .yaml. It stays for good: records name it.", "off-topic-adverts"
)

PROTOCOL = Group(
    {
        "schema": _schema("protocol"),
        "id": _FILE_NAME,
        "title": _must(
            _SENTENCE,
            "what it is about, in twelve words at most.",
            "Talks of suicide, no sign of immediate danger",
        ),
        "version": _must(
            _VERSION, "its version, in quotes. Raise it with every change that others will see.", "0.1.0"
        ),
        "status": _must(
            _STATUS, "how far its author says it has come. The approval that counts is the one in the log."
        ),
        "used_for": _may(_USED_FOR, "what it is walked for.", default="case"),
        "style": _must(_STYLE, "how the screen shows the steps."),
        "urgency": _must(
            URGENCY,
            "how soon a person has to respond. It grades the response, never the person; if two seem "
            "possible, take the faster.",
        ),
        "trigger": _must(
            _SENTENCE,
            "a sentence saying when this protocol is used. The moderator reads it before beginning.",
            "A post mentions suicide, and nothing shows danger now.",
        ),
        "look_for": _must(
            _SENTENCES,
            "what a moderator may see in the post, one sign to a line. For people; nothing is matched "
            "automatically.",
            ["A change from how this member usually posts"],
        ),
        "applies_to": _must(
            _APPLIES_TO, "for whom and where it is written. A mismatch is marked on the screen."
        ),
        "governance": _must(_GOVERNANCE, "who answers for it, what it rests on, and when it is read again."),
        "do_not": _may(_SENTENCES, "what must not be done, one thing to a line.", ["Ask for a promise"]),
        "finished_when": _may(_SENTENCE, "how a moderator knows that the work is done."),
        "includes": _may(
            ListOf(_FILE_ID),
            "the ids of shared first and last steps. A question this protocol asks itself is not asked "
            "twice.",
            ["opening-questions", "closing-questions"],
        ),
        "steps": _must(ListOf(_STEP, least=1), "what to do, in order. Seven of your own at most."),
        "escalations": _may(ListOf(_ESCALATION), "how to tell which role, and what to say aloud."),
        "sign_off": _may(_SIGN_OFF, "who signs afterwards."),
        "follow_up": _may(_FOLLOW_UP, "when we look again."),
        "wellbeing": _may(_WELLBEING, "what the work asks of the moderator."),
        "decisions": _must(
            ListOf(ACTION, least=1),
            "the actions that may be decided: those of the steps, and any others that fit.",
        ),
        "close_requires": _must(
            _WORDS,
            "the ids of the questions a case cannot be closed without. Each is asked on every path.",
            ["member_told", "follow_up_at"],
        ),
        "privacy": _for_people("Notes on lawful basis, retention, and who may open an identity."),
        "i18n": _for_people("Texts in other languages."),
    },
    "a protocol",
)

INCLUDE = Group(
    {
        "schema": _schema("include"),
        "id": _must(_FILE_ID, "the file’s name, without .yaml.", "closing-questions"),
        "position": _must(
            _words(
                {
                    "first": "before the protocol’s own steps, but after an emergency step that stands first",
                    "last": "after the protocol’s own steps",
                }
            ),
            "where its steps go.",
        ),
        "steps": _must(ListOf(_STEP, least=1), "the shared steps, in order."),
    },
    "an include",
)

TEMPLATE = Group(
    {
        "schema": _schema("template"),
        "id": _must(_FILE_ID, "the file’s name, without .yaml.", "suicide-thoughts-reply"),
        "version": _must(_VERSION, "its version, in quotes.", "0.1.0"),
        "situation": _must(_SENTENCE, "when this message fits.", "A member may be in danger now."),
        "channel": _must(
            _words({"public": "a reply that everybody reads", "private": "a message to the member alone"}),
            "where it is sent.",
        ),
        "body": _must(
            Text("the message"),
            "the message, after “|” on lines of its own. Names in { } are filled in; it cannot be sent "
            "while one is open.",
            "Hi {member_name}, thank you for telling us.\n",
        ),
        "placeholders": _must(
            ListOf(_ID),
            "the names in { } that the message has, all of them and no others. The console fills "
            "member_name, moderator_name, thread_title and next_look where it knows them; the moderator "
            "fills the rest.",
            ["member_name", "next_look"],
        ),
        "age_bands": _may(_AGES, "the ages it is written for. Without it, all."),
        "jurisdictions": _may(
            ListOf(_PLACE),
            "the places it is written for: the numbers in it belong there. Without it, everywhere.",
        ),
        "never_with": _may(
            ListOf(_FILE_ID), "the ids of protocols in which it could do harm.", ["domestic-abuse"]
        ),
        "reading_age": _may(Text(), "how old a reader has to be to follow it, in quotes.", "9 to 11"),
        "resources": _for_people("The services it names."),
        "reviewed_by": _for_people("Who read it."),
    },
    "a template",
)

_CHANNEL = Group(
    {
        "type": _must(
            _words(
                {
                    "phone": "a number to ring",
                    "text": "a number to text",
                    "website": "an address to open",
                    "chat": "a chat on a website",
                    "email": "an e-mail address",
                    "advice": "no address: what to do, in words",
                }
            ),
            "how they are reached.",
        ),
        "value": _must(
            Text("a number or address in quotes"), "the number, address or advice, in quotes.", "116 123"
        ),
        "cost": _may(Text(), "what it costs.", "free"),
        "hours": _may(Text(), "when it is answered.", "24/7"),
    },
    "a channel",
)

_ENTRY = Group(
    {
        "id": _must(_ID, "an id, once in all resource files.", "gb-samaritans"),
        "name": _must(Text(), "the service’s own name.", "Samaritans"),
        "kind": _must(
            _words(
                {
                    "emergency": "police, ambulance, fire; always shown in the emergency panel",
                    "urgent_nhs": "urgent health care that is no emergency",
                    "crisis": "for people in crisis",
                    "listening": "somebody who listens",
                    "specialist": "help with one thing, such as eating disorders",
                    "reporting": "where something is reported",
                }
            ),
            "what kind of service it is.",
        ),
        "topics": _must(
            ListOf(_ID, least=1),
            "what it helps with; the words that a step’s `resources` asks for.",
            ["crisis", "suicide"],
        ),
        "channels": _must(ListOf(_CHANNEL, least=1), "how it is reached, the best way first."),
        "areas": _must(
            ListOf(
                Text(f"an ISO 3166 code such as GB, or {ANYWHERE}", rf"{_PLACE.pattern}|{ANYWHERE}"), least=1
            ),
            "where it helps.",
            ["GB", "IE"],
        ),
        "source": _must(
            Group(
                {
                    "url": _must(_ADDRESS, "the page it was read on.", "https://www.samaritans.org"),
                    "seen_on": _must(Day(), "the day it was read."),
                },
                "a source",
            ),
            "where this was read, and when.",
        ),
        "audience": _may(
            Group(
                {
                    "age_min": _may(Whole(), "the youngest it helps."),
                    "age_max": _may(Whole(), "the oldest it helps."),
                    "who": _may(Text(), "whom it helps, in words.", default="anyone"),
                },
                "an audience",
            ),
            "whom it helps.",
        ),
        "languages": _may(ListOf(_LANGUAGE), "the languages it is offered in.", ["en", "cy"]),
        "verified": _may(
            Group(
                {
                    "on": _may(Day(), "the day it was checked. Empty: nobody here has checked it."),
                    "by_role": _may(ROLE, "the role of who checked it."),
                    "method": _may(
                        _words(
                            {
                                "website": "looked at its own site",
                                "rang": "rang it",
                                "official_list": "found it in an official list",
                            }
                        ),
                        "how it was checked.",
                    ),
                },
                "verified",
            ),
            "when somebody of your service last checked it. Until then, and after recheck_days, it cannot "
            "be put into a message. Emergency numbers are always shown.",
        ),
        "recheck_days": _may(Whole(), "after how many days it is checked again.", default=90),
        "cautions": _may(_SENTENCES, "what to know before offering it.", ["Not an emergency service"]),
    },
    "a resource",
)

RESOURCES = Group(
    {
        "schema": _schema("resources"),
        "country": _must(
            Text(f"an ISO 3166 country such as GB, or {ANYWHERE}", rf"[A-Z]{{2}}|{ANYWHERE}"),
            "the country, which is the file’s name unless there is a subdivision.",
            "GB",
        ),
        "subdivision": _may(
            _PLACE, "a part of the country with a file of its own, then named after it.", "GB-SCT"
        ),
        "maintainer_role": _must(ROLE, "the role that keeps it right."),
        "entries": _must(ListOf(_ENTRY, least=1), "the services."),
    },
    "a resource file",
)

FILES: Mapping[str, Group] = {
    "protocol": PROTOCOL,
    "include": INCLUDE,
    "template": TEMPLATE,
    "resources": RESOURCES,
}
"""Every kind of file, by the word in its `schema` key."""
