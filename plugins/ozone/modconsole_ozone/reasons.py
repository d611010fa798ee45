"""Ozone's report reasons, old set and new, and the topics we take them for.

Where a reason could be two things, the more cautious topic; where it says nothing, none (and a person looks soon).
"""

from __future__ import annotations

import re

__all__ = ["reason_word", "topic_of"]

_OLD = "com.atproto.moderation.defs#reason"
_NEW = "tools.ozone.report.defs#reason"

_TOPICS = {
    _OLD + "Spam": "spam-fundraising-research-media",
    _OLD + "Rude": "harassment-hate-bullying",
    _OLD + "Appeal": "complaint-or-appeal",
    # Violation, Misleading, Sexual and Other say too little to choose.
    _NEW + "Appeal": "complaint-or-appeal",
    _NEW + "SelfHarmContent": "harmful-suicide-selfharm-content",
    _NEW + "SelfHarmED": "eating-disorder-content",
    _NEW + "SelfHarmStunts": "harmful-suicide-selfharm-content",
    _NEW + "SelfHarmSubstances": "self-harm",  # not drugs-alcohol: somebody saw self-harm in it
    _NEW + "SelfHarmOther": "self-harm",
    _NEW + "ChildSafetyCSAM": "csam-suspected",
    _NEW + "ChildSafetyGroom": "grooming-or-exploitation",
    _NEW + "ChildSafetyPrivacy": "child-at-risk",
    _NEW + "ChildSafetyHarassment": "child-at-risk",
    _NEW + "ChildSafetyOther": "child-at-risk",
    _NEW + "ViolenceAnimal": "harm-to-others-or-threat",
    _NEW + "ViolenceThreats": "harm-to-others-or-threat",
    _NEW + "ViolenceGlorification": "harm-to-others-or-threat",
    _NEW + "ViolenceExtremistContent": "terrorism-extremism",
    _NEW + "ViolenceTrafficking": "grooming-or-exploitation",
    _NEW + "ViolenceOther": "harm-to-others-or-threat",
    _NEW + "SexualAbuseContent": "sexual-violence-disclosure",
    _NEW + "SexualNCII": "intimate-image-or-sextortion",
    _NEW + "SexualDeepfake": "intimate-image-or-sextortion",
    _NEW + "HarassmentTroll": "trolling",
    _NEW + "HarassmentTargeted": "harassment-hate-bullying",
    _NEW + "HarassmentHateSpeech": "harassment-hate-bullying",
    _NEW + "HarassmentDoxxing": "identifying-information",
    _NEW + "HarassmentOther": "harassment-hate-bullying",
    _NEW + "MisleadingBot": "impersonation-or-bot",
    _NEW + "MisleadingImpersonation": "impersonation-or-bot",
    _NEW + "MisleadingSpam": "spam-fundraising-research-media",
    _NEW + "MisleadingScam": "scam-or-exploitation-of-members",
}

_TOKEN = re.compile(r"[A-Za-z.]{1,80}#(reason[A-Za-z]{1,40})")


def topic_of(report_type: str) -> str:
    """Give the topic code for a report's full reason token; empty when it does not say."""
    return _TOPICS.get(report_type, "")


def reason_word(report_type: str) -> str:
    """Give the forum's own word for the reason.

    The type is an open string that a reporter's client fills in, so anything that is not a token of the
    known form counts as `reasonOther`: a reason is never a member's free text.
    """
    token = _TOKEN.fullmatch(report_type)
    return token.group(1) if token else "reasonOther"
