"""The working state of the desk in one SQLite file, `desk.db`. What members wrote is in it as ciphertext only."""

from modconsole.store.store import DeskStore

__all__ = ["DeskStore"]
