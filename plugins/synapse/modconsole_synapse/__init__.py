"""modconsole's adapter for Matrix rooms on a Synapse server."""

from modconsole_synapse.forum import SynapseForum

__all__ = ["SynapseForum"]
