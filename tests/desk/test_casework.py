"""Working a case: claims, answers, urgency, and what stands between it and being closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from modconsole.core.actions import Action, Outcome, OutcomeKind
from modconsole.core.decision import Entry, EntryKind, ProtocolRef
from modconsole.core.errors import ForumError, NoSuchCase, NotAllowed, NotFound, StoreError, Unavailable
from modconsole.core.model import CaseState, Target, TargetKind
from modconsole.core.protocol import Consequence, ProtocolStatus
from modconsole.core.run import Run
from modconsole.desk import Choice, StandingKind
from modconsole.ports import QueueFilter
from modconsole.protocol_files import FileLibrary
from tests.desk.fakes import CHECK, DANGER, HERON, MORNING, a_flag, a_page, a_post, a_protocol, with_danger
from tests.desk.homes import NOW, ROUTINE, SOON, TODAY, Home


@pytest.fixture
def fern(fast: Home, homes: Callable[..., Home]) -> Home:
    """A colleague's console on the same device, with the same files."""
    return homes(me="fern", clock=fast.clock)


# Claims


def test_opening_claims_notes_the_first_look_and_moves_the_queue_place(fast: Home, case: str) -> None:
    due = MORNING + timedelta(minutes=30)
    fast.make(case, look_due=due, act_due=due + timedelta(hours=2))
    assert fast.case(case).due == due

    view = fast.desk.cases.open(case)

    assert view.case.claim is not None
    assert view.case.claim.by == "moss"
    assert view.case.first_opened_at is not None
    assert view.case.due == due + timedelta(hours=2)
    assert fast.store.rows(QueueFilter(), 0, 1)[0].opened


def test_somebody_elses_live_claim_is_respected_and_said(fast: Home, case: str, fern: Home) -> None:
    fast.desk.cases.open(case)

    view = fern.desk.cases.open(case)

    assert view.claimed_by_other
    assert fast.case(case).claim.by == "moss"  # type: ignore[union-attr]
    for attempt in (
        lambda: fern.desk.cases.start_run(case, "suicide-thoughts"),
        lambda: fern.desk.cases.close(case),
        lambda: fern.desk.decisions.decide(case, [Choice(Action.HIDE)], "why"),
    ):
        with pytest.raises(NotAllowed, match="moss is working on this case"):
            attempt()


def test_a_claim_can_be_taken_over_and_renewing_does_not_take_it_back(
    fast: Home, case: str, fern: Home
) -> None:
    fast.desk.cases.open(case)
    assert not fern.desk.cases.open(case, take_over=True).claimed_by_other

    fast.desk.cases.renew(case)
    fast.clock.forward(hours=1)
    fast.desk.cases.renew(case)

    assert fast.case(case).claim.by == "fern"  # type: ignore[union-attr]


def test_a_claim_expires_and_never_loses_the_case(fast: Home, case: str, fern: Home) -> None:
    fast.desk.cases.open(case)
    fast.clock.forward(minutes=16)

    assert not fern.desk.cases.open(case).claimed_by_other


def test_renewing_keeps_a_claim_alive_and_never_brings_back_one_that_was_given_up(
    fast: Home, case: str, fern: Home
) -> None:
    fast.desk.cases.open(case)
    fast.clock.forward(minutes=10)
    fast.desk.cases.renew(case)
    fast.clock.forward(minutes=10)
    assert fern.desk.cases.open(case).claimed_by_other

    fast.desk.cases.leave(case)
    fast.desk.cases.renew(case)

    assert fast.case(case).claim is None


def test_a_look_past_somebody_elses_claim_is_not_the_first_look(fast: Home, case: str, fern: Home) -> None:
    fast.store.claim(case, "fern", fast.clock() + timedelta(minutes=5), fast.clock())

    fast.desk.cases.open(case)

    assert fast.case(case).first_opened_at is None


def test_there_is_no_such_case(fast: Home) -> None:
    with pytest.raises(NoSuchCase, match="c-nothing"):
        fast.desk.cases.open("c-nothing")


def test_passing_on_costs_nothing_and_is_sealed_nowhere(home: Home, case: str) -> None:
    home.desk.cases.open(case)
    before = home.kinds

    home.desk.cases.pass_on(case)
    home.desk.cases.pass_on(case)

    assert home.kinds == before == []
    assert home.case(case).claim is None
    assert home.case(case).passed_on_by == ("moss",)
    assert home.store.count(QueueFilter(without="moss")) == 0
    assert home.store.count(QueueFilter(without="fern")) == 1


