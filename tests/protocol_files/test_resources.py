"""The shipped crisis resources: nothing claims to be checked, nothing unread is a number, no topic is empty."""

from __future__ import annotations

import re
from datetime import date

import pytest

from modconsole.core.protocol import Resource
from modconsole.protocol_files import FileLibrary, shipped_folder

COMPILED = date(2026, 11, 22)
TOPICS = (
    "emergency crisis suicide self-harm distress eating-disorder young-people child-protection csam-reporting"
    " domestic-abuse sexual-violence hate terrorism drugs-alcohol medicines online-safety carers"
    " bereavement adult-social-care victims"
).split()
NATIONS = ("GB-ENG", "GB-SCT", "GB-WLS", "GB-NIR")
UNREAD = {
    "0808 800 5000": "NSPCC",
    "0808 801 0677": "Beat",
    "0300 123 6600": "FRANK",
    "0800 58 58 58": "CALM",
    "0800 83 85 87": "Breathing Space",
    "0345 6000 459": "Revenge Porn Helpline",
    "0808 500 2222": "Rape Crisis",
    "1800 247 247": "Pieta",
    "1800 55 1800": "Kids Helpline",
}
"""Numbers that the safeguarding guide only recalls."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> FileLibrary:
    return FileLibrary([shipped_folder()], tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def resources(library: FileLibrary) -> dict[str, Resource]:
    return {resource.id: resource for resource in library.all_resources()}


def ids(library: FileLibrary, topics: list[str], place: str, limit: int = 3) -> list[str]:
    return [resource.id for resource in library.resources(topics, [place], limit)]


def test_no_entry_claims_to_be_checked_and_each_says_where_it_was_read(resources: dict[str, Resource]):
    for resource in resources.values():
        assert resource.verified_on is None
        assert resource.is_stale(COMPILED)
        assert resource.seen_on == COMPILED
        assert resource.source_url.startswith("https://"), resource.id
        assert resource.recheck_days in (30, 90)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_something_for_the_united_kingdom(library: FileLibrary, topic: str):
    for nation in NATIONS:
        assert library.resources([topic], [nation], 9), nation


def test_no_entry_has_a_topic_that_no_sheet_may_wish_for(resources: dict[str, Resource]):
    assert {topic for resource in resources.values() for topic in resource.topics} == set(TOPICS)


def test_numbers_that_nobody_read_are_given_nowhere(resources: dict[str, Resource]):
    shipped = {re.sub(r"\D", "", channel.value) for r in resources.values() for channel in r.channels}

    for number, name in UNREAD.items():
        assert re.sub(r"\D", "", number) not in shipped, name
        assert any(name in resource.name for resource in resources.values()), name


def test_an_unread_number_says_check_locally_where_the_number_would_stand(resources: dict[str, Resource]):
    for resource in resources.values():
        if any("Only the name is known here" in caution for caution in resource.cautions):
            assert [channel.type for channel in resource.channels] == ["advice"], resource.id
            assert "check locally" in resource.channels[0].value


@pytest.mark.parametrize(
    ("id", "value", "hours"),
    [
        ("gb-emergency", "999", ""),
        ("gb-eng-nhs-111", "111, then option 2", "24/7"),
        ("gb-nir-lifeline", "0808 808 8000", "24/7"),
        ("gb-samaritans", "116 123", "24/7"),
        ("gb-shout", "SHOUT to 85258", "24/7"),
        ("gb-childline", "0800 1111", ""),
        ("gb-papyrus-hopeline247", "0800 068 4141", ""),
        ("gb-saneline", "0300 304 7000", "4pm to 10pm daily"),
        ("gb-national-domestic-abuse-helpline", "0808 2000 247", "24/7"),
        ("gb-mens-advice-line", "0808 801 0327", ""),
        ("gb-galop", "0800 999 5428", "see their site"),
        ("gb-anti-terrorist-hotline", "0800 789 321", ""),
        ("gb-crimestoppers", "0800 555 111", ""),
        ("ie-text-50808", "50808", "24/7"),
        ("us-emergency", "911", ""),
        ("us-988", "988", ""),
        ("us-crisis-text-line", "HOME to 741741", ""),
        ("ca-988", "988", "24/7"),
        ("ca-kids-help-phone", "1-800-668-6868", ""),
        ("ca-crisis-text-line", "HOME to 741741", ""),
        ("au-lifeline", "13 11 14", "24/7"),
        ("nz-emergency", "111", ""),
        ("nz-1737", "1737", "24/7"),
        ("nz-lifeline", "0800 543 354", ""),
        ("nz-suicide-crisis-helpline", "0508 828 865", ""),
        ("de-emergency", "112", ""),
        ("de-telefonseelsorge", "0800 111 0 111", "24/7"),
        ("de-nummer-gegen-kummer", "116 111", "limited hours: check locally"),
        ("fr-emergency", "112", ""),
        ("fr-3114", "3114", "24/7"),
        ("fr-fil-sante-jeunes", "0 800 235 236", ""),
        ("nl-113", "113", "24/7"),
        ("anywhere-find-a-helpline", "findahelpline.com", ""),
    ],
)
def test_every_number_that_was_read_is_exactly_as_in_the_guide(
    resources: dict[str, Resource], id: str, value: str, hours: str
):
    first = resources[id].channels[0]

    assert (first.value, first.hours) == (value, hours)


def test_second_hand_and_contradictory_numbers_say_so(resources: dict[str, Resource]):
    for id in ("gb-wls-nhs-111", "gb-sct-nhs-111", "ca-kids-help-phone", "de-telefonseelsorge"):
        assert "secondary source" in " ".join(resources[id].cautions)
    for id in ("gb-papyrus-hopeline247", "fr-3114", "nl-113"):
        assert resources[id].recheck_days == 30


def test_ages_are_kept(resources: dict[str, Resource]):
    assert resources["gb-childline"].age_max == 18
    assert resources["gb-papyrus-hopeline247"].age_max == 34
    assert resources["gb-rape-crisis"].age_min == 16


@pytest.mark.parametrize(
    ("place", "first"),
    [
        ("GB-ENG", ["gb-eng-nhs-111", "gb-samaritans", "gb-shout"]),
        ("GB-WLS", ["gb-wls-nhs-111", "gb-samaritans", "gb-shout"]),
        ("GB-SCT", ["gb-sct-nhs-111", "gb-samaritans", "gb-shout"]),
        ("GB-NIR", ["gb-nir-lifeline", "gb-samaritans", "gb-shout"]),
        ("IE", ["gb-samaritans", "ie-text-50808", "ie-pieta"]),
        ("US", ["us-988", "us-crisis-text-line", "anywhere-find-a-helpline"]),
        ("NL", ["nl-113", "anywhere-find-a-helpline"]),
        ("unknown", ["anywhere-find-a-helpline"]),
    ],
)
def test_someone_with_thoughts_of_suicide_is_offered_what_is_closest(
    library: FileLibrary, place: str, first: list[str]
):
    assert ids(library, ["suicide", "crisis"], place) == first


@pytest.mark.parametrize("place", [*NATIONS, "GB", "IE", "US", "CA", "AU", "NZ", "DE", "FR", "NL", "unknown"])
def test_there_is_an_emergency_line_for_every_place(library: FileLibrary, place: str):
    lines = library.emergency([place])

    assert lines
    assert all(line.kind == "emergency" for line in lines)
    assert lines[-1].id == "anywhere-emergency", (
        "where a number was not read: ring your local emergency number"
    )


def test_countries_that_the_guide_does_not_want_shipped_are_not(resources: dict[str, Resource]):
    countries = {area.partition("-")[0] for resource in resources.values() for area in resource.areas}

    assert countries == {"GB", "IE", "US", "CA", "AU", "NZ", "DE", "FR", "NL", "EU", "anywhere"}


def test_lines_that_somebody_might_be_seen_ringing_say_so(resources: dict[str, Resource]):
    for resource in resources.values():
        if resource.topics == ("domestic-abuse",):
            assert any("safe for the member to be seen" in caution for caution in resource.cautions)
