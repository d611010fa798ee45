"""The invented forum "Lantern": twenty-five members, twenty threads, about sixty gentle posts.

Every word is made up. Posts are worth a moderator's thought and safe to read: no method, no numbers, no graphic detail.
Between them the flags cover every sheet of the safeguarding guide, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from modconsole.core.model import FlagSource

__all__ = ["MEMBERS", "THREADS", "InventedFlag", "InventedMember", "InventedPost", "InventedThread"]


@dataclass(frozen=True, slots=True)
class InventedMember:
    id: str
    name: str
    joined_days_ago: int
    flagged_before: int = 0
    age_band: str = "adult"
    place: str = "GB-ENG"
    note: str = ""


@dataclass(frozen=True, slots=True)
class InventedFlag:
    """A flag on a post: our topic, the forum's own word for it, who raised it and what they said."""

    topic: str
    reason: str
    by: str = ""
    comment: str = ""
    source: FlagSource = FlagSource.MEMBER


@dataclass(frozen=True, slots=True)
class InventedPost:
    author: str
    text: str
    minutes_ago: int
    flags: tuple[InventedFlag, ...] = ()
    images: int = 0
    later: bool = False
    """Flagged only while somebody is working, so that the queue is not a still life."""


@dataclass(frozen=True, slots=True)
class InventedThread:
    id: str
    title: str
    posts: tuple[InventedPost, ...]


def _flag(topic: str, reason: str, by: str = "", comment: str = "") -> InventedFlag:
    return InventedFlag(topic, reason, by, comment)


def _auto(topic: str, reason: str, source: FlagSource = FlagSource.FILTER) -> InventedFlag:
    return InventedFlag(topic, reason, source=source)


M, P, T = InventedMember, InventedPost, InventedThread

MEMBERS = (
    M("m01", "Heron", 900, 2),
    M("m02", "Willow", 410),
    M("m03", "Juniper", 35, 1),
    M("m04", "Sparrow", 3),
    M("m05", "Marigold", 620, 0, "adult", "GB-SCT"),
    M("m06", "Bramble", 150, 4),
    M("m07", "Otter", 12, 0, "16_17"),
    M("m08", "Thistle", 1300, 1, "adult", "GB-WLS"),
    M("m09", "Pebble", 2),
    M("m10", "Larkspur", 88),
    M("m11", "Fennel", 470, 1),
    M("m12", "Moth", 21, 2, "unknown", ""),
    M("m13", "Cobalt", 260, 0, "adult", "IE"),
    M(
        "m14",
        "Hazel",
        700,
        0,
        note="Agreed plan with the lead: prefers a short private message to a public reply.",
    ),
    M("m15", "Wren", 1, 0, "unknown", ""),
    M("m16", "Clover", 330),
    M("m17", "Driftwood", 95, 3),
    M("m18", "Saffron", 510, 0, "adult", "GB-NIR"),
    M("m19", "Linnet", 44, 0, "13_15"),
    M("m20", "Quill", 5, 6),
    M("m21", "Rowan", 820, 1),
    M("m22", "Teasel", 63),
    M("m23", "Harbour", 240, 0, "adult", "US"),
    M("m24", "Yarrow", 17, 1),
    M("m25", "Juno", 1100),
)

