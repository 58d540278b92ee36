"""Tasks that are not wanted any more."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN = 0.01  # s


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel them, and wait until they have ended, however they do.

    One cancellation may be lost: in Python 3.11 asyncio.wait_for, of which servers make their
    receive(), returns as if nothing had been said where its event came in the same turn.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # Else the loop complains that nobody has asked for it.
