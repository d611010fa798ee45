"""A log as a witness meets it: leaves, heads signed with a key of its own, and requests. It may lie."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modconsole.core.cosignature import AddCheckpoint
from modconsole.core.merkle import consistency_proof, leaf_hash, tree_root
from modconsole.core.note import Checkpoint, VerifierKey, checkpoint_text, signed_note

__all__ = ["ForeignLog"]


class ForeignLog:
    """One key and two histories under it, which part after `shared` leaves."""

    def __init__(self, name: str = "log.example/one", leaves: int = 12, shared: int = 5) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.key = VerifierKey(name, self.private.public_key().public_bytes_raw())
        self.histories = [
            [leaf_hash(f"{'' if at < shared else number}-{at}".encode()) for at in range(leaves)]
            for number in (1, 2)
        ]

    def root(self, size: int, history: int = 0) -> bytes:
        return tree_root(self.histories[history][:size])

    def head(self, size: int, history: int = 0, *, root: bytes | None = None) -> str:
        point = Checkpoint(self.key.name, size, self.root(size, history) if root is None else root)
        return self.signed(checkpoint_text(point))

    def signed(self, text: str) -> str:
        return signed_note(text, (self.key, self.private.sign(text.encode())))

    def proof(self, old: int, size: int, history: int = 0) -> tuple[bytes, ...]:
        if not 0 < old <= size:
            return ()
        return tuple(consistency_proof(self.histories[history][:size], old))

    def request(self, old: int, size: int, history: int = 0) -> bytes:
        """Ask as well as can be: the proof is what this history gives."""
        return self.asking(old, self.proof(old, size, history), self.head(size, history))

    def asking(self, old: int, proof: tuple[bytes, ...], head: str) -> bytes:
        return AddCheckpoint(old, proof, head).text().encode()
