"""The console as its users run it: a process of its own, a home of its own, no screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["Console"]


class Console:
    """Run modconsole commands on one fresh home whose keys are in a passphrase-sealed file."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        passphrase = folder / "passphrase"
        passphrase.write_text("a passphrase for a test\n")
        passphrase.chmod(0o600)
        self._environ = {
            **os.environ,
            "MODCONSOLE_HOME": str(self.home),
            "MODCONSOLE_PASSPHRASE_FILE": str(passphrase),
        }

    def run(self, *words: str, expect: int = 0, given: str = "") -> str:
        """Run one command and give what it wrote; fail with everything it said when it exits otherwise."""
        done = subprocess.run(
            [sys.executable, "-m", "modconsole", *words],
            env=self._environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expect, (
            f"exit {done.returncode}, not {expect}:\n{done.stdout}\n{done.stderr}"
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    def json(self, *words: str, expect: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", expect=expect))

    def add_forum(self, kind: str, id: str, secrets: dict[str, str], **settings: str) -> str:
        """Connect a forum as the documentation says: settings as options, secrets on standard input."""
        options = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        given = "".join(f"{name}={value}\n" for name, value in secrets.items())
        return self.run("forum", "add", kind, "--id", id, *options, "--secrets-stdin", given=given)

    def allow_drafts(self) -> None:
        """Let draft protocols run: the shipped ones are drafts until a service approves them."""
        config = self.home / "config.toml"
        text = config.read_text()
        assert "\n# allow_drafts = false" in text
        config.write_text(text.replace("\n# allow_drafts = false", "\nallow_drafts = true", 1))

    def case_about(self, target: str) -> dict[str, Any]:
        """Ask the forums for what is new, and give the case about this post."""
        self.run("queue", "--refresh")
        rows = self.json("queue", "--limit", "1000")
        for row in sorted(rows, key=lambda row: str(row["flagged_at"]), reverse=True):
            case: dict[str, Any] = self.json("case", "show", row["id"])
            if case["target"]["id"] == target:
                return case
        raise AssertionError(f"no case about {target}")

    def bytes_on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.home.rglob("*") if path.is_file())
