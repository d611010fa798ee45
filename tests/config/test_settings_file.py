"""`config.toml`: read with every mistake in its place, written without losing a comment."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from modconsole.config.paths import Paths
from modconsole.config.settings_file import TomlSettingsFile
from modconsole.core.errors import SettingsError, WrongUsage
from modconsole.ports.settings import Contact, ForumSettings

WHOLE = """\
# our forum
[service]
org = "Lantern"
time_zone = "Europe/London"
staffed_hours = ["Mon-Fri 08:00-24:00", "Sat, Sun 10:00-18:00"]
jurisdictions = ["GB-ENG", "GB"]
age_bands = ["adult", "16_17"]
forum_types = ["charity"]
allow_drafts = true
undo_seconds = 20

[[service.contacts]]
role = "safeguarding lead"
name = "Sam"
reach = "room 4"

[reasons]
"off topic" = "trolling"

[me]
pseudonym = "robin"
role = "senior_moderator"

[device]
id = "desk-1"

[[forum]]
id = "garden"
kind = "synapse"
url = "https://garden.example"
rooms = ["a", "b"]

[[forum]]
id = "pond"
kind = "ozone"   # the second

[keys]
queue.next = ["j", "down"]
"queue.previous" = "k"

[look]
theme = "light"
unfold = true
"""


def settings_file(folder: Path, text: str | None = None) -> TomlSettingsFile:
    file = TomlSettingsFile(Paths.under(folder))
    if text is not None:
        folder.mkdir(exist_ok=True)
        file.path.write_text(text, encoding="utf-8")
    return file


def mistakes(folder: Path, text: str) -> list[str]:
    file = settings_file(folder, text)
    with pytest.raises(SettingsError) as caught:
        file.read()
    assert caught.value.exit_code == 2
    lines = caught.value.what.strip().splitlines()
    assert all(line.startswith(f"{file.path}:") for line in lines[1:])
    return [line.removeprefix(f"{file.path}:") for line in lines[1:]]


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    settings = settings_file(tmp_path, WHOLE).read()

    service = settings.service
    assert (service.org, service.time_zone, service.allow_drafts, service.undo_seconds) == (
        "Lantern",
        "Europe/London",
        True,
        20,
    )
    assert service.staffed_hours is not None
    assert service.staffed_lines == ("Mon-Fri 08:00-24:00", "Sat, Sun 10:00-18:00")
    assert service.jurisdictions == ("GB-ENG", "GB")
    assert service.contacts == (Contact("safeguarding lead", "Sam", "room 4"),)
    assert service.reasons == {"off topic": "trolling"}
    assert (settings.me, settings.role, settings.device) == ("robin", "senior_moderator", "desk-1")
    assert settings.forums == (
        ForumSettings("garden", "synapse", {"url": "https://garden.example", "rooms": ["a", "b"]}),
        ForumSettings("pond", "ozone", {}),
    )
    assert settings.look.theme == "light"
    assert settings.look.unfold
    assert settings.look.keys == {"queue.next": "j,down", "queue.previous": "k"}
    assert (settings.home, settings.demo) == (tmp_path, False)


def test_little_is_needed(tmp_path: Path) -> None:
    settings = settings_file(
        tmp_path, '[service]\norg = "A"\n[me]\npseudonym = "b"\n[device]\nid = "c"\n'
    ).read()

    assert settings.service.staffed_hours is None
    assert (settings.service.undo_seconds, settings.service.allow_drafts, settings.role) == (
        10,
        False,
        "moderator",
    )


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ('"Europe/London"', '"Europe/Lodnon"', "4:1: service.time_zone", 'Did you mean "Europe/London"?'),
        ('"Europe/London"', '"../../etc/passwd"', "4:1: service.time_zone", "should be a time zone"),
        ('"Europe/London"', '"Europe"', "4:1: service.time_zone", "should be a time zone"),
        ('"Sat, Sun 10:00-18:00"', '"Sat 25:00-18:00"', "5:41: service.staffed_hours[2]", '"25:00"'),
        (
            '"GB-ENG"',
            '"England"',
            "6:18: service.jurisdictions[1]",
            'such as "GB" or "GB-ENG", and is "England".',
        ),
        ('"16_17"', '"16-17"', "7:23: service.age_bands[2]", 'and is "16-17". Did you mean "16_17"?'),
        (
            "= true\nundo",
            '= "yes"\nundo',
            "9:1: service.allow_drafts",
            'true or false (no quotes), and is "yes".',
        ),
        ("= 20", "= 900", "10:1: service.undo_seconds", "a whole number from 0 to 120, and is 900."),
        ("= 20", "= true", "10:1: service.undo_seconds", "a whole number from 0 to 120, and is true."),
        ("undo_seconds", "undo_second", "10:1: service.undo_second", 'Did you mean "undo_seconds"?'),
        ('reach = "room 4"', "", "12:1: service.contacts[1]", '"reach" is missing here.'),
        ('"trolling"', '"troling"', "18:1: reasons.off topic", 'Did you mean "trolling"?'),
        ('"robin"', '"robin@lantern.example"', "21:1: me.pseudonym", "looks like an e-mail"),
        ('"robin"', '"rob\\u202ein"', "21:1: me.pseudonym", "has a line break or a hidden"),
        (
            '"senior_moderator"',
            '"senior moderator"',
            "22:1: me.role",
            'one of "moderator", "senior_moderator"',
        ),
        (
            '"desk-1"',
            '"Desk 1"',
            "25:1: device.id",
            'small letters, digits and "-" (at most 32), and is "Desk 1".',
        ),
        ('"desk-1"', "7", "25:1: device.id", "should be text in quotes, and is 7."),
        ('"pond"', '"garden"', "34:1: forum[2].id", 'is "garden", and another forum has this id already.'),
        ('id = "pond"', "", "33:1: forum[2]", '"id" is missing here.'),
        ('id = "garden"', 'id = "../garden"', "28:1: forum[1].id", "should be small letters"),
        ("[keys]", "[kyes]", "37:1: kyes", 'is not a section we know. Did you mean "keys"?'),
        ('["j", "down"]', "7", "38:1: keys.queue.next", "should be a key or a list of keys"),
        ('"light"', '"dusk"', "42:1: look.theme", "should be one of"),
        ("[me]", "[[me]]", "20:1: me", "should be a section [me], and is a list of 1."),
        (
            "[[service.contacts]]",
            "[service.contacts]",
            "12:1: service.contacts",
            "should be written as [[service.con",
        ),
    ],
)
def test_a_mistake_names_its_place_what_was_found_and_what_was_expected(
    old: str, new: str, where: str, said: str, tmp_path: Path
) -> None:
    assert old in WHOLE

    found = mistakes(tmp_path, WHOLE.replace(old, new, 1))

    assert any(line.startswith(f"{where}: ") and said in line for line in found)


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = WHOLE.replace('"Lantern"', "7").replace('"adult"', '"adlt"').replace("[look]", "[lok]")

    found = mistakes(tmp_path, text)

    assert len(found) == 3
    assert [line.split(": ")[1] for line in found] == ["service.org", "service.age_bands[1]", "lok"]


def test_an_empty_file_names_everything_that_is_missing(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "") == [
        '1:1: service: "org" is missing here.',
        '1:1: me: "pseudonym" is missing here.',
        '1:1: device: "id" is missing here.',
    ]


def test_staffed_hours_need_a_zone(tmp_path: Path) -> None:
    text = WHOLE.replace('time_zone = "Europe/London"\n', "")

    assert mistakes(tmp_path, text)[0].startswith("4:1: service.staffed_hours: needs a")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[service]\norg = Lantern\n", "2:7: is not TOML: "),
        ("[service\n", "1:9: is not TOML: "),
        ('a = "open', "1:1: Unterminated string"),
        ("a = 1\na = 2\n", "2:6: is not TOML: "),
    ],
)
def test_what_is_not_toml_names_its_place(text: str, where: str, tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, text)

    assert found.startswith(where)


def test_what_is_not_utf_8_names_its_line(tmp_path: Path) -> None:
    file = settings_file(tmp_path)
    file.path.write_bytes(b'[service]\norg = "caf\xe9"\n')
    with pytest.raises(SettingsError, match=r"config\.toml:2:1: is not UTF-8"):
        file.read()


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    file = settings_file(tmp_path)
    file.path.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())

    assert file.read().me == "robin"


@pytest.mark.parametrize(
    "line",
    [
        'token = "hunter2"',
        'api_key = "hunter2"',
        'apiKey = "hunter2"',
        'access-token = "hunter2"',
        'admin_password = "hunter2"',
        'client_secret = ["hunter2"]',
        'login.password = "hunter2"',
        'address = "https://me:hunter2@garden.example"',
        "token = 44556677",
    ],
)
@pytest.mark.parametrize("section", ['[[forum]]\nid = "a"\nkind = "synapse"\n', "[synapse]\n", "[me]\n"])
def test_a_secret_is_refused_and_not_shown(section: str, line: str, tmp_path: Path) -> None:
    found = mistakes(tmp_path, f'[service]\norg = "A"\n[device]\nid = "c"\n{section}{line}\n')

    assert any("belong in the keyring" in line for line in found)
    assert "hunter2" not in "".join(found)
    assert "44556677" not in "".join(found)


@pytest.mark.parametrize(
    "line", ['token = ""', "use_token = true", 'tokenizer = "x"', 'site = "https://a.example/b:c@d"']
)
def test_what_only_looks_like_a_secret_is_fine(line: str, tmp_path: Path) -> None:
    assert settings_file(tmp_path, WHOLE.replace('kind = "synapse"', f'kind = "synapse"\n{line}')).read()


def test_without_a_file_it_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_file(tmp_path / "none").read()

    assert "`modconsole demo`" in caught.value.next_step
    assert "`modconsole forum add`" in caught.value.next_step


def test_a_folder_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    file = settings_file(tmp_path)
    file.path.mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        file.read()


# The hash


def test_the_hash_is_about_what_happens_and_not_about_looks_or_layout(tmp_path: Path) -> None:
    usual = settings_file(tmp_path, WHOLE).read().hash
    same = [
        WHOLE.replace("# our forum\n", ""),
        WHOLE.replace('"light"', '"dark"').replace('["j", "down"]', '"x"'),
        WHOLE.replace("unfold = true", "unfold = false"),
        WHOLE.replace('[me]\npseudonym = "robin"\nrole = "senior_moderator"\n', "")
        + '[me]\nrole = "senior_moderator"\npseudonym = "robin"\n',
        WHOLE.replace("undo_seconds = 20", "undo_seconds = 20\ndemo = false"),
    ]
    different = [
        WHOLE.replace("undo_seconds = 20", "undo_seconds = 21"),
        WHOLE.replace("robin", "wren"),
        WHOLE.replace("desk-1", "desk-2"),
        WHOLE.replace('"trolling"', '"drugs-alcohol"'),
        WHOLE.replace("room 4", "room 5"),
        WHOLE.replace("https://garden.example", "https://other.example"),
        WHOLE.replace('id = "pond"', 'id = "lake"'),
        WHOLE.replace("Mon-Fri", "Mon-Sat"),
        WHOLE.replace("allow_drafts = true", ""),
    ]

    assert len(usual) == 64
    assert {settings_file(tmp_path, text).read().hash for text in same} == {usual}
    hashes = [settings_file(tmp_path, text).read().hash for text in different]
    assert len({usual, *hashes}) == len(different) + 1


def test_a_default_said_aloud_does_not_change_the_hash(tmp_path: Path) -> None:
    short = WHOLE.replace("undo_seconds = 20\n", "").replace("allow_drafts = true\n", "")
    long = WHOLE.replace("undo_seconds = 20", "undo_seconds = 10").replace("= true\nundo", "= false\nundo")

    assert settings_file(tmp_path, short).read().hash == settings_file(tmp_path, long).read().hash


# Writing


def test_adding_a_forum_keeps_everything_else(tmp_path: Path) -> None:
    file = settings_file(tmp_path, WHOLE)
    new = ForumSettings(
        "hill", "ozone", {"url": "https://hill.example", "pages": 3, "on": True, "rooms": ("a",)}
    )
    file.add_forum(new)

    text = file.path.read_text(encoding="utf-8")
    assert file.read().forums[2] == replace(new, values={**new.values, "rooms": ["a"]})
    assert all(line in text for line in WHOLE.splitlines())
    assert "# the second" in text
    assert file.read().look.theme == "light"


def test_taking_a_forum_away_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = settings_file(tmp_path, WHOLE)
    file.add_forum(ForumSettings("hill", "ozone", {"url": "https://hill.example"}))
    file.remove_forum("hill")
    file.remove_forum("garden")

    assert [forum.id for forum in file.read().forums] == ["pond"]
    file.remove_forum("pond")
    assert file.read().forums == ()
    assert "# our forum" in file.path.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["forum = [{id = 'a', kind = 'b'}]\n", ""])
def test_forums_written_in_one_line_can_be_added_to(text: str, tmp_path: Path) -> None:
    file = settings_file(tmp_path, text + '[service]\norg = "A"\n[me]\npseudonym = "b"\n[device]\nid = "c"\n')
    before = file.read().forums
    file.add_forum(ForumSettings("hill", "ozone", {}))

    assert file.read().forums == (*before, ForumSettings("hill", "ozone", {}))
    file.remove_forum("hill")
    assert file.read().forums == before


def test_a_file_without_a_last_line_end_can_be_added_to(tmp_path: Path) -> None:
    file = settings_file(tmp_path, WHOLE.rstrip())
    for id in ("hill", "lake"):
        file.add_forum(ForumSettings(id, "ozone", {}))

    assert [forum.id for forum in file.read().forums] == ["garden", "pond", "hill", "lake"]
    assert '\n\n[[forum]]\nid = "lake"' in file.path.read_text(encoding="utf-8")


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    file = settings_file(tmp_path)
    file.path.write_bytes(WHOLE.replace("\n", "\r\n").encode())
    file.add_forum(ForumSettings("hill", "ozone", {}))

    assert WHOLE.partition("[keys]")[0].replace("\n", "\r\n").encode() in file.path.read_bytes()


def test_adding_the_first_forum_of_all_begins_the_file(tmp_path: Path) -> None:
    file = settings_file(tmp_path / "new" / "home")
    file.add_forum(ForumSettings("hill", "ozone", {"url": "https://hill.example"}))

    settings = file.read()
    assert [forum.id for forum in settings.forums] == ["hill"]
    assert settings.me.startswith("moderator-")
    assert settings.device.startswith("device-")
    assert "# No secrets in here" in file.path.read_text(encoding="utf-8")


def test_what_would_be_wrong_is_not_written(tmp_path: Path) -> None:
    file = settings_file(tmp_path, WHOLE)
    before = file.path.read_bytes()

    with pytest.raises(WrongUsage, match="already"):
        file.add_forum(ForumSettings("pond", "ozone", {}))
    with pytest.raises(WrongUsage, match="demo"):
        file.add_forum(ForumSettings("hill", "simulated", {}))
    with pytest.raises(SettingsError, match="small letters"):
        file.add_forum(ForumSettings("Hill!", "ozone", {}))
    with pytest.raises(SettingsError, match="keyring"):
        file.add_forum(ForumSettings("hill", "ozone", {"token": "hunter2"}))
    with pytest.raises(WrongUsage, match="no forum"):
        file.remove_forum("hill")
    with pytest.raises(WrongUsage, match="already"):
        file.write_new()
    assert file.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_a_broken_file_is_never_written_over(tmp_path: Path) -> None:
    file = settings_file(tmp_path, "[service\n")
    with pytest.raises(SettingsError):
        file.add_forum(ForumSettings("hill", "ozone", {}))

    assert file.path.read_text(encoding="utf-8") == "[service\n"


def test_the_file_is_ours_alone_and_a_link_stays_a_link(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "modconsole.toml"
    kept.parent.mkdir()
    kept.write_text(WHOLE, encoding="utf-8")
    file = settings_file(tmp_path / "home")
    file.path.parent.mkdir()
    file.path.symlink_to(kept)
    file.add_forum(ForumSettings("hill", "ozone", {}))

    assert file.path.is_symlink()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert 'id = "hill"' in kept.read_text(encoding="utf-8")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    file = settings_file(tmp_path, WHOLE)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left") as caught:
        file.add_forum(ForumSettings("hill", "ozone", {}))

    assert "as they were" in caught.value.kept
    assert file.path.read_text(encoding="utf-8") == WHOLE
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_a_new_home_can_be_read_at_once(tmp_path: Path) -> None:
    name = 'The "Lantern" \\ trust — Ünïcode 🏮'
    written = settings_file(tmp_path).write_new(
        org=name, pseudonym="robin", time_zone="Europe/London", device="d1", role="safeguarding_lead"
    )

    settings = settings_file(tmp_path).read()
    assert settings == written
    assert (settings.service.org, settings.me, settings.device, settings.role) == (
        name,
        "robin",
        "d1",
        "safeguarding_lead",
    )
    assert not settings.demo
    assert settings.forums == ()


def test_every_suggestion_in_the_new_file_is_one_that_can_be_taken(tmp_path: Path) -> None:
    file = settings_file(tmp_path)
    file.write_new(time_zone="Europe/London")
    text = file.path.read_text(encoding="utf-8")
    lines = [
        line[2:] if line.startswith("# ") and ("=" in line or line[2] == "[") else line
        for line in text.splitlines()
    ]
    settings = settings_file(tmp_path, "\n".join(lines)).read()

    assert settings.service.staffed_hours is not None
    assert settings.service.reasons == {"off topic": "trolling"}
    assert len(settings.service.contacts) == 1


def test_a_new_demo_home_has_one_simulated_forum_and_says_demo(tmp_path: Path) -> None:
    settings_file(tmp_path).write_new(demo=True)
    settings = settings_file(tmp_path).read()

    assert settings.demo
    assert settings.forums == (ForumSettings("demo", "simulated", {}),)
    with pytest.raises(WrongUsage, match="simulated"):
        settings_file(tmp_path).add_forum(ForumSettings("hill", "ozone", {}))


def test_values_that_could_not_be_read_back_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="e-mail"):
        settings_file(tmp_path).write_new(pseudonym="robin@lantern.example")

    assert not settings_file(tmp_path).exists


def test_every_setting_is_explained_with_where_it_comes_from(tmp_path: Path) -> None:
    rows = {name: (value, where) for name, value, where in settings_file(tmp_path, WHOLE).explain()}

    assert rows["service.org"] == ("Lantern", "config.toml line 3")
    assert rows["service.demo"] == ("false", "default")
    assert rows["forum.pond.kind"] == ("ozone", "config.toml line 35")
    assert rows["forum.garden.rooms"] == ("a, b", "config.toml line 31")
    assert rows["keys.queue.next"] == ("j,down", "config.toml line 38")
    assert rows["keys.queue.previous"] == ("k", "config.toml line 39")
    assert rows["service.contacts"][0] == "1 to reach in an emergency"
    assert "room 4" not in str(rows)
