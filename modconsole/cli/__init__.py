"""Commands without a screen: the same desk, the same checks, the same log. Never imports textual."""

from modconsole.cli.main import run
from modconsole.cli.parts import Check, Parts

__all__ = ["Check", "Parts", "run"]
