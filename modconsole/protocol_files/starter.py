"""The first text of an author's own protocol: commented, whole, and without a finding."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from modconsole.core.errors import WrongUsage
from modconsole.core.examine_paths import MANY_STEPS
from modconsole.core.text import is_safe, plain
from modconsole.core.urgency import Urgency
from modconsole.core.wording import MOST_TITLE_WORDS, MOST_WORDS
from modconsole.ports.protocol_tools import Sketch
from modconsole.protocol_files.kinds import Word, read
from modconsole.protocol_files.problems import Report
from modconsole.protocol_files.schema import FILE_ID, PROTOCOL
from modconsole.protocol_files.tree import parse

__all__ = ["MOST_OWN_STEPS", "WHY_UNKNOWN", "starter"]

MOST_OWN_STEPS = MANY_STEPS - 3
"""Beside the first and the last questions, and the step that decides."""

WHY_UNKNOWN = "Write here, in one line, why this step matters."

_NEXT_REVIEW = timedelta(days=365)
_SIGN = "No list is complete, and absence of signs proves nothing"


def starter(sketch: Sketch) -> str:
    """Write a protocol from a sketch.

    Raises:
        WrongUsage: Something in the sketch cannot stand in a protocol; says what.
    """
    if not re.fullmatch(FILE_ID, sketch.id):
        raise WrongUsage(
            f"“{plain(sketch.id, lines=False)}” cannot be the id of a protocol.",
            next_step="Use small letters, digits and “-”, beginning with a letter: off-topic-adverts.",
        )
    title = _line("title", sketch.title, MOST_TITLE_WORDS)
    trigger = _line("trigger", sketch.trigger)
    signs = [_line("sign", sign) for sign in sketch.look_for]
    steps = _steps(sketch)
    day = sketch.written_on or datetime.now(UTC).date()
    is_now = sketch.urgency == Urgency.NOW
    text = _TOP.format(
        id=sketch.id,
        quoted_id=_quoted(sketch.id),
        title=_quoted(title),
        trigger=_quoted(trigger),
        style=_word("style", sketch.style),
        urgency=_word("urgency", sketch.urgency),
        signs="\n".join(f"  - {_quoted(sign)}" for sign in [*signs, _SIGN]),
        jurisdictions=_list(sketch.jurisdictions),
        age_bands=_list(sketch.age_bands),
        forum_types=_list(sketch.forum_types),
        role=_quoted(sketch.owner_role),
        day=day.isoformat(),
        review=_reviewed(day),
    )
    text += (_EMERGENCY if is_now else "") + "".join(steps) + _QUESTION + _DECIDE + _BOTTOM
    text += _SIGN_OFF.format(role=_quoted(sketch.owner_role)) if is_now else ""
    text += _AFTER_NOW if is_now else _AFTER
    text += _END.format(decisions=f"emergency_call, {_DECISIONS}" if is_now else _DECISIONS)
    _refuse_mistakes(text)
    return text


def _reviewed(day: date) -> str:
    return (day + _NEXT_REVIEW).isoformat()


def _line(what: str, text: str, most: int = 0) -> str:
    """Give the text on one line, if it can be read and is short enough."""
    line = " ".join(text.split())
    if not line:
        raise WrongUsage(f"The {what} is empty.", next_step="Write a short sentence.")
    if not is_safe(line, lines=False):
        raise WrongUsage(
            f"The {what} has characters in it that cannot be seen.",
            next_step="Type it again instead of pasting it.",
        )
    if most and len(line.split()) > most:
        raise WrongUsage(
            f"The {what} has {len(line.split())} words: “{line}”.",
            next_step=f"Say it in {most} words at most.",
        )
    return line


def _steps(sketch: Sketch) -> list[str]:
    most = MOST_OWN_STEPS - (sketch.urgency == Urgency.NOW)
    if len(sketch.steps) > most:
        raise WrongUsage(
            f"{len(sketch.steps)} steps are more than anybody keeps in mind.",
            next_step=f"Begin with {most} at most; make two protocols of it, or put two steps together.",
        )
    if not sketch.steps:
        return [_LOOK]
    whys = [*sketch.whys, *[""] * len(sketch.steps)]
    taken = {"ring", "worry", "worry-lead", "decide", "opening", "closing"}
    made = []
    for number, (step, why) in enumerate(zip(sketch.steps, whys, strict=False), 1):
        text = _line(f"step {number}", step, MOST_WORDS)
        id = _id_for(text, number, taken)
        taken.add(id)
        reason = _line(f"reason for step {number}", why or WHY_UNKNOWN)
        made.append(f"  - id: {_quoted(id)}\n    text: {_quoted(text)}\n    why: {_quoted(reason)}\n")
    return made


def _id_for(text: str, number: int, taken: set[str]) -> str:
    """Make an id of the first words, so that a condition or a jump can be read."""
    words = re.findall(r"[a-z0-9]+", text.lower())[:2]
    id = "-".join(words)[:40]
    if not re.match(r"[a-z]", id) or id in taken:
        id = f"step-{number}"
    while id in taken:
        id += "-again"
    return id


def _word(key: str, word: str) -> str:
    """Give the word, if it is one of those the key may have."""
    kind = PROTOCOL.fields[key].kind
    if isinstance(kind, Word) and word not in kind.choices:
        raise WrongUsage(
            f"“{plain(word, lines=False)}” is no {key}.", next_step=f"One of: {', '.join(kind.choices)}."
        )
    return word


def _quoted(text: str) -> str:
    """Write a text so that YAML can only read it as that text."""
    return json.dumps(text, ensure_ascii=False)


def _list(words: Sequence[str]) -> str:
    return "[" + ", ".join(map(_quoted, words)) + "]"


def _refuse_mistakes(text: str) -> None:
    """Let no file out that the loader would not take: a wrong id, role or place is told here, before it is written."""
    report = Report()
    tree = parse(text, "protocol", report)
    if tree is not None:
        read(tree, PROTOCOL, report)
    found = list(_told(report))
    if found:
        raise WrongUsage(" ".join(found), kept="Nothing was written.")


def _told(report: Report) -> Iterator[str]:
    for problem in report.problems:
        near = f" Did you mean “{problem.nearest}”?" if problem.nearest else ""
        yield f"{problem.found}; expected {problem.expected}.{near}"


_DECISIONS = "keep, keep_reply, message_member, hide, escalate_lead, watch, no_action"

_TOP = """\
# yaml-language-server: $schema=.schema/protocol.json
#
# Not for use with real members until your own safeguarding lead has approved it.
#
# Lines that begin with “#” are notes for you; change or delete them. Put quotes around every text.
# `modconsole protocol check {id}` says what is wrong, and where.
# `modconsole protocol schema --reference` explains every key.
schema: "modconsole-protocol/1"

