"""Whether a countersignature is right."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from modconsole.core.cosignature import Cosignature, cosigned_text

__all__ = ["is_cosigned"]


def is_cosigned(cosignature: Cosignature, text: str) -> bool:
    """Say whether it is its witness's, for the head with this text."""
    signed = cosigned_text(cosignature.time, text).encode()
    try:
        Ed25519PublicKey.from_public_bytes(cosignature.key.public).verify(cosignature.signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
