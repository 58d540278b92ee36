"""What the frontend and Django's views have been asked: a line each, as soon as the head is there.

A file outlives whoever writes to it, be it killed.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

VARIABLE = "SOAK_JOURNAL"


@functools.cache
def _descriptor() -> int:
    return os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)


def note(number: int) -> None:
    """At once, and whole: several processes append."""
    os.write(_descriptor(), b"%d\n" % number)


class Journal:
    """How often each number has been asked for."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = path.open("rb")
        self._rest = b""
        self._times = bytearray()

    def read(self) -> list[int]:
        """The numbers, of those that are new in it, that have been there before."""
        lines = (self._rest + self._file.read()).split(b"\n")
        self._rest = lines.pop()
        again = []
        for number in map(int, lines):
            if number >= len(self._times):
                self._times.extend(bytes(number + 1024 - len(self._times)))
            if self._times[number]:
                again.append(number)
            self._times[number] = min(self._times[number] + 1, 255)
        return again

    def times(self, number: int) -> int:
        return self._times[number] if number < len(self._times) else 0

    def close(self) -> None:
        self._file.close()
