"""An adapter of another maker, written from docs/adapters.md alone, for a forum on which nobody means well.

It is never imported from here: `install` puts it into a folder as a package of its own, found by its entry point.
What its forum says is in a file: one hostile text for every field there is, or trouble instead of an answer.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.terminal.consoles import MODCONSOLE, variables

__all__ = ["BROOK", "install", "make_home", "say"]

BROOK = """
import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from modconsole.core.actions import Action, Outcome, OutcomeKind, TargetState
from modconsole.core.errors import ForumError
from modconsole.core.model import Flag, FlagSource, Member, Post, Target, TargetKind, Thread, Visibility
from modconsole.ports import Ability, Capabilities, Feature, FlagPage, Forum, ForumInfo, Support, setting

YES = Ability(Support.NATIVE)
AT = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


@dataclass(frozen=True)
class BrookSettings:
    says: str = setting("A file", help="what this forum says")


class Brook(Forum):
    api: ClassVar[int] = 1
    kind: ClassVar[str] = "brook"
    title: ClassVar[str] = "Brook"
    Settings: ClassVar[type] = BrookSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        actions={Action.KEEP: YES, Action.HIDE: YES},
        features={Feature.THREAD: YES, Feature.MEMBER: YES, Feature.HISTORY: YES, Feature.READ_STATE: YES},
    )
    poll_seconds: ClassVar[float] = 2.0

    heard = (0, {})

    def texts(self):
        file = Path(self.context.settings.says)
        if file.stat().st_mtime_ns != self.heard[0]:
            self.heard = (file.stat().st_mtime_ns, json.loads(file.read_text()))
        said = self.heard[1]
        trouble = said.get("trouble")
        if trouble == "hangs":
            time.sleep(3600)
        if trouble == "raises":
            raise KeyError(said["words"])
        if trouble:
            raise ForumError(trouble, kept=trouble, next_step=trouble)
        return said["texts"]

    def one(self, number, text=None):
        words = self.texts()[number] if text is None else text
        shown = words if len(words) < 100_000 else "long"
        return Post(target(number), f"m{number}", shown, words, AT, "1", shown)

    async def connect(self):
        texts = self.texts()
        name = texts[1] if len(texts) > 1 else "Brook"
        notes = {action: Ability(Support.EMULATED, name) for action in self.capabilities.actions}
        return ForumInfo(
            name=name, server=name, version=name, me=name, me_name=name,
            capabilities=Capabilities(notes, self.capabilities.features), missing=(name,),
        )

    async def flags(self, since):
        texts = self.texts()
        start = int(since or 0)
        if start >= len(texts):
            return
        flags = [self.flag(number, number) for number in range(start, len(texts))]
        if start == 0:  # everybody flags the first post, each in other words
            flags += [self.flag(0, number) for number in range(1, len(texts))]
        yield FlagPage(tuple(flags), tuple(self.one(n) for n in range(start, len(texts))), (), str(len(texts)))

    def flag(self, post, number):
        words = self.texts()[number][:4000] or "nothing"
        return Flag(f"{post}/{number}", target(post), words, AT, comment=words, reporter=f"m{number}",
                    reporter_name=words, source=FlagSource.MEMBER)

    async def post(self, target):
        return self.one(int(target.id))

    async def thread(self, target, before, after):
        texts = self.texts()
        posts = tuple(self.one(number) for number in range(len(texts)) if len(texts[number]) < 100_000)
        return Thread("t", texts[int(target.id)][:4000], posts, more_before=True, more_after=True, locked=True)

    async def member(self, id):
        words = self.texts()[int(id[1:])][:4000]
        return Member(id, words, AT, 3, 2, place=words, staff_notes=tuple(t[:4000] for t in self.texts()))

    async def history(self, id, limit):
        return tuple(self.one(n) for n, text in enumerate(self.texts()) if len(text) < 100_000)[:limit]

    async def read_state(self, target):
        return TargetState(target, True, Visibility.VISIBLE, "1", text=self.one(int(target.id)).text)

    async def ask(self, order):
        words = self.texts()[int(order.target.id)][:4000]
        return Outcome(OutcomeKind.REFUSED, words, reference=words)


def target(number):
    return Target(TargetKind.POST, str(number), "t")
"""

CONFIG = """
[service]
org = "Brook service"
allow_drafts = true

[me]
pseudonym = "moderator-otter"

[device]
id = "office"
"""


def install(folder: Path) -> str:
    """Put the adapter into a folder as pip would; give what PYTHONPATH must be for it to be found."""
    info = folder / "modconsole_brook-0.1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "modconsole_brook.py").write_text(BROOK, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: modconsole-brook\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[modconsole.adapters]\nbrook = modconsole_brook:Brook\n")
    return str(folder)


def say(home: Path, texts: Sequence[str] = (), **more: str) -> None:
    """Let the forum of a home say something else from now on: these texts, or trouble."""
    unfinished = home / "brook.new"
    unfinished.write_text(json.dumps({"texts": list(texts), **more}), encoding="ascii")
    unfinished.replace(home / "brook.json")


def make_home(folder: Path, texts: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """Make a real home with one forum of this kind, by the commands; give it and the variables it needs."""
    home = folder / "home"
    home.mkdir(parents=True)
    passphrase = folder / "passphrase"
    passphrase.write_text("seven quiet otters\n", encoding="utf-8")
    passphrase.chmod(0o600)
    env = {"PYTHONPATH": install(folder / "site"), "MODCONSOLE_PASSPHRASE_FILE": os.fspath(passphrase)}
    (home / "config.toml").write_text(CONFIG, encoding="utf-8")
    say(home, texts)
    words = [
        "forum",
        "add",
        "brook",
        "--id",
        "brook",
        "--set",
        f"says={home / 'brook.json'}",
        "--secrets-stdin",
    ]
    done = subprocess.run(
        [*MODCONSOLE, *words], env=variables(home, **env), input=b"", capture_output=True, check=False
    )
    assert done.returncode == 0, done
    return home, env
