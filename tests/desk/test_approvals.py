"""Approving, withdrawing, extending, taking over; and what the console then says of a protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from modconsole.core.actions import Action
from modconsole.core.decision import EntryKind
from modconsole.core.errors import LogError, NotAllowed
from modconsole.core.note import parse_note, signed_note
from modconsole.core.protocol import (
    Channel,
    Option,
    ProtocolStatus,
    Question,
    QuestionType,
    Resource,
    ReviewProtocol,
    Step,
    UsedFor,
)
from modconsole.desk import Approvals, Choice, Standing, StandingKind
from modconsole.desk.approvals import LONGEST_EXTENSION
from modconsole.ports import QueueFilter
from tests.desk.fakes import CHECK, DANGER, FakeLibrary, a_flag, a_page, a_protocol
from tests.desk.homes import Home

LEAD = "safeguarding_lead"
FIRST, SECOND = "1f" * 32, "2f" * 32
WALK = a_protocol("evening-walk", CHECK.steps[1:], hash=FIRST)


def library(*protocols: ReviewProtocol) -> FakeLibrary:
    return FakeLibrary({protocol.id: protocol for protocol in protocols or (WALK, CHECK, DANGER)})


@pytest.fixture
def home(homes: Callable[..., Home], request: pytest.FixtureRequest) -> Home:
    made = homes(real_log=getattr(request, "param", False), library=library(), allow_drafts=False)
    made.desk.intake.take_in("fake", a_page())
    return made


def as_role(home: Home, role: str) -> Approvals:
    return replace(home.desk.approvals, settings=replace(home.settings, role=role))


def approve(home: Home, protocol: ReviewProtocol = WALK, role: str = LEAD) -> str:
    return as_role(home, role).approve(protocol, role, "Pat").note


def stands(home: Home, protocol: ReviewProtocol = WALK, role: str = "moderator", **service: Any) -> Standing:
    settings = replace(home.settings, role=role, service=replace(home.settings.service, **service))
    return replace(home.desk.cases, settings=settings).standing(protocol)


def governed(protocol: ReviewProtocol = WALK, **governance: Any) -> ReviewProtocol:
    return replace(protocol, governance=replace(protocol.governance, **governance))


def the_case(home: Home) -> str:
    return home.store.rows(QueueFilter(), 0, 1)[0].id


# Giving


@pytest.mark.parametrize("home", [False, True], indirect=True)
def test_what_a_lead_approves_is_signed_sealed_and_kept_and_then_runs(home: Home) -> None:
    given = as_role(home, LEAD).approve(WALK, LEAD, "Pat Smith", "read with two moderators")

    entry = home.entries[-1]
    assert (entry.kind, entry.actor) == (EntryKind.PROTOCOL_APPROVED, "moss")
    assert entry.detail.startswith("safeguarding_lead@2026-11-23T09:00:00Z/")
    assert (entry.protocols[0].hash, entry.protocols[0].status) == (FIRST, "approved")
    assert "Pat" not in str(entry.detail)
    body = home.body(EntryKind.PROTOCOL_APPROVED)
    assert (body["name"], body["remark"], body["note"]) == (
        "Pat Smith",
        "read with two moderators",
        given.note,
    )
    assert home.library.kept[FIRST] is WALK
    assert given.file_name == "evening-walk-1f1f1f1f1f1f.approval"
    held = stands(home)
    assert (held.kind, held.banner, held.status) == (StandingKind.APPROVED, "", "approved")
    assert (held.approved_by, held.approved_on) == (LEAD, date(2026, 11, 23))
    home.desk.cases.start_run(the_case(home), "evening-walk")


def test_the_signature_is_of_this_homes_own_approval_key(home: Home) -> None:
    note = parse_note(approve(home))
    key = home.desk.approvals.key()

    assert [(s.name, s.key_id) for s in note.signatures] == [(key.name, key.id)]
    assert home.desk.approvals.is_signed(key.public, note.text.encode(), note.signatures[0].signature)
    assert not home.desk.approvals.is_signed(key.public, b"another text", note.signatures[0].signature)


@pytest.mark.parametrize("role", [LEAD, "clinical_lead", "service_manager", "data_lead"])
def test_leads_and_the_owning_role_approve(home: Home, role: str) -> None:
    owned = governed(owner_role="data_lead")

    approve(home, owned, role)

    assert stands(home, owned).may_run


def test_nobody_else_approves_and_nobody_as_somebody_else(home: Home) -> None:
    for claimed, mine in (("moderator", "moderator"), ("data_lead", "data_lead"), (LEAD, "moderator")):
        approvals = as_role(home, mine)
        with pytest.raises(NotAllowed):
            approvals.approve(WALK, claimed, "Pat")
        with pytest.raises(NotAllowed):
            approvals.withdraw(WALK, claimed, "Pat", "unsafe")
    with pytest.raises(NotAllowed, match="name"):
        as_role(home, LEAD).approve(WALK, LEAD, " ")

    assert home.kinds == []


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        (governed(review_by=date(2026, 11, 22)), "was to be reviewed by 22 November 2026"),
        (replace(WALK, status=ProtocolStatus.RETIRED), "retired"),
        (replace(WALK, status=ProtocolStatus.WITHDRAWN), "withdrawn"),
    ],
)
def test_what_is_out_of_date_or_out_of_use_is_not_approved(
    home: Home, protocol: ReviewProtocol, said: str
) -> None:
    with pytest.raises(NotAllowed, match=said):
        approve(home, protocol)

    assert home.kinds == []


def test_what_cannot_be_sealed_is_not_approved(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(entry: object) -> None:
        raise LogError("The disk is full.")

    monkeypatch.setattr(home.log, "seal", full)
    with pytest.raises(LogError):
        approve(home)

    assert not stands(home).may_run


def test_a_changed_text_is_a_draft_again_and_says_since_when(home: Home) -> None:
    approve(home)
    changed = replace(WALK, hash=SECOND)

    strict, lenient = stands(home, changed), stands(home, changed, allow_drafts=True)

    assert (strict.kind, strict.status, strict.approved_by) == (StandingKind.READ_ONLY, "draft", "")
    assert strict.banner.startswith("NOT APPROVED FOR USE")
    assert strict.banner.endswith("It was changed since it was approved on 23 November 2026.")
    assert lenient.kind is StandingKind.DRAFT
    assert "changed since it was approved" in lenient.banner
    assert stands(home).kind is StandingKind.APPROVED


# Dates


def on(home: Home, day: date) -> None:
    home.clock.at = home.clock.at.replace(year=day.year, month=day.month, day=day.day)


REVIEW_BY = WALK.governance.review_by


def test_a_review_that_is_due_soon_is_told_to_leads_only(home: Home) -> None:
    approve(home)
    on(home, REVIEW_BY - timedelta(days=31))
    assert stands(home, role=LEAD).banner == ""

    on(home, REVIEW_BY - timedelta(days=30))

    assert stands(home).banner == ""
    assert stands(home, role=LEAD).banner == "Its review is due by 1 May 2027"
    assert stands(home, role=LEAD).status == "approved"


def test_overdue_it_says_by_how_much_and_the_record_says_so_and_it_still_runs(home: Home) -> None:
    approve(home)
    on(home, REVIEW_BY + timedelta(days=90))

    case = the_case(home)
    home.desk.cases.start_run(case, "evening-walk")
    home.desk.decisions.decide(case, [Choice(Action.NO_ACTION)], "All is well.")

    assert stands(home).banner == "Review overdue by 90 days"
    decided = home.entries[-1]
    assert (decided.detail, decided.protocols[0].status) == ("", "overdue")


def test_past_its_days_of_grace_it_needs_a_leads_extension_which_ends_too(home: Home) -> None:
    approve(home)
    late = REVIEW_BY + timedelta(days=91)
    on(home, late)
    assert stands(home).kind is StandingKind.READ_ONLY
    assert "Review overdue by 91 days" in stands(home).banner
    with pytest.raises(NotAllowed, match="overdue"):
        home.desk.cases.start_run(the_case(home), "evening-walk")

    given = as_role(home, LEAD).extend(WALK, 14, LEAD, "Pat", "the reviewer is ill")

    held = stands(home)
    assert given.file_name.endswith(".extension")
    assert (held.kind, held.status) == (StandingKind.APPROVED, "overdue")
    assert "until 14 August 2027" in held.banner
    on(home, late + timedelta(days=15))
    assert stands(home).kind is StandingKind.READ_ONLY


def test_an_extension_has_a_reason_an_end_and_something_to_extend(home: Home) -> None:
    lead = as_role(home, LEAD)
    with pytest.raises(NotAllowed, match="nothing to extend"):
        lead.extend(WALK, 10, LEAD, "Pat", "why")
    approve(home)

    for days, reason in ((0, "why"), (LONGEST_EXTENSION + 1, "why"), (10, " ")):
        with pytest.raises(NotAllowed):
            lead.extend(WALK, days, LEAD, "Pat", reason)


def test_it_is_not_begun_before_it_comes_into_force(home: Home) -> None:
    later = governed(effective_from=date(2026, 12, 1))
    approve(home, later)

    assert stands(home, later).kind is StandingKind.READ_ONLY
    assert "from 1 December 2026" in stands(home, later).banner
    assert stands(home, later, allow_drafts=True).kind is StandingKind.DRAFT
    on(home, date(2026, 12, 1))
    assert stands(home, later).kind is StandingKind.APPROVED


# Withdrawn


def test_withdrawn_it_cannot_be_begun_and_a_run_that_is_going_may_be_finished(home: Home) -> None:
    approve(home)
    case = the_case(home)
    run = home.desk.cases.start_run(case, "evening-walk")

    as_role(home, LEAD).withdraw(WALK, LEAD, "Pat", "a step does harm")

    held = stands(home, allow_drafts=True)
    assert (held.may_run, held.status) == (False, "withdrawn")
    assert held.banner.startswith("WITHDRAWN on 23 November 2026 by the safeguarding lead")
    with pytest.raises(NotAllowed, match="WITHDRAWN"):
        home.desk.cases.start_run(case, "evening-walk")
    home.desk.cases.answer(case, run.id, "mood", ["Grey."])
    view = home.desk.cases.view(case)
    assert "may be finished" in view.standings[run.id].banner
    home.desk.decisions.decide(case, [Choice(Action.NO_ACTION)], "All is well.")
    assert home.entries[-1].protocols[0].status == "withdrawn"
    assert home.entries[-1].detail == "no_approved_protocol"


def test_a_withdrawal_holds_for_every_text_until_one_is_approved_anew(home: Home) -> None:
    approve(home)
    as_role(home, LEAD).withdraw(WALK, LEAD, "Pat", "a step does harm")
    mended = replace(WALK, hash=SECOND)
    assert stands(home, mended, allow_drafts=True).status == "withdrawn"

    home.clock.forward(minutes=1)
    approve(home, mended)

    assert stands(home, mended).kind is StandingKind.APPROVED
    assert stands(home).status == "withdrawn"
    assert stands(home, replace(WALK, hash="3f" * 32)).status == "draft"
    approve(home)
    assert stands(home).kind is StandingKind.APPROVED


def test_withdrawing_needs_a_reason_and_no_right_clock(home: Home) -> None:
    home.clock.forward(hours=2)
    approve(home)
    home.clock.forward(hours=-2)
    lead = as_role(home, LEAD)
    with pytest.raises(NotAllowed, match="reason"):
        lead.withdraw(WALK, LEAD, "Pat", "")
    with pytest.raises(NotAllowed, match="yet to come"):
        approve(home)

    lead.withdraw(WALK, LEAD, "Pat", "a step does harm")

    assert stands(home).status == "withdrawn"


def test_a_protocol_that_is_withdrawn_does_not_keep_a_case_open(home: Home) -> None:
    for protocol in (CHECK, DANGER):
        approve(home, protocol)
    as_role(home, LEAD).withdraw(DANGER, LEAD, "Pat", "being mended")
    case = the_case(home)
    run = home.desk.cases.start_run(case, "suicide-thoughts")

    home.desk.cases.answer(case, run.id, "imminent", ["unclear"])

    view = home.desk.cases.view(case)
    assert not any("suicide-immediate" in blocker for blocker in view.blockers)
    assert "WITHDRAWN" in view.problems["suicide-immediate"]


def test_the_emergency_panel_is_the_same_when_every_protocol_is_withdrawn(home: Home) -> None:
    before = home.desk.emergency()
    for protocol in (WALK, CHECK, DANGER):
        as_role(home, LEAD).withdraw(protocol, LEAD, "Pat", "all of them")
    assert not any(stands(home, p, allow_drafts=True).may_run for p in (WALK, CHECK, DANGER))

    after = home.desk.emergency()
    home.lock()

    assert before == after == home.desk.emergency()
    assert after.lines
    assert after.problem == ""
    offers = home.desk.cases.view(the_case(home)).offers
    assert Action.EMERGENCY_CALL in {offer.action for offer in offers}


# Standing: what it is for, demo, fit


@pytest.mark.parametrize("used_for", [UsedFor.SELF, UsedFor.SHIFT])
def test_what_is_not_for_cases_is_never_run_on_one_whoever_approved_it(
    homes: Callable[..., Home], used_for: UsedFor
) -> None:
    mine = replace(WALK, used_for=used_for)
    home = homes(library=library(mine), allow_drafts=True)
    home.desk.intake.take_in("fake", a_page())
    approve(home, mine)

    held = stands(home, mine)

    assert (held.kind, held.may_run) == (StandingKind.NOT_FOR_CASES, False)
    with pytest.raises(NotAllowed, match="never run on a case"):
        home.desk.cases.start_run(the_case(home), mine.id)


def test_a_demo_is_practice_whatever_was_approved(home: Home) -> None:
    demo = replace(home.desk.cases, settings=replace(home.settings, demo=True))
    assert (demo.standing(WALK).kind, demo.standing(WALK).status) == (StandingKind.PRACTICE, "draft")

    approve(home)

    assert (demo.standing(WALK).kind, demo.standing(WALK).status) == (StandingKind.PRACTICE, "approved")
    assert "a draft" not in demo.standing(WALK).banner


AGE = Question(
    "age",
    "How old?",
    QuestionType.CHOICE,
    options=(Option("adult", "Adult"), Option("16_17", "16 to 17"), Option("unknown", "Not known")),
)
PLACE = Question(
    "place",
    "Where?",
    QuestionType.CHOICE,
    options=tuple(Option(code, code) for code in ("GB-ENG", "GB-SCT", "GB", "unknown")),
)
ASKS = replace(
    a_protocol("asks", (Step("opening", "Ask.", questions=(AGE, PLACE)),), hash="4f" * 32),
    jurisdictions=("GB-ENG",),
    age_bands=("adult",),
)


@pytest.mark.parametrize(
    ("age", "place", "said"),
    [
        ("16_17", "GB-SCT", ("Written for adults in England; this case: 16 to 17, Scotland",)),
        ("adult", "GB-SCT", ("Written for England; this case: Scotland",)),
        ("16_17", "GB-ENG", ("Written for adults; this case: 16 to 17",)),
        ("unknown", "unknown", ("Written for adults; this case: age not known",)),
        ("adult", "GB", ("Written for England; this case: the UK",)),
        ("adult", "GB-ENG", ()),
    ],
)
def test_a_case_it_was_not_written_for_is_said_in_amber_and_never_blocks(
    homes: Callable[..., Home], age: str, place: str, said: tuple[str, ...]
) -> None:
    home = homes(library=library(ASKS, WALK))
    home.desk.intake.take_in("fake", a_page())
    case = the_case(home)
    run = home.desk.cases.start_run(case, "asks")
    home.desk.cases.answer(case, run.id, "age", [age])
    home.desk.cases.answer(case, run.id, "place", [place])

    view = home.desk.cases.view(case)

    assert view.standings[run.id].warnings == said
    assert view.standings[run.id].may_run
    assert home.desk.cases.standing(ASKS).warnings == ()
    assert home.desk.cases.standing(ASKS, view.runs).warnings == said
    assert home.desk.cases.standing(WALK, view.runs).warnings == ()


def test_a_service_it_was_not_written_for_is_said_too(home: Home) -> None:
    made = replace(ASKS, forum_types=("nhs",))

    held = stands(
        home, made, jurisdictions=("IE",), age_bands=("16_17", "u13"), forum_types=("charity", "peer_led")
    )

    assert held.warnings == (
        "Written for England; your service is for Ireland",
        "Written for adults; your service is for 16 to 17, under 13",
        "Written for forums of the kind nhs; yours: charity, peer led",
    )
    assert (
        stands(home, made, jurisdictions=("GB",), age_bands=("adult",), forum_types=("nhs",)).warnings == ()
    )


# Taking over


@pytest.fixture
def lead(homes: Callable[..., Home]) -> Home:
    return homes("lead", me="heron", library=library(), allow_drafts=False)


@pytest.fixture
def desk(homes: Callable[..., Home], lead: Home) -> Home:
    """A moderator's console that knows the lead's key."""
    return homes(
        "desk",
        library=library(),
        allow_drafts=False,
        real_log=True,
        approvers=(str(lead.desk.approvals.key()),),
    )


def test_an_approval_made_elsewhere_counts_here_once_it_was_taken_over(lead: Home, desk: Home) -> None:
    note = approve(lead)
    assert not stands(desk).may_run
    desk.clock.forward(days=3)

    given = desk.desk.approvals.take_over(note)
    again = desk.desk.approvals.take_over(note)

    held = stands(desk)
    assert (held.kind, held.approved_by) == (StandingKind.APPROVED, LEAD)
    assert held.approved_on == date(2026, 11, 23)
    assert given.receipt is not None
    assert again.receipt is None
    assert desk.kinds == ["protocol_approved"]
    assert desk.body(EntryKind.PROTOCOL_APPROVED) == {"note": note, "key": str(lead.desk.approvals.key())}
    assert desk.library.kept[FIRST] is WALK


def test_a_key_nobody_named_counts_for_nothing(lead: Home, homes: Callable[..., Home]) -> None:
    stranger = homes("stranger", me="heron", library=library())  # the same name, another key
    desk = homes("desk", library=library(), approvers=(str(lead.desk.approvals.key()),))

    with pytest.raises(NotAllowed, match="Nobody among this home’s approvers"):
        desk.desk.approvals.take_over(approve(stranger))

    assert desk.kinds == []


def test_a_text_that_was_changed_after_signing_is_refused(lead: Home, desk: Home) -> None:
    note = approve(lead)
    forged = note.replace("2027-05-01", "2037-05-01")

    with pytest.raises(NotAllowed, match="not what was signed"):
        desk.desk.approvals.take_over(forged)

    assert desk.kinds == []


def test_a_signature_under_a_known_name_by_another_key_is_refused(
    lead: Home, desk: Home, homes: Callable[..., Home]
) -> None:
    stranger, known = homes("stranger", me="wren"), lead.desk.approvals.key()
    text = parse_note(approve(lead)).text
    forged = signed_note(text, (known, stranger.vault.sign("wren/approvals", text.encode())))

    with pytest.raises(NotAllowed, match="not what was signed"):
        desk.desk.approvals.take_over(forged)


@pytest.mark.parametrize("note", ["", "hello", "a\n\n— b AAAA\n", "\x1b[2J\n\n— b AAAAAAAAAAAA\n"])
def test_what_is_no_note_is_refused_in_plain_words(desk: Home, note: str) -> None:
    with pytest.raises(NotAllowed, match="not an approval"):
        desk.desk.approvals.take_over(note)


def test_another_text_than_the_one_here_is_refused_and_both_are_named(lead: Home, desk: Home) -> None:
    note = approve(lead)
    desk.library.protocols["evening-walk"] = replace(WALK, hash=SECOND, version="0.2.0")

    with pytest.raises(NotAllowed, match=r"1f1f1f1f1f1f.*2f2f2f2f2f2f"):
        desk.desk.approvals.take_over(note)
    desk.library.protocols.pop("evening-walk")
    with pytest.raises(NotAllowed, match="There is no protocol"):
        desk.desk.approvals.take_over(note)

    assert desk.kinds == []


def test_a_withdrawal_is_taken_over_whatever_text_is_here_and_undoes_older_approvals(
    lead: Home, desk: Home
) -> None:
    note = approve(lead)
    desk.desk.approvals.take_over(note)
    lead.clock.forward(minutes=5)
    withdrawal = as_role(lead, LEAD).withdraw(WALK, LEAD, "Pat", "a step does harm").note
    mended = replace(WALK, hash=SECOND)
    desk.library.protocols["evening-walk"] = mended

    desk.desk.approvals.take_over(withdrawal)

    assert stands(desk).status == stands(desk, mended).status == "withdrawn"


def test_an_approval_from_before_a_withdrawal_cannot_bring_it_back(lead: Home, desk: Home) -> None:
    note = approve(lead)
    lead.clock.forward(minutes=5)
    desk.desk.approvals.take_over(as_role(lead, LEAD).withdraw(WALK, LEAD, "Pat", "harm").note)

    with pytest.raises(NotAllowed, match="was withdrawn on"):
        desk.desk.approvals.take_over(note)
    lead.clock.forward(minutes=5)
    desk.desk.approvals.take_over(approve(lead))

    assert stands(desk).kind is StandingKind.APPROVED


def test_a_withdrawal_that_arrives_late_does_not_undo_the_approval_that_followed_it(
    lead: Home, desk: Home
) -> None:
    approve(lead)
    withdrawal = as_role(lead, LEAD).withdraw(WALK, LEAD, "Pat", "harm").note
    lead.clock.forward(minutes=5)
    desk.desk.approvals.take_over(approve(lead))

    desk.desk.approvals.take_over(withdrawal)

    assert stands(desk).kind is StandingKind.APPROVED
    assert [entry.outcome for entry in desk.entries] == ["approved", "withdrawn"]


def test_what_a_file_here_calls_retired_is_not_taken_over(lead: Home, desk: Home) -> None:
    desk.library.protocols["evening-walk"] = replace(WALK, status=ProtocolStatus.RETIRED)

    with pytest.raises(NotAllowed, match="retired"):
        desk.desk.approvals.take_over(approve(lead))


def test_an_extension_is_taken_over_too(lead: Home, desk: Home) -> None:
    desk.desk.approvals.take_over(approve(lead))
    for home in (lead, desk):
        on(home, REVIEW_BY + timedelta(days=100))
    assert not stands(desk).may_run

    desk.desk.approvals.take_over(as_role(lead, LEAD).extend(WALK, 30, LEAD, "Pat", "ill").note)

    assert stands(desk).may_run


def test_a_note_from_the_future_is_refused(lead: Home, desk: Home) -> None:
    lead.clock.forward(days=2)

    with pytest.raises(NotAllowed, match="yet to come"):
        desk.desk.approvals.take_over(approve(lead))


def test_a_role_that_does_not_rule_on_it_is_refused(lead: Home, desk: Home) -> None:
    lead.library.protocols["evening-walk"] = owned = governed(owner_role="data_lead")
    note = approve(lead, owned, "data_lead")

    with pytest.raises(NotAllowed, match="data lead, who does not rule"):
        desk.desk.approvals.take_over(note)


def test_standing_is_known_while_the_keys_are_locked(home: Home) -> None:
    approve(home)
    home.lock()

    assert stands(home).kind is StandingKind.APPROVED


def test_what_another_console_sealed_counts_at_once(home: Home, homes: Callable[..., Home]) -> None:
    shared = homes("shared", library=library(), real_log=True, allow_drafts=False)
    second = homes("shared", library=library(), real_log=True, allow_drafts=False)
    assert not stands(second).may_run

    approve(shared)

    assert second.desk.cases.standing(WALK).may_run


# What else the settings say


def test_the_services_own_protocols_are_suggested_first(homes: Callable[..., Home]) -> None:
    home = homes(
        library=library(), protocols={"suicide-thoughts": ("evening-walk", "not-here"), "trolling": ("x",)}
    )

    home.desk.intake.take_in("fake", a_page(a_flag()))

    suggested = home.case(the_case(home)).suggested
    assert suggested == ("evening-walk", "suicide-thoughts")


def a_line(**more: Any) -> Resource:
    made = Resource("line", "A line", "listening", ("crisis",), (Channel("phone", "01632 960001"),), ("GB",))
    return replace(made, **more)


def test_a_crisis_service_nobody_checked_is_not_put_into_a_message(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = home.clock.at.date()
    unsure = Channel("phone", "check locally")
    for line in (
        a_line(),
        a_line(verified_on=today - timedelta(days=91)),
        a_line(verified_on=today, channels=(unsure,)),
    ):
        monkeypatch.setattr(home.library, "all_resources", lambda line=line: (line,))
        with pytest.raises(NotAllowed, match="Nobody checked"):
            home.desk.cases.resource_words("line")
        demo = replace(home.desk.cases, settings=replace(home.settings, demo=True))
        assert demo.resource_words("line").startswith("A line: ")

    monkeypatch.setattr(home.library, "all_resources", lambda: (a_line(verified_on=today),))

    assert home.desk.cases.resource_words("line") == "A line: 01632 960001"
    with pytest.raises(NotAllowed, match="no crisis service"):
        home.desk.cases.resource_words("other")
