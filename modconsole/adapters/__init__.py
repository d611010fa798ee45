"""Finding plugins, isolating them, and the HTTP client they are handed."""

from modconsole.adapters.catalogue import Catalogue

__all__ = ["Catalogue"]
