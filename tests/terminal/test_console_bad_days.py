"""Bad days: each is a sentence that says what is safe and what to do, with its exit code, and never a traceback."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.terminal import brook
from tests.terminal.consoles import Console, Said, command, command_json, rows
from tests.terminal.terminal import ENTER, ESCAPE, assert_only_expected_sequences

# Runs a program that cannot make any file longer than so many bytes: what a full disk is like from inside.
NO_ROOM = (
    "import os, resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); os.execvp(sys.argv[2], sys.argv[2:])"
)


def assert_said(said: Said, code: int, *words: str) -> None:
    """Check that a command failed in sentences."""
    text = said.err.decode()
    assert said.code == code, said
    assert b"Traceback" not in said.err + said.out
    for word in words:
        assert word in text, text
    assert_only_expected_sequences(said.err)


# No terminal, no home


@pytest.mark.parametrize("words", [(), ("demo",)])
def test_without_a_terminal_the_console_says_what_works_without_one(
    demo: Path, words: tuple[str, ...]
) -> None:
    said = command(demo, *words)

    assert_said(said, 2, "needs a terminal", "queue", "audit")
    assert len(said.lines) == 1


def test_a_file_where_the_home_should_be_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "home"
    in_the_way.write_text("a shopping list")

    assert_said(command(in_the_way, "demo", "--prepare"), 4, str(in_the_way), "Safe: ", "Next: ")
    assert_said(command(in_the_way, "queue"), 2, str(in_the_way), "Safe: ", "Next: ")
    assert in_the_way.read_text() == "a shopping list"


# Damaged, newer, locked


@pytest.mark.parametrize(
    ("file", "words", "code"),
    [
        ("desk.db", ("queue",), 4),
        ("log.db", ("audit", "list"), 4),
        ("keys.db", ("audit", "verify"), 4),
        ("demo-secrets.json", ("queue", "--refresh"), 4),
        ("config.toml", ("queue",), 2),
        ("forums/demo/practice.db", ("queue", "--refresh"), 3),
    ],
)
@pytest.mark.parametrize("how", ["garbage", "truncated"])
def test_a_damaged_file_is_named_and_left_alone(
    demo: Path, file: str, words: tuple[str, ...], code: int, how: str
) -> None:
    damaged = demo / file
    all_in_one_file(damaged)
    whole = damaged.read_bytes()
    damaged.write_bytes(bytes(range(128, 256)) * 40 if how == "garbage" else whole[: len(whole) // 2])
    before = damaged.read_bytes()

    assert_said(command(demo, *words), code, "Safe: ", "Next: ")
    assert damaged.read_bytes() == before


def all_in_one_file(database: Path) -> None:
    """Let SQLite put what it keeps beside a database into it, as it does when the last one closes it."""
    if database.suffix == ".db":
        db = sqlite3.connect(database)
        db.execute("pragma journal_mode = delete")
        db.close()


@pytest.mark.parametrize(
    ("file", "words"),
    [("desk.db", ("queue",)), ("log.db", ("audit", "list")), ("keys.db", ("audit", "verify"))],
)
def test_a_file_of_a_newer_version_is_not_touched(demo: Path, file: str, words: tuple[str, ...]) -> None:
    with sqlite3.connect(demo / file) as db:
        db.execute("pragma user_version = 999")
    db.close()

    assert_said(command(demo, *words), 4, "newer", "Safe: ", "Next: ")


def test_what_another_process_keeps_to_itself_is_read_but_not_decided_on(demo: Path, tmp_path: Path) -> None:
    def decide(file: str) -> tuple[int, Said, list[str]]:
        home = shutil.copytree(demo, tmp_path / file)
        with kept_to_itself(home / file):
            shown = command(home, "case", "show", case).code
            said = command(home, "case", "decide", case, "--action", "keep", "--reason", "a slip")
        return shown, said, [entry["kind"] for entry in command_json(home, "audit", "list")]

    case = command_json(demo, "queue", "--limit", "1")[0]["id"]
    assert command(demo, "case", "show", case).code == 0  # unlocking seals what the settings say now
    with ThreadPoolExecutor(3) as at_once:  # each waits for as long as a command waits for a lock
        found = list(at_once.map(decide, ("desk.db", "log.db", "keys.db")))

    for shown, said, sealed in found:
        assert shown == 0
        assert_said(said, 4, "Safe: ", "Next: ")
        assert set(sealed) == {"config_changed"}


def test_a_window_that_is_closed_without_a_signal_ends_the_console(demo: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        console = subprocess.Popen(
            [sys.executable, "-m", "modconsole"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "MODCONSOLE_HOME": str(demo), "TERM": "xterm-256color"},
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN) and None,
        )
        os.close(theirs)
        drawn = b""
        while b"emergency" not in drawn:
            drawn += os.read(ours, 65536)
    finally:
        os.close(ours)

    try:
        assert console.wait(timeout=30) == 0
    finally:
        console.kill()
    assert command_json(demo, "audit", "verify")["sound"]


@contextmanager
def kept_to_itself(database: Path) -> Iterator[None]:
    other = sqlite3.connect(database, isolation_level=None)
    try:
        other.execute("begin exclusive")
        yield
    finally:
        other.close()


def test_a_full_disk_means_nothing_was_done(demo: Path) -> None:
    case = command_json(demo, "queue", "--limit", "1")[0]["id"]
    said = command(
        demo,
        "case",
        "decide",
        case,
        "--action",
        "keep",
        "--reason",
        "a slip",
        limit=(sys.executable, "-c", NO_ROOM, "40000"),
    )

    assert_said(said, 4, "Safe: ", "Next: ")
    assert rows(demo / "forums" / "demo" / "practice.db", "select * from orders") == []
    assert command_json(demo, "audit", "verify")["sound"]


# Keys, protocols, terminals, settings of the machine


def test_a_passphrase_that_is_wrong_or_missing_is_said(tmp_path: Path) -> None:
    home, env = brook.make_home(tmp_path, ["a quiet evening"])
    wrong = tmp_path / "wrong"
    wrong.write_text("not this one\n")
    wrong.chmod(0o600)

    named_wrongly = command(
        home, "queue", "--refresh", env={**env, "MODCONSOLE_PASSPHRASE_FILE": os.fspath(wrong)}
    )
    not_named = command(home, "queue", "--refresh", env={"PYTHONPATH": env["PYTHONPATH"]})

    assert_said(named_wrongly, 4, "passphrase", "Next: ")
    assert_said(not_named, 4, "assphrase", "Next: ")
    assert "seven quiet otters" not in str((named_wrongly, not_named))
    assert (
        command(home, "queue", env={"PYTHONPATH": env["PYTHONPATH"]}).code == 0
    )  # rows work while it is locked


def test_an_adapter_that_is_missing_raises_or_hangs_costs_its_forum_a_banner(tmp_path: Path) -> None:
    home, env = brook.make_home(tmp_path, ["a quiet evening"])
    assert command(home, "queue", "--refresh", env=env).code == 0

    assert_said(command(home, "forum", "check", env={**env, "PYTHONPATH": ""}), 3, "brook", "Next: ")
    brook.say(home, trouble="raises", words="a post about a quiet garden")
    raised = command(home, "forum", "check", env=env)
    assert_said(raised, 3, "KeyError", "Safe: ", "Next: ")
    assert b"garden" not in raised.err

    brook.say(home, trouble="hangs")
    with Console(home, env=env) as console:  # not waited for: the queue, a case and `!` are there meanwhile
        console.ready()
        console.press(ENTER, see="▸ Case c-")
        console.press(" ", see="▏ a quiet evening")
        console.press("!", see="999")
        console.press(ESCAPE, gone="999")
        console.press("q", see="▸ Queue")
        console.press("q")
        assert console.wait_for_exit() == 0


def test_the_console_lives_through_a_broken_protocol_a_small_window_and_a_paste(demo: Path) -> None:
    own = demo / "own-protocols"
    own.mkdir()
    (own / "ours.yaml").write_text("id: ours\nsteps:\n  - {text: [\n")
    with Console(demo, size=(40, 10), env={"NO_COLOR": "1", "LANG": "C", "TERM": "dumb"}) as console:
        console.see("the console needs 60 by 15")
        console.press("!", see="999")
        console.press(ESCAPE, gone="999")

        console.resize(120, 40)
        console.ready()
        console.see("Protocol files: ")
        assert "ours.yaml" in console.words()
        case = console.find_and_open("identifying")
        console.resize(80, 24)
        console.see("tab: Queue, Protocol")
        assert console.case() == case
        console.press("q", see="▸ Queue")
        console.press("\x1b[200~x\nd\nq\n\x1b[201~")
        console.press("?", see="Help")
        console.press(ESCAPE, gone="Help")
        assert "▸ Queue" in console.words()
        assert "Passed on" not in console.words()
        console.press("q")
        assert console.wait_for_exit() == 0
        assert_only_expected_sequences(console.bytes_out)


@pytest.mark.parametrize("file", ["log.db", "keys.db"])
def test_the_queue_and_the_emergency_panel_are_there_whatever_is_damaged(demo: Path, file: str) -> None:
    all_in_one_file(demo / file)
    (demo / file).write_bytes(bytes(range(128, 256)) * 40)
    with Console(demo) as console:
        console.ready()
        console.see(f"{file} is damaged")
        console.press(ENTER)
        console.press("!", see="999")
        console.press(ESCAPE, gone="999")
        console.press("q" if "▸ Queue" in console.words() else "qq")
        assert console.wait_for_exit() == 0
        assert b"Traceback" not in console.bytes_out


@pytest.mark.parametrize("file", ["desk.db", "log.db"])
def test_a_file_that_another_program_keeps_to_itself_costs_no_typing_and_no_emergency(
    demo: Path, file: str
) -> None:
    with Console(demo) as console:
        console.ready()
        console.find_and_open("identifying")
        console.press("w", see="A note for your colleagues")
        with kept_to_itself(demo / file):
            console.press("kind words", see="kind words")
            if file == "desk.db":
                console.see("Another program has kept desk.db to itself")
            console.press("\x1bOQ", see="999")  # F2, because here ! is a character
            console.press(ESCAPE, gone="999")
            console.see("kind words")
        console.press(ENTER, see="kind words")
        console.press("qq")
        assert console.wait_for_exit() == 0
        assert b"Traceback" not in console.bytes_out


def test_commands_speak_where_no_letter_beyond_ascii_can_be_written(demo: Path) -> None:
    case = command_json(demo, "queue", "--limit", "1")[0]["id"]
    said = command(
        demo,
        "case",
        "show",
        case,
        env={"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )

    assert said.code == 0, said
    assert said.out.isascii()
