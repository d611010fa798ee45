"""How a protocol and its messages are written: length, reasons, and words to avoid (guide, sections 4 and 7.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from modconsole.core.findings import Finding, Level, Place
from modconsole.core.protocol import ReviewProtocol, Template

__all__ = ["template_wording", "wording"]

MOST_WORDS, MOST_TITLE_WORDS = 15, 12


def wording(protocol: ReviewProtocol) -> list[Finding]:
    """Give what is wrong with how a protocol is written: warnings, and advice about style."""
    return [*_writing(protocol), *_style(protocol)]


def _writing(protocol: ReviewProtocol) -> Iterator[Finding]:
    if not protocol.look_for:
        yield Finding(
            Level.WARNING,
            "nothing-to-look-for",
            Place(keys=("look_for",)),
            "nothing to look for",
            "the signs that this protocol is about, as plain sentences",
        )
    for step in protocol.steps:
        if not step.why:
            yield Finding(
                Level.WARNING,
                "missing-why",
                Place(step.id),
                f"the step “{step.id}” without “why”",
                "why: a sentence; delete a step that has no reason",
            )
    for place, text in _short_texts(protocol):
        most = MOST_TITLE_WORDS if place.keys == ("title",) else MOST_WORDS
        count = len(text.split())
        if count > most:
            yield Finding(
                Level.WARNING, "wordy", place, f"{count} words", f"{most} at most; “help” has room for more"
            )


def _short_texts(protocol: ReviewProtocol) -> Iterator[tuple[Place, str]]:
    """Give what is read at a glance: the title, the steps and the questions."""
    yield Place(keys=("title",)), protocol.title
    for step in protocol.steps:
        yield Place(step.id, keys=("text",)), step.text
        for question in step.questions:
            yield Place(step.id, question.id, ("text",)), question.text


AVOID: Mapping[str, str] = {
    "violated": "say which rule, and what was taken out",
    "triggering": "say what it could do: “could make things harder for others”",
    "inappropriate": "say what it was",
    "attention-seeking": "say what happened",
    "attention seeking": "say what happened",
    "commit suicide": "“end their life”, “die by suicide”",
    "committed suicide": "“ended their life”, “died by suicide”",
    "committing suicide": "“ending their life”",
    "failed attempt": "“attempt”",
    "unfortunately": "the fact alone",
    "please be advised": "the fact alone",
    "don't worry": "what we will do",
}
"""Words that the guide, section 7.1, keeps out of what people read, and what to say instead."""

JARGON: Mapping[str, str] = {
    "utilise": "use",
    "facilitate": "help",
    "commence": "begin",
    "terminate": "end",
    "prior to": "before",
    "in respect of": "about",
    "in relation to": "about",
    "with regard to": "about",
    "in the event of": "if",
    "signpost": "offer, or name",
    "liaise": "talk",
    "stakeholder": "name them",
    "ideation": "thoughts",
    "risk level": "how soon, and what to do",
    "high risk": "how soon, and what to do",
    "low risk": "how soon, and what to do",
    "risk-assess": "look, ask and decide",
    "risk assess": "look, ask and decide",
    "presenting issue": "what they wrote about",
    "service user": "member",
    "non-compliant": "what they did",
    "action the": "do",
    "actioned": "done",
    "going forward": "from now on",
    "as per": "as",
}

_NO_VERBS = frozenset(
    "a an the this that these those it its he she they we you i my your our their if when where while because there "
    "here who what which why how whose is are was were been has had does did can could may might should would will "
    "no not any every all some and or but for from with without in on at by of to as immediate immediately".split()
)
_DONE = "(?:\\w+ed|done|given|hidden|known|made|put|rung|said|seen|sent|shown|taken|told|written)"
_PASSIVE = re.compile(
    rf"\b(?:is|are|was|were|be|been|being)\s+{_DONE}\s+by\b|\b(?:must|should|needs? to)\s+be\s+{_DONE}\b",
    re.IGNORECASE,
)
_TWICE_NOT = re.compile(
    r"\b(?:not|never|don't|doesn't|isn't|no)\b[^.,;:?]{0,40}(?<!why )(?<!or )(?<!if )\b"
    r"(?:not|never|without|unless|unlikely|unable|nobody|nothing|no longer)\b",
    re.IGNORECASE,
)
_AND_OR = re.compile(r"\band/or\b", re.IGNORECASE)


def _style(protocol: ReviewProtocol) -> Iterator[Finding]:
    for step in protocol.steps:
        first = re.match(r"[^\w]*([\w’'-]+)", step.text)
        if first and (first[1].lower() in _NO_VERBS or step.text.rstrip().endswith("?")):
            yield Finding(
                Level.ADVICE,
                "begin-with-a-verb",
                Place(step.id, keys=("text",)),
                f"a step that begins with “{first[1]}”",
                "what to do, beginning with a verb, such as “Ring”, “Hide” or “Ask”",
            )
    for place, text in _short_texts(protocol):
        yield from _style_of(place, text)


def _style_of(place: Place, text: str) -> Iterator[Finding]:
    plain = text.replace("’", "'")
    for pattern, rule, expected in (
        (_AND_OR, "and-or", "“and” or “or”: the reader must not guess"),
        (_PASSIVE, "passive", "who does it, and what they do"),
        (_TWICE_NOT, "double-negative", "the same said plainly, with one “not” at most"),
    ):
        match = pattern.search(plain)
        if match:
            words = text[match.start() : match.end()]
            yield Finding(Level.ADVICE, rule, place, f"“{words}”", expected, words)
    yield from _words_of(place, text, JARGON, "jargon")
    yield from _words_of(place, text, AVOID, "wording-to-avoid")


def _words_of(place: Place, text: str, words: Mapping[str, str], rule: str) -> Iterator[Finding]:
    plain = text.replace("’", "'")
    for word, instead in words.items():
        match = re.search(rf"\b{re.escape(word)}", plain, re.IGNORECASE)
        if match:
            written = text[match.start() : match.end()]
            yield Finding(Level.ADVICE, rule, place, f"“{written}”", instead, written)


def template_wording(template: Template) -> list[Finding]:
    """Give what a message to a member had better not say (guide, section 7.1). Advice only."""
    places = (("situation", template.situation), ("body", template.body))
    return [
        finding
        for key, text in places
        for finding in _words_of(Place(keys=(key,)), text, AVOID, "wording-to-avoid")
    ]
