"""An hour at the desk, by keyboard only; then what the log and the forum say of it, read by other ways."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.terminal.consoles import Console, command_json, rows
from tests.terminal.terminal import ENTER, ESCAPE, TAB, assert_only_expected_sequences

F2, QUIT = "\x1bOQ", "\x11"
WIDE, NARROW = (120, 40), (80, 24)


def test_several_cases_are_worked_by_keyboard_and_the_record_says_what_the_forum_says(demo: Path) -> None:
    shorten_the_undo_window(demo)
    with Console(demo, "demo", size=WIDE) as console:
        console.wait_for(lambda: bool(console.screen().strip()))
        assert "Queue" in console.screen()
        console.ready()

        danger = answer_a_member_in_danger(console, demo)
        details = put_details_right(console)
        passed_on = pass_one_on(console)
        console.press(QUIT)
        assert console.wait_for_exit() == 0
        assert_only_expected_sequences(console.bytes_out)

    world = demo / "forums" / "demo" / "practice.db"
    entries = command_json(demo, "audit", "list", "--limit", "1000")
    of_case = {
        case: [(e["kind"], tuple(e["actions"]), e["outcome"]) for e in reversed(entries) if e["case"] == case]
        for case in (danger, details, passed_on)
    }
    messages = rows(world, "select * from messages")
    hidden = rows(world, "select id from posts where visibility = 'hidden'")

    assert of_case[passed_on] == []
    assert [line for line in of_case[danger] if line[0] != "outcome"] == [
        ("decided", ("hide",), ""),
        ("asked", ("hide",), ""),
        ("decided", ("message_member",), ""),
        ("asked", ("message_member",), ""),
        ("decided", ("emergency_call",), ""),
    ]
    assert [line[1:] for line in of_case[danger] if line[0] == "outcome"] == [
        (("hide",), "applied"),
        (("message_member",), "applied"),
        (("emergency_call",), "by_hand"),
    ]
    assert [line[0] for line in of_case[details]] == [
        "decided",
        "reversed",
        "decided",
        "asked",
        "outcome",
        "closed",
    ]
    assert len(messages) == 1
    assert "nine tonight" in messages[0]["text"]
    assert "{" not in messages[0]["text"]
    assert [post["id"] for post in hidden] == [command_json(demo, "case", "show", danger)["target"]["id"]]
    assert Counter(order["action"] for order in rows(world, "select action from orders")) == {
        "hide": 1,
        "message_member": 1,
        "keep": 1,
    }
    assert command_json(demo, "case", "show", details)["state"] == "closed"
    assert command_json(demo, "case", "unsettled") == []
    assert command_json(demo, "audit", "verify")["sound"]


def test_a_small_terminal_is_enough_for_a_member_in_danger(demo: Path) -> None:
    with Console(demo, "demo", size=NARROW) as console:
        console.ready()
        danger = answer_a_member_in_danger(console, demo)
        console.press(QUIT)
        assert console.wait_for_exit() == 0
        assert_only_expected_sequences(console.bytes_out)

    done = {entry["outcome"] for entry in command_json(demo, "audit", "list", "--case", danger)}
    assert done == {"", "applied", "by_hand"}
    assert command_json(demo, "case", "unsettled") == []


def shorten_the_undo_window(home: Path) -> None:
    """Make it long enough for a key and short enough for a test that waits for its end."""
    config = home / "config.toml"
    settings = config.read_text(encoding="utf-8")
    assert "undo_seconds" not in settings
    config.write_text(settings.replace("[service]", "[service]\nundo_seconds = 4", 1), encoding="utf-8")


def answer_a_member_in_danger(console: Console, home: Path) -> str:
    """Hide first, write now, ring by hand, while the rest of the checklist stays open."""
    case = console.find_and_open("suicide-immediate")
    console.press(" ", see="▏ I have written")
    console.press(TAB, see="▸ Protocol")
    console.press("1", see="☑ Nothing")
    console.press(ENTER, see="Will someone attend?")
    console.press("4", see="Not rung")

    console.decide("Hide", reason="Others could be hurt by it")
    console.see("carried out at once")
    console.press("y", see="Hide: done.")

    console.press("m", see="Which message?")
    console.press("1", see="esc when done")
    console.see("It cannot be sent like this.")
    console.settle()
    console.press(ESCAPE, see="edit t template")
    console.press(ENTER)
    console.settle()
    assert "Why? A few words" not in console.words()
    assert rows(home / "forums" / "demo" / "practice.db", "select * from messages") == []
    console.press("i", see="tab next place")
    console.settle()
    console.press(TAB + "nine tonight", see="nothing left to fill")
    emergency_from_here(console, key=F2)
    console.press(ESCAPE, see="edit t template")
    console.press(ENTER, see="Why? A few words")
    console.press("They must hear from us", see="They must hear")
    console.press(ENTER, see="your reply at nine tonight.")
    console.press("y", see="Write to member: done.")

    console.decide("Emergency call")
    console.see("Why? A few words")
    console.press(ENTER, see="To do by hand: Emergency call.")
    console.press("b", see="Emergency call: done")
    console.press("log number 12", see="log number 12")
    console.press(ENTER, see="Sealed: Emergency call, done")  # the rest is on the notice’s next line
    console.press("c", see="Before it can be closed")  # the rest of the checklist is open still
    console.press(ENTER, gone="Before it can be closed")
    return case


def emergency_from_here(console: Console, key: str = "!") -> None:
    """Open the emergency panel with one key, wherever we are, and come back to there."""
    console.press(key, see="999, Cannot speak")
    console.press(ESCAPE, gone="999, Cannot speak")


def put_details_right(console: Console) -> str:
    """Decide, take it back in time, walk the whole checklist, decide again, close."""
    case = console.find_and_open("identifying")
    console.press(" ", see="▏ ")
    console.decide("Keep", reason="A slip of the key")
    console.see("z undoes it")
    console.press("z", see="It was never sent.")

    console.press(TAB, see="▸ Protocol")
    for keys, then in (
        ("n", "› What do we know"),
        ("4", "› Which country"),
        ("1", "› Whose details"),
        ("1", "› Is it meant"),
        ("n", "› Could domestic"),
        ("n", "▸ 3 Take out only"),
        (" ", "▸ 4 Check for"),
        ("n", "▸ 5 Take the details"),
        (" ", "› Was the member"),
        ("5", "› When will we"),
        (ENTER, "24h ·"),
        ("24h", "→ "),
    ):
        console.press(keys, see=then)
    console.press(ENTER, gone="esc back F2")
    console.press("c", see="Before it can be closed")
    console.press(ENTER, gone="Before it can be closed")
    console.decide("Keep", reason="Nothing in it names anybody")
    console.see("z undoes it")
    console.press("c", see="Before it can be closed")  # it is still on its way
    console.press(ENTER, gone="Before it can be closed")
    console.see("Keep: done.")
    console.press("c", see="Closed and sealed")
    return case


def pass_one_on(console: Console) -> str:
    """Open the next case, open the emergency panel from everywhere, and pass the case on."""
    emergency_from_here(console)
    console.press("/", see="keeps the filter")
    emergency_from_here(console)
    console.press(ESCAPE, gone="keeps the filter")
    console.press(">", see="▸ Case c-")
    case = console.case()
    emergency_from_every_dialog(console)
    console.press("x", see=f"Passed on {case}.")
    return case


def emergency_from_every_dialog(console: Console) -> None:
    """Open a case's dialogs one after the other, and the emergency panel from each."""
    emergency_from_here(console)
    console.press(TAB, see="▸ Protocol")
    emergency_from_here(console)
    for key, what in (("d", "enter go on"), ("?", "Help"), ("o", "Open matters"), ("p", "by number")):
        console.press(key, see=what)
        emergency_from_here(console)
        console.press(ESCAPE, gone=what)
    console.press("w", see="A note for your colleagues")
    emergency_from_here(console, key=F2)
    console.press(ESCAPE, gone="A note for your colleagues")
