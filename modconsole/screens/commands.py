"""The one table of commands. Keys, footer, palette and help are all read from it, so they cannot disagree.

No key that changes something for members acts at once: those commands open a dialog that says what will happen and is
confirmed with another key. Letters next to each other on a keyboard are at worst a nuisance to mix up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = [
    "COMMANDS",
    "Command",
    "Place",
    "bindings_of",
    "by_id",
    "clashes",
    "commands_at",
    "key_name",
    "keys_of",
]


class Place(StrEnum):
    """Where a command's keys work."""

    ANYWHERE = "anywhere"
    DESK = "desk"
    QUEUE = "queue"
    CASE = "case"
    PROTOCOL = "protocol"
    CHOOSE = "choose"
    COMPOSE = "compose"
    EMERGENCY = "emergency"
    MATTERS = "matters"


PLACE_NAMES = {
    Place.ANYWHERE: "Everywhere",
    Place.DESK: "At the desk",
    Place.QUEUE: "In the queue",
    Place.CASE: "In the case",
    Place.PROTOCOL: "In the protocol",
    Place.CHOOSE: "Choosing actions",
    Place.COMPOSE: "Writing a message",
    Place.EMERGENCY: "In the emergency panel",
    Place.MATTERS: "In open matters",
}


def _fine(_: Any) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can do."""

    id: str
    """Stable: key maps in people's settings name it."""
    keys: tuple[str, ...]
    """In Textual's names; the first is the one that is shown. Empty: in the palette only."""
    label: str
    """One or two words for the footer."""
    help: str
    """One sentence for `?` and the palette."""
    place: Place
    run: Callable[[Any], object]
    """Called with the screen the command belongs to."""
    check: Callable[[Any], str] = _fine
    """Says why it cannot be done now; an empty string when it can."""
    foot: int = 0
    """Its rank in the footer, smallest first; 0 leaves it out."""
    in_palette: bool = True


def _desk(id: str, key: str, label: str, help: str, run: Callable[[Any], object], **more: Any) -> Command:
    return Command(f"desk.{id}", _split(key), label, help, Place.DESK, run, **more)


def _queue(id: str, key: str, label: str, help: str, run: Callable[[Any], object], **more: Any) -> Command:
    return Command(f"queue.{id}", _split(key), label, help, Place.QUEUE, run, **more)


def _case(id: str, key: str, label: str, help: str, run: Callable[[Any], object], **more: Any) -> Command:
    return Command(f"case.{id}", _split(key), label, help, Place.CASE, run, **more)


def _protocol(id: str, key: str, label: str, help: str, run: Callable[[Any], object], **more: Any) -> Command:
    return Command(f"protocol.{id}", _split(key), label, help, Place.PROTOCOL, run, **more)


def _split(keys: str) -> tuple[str, ...]:
    return tuple(keys.split())


def _moves(place: Place, target: str, what: str) -> list[Command]:
    """Give the movement keys of a pane; the same keys everywhere."""

    def move(name: str) -> Callable[[Any], object]:
        return lambda screen: getattr(getattr(screen, target), name)()

    steps = [
        ("down", "j down", f"one {what} down"),
        ("up", "k up", f"one {what} up"),
        ("page_down", "pagedown ctrl+f", "a page down"),
        ("page_up", "pageup ctrl+b", "a page up"),
        ("top", "home g", "to the top"),
        ("bottom", "end G", "to the end"),
    ]
    return [
        Command(
            f"{place}.{name}",
            _split(keys),
            label,
            f"Go {label}.",
            place,
            move(f"go_{name}"),
            in_palette=False,
        )
        for name, keys, label in steps
    ]


def _nth_answer(number: int) -> Command:
    return _protocol(
        f"option_{number}",
        str(number),
        "that answer",
        f"Choose answer {number}.",
        lambda d: d.answer_nth(number),
        check=lambda d: d.why_no_nth(number),
        in_palette=False,
    )


