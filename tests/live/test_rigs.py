"""The rigs are what they say they are: what goes in by one call comes out by another."""

from __future__ import annotations

import pytest

from tests.live.rigs import Loopback, OzoneRig, RigError, SynapseRig


def test_the_client_calls_no_other_machine() -> None:
    with pytest.raises(RigError, match="not an address of this machine"):
        Loopback("http://forum.example.invalid")


def test_no_password_or_token_is_in_what_a_rig_prints(ozone: OzoneRig, synapse: SynapseRig) -> None:
    for rig in (ozone, synapse):
        printed = repr(rig)

        assert "willow" in printed or "moderator" in printed
        for account in rig.accounts.values():
            assert account.password not in printed
            assert account.token not in printed


def test_ozone_holds_every_report_with_its_words_or_without(ozone: OzoneRig) -> None:
    reports = ozone.reports_on(ozone.seed.advert.uri)

    assert [report["creatorHandle"] for report in reports] == ["heron.test", "juniper.test", "wren.test"]
    assert [report["event"].get("comment") for report in reports] == [
        "An advertisement in a support group.",
        "Not what it says it is.",
        None,
    ]
    assert ozone.review_state(ozone.seed.advert.uri) == "open"
    assert len(ozone.reports_on(ozone.accounts["sparrow"].id)) == 1
    assert ozone.subject_status(ozone.seed.quiet.uri) is None


def test_ozone_members_see_the_thread(ozone: OzoneRig) -> None:
    replies = ozone.replies_as_seen(ozone.seed.low)

    assert sorted(replies) == [
        "I am here. Want to talk about it?",
        "Thank you for answering, it helps.",
        "You are all wasting your time here.",
    ]


def test_ozone_lets_the_moderator_in_and_nobody_else(ozone: OzoneRig) -> None:
    queue = "tools.ozone.moderation.queryStatuses"

    assert ozone.team()[ozone.accounts["willow"].id] == "roleModerator"
    assert ozone.as_person("willow", "GET", queue).status == 200
    assert ozone.as_person("juniper", "GET", queue).status == 401


def test_an_ozone_takedown_shows_in_every_reading(ozone: OzoneRig) -> None:
    post = ozone.post("sparrow", "One more offer, today only.")
    ozone.report("heron", post, "Spam")
    assert ozone.labels_on(post.uri) == set()

    emit(ozone, {"$type": "com.atproto.repo.strongRef", **post.ref}, "Takedown", comment="advertising")

    assert ozone.review_state(post.uri) == "closed"
    assert ozone.event_kinds(post.uri)[0] == "Report"
    assert ozone.event_kinds(post.uri)[-1] == "Takedown"
    assert ozone.labels_on(post.uri) == {"!takedown"}


def test_an_ozone_post_that_its_author_deletes_is_gone_for_the_public(ozone: OzoneRig) -> None:
    post = ozone.post("sparrow", "Never mind.")
    assert ozone.post_as_seen(post) is not None

    ozone.delete(post)

    assert ozone.post_as_seen(post) is None


def test_an_ozone_email_reaches_the_one_member_it_was_for(ozone: OzoneRig) -> None:
    member = {"$type": "com.atproto.admin.defs#repoRef", "did": ozone.accounts["heron"].id}

    emit(ozone, member, "Email", subjectLine="From the moderators", content="<p>We are here.</p>")

    (letter,) = ozone.mail_to("heron")
    assert letter == {
        "to": "heron@example.test",
        "subject": "From the moderators",
        "text": "<p>We are here.</p>",
    }
    assert ozone.mail_to("wren") == []


def test_an_account_that_ozone_takes_down_cannot_log_in(ozone: OzoneRig) -> None:
    member = ozone.join("finch")
    assert ozone.can_log_in("finch")

    emit(ozone, {"$type": "com.atproto.admin.defs#repoRef", "did": member.id}, "Takedown", durationInHours=24)
    ozone.settle()

    assert not ozone.can_log_in("finch")


