"""Stories told by keys: what a moderator does from the queue to the closed case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from modconsole.core.actions import Action, OutcomeKind
from modconsole.core.errors import Unavailable
from modconsole.core.model import CaseState, Claim
from modconsole.core.urgency import Urgency
from modconsole.ports import LookSettings
from modconsole.screens.compose import Compose
from modconsole.screens.decide import ChooseActions
from modconsole.screens.dialogs import AskLine, AskWords, Confirm, Pick, Tell
from tests.screens.driving import At, at_the_desk
from tests.screens.stand_in import NOW, stand_in


async def decide_one(at: At, action: Action, reason: str) -> None:
    """Choose one action by moving to it, and give the reason."""
    await at.press("d")
    await at.dialog(ChooseActions)
    await at.press("g", *["j"] * at.choices().index(action.value), "enter")
    await at.dialog(AskWords)
    await at.type(reason)
    await at.press("enter")
    await at.until(lambda: not isinstance(at.console.screen, AskWords), "the reason taken")


async def test_a_case_is_worked_from_queue_to_close_by_keyboard_only(tmp_path: Path) -> None:
    made = stand_in(cases=3)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await at.see("space shows it")
        await at.press("space")
        await at.see("The evenings are long here, post 1.")
        await at.press("tab", "n")  # no danger now
        await at.see("because you said: No")
        await at.press("n", "n")  # safe to read, no change
        await at.press("enter")  # replied: ticked
        await at.press("enter")  # when do we look again?
        await at.dialog(AskLine)
        await at.press(*"24h")
        await at.see("→ Mon 23 Nov 12:00 GMT")
        await at.press("enter")
        await at.back_at_the_desk()
        await at.press("enter")
        await at.dialog(AskWords)
        await at.press(*"fine")
        await at.press("enter")
        await at.back_at_the_desk()

        await at.press("c")
        await at.dialog(Tell)
        await at.see("No decision yet")
        await at.press("enter")
        await decide_one(at, Action.NO_ACTION, "nothing to do")  # no action
        await at.until(lambda: "outcome" in made.log.kinds(), "the outcome")
        await at.back_at_the_desk()
        await at.press("c")
        await at.until(lambda: made.store.cases["c-aaaaaa01"].state is CaseState.CLOSED, "closed")
        await at.until(lambda: at.console._desk_screen.queue.under_cursor == "c-aaaaaa02", "the next case")
        await at.press("enter")
        await at.see("c-aaaaaa02 on memory")

    assert made.log.kinds() == ["decided", "outcome", "closed"]
    assert made.store.cases["c-aaaaaa01"].follow_up_at == NOW + timedelta(hours=24)


async def test_text_stays_folded_until_asked_for(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await at.see("space shows it")

        assert "evenings are long" not in at.drawn()
        assert "a little worried" not in at.seen()
        await at.press("space")
        await at.see("evenings are long")
        await at.see("a little worried")
        await at.press("space")
        assert "evenings are long" not in at.seen()


async def test_whoever_wants_it_gets_text_at_once(tmp_path: Path) -> None:
    async with at_the_desk(stand_in(look=LookSettings(unfold=True)), tmp_path) as at:
        await at.press("enter")
        await at.see("evenings are long")


async def test_hiding_comes_first_while_the_rest_of_the_checklist_stays_open(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "space", "tab", "n", "y")  # no danger; unsafe to read
        await at.see("Suggested: Hide (d)")
        await decide_one(at, Action.HIDE, "unsafe for others")
        await at.dialog(Confirm)
        await at.see("members can no longer see the post")
        await at.see("Subscribers keep the e-mail")
        await at.press("enter")  # the same key as before must not send anything
        await at.dialog(AskWords)
        assert made.forum.orders == []
        await at.press("enter")
        await at.dialog(Confirm)
        await at.press("y")
        await at.until(lambda: made.forum.orders, "the forum asked")
        await at.see("Hide: done")

        assert made.forum.orders[0].action is Action.HIDE
        assert made.forum.orders[0].seen_version == "v1"
        await at.press("c")
        await at.dialog(Tell)
        await at.see("step 3")


async def test_an_unclear_answer_switches_to_the_safer_protocol_and_says_why(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "tab", "u")
        await at.see("Now running suicide immediate, because you said: Unclear")
        await at.see("May be about to act")
        await at.see("… 2 more steps after this one")

        assert made.store.cases["c-aaaaaa01"].urgency is Urgency.NOW
        await at.press("enter")
        await at.see("within 15m")


async def test_a_template_with_a_place_to_fill_cannot_be_sent(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "m")
        await at.dialog(Pick)
        await at.press("1")
        await at.dialog(Compose)
        await at.see("Still to fill: {next_look}, {resources}")
        await at.press("escape", "enter")
        assert "Still to fill" in at.said()
        assert isinstance(at.console.screen, Compose)
        await at.press("i", "tab")
        await at.type("nine")
        await at.press("tab", "escape", "r")
        await at.dialog(Pick)
        await at.see("An old line NOT CHECKED")
        await at.press("1")
        await at.dialog(Compose)
        await at.until(lambda: "nothing left to fill" in at.seen(), "filled")
        assert made.desk.cases.view("c-aaaaaa01").drafts["message:kind-reply"].text.startswith("Hello Robin1")
        await at.press("escape", "enter")
        await at.dialog(AskWords)
        await at.type("kindness")
        await at.press("enter")
        await at.dialog(Confirm)
        await at.see("A listening line: 116 123 (day and night)")
        await at.press("y")
        await at.until(lambda: made.forum.orders, "the reply")

    assert made.forum.orders[0].action is Action.KEEP_REPLY
    assert "at nine." in made.forum.orders[0].text
    assert made.desk.cases.view("c-aaaaaa01").drafts == {}


async def test_a_number_nobody_checked_is_not_sent_outside_a_demo(tmp_path: Path) -> None:
    made = stand_in(cases=1, demo=False)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "m")
        await at.dialog(Pick)
        await at.press("1")
        await at.dialog(Compose)
        await at.press("escape", "r")
        await at.dialog(Pick)
        await at.press("2")

        assert "Nobody checked “An old line” lately" in at.said()
        assert isinstance(at.console.screen, Pick)


async def test_what_is_being_written_survives_leaving(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "d")
        await at.dialog(ChooseActions)
        await at.press("g", *["j"] * at.choices().index(Action.HIDE), "enter")
        await at.dialog(AskWords)
        await at.type("half a rea")
        await at.press("escape")
        await at.dialog(ChooseActions)
        await at.press("escape")
        await at.back_at_the_desk()

        assert made.desk.cases.view("c-aaaaaa01").drafts["reason"].text == "half a rea"


async def test_undo_takes_a_decision_back_before_anything_is_sent(tmp_path: Path) -> None:
    made = stand_in(cases=1, undo_seconds=3600)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await decide_one(at, Action.HIDE, "because")
        await at.dialog(Confirm)
        await at.press("y")
        await at.until(lambda: at.console.pending, "the window")
        await at.see("z undoes it")
        await at.press("z")
        await at.until(lambda: not at.console.pending, "undone")
        await at.see("withdrawn")

    assert made.log.kinds() == ["decided", "reversed"]
    assert made.forum.orders == []


async def test_leaving_in_the_undo_window_says_what_becomes_of_it(tmp_path: Path) -> None:
    made = stand_in(cases=1, undo_seconds=3600)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await decide_one(at, Action.HIDE, "because")
        await at.dialog(Confirm)
        await at.press("y")
        await at.until(lambda: at.console.pending, "the window")
        await at.press("ctrl+q")
        await at.dialog(Pick)
        await at.see("Nothing is sent; the next start shows it.")
        await at.press("2")
        await at.until(lambda: at.console.return_code is not None or not at.console.is_running, "left")

    assert made.log.kinds() == ["decided"]


async def test_waiting_for_it_carries_it_out_and_leaves(tmp_path: Path) -> None:
    made = stand_in(cases=1, undo_seconds=3600)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await decide_one(at, Action.HIDE, "because")
        await at.dialog(Confirm)
        await at.press("y")
        await at.until(lambda: at.console.pending, "the window")
        await at.press("ctrl+q")
        await at.dialog(Pick)
        await at.press("1")
        await at.until(lambda: not at.console.is_running, "left")

    assert made.log.kinds() == ["decided", "asked", "outcome"]


async def test_what_the_forum_cannot_do_becomes_a_to_do_that_one_key_records(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "e")
        await at.dialog(Pick)
        await at.see("01632 960001")
        await at.press("2")
        await at.dialog(AskWords)
        await at.press("enter")  # no reason is asked of anyone who calls for help
        await at.see("To do by hand")
        await at.press("b")
        await at.dialog(AskWords)
        await at.press("enter")
        await at.see("Escalate to safeguarding lead: done by hand")

    assert made.log.kinds() == ["decided", "outcome"]


async def test_a_forum_that_does_not_answer_leaves_the_decision_unsettled_and_says_so(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    made.forum.becomes = Unavailable("memory: no answer after 10 s.")
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await decide_one(at, Action.HIDE, "because")
        await at.dialog(Confirm)
        await at.press("y")
        await at.see("1 decision is sealed but not settled")
        await at.see("not certain")

        assert "no answer after 10 s" in at.seen() + at.said()


async def test_a_post_that_changed_is_folded_again_and_the_difference_is_shown(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "space")
        await at.see("evenings are long here, post 1.")
        made.forum.posts["p1"] = replace(
            made.forum.posts["p1"], text="The evenings are short here, post 1.", version="v2"
        )
        await at.press("r")
        await at.see("The post changed since you read it")
        assert "evenings are short" not in at.seen()
        await at.press("space")
        await at.see("What changed since it was flagged")

        assert "+ short" in at.seen()
        assert "- long" in at.seen()
        assert made.store.files["c-aaaaaa01"].seen_version == "v2"


async def test_a_colleagues_case_can_be_read_and_taken_over(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    made.store.save_case(
        replace(made.store.cases["c-aaaaaa01"], claim=Claim("kim", NOW + timedelta(minutes=9)))
    )
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await at.see("kim is working on it")
        await at.press("tab", "n")
        await at.until(lambda: "kim is working on this case" in at.said(), "refused")
        await at.press("a")
        await at.until(
            lambda: made.store.cases["c-aaaaaa01"].claim == Claim("alex", NOW + timedelta(minutes=15)),
            "taken",
        )


async def test_passing_on_costs_nothing_and_leaves_no_trace_in_the_log(tmp_path: Path) -> None:
    made = stand_in(cases=2)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "x")
        await at.see("No case is open")
        await at.until(lambda: at.console._desk_screen.queue.total == 1, "the queue without it")

    assert made.log.kinds() == []


async def test_thread_and_member_are_fetched_when_asked_for(tmp_path: Path) -> None:
    made = stand_in(cases=2)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await at.see("t shows it")
        await at.press("t")
        await at.see("this is the flagged post")
        await at.see("The evenings are long here, post 2.")
        await at.press("h")
        await at.see("flagged 1 time before")
        await at.see("Earlier cases of this member")


async def test_a_skip_takes_a_reason_and_can_be_taken_back_by_answering(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "tab", "n", "s")
        await at.dialog(Pick)
        await at.press("1")
        await at.see("skipped: Not applicable")
        await at.press("k", "n")
        await at.until(lambda: "skipped" not in at.seen(), "answered after all")


async def test_an_answer_can_be_changed_by_going_back(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "tab", "n", "n", "k", "k", "u")
        await at.see("Now running suicide immediate")


async def test_a_protocol_that_is_not_approved_can_be_read_but_not_run(tmp_path: Path) -> None:
    made = stand_in(cases=1, demo=False, allow_drafts=False)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter", "tab")
        await at.see("NOT APPROVED FOR USE")
        await at.press("n")
        await at.until(lambda: "cannot be begun on a case" in at.said(), "refused")

        assert made.desk.cases.view("c-aaaaaa01").runs == ()


async def test_an_earlier_decision_is_taken_back_by_a_new_one(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await decide_one(at, Action.HIDE, "because")
        await at.dialog(Confirm)
        await at.press("y")
        await at.see("Hide: done")
        await at.press("d")
        await at.dialog(ChooseActions)
        await at.press("G", "enter")
        await at.dialog(AskWords)
        await at.type("a mistake")
        await at.press("enter")
        await at.dialog(Confirm)
        await at.see("Taken back: Hide")
        await at.press("y")
        await at.until(lambda: len(made.forum.orders) == 2, "restored")

    assert made.forum.orders[1].action is Action.RESTORE
    assert made.forum.orders[1].undoes is Action.HIDE


async def test_a_conflict_says_so_and_reads_the_post_again(tmp_path: Path) -> None:
    made = stand_in(cases=1)
    made.forum.becomes = OutcomeKind.CONFLICT
    async with at_the_desk(made, tmp_path) as at:
        await at.press("enter")
        await decide_one(at, Action.HIDE, "because")
        await at.dialog(Confirm)
        await at.press("y")
        await at.see("not done: it is no longer what you read")
