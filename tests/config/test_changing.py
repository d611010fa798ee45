"""Single settings are changed in place: every other line, and every comment, stays as somebody wrote it."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from modconsole.config.settings_file import TomlSettingsFile
from modconsole.core.errors import SettingsError
from modconsole.core.note import VerifierKey
from modconsole.ports.settings import Contact
from tests.config.test_settings_file import WHOLE, mistakes, settings_file

KEY = str(VerifierKey("modconsole.lantern/lead/approvals", bytes(range(32))))
SHORT = '[service]\norg = "A"\n[me]\npseudonym = "b"\n[device]\nid = "c"\n'


@pytest.fixture
def new(tmp_path: Path) -> TomlSettingsFile:
    file = settings_file(tmp_path / "home")
    file.write_new()
    return file


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:2] not in ("--", "++", "@@")]


def test_a_first_file_is_filled_in_where_its_comments_show_how(new: TomlSettingsFile) -> None:
    before = new.path.read_text("utf-8")

    new.change("service", {"org": "Lantern", "jurisdictions": ["GB-ENG", "IE"]})
    new.change("service", {"age_bands": ("adult",), "allow_drafts": True})

    assert sorted(changed_lines(before, new.path.read_text("utf-8"))) == sorted(
        [
            '-org = "My service"                     # your organisation, as the log names it',
            '+org = "Lantern"                     # your organisation, as the log names it',
            '-# jurisdictions = ["GB-ENG"]',
            '+jurisdictions = ["GB-ENG", "IE"]',
            '-# age_bands = ["adult"]         # u13, 13_15, 16_17, adult, unknown',
            '+age_bands = ["adult"]           # u13, 13_15, 16_17, adult, unknown',
            "-# allow_drafts = false          # let draft protocols run on real cases",
            "+allow_drafts = true             # let draft protocols run on real cases",
        ]
    )
    service = new.read().service
    assert (service.org, service.jurisdictions, service.allow_drafts) == ("Lantern", ("GB-ENG", "IE"), True)


def test_a_key_without_such_a_comment_goes_below_the_name_of_the_service(tmp_path: Path) -> None:
    file = settings_file(tmp_path, SHORT)

    file.change("service", {"time_zone": "Europe/London"})
    file.change("reasons", {"off topic": "trolling"})
    file.change("reasons", {"“worried” \\ me": "self-harm"})

    settings = file.read()
    assert settings.service.time_zone == "Europe/London"
    assert settings.service.reasons == {"off topic": "trolling", "“worried” \\ me": "self-harm"}
    assert file.path.read_text("utf-8").startswith('[service]\norg = "A"\ntime_zone = "Europe/London"\n[me]')


def test_contacts_are_added_beside_those_that_are_there(tmp_path: Path) -> None:
    file = settings_file(tmp_path, WHOLE)

    file.add_contact(Contact("clinical_lead", "Kim", "the other phone", "9-5"))
    file.change("service", {"org": "Lamp"})

    contacts = file.read().service.contacts
    assert contacts == (
        Contact("safeguarding lead", "Sam", "room 4"),
        Contact("clinical_lead", "Kim", "the other phone", "9-5"),
    )
    assert set(WHOLE.splitlines()) - set(file.path.read_text("utf-8").splitlines()) == {'org = "Lantern"'}


def test_an_answer_that_cannot_be_followed_changes_nothing_and_says_so(new: TomlSettingsFile) -> None:
    before = new.path.read_bytes()

    with pytest.raises(SettingsError, match="age_bands") as caught:
        new.change("service", {"age_bands": ["teenager"]})
    with pytest.raises(SettingsError, match="trolling"):
        new.change("reasons", {"off topic": "troling"})

    assert "as they were" in caught.value.kept
    assert new.path.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        SHORT.replace('org = "A"', 'org = "A"\ncontacts = [{role = "a", name = "b", reach = "c"}]'),
        'service = {org = "A"}\nme = {pseudonym = "b"}\ndevice = {id = "c"}\n',
    ],
)
def test_a_file_in_another_style_is_left_alone(tmp_path: Path, text: str) -> None:
    file = settings_file(tmp_path, text)

    with pytest.raises(SettingsError, match="cannot change safely"):
        file.add_contact(Contact("clinical_lead", "Kim", "the other phone"))

    assert file.path.read_text("utf-8") == text


def test_a_line_that_would_land_in_another_section_is_not_written(tmp_path: Path) -> None:
    file = settings_file(tmp_path, 'reasons.late = "trolling"\n' + SHORT)

    with pytest.raises(SettingsError, match="cannot change safely"):
        file.change("reasons", {"off topic": "self-harm"})

    assert file.read().service.reasons == {"late": "trolling"}


# What is read


def test_own_protocols_and_approvers_are_read_and_count_as_a_change(tmp_path: Path) -> None:
    before = settings_file(tmp_path / "a", SHORT).read()
    more = f'approvers = ["{KEY}"]\nprotocols = {{self-harm = ["our-self-harm"], trolling = "ours"}}\n'
    after = settings_file(tmp_path / "b", SHORT.replace("[me]", more + "[me]")).read()

    assert after.service.protocols == {"self-harm": ("our-self-harm",), "trolling": ("ours",)}
    assert after.service.approvers == (KEY,)
    assert after.hash != before.hash
    assert (before.service.protocols, before.service.approvers) == ({}, ())


def test_unknown_topics_and_words_that_are_no_id_are_told_in_their_place(tmp_path: Path) -> None:
    said = mistakes(
        tmp_path,
        SHORT + '[service.protocols]\nself-ham = ["ours"]\nself-harm = ["Our sheet"]\ntrolling = 3\n',
    )

    assert len(said) == 3
    assert said[0] == '8:1: service.protocols.self-ham: is not one of our topics. Did you mean "self-harm"?'
    assert said[1].startswith("9:14: service.protocols.self-harm[1]: should be a protocol's id")
    assert said[2].startswith("10:1: service.protocols.trolling: should be a list of protocols")


@pytest.mark.parametrize("key", ["", "no key", KEY[:-4] + "AAA=", KEY.replace("lead", "lear")])
def test_an_approver_is_a_key_that_belongs_together(tmp_path: Path, key: str) -> None:
    (said,) = mistakes(tmp_path, SHORT.replace("[me]", f'approvers = ["{key}"]\n[me]'))

    assert "service.approvers[1]: should be the key that `modconsole protocol approve --key` prints" in said


def test_explain_names_them(tmp_path: Path) -> None:
    text = SHORT.replace("[me]", f'approvers = ["{KEY}"]\nprotocols.self-harm = ["ours"]\n[me]')

    rows = {name: (value, where) for name, value, where in settings_file(tmp_path, text).explain()}

    assert rows["service.approvers"] == ("1 whose approvals can be taken over", "config.toml line 3")
    assert rows["service.protocols.self-harm"] == ("ours", "config.toml line 4")
