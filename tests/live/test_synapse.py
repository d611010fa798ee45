"""The whole way on a real Matrix server: real reports, a real redaction, read back by calls of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.live.console import Console
from tests.live.rigs import SynapseRig


@pytest.fixture
def console(tmp_path: Path, synapse: SynapseRig) -> Console:
    console = Console(tmp_path)
    said = console.add_forum(
        "synapse", "evening", {"token": synapse.moderator.token}, server=synapse.server.base
    )
    assert "evening" in said
    console.allow_drafts()
    return console


def test_a_reported_message_is_answered_taken_down_and_read_back(
    console: Console, synapse: SynapseRig
) -> None:
    message = synapse.send("sparrow", "My street is Mill Row and the door is blue.")
    synapse.report("heron", message, reason="this says where they live")
    case = console.case_about(message.id)
    assert case["post"]["text"] == message.text
    assert "this says where they live" in [flag["comment"] for flag in case["flags"]]

    answers = console.home / "answers.json"
    answers.write_text(json.dumps({"protocol": "identifying-information", "answers": {}}))
    done = console.json(
        "case",
        "decide",
        case["id"],
        "--answers",
        str(answers),
        "--action",
        "remove",
        "--reason",
        "shows an address",
    )

    assert done["decision"]["settled"]
    assert [action["outcome"] for action in done["decision"]["actions"]] == ["applied"]
    assert done["decision"]["protocols"][0]["status"] == "draft"
    assert synapse.redactions_of(message)
    assert message.text not in json.dumps(synapse.event_as_seen(message))

    assert console.json("audit", "verify")["sound"]
    kinds = [entry["kind"] for entry in reversed(console.json("audit", "list", "--case", case["id"]))]
    assert kinds == ["decided", "asked", "outcome"]


def test_a_message_reaches_the_member_once_even_when_finished_again(
    console: Console, synapse: SynapseRig
) -> None:
    message = synapse.send("juniper", "Everything is a bit much this week.")
    synapse.report("wren", message, reason="worried")
    case = console.case_about(message.id)
    text = console.home / "message.txt"
    text.write_text("Hello Juniper, thank you for writing. I will look in again tomorrow.")

    done = console.json(
        "case",
        "decide",
        case["id"],
        "--action",
        "message_member",
        "--message",
        str(text),
        "--reason",
        "checking in",
    )
    console.json("case", "finish", done["decision"]["decision"])

    assert done["decision"]["actions"][0]["outcome"] == "applied"
    heard = [received.text for received in synapse.messages_received_by("juniper")]
    assert heard.count(text.read_text()) == 1


def test_a_member_is_suspended_and_the_decision_is_reversed(console: Console, synapse: SynapseRig) -> None:
    message = synapse.send("wren", "You are all a waste of time.")
    synapse.report("heron", message, reason="hurtful")
    case = console.case_about(message.id)

    done = console.json(
        "case",
        "decide",
        case["id"],
        "--action",
        "suspend",
        "--until",
        "2099-01-01T00:00+00:00",
        "--reason",
        "third time",
    )
    assert done["decision"]["actions"][0]["outcome"] == "applied"
    assert synapse.user_detail("wren")["suspended"] is True

    back = console.json("case", "reverse", done["decision"]["decision"], "--reason", "was the wrong member")
    assert back["decision"]["reverses"] == done["decision"]["decision"]
    assert synapse.user_detail("wren")["suspended"] is False


def test_what_the_server_cannot_do_is_left_to_a_person_and_recorded(
    console: Console, synapse: SynapseRig
) -> None:
    message = synapse.send("heron", "I would like this thread to calm down.")
    synapse.report("juniper", message)
    case = console.case_about(message.id)

    done = console.json(
        "case", "decide", case["id"], "--action", "lock_thread", "--reason", "spiralling", "--by-hand"
    )

    assert done["decision"]["actions"][0]["outcome"] == "by_hand"
    assert done["decision"]["settled"]


def test_a_message_somebody_else_removed_is_already_gone(console: Console, synapse: SynapseRig) -> None:
    message = synapse.send("sparrow", "Ring me, the number is in my profile.")
    synapse.report("wren", message)
    case = console.case_about(message.id)
    synapse.redact(synapse.moderator.name, message)

    done = console.json("case", "decide", case["id"], "--action", "remove", "--reason", "contact details")

    assert done["decision"]["actions"][0]["outcome"] == "already"
    assert len(synapse.redactions_of(message)) == 1


def test_a_wrong_token_is_a_sentence_and_costs_nothing(tmp_path: Path, synapse: SynapseRig) -> None:
    console = Console(tmp_path)
    options = ("--id", "evening", "--set", f"server={synapse.server.base}", "--secrets-stdin")
    console.run("forum", "add", "synapse", *options, expect=3, given="token=not-a-token\n")

    assert console.json("queue") == []


def test_a_plain_member_is_told_what_the_account_may_not_do(tmp_path: Path, synapse: SynapseRig) -> None:
    console = Console(tmp_path)
    token = synapse.accounts["juniper"].token
    options = ("--id", "evening", "--set", f"server={synapse.server.base}", "--secrets-stdin", "--no-check")
    console.run("forum", "add", "synapse", *options, given=f"token={token}\n")

    console.run("queue", "--refresh", expect=3)


def test_a_server_that_is_gone_leaves_the_decision_unsettled(console: Console, synapse: SynapseRig) -> None:
    message = synapse.send("sparrow", "Buy my book at the link in my profile.")
    synapse.report("heron", message, reason="advert")
    case = console.case_about(message.id)
    config = console.home / "config.toml"
    config.write_text(config.read_text().replace(synapse.server.base, "http://127.0.0.1:9"))

    done = console.json("case", "decide", case["id"], "--action", "remove", "--reason", "advert", expect=3)
    assert not done["decision"]["settled"]
    assert len(console.json("case", "unsettled", expect=1)) == 1
    assert not synapse.redactions_of(message)

    config.write_text(config.read_text().replace("http://127.0.0.1:9", synapse.server.base))
    finished = console.json("case", "finish", done["decision"]["decision"])
    assert finished["decision"]["settled"]
    assert len(synapse.redactions_of(message)) == 1


def test_no_secret_and_no_members_words_lie_on_the_disk(console: Console, synapse: SynapseRig) -> None:
    message = synapse.send("heron", "A sentence nobody should find in a file.")
    synapse.report("wren", message, reason="a comment nobody should find either")
    console.case_about(message.id)

    stored = console.bytes_on_disk()

    for text in (synapse.moderator.token, message.text, "a comment nobody should find either"):
        assert text.encode() not in stored
