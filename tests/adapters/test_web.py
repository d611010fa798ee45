"""The HTTP client: every status and failure as one of our errors, and no secret in any of them."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from modconsole.adapters.web import WebClient, WebLimits, make_web
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

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TOKEN = "s3cr3t-token"
WORDS = "words-of-a-member"

Handler = Callable[[httpx.Request], httpx.Response]


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def web(answer: Any, time: Time | None = None, base: str = "https://forum.example", **more: Any) -> WebClient:
    """Make a client that gets these answers: a handler, or a list of responses and errors in order."""
    time = time or Time()
    queue: Iterator[Any] = iter(answer) if isinstance(answer, list) else iter(())

    def handle(request: httpx.Request) -> httpx.Response:
        got = answer(request) if callable(answer) else next(queue)
        if isinstance(got, Exception):
            raise got
        return got  # type: ignore[no-any-return]

    return make_web(
        base,
        transport=httpx.MockTransport(handle),
        now=lambda: NOW,
        clock=lambda: time.at,
        sleep=time.sleep,
        random=lambda: 0.5,
        **more,
    )


async def test_a_call_sends_what_it_was_given() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": True}, headers={"X-Left": "3", "Set-Cookie": "a=b"})

    client = web(handle, base="https://forum.example/api/")
    answer = await client.call(
        "post",
        "/posts/%21a%2Fb",
        query={"limit": 5, "tag": ["x", "y z"], "deep": True},
        body={"text": "\ud800 ü"},
        headers={"X-Extra": "1"},
        token=TOKEN,
    )
    await client.close()

    (request,) = seen
    assert request.method == "POST"
    assert str(request.url) == "https://forum.example/api/posts/%21a%2Fb?limit=5&tag=x&tag=y+z&deep=true"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["x-extra"] == "1"
    assert json.loads(request.content) == {"text": "\ud800 ü"}
    assert (answer.status, answer.data, answer.headers["x-left"]) == (200, {"ok": True}, "3")
    assert "set-cookie" not in answer.headers


async def test_no_cookie_is_kept() -> None:
    seen: list[str | None] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, json=1, headers={"Set-Cookie": "session=1"})

    client = web(handle)
    await client.call("GET", "/")
    await client.call("GET", "/")

    assert seen == [None, None]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ForumError),
        (401, NotAuthorised),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, NotFound),
        (412, Conflict),
        (418, ForumError),
        (422, ForumError),
        (429, RateLimited),
        (500, Unavailable),
        (501, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
        (599, Unavailable),
        (304, ForumError),
    ],
)
async def test_every_status_has_its_error(status: int, kind: type[ForumError]) -> None:
    client = web(lambda request: httpx.Response(status, json={"why": WORDS}))
    with pytest.raises(ForumError) as caught:
        await client.call("GET", "/posts/7", query={"q": WORDS}, token=TOKEN)

    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.answer == {"why": WORDS}
    assert f"GET /posts/7 on forum.example answered {status}" in caught.value.what
    assert WORDS not in str(caught.value)
    assert not caught.value.maybe_done


async def test_a_refusal_in_html_is_still_that_refusal() -> None:
    client = web(lambda request: httpx.Response(403, html="<h1>no</h1>"))
    with pytest.raises(Forbidden) as caught:
        await client.call("GET", "/")

    assert caught.value.answer is None


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_an_empty_answer_has_no_data(status: int) -> None:
    assert (await web([httpx.Response(status)]).call("DELETE", "/x")).data is None


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx.Response(200, html="<h1>Sign in</h1>"), "text/html"),
        (httpx.Response(200, content=b"oops"), "without a content type"),
        (
            httpx.Response(200, content=b'{"a": ', headers={"content-type": "application/json"}),
            "application/json",
        ),
        (httpx.Response(200, content=b'{"a": NaN}'), "JSON"),
        (httpx.Response(200, content=b"[" * 100_000), "JSON"),
        (httpx.Response(200, content=b"9" * 10_000), "JSON"),
        (httpx.Response(200, content=b'"\xff\xfe\xfa"'), "JSON"),
        (httpx.Response(200, content=b"x" * 2000), "KiB"),
    ],
)
async def test_an_answer_we_cannot_read_says_what_it_was(response: httpx.Response, said: str) -> None:
    client = web([response], limits=WebLimits(answer_bytes=1024 if said == "KiB" else 10**6))
    with pytest.raises(BadAnswer) as caught:
        await client.call("GET", "/x", token=TOKEN)

    assert said in caught.value.what
    assert caught.value.status == 200


async def test_deep_answers_large_numbers_and_lone_surrogates_are_read() -> None:
    text = '{"a": ' * 300 + '[12345678901234567890123, "\\ud800"]' + "}" * 300

    assert (await web([httpx.Response(200, content=text.encode())]).call("GET", "/")).data


async def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    client = web([httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Chunks(bomb, 1024))])
    with pytest.raises(BadAnswer, match="8,192 KiB"):
        await client.call("GET", "/")


async def test_broken_compression_is_a_bad_answer() -> None:
    client = web([httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Chunks(b"no gzip", 4))])
    with pytest.raises(BadAnswer, match="compression"):
        await client.call("GET", "/")


class Chunks(httpx.AsyncByteStream):
    def __init__(self, content: bytes, size: int, error: Exception | None = None) -> None:
        self._content, self._size, self._error = content, size, error

    async def __aiter__(self) -> Any:
        for start in range(0, len(self._content), self._size):
            yield self._content[start : start + self._size]
        if self._error is not None:
            raise self._error


# Repeats


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("x"),
        httpx.ConnectTimeout("x"),
        httpx.ReadTimeout("x"),
        httpx.RemoteProtocolError("x"),
        httpx.ReadError("x"),
        httpx.Response(502),
        httpx.Response(503),
        httpx.Response(504),
    ],
    ids=str,
)
async def test_a_passing_failure_is_tried_twice_more_with_growing_pauses(failure: Any) -> None:
    time = Time()
    client = web([failure, failure, httpx.Response(200, json=1)], time)

    assert (await client.call("GET", "/")).data == 1
    assert time.slept == [0.5, 1.0]


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("x"), httpx.Response(503)], ids=str)
async def test_after_three_tries_it_is_said(failure: Any) -> None:
    client = web([failure] * 3)
    with pytest.raises(Unavailable):
        await client.call("GET", "/")


@pytest.mark.parametrize(
    "failure", [httpx.ReadTimeout("x"), httpx.Response(503), httpx.ConnectError("x")], ids=str
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
async def test_a_call_that_is_not_repeatable_is_sent_once(method: str, failure: Any) -> None:
    client = web([failure])  # a second try would find nothing there
    with pytest.raises(Unavailable):
        await client.call(method, "/", body={})


async def test_the_adapter_can_say_that_a_post_is_repeatable_and_that_a_put_is_not() -> None:
    assert (
        await web([httpx.Response(503), httpx.Response(200)]).call("POST", "/", repeatable=True)
    ).status == 200
    with pytest.raises(Unavailable):
        await web([httpx.Response(503)]).call("PUT", "/", repeatable=False)


@pytest.mark.parametrize(
    "failure", [httpx.Response(500), httpx.Response(501), httpx.UnsupportedProtocol("x")], ids=str
)
async def test_a_failure_that_will_not_pass_is_not_repeated(failure: Any) -> None:
    with pytest.raises(Unavailable):
        await web([failure]).call("GET", "/")


# What may have happened


@pytest.mark.parametrize(
    ("failure", "maybe"),
    [
        (httpx.ReadTimeout("x"), True),
        (httpx.WriteTimeout("x"), True),
        (httpx.WriteError("x"), True),
        (httpx.ReadError("x"), True),
        (httpx.RemoteProtocolError("x"), True),
        (httpx.Response(500), True),
        (httpx.Response(502), True),
        (httpx.Response(504), True),
        (httpx.Response(200, html="<p>done?"), True),
        (httpx.Response(303, headers={"location": "/done"}), True),
        (httpx.ConnectError("x"), False),
        (httpx.ConnectTimeout("x"), False),
        (httpx.PoolTimeout("x"), False),
        (httpx.LocalProtocolError("x"), False),
        (httpx.Response(403), False),
        (httpx.Response(409), False),
        (httpx.Response(429), False),
    ],
    ids=str,
)
async def test_a_write_says_whether_it_may_have_happened(failure: Any, maybe: bool) -> None:
    with pytest.raises(ForumError) as caught:
        await web([failure]).call("POST", "/messages", body={"text": WORDS})

    assert caught.value.maybe_done is maybe


async def test_a_repeated_write_that_may_have_arrived_the_first_time_says_so() -> None:
    client = web([httpx.ReadTimeout("x"), httpx.ConnectError("x"), httpx.ConnectError("x")])
    with pytest.raises(Unavailable) as caught:
        await client.call("PUT", "/messages/1", body={})

    assert caught.value.maybe_done


async def test_an_answer_that_breaks_off_is_unavailable() -> None:
    broken = httpx.Response(200, stream=Chunks(b'{"a":', 2, httpx.ReadError("x")))
    with pytest.raises(Unavailable) as caught:
        await web([broken]).call("POST", "/")

    assert caught.value.maybe_done


async def test_an_answer_that_drips_for_ever_is_cut_off() -> None:
    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    client = make_web(
        "https://forum.example", transport=httpx.MockTransport(never), limits=WebLimits(total=0.01)
    )
    with pytest.raises(Unavailable, match="in all") as caught:
        await client.call("POST", "/")

    assert caught.value.maybe_done


# Patience


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "2.5"}, 2.5),
        ({"Retry-After": "Mon, 23 Nov 2026 09:01:00 GMT"}, 60.0),
        ({"Retry-After": "Mon, 23 Nov 2026 08:00:00 GMT"}, 0.0),
        ({"RateLimit-Reset": str(int(NOW.timestamp()) + 90)}, 90.0),
        ({"X-RateLimit-Reset": "45"}, 45.0),
        ({"Retry-After": "5", "RateLimit-Reset": "99"}, 5.0),
        ({"Retry-After": "99999999"}, 86400.0),
        ({"Retry-After": "soon"}, 30.0),
        ({"Retry-After": "-4"}, 30.0),
        ({"Retry-After": "nan"}, 30.0),
        ({}, 30.0),
    ],
)
async def test_too_fast_says_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    with pytest.raises(RateLimited) as caught:
        await web([httpx.Response(429, headers=headers, json={"slow": 1})]).call("POST", "/")

    assert caught.value.retry_after == seconds
    assert caught.value.answer == {"slow": 1}


async def test_a_short_wait_is_slept_through_once() -> None:
    time = Time()
    client = web([httpx.Response(429, headers={"Retry-After": "2"}), httpx.Response(200, json=1)], time)

    assert (await client.call("GET", "/")).data == 1
    assert time.slept == [2.0]
    again = web([httpx.Response(429, headers={"Retry-After": "1"})] * 2)
    with pytest.raises(RateLimited):
        await again.call("GET", "/")


async def test_a_long_wait_is_said_at_once() -> None:
    time = Time()
    with pytest.raises(RateLimited):
        await web([httpx.Response(429, headers={"Retry-After": "3"})], time).call("GET", "/")
    with pytest.raises(Unavailable):
        await web([httpx.Response(503, headers={"Retry-After": "60"})], time).call("GET", "/")

    assert time.slept == []


async def test_we_do_not_hurry_a_forum() -> None:
    time = Time()
    client = web(lambda request: httpx.Response(200), time, limits=WebLimits(per_second=2, burst=3))
    for _ in range(5):
        await client.call("GET", "/")

    assert time.slept == [0.5, 0.5]
    time.at += 60
    for _ in range(4):
        await client.call("GET", "/")
    assert time.slept == [0.5, 0.5, 0.5]


async def test_callers_at_the_same_moment_queue_up() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    client = make_web(
        "https://forum.example",
        transport=httpx.MockTransport(lambda request: httpx.Response(200)),
        limits=WebLimits(per_second=1, burst=1),
        clock=lambda: 5.0,
        sleep=sleep,
    )
    await asyncio.gather(*(client.call("GET", "/") for _ in range(3)))

    assert slept == [1.0, 2.0]


# Redirects and addresses


async def test_a_read_follows_a_redirect_on_its_own_host() -> None:
    seen: list[tuple[str, str | None]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), request.headers.get("authorization")))
        if request.url.path == "/old":
            return httpx.Response(301, headers={"location": "/new?x=1"})
        return httpx.Response(200, json=1)

    await web(handle).call("GET", "/old", token=TOKEN)

    assert seen == [
        ("https://forum.example/old", f"Bearer {TOKEN}"),
        ("https://forum.example/new?x=1", f"Bearer {TOKEN}"),
    ]


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "//evil.example/",
        "http://forum.example/",
        "https://forum.example:8443/",
        "https://forum.example.evil.example/",
        "https://forum.example@evil.example/",
        "ftp://forum.example/",
        "https://[broken/",
    ],
)
async def test_a_redirect_elsewhere_is_refused_before_anything_is_sent_there(location: str) -> None:
    hosts: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        hosts.append(str(request.url))
        return httpx.Response(302, headers={"location": location})

    with pytest.raises(BadAnswer) as caught:
        await web(handle).call("GET", "/", token=TOKEN)

    assert hosts == ["https://forum.example/"]
    assert caught.value.status == 302


async def test_a_change_is_never_sent_twice_by_a_redirect() -> None:
    with pytest.raises(BadAnswer, match="never sent twice"):
        await web([httpx.Response(307, headers={"location": "/there"})]).call("POST", "/", body={})


async def test_redirects_in_a_circle_come_to_an_end() -> None:
    with pytest.raises(BadAnswer, match="more than 5"):
        await web(lambda request: httpx.Response(302, headers={"location": "/"})).call("GET", "/")


async def test_a_redirect_from_http_to_https_on_this_machine_is_followed() -> None:
    client = web(
        [httpx.Response(301, headers={"location": "https://localhost/"}), httpx.Response(200)],
        base="http://localhost",
    )

    assert (await client.call("GET", "/")).status == 200


@pytest.mark.parametrize(
    "base",
    [
        "http://forum.example",
        "http://10.0.0.7",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "https://me:hunter2@forum.example",
        "https://token@forum.example",
        "https://forum.example?x=1",
        "https://forum.example#x",
        "ftp://forum.example",
        "forum.example",
        "https://",
        "https://[::1",
        "https://forum.example:port",
        "https://forum.example/\r\nX: 1",
        "https://forum example",
        "",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_a_sentence(base: str) -> None:
    with pytest.raises(ForumError) as caught:
        make_web(base)

    assert "hunter2" not in str(caught.value)
    assert "token@" not in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize(
    "base", ["http://localhost:8008", "http://127.0.0.1", "http://[::1]:80", "http://a.localhost"]
)
def test_plain_http_is_fine_on_this_machine(base: str) -> None:
    make_web(base)


def test_plain_http_elsewhere_only_when_the_settings_say_so() -> None:
    make_web("http://forum.internal", allow_http=True)


@pytest.mark.parametrize("path", ["/posts/../admin", "/posts/..", "/a/%2e%2E/b", "./x", "/."])
async def test_an_id_cannot_climb_out_of_its_path(path: str) -> None:
    with pytest.raises(ForumError, match="outside"):
        await web([]).call("GET", path)


async def test_a_path_cannot_change_the_host() -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(200)

    client = web(handle)
    for path in ("@evil.example/", "//evil.example/", ".evil.example/", "https://evil.example/"):
        await client.call("GET", path)

    assert set(seen) == {"forum.example"}


# Secrets


def held_by(error: BaseException) -> str:
    """Everything a crash report with local variables would print about an error and what hangs on it."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("x"),
        httpx.ConnectError("x"),
        httpx.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'"),
        httpx.RemoteProtocolError(TOKEN),
        OSError(5, TOKEN),
        httpx.Response(401),
        httpx.Response(500, json={"echo": WORDS}),
        httpx.Response(200, html=WORDS),
        httpx.Response(302, headers={"location": "https://evil.example"}),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_no_secret_and_no_words_hang_on_an_error(failure: Any) -> None:
    client = web([failure])
    call = client.call(
        "POST",
        "/x",
        token=TOKEN,
        body={"text": WORDS},
        query={"q": WORDS},
        headers={"Api-Key": TOKEN},
    )
    try:
        await call
    except ForumError as error:
        caught = error
    report = held_by(caught)

    assert caught.__cause__ is None
    assert caught.__context__ is None
    assert TOKEN not in str(caught)
    assert WORDS not in str(caught)
    inside = report.split("in call\n", 1)[
        1
    ]  # our own frames; what the caller has in its hands is the caller's
    assert TOKEN not in inside
    assert WORDS not in inside
    assert "httpx.Request" not in inside


