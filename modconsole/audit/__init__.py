"""The sealed log: an append-only Merkle tree per device and quarter, its head signed with every entry."""

from modconsole.audit.sealed_log import SealedLog

__all__ = ["SealedLog"]
