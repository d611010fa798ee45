"""The second net, seen from inside: what it drops, what it must not touch, and what a crash leaves behind."""

from __future__ import annotations

import asyncio
import gc
import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.widgets import DataTable, Static
from textual.widgets._toast import Toast
from textual.worker import WorkerFailed

from modconsole.core.errors import ForumError, ModconsoleError
from modconsole.core.text import is_safe
from modconsole.screens.crash import REPORTS_KEPT, write_crash_report
from modconsole.screens.safe import SAFE_FILTER, SafeApp, content
from tests.terminal.corpus import HOSTILE, ten_megabytes

BLACK = Color(0, 0, 0)
NOON = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
POST = "a post about a quiet garden"


def filtered(*segments: Segment) -> list[Segment]:
    return SAFE_FILTER.apply(list(segments), BLACK)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_filtered_line_is_safe_and_as_wide_as_before(name: str) -> None:
    before = Segment(f"x{HOSTILE[name]}")
    [after] = filtered(before)

    assert is_safe(after.text, lines=False)
    assert cell_len(after.text) == cell_len(before.text)


def test_a_clean_line_is_passed_on_untouched() -> None:
    line = [Segment("quiet", Style(bold=True)), Segment(" garden"), Segment("大", Style(meta={"row": 1}))]

    assert SAFE_FILTER.apply(line, BLACK) is line


def test_what_textual_itself_says_to_the_terminal_is_left_alone() -> None:
    move = Segment("\x1b[2A", None, [(ControlType.CURSOR_UP, 2)])

    assert filtered(move, Segment("\x1b[2J")) == [move, Segment("[2J")]


def test_links_and_actions_from_markup_are_dropped_and_the_rest_of_the_style_stays() -> None:
    style = Style(
        bold=True, link="https://evil.example\x1b]52;c;x\x07", meta={"@click": "app.quit", "row": 3}
    )
    [after] = filtered(Segment("words", style))

    assert after.text == "words"
    assert after.style is not None
    assert after.style.bold
    assert after.style.link is None
    assert after.style.meta == {"row": 3}


def test_a_scroll_bar_can_still_be_grabbed() -> None:
    bar = [
        Segment(" ", Style(meta={"@mouse.down": action})) for action in ("grab", "scroll_up", "scroll_down")
    ]

    assert SAFE_FILTER.apply(bar, BLACK) is bar


def test_content_is_plain_and_never_markup() -> None:
    assert content("[/b]\x1b[2J").plain == "[/b]␛[2J"
    assert content("a\nb", lines=False).plain == "a⏎b"
    assert len(content(ten_megabytes())) < 21_000


class Clickable(App[str]):
    """An app in which somebody forgot that the post is not to be read as markup."""

    def compose(self) -> ComposeResult:
        yield Static("[@click=app.followed]words[/]")

    def action_followed(self) -> None:
        self.exit("followed")


class SafeClickable(SafeApp[str], Clickable):
    pass


async def test_an_action_in_a_posts_markup_cannot_be_clicked(tmp_path: Path) -> None:
    app = SafeClickable(crash_folder=tmp_path)
    async with app.run_test() as pilot:
        await pilot.click(Static, offset=(1, 0))
        await pilot.pause()

        assert app.return_value is None


async def test_without_the_net_the_same_click_runs_the_action() -> None:
    app = Clickable()
    async with app.run_test() as pilot:
        await pilot.click(Static, offset=(1, 0))
        await pilot.pause()

        assert app.return_value == "followed"


class Noticing(SafeApp[None]):
    def compose(self) -> ComposeResult:
        yield DataTable[str]()


@pytest.mark.parametrize("name", ["markup closing nothing", "markup click", "OSC 52 clipboard", "CSI clear"])
async def test_a_notice_is_plain_even_when_markup_was_asked_for(name: str, tmp_path: Path) -> None:
    app = Noticing(crash_folder=tmp_path)
    async with app.run_test(notifications=True) as pilot:
        app.query_one(DataTable).notify(HOSTILE[name], title=HOSTILE[name], markup=True)
        await pilot.pause()
        shown = str(app.query_one(Toast).render())

    assert is_safe(shown)
    assert shown.count("kind") == 2


class Failing(SafeApp[None]):
    def __init__(self, error: Exception, folder: Path) -> None:
        super().__init__(crash_folder=folder, now=lambda: NOON)
        self.error = error

    def fail(self) -> None:
        post = POST
        assert post
        raise self.error

    def fail_in_worker(self) -> None:
        self.run_worker(self.fail, thread=True)

    def lose_a_task(self) -> None:
        async def fail() -> None:
            self.fail()

        asyncio.get_running_loop().create_task(fail())


async def crash(app: Failing, start: str = "fail") -> None:
    with suppress(ValueError, ModconsoleError, WorkerFailed):  # given back by textual, for tests
        async with app.run_test() as pilot:
            app.call_later(getattr(app, start))
            await app.workers.wait_for_complete()
            await pilot.pause()


