"""The emergency panel is there whatever is broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modconsole.core.errors import LogError, StoreError, VaultLocked
from modconsole.desk.desk import FALLBACK, SAY
from tests.desk.fakes import LINE
from tests.desk.homes import LEAD, Home


def test_it_gives_the_lines_the_contacts_and_what_to_say(fast: Home) -> None:
    panel = fast.desk.emergency()

    assert panel.lines == (LINE,)
    assert panel.contacts == (LEAD,)
    assert panel.say == SAY
    assert panel.problem == ""


@pytest.mark.parametrize(
    "broken",
    [StoreError("no disk"), OSError("gone"), ValueError("a bug"), RecursionError("deep"), KeyError("areas")],
)
def test_a_broken_library_costs_the_list_and_says_whom_to_ring(fast: Home, broken: Exception) -> None:
    fast.library.broken = broken

    panel = fast.desk.emergency("GB-SCT")

    assert panel.lines == ()
    assert panel.contacts == (LEAD,)
    assert panel.say == (FALLBACK, *SAY)
    assert "cannot be read" in panel.problem


def test_an_empty_list_of_lines_says_whom_to_ring(fast: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast.library, "emergency", lambda places: [])

    assert fast.desk.emergency().say[0] == FALLBACK


def test_it_needs_no_keys_no_contacts_and_no_places(homes: Callable[..., Home]) -> None:
    home = homes(contacts=())
    home.lock()

    assert home.desk.emergency().contacts == ()
    assert home.desk.emergency().lines == (LINE,)


def test_unlocking_seals_settings_that_changed_and_only_those(home: Home) -> None:
    home.desk.unlock()
    home.desk.unlock()
    home.service["undo_seconds"] = 3
    home.start().unlock()

    assert home.kinds == ["config_changed", "config_changed"]
    assert home.entries[-1].detail == home.settings.hash


def test_settings_that_cannot_be_sealed_are_said_and_keep_nothing_locked(
    fast: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entry: object) -> None:
        raise LogError("The disk is full.")

    fast.lock()
    monkeypatch.setattr(fast.log, "seal", full)

    trouble = fast.desk.unlock()

    assert trouble is not None
    assert trouble.what == "The disk is full."
    assert not fast.vault.is_locked
    assert fast.desk.emergency().lines == (LINE,)


async def test_locked_keys_take_nothing_in_and_the_queue_still_works(fast: Home) -> None:
    fast.lock()

    with pytest.raises(VaultLocked):
        await fast.desk.intake.poll("fake")
    assert fast.desk.emergency().problem == ""
