"""Each forum's trouble is its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modconsole.core.actions import Action
from modconsole.core.errors import Conflict, ForumError, NotFound, Unavailable
from modconsole.ports import Feature
from modconsole.ports.notify import ForumTrouble, ForumWell
from tests.desk.fakes import HERON, FakeForum
from tests.desk.homes import Home


async def test_settings_that_do_not_fit_an_adapter_are_that_forums_trouble(
    homes: Callable[..., Home],
) -> None:
    home = homes()
    home.configured = ("fake", "misfit")
    desk = home.start()

    with pytest.raises(ForumError) as caught:
        await desk.intake.poll("misfit")
    await desk.intake.poll("fake")

    assert "do not fit" in caught.value.what
    assert desk.forums.status("misfit").trouble is caught.value
    assert desk.forums.status("fake").trouble is None
    assert not desk.forums.ability("misfit", Action.HIDE).works


async def test_trouble_with_one_post_is_no_trouble_with_the_forum(fast: Home) -> None:
    for error in (NotFound("no such post"), Conflict("changed")):
        fast.forum.reading = error
        with pytest.raises(type(error)):
            await fast.desk.forums.call("fake", lambda forum: forum.post(HERON))

    assert fast.told.of(ForumTrouble) == []


async def test_trouble_is_told_and_taken_back_when_the_forum_answers(fast: Home) -> None:
    fast.forum.reading = Unavailable("gone")
    with pytest.raises(Unavailable):
        await fast.desk.forums.call("fake", lambda forum: forum.post(HERON))
    assert fast.desk.forums.status("fake").trouble is fast.forum.reading
    fast.forum.reading = None

    await fast.desk.forums.call("fake", lambda forum: forum.post(HERON))

    assert fast.desk.forums.status("fake").trouble is None
    assert len(fast.told.of(ForumWell)) == 1


async def test_a_forum_that_was_taken_out_of_the_settings_says_what_is_safe(fast: Home) -> None:
    with pytest.raises(NotFound) as caught:
        await fast.desk.forums.call("gone", lambda forum: forum.post(HERON))

    assert "untouched" in caught.value.kept
    assert [status.id for status in fast.desk.forums.statuses()] == ["fake"]
    assert fast.desk.forums.unusable("gone") is not None
    assert fast.desk.forums.unusable("fake") is None
    assert not fast.desk.forums.ability("gone", Feature.CLAIM).works


async def test_closing_lets_go_of_forums_that_do_not_want_to(
    fast: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(self: FakeForum) -> None:
        raise Unavailable("will not close")

    monkeypatch.setattr(FakeForum, "close", stuck)
    fast.desk.forums.opened("fake")

    await fast.desk.forums.close()

    assert fast.desk.forums.status("fake").trouble is None
