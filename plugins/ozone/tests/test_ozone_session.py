"""Signing in, renewing, rights, and what the forum says about itself."""

from __future__ import annotations

import json

import httpx
import pytest
from ozone_site import Drawer, Site, all_of, connected, failed, pages

from modconsole.core.actions import Action
from modconsole.core.errors import BadAnswer, Forbidden, ForumError, NotAuthorised, RateLimited, Unavailable
from modconsole.ports.forum import Support


async def test_connecting_says_who_we_are_and_what_we_may():
    info = await connected(Site()).connect()

    assert (info.me, info.me_name, info.version) == ("did:plc:willow", "willow.test", "PDS 0.4.217")
    assert info.clock_skew == 30
    assert info.missing == ()
    assert info.capabilities.of(Action.REMOVE).support is Support.NATIVE
    assert "subscribe" in info.capabilities.of(Action.HIDE).note


async def test_a_triage_role_and_a_service_without_mail_are_told():
    site = Site()
    site.config = {"viewer": {"role": "tools.ozone.team.defs#roleTriage"}}

    info = await connected(site).connect()

    assert len(info.missing) == 2
    for action in (Action.REMOVE, Action.HIDE, Action.SUSPEND, Action.RESTORE, Action.MESSAGE_MEMBER):
        assert not info.capabilities.of(action).works
    assert info.capabilities.of(Action.KEEP).works


async def test_the_session_is_made_once_and_only_its_refresh_token_is_kept():
    site = Site()
    drawer = Drawer(password="app-pass")
    await connected(site, drawer).connect()
    await connected(site, drawer).connect()

    assert site.sign_ins == 1
    assert site.refresh in drawer.secrets["refresh"]
    assert "access" not in drawer.secrets["refresh"]
    assert "example.test" not in repr(drawer.secrets)


async def test_an_expired_token_is_renewed_once_in_the_middle_of_things():
    site = Site()
    site.report(site.write("tea", "Hello."))
    forum = connected(site)
    await forum.connect()
    site.access = "access-7"

    assert len(list(all_of(await pages(forum)))) == 1
    assert site.sign_ins == 1


async def test_a_session_that_cannot_be_renewed_is_made_anew():
    site = Site()
    drawer = Drawer(password="app-pass")
    await connected(site, drawer).connect()
    site.refresh = "another"

    await connected(site, drawer).connect()

    assert site.sign_ins == 2


async def test_a_kept_session_of_another_account_is_not_used():
    site = Site()
    kept = json.dumps({"owner": "https://pds.test someone.else", "token": site.refresh})
    for nonsense in (kept, "not json", "[]", '{"token": 7}'):
        site.sign_ins = 0
        await connected(site, Drawer(password="app-pass", refresh=nonsense)).connect()
        assert site.sign_ins == 1


async def test_a_token_that_is_never_accepted_ends_in_an_error_not_in_a_circle():
    site = Site()
    forum = connected(site)
    site.instead["getConfig"] = [failed(400, "ExpiredToken", "Token has expired")] * 9

    with pytest.raises(NotAuthorised):
        await forum.connect()

    assert len(site.named("getConfig")) == 2
    assert site.sign_ins <= 2


@pytest.mark.parametrize("secrets", [{"password": "wrong"}, {}])
async def test_a_wrong_or_missing_password_is_not_authorised(secrets: dict[str, str]):
    with pytest.raises(NotAuthorised) as caught:
        await connected(Site(), Drawer(**secrets)).connect()

    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failed(401, "AuthenticationRequired", "not a moderator account"), Forbidden),
        (failed(401, "MemberDisabled", "Member is disabled"), Forbidden),
        (failed(401, "AuthMissing", "Authentication Required"), NotAuthorised),
        (failed(403, "Forbidden", "no"), Forbidden),
        (failed(429, "RateLimitExceeded", "slow down"), RateLimited),
        (failed(500, "InternalServerError", "no"), Unavailable),
        (httpx.Response(200, text="<html>Welcome</html>", headers={"content-type": "text/html"}), BadAnswer),
        (httpx.Response(200, json={"viewer": {"role": 7}}), BadAnswer),
        (httpx.Response(200, json=[]), BadAnswer),
        (httpx.ConnectError("refused"), Unavailable),
    ],
)
async def test_every_failure_is_a_forum_error_of_the_right_kind(
    answer: httpx.Response | httpx.ConnectError, error: type[ForumError]
):
    site = Site()
    site.instead["getConfig"] = [answer] * 3

    with pytest.raises(error):
        await connected(site).connect()

    assert site.sign_ins == 1  # not on the team is not signed out: no circles


async def test_the_sign_in_itself_may_be_asked_to_wait():
    site = Site()
    site.instead["createSession"] = [failed(429, "RateLimitExceeded", "slow down")]

    with pytest.raises(RateLimited):
        await connected(site).connect()


async def test_a_labeler_that_is_no_did_is_said_before_anything_is_sent():
    site = Site()
    forum = connected(site)
    object.__setattr__(forum.context.settings, "service_did", "mod.example.org")

    with pytest.raises(ForumError) as caught:
        await forum.connect()

    assert "DID" in caught.value.next_step
    assert site.calls == []


async def test_closing_lets_go():
    site = Site()
    forum = connected(site)
    await forum.connect()
    await forum.close()

    with pytest.raises(Unavailable):
        await pages(forum)