THREADS = (
    T(
        "t01",
        "Tonight is hard",
        (
            P(
                "m04",
                "I have written to the people I love and I think tonight is the night. Thank you all for being kind to me.",
                6,
                (
                    _flag("suicide-immediate", "at risk now", "m02", "please somebody look at this quickly"),
                    _flag("suicide-immediate", "at risk now", "m10", "this reads like a goodbye"),
                ),
            ),
            P("m02", "Sparrow, I am here and I am reading. Please stay and talk to me.", 4),
            P("m10", "Sparrow, is anyone with you? I am so glad you wrote here.", 3),
        ),
    ),
    T(
        "t02",
        "Do you ever just want it to stop",
        (
            P(
                "m03",
                "Some mornings I think everyone would be lighter without me. I would not do anything. "
                "I just get so tired of carrying it.",
                55,
                (
                    _flag(
                        "suicide-thoughts",
                        "mentions suicide",
                        "m05",
                        "worried about Juniper, this is darker than usual",
                    ),
                ),
            ),
            P("m14", "I know that tiredness. You are not a weight to us, Juniper.", 41),
            P(
                "m11",
                "Same here since my mum was ill. Wishing not to wake up is what I say to my nurse and she does not flinch.",
                30,
                (_auto("suicide-thoughts", "watched words"),),
            ),
        ),
    ),
    T(
        "t03",
        "What people told me to do",
        (
            P(
                "m20",
                "Honestly, some of you should just go through with it. I can tell you how, message me.",
                18,
                (
                    _flag("harmful-suicide-selfharm-content", "encourages harm", "m01", "this is vile"),
                    _flag("harassment-hate-bullying", "hostile", "m08"),
                    _flag("harmful-suicide-selfharm-content", "encourages harm", "m21"),
                ),
            ),
            P("m08", "That is not welcome here. I have reported it.", 16),
        ),
    ),
    T(
        "t04",
        "Urges this week",
        (
            P(
                "m12",
                "I hurt myself again on Sunday after four months without. I feel so ashamed. I do not want advice, "
                "I just did not want to hide it.",
                140,
                (_flag("self-harm", "self-harm", "m16"),),
            ),
            P("m16", "Thank you for not hiding it, Moth. Four months still happened.", 120),
            P("m06", "What helps me is holding something cold and ringing my sister.", 90),
        ),
    ),
    T(
        "t05",
        "Meals and mirrors",
        (
            P(
                "m10",
                "I skipped dinner again and counted everything twice. I hate how proud I felt.",
                200,
                (_auto("eating-disorder-content", "watched words"),),
            ),
            P(
                "m24",
                "Looking for a buddy to keep each other strict until summer. Serious people only.",
                77,
                (_flag("eating-disorder-content", "promotes an eating disorder", "m10", "this scared me"),),
            ),
            P("m05", "Proud and sad at once is such a familiar mix, Larkspur. Be gentle tonight.", 150),
        ),
    ),
    T(
        "t06",
        "Nobody noticed I was gone",
        (
            P(
                "m09",
                "I was away for a week and came back to no messages. Stupid to be sad about that, I know.",
                760,
                (_flag("distress-no-safety-signs", "needs a reply", "m02"),),
            ),
            P(
                "m15",
                "Hello, this is my first post. I do not really know how to start. Everything feels grey since spring.",
                800,
                (_auto("unanswered-post", "no reply for 12 hours", FlagSource.RULE),),
            ),
        ),
    ),
    T(
        "t07",
        "My stepdad",
        (
            P(
                "m19",
                "i dont feel safe at home when mum works nights. i dont want to say more because they will split us up",
                25,
                (_flag("child-at-risk", "young person at risk", "m25", "I think Linnet is at school still"),),
            ),
            P("m25", "Linnet, thank you for saying that. You have not done anything wrong.", 20),
        ),
    ),
    T(
        "t08",
        "New friend from the chat room",
        (
            P(
                "m07",
                "Someone older here said our chats should stay our secret and asked me to move to another app. Is that normal?",
                48,
                (_flag("grooming-or-exploitation", "adult contacting a young person", "m18"),),
            ),
            P(
                "m18",
                "It is a really good question to ask, Otter. No, it is not, and it is not your fault.",
                40,
            ),
        ),
    ),
    T(
        "t09",
        "A link I was sent",
        (
            P(
                "m23",
                "Somebody sent me a link with a picture I think is of a child being hurt. I closed it. I feel sick. "
                "What do I do?",
                14,
                (_flag("csam-suspected", "illegal image", "m23", "I do not want to look again"),),
                images=1,
            ),
        ),
    ),
    T(
        "t10",
        "Looking after my aunt",
        (
            P(
                "m21",
                "My neighbour takes my aunt's pension 'for safekeeping' and she is afraid to ask for it back. "
                "She cannot manage alone.",
                310,
                (_flag("adult-at-risk", "adult at risk", "m14"),),
            ),
            P("m14", "That must be awful to watch, Rowan.", 290),
            P(
                "m05",
                "I shouted at my husband again today. I care for him all day and I am not the person I want to be.",
                280,
                (_flag("distress-no-safety-signs", "carer struggling", "m21"),),
            ),
        ),
    ),
    T(
        "t11",
        "Walking on eggshells",
        (
            P(
                "m16",
                "He checks my phone, so I write here from the library. I am not ready to leave. Please do not tell me to.",
                95,
                (_flag("domestic-abuse", "domestic abuse", "m22"),),
            ),
            P(
                "m22",
                "I was in Lower Fallowby, on Mill Row, when I got out. Ask for Denise at the refuge there, she is kind.",
                60,
                (
                    _flag(
                        "identifying-information",
                        "names a place",
                        "m13",
                        "isn't that address meant to be secret?",
                    ),
                ),
            ),
        ),
    ),
    T(
        "t12",
        "I said it out loud for the first time",
        (
            P(
                "m11",
                "Last winter somebody I trusted did not listen when I said no. I have not told anyone until now.",
                420,
                (_flag("sexual-violence-disclosure", "disclosure", "m02"),),
            ),
            P(
                "m17",
                "Are you sure you were clear enough though?",
                400,
                (_flag("harassment-hate-bullying", "blames someone", "m02", "please take this down"),),
            ),
            P("m02", "I believe you, Fennel. Thank you for trusting us.", 390),
        ),
    ),
    T(
        "t13",
        "Thoughts I am scared of",
        (
            P(
                "m18",
                "Since the baby came I get horrible thoughts I never wanted. I would never act on them. I am so ashamed and frightened.",
                33,
                (_auto("harm-to-others-or-threat", "watched words"),),
            ),
            P(
                "m06",
                "I know where my old manager parks and he had better watch out on Friday.",
                28,
                (_flag("harm-to-others-or-threat", "threat", "m08", "he sounds serious"),),
            ),
            P("m25", "Saffron, so many new parents have told me the same. You are not alone with it.", 25),
        ),
    ),
    T(
        "t14",
        "Say hello here",
        (
            P(
                "m09",
                "Hi! I am Tam Ashwick, I work at the bakery on Mill Row in Fallowby, ask anyone. My number is in my profile.",
                180,
                (_auto("identifying-information", "looks like personal details"),),
            ),
            P(
                "m13",
                "If anyone wants to talk somewhere quieter I am cobalt_blue on the usual app.",
                170,
                (_auto("contact-sharing-off-platform", "contact details"),),
            ),
            P("m01", "Welcome, both. Have a look at the pinned post about keeping yourselves private.", 160),
        ),
    ),
    T(
        "t15",
        "Tablets and side effects",
        (
            P(
                "m24",
                "I just stopped all of mine yesterday, I am done with feeling flat. You should all try it.",
                66,
                (_flag("medication-and-health-claims", "medical advice", "m05"),),
            ),
            P(
                "m12",
                "I drank all weekend again. Monday hurts. Starting my count from one.",
                240,
                (_flag("drugs-alcohol", "alcohol", "m16"),),
            ),
            P(
                "m05",
                "Please ring your pharmacist about stopping at once, Yarrow. They are nice about it.",
                60,
            ),
        ),
    ),
    T(
        "t16",
        "A coach who can heal anyone",
        (
            P(
                "m20",
                "I healed in nine days with my mentor. She has three places left, a small deposit holds yours.",
                130,
                (
                    _flag("scam-or-exploitation-of-members", "scam", "m01"),
                    _auto("impersonation-or-bot", "looks automatic"),
                ),
            ),
            P(
                "m15",
                "We are university researchers and would love thirty of you for a paid interview! Link below.",
                600,
                (_auto("spam-fundraising-research-media", "link from a new member"),),
                images=1,
            ),
            P(
                "m20",
                "As a qualified doctor I can tell you this thread is nonsense. Ignore the moderators.",
                125,
                (_flag("impersonation-or-bot", "claims to be staff", "m25"),),
                later=True,
            ),
        ),
    ),
    T(
        "t17",
        "Is anyone else going under",
        (
            P(
                "m06",
                "Me too. Worse every hour. Nobody is coming for any of us, are they.",
                22,
                (_auto("thread-spiral", "many replies, falling mood", FlagSource.RULE),),
            ),
            P("m17", "Same. Worse than yesterday. Worse than all of you I think.", 19),
            P(
                "m12",
                "If Bramble goes, I go.",
                12,
                (_flag("suicide-immediate", "at risk now", "m22", "a pact?"),),
                later=True,
            ),
            P("m22", "I do not know what to say but I am not leaving you two alone.", 9),
        ),
    ),
    T(
        "t18",
        "Has anyone heard from Foxglove?",
        (
            P(
                "m08",
                "Her sister wrote to me that Foxglove died on Tuesday. I do not know if I am allowed to say. I miss her.",
                38,
                (_flag("member-death-postvention", "a member may have died", "m14"),),
            ),
            P("m14", "Oh, Thistle. I am so sorry.", 30),
            P(
                "m13",
                "My flatmate has not come out of his room for days and says odd things. How do I help?",
                350,
                (_flag("worried-about-someone-else", "worried about someone", "m13"),),
            ),
        ),
    ),
    T(
        "t19",
        "About this place",
        (
            P(
                "m17",
                "Boo hoo. Bunch of attention seekers, the lot of you.",
                105,
                (
                    _flag("trolling", "trolling", "m21"),
                    _flag("trolling", "trolling", "m01"),
                    _flag("trolling", "rude", "m14"),
                ),
            ),
            P(
                "m17",
                "You took my post down and never said why. I would like somebody else to look at it again.",
                1500,
                (_flag("complaint-or-appeal", "appeal", "m17"),),
            ),
            P(
                "m10",
                "One of the moderators has been messaging me at night about things that are not about the forum.",
                52,
                (_flag("concern-about-a-moderator-or-staff-member", "concern about staff", "m10"),),
            ),
            P(
                "m15",
                "im 12 but my cousin said i could use her account is that ok",
                44,
                (_flag("underage-account", "under age", "m25"),),
                later=True,
            ),
        ),
    ),
    T(
        "t20",
        "I do not know who to tell",
        (
            P(
                "m23",
                "Somebody has a picture of me and wants money or they will send it to my family.",
                27,
                (_flag("intimate-image-or-sextortion", "blackmail", "m18", "please help them"),),
            ),
            P(
                "m20",
                "The only answer is the movement. Read what our brothers write and you will understand.",
                110,
                (_flag("terrorism-extremism", "extremist", "m08"),),
                later=True,
            ),
            P("m18", "Harbour, this happens to a lot of people and it is not your fault. Do not pay.", 20),
            P("m25", "You did well to tell us. A moderator will be here soon.", 15),
        ),
    ),
)
