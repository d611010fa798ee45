"""Finding adapters, refusing what does not fit in a sentence, and opening the rest."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from modconsole.adapters.catalogue import Catalogue
from modconsole.core.errors import ForumError, SettingsError, WrongUsage
from modconsole.ports.forum import Forum, ForumContext, ForumInfo, Web, setting
from modconsole.ports.settings import ForumSettings
from modconsole.ports.vault import Secrets
from tests.adapters.forums import INFO, NOW, Quiet

MODULE = "modconsole_test_adapters"


class MemorySecrets(Secrets):
    where = "memory"
    needs_passphrase = False

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def unlock(self, passphrase: str = "") -> None: ...

    def get(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def set(self, name: str, value: bytes) -> None:
        self.kept[name] = value

    def delete(self, name: str) -> None:
        del self.kept[name]

    def names(self) -> Sequence[str]:
        return list(self.kept)


@dataclass(frozen=True)
class GardenSettings:
    url: str = setting("Address of the server")
    rooms: tuple[str, ...] = setting("Rooms", default=())
    pages: int = setting("Pages", default=3)
    slow: float = setting("Seconds", default=1.0)
    on: bool = setting("On", default=True)
    colour: str = setting("Colour", default="green", choices=("green", "red"))
    note: str | None = setting("Note", default=None)
    token: str = setting("Token", secret=True)
    allow_http: bool = setting("Plain http", default=False)

    def __post_init__(self) -> None:
        if self.url == "https://wrong.example":
            raise ValueError("That address is a joke.")
        if self.url == "https://broken.example":
            raise KeyError("a secret")


class Garden(Quiet):
    kind = "garden"
    title = "Garden"
    Settings = GardenSettings


class Simulated(Quiet):
    kind = "simulated"


class Old(Quiet):
    kind = "old"
    api = 0


class New(Quiet):
    kind = "new"
    api = 2


class Half(Forum):
    kind = "half"

    async def connect(self) -> ForumInfo:
        return INFO


class Misnamed(Quiet):
    kind = "someone_else"


class Loose(Quiet):
    kind = "loose"
    capabilities = {"hide": True}  # type: ignore[assignment]  # noqa: RUF012


class Unset(Quiet):
    kind = "unset"
    Settings = dict


def point(kind: str, value: str = "", package: str = "") -> EntryPoint:
    made = EntryPoint(kind, value or f"{MODULE}:{kind.capitalize()}", "modconsole.adapters")
    return made._for(SimpleNamespace(name=package or f"modconsole-{kind}", version="1.2"))  # type: ignore[attr-defined,no-any-return]


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make this module's adapters importable by name, beside some packages that break."""
    module = ModuleType(MODULE)
    vars(module).update(globals())
    monkeypatch.setitem(sys.modules, MODULE, module)
    for name, text in {
        "breaks_on_import": "raise ValueError('the-token')",
        "exits_on_import": "raise SystemExit('the-token')",
        "wants_more": "import a_module_that_nobody_has",
        "is_not_python": "def (",
    }.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture
def catalogue(tmp_path: Path) -> Callable[..., Catalogue]:
    def make(*points: EntryPoint, demo: bool = False, **more: Any) -> Catalogue:
        return Catalogue(
            demo=demo,
            folder=tmp_path / "data" / "forums",
            secrets=more.pop("secrets", MemorySecrets()),
            now=lambda: NOW,
            found=lambda: points,
            **more,
        )

    return make


Make = Callable[..., Catalogue]


def problems(catalogue: Make, **values: object) -> Sequence[str]:
    return catalogue(point("garden")).settings_problems(ForumSettings("g", "garden", values))


def test_listing_names_what_is_there_and_imports_none_of_it(catalogue: Make) -> None:
    found = catalogue(point("garden"), point("bad", "breaks_on_import:X"), point("simulated")).list()

    assert [(info.kind, info.distribution, info.version) for info in found] == [
        ("bad", "modconsole-bad", "1.2"),
        ("garden", "modconsole-garden", "1.2"),
        ("simulated", "modconsole-simulated", "1.2"),
    ]
    assert [bool(info.problem) for info in found] == [False, False, True]
    assert "breaks_on_import" not in sys.modules


def test_our_own_simulated_forum_is_found_among_the_installed() -> None:
    found = Catalogue(demo=True, folder=Path("unused"), secrets=MemorySecrets(), now=lambda: NOW).list()

    assert "simulated" in [info.kind for info in found]


def test_loading_gives_the_class(catalogue: Make) -> None:
    assert catalogue(point("garden")).load("garden") is Garden


def test_an_unknown_kind_names_those_there_are_and_the_nearest(catalogue: Make) -> None:
    with pytest.raises(WrongUsage) as caught:
        catalogue(point("garden"), point("old")).load("gardn")

    assert "“garden”" in caught.value.what
    assert "garden, old" in caught.value.next_step
    assert "Install" in caught.value.next_step


