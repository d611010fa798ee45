"""Speaking to Ozone as a moderator: one session at the moderator's own server, which forwards our calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from modconsole.core.errors import BadAnswer, Forbidden, ForumError, NotAuthorised, NotFound
from modconsole.ports.forum import Answer, ForumSecrets, Web
from modconsole_ozone.fields import Fields

__all__ = ["Query", "Session", "reason_of", "server_says"]

Query = Mapping[str, str | int | Sequence[str]]


def reason_of(error: ForumError) -> tuple[str, str]:
    """Give the `error` name and the message of an AT Protocol answer; empty ones when it is not such an answer."""
    answer = error.answer if isinstance(error.answer, dict) else {}
    name, message = answer.get("error"), answer.get("message")
    return name if isinstance(name, str) else "", message if isinstance(message, str) else ""


def server_says(error: ForumError) -> str:
    """Quote the server for the moderator."""
    name, message = reason_of(error)
    return message or name or error.what


class Session:
    """A moderator's session. Signs in once, keeps only the refresh token, and never tries in circles.

    Args:
        service_did: The labeler's DID; moderation calls are forwarded to it.
        identifier: The moderator's handle, DID or e-mail.
    """

    def __init__(
        self, web: Web, secrets: ForumSecrets, *, server: str, service_did: str, identifier: str
    ) -> None:
        self._web = web
        self._secrets = secrets
        self._owner = f"{server} {identifier}"
        self._service_did = service_did
        self._identifier = identifier
        self._access = ""
        self._signing_in = asyncio.Lock()
        self.did = ""
        """Whose session it is; empty until the first call."""
        self.handle = ""

    async def start(self) -> None:
        """Make sure that there is a session."""
        await self._token()

    async def ozone(self, method: str, nsid: str, *, query: Query | None = None, body: Any = None) -> Fields:
        """Make one moderation call, forwarded to Ozone.

        Only a GET is ever repeated by the client: an event sent twice is two events, an e-mail two e-mails.

        Raises:
            Forbidden: Not on the moderation team, or not with this role (Ozone says 401 to both).
            NotFound: No such record, account or post.
            NotAuthorised: The session is over and could not be renewed.
        """
        headers = {"atproto-proxy": f"{self._service_did}#atproto_labeler"}
        return _fields(await self._call(method, nsid, query=query, body=body, headers=headers), nsid)

    async def own_server(self, method: str, nsid: str, *, query: Query | None = None) -> Fields:
        """Make one call to the moderator's own server itself."""
        return _fields(await self._call(method, nsid, query=query, body=None, headers={}), nsid)

    async def health(self) -> Answer:
        return await self._web.call("GET", "/xrpc/_health")

    async def _call(
        self, method: str, nsid: str, *, query: Query | None, body: Any, headers: Mapping[str, str]
    ) -> Answer:
        async def once(token: str) -> Answer:
            return await self._web.call(
                method,
                f"/xrpc/{nsid}",
                query=query,
                body=body,
                headers=headers,
                token=token,
                repeatable=method == "GET",
            )

        token = await self._token()
        try:
            return await once(token)
        except ForumError as error:
            if not _is_expired(error):
                raise _judged(error) from error
        # The moderator's own server turned the token down before forwarding anything: the repeat is the first try.
        token = await self._token(instead_of=token)
        try:
            return await once(token)
        except ForumError as error:
            raise _judged(error) from error

    async def _token(self, instead_of: str = "") -> str:
        async with self._signing_in:
            if self._access == instead_of:
                self._access = await self._renewed() or await self._signed_in()
            return self._access

    async def _renewed(self) -> str:
        """Give a new access token for the kept refresh token; empty when there is none that works."""
        refresh = self._kept_refresh()
        if not refresh:
            return ""
        nsid = "com.atproto.server.refreshSession"
        try:
            answer = await self._web.call("POST", f"/xrpc/{nsid}", token=refresh, repeatable=False)
        except ForumError as error:
            if error.status in (400, 401):
                return ""
            raise
        return self._take(_fields(answer, nsid))

    async def _signed_in(self) -> str:
        password = self._secrets.get("password")
        if not password:
            raise NotAuthorised("There is no app password for this forum.")
        nsid = "com.atproto.server.createSession"
        body = {"identifier": self._identifier, "password": password}
        try:
            answer = await self._web.call("POST", f"/xrpc/{nsid}", body=body, repeatable=False)
        except ForumError as error:
            if error.status in (400, 401):
                said = server_says(error)
                raise NotAuthorised(
                    f"The server did not sign {self._identifier} in: {said}", status=401
                ) from error
            raise
        return self._take(_fields(answer, nsid))

    def _take(self, session: Fields) -> str:
        """Keep what we need of a session; the e-mail address in it is not read."""
        access, refresh = session.text("accessJwt"), session.text("refreshJwt")
        self.did, self.handle = session.text("did"), session.text("handle")
        self._secrets.set("refresh", json.dumps({"owner": self._owner, "token": refresh}))
        return access

    def _kept_refresh(self) -> str:
        """Give the kept refresh token, if it is this account's: the settings may have changed since."""
        try:
            kept = json.loads(self._secrets.get("refresh") or "{}")
        except ValueError:
            return ""
        if not isinstance(kept, dict) or kept.get("owner") != self._owner:
            return ""
        token = kept.get("token")
        return token if isinstance(token, str) else ""


def _fields(answer: Answer, nsid: str) -> Fields:
    if not isinstance(answer.data, dict):
        # Only a change goes by POST, and whoever answers 200 may well have made it.
        raise BadAnswer(
            f"The server answered {nsid} with something that is not a JSON object.", maybe_done=True
        )
    return Fields(answer.data, nsid.rsplit(".", 1)[-1])


def _is_expired(error: ForumError) -> bool:
    return error.status in (400, 401) and reason_of(error)[0] in ("ExpiredToken", "InvalidToken")


_NOT_FOUND = ("RecordNotFound", "RepoNotFound", "NotFound")
_NO_RIGHT = ("not a moderator", "must be a")


def _judged(error: ForumError) -> ForumError:
    """Give the error that the answer means; AT Protocol says 400 and 401 to much that is neither."""
    name, message = reason_of(error)
    if error.status == 400 and name in _NOT_FOUND:
        return NotFound(f"Ozone says: {message or name}", status=400, answer=error.answer)
    if error.status == 401 and (name == "MemberDisabled" or message.lower().startswith(_NO_RIGHT)):
        return Forbidden(f"Ozone says: {message or name}", status=401, answer=error.answer)
    if error.status in (400, 401) and name in ("ExpiredToken", "InvalidToken"):
        return NotAuthorised(f"The server no longer accepts this session: {message or name}", status=401)
    return error
