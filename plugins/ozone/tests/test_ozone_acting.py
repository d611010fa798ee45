"""Orders: the right calls, an outcome that comes from reading back, and nothing done twice."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from ozone_site import DEFS, LABELER, NOW, Site, connected, failed, member, ok, order, pages, post, uri

from modconsole.core.actions import Action, OutcomeKind
from modconsole.core.errors import ForumError, NotAuthorised, RateLimited, Unavailable
from modconsole.core.model import MemberState, Target, TargetKind, Visibility

APPLIED, ALREADY, CONFLICT = OutcomeKind.APPLIED, OutcomeKind.ALREADY, OutcomeKind.CONFLICT
REFUSED, UNKNOWN = OutcomeKind.REFUSED, OutcomeKind.UNKNOWN
HERON = "did:plc:heron"


def busy_site() -> Site:
    site = Site()
    site.write("tea", "I could use some company this week.")
    site.report(uri("tea"))
    return site


@pytest.mark.parametrize("action", [Action.KEEP, Action.NO_ACTION])
async def test_keeping_a_post_answers_its_flags(action: Action):
    site = busy_site()

    outcome = await connected(site).ask(order(action, post("tea"), seen_version="cid-tea"))

    assert (outcome.kind, outcome.state and outcome.state.flags_open) == (APPLIED, False)
    (body,) = site.named("emitEvent")
    assert body["event"] == {"$type": DEFS + "modEventAcknowledge", "comment": f"{action} o-one"}
    assert body["createdBy"] == "did:plc:willow"
    assert (body["externalId"], body["modTool"]) == ("o-one", {"name": "modconsole"})


async def test_what_is_already_so_is_not_done_again():
    site = busy_site()
    forum = connected(site)
    site.moderate("modEventTakedown", uri("tea"))

    for action in (Action.KEEP, Action.NO_ACTION, Action.REMOVE):
        assert (await forum.ask(order(action, post("tea")))).kind is ALREADY

    assert (await forum.ask(order(Action.RESTORE, post("tea"), undoes=Action.HIDE))).kind is ALREADY
    assert (await forum.ask(order(Action.RESTORE, member("heron"), undoes=Action.SUSPEND))).kind is ALREADY
    assert site.emitted() == []


async def test_a_removed_post_can_be_restored_with_its_pictures():
    site = busy_site()
    site.records[uri("tea")]["blobs"] = [{"cid": "picture-1"}]
    forum = connected(site)

    removed = await forum.ask(order(Action.REMOVE, post("tea"), seen_version="cid-tea"))
    restored = await forum.ask(order(Action.RESTORE, post("tea"), undoes=Action.REMOVE, id="o-two"))

    assert (removed.kind, removed.state and removed.state.visibility) == (APPLIED, Visibility.REMOVED)
    assert (restored.kind, restored.state and restored.state.visibility) == (APPLIED, Visibility.VISIBLE)
    assert site.named("emitEvent")[0]["subjectBlobCids"] == ["picture-1"]
    assert site.emitted() == ["modEventTakedown", "modEventReverseTakedown"]


async def test_a_takedown_is_taken_back_on_the_version_it_was_set_on():
    site = busy_site()
    forum = connected(site)
    await forum.ask(order(Action.REMOVE, post("tea")))
    site.records[uri("tea")]["cid"] = "cid-edited"

    await forum.ask(order(Action.RESTORE, post("tea"), undoes=Action.REMOVE, id="o-two"))

    assert site.named("emitEvent")[-1]["subject"]["cid"] == "cid-tea"


async def test_hiding_sets_a_label_and_answers_the_flags_and_can_be_undone():
    site = busy_site()
    forum = connected(site)

    hidden = await forum.ask(order(Action.HIDE, post("tea"), seen_version="cid-tea"))
    again = await forum.ask(order(Action.HIDE, post("tea"), id="o-two"))
    site.records[uri("tea")]["cid"] = "cid-edited"
    shown = await forum.ask(order(Action.RESTORE, post("tea"), undoes=Action.HIDE, id="o-three"))

    assert (hidden.kind, hidden.state and hidden.state.visibility) == (APPLIED, Visibility.HIDDEN)
    assert again.kind is ALREADY
    assert (shown.kind, shown.state and shown.state.visibility) == (APPLIED, Visibility.VISIBLE)
    assert site.emitted() == ["modEventLabel", "modEventAcknowledge", "modEventLabel"]
    assert site.named("emitEvent")[-1]["subject"]["cid"] == "cid-tea"  # where the label sits


async def test_hiding_that_stopped_half_way_is_finished_and_not_repeated():
    site = busy_site()
    site.instead["emitEvent"] = ["", failed(429, "RateLimitExceeded", "slow down")]
    forum = connected(site)

    half = await forum.ask(order(Action.HIDE, post("tea")))
    whole = await forum.ask(order(Action.HIDE, post("tea"), attempt=2))

    assert (half.kind, half.detail) == (APPLIED, "The label is set, but its flags are still open.")
    assert (whole.kind, whole.state and whole.state.flags_open) == (APPLIED, False)
    assert site.emitted() == ["modEventLabel", "modEventAcknowledge", "modEventAcknowledge"]


async def test_another_labelers_hide_label_is_not_ours_to_take_back():
    site = busy_site()
    site.labels[uri("tea")] = [{"src": "did:plc:other", "val": "!hide"}]

    outcome = await connected(site).ask(order(Action.RESTORE, post("tea"), undoes=Action.HIDE))

    assert outcome.kind is REFUSED
    assert LABELER not in outcome.detail


async def test_escalating_keeps_it_open_and_marks_it():
    site = busy_site()
    forum = connected(site)

    first = await forum.ask(order(Action.ESCALATE_LEAD, post("tea"), seen_version="another"))
    second = await forum.ask(order(Action.ESCALATE_LEAD, post("tea"), id="o-two"))

    assert (first.kind, first.state and first.state.flags_open, second.kind) == (APPLIED, True, ALREADY)


@pytest.mark.parametrize(
    "action", [Action.KEEP, Action.HIDE, Action.REMOVE, Action.SUSPEND, Action.MESSAGE_MEMBER]
)
async def test_a_post_edited_since_it_was_read_is_a_conflict_and_nothing_is_sent(action: Action):
    site = busy_site()
    site.records[uri("tea")]["cid"] = "cid-edited"
    told = order(
        action,
        post("tea"),
        seen_version="cid-tea",
        member=HERON,
        text="Hello.",
        until=NOW + timedelta(days=1),
    )

    outcome = await connected(site).ask(told)

    assert outcome.kind is CONFLICT
    assert site.emitted() == []


async def test_a_suspension_is_in_full_hours_and_says_until_when():
    site = busy_site()
    forum = connected(site)
    until = NOW + timedelta(hours=29, minutes=10)

    outcome = await forum.ask(order(Action.SUSPEND, post("tea"), member=HERON, until=until))

    assert (outcome.kind, outcome.state and outcome.state.member_state) == (APPLIED, MemberState.SUSPENDED)
    assert outcome.state
    assert outcome.state.until == NOW + timedelta(hours=30)
    (body,) = site.named("emitEvent")
    assert body["event"]["durationInHours"] == 30
    assert body["subject"] == {"$type": "com.atproto.admin.defs#repoRef", "did": HERON}


async def test_a_suspension_is_neither_doubled_nor_cut_short():
    site = busy_site()
    forum = connected(site)
    until = NOW + timedelta(days=2)
    await forum.ask(order(Action.SUSPEND, member("heron"), until=until))

    async def ask(action: Action, **more: object) -> OutcomeKind:
        return (await forum.ask(order(action, member("heron"), id="o-two", **more))).kind

    assert await ask(Action.SUSPEND, until=until) is ALREADY
    assert await ask(Action.SUSPEND, until=until + timedelta(days=9)) is REFUSED
    assert await ask(Action.CLOSE_ACCOUNT) is REFUSED
    assert await ask(Action.SUSPEND, until=NOW) is REFUSED
    assert await ask(Action.SUSPEND) is REFUSED
    assert site.emitted() == ["modEventTakedown"]
    assert await ask(Action.RESTORE, undoes=Action.SUSPEND) is APPLIED
    assert site.statuses[HERON]["takendown"] is False


async def test_a_closed_account_can_be_opened_again():
    site = busy_site()
    forum = connected(site)

    closed = await forum.ask(order(Action.CLOSE_ACCOUNT, post("tea")))
    opened = await forum.ask(order(Action.RESTORE, post("tea"), undoes=Action.CLOSE_ACCOUNT, id="o-two"))

    assert (closed.kind, closed.state and closed.state.member_state) == (APPLIED, MemberState.CLOSED)
    assert (opened.kind, opened.state and opened.state.member_state) == (APPLIED, MemberState.ACTIVE)
    assert uri("tea") in site.statuses  # the post has a status of its own, which was left alone
    assert not site.statuses[uri("tea")]["takendown"]


async def test_the_faster_colleague_is_told_apart_from_a_failure():
    site = busy_site()
    site.statuses[uri("tea")]["takendown"] = False
    forum = connected(site)
    view = site._view(uri("tea"))
    site.moderate("modEventTakedown", uri("tea"))
    site.instead["getSubjects"] = [
        ok({"subjects": [view | {"status": view["status"] | {"takendown": False}}]})
    ]

    outcome = await forum.ask(order(Action.REMOVE, post("tea")))

    assert outcome.kind is ALREADY
    assert "already taken down" in outcome.detail


async def test_a_repeat_is_known_by_its_order_id():
    site = busy_site()
    forum = connected(site)
    await forum.ask(order(Action.REMOVE, post("tea")))
    site.moderate("modEventReverseTakedown", uri("tea"))  # a colleague thought better of it

    outcome = await forum.ask(order(Action.REMOVE, post("tea"), attempt=2))

    assert outcome.kind is ALREADY
    assert "earlier attempt" in outcome.detail
    assert site.emitted() == ["modEventTakedown"]
    assert outcome.state
    assert outcome.state.visibility is Visibility.VISIBLE


async def test_a_lost_answer_is_applied_when_the_status_shows_it():
    site = busy_site()
    site.instead["emitEvent"] = ["lost"]

    outcome = await connected(site).ask(order(Action.REMOVE, post("tea")))

    assert outcome.kind is APPLIED
    assert len(site.named("emitEvent")) == 1


@pytest.mark.parametrize("failure", [failed(502, "UpstreamFailure", "no"), httpx.ReadTimeout("slow")])
async def test_a_lost_answer_is_unknown_when_the_status_does_not_show_it(
    failure: httpx.Response | httpx.ReadTimeout,
):
    site = busy_site()
    site.instead["emitEvent"] = [failure]

    outcome = await connected(site).ask(order(Action.REMOVE, post("tea")))

    assert (outcome.kind, outcome.state and outcome.state.visibility) == (UNKNOWN, Visibility.VISIBLE)
    assert len(site.named("emitEvent")) == 1


async def test_accepted_but_not_so_is_unknown():
    site = busy_site()
    site.instead["emitEvent"] = [ok(site.events[0])]  # 200, and nothing happened

    assert (await connected(site).ask(order(Action.REMOVE, post("tea")))).kind is UNKNOWN


async def test_accepted_but_unreadable_afterwards_is_unknown():
    site = busy_site()
    site.instead["queryStatuses"] = [failed(500, "InternalServerError", "no")]

    assert (await connected(site).ask(order(Action.REMOVE, post("tea")))).kind is UNKNOWN


@pytest.mark.parametrize("body", [["?"], {"id": "nine"}, {"id": 9, "event": 7}])
async def test_an_answer_that_is_no_event_does_not_hide_what_was_done(body: object):
    site = busy_site()
    site.instead["emitEvent"] = [ok(body)]
    forum = connected(site)

    assert (await forum.ask(order(Action.REMOVE, post("tea")))).kind is UNKNOWN


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            failed(401, "AuthenticationRequired", "Must be a full moderator to take this type of action"),
            REFUSED,
        ),
        (failed(401, "MemberDisabled", "switched off"), REFUSED),
        (failed(400, "InvalidRequest", "Can not be done on this tag"), REFUSED),
        (failed(403, "Forbidden", "no"), REFUSED),
        (failed(501, "MethodNotImplemented", "no"), REFUSED),
    ],
)
async def test_a_deliberate_no_is_refused_and_quotes_the_server(answer: httpx.Response, kind: OutcomeKind):
    site = busy_site()
    site.instead["emitEvent"] = [answer]

    outcome = await connected(site).ask(order(Action.REMOVE, post("tea")))

    assert (outcome.kind, outcome.detail) == (kind, answer.json()["message"])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failed(429, "RateLimitExceeded", "slow down"), RateLimited),
        (failed(401, "AuthMissing", "Authentication Required"), NotAuthorised),
        (httpx.ConnectError("refused"), Unavailable),
    ],
)
async def test_what_certainly_did_not_happen_is_an_error(
    answer: httpx.Response | httpx.ConnectError, error: type[ForumError]
):
    site = busy_site()
    site.instead["emitEvent"] = [answer]

    with pytest.raises(error):
        await connected(site).ask(order(Action.REMOVE, post("tea")))


async def test_a_deleted_post_needs_no_removal_but_its_flags_can_be_answered():
    site = busy_site()
    del site.records[uri("tea")]
    forum = connected(site)

    removed = await forum.ask(order(Action.REMOVE, post("tea"), seen_version="cid-tea"))
    hidden = await forum.ask(order(Action.HIDE, post("tea")))
    answered = await forum.ask(order(Action.NO_ACTION, post("tea"), seen_version="cid-tea"))

    assert (removed.kind, hidden.kind, answered.kind) == (ALREADY, REFUSED, APPLIED)
    assert answered.state
    assert not answered.state.exists
    assert (await forum.ask(order(Action.REMOVE, post("never")))).kind is ALREADY
    assert (await forum.ask(order(Action.KEEP, post("never")))).kind is REFUSED


async def test_a_reported_message_can_be_answered_but_not_removed():
    site = busy_site()
    site.report(HERON)
    message = Target(TargetKind.MESSAGE, "m1", "c1")
    forum = connected(site)

    assert (await forum.ask(order(Action.REMOVE, message, member=HERON))).kind is REFUSED
    assert (await forum.ask(order(Action.KEEP, message))).kind is REFUSED
    assert (await forum.ask(order(Action.KEEP, message, member=HERON))).kind is APPLIED
    assert site.named("emitEvent")[-1]["subject"]["$type"] == "chat.bsky.convo.defs#messageRef"


@pytest.mark.parametrize(
    "action",
    [
        action
        for action in Action
        if action
        not in (
            Action.KEEP,
            Action.NO_ACTION,
            Action.HIDE,
            Action.REMOVE,
            Action.RESTORE,
            Action.SUSPEND,
            Action.CLOSE_ACCOUNT,
            Action.ESCALATE_LEAD,
            Action.MESSAGE_MEMBER,
        )
    ],
)
async def test_what_it_cannot_do_it_says_and_does_not_try(action: Action):
    site = busy_site()
    forum = connected(site)

    assert not forum.capabilities.of(action).works
    assert (await forum.ask(order(action, post("tea")))).kind is REFUSED
    assert site.calls == []


# E-mail.


def letter(**more: object) -> object:
    return order(Action.MESSAGE_MEMBER, member("heron"), text="Hello <b>\nthere.\n\nWe are here.", **more)


async def test_an_e_mail_goes_out_once_as_plain_paragraphs():
    site = busy_site()
    forum = connected(site)

    outcome = await forum.ask(letter())

    assert (outcome.kind, outcome.reference) == (APPLIED, "2")
    (mail,) = site.mails
    assert mail["content"] == "<p>Hello &lt;b&gt;<br>there.</p><p>We are here.</p>"
    assert mail["subjectLine"] == "A message from the moderators"
    assert "Hello" not in mail["comment"]
    assert (await forum.ask(letter(attempt=2))).kind is ALREADY
    assert len(site.mails) == 1


async def test_an_e_mail_that_was_not_delivered_is_refused():
    site = busy_site()
    site.delivers = False

    outcome = await connected(site).ask(letter())

    assert (outcome.kind, "not delivered" in outcome.detail) == (REFUSED, True)


async def test_an_e_mail_whose_answer_was_lost_is_found_again():
    site = busy_site()
    site.instead["emitEvent"] = ["lost"]

    outcome = await connected(site).ask(letter())

    assert (outcome.kind, len(site.mails)) == (APPLIED, 1)


@pytest.mark.parametrize(
    "failure", [failed(502, "UpstreamFailure", "no"), httpx.ReadTimeout("slow"), ok([1]), ok({"id": "x"})]
)
async def test_an_e_mail_that_cannot_be_proved_is_unknown_and_never_sent_again(
    failure: httpx.Response | httpx.ReadTimeout,
):
    site = busy_site()
    site.instead["emitEvent"] = [failure]
    forum = connected(site)

    first = await forum.ask(letter())
    more = [await forum.ask(letter(attempt=attempt)) for attempt in (2, 3)]

    assert [outcome.kind for outcome in (first, *more)] == [UNKNOWN] * 3
    assert len(site.named("emitEvent")) == 1


async def test_an_e_mail_stays_unknown_while_the_service_cannot_be_asked():
    site = busy_site()
    site.instead["queryEvents"] = [failed(500, "InternalServerError", "no")]

    assert (await connected(site).ask(letter(attempt=2))).kind is UNKNOWN
    assert site.mails == []


async def test_an_event_of_an_unknown_delivery_is_unknown():
    site = busy_site()
    event = site.events[0] | {"event": {"$type": DEFS + "modEventEmail"}}
    site.instead["emitEvent"] = [ok(event)]

    assert (await connected(site).ask(letter())).kind is UNKNOWN


async def test_an_e_mail_that_was_turned_down_is_not_in_doubt():
    site = busy_site()
    site.instead["emitEvent"] = [failed(429, "RateLimitExceeded", "slow down")]
    forum = connected(site)

    with pytest.raises(RateLimited):
        await forum.ask(letter())

    assert (await forum.ask(order(Action.MESSAGE_MEMBER, member("heron"), text="  "))).kind is REFUSED
    assert (await forum.ask(order(Action.MESSAGE_MEMBER, member("nobody"), text="Hello."))).kind is REFUSED


async def test_what_the_console_closed_itself_is_no_news():
    site = busy_site()
    forum = connected(site)
    place = (await pages(forum))[-1].cursor
    await forum.ask(order(Action.KEEP, post("tea")))

    found = await pages(forum, place)

    assert all(not page.resolved for page in found)
    site.moderate("modEventTakedown", uri("tea"))
    (page,) = await pages(forum, place)
    assert [resolved.target for resolved in page.resolved] == [post("tea")]
