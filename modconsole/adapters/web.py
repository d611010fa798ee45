"""The HTTP client adapters are handed: patient, bounded, and silent about secrets.

httpx and asyncio are imported when the first call is made, because most commands never make one.
"""

from __future__ import annotations

import json
import random as randomness
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from modconsole.core.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    ForumError,
    NotAuthorised,
    NotFound,
    RateLimited,
    Unavailable,
)
from modconsole.ports.forum import Answer, Web

if TYPE_CHECKING:
    import httpx

__all__ = ["WebClient", "WebLimits", "make_web"]

_READS = ("GET", "HEAD", "OPTIONS")
_REPEATABLE = ("GET", "HEAD", "PUT")
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_REDIRECTS = 5
_PASSING = (502, 503, 504)
_LONGEST_WAIT = 24 * 3600.0
_SHOWN_PATH = 200
_NO_HTTP = "Put https:// in front of the forum's address; a token must not cross the network in the clear."


@dataclass(frozen=True, slots=True)
class WebLimits:
    """How long, how often and how much. Times in seconds."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 25.0
    """For one call with all its repeats and waits. Below the desk's own patience, so that ours is the error shown."""
    retries: int = 2
    patience: float = 2.0
    """The longest wait a forum may ask for that we sleep through; a longer one is said instead."""
    per_second: float = 5.0
    burst: int = 10
    answer_bytes: int = 8 * 1024 * 1024


def make_web(
    base_url: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    limits: WebLimits = WebLimits(),
    allow_http: bool = False,
    user_agent: str = "modconsole",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] | None = None,
    random: Callable[[], float] = randomness.random,
) -> WebClient:
    """Make a client for one base address. TLS certificates are always checked.

    Args:
        transport: Where requests go instead of the network (`httpx.MockTransport` in tests).
        allow_http: Take a plain `http://` address of another machine too, because the service's settings say so.
            One of this machine is always fine.
        now: For `Retry-After` dates.
        clock: Seconds that only go forward, for the token bucket.

    Raises:
        ForumError: The address cannot be used; says why.
    """
    base = _checked_base(base_url, allow_http)
    return WebClient(base, transport, limits, user_agent, now, clock, sleep or _sleep, random)


def _checked_base(base_url: str, allow_http: bool) -> SplitResult:
    def no(why: str, next_step: str = "Correct the forum's address in config.toml.") -> ForumError:
        return ForumError(f"The forum's address cannot be used: {why}.", next_step=next_step)

    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), ""
    if parts.scheme not in ("https", "http") or not host or not base_url.isprintable() or " " in base_url:
        raise no("it is not of the form https://forum.example")
    if parts.username is not None or parts.password is not None:
        raise no(f"there is a name or password in it ({host})", "Secrets belong in the keyring: take it out.")
    if parts.query or parts.fragment:
        raise no(f"there is a ? or # in it ({host})")
    if parts.scheme == "http" and not allow_http and not _is_this_machine(host):
        raise no(f"http://{host} is not encrypted", _NO_HTTP)
    return parts


def _is_this_machine(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def _sleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


@dataclass(slots=True)
class _Call:
    """One call, fit to stand in a traceback: what may be secret is not in its repr."""

    method: str
    host: str
    path: str
    repeatable: bool
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)
    sent: bool = False
    """Whether any of it may have reached the forum."""

    def __str__(self) -> str:
        shown = self.path if len(self.path) <= _SHOWN_PATH else self.path[:_SHOWN_PATH] + "…"
        return f"{self.method} {shown} on {self.host}"

    @property
    def reads(self) -> bool:
        return self.method in _READS

    @property
    def maybe_done(self) -> bool:
        return self.sent and not self.reads


@dataclass(frozen=True, slots=True)
class _Failure:
    """What went wrong, as a value: an error that is raised only at the border has no request in its traceback."""

    error: ForumError
    again: bool = False
    """Whether it may be better in a moment."""
    after: float | None = None
    """Seconds the forum asks us to wait."""


