"""A witness on the network is asked with one POST, and whatever it answers is given as it is."""

from __future__ import annotations

import httpx
import pytest

from modconsole.adapters.witness_post import post_to_witness
from modconsole.core.cosignature import WitnessAnswer
from modconsole.core.errors import BadAnswer, Unavailable, WrongUsage

URL = "https://witness.example/w1/"


@pytest.mark.parametrize(("status", "body"), [(200, "— w AAAA\n"), (409, "12\n"), (422, "no\n"), (302, "")])
def test_the_status_and_the_body_are_given_as_they_are(status: int, body: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, text=body, headers={"Location": "https://elsewhere.example/"})

    assert post_to_witness(URL, "old 0\n\n— é\n", transport=httpx.MockTransport(answer)) == WitnessAnswer(
        status, body
    )
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", "https://witness.example/w1/add-checkpoint")
    assert request.content == "old 0\n\n— é\n".encode()


@pytest.mark.parametrize(
    "url",
    ["", "witness.example", "http://witness.example", "ftp://witness.example", "https://", "https://u:p@w.example",
     "https://w.example/?q", "https://w.example/#f", "https://[::1", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_address_of_a_witness_is_refused(url: str) -> None:
    with pytest.raises(WrongUsage):
        post_to_witness(url, "old 0\n", transport=httpx.MockTransport(lambda request: httpx.Response(200)))


def test_this_very_machine_may_be_asked_in_the_clear() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text="ok"))

    assert post_to_witness("http://localhost:7380", "", transport=transport).status == 200


def test_nobody_there_is_said_and_nothing_is_lost() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unavailable) as caught:
        post_to_witness(URL, "old 0\n", transport=httpx.MockTransport(fail))
    assert caught.value.exit_code == 3
    assert "audit checkpoint --out" in caught.value.next_step


@pytest.mark.parametrize("content", [b"x" * 200_000, b"\xff\xfe"])
def test_an_answer_that_is_none_is_refused(content: bytes) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=content))

    with pytest.raises(BadAnswer):
        post_to_witness(URL, "old 0\n", transport=transport)
