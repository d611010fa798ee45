"""A console that seals until it is stopped, and says of each entry that it is in the log. Run by the tests."""

from __future__ import annotations

import sys
from pathlib import Path

from modconsole.core.decision import EntryKind
from tests.audit.homes import Home, an_entry

if __name__ == "__main__":
    home, name, count = Home(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    for number in range(count):
        receipt = home.log.seal(
            an_entry(EntryKind.TEXT_OPENED, actor=name, detail=str(number), body={"n": number})
        )
        print(receipt.seq, receipt.leaf_hash, flush=True)
    home.close()