class _Bucket:
    """A token bucket. Debts are allowed, so that callers at the same moment queue up instead of all waking at once."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._tokens, self._at = float(burst), clock()

    def take(self) -> float:
        """Take one token and give the seconds to wait before using it."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second) - 1
        self._at = now
        return max(0.0, -self._tokens / self._per_second)


class WebClient(Web):
    """`Web` over httpx. Made by `make_web`; used on one event loop only."""

    def __init__(
        self,
        base: SplitResult,
        transport: httpx.AsyncBaseTransport | None,
        limits: WebLimits,
        user_agent: str,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
    ) -> None:
        self._base = base
        self._transport = transport
        self._limits = limits
        self._user_agent = user_agent
        self._now = now
        self._sleep = sleep
        self._random = random
        self._bucket = _Bucket(limits.per_second, limits.burst, clock)
        self._made: httpx.AsyncClient | None = None
        self._closed = False

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | Sequence[str]] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        token: str = "",
        repeatable: bool | None = None,
    ) -> Answer:
        """Make one call and give its answer when the status is 2xx. The answer's header names are in lower case.

        Raises:
            ForumError: With `maybe_done` set when it was a write that may have arrived.
        """
        ready = self._prepared(method.upper(), path, query, body, headers, token, repeatable)
        del query, body, headers, token  # from here on no frame of a traceback holds them
        got = await self._within_time(ready) if isinstance(ready, _Call) else ready
        if isinstance(got, _Failure):
            raise got.error
        return got

    async def close(self) -> None:
        self._closed = True
        if self._made is not None:
            await self._made.aclose()

    def _prepared(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int | Sequence[str]] | None,
        body: Any,
        headers: Mapping[str, str] | None,
        token: str,
        repeatable: bool | None,
    ) -> _Call | _Failure:
        import httpx

        host = self._base.netloc
        path = path if path.startswith("/") else f"/{path}"
        shown = path.partition("?")[0].partition("#")[0]
        if any(unquote(part) in (".", "..") for part in shown.split("/")):
            return _unsendable(method, host, "an id in its path points outside the path")
        sent = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": self._user_agent,
        }
        sent |= headers or {}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if not all(_fits_a_header(name) and _fits_a_header(value) for name, value in sent.items()):
            return _unsendable(method, host, "its token or a header has a character that cannot be sent")
        content: bytes | None = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            try:
                content = json.dumps(body, allow_nan=False).encode("ascii")
            except (TypeError, ValueError, RecursionError):
                return _unsendable(method, host, "what the adapter gave to send is not JSON")
        url = f"{self._base.scheme}://{self._base.netloc}{self._base.path.rstrip('/')}{path}"
        try:
            whole = httpx.URL(url, params=_pairs(query)) if query else httpx.URL(url)
        except (httpx.InvalidURL, TypeError, ValueError):
            return _unsendable(method, host, "the adapter made an address that is none")
        again = method in _REPEATABLE if repeatable is None else repeatable
        return _Call(method, host, shown, again, str(whole), sent, content)

    async def _within_time(self, call: _Call) -> Answer | _Failure:
        import asyncio

        if self._closed:
            return _Failure(Unavailable(f"{call} was not sent: the connection to this forum is closed."))
        try:
            async with asyncio.timeout(self._limits.total):
                return await self._with_repeats(call)
        except TimeoutError:
            seconds = f"{self._limits.total:g}"
            return _Failure(_unavailable(call, f"{call} took longer than {seconds} seconds in all."))

    async def _with_repeats(self, call: _Call) -> Answer | _Failure:
        tries = 0
        while True:
            wait = self._bucket.take()
            if wait:
                await self._sleep(wait)
            got = await self._once(call)
            if isinstance(got, Answer):
                return got
            pause = self._pause(call, got, tries)
            if pause is None:
                return got
            tries += 1
            await self._sleep(pause)

    def _pause(self, call: _Call, failure: _Failure, tries: int) -> float | None:
        """Say how long to wait before trying again; None when the failure is final."""
        asked: float = failure.after or 0.0
        if not call.repeatable or not failure.again or asked > self._limits.patience:
            return None
        if isinstance(failure.error, RateLimited):
            return asked if tries == 0 else None
        if tries >= self._limits.retries:
            return None
        backing_off: float = 0.5 * 2**tries * (0.5 + self._random())
        return max(asked, backing_off)

    async def _once(self, call: _Call) -> Answer | _Failure:
        import httpx

        sent_before, call.sent = call.sent, True
        try:
            return await self._exchange(self._client(), call)
        except httpx.DecodingError:
            return _Failure(_bad(call, f"{call} answered with broken compression."))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            never_left = (
                httpx.ConnectError,
                httpx.ConnectTimeout,
                httpx.PoolTimeout,
                httpx.LocalProtocolError,
            )
            if isinstance(error, never_left):
                call.sent = sent_before
            words, again, next_step = _why(error)
        return _Failure(_unavailable(call, f"{call}: {words}.", next_step), again)

    def _client(self) -> httpx.AsyncClient:
        import httpx

        if self._made is None:
            limits = self._limits
            self._made = httpx.AsyncClient(
                transport=self._transport,
                timeout=httpx.Timeout(limits.read, connect=limits.connect, pool=limits.connect),
                limits=httpx.Limits(max_connections=10, max_keepalive_connections=4),
                follow_redirects=False,
                verify=True,
                # A proxy from the environment is the user's wish for the network, but plain http to this very machine
                # has to stay on it.
                trust_env=self._base.scheme == "https",
            )
        return self._made

    async def _exchange(self, client: httpx.AsyncClient, call: _Call) -> Answer | _Failure:
        url = call.url
        for _ in range(_MAX_REDIRECTS + 1):
            request = client.build_request(call.method, url, headers=call.headers, content=call.content)
            response = await client.send(request, stream=True)
            try:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    return await self._read(call, response)
                elsewhere = _redirected(call, response)
            finally:
                await response.aclose()
                client.cookies.clear()  # the token says who we are; a session from a cookie would muddle it
            if isinstance(elsewhere, _Failure):
                return elsewhere
            url = elsewhere
        return _Failure(_bad(call, f"{call} was redirected more than {_MAX_REDIRECTS} times."))

    async def _read(self, call: _Call, response: httpx.Response) -> Answer | _Failure:
        status = response.status_code
        body = await self._body(response)
        data: Any = None
        problem = ""
        if body is None:
            problem = f"more than {self._limits.answer_bytes // 1024:,} KiB"
        elif body:
            try:
                data = json.loads(body, parse_constant=_refuse_constant)
            except (ValueError, RecursionError):
                named = response.headers.get("content-type", "").partition(";")[0].strip()[:60]
                problem = f"{named or 'something without a content type'}, not the JSON we can read"
        if not response.is_success:
            return self._refused(call, status, response.headers, data)
        if problem:
            return _Failure(_bad(call, f"{call} answered {status} with {problem}.", status=status))
        headers = {
            name.lower(): value for name, value in response.headers.items() if name.lower() != "set-cookie"
        }
        return Answer(status, headers, data)

    async def _body(self, response: httpx.Response) -> bytes | None:
        """Give the body, or None when it is too large; no more of it than that is ever in memory."""
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._limits.answer_bytes:
                return None
        return bytes(body)

    def _refused(self, call: _Call, status: int, headers: Mapping[str, str], data: Any) -> _Failure:
        what = f"{call} answered {status}{_phrase(status)}."
        after = _wait_asked(headers, self._now())
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return _Failure(
                RateLimited(what, retry_after=30.0 if after is None else after, answer=data),
                again=after is not None,
                after=after,
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # A gateway that gave up says nothing about what the server behind it has done meanwhile.
            error: ForumError = Unavailable(what, status=status, answer=data, maybe_done=call.maybe_done)
            return _Failure(error, status in _PASSING, after)
        return _Failure(_MEANINGS.get(status, ForumError)(what, status=status, answer=data))


_MEANINGS: Mapping[int, type[ForumError]] = {
    401: NotAuthorised,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: Conflict,
}


def _unsendable(method: str, host: str, why: str) -> _Failure:
    return _Failure(
        ForumError(
            f"A {method} call to {host} was not sent: {why}.",
            next_step="If the token is right, tell whoever wrote the adapter.",
        )
    )


def _unavailable(call: _Call, what: str, next_step: str = "") -> Unavailable:
    return Unavailable(what, next_step=next_step, maybe_done=call.maybe_done)


def _bad(call: _Call, what: str, status: int | None = None) -> BadAnswer:
    return BadAnswer(what, status=status, maybe_done=call.maybe_done)


def _fits_a_header(text: str) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable()


def _pairs(query: Mapping[str, str | int | Sequence[str]]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        several = [value] if isinstance(value, str | int) else value
        pairs += [(name, str(one).lower() if isinstance(one, bool) else str(one)) for one in several]
    return pairs


def _redirected(call: _Call, response: httpx.Response) -> str | _Failure:
    """Give where a redirect leads when we may follow it: a read, on the same host, never from https to http."""
    import httpx

    status = response.status_code
    here = response.request.url
    try:
        there = here.join(response.headers["location"])
    except (httpx.InvalidURL, ValueError):
        return _Failure(_bad(call, f"{call} was redirected to an address that is none.", status))
    same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    upgraded = (here.scheme, there.scheme, there.host) == ("http", "https", here.host)
    if not (same or upgraded):
        what = f"{call} was redirected to {there.scheme}://{there.host}, where our token must not go."
    elif not call.reads:
        what = f"{call} was redirected, and a change is never sent twice."
    else:
        return str(there)
    return _Failure(
        BadAnswer(
            what,
            status=status,
            maybe_done=call.maybe_done,
            next_step="If the forum has moved, give its new address in config.toml.",
        )
    )


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _wait_asked(headers: Mapping[str, str], now: datetime) -> float | None:
    """Give the seconds the forum asks us to wait: `Retry-After` (seconds or a date), else when the limit resets."""
    asked = headers.get("retry-after", "").strip()
    seconds = _number(asked)
    if seconds is None and asked:
        try:
            at = parsedate_to_datetime(asked)
        except ValueError:
            at = None
        if at is not None:
            at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
            seconds = (at - now).total_seconds()
    if seconds is None:
        reset = _number(headers.get("ratelimit-reset", "") or headers.get("x-ratelimit-reset", ""))
        if reset is None:
            return None
        # Some send the moment in seconds since 1970 and some the seconds until then; no wait is 30 years long.
        seconds = reset - now.timestamp() if reset > 1e9 else reset
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _number(text: str) -> float | None:
    text = text.strip()
    if not text.isascii() or not text.replace(".", "", 1).isdigit() or len(text) > 20:
        return None
    return float(text)


def _why(error: BaseException) -> tuple[str, bool, str]:
    """Say in our own words why there is no answer, whether trying again may help, and what to do otherwise."""
    import socket
    import ssl

    import httpx

    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 10:
        chain.append(link)
        link = link.__cause__ or link.__context__
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain):
        next_step = "Ask whoever runs the forum about its certificate; this check is never skipped."
        return "its certificate is not one this computer trusts", False, next_step
    if any(isinstance(link, socket.gaierror) for link in chain):
        return "this host name is not known to the network", True, ""
    if any(isinstance(link, ConnectionRefusedError) for link in chain):
        return "it refused the connection", True, ""
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return "no connection in time", True, ""
        case httpx.TimeoutException():
            return "no answer in time", True, ""
        case httpx.ConnectError() | httpx.ProxyError():
            return "no connection", True, ""
        case httpx.LocalProtocolError() | httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return "the request could not be sent as the adapter wrote it", False, ""
        case httpx.RemoteProtocolError() | httpx.NetworkError() | OSError():
            return "the connection was lost", True, ""
        case _:
            return f"no answer ({type(error).__name__})", False, ""
