"""From flags to urgency, suggestions and a place in the queue, each with its reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from modconsole.core.clocks import Due
from modconsole.core.model import Flag, Target, TargetKind
from modconsole.core.topics import TOPICS
from modconsole.core.triage import judge, queue_place
from modconsole.core.urgency import Urgency

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
POST = Target(TargetKind.POST, "p1")


def flag(reason="spam", topic="", reporter="", id="1"):
    return Flag(id, POST, reason, NOON, topic=topic, reporter=reporter)


def everything(_id):
    return True


def test_the_fastest_flag_wins_and_says_so_first():
    judged = judge(
        [flag("spam", "spam-fundraising-research-media"), flag("goodbye", "suicide-immediate")],
        {},
        everything,
    )

    assert judged.urgency is Urgency.NOW
    assert judged.topic == "suicide-immediate"
    assert judged.suggested[0] == "suicide-immediate"
    assert "goodbye" in judged.reasons[0].text


def test_a_reason_nobody_mapped_is_looked_at_soon():
    judged = judge([flag("something new")], {}, everything)

    assert judged.urgency is Urgency.SOON
    assert "nobody has mapped" in judged.reasons[0].text


def test_a_reason_nobody_mapped_sets_the_pace_and_the_others_say_what_it_is_about():
    judged = judge([flag("other"), flag("doxxing", "identifying-information", id="2")], {}, everything)

    assert judged.urgency is Urgency.SOON
    assert judged.topic == "identifying-information"


def test_the_services_own_mapping_goes_before_the_adapters():
    judged = judge([flag("needs care", "trolling")], {"needs care": "suicide-thoughts"}, everything)

    assert judged.topic == "suicide-thoughts"


def test_a_service_can_map_one_topic_to_another():
    judged = judge([flag("x", "trolling")], {"trolling": "harassment-hate-bullying"}, everything)

    assert judged.topic == "harassment-hate-bullying"


def test_a_protocol_that_is_not_in_the_library_is_not_suggested():
    judged = judge([flag("x", "self-harm"), flag("y", "trolling")], {}, lambda id: id == "trolling")

    assert judged.suggested == ("trolling",)


def test_a_reason_nobody_knows_suggests_the_sheet_that_asks_about_safety_first():
    assert judge([flag("who knows", "")], {}, everything).suggested == ("distress-no-safety-signs",)


def test_three_reporters_make_it_soon_but_two_do_not():
    def by(*reporters):
        flags = [flag("spam", "spam-fundraising-research-media", who, id=who) for who in reporters]
        return judge(flags, {}, everything).urgency

    assert by("a", "b") is Urgency.ROUTINE
    assert by("a", "b", "c") is Urgency.SOON
    assert by("a", "a", "a") is Urgency.ROUTINE


def test_a_reason_is_cut_to_a_length_fit_for_a_row():
    judged = judge([flag("x" * 5000, "trolling")], {}, everything)

    assert len(judged.reasons[0].text) < 200


@given(st.lists(st.sampled_from(list(TOPICS)), min_size=1, max_size=6))
def test_more_flags_never_make_a_case_less_urgent(topics):
    flags = [flag(topic, topic, id=str(number)) for number, topic in enumerate(topics)]

    for count in range(1, len(flags)):
        fewer, more = judge(flags[:count], {}, everything), judge(flags[: count + 1], {}, everything)
        assert more.urgency.rank <= fewer.urgency.rank


def test_the_queue_goes_by_urgency_then_by_what_is_due_first():
    late, early = NOON + timedelta(hours=2), NOON + timedelta(hours=1)

    now = queue_place(Urgency.NOW, Due(late, late), NOON, looked_at=False)
    soon_early = queue_place(Urgency.SOON, Due(early, late), NOON, looked_at=False)
    soon_late = queue_place(Urgency.SOON, Due(late, late), NOON, looked_at=False)

    assert sorted([soon_late, soon_early, now]) == [now, soon_early, soon_late]


def test_without_targets_the_one_flagged_first_comes_first():
    first = queue_place(Urgency.SOON, Due(None, None), NOON, looked_at=False)
    second = queue_place(Urgency.SOON, Due(None, None), NOON + timedelta(minutes=1), looked_at=False)

    assert first < second


def test_there_is_no_word_for_a_persons_risk():
    assert {urgency.value for urgency in Urgency} == {"now", "soon", "today", "routine"}
