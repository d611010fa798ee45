"""What the adapter makes of Synapse's answers: flags, posts, members, threads, and what it says about itself."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from synapse_site import (
    ME,
    ROOM,
    Drawer,
    Site,
    all_of,
    connected,
    failed,
    fixture,
    member,
    ok,
    pages,
    post,
    texts_of,
)

from modconsole.core.actions import Action
from modconsole.core.errors import (
    BadAnswer,
    Forbidden,
    ForumError,
    NotAuthorised,
    NotFound,
    RateLimited,
    Unavailable,
)
from modconsole.core.model import MemberState, Visibility


def busy_site() -> Site:
    site = Site()
    site.send("$tea", "I could use some company this week.")
    site.report("$tea", reason="worried about them")
    site.report("$tea", user_id="@willow:rig.test")
    return site


async def test_each_report_is_a_flag_and_the_post_comes_once():
    found = await pages(connected(busy_site()))

    first, second = all_of(found)
    assert (first.id, first.reason, first.comment, first.topic) == (
        "event-2",
        "report",
        "worried about them",
        "",
    )
    assert (first.reporter, second.reporter) == ("@juniper:rig.test", "@willow:rig.test")
    assert first.target == second.target == post("$tea")
    assert first.at.tzinfo is UTC
    (text,) = texts_of(found)
    assert (text.text, text.author, text.author_name, text.version) == (
        "I could use some company this week.",
        "@heron:rig.test",
        "Heron",
        "$tea",
    )


async def test_a_second_look_costs_two_calls_and_gives_only_what_is_new():
    site = busy_site()
    forum = connected(site)
    place = (await pages(forum))[-1].cursor
    site.calls.clear()

    assert await pages(forum, place) == []
    assert len(site.calls) == 2

    site.send("$walk", "Off for a walk.")
    site.report("$walk")
    assert [flag.id for flag in all_of(await pages(forum, place))] == ["event-4"]


async def test_many_new_reports_at_once_are_all_given():
    site = busy_site()
    forum = connected(site)
    place = (await pages(forum))[-1].cursor
    for number in range(150):
        site.report(site.send(f"$p{number}"))

    assert len(set(all_of(await pages(forum, place)))) == 150


async def test_a_long_list_is_read_to_its_end_oldest_first_and_can_be_resumed():
    site = Site()
    for number in range(230):
        site.report(site.send(f"$p{number}"))
    forum = connected(site)

    found = await pages(forum)
    rest = await pages(connected(site), found[3].cursor)

    assert [flag.id for flag in all_of(found)] == [f"event-{number}" for number in range(2, 232)]
    assert [flag.id for flag in all_of(rest)] == [f"event-{number}" for number in range(102, 232)]
    assert all(len(page.cursor) < 100 for page in found)


async def test_reports_deleted_elsewhere_are_resolved_when_the_last_one_is_gone():
    site = busy_site()
    site.send("$walk")
    site.report("$walk")
    forum = connected(site)
    place = (await pages(forum))[-1].cursor

    site.reports["event_reports"].pop(0)
    assert await pages(forum, place) == []

    site.reports["event_reports"].pop(0)
    site.report("$walk")  # one gone, one new: the total stays the same
    found = await pages(forum, place)
    assert [resolved.target for page in found for resolved in page.resolved] == [post("$tea")]
    assert await pages(forum, found[-1].cursor) == []


async def test_another_start_notices_deletions_from_then_on():
    site = busy_site()
    place = (await pages(connected(site)))[-1].cursor
    forum = connected(site)
    assert await pages(forum, place) == []

    site.reports["event_reports"].clear()

    (page,) = await pages(forum, place)
    assert [resolved.target for resolved in page.resolved] == [post("$tea")]


async def test_a_reported_member_is_a_flag_where_the_server_has_such_reports():
    site = busy_site()
    site.report_user("@sparrow:rig.test")

    flag = list(all_of(await pages(connected(site))))[-1]
    assert (flag.id, flag.target, flag.comment) == ("user-4", member("sparrow"), "unkind")

    site.has_user_reports = False
    forum = connected(site)
    place = (await pages(forum))[-1].cursor
    site.calls.clear()
    assert await pages(forum, place) == []
    assert len(site.calls) == 1


async def test_the_latest_edit_is_what_is_read():
    site = busy_site()
    site.edit("$edit", "$tea", "I could use some company.")

    (text,) = texts_of(await pages(connected(site)))

    assert (text.text, text.version, text.target.id) == ("I could use some company.", "$edit", "$tea")


async def test_a_report_of_an_edit_is_about_the_post_that_was_edited():
    site = busy_site()
    site.report(site.edit("$edit", "$tea", "Second words."))

    found = await pages(connected(site))

    assert {flag.target for flag in all_of(found)} == {post("$tea")}
    assert [text.text for text in texts_of(found)] == ["Second words."]


async def test_a_post_removed_before_we_saw_it_has_the_words_its_report_keeps():
    site = busy_site()
    site.redact("$tea")

    (text,) = texts_of(await pages(connected(site)))

    assert (text.text, text.visibility) == ("I could use some company this week.", Visibility.REMOVED)
    now = await connected(site).post(post("$tea"))
    assert (now.text, now.unreadable) == ("", "removed")


async def test_a_post_the_room_no_longer_has_comes_from_its_report_or_not_at_all():
    site = busy_site()
    del site.events["$tea"]
    assert [text.text for text in texts_of(await pages(connected(site)))] == [
        "I could use some company this week."
    ]

    del site.kept["$tea"]
    found = await pages(connected(site))
    assert (texts_of(found), len(list(all_of(found)))) == ([], 2)
    with pytest.raises(NotFound):
        await connected(site).post(post("$tea"))


async def test_an_encrypted_post_says_where_it_can_be_read():
    site = Site()
    site.report(site.send("$secret", type="m.room.encrypted", content={"body": None}))

    (text,) = texts_of(await pages(connected(site)))

    assert text.text == ""
    assert f"https://matrix.to/#/{ROOM}/$secret" in text.unreadable


@pytest.mark.parametrize(
    "content",
    [
        {"body": {"a": 1}},
        {"m.new_content": 7, "body": None},
        {"m.relates_to": "x", "body": []},
        {"m.relates_to": {"m.in_reply_to": 3, "rel_type": []}, "body": 1},
    ],
)
async def test_odd_things_in_a_members_event_do_not_stop_the_queue(content: dict[str, object]):
    site = Site()
    site.report(site.send("$odd", content=content))

    (text,) = texts_of(await pages(connected(site)))

    assert (text.text, bool(text.unreadable)) == ("", True)


async def test_pictures_are_counted_and_staff_are_known():
    site = Site()
    site.send("$picture", "garden.jpg", sender=ME, content={"msgtype": "m.image", "url": "mxc://rig.test/x"})

    text = await connected(site).post(post("$picture"))

    assert (text.attachments, text.by_staff, text.text) == (1, True, "garden.jpg")


@pytest.mark.parametrize(
    ("version", "is_staff"), [("11", False), ("12", True), ("org.odd", False), (7, False)]
)
async def test_who_made_a_room_counts_as_staff_since_room_version_12(version: object, is_staff: bool):
    site = Site()
    site.send("$tea")
    created = {"room_version": version, "additional_creators": ["@other:rig.test", 7]}
    site.state.append(
        {"type": "m.room.create", "state_key": "", "sender": "@heron:rig.test", "content": created}
    )

    assert (await connected(site).post(post("$tea"))).by_staff is is_staff


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "2"}, "id"),
        ({"id": True}, "id"),
        ({"received_ts": "now"}, "received_ts"),
        ({"received_ts": 10**30}, "received_ts"),
        ({"room_id": None}, "room_id"),
        ({"event_id": 7}, "event_id"),
        ({"user_id": None}, "user_id"),
        ({"reason": {}}, "reason"),
        ({"sender": 7}, "sender"),
    ],
)
async def test_a_wrong_type_is_a_bad_answer_that_names_the_field(change: dict[str, object], field: str):
    site = busy_site()
    row = fixture("event_report") | change
    site.instead.append(("GET /_synapse/admin/v1/event_reports", ok({"event_reports": [row], "total": 1})))

    with pytest.raises(BadAnswer) as caught:
        await pages(connected(site))

    assert f"event_reports[0].{field}" in caught.value.what


@pytest.mark.parametrize(
    "body",
    [[], "text", 7, {"event_reports": {}, "total": 1}, {"event_reports": [7], "total": 1}, {"total": "many"}],
)
async def test_an_answer_of_another_shape_is_a_bad_answer(body: object):
    site = busy_site()
    site.instead.append(("event_reports", ok(body)))

    with pytest.raises(BadAnswer):
        await pages(connected(site))


async def test_a_wrong_type_in_an_event_is_a_bad_answer_too():
    site = busy_site()
    site.instead.append(("context", ok({"event": fixture("event", sender=7), "state": []})))

    with pytest.raises(BadAnswer) as caught:
        await connected(site).post(post("$tea"))

    assert "event.sender" in caught.value.what


async def test_a_place_that_is_not_ours_starts_from_the_beginning():
    for nonsense in ("nonsense", "[]", '{"event_reports": "x"}', "{}"):
        assert len(list(all_of(await pages(connected(busy_site()), nonsense)))) == 2


async def test_an_id_with_half_a_character_in_it_is_an_error_and_not_a_crash():
    with pytest.raises(ForumError):
        await connected(Site()).post(post("$\ud800"))


async def test_a_thread_is_what_was_said_around_the_post():
    site = Site()
    for number in range(6):
        site.send(f"$p{number}", f"Words {number}.")
    site.edit("$edit", "$p2", "New words 2.")
    site.send("$join", type="m.room.member")
    forum = connected(site)

    thread = await forum.thread(post("$p3"), 2, 1)

    assert [text.text for text in thread.posts] == ["Words 1.", "New words 2.", "Words 3.", "Words 4."]
    assert (thread.title, thread.more_before, thread.more_after) == ("Peer support lounge", True, True)
    assert [text.text for text in (await forum.thread(post("$p0"), 0, 0)).posts] == ["Words 0."]
    site.state[2]["content"] = {"events_default": 50}
    assert (await forum.thread(post("$p3"), 9, 9)).locked
    with pytest.raises(NotFound):
        await forum.thread(member("heron"), 1, 1)


async def test_a_member_is_a_pseudonym_without_addresses():
    site = busy_site()
    forum = connected(site)

    card = await forum.member("@heron:rig.test")

    assert (card.name, card.flagged_before, card.state) == ("Heron", 2, MemberState.ACTIVE)
    assert card.joined_at == datetime(2026, 11, 22, 0, 28, 28, tzinfo=UTC)
    assert "example.test" not in repr(card)
    assert (await forum.identity("@heron:rig.test")).fields == {"email": "heron@example.test"}


async def test_a_member_of_another_server_has_a_name_and_nothing_else():
    card = await connected(Site()).member("@far:away.example")

    assert (card.name, card.state, card.joined_at) == ("Far away", MemberState.UNKNOWN, None)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"suspended": True}, MemberState.SUSPENDED),
        ({"locked": True}, MemberState.SUSPENDED),
        ({"deactivated": True}, MemberState.CLOSED),
    ],
)
async def test_the_state_of_an_account(change: dict[str, bool], state: MemberState):
    site = Site()
    site.users["@heron:rig.test"] |= change

    assert (await connected(site).read_state(member("heron"))).member_state is state
    assert not (await connected(site).read_state(member("nobody"))).exists


async def test_history_comes_only_from_rooms_the_moderator_is_in():
    site = busy_site()
    site.joined["@heron:rig.test"] = ["!private:rig.test", ROOM]
    site.joined[ME] = ["!staff:rig.test", ROOM]
    site.edit("$edit", "$tea", "x")
    forum = connected(site)

    found = await forum.history("@heron:rig.test", 5)

    assert [text.target.id for text in found] == ["$tea"]
    assert [path for _, path, _ in site.calls if "/messages" in path] == [
        f"/_matrix/client/v3/rooms/{ROOM}/messages"
    ]
    assert all(token == "mod-token" for _, path, token in site.calls if "/messages" in path)
    site.instead.append(("joined_rooms", failed(404, "M_UNRECOGNIZED", "no")))
    assert await forum.history("@heron:rig.test", 5) == ()


# Connecting.


async def test_connecting_says_who_we_are_and_uses_each_token_for_its_own():
    site = Site()
    forum = connected(site, resolve_reports="delete", message_by="none")

    info = await forum.connect()

    assert (info.me, info.version, info.clock_skew, info.missing) == (ME, "Synapse 1.163.2", -60, ())
    assert "deletes the report" in info.capabilities.of(Action.KEEP).note
    assert not info.capabilities.of(Action.MESSAGE_MEMBER).works
    assert {token for _, path, token in site.calls if "/_synapse/" in path} == {"admin-token"}


async def test_one_token_can_do_for_both():
    site = Site()

    await connected(site, Drawer(token="mod-token")).connect()

    assert {token for _, _, token in site.calls} == {"mod-token"}


async def test_a_token_without_admin_rights_is_told_what_is_missing():
    site = Site()
    site.is_admin = False

    info = await connected(site).connect()

    assert len(info.missing) == 1
    assert not any(info.capabilities.of(action).works for action in Action)


@pytest.mark.parametrize("secrets", [{"token": "bad"}, {}, {"token": "mod-token", "admin_token": "bad"}])
async def test_a_wrong_or_missing_token_is_not_authorised(secrets: dict[str, str]):
    with pytest.raises(NotAuthorised) as caught:
        await connected(Site(), Drawer(**secrets)).connect()

    assert "bad" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failed(401, "M_UNKNOWN_TOKEN", "no"), NotAuthorised),
        (failed(403, "M_FORBIDDEN", "no"), Forbidden),
        (failed(404, "M_UNRECOGNIZED", "no"), NotFound),
        (failed(429, "M_LIMIT_EXCEEDED", "slow down"), RateLimited),
        (failed(500, "M_UNKNOWN", "no"), Unavailable),
        (httpx.Response(200, text="<html>Welcome</html>", headers={"content-type": "text/html"}), BadAnswer),
        (httpx.Response(404, text="<html>Not here</html>", headers={"content-type": "text/html"}), NotFound),
        (httpx.ConnectError("refused"), Unavailable),
    ],
)
async def test_every_failure_is_a_forum_error_of_the_right_kind(
    answer: httpx.Response | httpx.ConnectError, error: type[ForumError]
):
    site = busy_site()
    site.instead += [("event_reports", answer)] * 3

    with pytest.raises(error):
        await pages(connected(site))


async def test_closing_lets_go():
    site = busy_site()
    forum = connected(site, admin_server="https://admin.test")
    await forum.connect()
    await forum.close()

    with pytest.raises(Unavailable):
        await pages(forum)
    with pytest.raises(Unavailable):
        await forum.connect()
