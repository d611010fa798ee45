"""What both rigs are made of: a process to start and stop, accounts, and a client that stays on this machine.

Nothing here knows modconsole. The live tests use it to fill a real server, and afterwards to ask that server
what happened by calls that do not go through the adapter under test.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Account", "Answer", "Loopback", "RigError", "part", "run_script"]

SCRIPTS = Path(__file__).resolve().parent / "rigs"
START_SECONDS = 180


class RigError(Exception):
    """The rig itself is at fault (it did not start, or refused a call it should grant): no verdict on the project."""


@dataclass(frozen=True)
class Account:
    """One person on a rig's server; the password and the token open only this throw-away site."""

    name: str
    id: str
    """What the server calls them: a DID, or a Matrix user id."""
    login: str
    """What they type to log in: a handle, or the local part of their user id."""
    password: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """JSON where the server sent JSON, else its text."""


@dataclass(frozen=True)
class Loopback:
    """A client for one address of this machine; any other address is refused."""

    base: str

    def __post_init__(self) -> None:
        """Refuse to be made for a server that somebody else may own."""
        if urllib.parse.urlsplit(self.base).hostname not in ("127.0.0.1", "::1"):
            raise RigError(f"{self.base} is not an address of this machine; the rigs call no other.")

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Args:
            method: GET, POST, PUT or DELETE.
            path: From the slash on, already quoted.
            body: Sent as JSON unless it is None.
            token: A bearer token, or a whole Authorization value (with a space in it).
            headers: Further headers.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if token:
            sent["Authorization"] = token if " " in token else f"Bearer {token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        address = urllib.parse.urlsplit(self.base)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        try:
            said: Any = json.loads(text)
        except ValueError:
            said = text
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, said)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send one request that must succeed and return the body of the answer.

        Raises:
            RigError: The server answered with anything but 200; its words are in the text.
        """
        answer = self.ask(method, path, body, token=token, headers=headers)
        if answer.status != 200:
            raise RigError(f"{method} {path} answered {answer.status}: {str(answer.body)[:500]}")
        return answer.body


def part(text: str) -> str:
    """Quote a value for use as one part of a path (Matrix ids are full of marks that mean something there)."""
    return urllib.parse.quote(text, safe="")


def run_script(name: str, *arguments: str, **variables: str) -> str:
    """Run one of the rig scripts and return the last line it printed.

    Args:
        name: The script under `rigs/`, such as `ozone/start.sh`.
        arguments: Its arguments.
        variables: Environment variables beside those we have.

    Raises:
        RigError: The script failed; what it said is in the text.
    """
    done = subprocess.run(
        [str(SCRIPTS / name), *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RigError(f"{name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip().rpartition("\n")[2]
