from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modconsole.protocol_files import FileLibrary

GOOD = """\
schema: "modconsole-protocol/1"
id: calm
title: "A calm sheet"
version: "1.0.0"
status: draft
style: do_confirm
urgency: today
trigger: "When a test needs one."
look_for: ["Nothing much"]
applies_to:
  jurisdictions: ["GB"]
  age_bands: [adult]
  forum_types: [charity]
  language: en-GB
governance:
  owner_role: safeguarding_lead
  review_by: 2027-05-01
  evidence: [NSPA]
  changes:
    - {version: "1.0.0", date: 2026-11-22, by_role: author, summary: "First"}
steps:
  - id: look
    text: "Look at it."
    why: "Because."
    questions:
      - id: seen
        text: "Seen?"
        type: choice
        required: true
        safety: true
        options:
          - {value: "yes", text: "Yes"}
          - {value: "unclear", text: "Unclear"}
          - {value: "no", text: "No"}
  - id: answer
    text: "Answer it."
    when: {question: seen, in: ["yes", "unclear"]}
    templates: [hello]
    resources: {topics: [distress]}
    actions: [keep_reply]
  - id: end
    text: "End it."
    questions:
      - {id: note, text: "Note?", type: text}
decisions: [keep, keep_reply]
close_requires: [seen]
"""

TEMPLATE = """\
schema: "modconsole-template/1"
id: hello
version: "1.0.0"
situation: "Always."
channel: public
placeholders: [member_name]
body: |
  Hi {member_name}.
"""

RESOURCES = """\
schema: "modconsole-resources/1"
country: GB
maintainer_role: safeguarding_lead
entries:
  - id: gb-emergency
    name: "Emergency"
    kind: emergency
    topics: [emergency]
    channels: [{type: phone, value: "999"}]
    areas: [GB]
    source: {url: "https://example.org", seen_on: 2026-11-22}
  - id: gb-line
    name: "A line"
    kind: listening
    topics: [distress]
    channels: [{type: phone, value: "0113 496 0000"}]
    areas: [GB]
    source: {url: "https://example.org", seen_on: 2026-11-22}
    verified: {on: 2026-11-01, by_role: safeguarding_lead, method: rang}
"""

INCLUDE = """\
schema: "modconsole-include/1"
id: ending
position: last
steps:
  - id: closing
    text: "Close it."
    questions:
      - {id: told, text: "Told?", type: text}
"""


@dataclass
class Home:
    """A library's folders, and a library over them whose clock stands still until asked."""

    root: Path
    now: float = 0.0
    shipped: Path = field(init=False)
    own: Path = field(init=False)

    def __post_init__(self) -> None:
        self.shipped, self.own = self.root / "shipped", self.root / "own"
        self.write("calm.yaml", GOOD)
        self.write("templates/hello.yaml", TEMPLATE)
        self.write("resources/GB.yaml", RESOURCES)
        self.write("includes/ending.yaml", INCLUDE)

    def write(self, name: str, text: str | bytes, folder: Path | None = None) -> Path:
        path = (folder or self.shipped) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.shipped / name).read_text("utf-8")
        assert old in text, old
        self.write(name, text.replace(old, new, 1))

    def library(self, cache: bool = True) -> FileLibrary:
        return FileLibrary(
            [self.shipped, self.own],
            self.root / "kept",
            self.root / "cache" if cache else None,
            monotonic=self.tick,
        )

    def tick(self) -> float:
        """Every look at the clock is a second later, so that every question looks at the folders."""
        self.now += 1.0
        return self.now

    def told(self, library: FileLibrary | None = None) -> list[str]:
        """Every problem, with file names as written below the folders."""
        found = (library or self.library()).problems()
        return [str(problem).replace(f"{self.root}/", "") for problem in found]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)