COMMANDS: tuple[Command, ...] = (
    # Everywhere
    Command(
        "anywhere.emergency",
        ("!", "f2", "ctrl+g"),
        "emergency",
        "Emergency numbers, contacts and what to say. While you type, F2 or Ctrl+G.",
        Place.ANYWHERE,
        lambda app: app.show_emergency(),
    ),
    Command(
        "anywhere.help",
        ("?", "f1"),
        "help",
        "Every key, with what it does here and now.",
        Place.ANYWHERE,
        lambda app: app.show_help(),
    ),
    Command(
        "anywhere.quit",
        ("ctrl+q",),
        "quit",
        "Leave the console. Whatever was not sent yet is named first.",
        Place.ANYWHERE,
        lambda app: app.leave(),
    ),
    # At the desk
    _desk("palette", ":", "commands", "Find any command by name.", lambda d: d.show_palette()),
    _desk("next_pane", "tab right", "next pane", "Go to the next pane.", lambda d: d.turn(1), foot=95),
    _desk("previous_pane", "shift+tab left", "pane before", "Go to the pane before.", lambda d: d.turn(-1)),
    _desk(
        "back",
        "escape q",
        "back",
        "Go back towards the queue; in the queue, leave the console.",
        lambda d: d.back(),
    ),
    _desk(
        "decide",
        "d",
        "decide",
        "Choose what is to be done, give the reason, and have it sealed.",
        lambda d: d.decide(),
        check=lambda d: d.why_no_case(),
        foot=20,
    ),
    _desk(
        "message",
        "m",
        "message",
        "Write to the member, from a template of this protocol.",
        lambda d: d.message(),
        check=lambda d: d.why_no_case(),
        foot=45,
    ),
    _desk(
        "escalate",
        "e",
        "escalate",
        "Tell the safeguarding lead: who they are, and a record that you did.",
        lambda d: d.escalate(),
        check=lambda d: d.why_no_case(),
        foot=30,
    ),
    _desk(
        "undo",
        "z",
        "undo",
        "Take back what you just decided, before anything is sent.",
        lambda d: d.undo(),
        check=lambda d: d.why_no_undo(),
        foot=5,
    ),
    _desk(
        "by_hand",
        "b",
        "done by hand",
        "Say that you did what the forum cannot do for you.",
        lambda d: d.done_by_hand(),
        check=lambda d: d.why_nothing_by_hand(),
        foot=15,
    ),
    _desk(
        "close",
        "c",
        "close case",
        "Close the case. What is still missing is named, and nothing is lost by trying.",
        lambda d: d.close_case(),
        check=lambda d: d.why_no_case(),
        foot=40,
    ),
    _desk(
        "next_case",
        "> .",
        "next case",
        "Leave this case and open the next in the queue.",
        lambda d: d.next_case(),
        foot=60,
    ),
    _desk(
        "pass_on",
        "x",
        "pass on",
        "Give the case back to the queue. Needs no reason, is counted nowhere.",
        lambda d: d.pass_on(),
        check=lambda d: d.why_no_case(),
        foot=70,
    ),
    _desk(
        "protocols",
        "p",
        "protocols",
        "Choose the protocol to work with.",
        lambda d: d.choose_protocol(),
        check=lambda d: d.why_no_case(),
        foot=50,
    ),
    # In every pane: where it did nothing, the first letter of what is looked for would be a command of the case.
    _desk(
        "filter",
        "/",
        "filter",
        "Show only cases whose id, forum, topic or reason has these letters.",
        lambda d: d.filter(),
        foot=55,
    ),
    _desk(
        "library",
        "P",
        "all protocols",
        "Read any protocol, or walk through it for practice; nothing of that is kept.",
        lambda d: d.show_library(),
    ),
    _desk(
        "note",
        "w",
        "note",
        "Write a note on the case for your colleagues.",
        lambda d: d.write_note(),
        check=lambda d: d.why_no_case(),
        foot=75,
    ),
    _desk(
        "read_again",
        "r",
        "read again",
        "Ask the forum what the post says now.",
        lambda d: d.read_again(),
        check=lambda d: d.why_no_case(),
        foot=80,
    ),
    _desk(
        "take_over",
        "a",
        "take over",
        "Take the case from the colleague who holds it.",
        lambda d: d.take_over(),
        check=lambda d: d.why_no_take_over(),
        foot=6,
    ),
    _desk(
        "matters",
        "o",
        "open matters",
        "What needs attention: unsettled decisions, forums in trouble, broken protocol files.",
        lambda d: d.show_matters(),
        foot=85,
    ),
    _desk(
        "unlock",
        "l",
        "unlock",
        "Give the passphrase, so that text can be read and new flags taken in.",
        lambda d: d.unlock(),
        check=lambda d: d.why_no_unlock(),
        foot=4,
    ),
    _desk(
        "raise",
        "",
        "more urgent",
        "Make this case more urgent. Anyone may, at once.",
        lambda d: d.raise_urgency(),
        check=lambda d: d.why_no_case(),
    ),
    _desk(
        "lower",
        "",
        "less urgent",
        "Make this case less urgent; takes a reason, which is sealed.",
        lambda d: d.lower_urgency(),
        check=lambda d: d.why_no_case(),
    ),
    _desk(
        "reverse",
        "",
        "reverse a decision",
        "Take back what an earlier decision put in force; a new decision that names the old one.",
        lambda d: d.reverse(),
        check=lambda d: d.why_nothing_to_reverse(),
    ),
    _desk(
        "theme", "", "change theme", "Dark, light, high contrast or no colour.", lambda d: d.change_theme()
    ),
    # The queue
    *_moves(Place.QUEUE, "queue", "case"),
    _queue(
        "open",
        "enter",
        "open",
        "Open the case: you claim it, its text stays folded.",
        lambda d: d.open_selected(),
        foot=10,
    ),
    _queue("all", "0", "any urgency", "Show every urgency.", lambda d: d.queue.only("")),
    _queue("now", "1", "only now", "Show only what is needed now.", lambda d: d.queue.only("now")),
    _queue("soon", "2", "only soon", "Show only what is needed soon.", lambda d: d.queue.only("soon")),
    _queue("today", "3", "only today", "Show only what is needed today.", lambda d: d.queue.only("today")),
    _queue("routine", "4", "only routine", "Show only routine cases.", lambda d: d.queue.only("routine")),
    _queue(
        "forum",
        "f",
        "next forum",
        "Show one forum after the other, then all.",
        lambda d: d.next_forum(),
        check=lambda d: d.why_one_forum(),
    ),
    _queue(
        "view",
        "v",
        "open/closed",
        "Change between open and closed cases.",
        lambda d: d.queue.change_view(),
        foot=55,
    ),
    _queue(
        "passed",
        "",
        "what I passed on",
        "Show or leave out what you passed on.",
        lambda d: d.queue.toggle_passed(),
    ),
    # The case
    *_moves(Place.CASE, "case", "line"),
    _case(
        "text",
        "space",
        "show text",
        "Show or fold what was written.",
        lambda d: d.toggle_text(),
        check=lambda d: d.why_no_case(),
        foot=10,
    ),
    _case(
        "thread",
        "t",
        "thread",
        "Show or fold the thread around the post.",
        lambda d: d.toggle_thread(),
        check=lambda d: d.why_no_case(),
        foot=11,
    ),
    _case(
        "member",
        "h",
        "member",
        "Show or fold the member: since when, what else they wrote.",
        lambda d: d.toggle_member(),
        check=lambda d: d.why_no_case(),
        foot=12,
    ),
    _case(
        "more",
        "+ =",
        "more text",
        "Show more of a long text.",
        lambda d: d.more_text(),
        check=lambda d: d.why_no_case(),
    ),
    # The protocol
    *_moves(Place.PROTOCOL, "protocol", "step"),
    _protocol(
        "yes",
        "y",
        "yes",
        "Answer Yes.",
        lambda d: d.answer("yes"),
        check=lambda d: d.why_no_answer("yes"),
        in_palette=False,
    ),
    _protocol(
        "no",
        "n",
        "no",
        "Answer No.",
        lambda d: d.answer("no"),
        check=lambda d: d.why_no_answer("no"),
        in_palette=False,
    ),
    _protocol(
        "unclear",
        "u",
        "unclear",
        "Answer Unclear; it always takes the safer branch.",
        lambda d: d.answer("unclear"),
        check=lambda d: d.why_no_answer("unclear"),
        in_palette=False,
    ),
    *map(_nth_answer, range(1, 10)),
    _protocol(
        "go",
        "enter",
        "answer / done",
        "Type the answer, or say that the step is done.",
        lambda d: d.act_on_step(),
        check=lambda d: d.why_no_step(),
        foot=10,
    ),
    _protocol(
        "tick",
        "space",
        "tick",
        "Tick the step, or take the tick back.",
        lambda d: d.tick_step(),
        check=lambda d: d.why_no_step(),
    ),
    _protocol(
        "skip",
        "s",
        "skip",
        "Skip the step, with a reason. An honest skip is never held against you.",
        lambda d: d.skip(),
        check=lambda d: d.why_no_step(),
        foot=14,
    ),
    _protocol(
        "why",
        "i",
        "why / help",
        "Show or fold why the step is here and how to do it.",
        lambda d: d.protocol.toggle_help(),
        check=lambda d: d.why_no_step(),
        foot=16,
    ),
    # Choosing actions
    *_moves(Place.CHOOSE, "choices", "action"),
    Command(
        "choose.tick",
        ("space", "x"),
        "choose several",
        "Choose this action as well, or leave it out again.",
        Place.CHOOSE,
        lambda s: s.tick(),
        foot=2,
        in_palette=False,
    ),
    Command(
        "choose.go",
        ("enter",),
        "go on",
        "Go on with the actions chosen, or with the one under the cursor.",
        Place.CHOOSE,
        lambda s: s.go_on(),
        foot=1,
        in_palette=False,
    ),
    Command(
        "choose.cancel",
        ("escape", "q"),
        "cancel",
        "Go back; nothing was decided.",
        Place.CHOOSE,
        lambda s: s.cancel(),
        foot=3,
        in_palette=False,
    ),
    # Writing a message
    Command(
        "compose.send",
        ("enter",),
        "use this text",
        "Go on with this text. It is sent only after you confirmed.",
        Place.COMPOSE,
        lambda s: s.use(),
        check=lambda s: s.why_not_yet(),
        foot=1,
        in_palette=False,
    ),
    Command(
        "compose.edit",
        ("i", "e"),
        "edit",
        "Type in the text again.",
        Place.COMPOSE,
        lambda s: s.edit(),
        foot=2,
        in_palette=False,
    ),
    Command(
        "compose.template",
        ("t",),
        "template",
        "Start again from a message template.",
        Place.COMPOSE,
        lambda s: s.choose_template(),
        foot=3,
        in_palette=False,
    ),
    Command(
        "compose.resource",
        ("r",),
        "resource",
        "Put a crisis service into the text.",
        Place.COMPOSE,
        lambda s: s.choose_resource(),
        foot=4,
        in_palette=False,
    ),
    Command(
        "compose.cancel",
        ("escape", "q"),
        "back",
        "Go back; the text is kept as a draft.",
        Place.COMPOSE,
        lambda s: s.cancel(),
        foot=5,
        in_palette=False,
    ),
    # The emergency panel
    *_moves(Place.EMERGENCY, "paper", "line"),
    Command(
        "emergency.rang",
        ("r",),
        "I rang",
        "Record that you rang the emergency service about the open case.",
        Place.EMERGENCY,
        lambda s: s.record("rang"),
        check=lambda s: s.why_no_record(),
        foot=1,
        in_palette=False,
    ),
    Command(
        "emergency.told",
        ("t",),
        "I told the lead",
        "Record that you told the safeguarding lead.",
        Place.EMERGENCY,
        lambda s: s.record("told"),
        check=lambda s: s.why_no_record(),
        foot=2,
        in_palette=False,
    ),
    Command(
        "emergency.leave",
        ("escape", "q"),
        "back",
        "Go back to where you were.",
        Place.EMERGENCY,
        lambda s: s.leave(),
        foot=3,
        in_palette=False,
    ),
    # Open matters
    *_moves(Place.MATTERS, "choices", "matter"),
    Command(
        "matters.finish",
        ("f",),
        "finish",
        "Finish the decision: what was asked before is read back first, so nothing is done twice.",
        Place.MATTERS,
        lambda s: s.finish(),
        check=lambda s: s.why_not(),
        foot=1,
        in_palette=False,
    ),
    Command(
        "matters.withdraw",
        ("w",),
        "withdraw",
        "Give up what is left of the decision; it is never sent.",
        Place.MATTERS,
        lambda s: s.withdraw(),
        check=lambda s: s.why_not(),
        foot=2,
        in_palette=False,
    ),
    Command(
        "matters.by_hand",
        ("b",),
        "done by hand",
        "Say that you did it, or saw that it was done.",
        Place.MATTERS,
        lambda s: s.by_hand(),
        check=lambda s: s.why_not(),
        foot=3,
        in_palette=False,
    ),
    Command(
        "matters.open",
        ("enter",),
        "open its case",
        "Go to the case the decision is about.",
        Place.MATTERS,
        lambda s: s.open_case(),
        check=lambda s: s.why_not(),
        foot=4,
        in_palette=False,
    ),
    Command(
        "matters.leave",
        ("escape", "q", "o"),
        "back",
        "Go back; everything stays as it is.",
        Place.MATTERS,
        lambda s: s.leave(),
        foot=5,
        in_palette=False,
    ),
)

