"""A frontend that is down is said to be so once, and not with each request."""

from __future__ import annotations

import time
from dataclasses import dataclass

SECONDS = 60  # Then it is said again, and how often it was so.


@dataclass
class _Said:
    at: float
    times_since: int = 0


class Outages:
    """What was said of frontends that are down. Used by any number of threads: two of them that
    find the same at the same moment may both say it.
    """

    def __init__(self) -> None:
        self._said: dict[str, dict[str, _Said]] = {}

    def words_on(self, frontend: str, failure: str, now: float | None = None) -> str | None:
        """What is to be said behind the failure's line; None if the line was said already."""
        now = time.monotonic() if now is None else now
        of_frontend = self._said.setdefault(frontend, {})
        before = of_frontend.get(failure)
        if before is not None and now - before.at < SECONDS:
            before.times_since += 1
            return None
        of_frontend[failure] = _Said(now)
        times = before.times_since if before is not None else 0
        return f" ({times} more since)" if times else ""

    def end(self, frontend: str) -> bool:
        """It has answered. True: it was said to be down."""
        return bool(self._said) and self._said.pop(frontend, None) is not None
