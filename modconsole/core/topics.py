"""Topics: one word for what a flag is about, shared by all forums. One per sheet of the safeguarding guide, section 3.

An adapter maps its forum's reasons to topics where it can; a service can map the rest in its settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from modconsole.core.urgency import Urgency

__all__ = ["TOPICS", "UNKNOWN_TOPIC", "Topic", "topic_for"]


@dataclass(frozen=True, slots=True)
class Topic:
    """What a flag is about, how soon a person should look, and which protocols may help.

    `protocols` are tried in order; those not in the library are passed over.
    """

    code: str
    label: str
    urgency: Urgency
    protocols: tuple[str, ...]


def _topic(code: str, label: str, urgency: Urgency) -> tuple[str, Topic]:
    return code, Topic(code, label, urgency, (code,))


NOW, SOON, TODAY, ROUTINE = Urgency.NOW, Urgency.SOON, Urgency.TODAY, Urgency.ROUTINE

TOPICS: Mapping[str, Topic] = MappingProxyType(
    dict(
        [
            _topic("suicide-immediate", "may be about to act", NOW),
            _topic("suicide-thoughts", "thoughts of suicide", SOON),
            _topic("harmful-suicide-selfharm-content", "harmful detail or encouragement", NOW),
            _topic("self-harm", "self-harm", SOON),
            _topic("eating-disorder-content", "eating disorder", SOON),
            _topic("distress-no-safety-signs", "distress", TODAY),
            _topic("child-at-risk", "a child may be at risk", NOW),
            _topic("grooming-or-exploitation", "grooming or exploitation", NOW),
            _topic("csam-suspected", "suspected child sexual abuse material", NOW),
            _topic("adult-at-risk", "an adult may be at risk", SOON),
            _topic("domestic-abuse", "domestic abuse", SOON),
            _topic("sexual-violence-disclosure", "sexual violence disclosed", SOON),
            _topic("harm-to-others-or-threat", "threat to others", NOW),
            _topic("harassment-hate-bullying", "harassment, hate or bullying", TODAY),
            _topic("identifying-information", "identifying details", TODAY),
            _topic("contact-sharing-off-platform", "contact shared off the forum", TODAY),
            _topic("medication-and-health-claims", "medication or health claim", TODAY),
            _topic("drugs-alcohol", "drugs or alcohol", TODAY),
            _topic("scam-or-exploitation-of-members", "scam or exploitation", TODAY),
            _topic("thread-spiral", "thread spiralling", SOON),
            _topic("member-death-postvention", "a member may have died", NOW),
            _topic("unanswered-post", "nobody has answered", TODAY),
            _topic("worried-about-someone-else", "worried about someone", SOON),
            _topic("spam-fundraising-research-media", "spam or recruiting", ROUTINE),
            _topic("trolling", "trolling", TODAY),
            _topic("impersonation-or-bot", "impersonation or bot", TODAY),
            _topic("complaint-or-appeal", "complaint or appeal", TODAY),
            _topic("concern-about-a-moderator-or-staff-member", "concern about staff", NOW),
            _topic("underage-account", "member may be under age", TODAY),
            _topic("intimate-image-or-sextortion", "intimate image or sextortion", NOW),
            _topic("terrorism-extremism", "terrorism or extremism", NOW),
        ]
    )
)

UNKNOWN_TOPIC = Topic("", "reason not known here", Urgency.SOON, ("distress-no-safety-signs",))
"""A reason nobody mapped could be about safety, so a person looks soon (guide, rule 4: the more cautious branch), with
the sheet that asks about danger first and hands over (guide, section 6.2)."""


def topic_for(code: str) -> Topic:
    """Give the topic of this code; a code we do not know counts as `UNKNOWN_TOPIC`."""
    return TOPICS.get(code, UNKNOWN_TOPIC)