# The file's name without .yaml. It stays for good, because records name it.
id: {quoted_id}
# What it is about, in twelve words at most.
title: {title}
# Raise it whenever you change something that others will see: "0.2.0".
version: "0.1.0"
# What you say of it: draft, in_review, retired, withdrawn. Approving it does not change the file.
status: draft
# read_do: one step at a time, for rare and stressful work. do_confirm: all steps with ticks, for everyday work.
style: {style}
# now | soon | today | routine: how soon a person has to respond. It grades the response, never the person.
urgency: {urgency}
# When it is used.
trigger: {trigger}
# What a moderator may see in the post. For people to read; nothing is matched automatically.
look_for:
{signs}
# For whom and where it is written.
applies_to:
  jurisdictions: {jurisdictions}
  age_bands: {age_bands}
  forum_types: {forum_types}
  language: en-GB
governance:
  # Who answers for it, and the day by which somebody reads it again.
  owner_role: {role}
  review_by: {review}
  # What it rests on: a guideline, a study, a paragraph of your policy. Put yours here.
  evidence:
    - "Our own experience; no published source yet"
  # What could go wrong by following it. Take the “# ” away and write yours:
  # hazards:
  #   - "An emergency is treated as a conversation"
  changes:
    - version: "0.1.0"
      date: {day}
      by_role: author
      summary: "First draft"

# Shared first and last questions: danger, age and place; what the member was told; when we look again.
includes: [opening-questions, closing-questions]

# What to do, in order. One thing to a step, beginning with a verb, in fifteen words at most.
steps:
"""

_EMERGENCY = """\
  # The emergency step stands first and has no condition. The panel also opens with ! from everywhere.
  - id: ring
    text: "Open the emergency panel and ring the emergency number."
    why: "Minutes matter, and only the emergency services can reach someone."
    help: "Press !. Ring first, write it down after."
    within: "minutes"
    emergency: true
    safety: true
    resources: {topics: [emergency], max: 3}
    actions: [emergency_call]
"""

_LOOK = """\
  - id: look
    text: "Read the post, its thread and the member’s earlier posts."
    why: "One message alone can mislead, and worry can build over several."
"""

_QUESTION = """\
  # A question, and a step that only some answers show. Take the “# ” away to use them:
  # - id: worry
  #   text: "Check whether anybody’s safety is in question."
  #   why: "Safety comes before the rules."
  #   questions:
  #     - id: safety_worry
  #       text: "Is anybody’s safety in question?"
  #       type: choice
  #       required: true
  #       safety: true        # so it must offer “unclear”, and unclear must lead to at least as much as yes
  #       options:
  #         - {value: "yes", text: "Yes"}
  #         - {value: "unclear", text: "Unclear"}
  #         - {value: "no", text: "No"}
  #       on_answer:
  #         - in: ["yes", "unclear"]
  #           escalate: safeguarding_lead
  # - id: worry-lead
  #   text: "Tell the safeguarding lead what worries you."
  #   why: "Nobody carries this alone."
  #   when: {question: safety_worry, in: ["yes", "unclear"]}
  #   actions: [escalate_lead]
"""

_DECIDE = f"""\
  # Somewhere on every way through, a step has to offer an action. The codes are in the reference.
  - id: decide
    text: "Decide what to do."
    why: "Every case ends in a decision, with its reason."
    actions: [{_DECISIONS}]
"""

_BOTTOM = """\

do_not:
  - "Promise secrecy, an outcome, or a time we cannot keep"
finished_when: "The decision has its reason, the member has an answer or there is a reason for none, and we look again."
"""

_SIGN_OFF = """\
# Who signs afterwards. Nothing waits for it.
sign_off:
  role: {role}
  after_event: true
"""

_AFTER = """\
# When we look again, as it is offered first: 30m, 24h, 2d.
follow_up: {default_after: 24h}
# What the work asks of the moderator: none | low | high; and what is offered afterwards: offer_break | offer_debrief.
wellbeing: {exposure: low, after: offer_break}
"""

_AFTER_NOW = _AFTER.replace("low, after: offer_break}", "high, after: offer_debrief}")

_END = """\
# The actions that may be decided here.
decisions: [{decisions}]
# The questions a case cannot be closed without. These two are among the shared last questions.
close_requires: [member_told, follow_up_at]
"""
