"""Stand-ins for keyring back-ends. Which class it is decides everything, so each says where it pretends to live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def backend(name: str, **members: Any) -> Any:
    """Make an instance of a class that looks like `name` from outside, and keeps secrets in a dict."""
    module, _, cls = name.rpartition(".")
    kind = type(cls, (InMemory,), {"__module__": module, "__qualname__": cls} | members)
    return kind()


class InMemory:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


SECRET_SERVICE = "keyring.backends.SecretService.Keyring"


def raising(error: Exception) -> Callable[..., Any]:
    def method(*_: object) -> Any:
        raise error

    return method


def broken(error: Exception, name: str = SECRET_SERVICE) -> Any:
    """A back-end that raises whatever it is asked."""
    return backend(
        name, get_password=raising(error), set_password=raising(error), delete_password=raising(error)
    )