# Answers


@pytest.fixture
def run(fast: Home, case: str) -> Run:
    fast.desk.cases.open(case)
    return fast.desk.cases.start_run(case, "suicide-thoughts")


def test_an_answer_is_there_after_a_restart_and_changing_it_supersedes(
    fast: Home, case: str, run: Run
) -> None:
    fast.desk.cases.answer(case, run.id, "imminent", ["no"])
    fast.desk.cases.answer(case, run.id, "mood", ["Grey."])

    desk = fast.start()
    desk.cases.answer(case, run.id, "mood", ["Clearing."])

    shown = desk.cases.view(case).runs[0]
    assert shown.answers["mood"].values == ("Clearing.",)
    assert [event.values for event in shown.superseded] == [("Grey.",)]


def test_an_answer_that_does_not_fit_is_not_kept(fast: Home, case: str, run: Run) -> None:
    for question, values in (("imminent", ["perhaps"]), ("follow_up_at", ["soon"]), ("nothing", ["yes"])):
        with pytest.raises(NotAllowed):
            fast.desk.cases.answer(case, run.id, question, values)

    assert fast.desk.cases.view(case).runs[0].run.events == ()


@pytest.mark.parametrize("word", ["yes", "unclear"])
def test_danger_or_not_knowing_starts_the_next_protocol_with_what_is_known(
    fast: Home, case: str, run: Run, word: str
) -> None:
    fast.desk.cases.answer(case, run.id, "imminent", [word])

    view = fast.desk.cases.view(case)
    assert [shown.protocol.id for shown in view.runs] == ["suicide-thoughts", "suicide-immediate"]
    assert view.runs[0].switched_to == "suicide-immediate"
    assert view.runs[1].answers["imminent"].carried
    assert view.runs[1].answers["imminent"].values == (word,)
    assert view.runs[1].run.because == f"switch:{run.id}"
    assert view.active_run is not None
    assert view.active_run.protocol.id == "suicide-immediate"
    assert view.case.urgency is NOW
    assert view.case.reasons[0].code == "answers"


def test_answering_the_same_again_starts_nothing_twice(fast: Home, case: str, run: Run) -> None:
    for word in ("yes", "no", "yes"):
        fast.desk.cases.answer(case, run.id, "imminent", [word])

    assert len(fast.desk.cases.view(case).runs) == 2


def test_urgency_stays_raised_when_the_answer_is_taken_back(fast: Home, case: str, run: Run) -> None:
    fast.desk.cases.answer(case, run.id, "imminent", ["yes"])
    fast.desk.cases.answer(case, run.id, "imminent", ["no"])

    assert fast.case(case).urgency is NOW


@pytest.mark.parametrize("missing", ["gone", "not approved", "cannot be kept"])
def test_danger_is_heeded_even_if_the_next_protocol_cannot_be_started(
    fast: Home, case: str, run: Run, missing: str
) -> None:
    if missing == "gone":
        del fast.library.protocols["suicide-immediate"]
    elif missing == "cannot be kept":
        fast.library.cannot_keep = StoreError("The disk is full.")
    else:
        fast.library.protocols["suicide-immediate"] = replace(DANGER, status=ProtocolStatus.WITHDRAWN)

    follows = fast.desk.cases.answer(case, run.id, "imminent", ["yes"])

    view = fast.desk.cases.view(case)
    assert follows[0].consequence.switch_to == "suicide-immediate"
    assert view.case.urgency is NOW
    assert view.runs[0].answers["imminent"].values == ("yes",)
    assert len(view.runs) == 1
    if missing != "cannot be kept":
        assert "suicide-immediate" in view.problems
        assert not any("Start" in blocker for blocker in view.blockers)


def test_a_protocol_can_be_added_beside_the_one_that_runs(fast: Home, case: str) -> None:
    adding = a_protocol("adding", (replace(CHECK.steps[0], questions=(with_danger(add_protocol="extra"),)),))
    extra = a_protocol("extra", CHECK.steps[1:])
    fast.library.protocols |= {"adding": adding, "extra": extra}
    run = fast.desk.cases.start_run(case, "adding")

    fast.desk.cases.answer(case, run.id, "imminent", ["yes"])

    views = fast.desk.cases.view(case).runs
    assert [(v.protocol.id, v.run.because) for v in views] == [
        ("adding", "chosen"),
        ("extra", f"add:{run.id}"),
    ]
    assert views[0].switched_to == ""


