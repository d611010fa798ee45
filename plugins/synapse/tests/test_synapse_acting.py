"""Orders: the right calls, an outcome that comes from reading back, and nothing done twice."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from synapse_site import NOTICES, NOW, ROOM, Site, connected, failed, member, ok, order, pages, post

from modconsole.core.actions import Action, ActionOrder, OutcomeKind
from modconsole.core.errors import ForumError, NotAuthorised, RateLimited, Unavailable
from modconsole.core.model import MemberState, Visibility

APPLIED, ALREADY, CONFLICT = OutcomeKind.APPLIED, OutcomeKind.ALREADY, OutcomeKind.CONFLICT
REFUSED, UNKNOWN = OutcomeKind.REFUSED, OutcomeKind.UNKNOWN
HERON = "@heron:rig.test"


def busy_site() -> Site:
    site = Site()
    site.send("$tea", "I could use some company this week.")
    site.report("$tea")
    site.report("$tea", user_id="@willow:rig.test")
    return site


# Reports.


async def test_answering_flags_changes_nothing_on_a_server_that_keeps_its_reports():
    site = busy_site()

    outcome = await connected(site).ask(order(Action.KEEP, post("$tea"), seen_version="$tea"))

    assert (outcome.kind, outcome.detail) == (
        APPLIED,
        "Nothing changes on the server; the report stays there.",
    )
    assert site.changes() == []


async def test_answering_flags_deletes_all_reports_of_the_post_where_the_service_wants_that():
    site = busy_site()
    site.report(site.send("$walk"))
    site.report(site.edit("$edit", "$tea", "New words."))
    forum = connected(site, resolve_reports="delete")
    place = (await pages(forum))[-1].cursor

    outcome = await forum.ask(order(Action.NO_ACTION, post("$tea"), seen_version="$edit"))

    assert (outcome.kind, outcome.state and outcome.state.flags_open) == (APPLIED, False)
    assert [row["event_id"] for row in site.reports["event_reports"]] == ["$walk"]
    assert (await forum.ask(order(Action.NO_ACTION, post("$tea")))).kind is ALREADY
    assert await pages(forum, place) == []  # our own doing is no news


async def test_reports_of_a_member_are_deleted_and_those_of_a_longer_name_are_not():
    site = Site()
    site.report_user(HERON)
    site.report_user("@heron:rig.test.example")

    outcome = await connected(site, resolve_reports="delete").ask(order(Action.KEEP, member("heron")))

    assert outcome.kind is APPLIED
    assert len(site.reports["user_reports"]) == 1


async def test_a_report_that_a_colleague_deletes_at_the_same_time_is_fine():
    site = busy_site()
    site.instead.append(("DELETE", failed(404, "M_NOT_FOUND", "Event report not found")))
    site.instead.append(("DELETE", failed(404, "M_NOT_FOUND", "Event report not found")))
    forum = connected(site, resolve_reports="delete")

    assert (await forum.ask(order(Action.KEEP, post("$tea")))).kind is UNKNOWN  # they are still listed here

    site.reports["event_reports"].clear()
    assert (await forum.ask(order(Action.KEEP, post("$tea")))).kind is ALREADY


async def test_deleting_a_report_may_be_refused_or_lost():
    site = busy_site()
    forum = connected(site, resolve_reports="delete")

    site.instead.append(("DELETE", failed(403, "M_FORBIDDEN", "You are not a server admin")))
    assert (await forum.ask(order(Action.KEEP, post("$tea")))).kind is REFUSED
    site.instead.append(("DELETE", "lost"))
    assert (await forum.ask(order(Action.KEEP, post("$tea")))).kind is APPLIED


# Removing.


async def test_removing_is_a_redaction_in_the_moderators_name_with_a_neutral_reason():
    site = busy_site()

    outcome = await connected(site).ask(order(Action.REMOVE, post("$tea"), seen_version="$tea"))

    assert (outcome.kind, outcome.reference) == (APPLIED, "$removal-of-tea")
    assert outcome.state is not None
    assert outcome.state.visibility is Visibility.REMOVED
    (call,) = [call for call in site.calls if call[0] == "PUT"]
    assert call == ("PUT", f"/_matrix/client/v3/rooms/{ROOM}/redact/$tea/o-one", "mod-token")
    assert site.bodies == [{"reason": "Removed by a moderator"}]


async def test_removing_takes_every_wording_of_the_post_away():
    site = busy_site()
    site.edit("$edit1", "$tea", "Second words.")
    site.edit("$edit2", "$tea", "Third words.")

    outcome = await connected(site).ask(order(Action.REMOVE, post("$tea"), seen_version="$edit2"))

    assert (outcome.kind, outcome.detail) == (APPLIED, "")
    assert all(event["content"] == {} for event in site.events.values())


async def test_an_edit_that_cannot_be_removed_is_said():
    site = busy_site()
    site.edit("$edit1", "$tea", "Second words.")
    site.instead.append(("redact/$edit1", failed(429, "M_LIMIT_EXCEEDED", "slow down")))
    forum = connected(site)

    first = await forum.ask(order(Action.REMOVE, post("$tea")))
    second = await forum.ask(order(Action.REMOVE, post("$tea"), attempt=2))

    assert (first.kind, first.detail) == (APPLIED, "1 edit(s) of it could not be removed.")
    assert (second.kind, second.detail) == (APPLIED, "")
    assert site.changes().count(f"PUT /_matrix/client/v3/rooms/{ROOM}/redact/$tea/o-one") == 1


async def test_what_is_already_removed_is_not_removed_again():
    site = busy_site()
    site.redact("$tea")
    forum = connected(site)

    outcome = await forum.ask(order(Action.REMOVE, post("$tea"), seen_version="an older one"))

    assert (outcome.kind, outcome.reference) == (ALREADY, "$removal-of-tea")
    assert (await forum.ask(order(Action.REMOVE, post("$never")))).kind is ALREADY
    assert site.changes() == []


@pytest.mark.parametrize("action", [Action.KEEP, Action.REMOVE, Action.SUSPEND, Action.MESSAGE_MEMBER])
async def test_a_post_edited_since_it_was_read_is_a_conflict_and_nothing_is_sent(action: Action):
    site = busy_site()
    site.edit("$edit", "$tea", "Second words.")

    outcome = await connected(site).ask(order(action, post("$tea"), seen_version="$tea", text="Hello."))

    assert (outcome.kind, outcome.state and outcome.state.version) == (CONFLICT, "$edit")
    assert site.changes() == []


async def test_a_moderator_without_power_in_the_room_is_refused():
    site = busy_site()
    site.may_redact = False
    site.instead.append(("relations", failed(403, "M_FORBIDDEN", "not in room")))

    outcome = await connected(site).ask(order(Action.REMOVE, post("$tea")))

    assert outcome.kind is REFUSED
    assert "You don't have permission to redact events" in outcome.detail


async def test_a_lost_redaction_is_repeated_with_the_same_transaction():
    site = busy_site()
    site.instead.append(("redact", "lost"))

    outcome = await connected(site).ask(order(Action.REMOVE, post("$tea")))

    assert outcome.kind is APPLIED
    assert len(set(site.changes())) == 1
    assert len(site.transactions) == 1


async def test_accepted_but_still_there_is_unknown():
    site = busy_site()
    site.instead.append(("redact", ok({"event_id": "$x"})))

    assert (await connected(site).ask(order(Action.REMOVE, post("$tea")))).kind is UNKNOWN


async def test_accepted_but_unreadable_afterwards_is_unknown():
    site = busy_site()
    forum = connected(site)
    site.instead += [("context", "")] + [("context", failed(500, "M_UNKNOWN", "no"))] * 3

    assert (await forum.ask(order(Action.REMOVE, post("$tea")))).kind is UNKNOWN


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failed(429, "M_LIMIT_EXCEEDED", "slow down"), RateLimited),
        (failed(401, "M_UNKNOWN_TOKEN", "no"), NotAuthorised),
        (httpx.ConnectError("refused"), Unavailable),
    ],
)
async def test_what_certainly_did_not_happen_is_an_error(
    answer: httpx.Response | httpx.ConnectError, error: type[ForumError]
):
    site = busy_site()
    site.instead += [("redact", answer)] * 3

    with pytest.raises(error):
        await connected(site).ask(order(Action.REMOVE, post("$tea")))


async def test_a_removal_cannot_be_undone():
    site = busy_site()

    for undoes in (Action.REMOVE, Action.HIDE, None):
        outcome = await connected(site).ask(order(Action.RESTORE, post("$tea"), undoes=undoes))
        assert outcome.kind is REFUSED

    assert site.changes() == []


# Accounts.


async def test_a_suspension_says_that_it_has_no_end_and_can_be_lifted():
    site = busy_site()
    forum = connected(site)
    until = NOW + timedelta(days=2)

    suspended = await forum.ask(order(Action.SUSPEND, post("$tea"), member=HERON, until=until))
    again = await forum.ask(order(Action.SUSPEND, member("heron"), until=until))
    lifted = await forum.ask(order(Action.RESTORE, member("heron"), undoes=Action.SUSPEND))

    assert (suspended.kind, suspended.state and suspended.state.member_state) == (
        APPLIED,
        MemberState.SUSPENDED,
    )
    assert "2026-11-24 02:00 UTC" in suspended.detail
    assert again.kind is ALREADY
    assert (lifted.kind, lifted.state and lifted.state.member_state) == (APPLIED, MemberState.ACTIVE)
    assert site.bodies == [{"suspend": True}, {"suspend": False}]


async def test_accounts_that_cannot_be_suspended_are_refused():
    site = Site()
    forum = connected(site)

    assert (await forum.ask(order(Action.SUSPEND, member("nobody")))).kind is REFUSED
    site.users[HERON]["suspended"] = None
    assert (await forum.ask(order(Action.SUSPEND, member("heron")))).kind is REFUSED
    site.users[HERON]["suspended"] = False
    for answer in (failed(400, "M_UNKNOWN", "no"), failed(403, "M_FORBIDDEN", "no")):
        site.instead.append(("PUT", answer))
        assert (await forum.ask(order(Action.SUSPEND, member("heron")))).kind is REFUSED
    assert (await forum.ask(order(Action.SUSPEND, post("$never")))).kind is REFUSED


async def test_a_suspension_that_does_not_show_is_unknown():
    site = Site()
    site.instead.append(("PUT", ok({})))

    assert (await connected(site).ask(order(Action.SUSPEND, member("heron")))).kind is UNKNOWN


# Notices.


def notice(**more: object) -> ActionOrder:
    return order(Action.MESSAGE_MEMBER, member("heron"), text="We are here.", **more)


async def test_a_notice_goes_out_once_and_carries_its_order():
    site = Site()
    forum = connected(site)

    first = await forum.ask(notice())
    site.restart()  # which forgets the transactions
    second = await forum.ask(notice(attempt=2))

    assert (first.kind, first.reference) == (APPLIED, "$notice-0")
    assert (second.kind, second.reference) == (ALREADY, "$notice-0")
    (sent,) = site.notices
    assert sent["content"] == {"msgtype": "m.text", "body": "We are here.", "io.modconsole.order": "o-one"}
    assert sent["user_id"] == HERON


async def test_a_notice_whose_answer_was_lost_is_found_again():
    site = Site()
    site.instead.append(("send_server_notice", "lost"))

    outcome = await connected(site).ask(notice())

    assert (outcome.kind, len(site.notices)) == (APPLIED, 1)


@pytest.mark.parametrize("failure", [failed(502, "M_UNKNOWN", "no"), httpx.ReadTimeout("slow"), ok([1])])
async def test_a_notice_that_is_not_found_after_a_lost_answer_is_unknown_and_not_repeated(
    failure: httpx.Response | httpx.ReadTimeout,
):
    site = Site()
    site.instead.append(("send_server_notice", failure))

    outcome = await connected(site).ask(notice())

    assert outcome.kind is UNKNOWN
    assert len(site.changes()) == 1


async def test_a_later_attempt_sends_only_when_it_is_proved_that_none_arrived():
    site = Site()

    outcome = await connected(site).ask(notice(attempt=2))

    assert (outcome.kind, len(site.notices)) == (APPLIED, 1)


@pytest.mark.parametrize("what", ["no notices yet", "cannot list", "cannot read"])
async def test_a_later_attempt_without_proof_is_unknown(what: str):
    site = Site()
    forum = connected(site)
    await forum.ask(notice(id="o-other"))
    if what == "no notices yet":
        site.joined[NOTICES] = []
    elif what == "cannot list":
        site.instead.append(("memberships", failed(404, "M_UNRECOGNIZED", "no")))
    else:
        site.instead += [("/messages", failed(500, "M_UNKNOWN", "no"))] * 3

    outcome = await forum.ask(notice(attempt=2))

    assert (outcome.kind, len(site.notices)) == (UNKNOWN, 1)


async def test_a_notice_that_was_turned_down_is_not_in_doubt():
    site = Site()
    forum = connected(site)

    site.instead.append(("notice", failed(400, "M_UNKNOWN", "Server notices are not enabled on this server")))
    outcome = await forum.ask(notice())
    assert (outcome.kind, "not enabled" in outcome.detail) == (REFUSED, True)
    site.instead.append(("notice", failed(403, "M_FORBIDDEN", "You are not a server admin")))
    assert (await forum.ask(notice())).kind is REFUSED
    site.instead.append(("notice", failed(429, "M_LIMIT_EXCEEDED", "slow down")))
    with pytest.raises(RateLimited):
        await forum.ask(notice())
    assert (await forum.ask(order(Action.MESSAGE_MEMBER, member("nobody"), text="Hello."))).kind is REFUSED
    assert (await forum.ask(order(Action.MESSAGE_MEMBER, member("heron"), text=" "))).kind is REFUSED
    assert (await connected(site, message_by="none").ask(notice())).kind is REFUSED
    assert site.notices == []


@pytest.mark.parametrize(
    "action",
    [
        action
        for action in Action
        if action
        not in (
            Action.KEEP,
            Action.NO_ACTION,
            Action.REMOVE,
            Action.RESTORE,
            Action.SUSPEND,
            Action.MESSAGE_MEMBER,
        )
    ],
)
async def test_what_it_cannot_do_it_says_and_does_not_try(action: Action):
    site = busy_site()
    forum = connected(site)

    assert not forum.capabilities.of(action).works
    assert (await forum.ask(order(action, post("$tea")))).kind is REFUSED
    assert site.calls == []


async def test_read_state_tells_about_flags_only_where_reports_mean_something():
    site = busy_site()

    assert (await connected(site).read_state(post("$tea"))).flags_open is None
    forum = connected(site, resolve_reports="delete")
    assert (await forum.read_state(post("$tea"))).flags_open is True
    site.reports["event_reports"].clear()
    assert (await forum.read_state(post("$tea"))).flags_open is False
    assert not (await forum.read_state(post("$never"))).exists
