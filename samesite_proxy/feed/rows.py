"""The rows of a process's feed, as plain data: made where they are kept, read where Django runs."""

from __future__ import annotations

import os
import time
from typing import Any

from samesite_proxy import _engine

Plain = dict[str, Any]

STARTED = time.time_ns() // 1_000_000

# No count of changes is so long.
MOST_DIGITS = 18

NAMES = (
    *("id", "change", "place", "owner", "method", "target", "cut", "status", "bytes"),
    *("age", "waiting", "first_byte", "done", "error"),
)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def known_in(after: str, run: str) -> tuple[int, int] | None:
    """Up to which change, and up to which row, this process's are known, of what is known of
    several; None: nothing is.
    """
    for known in after.split(","):
        of, _, counts = known.partition(":")
        change, _, newest = counts.partition(".")
        if of == run and _is_count(change) and _is_count(newest):
            return int(change), int(newest)
    return None


def since(after: str) -> Plain:
    """What this process has kept since `after`, the "next" of this or other processes' answers,
    joined by commas; and how many rows came meanwhile and are no more.
    """
    run = f"{os.getpid()}.{STARTED}"
    known = known_in(after, run)
    change, newest_known = known or (0, 0)
    found, newest = _engine.feed_rows(change)
    now = time.time() * 1000
    rows: list[Plain] = [dict(zip(NAMES, row, strict=True)) for row in found]
    for row in rows:
        row["at"] = now - row.pop("age")
        change = row.pop("change")
    are_new = sum(row["id"] > newest_known for row in rows)
    return {
        "process": os.getpid(),
        "next": f"{run}:{change}.{newest}",
        "missed": newest - newest_known - are_new if known else 0,
        "rows": rows,
    }