_BY_ID = {command.id: command for command in COMMANDS}


def by_id(id: str) -> Command:
    return _BY_ID[id]


def commands_at(*places: Place) -> list[Command]:
    return [command for command in COMMANDS if command.place in places]


def keys_of(command: Command, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Give the keys of a command as they are for this person."""
    mapped = keymap.get(command.id)
    return tuple(key.strip() for key in mapped.split(",") if key.strip()) if mapped else command.keys


_KEY_NAMES = {
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "space": "space",
    "exclamation_mark": "!",
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
}


def key_name(key: str) -> str:
    """Say a key as people write it: `esc`, `ctrl+g`, `!`."""
    return _KEY_NAMES.get(key, key)


def bindings_of(place: Place) -> Iterable[tuple[str, Command]]:
    """Give every key of a place with its command, except those of an empty key list."""
    return [(key, command) for command in commands_at(place) for key in command.keys]


REACH = {
    Place.QUEUE: (Place.QUEUE, Place.DESK, Place.ANYWHERE),
    Place.CASE: (Place.CASE, Place.DESK, Place.ANYWHERE),
    Place.PROTOCOL: (Place.PROTOCOL, Place.DESK, Place.ANYWHERE),
    Place.CHOOSE: (Place.CHOOSE, Place.ANYWHERE),
    Place.COMPOSE: (Place.COMPOSE, Place.ANYWHERE),
    Place.EMERGENCY: (Place.EMERGENCY, Place.ANYWHERE),
    Place.MATTERS: (Place.MATTERS, Place.ANYWHERE),
}
"""Which commands' keys can be pressed where the cursor is."""


def clashes(keymap: Mapping[str, str]) -> list[str]:
    """Name what is wrong with a key map: commands there are not, and keys that would mean two things in one place."""
    found = [f"There is no command “{id}”." for id in keymap if id not in _BY_ID]
    for place, reach in REACH.items():
        taken: dict[str, Command] = {}
        for command in commands_at(*reach):
            for key in keys_of(command, keymap):
                if key in taken and taken[key] is not command:
                    found.append(f"“{key}” is both {taken[key].id} and {command.id} in {place}.")
                taken[key] = command
    return list(dict.fromkeys(found))
