"""Protocols, message templates and crisis resources as YAML files."""

from modconsole.protocol_files.library import FileLibrary
from modconsole.protocol_files.shipped import shipped_folder

__all__ = ["FileLibrary", "shipped_folder"]
