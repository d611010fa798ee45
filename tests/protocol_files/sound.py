"""A protocol, and its include, that the check finds nothing wrong with."""

from __future__ import annotations

SOUND = """\
schema: "modconsole-protocol/1"
id: calm
title: "A calm sheet"
version: "1.0.0"
status: draft
style: do_confirm
urgency: today
trigger: "When a test needs one."
look_for: ["Nothing much"]
applies_to:
  jurisdictions: ["GB"]
  age_bands: [adult]
  forum_types: [charity]
  language: en-GB
governance:
  owner_role: safeguarding_lead
  review_by: 2027-05-01
  evidence: [NSPA]
  changes:
    - {version: "1.0.0", date: 2026-11-22, by_role: author, summary: "First"}
includes: [ending]
steps:
  - id: look
    text: "Look at it."
    why: "Because."
    actions: [keep]
    questions:
      - id: seen
        text: "Seen?"
        type: choice
        required: true
        safety: true
        options:
          - {value: "yes", text: "Yes"}
          - {value: "unclear", text: "Unclear"}
          - {value: "no", text: "No"}
        on_answer:
          - in: ["yes", "unclear"]
            escalate: safeguarding_lead
  - id: answer
    text: "Answer it."
    why: "They wrote to us."
    when: {question: seen, in: ["yes", "unclear"]}
    templates: [hello]
    resources: {topics: [distress]}
    actions: [keep_reply]
decisions: [keep, keep_reply]
close_requires: [member_told, follow_up_at]
"""

ENDING = """\
schema: "modconsole-include/1"
id: ending
position: last
steps:
  - id: closing
    text: "Close it."
    why: "Nobody is left without a word."
    questions:
      - id: member_told
        text: "Told?"
        type: choice
        required: true
        options:
          - {value: "sent", text: "Yes"}
          - {value: "lead_decides", text: "No"}
      - {id: follow_up_at, text: "When?", type: datetime, required: true}
"""
