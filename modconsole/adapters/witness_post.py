"""Asking a witness on the network: one POST, as C2SP tlog-witness says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modconsole.core.cosignature import WitnessAnswer
from modconsole.core.errors import BadAnswer, Unavailable, WrongUsage

if TYPE_CHECKING:
    import httpx

__all__ = ["post_to_witness"]

_SECONDS = 20.0
_LONGEST = 100_000
"""In bytes. An answer is a few signature lines, a size, or a reason."""
_SAFE = "The log is as it was; its tail is still not witnessed."


def post_to_witness(url: str, request: str, *, transport: httpx.BaseTransport | None = None) -> WitnessAnswer:
    """Send an add-checkpoint request to a witness and give what it answers, whatever its status.

    A request holds a head and hashes, no secret and nothing of anybody. Even so it goes over TLS only, but to this very
    machine; and no redirect is followed.

    Args:
        url: The witness's submission prefix.
        transport: Stands in for the network in tests.

    Raises:
        WrongUsage: It is no such address.
        Unavailable: Nobody answered.
        BadAnswer: The answer is too long, or no text.
    """
    address = f"{_checked(url).rstrip('/')}/add-checkpoint"
    import httpx

    client = httpx.Client(timeout=_SECONDS, follow_redirects=False, transport=transport)
    try:
        with client, client.stream("POST", address, content=request.encode()) as response:
            data = b""
            for part in response.iter_bytes():
                data += part
                if len(data) > _LONGEST:
                    raise BadAnswer(
                        f"The witness {address} answered with more than {_LONGEST:,} bytes.", kept=_SAFE
                    )
            return WitnessAnswer(response.status_code, data.decode())
    except httpx.HTTPError as error:
        raise Unavailable(
            f"The witness {address} did not answer: {type(error).__name__}.",
            kept=_SAFE,
            next_step="Try again later, or take the request there as a file: `modconsole audit checkpoint --out FILE`.",
        ) from None
    except UnicodeDecodeError:
        raise BadAnswer(
            f"The witness {address} answered with something that is no text.", kept=_SAFE
        ) from None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        parts, here = urlsplit(""), False
    if not parts.hostname or parts.scheme not in (("https", "http") if here else ("https",)):
        raise WrongUsage(f"“{url}” is no address of a witness.", next_step="It begins with https://.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise WrongUsage("The address of a witness has no password, no query and no fragment.")
    return url
