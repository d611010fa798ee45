"""Asking every forum for what is new, from a command."""

from __future__ import annotations

import asyncio

from modconsole.cli.output import complain
from modconsole.cli.parts import Parts
from modconsole.core.errors import ForumError
from modconsole.desk.desk import Desk

__all__ = ["refresh"]


def refresh(parts: Parts) -> int:
    """Take in what is new on every forum. One that fails is named and the others go on; gives the exit code."""
    desk = parts.desk()
    parts.unlock(desk)
    return asyncio.run(_refresh(desk))


async def _refresh(desk: Desk) -> int:
    code = 0
    try:
        for forum in desk.forums.ids:
            try:
                await desk.intake.poll(forum)
            except ForumError as error:
                complain(error)
                code = error.exit_code
        desk.intake.wake()
    finally:
        await desk.forums.close()
    return code
