"""A tile log as somebody else would write it: straight from the text of C2SP tlog-tiles and RFC 6962, with nothing of
ours in it."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "log.example/harbour"


class Stranger:
    """Keeps a log and a key."""

    def __init__(self, size: int, *, name: str = NAME, seed: int = 1, text: str = "entry") -> None:
        self.name = name
        self.entries = [f"{text} {number}".encode() + b"." * (number % 5) for number in range(size)]
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self._known: dict[tuple[int, int], bytes] = {}

    @property
    def size(self) -> int:
        return len(self.entries)

    @property
    def vkey(self) -> str:
        public = b"\x01" + self._key.public_key().public_bytes_raw()
        return f"{self.name}+{self._id().hex()}+{b64encode(public).decode()}"

    def _id(self) -> bytes:
        public = b"\x01" + self._key.public_key().public_bytes_raw()
        return hashlib.sha256(self.name.encode() + b"\n" + public).digest()[:4]

    def mth(self, begin: int, end: int) -> bytes:
        """MTH(D[begin:end]) of RFC 6962, section 2.1."""
        if (begin, end) not in self._known:
            count = end - begin
            if count == 0:
                hash = hashlib.sha256().digest()
            elif count == 1:
                hash = hashlib.sha256(b"\x00" + self.entries[begin]).digest()
            else:
                split = 1
                while split * 2 < count:
                    split *= 2
                left, right = self.mth(begin, begin + split), self.mth(begin + split, end)
                hash = hashlib.sha256(b"\x01" + left + right).digest()
            self._known[begin, end] = hash
        return self._known[begin, end]

    def note(self, text: str, *more: str) -> str:
        """Sign a text, with these signature lines before ours."""
        signature = b64encode(self._id() + self._key.sign(text.encode())).decode()
        return text + "\n" + "".join(more) + f"— {self.name} {signature}\n"

    def checkpoint(self, size: int | None = None, *, origin: str = "", extension: str = "") -> str:
        size = self.size if size is None else size
        root = b64encode(self.mth(0, size)).decode()
        return self.note(f"{origin or self.name}\n{size}\n{root}\n{extension}")

    def files(self, size: int | None = None) -> dict[str, bytes]:
        """Give every file the log must serve at this size."""
        size = self.size if size is None else size
        found = {"checkpoint": self.checkpoint(size).encode()}
        level = 0
        while size // 256**level:
            covers = 256**level
            for index in range(-(-(size // covers) // 256)):
                width = min(256, size // covers - index * 256)
                found[path(str(level), index, width)] = b"".join(
                    self.mth((index * 256 + at) * covers, (index * 256 + at + 1) * covers)
                    for at in range(width)
                )
                if level == 0:
                    found[path("entries", index, width)] = bundled(
                        self.entries[index * 256 : index * 256 + width]
                    )
            level += 1
        return found

    def write(self, folder: Path, size: int | None = None) -> Path:
        for name, data in self.files(size).items():
            put(folder, name, data)
        return folder


def bundled(entries: Sequence[bytes]) -> bytes:
    return b"".join(bytes([len(entry) >> 8, len(entry) & 0xFF]) + entry for entry in entries)


def path(level: str, index: int, width: int) -> str:
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < 256 else "")


def put(folder: Path, name: str, data: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