def test_synapse_holds_every_report_as_a_row_of_its_own(synapse: SynapseRig) -> None:
    rows = synapse.reports_on(synapse.seed.advert)

    assert [row["user_id"] for row in rows] == ["@heron:rig.test", "@juniper:rig.test", "@wren:rig.test"]
    assert [row["reason"] for row in rows] == [
        "An advertisement in a support group.",
        "Not what it says it is.",
        None,
    ]
    assert {row["sender"] for row in rows} == {"@sparrow:rig.test"}
    assert {row["name"] for row in synapse.reports()} == {"Peer support lounge"}
    assert synapse.reports_on(synapse.seed.quiet) == []
    assert [row["target_user_id"] for row in synapse.member_reports()] == ["@sparrow:rig.test"]


def test_synapse_lets_the_moderator_in_and_nobody_else(synapse: SynapseRig) -> None:
    def ask(name: str) -> int:
        path = "/_synapse/admin/v1/event_reports"
        return synapse.server.ask("GET", path, token=synapse.accounts[name].token).status

    assert ask("moderator") == 200
    assert ask("juniper") == 403


def test_a_synapse_redaction_takes_the_words_away_and_stays_on_record(synapse: SynapseRig) -> None:
    message = synapse.send("sparrow", "One more offer, today only.")
    assert synapse.text_as_seen(message) == "One more offer, today only."
    assert "One more offer, today only." in synapse.texts_in_room()

    synapse.redact("moderator", message)

    assert synapse.text_as_seen(message) is None
    (redaction,) = synapse.redactions_of(message)
    assert redaction["sender"] == synapse.moderator.id


def test_a_synapse_notice_and_a_direct_message_both_reach_the_member(synapse: SynapseRig) -> None:
    wren = synapse.register("wagtail")
    notice = {"user_id": wren.id, "content": {"msgtype": "m.text", "body": "We are checking in."}}
    synapse.as_person("moderator", "POST", "/_synapse/admin/v1/send_server_notice", notice)
    asked = {"preset": "trusted_private_chat", "is_direct": True, "invite": [wren.id]}
    room = synapse.as_person("moderator", "POST", "/_matrix/client/v3/createRoom", asked)["room_id"]
    said = {"msgtype": "m.text", "body": "A word in private."}
    synapse.as_person("moderator", "PUT", f"/_matrix/client/v3/rooms/{room}/send/m.room.message/1", said)

    received = synapse.messages_received_by("wagtail")

    assert [(message.sender, message.text) for message in received] == [
        ("@notices:rig.test", "We are checking in."),
        ("@moderator:rig.test", "A word in private."),
    ]
    assert synapse.messages_received_by("juniper") == []


def test_synapse_says_who_was_kicked_and_who_is_suspended(synapse: SynapseRig) -> None:
    plover = synapse.register("plover")
    synapse.as_person("plover", "POST", f"/_matrix/client/v3/join/{synapse.room_id}", {})
    assert synapse.membership("plover") == "join"
    assert synapse.user_detail("plover")["suspended"] is False

    synapse.as_person("moderator", "PUT", f"/_synapse/admin/v1/suspend/{plover.id}", {"suspend": True})
    kick = {"user_id": plover.id}
    synapse.as_person("moderator", "POST", f"/_matrix/client/v3/rooms/{synapse.room_id}/kick", kick)

    assert synapse.user_detail("plover")["suspended"] is True
    assert synapse.membership("plover") == "leave"


def test_synapse_with_its_own_limits_says_when_to_come_back(limited_synapse: SynapseRig) -> None:
    limited_synapse.register("moderator", admin=True)
    limited_synapse.register("heron")
    limited_synapse.open_room()

    answers = [limited_synapse.try_to_send("heron", f"Hello {number}") for number in range(12)]

    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert refused[0].body["errcode"] == "M_LIMIT_EXCEEDED"
    assert int(refused[0].headers["retry-after"]) >= 1


def emit(rig: OzoneRig, subject: dict[str, str], kind: str, **event: object) -> None:
    """Act as the moderator does by hand."""
    body = {
        "event": {"$type": f"tools.ozone.moderation.defs#modEvent{kind}", **event},
        "subject": subject,
        "createdBy": rig.accounts["willow"].id,
    }
    answer = rig.as_person("willow", "POST", "tools.ozone.moderation.emitEvent", body)
    assert answer.status == 200, answer.body
