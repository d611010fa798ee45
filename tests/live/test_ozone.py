"""The whole way on a real Ozone: real reports, real takedowns and labels, read back past our own adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.console import Console
from tests.live.rigs import OzoneRig


def connect(console: Console, rig: OzoneRig, name: str = "willow") -> str:
    account = rig.accounts[name]
    return console.add_forum(
        "ozone",
        "sky",
        {"password": account.password},
        server=rig.pds.base,
        service_did=rig.service_did,
        identifier=account.login,
    )


@pytest.fixture
def console(tmp_path: Path, ozone: OzoneRig) -> Console:
    console = Console(tmp_path)
    connect(console, ozone)
    console.allow_drafts()
    return console


def test_a_reported_post_is_taken_down_and_read_back(console: Console, ozone: OzoneRig) -> None:
    post = ozone.post("sparrow", "My friend lives at the mill, third door. Go and say hello.")
    ozone.report("heron", post, "Other", reason="names where somebody lives")
    ozone.report("juniper", post, "tools.ozone.report.defs#reasonHarassmentDoxxing")
    case = console.case_about(post.uri)
    assert case["post"]["text"] == "My friend lives at the mill, third door. Go and say hello."
    assert len(case["flags"]) == 2
    assert case["topic"] == "identifying-information"

    done = console.json("case", "decide", case["id"], "--action", "remove", "--reason", "shows an address")

    assert [action["outcome"] for action in done["decision"]["actions"]] == ["applied"]
    assert ozone.review_state(post.uri) == "closed"
    assert "!takedown" in ozone.labels_on(post.uri)
    assert console.json("audit", "verify")["sound"]


def test_a_takedown_is_reversed_as_a_decision_of_its_own(console: Console, ozone: OzoneRig) -> None:
    post = ozone.post("heron", "A recipe for soup, to make the evening longer.")
    ozone.report("juniper", post, "Spam")
    case = console.case_about(post.uri)
    done = console.json("case", "decide", case["id"], "--action", "remove", "--reason", "spam")

    back = console.json("case", "reverse", done["decision"]["decision"], "--reason", "it was a recipe")

    assert back["decision"]["settled"]
    assert "!takedown" not in ozone.labels_on(post.uri)
    assert any(kind.endswith("ReverseTakedown") for kind in ozone.event_kinds(post.uri))


def test_no_action_closes_the_report_and_says_nothing_about_anybody(
    console: Console, ozone: OzoneRig
) -> None:
    post = ozone.post("wren", "I went for a walk and it did not help, but I went.")
    ozone.report("heron", post, "tools.ozone.report.defs#reasonSelfHarmOther", reason="a bit worried")
    case = console.case_about(post.uri)
    reason = "Safe to stay; a friend has answered."

    done = console.json("case", "decide", case["id"], "--action", "no_action", "--reason", reason)

    assert done["decision"]["actions"][0]["outcome"] == "applied"
    assert ozone.review_state(post.uri) == "closed"
    assert reason not in str(ozone.events_for(post.uri))


def test_what_a_colleague_took_down_is_already_done(console: Console, ozone: OzoneRig) -> None:
    post = ozone.post("sparrow", "Cheap tickets, ask me.")
    ozone.report("heron", post, "Spam")
    case = console.case_about(post.uri)
    first = console.json("case", "decide", case["id"], "--action", "remove", "--reason", "advert")

    again = console.json("case", "decide", case["id"], "--action", "remove", "--reason", "advert, once more")

    assert first["decision"]["actions"][0]["outcome"] == "applied"
    assert again["decision"]["actions"][0]["outcome"] == "already"
    assert sum(kind.endswith("Takedown") for kind in ozone.event_kinds(post.uri)) == 1


def test_escalating_and_closing_an_account_are_what_the_server_says(
    console: Console, ozone: OzoneRig
) -> None:
    ozone.join("linnet")
    post = ozone.post("linnet", "Send me money or I tell everyone.")
    ozone.report("juniper", post, "Rude")
    case = console.case_about(post.uri)

    done = console.json(
        "case",
        "decide",
        case["id"],
        "--action",
        "escalate_lead",
        "--action",
        "close_account",
        "--reason",
        "extortion",
    )

    assert [action["outcome"] for action in done["decision"]["actions"]] == ["applied", "applied"]
    assert not ozone.can_log_in("linnet")


def test_a_plain_member_is_told_that_the_account_may_not_do_this(tmp_path: Path, ozone: OzoneRig) -> None:
    console = Console(tmp_path)
    account = ozone.accounts["juniper"]
    options = [f"--set=server={ozone.pds.base}", f"--set=service_did={ozone.service_did}"]
    options += [f"--set=identifier={account.login}", "--secrets-stdin", "--id=sky"]

    console.run("forum", "add", "ozone", *options, expect=3, given=f"password={account.password}\n")


def test_a_wrong_password_is_a_sentence(tmp_path: Path, ozone: OzoneRig) -> None:
    console = Console(tmp_path)
    options = [f"--set=server={ozone.pds.base}", f"--set=service_did={ozone.service_did}"]
    options += [f"--set=identifier={ozone.accounts['willow'].login}", "--secrets-stdin", "--id=sky"]

    console.run("forum", "add", "ozone", *options, expect=3, given="password=not-the-password\n")


def test_no_secret_and_no_members_words_lie_on_the_disk(console: Console, ozone: OzoneRig) -> None:
    post = ozone.post("heron", "Another sentence nobody should find in a file.")
    ozone.report("juniper", post, "Other", reason="nor this comment of a reporter")
    console.case_about(post.uri)

    stored = console.bytes_on_disk()

    for text in (
        ozone.accounts["willow"].password,
        "nobody should find in a file",
        "nor this comment of a reporter",
    ):
        assert text.encode() not in stored
