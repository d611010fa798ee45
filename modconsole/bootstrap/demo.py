"""Filling a new demo home: the invented forum, and its first flags taken in."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from modconsole.desk.desk import Desk
from modconsole.practice import build
from modconsole.practice.forum import FILE_NAME

__all__ = ["fill"]


def fill(desk: Desk, folder: Path, *, now: datetime, cases: int, seed: int) -> None:
    """Build the invented forum in `folder` and take in what is flagged there, through the same door as always."""
    world = folder / FILE_NAME
    if not world.exists():
        build(world, now=now, seed=seed, cases=cases)
    desk.unlock()
    asyncio.run(_take_in(desk))


async def _take_in(desk: Desk) -> None:
    try:
        for forum in desk.forums.ids:
            await desk.intake.poll(forum, at_once=5_000)  # no screen waits
    finally:
        await desk.forums.close()
