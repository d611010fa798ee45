"""Answer and decide for ever, and say each time what is kept by then. Started by a test, which kills it."""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import count
from pathlib import Path

from modconsole.core.actions import Action
from modconsole.desk import Choice
from tests.desk.fakes import HERON, a_page
from tests.desk.homes import Home


async def main(folder: Path) -> None:
    home = Home(folder, real_log=True)
    home.desk.intake.take_in("fake", a_page())
    case = home.store.case_at("fake", HERON)
    assert case is not None
    home.desk.cases.open(case.id)
    run = home.desk.cases.start_run(case.id, "suicide-thoughts")
    for number in count():
        answer = f"Day {number}."
        home.desk.cases.answer(case.id, run.id, "mood", [answer])
        print(json.dumps({"answer": answer}), flush=True)
        if number % 4 == 3:
            state = home.desk.decisions.decide(case.id, [Choice(Action.HIDE)], "why")
            print(json.dumps({"decided": state.id}), flush=True)
            await home.desk.decisions.settle(state.id)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
