"""What the adapter makes of Ozone's answers: flags, posts, members, threads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from modconsole_ozone.reasons import reason_word, topic_of
from ozone_site import LABELER, Site, all_of, connected, failed, fixture, member, ok, pages, post, uri

from modconsole.core.errors import BadAnswer, NotFound
from modconsole.core.model import FlagSource, MemberState, TargetKind, Visibility
from modconsole.core.topics import TOPICS


def busy_site() -> Site:
    site = Site()
    site.write("tea", "I could use some company this week.")
    site.report(uri("tea"), "tools.ozone.report.defs#reasonSelfHarmOther", comment="worried about them")
    site.report(uri("tea"), comment="me too")
    return site


async def test_a_reported_post_comes_with_its_flags_its_text_and_its_version():
    site = busy_site()

    found = await pages(connected(site))

    first, second = all_of(found)
    assert (first.id, first.reason, first.topic, first.comment) == (
        "1",
        "reasonSelfHarmOther",
        "self-harm",
        "worried about them",
    )
    assert (first.reporter, first.reporter_name, first.source) == (
        "did:plc:juniper",
        "juniper.test",
        FlagSource.MEMBER,
    )
    assert first.target == second.target == post("tea")
    assert first.at.tzinfo is UTC
    (text,) = (post for page in found for post in page.posts)
    assert (text.text, text.version, text.author, text.author_name) == (
        "I could use some company this week.",
        "cid-tea",
        "did:plc:heron",
        "heron.test",
    )


async def test_a_second_look_gives_only_what_is_new():
    site = busy_site()
    forum = connected(site)
    place = (await pages(forum))[-1].cursor

    assert await pages(forum, place) == []

    site.write("walk", "Off for a walk.")
    site.report(uri("walk"))
    later = await pages(forum, place)
    assert [flag.id for flag in all_of(later)] == ["3"]
    assert await pages(forum, later[-1].cursor) == []


async def test_a_stop_half_way_through_a_long_queue_loses_nothing():
    site = Site()
    for number in range(60):
        site.report(site.write(f"p{number}", "Hello."))
    forum = connected(site)

    first = await anext(aiter(forum.flags("")))
    again = await pages(forum, first.cursor)

    assert {flag.id for flag in all_of(again)} == {str(number) for number in range(1, 61)}
    assert {page.cursor for page in again[:-1]} == {""}


async def test_a_long_queue_is_paged_to_its_end_and_costs_few_calls():
    site = Site()
    for number in range(230):
        site.report(site.write(f"p{number}", "Hello."))

    found = await pages(connected(site))

    assert len(set(all_of(found))) == 230
    assert len(site.named("queryEvents")) <= 5


async def test_old_reports_are_asked_for_one_by_one_when_the_sweep_does_not_reach_them(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("modconsole_ozone.incoming._SEARCHED", 2)
    site = Site()
    site.report(site.write("old", "Hello."))
    site.moment += timedelta(days=1)
    for number in range(5):
        site.report(site.write(f"p{number}", "Hello."))

    found = await pages(connected(site))

    assert {flag.id for flag in all_of(found)} == {"1", "2", "3", "4", "5", "6"}


async def test_what_a_colleague_closed_is_resolved_by_name():
    site = busy_site()
    forum = connected(site)
    place = (await pages(forum))[-1].cursor
    site.moderate("modEventAcknowledge", uri("tea"))

    (page,) = await pages(forum, place)

    (resolved,) = page.resolved
    assert (resolved.target, resolved.by) == (post("tea"), "colleague.test")
    assert await pages(forum, page.cursor) == []
    assert len((await pages(connected(site), place))[0].resolved) == 1  # another start has not seen it yet


async def test_a_post_that_is_reported_again_after_it_was_closed_comes_back():
    site = busy_site()
    site.moderate("modEventAcknowledge", uri("tea"))
    forum = connected(site)
    place = (await pages(forum))[-1].cursor
    site.report(uri("tea"), comment="again")

    found = await pages(forum, place)

    assert [flag.comment for flag in all_of(found)] == ["again"]


async def test_what_a_colleague_escalated_without_a_report_is_a_flag_from_staff():
    site = busy_site()
    forum = connected(site)
    place = (await pages(forum))[-1].cursor
    site.moderate("modEventEscalate", site.write("quiet", "All is well."))

    (flag,) = all_of(await pages(forum, place))

    assert (flag.source, flag.reason, flag.target) == (FlagSource.STAFF, "reviewEscalated", post("quiet"))


async def test_reports_of_a_reporter_the_team_has_muted_stay_out():
    site = busy_site()
    site.report(uri("tea"), isReporterMuted=True)

    assert [flag.id for flag in all_of(await pages(connected(site)))] == ["1", "2"]


async def test_a_reported_account_is_a_member_and_a_reported_message_has_no_text():
    site = Site()
    site.write("tea", "Hello.", author="sparrow")
    site.report("did:plc:sparrow")
    message = {
        "$type": "chat.bsky.convo.defs#messageRef",
        "did": "did:plc:sparrow",
        "convoId": "c1",
        "messageId": "m1",
    }
    site._record("modEventReport", message, "did:plc:juniper", {"reportType": "x"})

    found = await pages(connected(site))

    assert [flag.target.kind for flag in all_of(found)] == [TargetKind.MEMBER, TargetKind.MESSAGE]
    (text,) = (post for page in found for post in page.posts)
    assert (text.text, text.author, bool(text.unreadable)) == ("", "did:plc:sparrow", True)


async def test_an_automatic_report_of_the_service_is_a_filter():
    site = busy_site()
    site.events[-1]["createdBy"] = LABELER

    assert [flag.source for flag in all_of(await pages(connected(site)))] == [
        FlagSource.MEMBER,
        FlagSource.FILTER,
    ]


async def test_a_deleted_post_keeps_its_flags_and_gives_no_text():
    site = busy_site()
    del site.records[uri("tea")]
    forum = connected(site)

    found = await pages(forum)

    assert len(list(all_of(found))) == 2
    assert [page.posts for page in found] == [(), ()]
    with pytest.raises(NotFound):
        await forum.post(post("tea"))
    assert not (await forum.read_state(post("tea"))).exists


async def test_a_place_that_is_not_ours_starts_from_the_beginning():
    site = busy_site()

    for nonsense in ("nonsense", "[]", '{"report": "x"}', "{}"):
        assert len(list(all_of(await pages(connected(site), nonsense)))) == 2


async def test_the_place_is_small_however_long_the_queue_is():
    site = Site()
    for number in range(120):
        site.report(site.write(f"p{number}", "Hello."))

    assert all(len(page.cursor) < 200 for page in await pages(connected(site)))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "5"}, "id"),
        ({"id": True}, "id"),
        ({"subject": None}, "subject"),
        ({"subject": {"$type": 7}}, "$type"),
        ({"reviewState": 3}, "reviewState"),
        ({"takendown": "no"}, "takendown"),
        ({"updatedAt": "yesterday"}, "updatedAt"),
        ({"lastReportedAt": 17}, "lastReportedAt"),
    ],
)
async def test_a_wrong_type_is_a_bad_answer_that_names_the_field(change: dict[str, object], field: str):
    site = busy_site()
    row = fixture("status", subject=site.subject(uri("tea"))) | change
    site.instead["queryStatuses"] = [ok({"subjectStatuses": []}), ok({"subjectStatuses": []})]
    site.instead["queryStatuses"].append(ok({"subjectStatuses": [row]}))

    with pytest.raises(BadAnswer) as caught:
        await pages(connected(site))

    assert field in caught.value.what
    assert "subjectStatuses[0]" in caught.value.what


@pytest.mark.parametrize("body", [[], "text", 7, {"subjectStatuses": {}}, {"subjectStatuses": [7]}])
async def test_an_answer_of_another_shape_is_a_bad_answer(body: object):
    site = busy_site()
    site.instead["queryStatuses"] = [ok(body)]

    with pytest.raises(BadAnswer):
        await pages(connected(site))


@pytest.mark.parametrize(
    "value",
    [{"text": 7}, {"text": None, "embed": []}, {"createdAt": 7, "reply": "x"}, {"embed": {"media": 1}}],
)
async def test_odd_things_in_a_members_record_do_not_stop_the_queue(value: dict[str, object]):
    site = busy_site()
    site.records[uri("tea")]["value"] = value

    found = await pages(connected(site))

    (text,) = (post for page in found for post in page.posts)
    assert text.text == ""
    assert text.unreadable


async def test_a_subject_of_an_unknown_kind_is_passed_over():
    site = busy_site()
    site._status(uri("tea"))["subject"] = {"$type": "com.example#later"}

    assert list(all_of(await pages(connected(site)))) == []


async def test_pictures_are_counted_and_replies_know_what_they_answer():
    site = busy_site()
    site.records[uri("tea")]["value"] |= {
        "embed": {"$type": "app.bsky.embed.images", "images": [{}, {}]},
        "reply": {"parent": {"uri": uri("root")}, "root": {"uri": uri("root")}},
    }

    text = await connected(site).post(post("tea"))

    assert (text.attachments, text.in_reply_to) == (2, uri("root"))


async def test_a_member_is_a_pseudonym_and_a_history_without_an_e_mail_address():
    site = busy_site()
    site.moderate("modEventTakedown", "did:plc:heron")
    forum = connected(site)

    card = await forum.member("did:plc:heron")

    assert (card.name, card.posts, card.flagged_before) == ("heron.test", 7, 2)
    assert card.joined_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert card.state is MemberState.CLOSED
    assert "example.test" not in repr(card)
    assert (await forum.identity("did:plc:heron")).fields == {"e-mail": "heron@example.test"}


def view(name: str, text: str, **more: object) -> dict[str, object]:
    author = {"did": "did:plc:heron", "handle": "heron.test"}
    value = {"text": text, "createdAt": f"2026-11-22T01:0{len(text)}:00.000Z"}
    return {"post": {"uri": uri(name), "cid": f"cid-{name}", "author": author, "record": value, **more}}


async def test_a_thread_has_the_posts_above_and_below_oldest_first():
    site = busy_site()
    site.thread = view("tea", "tea") | {
        "parent": view("b", "bb") | {"parent": view("a", "a")},
        "replies": [view("e", "eeeee"), view("d", "dddd"), {"$type": "app.bsky.feed.defs#notFoundPost"}],
    }
    forum = connected(site)

    thread = await forum.thread(post("tea"), 5, 1)

    assert [text.text for text in thread.posts] == ["a", "bb", "I could use some company this week.", "dddd"]
    assert (thread.more_before, thread.more_after, thread.id) == (False, True, uri("a"))
    assert (await forum.thread(post("tea"), 1, 5)).more_before


async def test_where_the_app_view_has_no_thread_the_post_stands_alone():
    for problem in (failed(400, "NotFound", "no"), failed(501, "MethodNotImplemented", "no")):
        site = busy_site()
        site.instead["getPostThread"] = [problem]

        thread = await connected(site).thread(post("tea"), 5, 5)

        assert [text.text for text in thread.posts] == ["I could use some company this week."]


async def test_history_leaves_out_what_others_wrote_and_falls_back_on_the_members_own_server():
    site = busy_site()
    other = view("x", "not mine")
    other["post"]["author"] = {"did": "did:plc:other", "handle": "other.test"}  # type: ignore[index]
    site.feed = [view("tea", "mine"), other]
    forum = connected(site)

    assert [text.text for text in await forum.history("did:plc:heron", 5)] == ["mine"]

    site.instead["getAuthorFeed"] = [failed(501, "MethodNotImplemented", "no")]
    assert [text.text for text in await forum.history("did:plc:heron", 5)] == [
        "I could use some company this week."
    ]
    site.instead["getAuthorFeed"] = [failed(400, "InvalidRequest", "Profile not found")]
    site.instead["listRecords"] = [failed(400, "InvalidRequest", "Could not find repo")]
    assert await forum.history("did:plc:heron", 5) == ()


async def test_the_state_of_a_hidden_post_says_so():
    site = busy_site()
    site.labels[uri("tea")] = [{"src": LABELER, "val": "!hide", "cid": "cid-tea"}]

    state = await connected(site).read_state(post("tea"))

    assert (state.visibility, state.flags_open, state.version) == (Visibility.HIDDEN, True, "cid-tea")


async def test_a_member_unknown_to_the_service_does_not_exist():
    assert not (await connected(Site()).read_state(member("nobody"))).exists


def test_every_reason_leads_to_a_topic_that_exists():
    from modconsole_ozone.reasons import _TOPICS

    assert set(_TOPICS.values()) <= set(TOPICS)


def test_a_reason_is_never_free_text():
    assert reason_word("tools.ozone.report.defs#reasonSelfHarmED") == "reasonSelfHarmED"
    assert reason_word("com.example.defs#reasonSomethingNew") == "reasonSomethingNew"
    assert topic_of("com.example.defs#reasonSomethingNew") == ""
    assert reason_word("my neighbour lives at number seven") == "reasonOther"
    assert reason_word("x#reason\x1b[31m") == "reasonOther"