def test_answers_wait_for_whoever_holds_the_claim(fast: Home, case: str, run: Run, fern: Home) -> None:
    fern.library.kept = fast.library.kept
    for attempt in (
        lambda: fern.desk.cases.answer(case, run.id, "mood", ["Grey."]),
        lambda: fern.desk.cases.tick(case, run.id, "weather"),
        lambda: fern.desk.cases.skip(case, run.id, "weather", "no_time"),
    ):
        with pytest.raises(NotAllowed, match="moss is working"):
            attempt()


def test_steps_are_skipped_with_a_reason_and_ticked_and_unticked(fast: Home, case: str, run: Run) -> None:
    desk = fast.desk.cases
    desk.skip(case, run.id, "weather", "disagreed", "Not for today.")
    assert desk.view(case).runs[0].steps[1].skip_reason == "disagreed"

    desk.tick(case, run.id, "weather")
    assert desk.view(case).runs[0].steps[1].state == "done"
    desk.tick(case, run.id, "weather", done=False)
    assert desk.view(case).runs[0].steps[1].state != "done"
    with pytest.raises(NotAllowed, match="bored"):
        desk.skip(case, run.id, "weather", "bored")
    with pytest.raises(NotAllowed, match="no step"):
        desk.tick(case, run.id, "nothing")
    with pytest.raises(NotAllowed, match="r-nothing"):
        desk.tick(case, "r-nothing", "weather")


def test_two_consoles_answer_the_same_run_and_no_answer_is_lost(
    fast: Home, case: str, run: Run, homes: Callable[..., Home]
) -> None:
    second = homes(clock=fast.clock, library=fast.library)
    for number in range(5):
        fast.desk.cases.answer(case, run.id, "mood", [f"a{number}"])
        second.desk.cases.answer(case, run.id, "mood", [f"b{number}"])

    assert len(fast.desk.cases.view(case).runs[0].run.events) == 10


# Protocols: approval, drafts, lost texts


def approve(home: Home, protocol: Any) -> None:
    used = ProtocolRef(protocol.id, protocol.version, protocol.hash, "approved")
    home.log.seal(Entry(EntryKind.PROTOCOL_APPROVED, "heron", home.clock(), protocols=(used,)))


@pytest.fixture
def strict(homes: Callable[..., Home], request: pytest.FixtureRequest) -> Home:
    home = homes("strict", real_log=True, allow_drafts=False)
    home.desk.intake.take_in("fake", a_page())
    return home


def only_case(home: Home) -> str:
    return home.store.rows(QueueFilter(), 0, 1)[0].id


async def test_a_draft_is_read_only_on_a_real_case_and_every_action_stays_open(strict: Home) -> None:
    case = only_case(strict)
    with pytest.raises(NotAllowed, match="not approved") as caught:
        strict.desk.cases.start_run(case, "suicide-thoughts")
    assert "Every action stays open" in caught.value.kept
    standing = strict.desk.cases.standing(CHECK)
    assert (standing.kind, standing.may_run) == (StandingKind.READ_ONLY, False)
    assert {offer.action for offer in strict.desk.cases.view(case).offers} == set(Action)

    state = strict.desk.decisions.decide(case, [Choice(Action.HIDE)], "It names a child.")
    settled = await strict.desk.decisions.settle(state.id)

    assert settled.state.is_settled
    decided = strict.entries[0]
    assert (decided.kind, decided.detail, decided.protocols) == ("decided", "no_approved_protocol", ())


def test_an_approval_sealed_in_the_log_makes_it_run_and_a_changed_text_is_a_draft_again(strict: Home) -> None:
    case = only_case(strict)
    approve(strict, CHECK)

    run = strict.desk.cases.start_run(case, "suicide-thoughts")
    strict.desk.decisions.decide(case, [Choice(Action.NO_ACTION)], "All is well.")

    assert strict.desk.cases.view(case).standings[run.id].kind is StandingKind.APPROVED
    decided = strict.entries[-1]
    assert (decided.detail, [used.status for used in decided.protocols]) == ("", ["approved"])
    assert not strict.desk.cases.standing(replace(CHECK, hash="changed")).may_run


