"""The young-people, community and staff packs: golden walks, with the branches that protect people."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from modconsole.core.actions import Action
from modconsole.core.protocol import ReviewProtocol, Style, UsedFor
from modconsole.core.run import (
    Run,
    RunEvent,
    RunEventKind,
    RunView,
    carried,
    close_blockers,
    demanded_urgency,
    view,
)
from modconsole.core.urgency import Urgency
from modconsole.protocol_files import FileLibrary, shipped_folder

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OPENING = {"imminent": "no", "age": "adult", "place": "GB-ENG"}
CLOSING = {"member_told": "sent", "follow_up_at": "2026-11-23T09:00+00:00"}
LATER = "not needed: somebody else has it"
LEAD = "safeguarding_lead"
STAFF = "concern-about-a-moderator-or-staff-member"
CAUTIOUS = pytest.mark.parametrize("answer", ["yes", "unclear"])


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FileLibrary:
    return FileLibrary([shipped_folder()], tmp_path_factory.mktemp("kept"))


def get(library: FileLibrary, id: str) -> ReviewProtocol:
    protocol = library.get(id)
    assert protocol is not None
    return protocol


def walked(protocol: ReviewProtocol, **answers: str) -> RunView:
    """Answer questions, commas between several answers; a key that is no question is a step to tick."""
    run = Run("r-aaaaaaaa", protocol.id, protocol.hash, START, "chosen")
    steps = {question.id: step.id for step in protocol.steps for question in step.questions}
    for key, value in answers.items():
        at = START + timedelta(seconds=len(run.events) + 1)
        several = key in steps and (question := protocol.question(key)) is not None and question.multiple
        values = tuple(value.split(",")) if several else (value,)
        event = (
            RunEvent(RunEventKind.ANSWERED, steps[key], at, "ash", key, values)
            if key in steps
            else RunEvent(RunEventKind.TICKED, key, at, "ash")
        )
        run = replace(run, events=(*run.events, event))
    return view(protocol, run)


def walk(library: FileLibrary, id: str, **answers: str) -> RunView:
    return walked(get(library, id), **answers)


def seen(shown: RunView) -> list[str]:
    return [step.step.id for step in shown.steps]


def notices(shown: RunView) -> str:
    return " ".join(follow.consequence.show_notice for follow in shown.follows)


def told(shown: RunView) -> set[str]:
    return {follow.consequence.escalate for follow in shown.follows} - {""}


def added(shown: RunView) -> set[str]:
    return {follow.consequence.add_protocol for follow in shown.follows} - {""}


def offered(shown: RunView) -> set[str]:
    names = {follow.consequence.offer_template for follow in shown.follows} - {""}
    return names | {template for step in shown.steps for template in step.step.templates}


def open_things(shown: RunView, *roles: str) -> tuple[str, ...]:
    return close_blockers([shown], decided=True, unsettled=0, escalated_to=roles)


def words(protocol: ReviewProtocol) -> str:
    """Everything a moderator reads in the steps of a sheet."""
    parts = [part for step in protocol.steps for part in (step.text, step.why, step.help)]
    parts += [part for step in protocol.steps for q in step.questions for part in (q.text, q.help)]
    return " ".join(parts)


# Young people

CHILD = {
    **OPENING,
    "age": "13_15",
    "danger": "tick",
    "about_staff": "no",
    "listen": "tick",
    "raises_danger": "no",
    "referral": "social_care",
    "referral_reason": "Told us of harm at home",
    "parents_told": "unclear",
    "care": "tick",
}


def test_a_child_at_risk_is_listened_to_told_and_referred(library: FileLibrary):
    protocol = get(library, "child-at-risk")
    shown = walked(protocol, **CHILD, **CLOSING)

    assert (protocol.style, protocol.urgency) == (Style.READ_DO, Urgency.NOW)
    assert protocol.steps[0].emergency
    assert seen(shown) == [
        "danger",
        "opening",
        "staff",
        "listen",
        "tell_child",
        "lead",
        "family",
        "care",
        "closing",
    ]
    assert offered(shown) == {"young-person-sharing-information"}
    assert open_things(shown, LEAD) == ()
    assert "Tell the safeguarding lead, because you said: Children’s social care, today." in open_things(
        shown
    )


def test_with_no_danger_now_soon_is_enough_but_the_lead_is_still_told(library: FileLibrary):
    shown = walk(library, "child-at-risk", imminent="no")

    assert "soon is enough" in notices(shown)
    assert demanded_urgency([shown]) is None


@CAUTIOUS
def test_an_accusation_of_our_own_people_leaves_the_chain_before_any_lead_is_told(
    library: FileLibrary, answer: str
):
    shown = walk(library, "child-at-risk", imminent=answer, age="13_15", about_staff=answer)

    assert shown.switched_to == STAFF
    assert told(shown) == set(), "the lead may be the one who is named"
    assert demanded_urgency([shown]) is Urgency.NOW


@pytest.mark.parametrize("age", ["u13", "13_15", "16_17", "unknown"])
@CAUTIOUS
def test_a_child_is_not_told_where_that_could_raise_the_danger(library: FileLibrary, age: str, answer: str):
    shown = walk(library, "child-at-risk", age=age, raises_danger=answer)

    assert "past" not in seen(shown)
    assert offered(shown) == set()
    assert told(shown) == {LEAD}
    assert "Do not say it yet" in notices(shown)


def test_a_skipped_age_counts_as_a_child(library: FileLibrary):
    assert "tell_child" in seen(walk(library, "child-at-risk", imminent="no"))


@CAUTIOUS
def test_past_abuse_goes_on_where_a_child_may_be_at_risk_now(library: FileLibrary, answer: str):
    shown = walk(library, "child-at-risk", age="adult", child_now=answer)

    assert "tell_child" not in seen(shown)
    assert seen(shown)[-5:] == ["past", "lead", "family", "care", "closing"]
    assert told(shown) == {LEAD}


def test_past_abuse_without_a_child_at_risk_ends_and_the_lead_still_hears_of_it(library: FileLibrary):
    shown = walk(library, "child-at-risk", imminent="yes", age="adult", child_now="no")

    assert seen(shown)[-2:] == ["past", "closing"]
    assert told(shown) == {LEAD}


def test_a_referral_that_nobody_has_decided_keeps_the_case_from_being_put_away(library: FileLibrary):
    shown = walk(
        library,
        "child-at-risk",
        **{**CHILD, "referral": "unclear"},
        member_told="lead_decides",
        follow_up_at=LATER,
    )

    assert demanded_urgency([shown]) is Urgency.NOW
    assert any("“not needed” does not do" in blocker for blocker in open_things(shown, LEAD))


def test_mandatory_reporting_is_said_to_be_unconfirmed(library: FileLibrary):
    assert (
        "Commencement not confirmed: check before approval" in get(library, "child-at-risk").step("lead").help
    )


def test_grooming_is_stopped_quietly_and_the_young_person_supported(library: FileLibrary):
    shown = walk(
        library,
        "grooming-or-exploitation",
        **OPENING,
        danger="tick",
        whose_post="young_person",
        kept_ids="m 12, a 7, 09:14",
        sexual_messages="no",
        reported_to="police_101,ceop",
        image_involved="no",
        support="tick",
        others_contacted="no",
        **CLOSING,
    )

    assert (shown.protocol.style, shown.protocol.urgency) == (Style.READ_DO, Urgency.NOW)
    assert seen(shown) == [
        "danger",
        "opening",
        "stop_messages",
        "preserve",
        "lead",
        "image",
        "support",
        "contacts",
        "closing",
    ]
    assert open_things(shown, LEAD) == ()
    assert "Tip off the suspected adult" in shown.protocol.do_not


@pytest.mark.parametrize("whose", ["suspected_adult", "unclear", None])
def test_nothing_is_sent_to_who_may_be_the_suspected_adult(library: FileLibrary, whose: str | None):
    answers = {"whose_post": whose} if whose else {}
    shown = walk(library, "grooming-or-exploitation", **answers)

    assert "support" not in seen(shown)
    assert "support_elsewhere" in seen(shown)
    assert offered(shown) == set()
    assert all(Action.MESSAGE_MEMBER not in step.step.actions for step in shown.steps)


@CAUTIOUS
def test_an_image_adds_the_sheet_on_csam_and_nobody_looks(library: FileLibrary, answer: str):
    shown = walk(library, "grooming-or-exploitation", image_involved=answer)

    assert added(shown) == {"csam-suspected"}


@pytest.mark.parametrize("question", ["sexual_messages", "others_contacted"])
@CAUTIOUS
def test_the_lead_hears_of_sexual_messages_and_of_other_young_people(
    library: FileLibrary, question: str, answer: str
):
    assert told(walk(library, "grooming-or-exploitation", **{question: answer})) == {LEAD}


CSAM = {
    "imminent": "no",
    "hide": "tick",
    "where_it_is": "post 12, account 7, 09:14, a report",
    "already_known": "material",
    "csam_reported": "nca",
}


def test_csam_is_hidden_unseen_rung_through_and_handed_over(library: FileLibrary):
    shown = walk(library, "csam-suspected", **CSAM, member_told="could_harm", follow_up_at=LATER)

    assert (shown.protocol.style, shown.protocol.urgency) == (Style.READ_DO, Urgency.NOW)
    assert seen(shown) == ["stop", "hide", "ring", "hand_over", "closing"]
    assert shown.steps[0].step.emergency
    assert shown.steps[0].step.text.startswith("Stop looking.")
    assert open_things(shown, LEAD) == ()
    assert shown.protocol.after == "offer_debrief"


def test_csam_has_nothing_to_send_to_the_poster_and_nothing_that_destroys(library: FileLibrary):
    protocol = get(library, "csam-suspected")
    every = [question for step in protocol.steps for question in step.questions]

    assert offered(walked(protocol)) == set()
    assert not [c for question in every for c in question.on_answer if c.offer_template]
    assert set(protocol.decisions) == {
        Action.HIDE,
        Action.RESTRICT_ACCOUNT,
        Action.ESCALATE_LEAD,
        Action.REPORT_EXTERNAL,
        Action.EMERGENCY_CALL,
    }


def test_csam_never_asks_anybody_to_look_describe_or_copy(library: FileLibrary):
    protocol = get(library, "csam-suspected")
    text = words(protocol).lower()

    assert all(
        asked not in text for asked in ("look at the post", "earlier posts", "attach", "what does it show")
    )
    assert protocol.question("age") is None, "the opening questions ask people to look at the post"
    assert protocol.step("stop").help.startswith("Do not open, reload, zoom, screenshot, download, forward")
    assert "child pornography" not in text


def test_csam_is_the_shortest_checklist(library: FileLibrary):
    steps = {id: len(get(library, id).steps) for id in library.ids()}

    assert steps["csam-suspected"] == min(steps.values())


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ("material", set()),
        ("own_image", {"child-at-risk"}),
        ("words", {"grooming-or-exploitation"}),
        ("unclear", {"child-at-risk", "grooming-or-exploitation"}),
    ],
)
def test_csam_leads_on_by_what_is_known_already(library: FileLibrary, known: str, expected: set[str]):
    shown = walk(library, "csam-suspected", already_known=known)

    assert added(shown) == expected
    assert told(shown) == {LEAD}


@CAUTIOUS
def test_csam_with_a_child_who_may_be_in_danger(library: FileLibrary, answer: str):
    shown = walk(library, "csam-suspected", imminent=answer)

    assert demanded_urgency([shown]) is Urgency.NOW
    assert told(shown) == {LEAD}


def test_csam_that_nobody_reported_yet_is_looked_after_again(library: FileLibrary):
    answers = {**CSAM, "csam_reported": "unclear", "member_told": "could_harm", "follow_up_at": LATER}
    shown = walk(library, "csam-suspected", **answers)

    assert any("“not needed” does not do" in blocker for blocker in open_things(shown, LEAD))


def test_an_account_under_age_is_closed_kindly_after_services_were_offered(library: FileLibrary):
    shown = walk(
        library,
        "underage-account",
        **OPENING,
        child_at_risk="no",
        told_us="no",
        services="tick",
        close="tick",
        **CLOSING,
    )

    assert seen(shown) == ["opening", "safety", "disclosed", "services", "close", "closing"]
    assert offered(shown) == {"underage-account-closing"}
    assert open_things(shown) == ()


@CAUTIOUS
def test_a_young_person_at_risk_comes_before_the_account(library: FileLibrary, answer: str):
    assert added(walk(library, "underage-account", child_at_risk=answer)) == {"child-at-risk"}


@CAUTIOUS
def test_an_account_is_never_closed_for_what_was_disclosed(library: FileLibrary, answer: str):
    shown = walk(library, "underage-account", told_us=answer)

    assert told(shown) == {LEAD}
    assert "no punishment" in notices(shown)


# Community


def test_a_thread_that_spirals_is_steadied(library: FileLibrary):
    shown = walk(
        library,
        "thread-spiral",
        **OPENING,
        thread_danger="no",
        steady="tick",
        slow="tick",
        check_in="tick",
        cluster="no",
        time_and_staffing="02:00, one of us",
        **CLOSING,
    )

    assert (shown.protocol.style, shown.protocol.urgency) == (Style.DO_CONFIRM, Urgency.SOON)
    assert seen(shown)[1:-1] == ["danger", "steady", "slow", "check_in", "similar", "note_time"]
    assert open_things(shown) == ()


@CAUTIOUS
def test_somebody_in_danger_in_the_thread_comes_first(library: FileLibrary, answer: str):
    shown = walk(library, "thread-spiral", thread_danger=answer)

    assert added(shown) == {"suicide-immediate"}
    assert all(f.consequence.unless_running for f in shown.follows if f.consequence.add_protocol)
    assert demanded_urgency([shown]) is Urgency.NOW
    assert told(shown) == {LEAD}


def test_no_danger_from_the_post_does_not_answer_for_the_whole_thread(library: FileLibrary):
    post = walk(library, "suicide-thoughts", imminent="no", age="adult")
    thread = get(library, "thread-spiral")

    assert {event.question for event in carried(thread, [post])} == {"imminent", "age"}


@pytest.mark.parametrize("id", ["thread-spiral", "member-death-postvention"])
@CAUTIOUS
def test_a_possible_cluster_goes_to_the_lead(library: FileLibrary, id: str, answer: str):
    shown = walk(library, id, cluster=answer)

    assert told(shown) == {LEAD}
    assert "ossible cluster" in notices(shown)


DEATH = {
    "imminent": "no",
    "death_verified": "yes",
    "by_suicide": "unclear",
    "close_moderators": "no",
    "freeze": "tick",
    "family": "tick",
    "announce": "tick",
    "cluster": "no",
    "serious_incident": "reported",
    **CLOSING,
}


def test_a_verified_death_is_told_once_and_followed_for_weeks(library: FileLibrary):
    shown = walk(library, "member-death-postvention", **DEATH)

    assert (shown.protocol.style, shown.protocol.urgency) == (Style.READ_DO, Urgency.NOW)
    assert seen(shown) == [
        "danger",
        "verify",
        "team",
        "freeze",
        "family",
        "announce",
        "check_in",
        "record",
        "closing",
    ]
    assert [step.step.within for step in shown.steps[1:5]] == ["now"] * 4
    assert open_things(shown, LEAD) == ()
    assert "never" in shown.protocol.step("family").help
    assert "Say method, place, a note, blame or a single cause" in shown.protocol.do_not


@pytest.mark.parametrize("verified", ["unclear", "no", None])
def test_a_death_that_is_not_verified_is_held_and_never_announced(library: FileLibrary, verified: str | None):
    answers = {"death_verified": verified} if verified else {}
    shown = walk(library, "member-death-postvention", **answers)

    assert "announce" not in seen(shown)
    assert "member-died-announcement" not in offered(shown)
    if verified:
        assert [f.consequence.suggest_action for f in shown.follows] == [Action.HOLD]
        assert "death-not-confirmed" in offered(shown)
        assert told(shown) == {LEAD}


@pytest.mark.parametrize("cause", ["yes", "unclear", "no"])
def test_a_death_is_led_by_the_lead_whatever_the_cause(library: FileLibrary, cause: str):
    shown = walk(library, "member-death-postvention", by_suicide=cause)

    assert told(shown) == {LEAD}
    assert ("Nobody says method" in notices(shown)) is (cause != "no")
    assert ("fewer restrictions" in notices(shown)) is (cause == "no")


def test_a_message_about_a_death_never_fills_in_the_name_of_whoever_wrote_the_post(library: FileLibrary):
    for id in ("member-died-announcement", "memorial-ground-rules"):
        template = library.template(id)

        assert template is not None
        assert "member_name" not in template.placeholders


def test_an_unanswered_post_is_read_again_answered_and_counted(library: FileLibrary):
    shown = walk(
        library,
        "unanswered-post",
        **OPENING,
        missed="no",
        reply="tick",
        invite="tick",
        waited="from_12",
        first_post="yes",
        **CLOSING,
    )

    assert (shown.protocol.style, shown.protocol.urgency) == (Style.DO_CONFIRM, Urgency.TODAY)
    assert seen(shown) == ["opening", "reread", "reply", "invite", "count", "closing"]
    assert offered(shown) == {"unanswered-post-reply"}
    assert open_things(shown) == ()


@CAUTIOUS
def test_distress_that_was_missed_has_its_own_sheet(library: FileLibrary, answer: str):
    assert added(walk(library, "unanswered-post", missed=answer)) == {"distress-no-safety-signs"}


APPEAL = {
    **OPENING,
    "about_data": "no",
    "safety_hidden": "no",
    "made_it_myself": "no",
    "reread": "tick",
    "result": "upheld",
    "reasons": "The number was harmful; ask again in a month",
    "learning": "rule,training",
}


def test_an_appeal_is_decided_by_somebody_else_with_reasons(library: FileLibrary):
    shown = walk(library, "complaint-or-appeal", **APPEAL, **CLOSING)

    assert (shown.protocol.style, shown.protocol.urgency) == (Style.DO_CONFIRM, Urgency.TODAY)
    assert seen(shown)[1:-1] == ["acknowledge", "safety", "reviewer", "reread", "decide", "learn"]
    assert open_things(shown) == ()


def test_an_appeal_that_is_right_is_put_right(library: FileLibrary):
    shown = walk(library, "complaint-or-appeal", **{**APPEAL, "result": "overturned"})
    put_right = next(step for step in shown.steps if step.step.id == "put_right")

    assert put_right.because == "because you said: Overturned: we got it wrong"
    assert put_right.step.templates == ("appeal-overturned",)
    assert put_right.step.actions == (Action.RESTORE, Action.MESSAGE_MEMBER)


@CAUTIOUS
def test_danger_hidden_in_a_complaint_comes_first(library: FileLibrary, answer: str):
    assert added(walk(library, "complaint-or-appeal", safety_hidden=answer)) == {"suicide-thoughts"}


@pytest.mark.parametrize(
    ("question", "role"), [("made_it_myself", "senior_moderator"), ("about_data", "data_lead")]
)
@CAUTIOUS
def test_nobody_reviews_their_own_decision_and_data_has_its_lead(
    library: FileLibrary, question: str, role: str, answer: str
):
    shown = walk(library, "complaint-or-appeal", **{**APPEAL, question: answer}, **CLOSING)

    assert told(shown) == {role}
    assert open_things(shown) != ()
    assert open_things(shown, role) == ()


# Staff

CONCERN = {
    **OPENING,
    "names": "tick",
    "lead_named": "no",
    "told": "lead",
    "restrict": "tick",
    "preserve": "tick",
    "children_involved": "no",
    "support": "tick",
}


def test_a_concern_about_our_own_people_goes_outside_the_chain(library: FileLibrary):
    shown = walk(library, STAFF, **CONCERN, **CLOSING)

    assert (shown.protocol.style, shown.protocol.urgency) == (Style.READ_DO, Urgency.NOW)
    assert seen(shown) == [
        "danger",
        "opening",
        "names",
        "tell",
        "restrict",
        "preserve",
        "refer",
        "support",
        "closing",
    ]
    assert "does not hide this case" in shown.protocol.step("names").why
    assert open_things(shown) == ()


@pytest.mark.parametrize("danger", ["yes", "unclear", "no"])
@pytest.mark.parametrize("named", ["yes", "unclear", "no"])
def test_the_console_never_asks_to_tell_a_lead_who_may_be_named(
    library: FileLibrary, danger: str, named: str
):
    shown = walk(library, STAFF, **{**CONCERN, "imminent": danger, "lead_named": named}, **CLOSING)

    assert told(shown) == set()
    assert open_things(shown) == ()
    assert ("Do not tell that lead" in notices(shown)) is (named != "no")
    assert demanded_urgency([shown]) is (None if danger == "no" else Urgency.NOW)


def test_a_concern_that_nobody_holds_yet_is_kept_up(library: FileLibrary):
    shown = walk(library, STAFF, **{**CONCERN, "told": "unclear"}, member_told="sent", follow_up_at=LATER)

    assert demanded_urgency([shown]) is Urgency.NOW
    assert any("“not needed” does not do" in blocker for blocker in open_things(shown))


@CAUTIOUS
def test_a_child_in_a_concern_about_staff_is_still_referred(library: FileLibrary, answer: str):
    assert "still referred the same day" in notices(walk(library, STAFF, children_involved=answer))


def test_nothing_decided_in_a_concern_falls_on_the_member_who_raised_it(library: FileLibrary):
    harsh = {Action.RESTRICT_ACCOUNT, Action.SUSPEND, Action.CLOSE_ACCOUNT, Action.HIDE, Action.REMOVE}

    assert not harsh & set(get(library, STAFF).decisions)


@pytest.mark.parametrize(
    ("id", "kind", "steps"),
    [
        ("moderator-own-distress", UsedFor.SELF, ["stop", "danger", "someone", "what_helps", "leave"]),
        (
            "shift-handover",
            UsedFor.SHIFT,
            ["open_cases", "follow_ups", "watched", "contacts", "staffing", "moderators"],
        ),
    ],
)
def test_what_is_for_people_here_keeps_nothing_and_asks_nothing_of_a_member(
    library: FileLibrary, id: str, kind: UsedFor, steps: list[str]
):
    protocol = get(library, id)

    assert protocol.used_for is kind
    assert protocol.close_requires == ()
    assert seen(walked(protocol)) == steps
    assert all(question.type == "choice" for step in protocol.steps for question in step.questions)
    assert all(not step.actions for step in protocol.steps)


@CAUTIOUS
def test_a_moderator_in_danger_gets_what_members_get(library: FileLibrary, answer: str):
    protocol = get(library, "moderator-own-distress")
    wish = protocol.step("danger").resources
    assert wish is not None

    assert "Press !" in notices(walked(protocol, in_danger=answer))
    assert {"crisis", "suicide"} <= set(wish.topics)
    assert told(walked(protocol, in_danger=answer)) == set(), "nobody is told but by the moderator"