@pytest.mark.parametrize(
    "more",
    [
        {"token": "tök3n"},
        {"token": "to\nken"},
        {"token": "to\x00ken"},
        {"headers": {"X": "a\r\nY: b"}},
        {"headers": {"X\n": "a"}},
        {"body": {"when": datetime}},
        {"body": float("nan")},
    ],
)
async def test_what_cannot_be_sent_is_refused_without_being_shown(more: dict[str, Any]) -> None:
    with pytest.raises(ForumError) as caught:
        await web([]).call("POST", "/", **more)

    assert "was not sent" in caught.value.what
    assert "ken" not in caught.value.what.replace("token", "")
    assert caught.value.__context__ is None
    assert not caught.value.maybe_done


async def test_a_certificate_that_is_not_trusted_is_never_tried_again() -> None:
    refused = httpx.ConnectError("x")
    refused.__cause__ = ssl.SSLCertVerificationError(1, "self-signed certificate")
    with pytest.raises(Unavailable, match="certificate") as caught:
        await web([refused]).call("GET", "/")

    assert "never skipped" in caught.value.next_step


async def test_a_host_that_nobody_knows_is_said_so() -> None:
    import socket

    refused = httpx.ConnectError("x")
    refused.__cause__ = socket.gaierror(-2, "Name or service not known")
    with pytest.raises(Unavailable, match="not known to the network"):
        await web([refused] * 3).call("GET", "/")


def test_the_network_client_checks_certificates_and_keeps_plain_http_off_proxies() -> None:
    secure, plain = make_web("https://forum.example"), make_web("http://localhost:9")

    assert secure._client()._transport._pool._ssl_context.verify_mode is ssl.CERT_REQUIRED  # type: ignore[attr-defined]
    assert secure._client().trust_env
    assert not plain._client().trust_env
    asyncio.run(secure.close())
    asyncio.run(plain.close())


async def test_after_closing_nothing_is_sent() -> None:
    client = web([])
    await client.close()
    with pytest.raises(Unavailable, match="closed"):
        await client.call("GET", "/")


@pytest.mark.parametrize(
    "module", ["adapters", "adapters.catalogue", "adapters.web", "config", "config.settings_file"]
)
def test_importing_these_brings_in_neither_httpx_nor_asyncio(module: str) -> None:
    code = f"import sys, modconsole.{module}; print([m for m in ('httpx', 'asyncio', 'tomlkit') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