def test_an_approval_in_the_file_alone_does_not_count(strict: Home) -> None:
    assert not strict.desk.cases.standing(replace(CHECK, status=ProtocolStatus.APPROVED)).may_run


def test_allowed_drafts_and_demos_run_and_say_so(fast: Home, case: str, run: Run) -> None:
    view = fast.desk.cases.view(case)
    assert view.standings[run.id].kind is StandingKind.DRAFT
    assert "DRAFT" in view.standings[run.id].banner

    demo = replace(fast.desk.cases, settings=replace(fast.settings, demo=True))
    assert demo.standing(CHECK).kind is StandingKind.PRACTICE

    fast.desk.decisions.decide(case, [Choice(Action.NO_ACTION)], "All is well.")
    decided = fast.entries[-1]
    assert (decided.detail, decided.protocols[0].status) == ("no_approved_protocol", "draft")


def test_what_was_withdrawn_is_not_started_any_more_not_even_in_a_demo(fast: Home, case: str) -> None:
    fast.library.protocols["suicide-thoughts"] = replace(CHECK, status=ProtocolStatus.WITHDRAWN)

    with pytest.raises(NotAllowed):
        fast.desk.cases.start_run(case, "suicide-thoughts")


def test_a_run_goes_on_with_its_own_text_when_the_file_vanished(
    homes: Callable[..., Home], tmp_path: Path
) -> None:
    files = tmp_path / "protocols"
    source = Path(__file__).parents[2] / "protocols"
    for path in sorted(source.rglob("*.yaml")):
        copy = files / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    home = homes(
        "real-files", library=FileLibrary([files], tmp_path / "kept", monotonic=iter(range(10**6)).__next__)
    )
    home.desk.intake.take_in("fake", a_page())
    case = only_case(home)
    run = home.desk.cases.start_run(case, "suicide-thoughts")

    (files / "core" / "suicide-thoughts.yaml").unlink()
    home.library = FileLibrary([files], tmp_path / "kept")  # type: ignore[assignment]
    desk = home.start()
    desk.cases.answer(case, run.id, "imminent", ["unclear"])

    assert [shown.protocol.id for shown in desk.cases.view(case).runs] == [
        "suicide-thoughts",
        "suicide-immediate",
    ]


def test_a_run_whose_text_is_lost_is_named_and_its_answers_are_sealed_all_the_same(
    fast: Home, case: str, run: Run
) -> None:
    fast.desk.cases.answer(case, run.id, "mood", ["Grey."])
    fast.library.kept.clear()

    view = fast.desk.cases.view(case)
    fast.desk.decisions.decide(case, [Choice(Action.NO_ACTION)], "All is well.")

    assert view.runs == ()
    assert "suicide-thoughts" in view.problems
    assert any("missing" in blocker for blocker in view.blockers)
    assert fast.body(EntryKind.DECIDED)["runs"][0]["events"][0]["values"] == ["Grey."]
    assert fast.entries[-1].protocols[0].status == "unreadable"


def test_a_protocol_that_is_not_here_is_refused_and_named(fast: Home, case: str) -> None:
    fast.make(case, suggested=("lost", "suicide-thoughts"))

    with pytest.raises(NotAllowed, match="lost"):
        fast.desk.cases.start_run(case, "lost")
    assert set(fast.desk.cases.view(case).problems) == {"lost"}


# Urgency


def test_anyone_raises_and_asking_for_less_changes_nothing(fast: Home, case: str) -> None:
    fast.desk.cases.raise_urgency(case, NOW)
    fast.desk.cases.raise_urgency(case, ROUTINE)

    assert fast.case(case).urgency is NOW
    assert fast.kinds == []


def test_lowering_needs_a_reason_which_is_sealed(home: Home, case: str) -> None:
    for urgency, why in ((ROUTINE, "  "), (SOON, "not lower"), (NOW, "higher")):
        with pytest.raises(NotAllowed):
            home.desk.cases.lower_urgency(case, urgency, why)
    assert home.kinds == []

    home.desk.cases.lower_urgency(case, TODAY, "We spoke; a friend is there.")

    assert home.kinds == ["urgency_lowered"]
    assert home.entries[0].detail == "soon:today"
    assert home.body(EntryKind.URGENCY_LOWERED)["reason"] == "We spoke; a friend is there."
    assert home.case(case).urgency is TODAY


