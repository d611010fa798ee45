"""What is on the terminal: sizes, themes, hostile text, long queues."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from textual.filter import NoColor

from modconsole.core.errors import Unavailable
from modconsole.core.model import Claim, Member, Target, TargetKind, Thread
from modconsole.core.protocol import Channel
from modconsole.core.run import Run
from modconsole.core.run import view as run_view
from modconsole.core.text import is_safe
from modconsole.core.urgency import Reason
from modconsole.desk import Emergency
from modconsole.ports import LibraryProblem, LookSettings
from modconsole.ports.settings import Contact
from modconsole.screens.bars import Banner, banner_page
from modconsole.screens.case_page import CaseLook, case_page
from modconsole.screens.decide import ChooseActions
from modconsole.screens.emergency import EmergencyPanel, emergency_lines
from modconsole.screens.first_look import picture
from modconsole.screens.protocol_page import protocol_page
from modconsole.screens.queue_page import row_line, why_page
from tests.screens.driving import at_the_desk
from tests.screens.stand_in import EMERGENCY_LINE, NOW, THOUGHTS, row_of, stand_in
from tests.terminal.corpus import HOSTILE, MARKUP, ten_megabytes
from tests.terminal.terminal import unexpected


async def test_the_first_frame_says_queue_and_asks_for_one_window_of_rows(tmp_path: Path) -> None:
    made = stand_in(cases=99)
    async with at_the_desk(made, tmp_path) as at:
        assert "Queue" in at.drawn()
        assert made.store.rows_asked <= 3


async def test_at_120_columns_queue_case_and_protocol_stand_side_by_side(tmp_path: Path) -> None:
    async with at_the_desk(stand_in(), tmp_path, size=(120, 40)) as at:
        await at.press("enter")
        await at.see("space shows it")
        drawn = at.drawn()

        assert all(word in drawn for word in ("Queue", "Case c-aaaaaa01", "Protocol · suicide-thoughts"))
        assert "immediate danger" in drawn


async def test_at_80_columns_one_pane_fills_the_window_and_tab_goes_on(tmp_path: Path) -> None:
    async with at_the_desk(stand_in(), tmp_path, size=(80, 24)) as at:
        assert "▸ Queue" in at.drawn()
        assert "No case is open" not in at.drawn()
        await at.press("enter")
        await at.until(lambda: "▸ Case c-aaaaaa01" in at.drawn(), "the case")
        await at.press("tab")
        await at.until(lambda: "Does anything suggest danger now?" in at.drawn(), "the protocol")
        await at.press("escape")
        await at.until(lambda: "▸ Queue" in at.drawn(), "the queue")


async def test_a_window_too_small_says_so_and_the_emergency_panel_still_opens(tmp_path: Path) -> None:
    made = stand_in()
    async with at_the_desk(made, tmp_path, size=(40, 10)) as at:
        assert "needs 60 by 15" in " ".join(at.drawn().split())
        await at.press("d", "x", "enter")
        assert at.console._desk_screen.case_id == ""
        await at.press("!")
        await at.dialog(EmergencyPanel)
        assert "999" in at.drawn()
        await at.press("escape")
        await at.pilot.resize_terminal(120, 40)
        await at.until(lambda: "Queue" in at.drawn(), "the desk")
        await at.press("enter")
        await at.see("c-aaaaaa01 on memory")


@pytest.mark.parametrize("theme", ["dark", "light", "contrast", "plain"])
async def test_every_theme_shows_the_same_words(theme: str, tmp_path: Path) -> None:
    async with at_the_desk(stand_in(look=LookSettings(theme=theme)), tmp_path) as at:
        drawn = at.drawn()

        assert "›" in drawn  # where the cursor is, without any colour
        assert "! soon" in " ".join(drawn.split())


async def test_without_colour_no_colour_reaches_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with at_the_desk(stand_in(), tmp_path) as at:
        *_, last = at.console.get_line_filters()

        assert isinstance(last, NoColor)


WORST = (
    "CSI clear",
    "OSC 52 clipboard",
    "C1 all",
    "bidi override",
    "combining flood",
    "lone surrogates",
    "wide",
)


async def test_hostile_text_is_harmless_wherever_the_keys_lead(tmp_path: Path) -> None:
    made = stand_in(cases=0, look=LookSettings(unfold=True))
    text = " / ".join(HOSTILE[name][:200] for name in WORST)
    made.add(1, text=text, title=text, name=text, reason=text, comment=text, reporter=text, forum="memory")
    made.forum.names["m1"] = text
    made.vault.unlock()
    made.desk.cases.note("c-aaaaaa01", text)
    made.library.found_problems.append(LibraryProblem(text, 1, 1, text, text))
    async with at_the_desk(made, tmp_path, size=(120, 60)) as at:
        await at.press("enter")
        made.forum.fails = Unavailable(text)
        await at.press("t", "h", "r")
        await at.see("Asking the forum" if not at.said() else "kind")
        for keys in (
            "o",
            "escape",
            "m 1",
            "escape escape escape",
            "d",
            "escape",
            "e",
            "escape",
            "?",
            "escape",
        ):
            await at.press(*keys.split())
            await at.settled()
            assert is_safe(at.drawn().replace("\n", ""), lines=False)
            assert is_safe(at.seen())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_harmless_on_every_page(text: str) -> None:
    made = stand_in(cases=0)
    made.vault.unlock()
    case = made.add(1, text=text, title=text, name=text, reason=text, comment=text, reporter=text)
    case = replace(
        case, forum=text, reasons=(Reason("x", text),), claim=Claim(text, NOW + timedelta(hours=1))
    )
    made.desk.cases.note("c-aaaaaa01", text or "-")
    post = made.forum.posts["p1"]
    look = CaseLook(text=True, thread=True, member=True)
    look.fetched_thread = Thread(
        "t", text, (post, replace(post, target=Target(TargetKind.POST, "p2"), unreadable=text))
    )
    look.thread_problem = look.member_problem = Unavailable(text, kept=text, next_step=text)
    look.fetched_member = Member("m", text, place=text, staff_notes=(text,))
    look.member_posts = (post,)
    view = replace(made.desk.cases.view("c-aaaaaa01"), case=case, claimed_by_other=True)
    row = row_of(case)
    resource = replace(
        EMERGENCY_LINE, name=text, cautions=(text,), channels=(Channel("phone", text, hours=text),)
    )
    contact = Contact(text, text, text, text)
    protocol = replace(
        THOUGHTS, title=text, version=text, trigger=text, look_for=(text,), do_not=(text,), finished_when=text
    )
    run = run_view(protocol, Run("r", protocol.id, protocol.hash, NOW))
    for width in (20, 41, 110):
        pages = [
            case_page(view, look, now=NOW, zone=UTC, me="alex", width=width),
            [row_line(row, width, NOW.timestamp(), "alex")],
            why_page(case, row, NOW.timestamp(), "alex", width, 6),
            emergency_lines(Emergency((resource,), (contact,), (text,), text), width, case="c"),
            protocol_page(run, None, None, started=True, help_shown=True, notes=(text,), width=width).lines,
            banner_page([Banner("x", text, text, text)], width, room=2),
        ]
        for line in (line for page in pages for line in page):
            shown = "".join(span.text for span in line)
            assert is_safe(shown, lines=False), ascii(shown)
            assert len(line) < 20


async def test_markup_in_a_post_is_shown_as_written(tmp_path: Path) -> None:
    made = stand_in(cases=0)
    text = " / ".join(MARKUP.values())
    made.add(1, text=text)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "space")
        await at.see("kind [@click=app.quit]words[/]")
        await at.see("kind [/nope] words [/]")


@pytest.mark.parametrize("kind", ["clean", "hostile", "invisible", "lines"])
def test_ten_megabytes_are_shown_in_pieces(kind: str) -> None:
    made = stand_in(cases=0)
    made.add(1, text=ten_megabytes(kind))
    made.vault.unlock()
    view = made.desk.cases.view("c-aaaaaa01")
    page = case_page(view, CaseLook(text=True), now=NOW, zone=UTC, me="alex", width=60)
    words = "".join(span.text for line in page for span in line)

    assert "more characters" in words
    assert len(words) < 80_000


async def test_a_queue_of_a_hundred_thousand_rows_costs_no_widget_per_row(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    case, file = made.store.cases["c-aaaaaa01"], made.store.files["c-aaaaaa01"]
    made.store.cases.clear()
    for number in range(20_000):
        id = f"c-{number:08}"
        made.store.cases[id] = replace(case, id=id)
        made.store.files[id] = file
    async with at_the_desk(made, tmp_path) as at:
        widgets = len(list(at.console.screen.walk_children()))
        asked = made.store.rows_asked
        await at.press("G", "g", "pagedown")

        assert widgets < 30
        assert made.store.rows_asked - asked <= 4
        assert at.console._desk_screen.queue.total == 20_000


async def test_filters_narrow_the_queue_as_one_types(tmp_path: Path) -> None:
    made = stand_in(cases=12)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("/")
        await at.type("aaaaaa07")
        queue = at.console._desk_screen.queue
        await at.until(lambda: queue.total == 1, "one")
        await at.press("enter", "enter")
        await at.see("c-aaaaaa07 on memory")
        await at.press("escape", "/", "escape")
        await at.until(lambda: queue.total == 12, "all")
        await at.press("1")
        await at.until(lambda: queue.total == 0, "none is needed now")
        assert "Nothing. 0 any urgency" in at.drawn()
        await at.press("0", "v")
        await at.until(lambda: queue.wanted.closed, "closed ones")


async def test_every_decision_dialog_fits_a_small_terminal(tmp_path: Path) -> None:
    async with at_the_desk(stand_in(), tmp_path, size=(80, 24)) as at:
        await at.press("enter", "d")
        await at.dialog(ChooseActions)

        assert "Keep and reply" in at.drawn()
        assert "enter go on" in at.drawn()
        assert "! emergency" in at.drawn()


def test_the_first_look_shows_the_rows_that_the_first_frame_shows_again() -> None:
    shown = picture(stand_in(cases=50).desk, 120, 40)

    assert "▸ Queue · 50 open" in shown
    assert shown.count("soon") == 31
    assert unexpected(shown.encode()) == []


def test_a_window_too_small_gets_no_first_look() -> None:
    assert "Queue" not in picture(stand_in().desk, 40, 10)


async def test_a_key_at_the_desk_lays_nothing_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laying the screen out takes longer than a frame may; a page that gets longer must not ask for it."""
    async with at_the_desk(stand_in(), tmp_path) as at:
        laid_out: list[str] = []
        monkeypatch.setattr(
            type(at.console.screen), "_refresh_layout", lambda *_, **__: laid_out.append("again")
        )
        await at.press("j", "enter", "space", "tab", "n", "n", "k", "tab", "tab")
        await at.settled()

        assert laid_out == []