@pytest.mark.parametrize("start", ["fail", "fail_in_worker"])
async def test_a_crash_says_what_happened_what_is_safe_and_what_to_do(
    start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await crash(Failing(ValueError(f"cannot show {POST}"), tmp_path / "crashes"), start)
    said = capsys.readouterr().err.strip()
    [report] = (tmp_path / "crashes").iterdir()

    assert said == (
        "modconsole had to stop (ValueError). Everything you answered and decided is saved. "
        f"Start modconsole again to go on. A report with no post in it: {report}"
    )
    assert "test_safe.py" in report.read_text()
    assert "ValueError" in report.read_text()
    assert POST not in report.read_text()


async def test_our_own_errors_speak_for_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = ModconsoleError("The disk is full.\x1b[2J", kept="The log is whole.", next_step="Make room.")
    await crash(Failing(error, tmp_path))
    [report] = tmp_path.iterdir()

    said = capsys.readouterr().err
    assert said.startswith("The disk is full.␛[2J The log is whole. Make room. A report")
    assert "The disk is full.␛[2J" in report.read_text()


async def test_a_crash_is_told_even_when_no_report_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    await crash(Failing(ValueError(POST), tmp_path / "file" / "crashes"))

    said = capsys.readouterr().err.strip()
    assert said.endswith("No report could be written.")
    assert POST not in said


async def test_a_task_nobody_waited_for_is_reported_and_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    app = Failing(ValueError(POST), tmp_path)
    async with app.run_test() as pilot:
        app.lose_a_task()
        await pilot.pause()
        app.error = ValueError()
        gc.collect()
        await pilot.pause()
        [report] = tmp_path.iterdir()

    assert "ValueError" in report.read_text()
    assert POST not in report.read_text() + caplog.text + "".join(capsys.readouterr())


async def test_textuals_own_panic_shows_nothing_it_was_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = Failing(ValueError(), tmp_path)
    with suppress(ModconsoleError):
        async with app.run_test() as pilot:
            app.panic(POST)
            await pilot.pause()

    said = capsys.readouterr().err
    assert "could not be read" in said
    assert POST not in said


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        if cause is None:
            raise error
        raise error from cause
    except Exception as caught:  # noqa: BLE001 - an error with a traceback is what is wanted
        return caught


def test_a_report_follows_causes_and_groups_and_quotes_no_stranger(tmp_path: Path) -> None:
    group = ExceptionGroup(POST, [KeyError(POST), raised(ForumError(f"the server said: {POST}"))])
    report = write_crash_report(raised(RuntimeError(POST), raised(group)), tmp_path, NOON).read_text()

    for name in (
        "RuntimeError",
        "caused by ExceptionGroup",
        "one of a group: KeyError",
        "modconsole.core.errors.ForumError",
    ):
        assert name in report
    assert POST not in report
    assert "screens/test_safe.py" in report


def test_a_report_names_places_without_the_folders_of_this_person(tmp_path: Path) -> None:
    report = write_crash_report(raised(ValueError()), tmp_path, NOON).read_text()

    assert str(Path.home()) not in report
    assert str(Path(__file__).parents[2]) not in report


def test_a_very_deep_crash_stays_readable(tmp_path: Path) -> None:
    def deeper(levels: int) -> None:
        if levels == 0:
            raise RecursionError
        deeper(levels - 1)

    try:
        deeper(300)
    except RecursionError as error:
        report = write_crash_report(error, tmp_path, NOON).read_text()

    assert len(report.splitlines()) < 50
    assert "more" in report


def test_only_the_ten_newest_reports_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    reports = [
        write_crash_report(ValueError(), tmp_path, NOON + timedelta(seconds=second))
        for second in range(REPORTS_KEPT + 3)
    ]

    assert sorted(tmp_path.glob("crash-*")) == reports[3:]
    assert (tmp_path / "notes.txt").exists()


def test_a_report_is_for_the_eyes_of_this_user_only(tmp_path: Path) -> None:
    report = write_crash_report(ValueError(), tmp_path / "crashes", NOON)

    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700


async def test_parting_words_are_plain_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = SafeClickable(crash_folder=tmp_path)
    async with app.run_test() as pilot:
        app.exit(message=HOSTILE["OSC 2 title"] + HOSTILE["markup closing nothing"])
        await pilot.pause()

    assert capsys.readouterr().err == "kind ␛]2;pwned␛\\ wordskind [/b] words\n"


async def test_the_newest_notice_is_always_in_sight_however_small_the_terminal(tmp_path: Path) -> None:
    app = SafeApp[None](crash_folder=tmp_path)
    async with app.run_test(size=(60, 15), notifications=True) as pilot:
        for number in range(8):
            app.notify(f"Notice number {number}")
        await pilot.pause()
        shown = "\n".join("".join(s.text for s in strip) for strip in app.screen._compositor.render_strips())

    assert "Notice number 7" in shown
    assert "Notice number 4" not in shown