def test_what_was_lowered_is_not_raised_by_an_answer_about_the_weather(
    fast: Home, case: str, run: Run
) -> None:
    fast.desk.cases.answer(case, run.id, "imminent", ["yes"])
    danger = fast.desk.cases.view(case).runs[1].run.id
    fast.desk.cases.lower_urgency(case, TODAY, "We spoke; a friend is there.")

    fast.desk.cases.answer(case, danger, "follow_up_at", ["2026-11-24T09:00+00:00"])
    assert fast.case(case).urgency is TODAY

    fast.desk.cases.answer(case, danger, "imminent", ["unclear"])
    assert fast.case(case).urgency is NOW


# The text


async def test_a_newer_version_is_kept_beside_the_frozen_one_and_is_not_yet_seen(
    fast: Home, case: str
) -> None:
    fast.desk.cases.saw(case, "v1")
    fast.forum.posts[HERON.id] = a_post("I took that back.", "v2")

    file = await fast.desk.cases.refresh_post(case)
    await fast.desk.cases.refresh_post(case)

    assert file.post == a_post()
    assert [post.version for post in fast.store.file(fast.case(case)).later] == ["v2"]
    assert file.seen_version == "v1"
    assert fast.case(case).changed_since_flagged


async def test_a_text_fetched_for_the_first_time_was_seen_by_nobody(fast: Home) -> None:
    fast.desk.intake.take_in("fake", a_page(posts=()))
    case = only_case(fast)

    file = await fast.desk.cases.refresh_post(case)

    assert (file.post, file.seen_version) == (a_post(), "")
    assert not fast.case(case).changed_since_flagged


async def test_whoever_wrote_nothing_known_is_never_taken_for_somebody(fast: Home) -> None:
    fast.desk.intake.take_in("fake", a_page(posts=[a_post(author="")]))
    case = only_case(fast)

    assert fast.desk.cases.author(fast.case(case)) == ""
    with pytest.raises(NotFound):
        await fast.desk.cases.member(case)
    with pytest.raises(NotFound):
        await fast.desk.cases.history(case)


async def test_a_case_about_a_member_is_about_that_member(fast: Home) -> None:
    ada = Target(TargetKind.MEMBER, "m-ada")
    fast.desk.intake.take_in("fake", a_page(a_flag(target=ada), posts=()))

    assert (await fast.desk.cases.member(only_case(fast))).id == "m-ada"


def test_a_locked_case_shows_what_needs_no_keys(fast: Home, case: str, run: Run) -> None:
    fast.desk.cases.note(case, "Called the lead.")
    fast.lock()

    view = fast.desk.cases.view(case)

    assert (view.file, view.runs, view.notes, dict(view.drafts)) == (None, (), (), {})
    assert "locked" in view.unreadable
    assert len(view.offers) == len(Action)