def test_the_same_package_found_twice_counts_once_and_two_packages_do_not(catalogue: Make) -> None:
    assert catalogue(point("garden"), point("garden")).load("garden") is Garden
    two = catalogue(point("garden"), point("garden", package="other"))
    with pytest.raises(WrongUsage, match="modconsole-garden and other"):
        two.load("garden")
    assert "other" in two.list()[0].problem


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (point("bad", "breaks_on_import:X"), "raised ValueError"),
        (point("bad", "exits_on_import:X"), "raised SystemExit"),
        (point("bad", "is_not_python:X"), "raised SyntaxError"),
        (point("bad", "wants_more:X"), "needs the module “a_module_that_nobody_has”"),
        (point("bad", f"{MODULE}:Nobody"), "raised AttributeError"),
        (point("bad", f"{MODULE}:GardenSettings"), "not a subclass of modconsole.ports.Forum"),
        (point("bad", f"{MODULE}:NOW"), "not a subclass"),
        (point("old"), "version 0 of the adapter contract, and this is version 1"),
        (point("new"), "version 2 of the adapter contract, and this is version 1"),
        (
            point("half"),
            "it lacks ask, flags, history, member, post, read_state, thread, title, Settings, capabilities",
        ),
        (point("misnamed"), "calls itself “someone_else”"),
        (point("loose"), "capabilities should be a Capabilities"),
        (point("unset"), "Settings is not a dataclass"),
    ],
    ids=lambda value: value.value if isinstance(value, EntryPoint) else "",
)
def test_an_adapter_that_does_not_fit_is_refused_in_a_sentence(
    entry: EntryPoint, said: str, catalogue: Make
) -> None:
    with pytest.raises(WrongUsage) as caught:
        catalogue(entry, point("garden")).load(entry.name)

    assert said in caught.value.what
    assert caught.value.next_step
    assert "the-token" not in str(caught.value)
    assert catalogue(entry, point("garden")).load("garden") is Garden


# Settings


def test_settings_that_fit_have_no_problems(catalogue: Make) -> None:
    assert (
        problems(catalogue, url="https://a.example", rooms=["a"], pages=4, slow=2, on=False, note="x") == ()
    )


def test_every_problem_comes_at_once_with_what_was_found_and_expected(catalogue: Make) -> None:
    found = problems(
        catalogue, rooms="a", pages="4", slow=True, on=1, colour="grean", token="hunter2", romms=["a"], note=7
    )

    assert list(found) == [
        "“romms” is not one of its settings. Did you mean “rooms”?",
        "“url” is missing (Address of the server).",
        '“rooms” should be a list of texts such as ["a", "b"], and is \'a\'.',
        "“pages” should be a whole number, and is '4'.",
        "“slow” should be a number, and is True.",
        "“on” should be true or false, and is 1.",
        "“colour” is 'grean', and can be green, red. Did you mean “green”?",
        "“note” should be text in quotes, and is 7.",
        "“token” is a secret and belongs in the keyring: `modconsole forum add` asks for it.",
    ]


def test_an_adapter_can_add_checks_of_its_own(catalogue: Make) -> None:
    assert problems(catalogue, url="https://wrong.example") == ("That address is a joke.",)
    assert problems(catalogue, url="https://broken.example") == ("Its adapter refused them with a KeyError.",)


def test_opening_with_wrong_settings_says_all_that_is_wrong(catalogue: Make) -> None:
    with pytest.raises(SettingsError) as caught:
        catalogue(point("garden")).open(ForumSettings("g", "garden", {"pages": "4"}))

    assert "“url” is missing" in caught.value.what
    assert "“pages” should be" in caught.value.what
    assert 'id = "g"' in caught.value.next_step


# Opening


async def test_an_opened_forum_has_its_settings_its_drawer_its_folder_and_its_web(
    catalogue: Make, tmp_path: Path
) -> None:
    asked: list[tuple[str, bool]] = []

    def web(base: str, allow_http: bool) -> Web:
        asked.append((base, allow_http))
        raise ForumError("no network in tests")

    secrets = MemorySecrets()
    secrets.kept = {"forum/g/token": b"mine", "forum/other/token": b"theirs"}
    opened = catalogue(point("garden"), secrets=secrets, web=web).open(
        ForumSettings("g", "garden", {"url": "http://a.example", "rooms": ["x"], "allow_http": True})
    )
    context: ForumContext = opened.context

    assert context.settings == GardenSettings("http://a.example", rooms=("x",), allow_http=True)
    assert (context.id, context.now()) == ("g", NOW)
    assert context.secrets.get("token") == "mine"
    assert context.secrets.get("nothing") == ""
    context.secrets.set("refresh", "new")
    assert secrets.kept["forum/g/refresh"] == b"new"
    with pytest.raises(ForumError):
        context.secrets.get("../other/token")
    with pytest.raises(ForumError):
        context.web("http://a.example")
    assert asked == [("http://a.example", True)]
    assert context.folder == tmp_path / "data" / "forums" / "g"
    assert stat.S_IMODE(context.folder.stat().st_mode) == 0o700
    assert await opened.connect() == INFO
    await opened.close()


def test_the_usual_web_refuses_plain_http(catalogue: Make) -> None:
    opened = catalogue(point("garden")).open(ForumSettings("g", "garden", {"url": "x"}))

    with pytest.raises(ForumError, match="not encrypted"):
        opened.context.web("http://forum.example")
    assert opened.context.web("https://forum.example")


def test_a_demo_home_takes_simulated_forums_only_and_no_other_home_takes_one(catalogue: Make) -> None:
    both = (point("garden"), point("simulated"))
    with pytest.raises(SettingsError, match="This home is a demo"):
        catalogue(*both, demo=True).open(ForumSettings("g", "garden", {"url": "x"}))
    with pytest.raises(SettingsError, match="belongs into a demo home"):
        catalogue(*both).open(ForumSettings("s", "simulated", {}))

    assert catalogue(*both, demo=True).open(ForumSettings("s", "simulated", {})).kind == "simulated"
    assert catalogue(*both).open(ForumSettings("g", "garden", {"url": "x"})).kind == "garden"


def test_a_file_where_the_folder_should_be_is_a_sentence(catalogue: Make, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be made"):
        catalogue(point("garden")).open(ForumSettings("g", "garden", {"url": "x"}))
