"""The rows of a process's feed, as plain data: made where they are kept, read where Django runs."""

from __future__ import annotations

import os
import time
from typing import Any

from samesite_proxy import _engine

Plain = dict[str, Any]

# At once: a line of so many is short enough for a channel between processes.
MOST = 100

STARTED = time.time_ns() // 1_000_000

# No count of changes is so long.
MOST_DIGITS = 18

NAMES = (
    *("id", "change", "place", "owner", "method", "target", "cut", "status", "bytes"),
    *("age", "waiting", "first_byte", "done", "error"),
)


def _count_in(after: str, run: str) -> int:
    """Up to which change this process's rows are known, of what is known of several."""
    for known in after.split(","):
        of, _, count = known.rpartition(".")
        if of == run and count.isdecimal() and len(count) <= MOST_DIGITS:
            return int(count)
    return 0


def since(after: str) -> Plain:
    """What this process has kept since `after`, the "next" of this or other processes' answers,
    joined by commas.
    """
    run = f"{os.getpid()}.{STARTED}"
    count = _count_in(after, run)
    found = _engine.feed_rows(count)[:MOST]
    now = time.time() * 1000
    rows: list[Plain] = [dict(zip(NAMES, row, strict=True)) for row in found]
    for row in rows:
        row["at"] = now - row.pop("age")
        count = row.pop("change")
    return {"process": os.getpid(), "next": f"{run}.{count}", "rows": rows}