async def test_a_claim_shown_on_the_forum_is_a_courtesy(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(target: Target) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(fast.forum, "claim", broken)

    await fast.desk.cases.announce(case, taken=True)
    await fast.desk.cases.announce(case, taken=False)


# Notes, drafts, messages


def test_notes_and_drafts_are_kept_and_sealed_nowhere(fast: Home, case: str) -> None:
    fast.desk.cases.note(case, "Fern knows Ada.")
    fast.desk.cases.save_draft(case, "message:hello", "Hello A")
    fast.desk.cases.save_draft(case, "message:hello", "Hello Ada")
    with pytest.raises(NotAllowed):
        fast.desk.cases.note(case, " \n")

    view = fast.start().cases.view(case)
    assert [(note.by, note.text) for note in view.notes] == [("moss", "Fern knows Ada.")]
    assert view.drafts["message:hello"].text == "Hello Ada"
    assert fast.kinds == []


def test_a_message_starts_with_what_is_known_in_the_services_own_time(
    fast: Home, case: str, run: Run
) -> None:
    fast.desk.cases.answer(case, run.id, "follow_up_at", ["2026-06-01T09:00+00:00"])

    text = fast.desk.cases.message_from(case, "hello")

    assert text == "Hello Ada, we look again at 10:00 on Monday 1 June (BST). {own_words}"
    with pytest.raises(NotAllowed):
        fast.desk.cases.message_from(case, "nothing")


# Follow-ups


def test_the_next_look_is_the_earliest_of_what_was_decided_and_what_was_answered(
    fast: Home, case: str, run: Run
) -> None:
    first, second, third = (MORNING + timedelta(days=n) for n in (1, 2, 3))

    def answered(value: str) -> Any:
        fast.desk.cases.answer(case, run.id, "follow_up_at", [value])
        return fast.case(case).follow_up_at

    assert answered(first.isoformat()) == first
    assert answered(third.isoformat()) == third
    fast.desk.cases.watch(case, second)
    assert fast.case(case).follow_up_at == second
    assert answered("not needed: spoke to them") == second
    assert answered(first.isoformat()) == first
    fast.desk.cases.watch(case, third)
    assert fast.case(case).follow_up_at == first


# Closing


async def decided(home: Home, case: str, *actions: Action) -> str:
    state = home.desk.decisions.decide(case, [Choice(action) for action in actions], "why")
    await home.desk.decisions.settle(state.id)
    return state.id


async def test_what_is_missing_is_named_and_nothing_is_sealed(fast: Home, case: str, run: Run) -> None:
    with pytest.raises(NotAllowed) as caught:
        fast.desk.cases.close(case)

    assert "No decision yet" in caught.value.what
    assert "Check for danger" in caught.value.what
    assert fast.kinds == []


async def walked(home: Home, case: str, run: str) -> None:
    home.desk.cases.answer(case, run, "imminent", ["no"])
    home.desk.cases.answer(case, run, "mood", ["Fine."])
    home.desk.cases.answer(case, run, "follow_up_at", ["not needed: answered by friends"])


async def test_a_case_that_was_walked_and_decided_is_closed_with_its_answers_sealed(
    home: Home, case: str
) -> None:
    home.desk.cases.open(case)
    run = home.desk.cases.start_run(case, "suicide-thoughts")
    await walked(home, case, run.id)
    await decided(home, case, Action.KEEP)

    home.desk.cases.close(case)

    closed = home.case(case)
    assert (closed.state, closed.claim) == (CaseState.CLOSED, None)
    assert home.kinds[-1] == "closed"
    assert home.body(EntryKind.CLOSED)["runs"][0]["id"] == run.id
    with pytest.raises(NotAllowed, match="closed already"):
        home.desk.cases.close(case)
    assert home.kinds.count("closed") == 1


async def test_an_escalation_that_an_answer_calls_for_blocks_until_the_lead_was_told(
    fast: Home, case: str
) -> None:
    run = fast.desk.cases.start_run(case, "suicide-immediate")
    fast.desk.cases.answer(case, run.id, "imminent", ["yes"])

    def told() -> bool:
        return not any("safeguarding lead" in blocker for blocker in fast.desk.cases.view(case).blockers)

    assert not told()
    fast.desk.decisions.decide(case, [Choice(Action.ESCALATE_LEAD)], "")
    assert not told()
    fast.desk.decisions.record_done(case, Action.ESCALATE_LEAD)
    assert told()


@pytest.mark.parametrize("role", ["data_lead", "service_manager", "senior_moderator"])
async def test_every_role_a_protocol_may_name_can_be_told(fast: Home, case: str, role: str) -> None:
    asks = replace(CHECK.steps[0], questions=(with_danger(escalate=role),))
    fast.library.protocols["asks"] = a_protocol("asks", (asks,), close_requires=())
    run = fast.desk.cases.start_run(case, "asks")
    fast.desk.cases.answer(case, run.id, "imminent", ["yes"])
    assert len(fast.desk.cases.view(case).blockers) == 2

    fast.desk.decisions.record_done(case, Action.ESCALATE_LEAD)

    assert fast.desk.cases.view(case).blockers == ()


@pytest.mark.parametrize("kind", [OutcomeKind.REFUSED, OutcomeKind.CONFLICT])
async def test_a_decision_that_did_nothing_is_no_decision(fast: Home, case: str, kind: OutcomeKind) -> None:
    fast.forum.script = [Outcome(kind)]
    await decided(fast, case, Action.HIDE)

    assert any("No decision yet" in blocker for blocker in fast.desk.cases.view(case).blockers)
    assert fast.case(case).last_decided_at is None

    await decided(fast, case, Action.HIDE)
    assert fast.desk.cases.view(case).blockers == ()
    assert fast.case(case).last_decided_at is not None


async def test_an_unsettled_decision_blocks_and_a_withdrawn_one_does_not_count(fast: Home, case: str) -> None:
    fast.forum.script = [Unavailable("gone")]
    decision = await decided(fast, case, Action.HIDE)
    assert any("unsettled" in blocker for blocker in fast.desk.cases.view(case).blockers)

    await fast.desk.decisions.withdraw(decision, "They edited it themselves.")

    assert fast.desk.cases.view(case).blockers == (
        "No decision yet: choose an action, or “no action” with a reason.",
    )


# A case that comes back


@pytest.fixture
async def back(fast: Home, case: str) -> str:
    """A case that was answered, decided and closed yesterday, and was flagged again today."""
    run = fast.desk.cases.start_run(case, "suicide-thoughts")
    await walked(fast, case, run.id)
    await decided(fast, case, Action.KEEP)
    fast.desk.cases.close(case)
    fast.clock.forward(days=1)
    fast.desk.intake.take_in("fake", a_page(a_flag("f2", at=fast.clock())))
    return case


async def test_yesterdays_answers_and_decisions_do_not_close_todays_case(fast: Home, back: str) -> None:
    with pytest.raises(NotAllowed, match="No decision yet"):
        fast.desk.cases.close(back)

    view = fast.desk.cases.open(back)
    assert view.runs == ()
    assert [shown.answers["imminent"].values for shown in view.earlier_runs] == [("no",)]
    assert len(view.decisions) == 1


async def test_yesterdays_no_danger_is_no_answer_today(fast: Home, back: str) -> None:
    run = fast.desk.cases.start_run(back, "suicide-thoughts")

    assert run.events == ()
    await decided(fast, back, Action.KEEP)
    assert [one["id"] for one in fast.body(EntryKind.DECIDED)["runs"]] == [run.id]


async def test_a_second_sitting_closes_on_its_own_and_shows_its_own_answers(fast: Home, back: str) -> None:
    run = fast.desk.cases.start_run(back, "suicide-thoughts")
    await walked(fast, back, run.id)
    await decided(fast, back, Action.KEEP)

    fast.desk.cases.close(back)

    assert [one["id"] for one in fast.body(EntryKind.CLOSED)["runs"]] == [run.id]
    view = fast.desk.cases.view(back)
    assert [shown.run.id for shown in view.runs] == [run.id]
    assert len(view.earlier_runs) == 1


async def test_a_follow_up_begins_a_sitting_too(fast: Home, case: str) -> None:
    run = fast.desk.cases.start_run(case, "suicide-thoughts")
    await walked(fast, case, run.id)
    fast.desk.cases.answer(case, run.id, "follow_up_at", [(fast.clock() + timedelta(hours=1)).isoformat()])
    await decided(fast, case, Action.KEEP)
    fast.desk.cases.close(case)
    fast.clock.forward(hours=2)
    fast.desk.intake.wake()

    with pytest.raises(NotAllowed, match="No decision yet"):
        fast.desk.cases.close(case)
    assert fast.desk.cases.open(case).runs == ()


async def test_a_thread_that_cannot_be_fetched_is_the_forums_error(fast: Home, case: str) -> None:
    assert (await fast.desk.cases.thread(case)).posts
    fast.configured = ()
    desk = fast.start()

    with pytest.raises(ForumError):
        await desk.cases.thread(case)
    assert desk.cases.view(case).forum.trouble is not None


def test_actions_a_protocol_names_come_first_and_say_who_carries_them_out(
    fast: Home, case: str, run: Run
) -> None:
    consequence = Consequence(("no",), suggest_action=Action.LOCK_THREAD)
    named = replace(CHECK.steps[0], questions=(replace(with_danger(), on_answer=(consequence,)),))
    fast.library.protocols["names"] = a_protocol("names", (named,))
    second = fast.desk.cases.start_run(case, "names")
    fast.desk.cases.answer(case, second.id, "imminent", ["no"])

    offers = fast.desk.cases.view(case).offers
    assert [offer.action for offer in offers if offer.in_protocol] == [Action.KEEP_REPLY, Action.LOCK_THREAD]
    carriers = {offer.action: offer.carrier for offer in offers}
    assert (carriers[Action.HIDE], carriers[Action.EMERGENCY_CALL], carriers[Action.WATCH]) == (
        "forum",
        "by_hand",
        "desk",
    )
