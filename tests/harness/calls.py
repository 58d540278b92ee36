"""The schedule by which calls of the engine's fail in a server's processes: see calls.h."""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

from tests.harness.preload import preloaded

# The same as in calls.h. How many calls there are to one that fails, on the average; 0: none does.
KINDS = {
    "recv": 40,
    "send": 40,
    "read": 10,
    "splice": 6,
    "accept": 10,
    "connect": 8,
    "descriptor": 12,
    "epoll_ctl": 8,
    "epoll_wait": 10,
    "poll": 10,
    "memory": 150,
    "libcurls_memory": 0,  # Some of its versions free a name of TLS's twice.
}
NOTHING, COUNTING, FAILING, FAILING_ONCE, FAILING_FROM = range(5)


class Calls:
    """What a server's processes count and make fail; at first nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_bytes(bytes(8 * (3 + 3 * len(KINDS))))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 0)

    def environment(self) -> dict[str, str]:
        """Of a process that keeps to it."""
        sanitizer = ["verify_asan_link_order=0", *filter(None, [os.environ.get("ASAN_OPTIONS")])]
        return {
            "LD_PRELOAD": preloaded("calls", "allocations", first=True),
            "CALLS_PAGE": str(self._path),
            "ASAN_OPTIONS": ":".join(sanitizer),
        }

    def _set(self, place: int, value: int) -> None:
        struct.pack_into("q", self._page, 8 * place, value)

    def _get(self, place: int) -> int:
        return int(struct.unpack_from("q", self._page, 8 * place)[0])

    def fail(self, seed: int, every: dict[str, int] = KINDS) -> None:
        """From here on calls fail."""
        self._set(1, seed)
        for number, kind in enumerate(KINDS):
            self._set(3 + 3 * number, every.get(kind, 0))
        self._set(0, FAILING)

    def fail_nth(self, kind: str, nth: int, *, and_all_after: bool = False) -> None:
        """From here on the nth call of a kind fails, alone or as all that follow it do."""
        self._set(0, COUNTING)
        for number, each in enumerate(KINDS):
            self._set(3 + 3 * number, nth if each == kind else 0)
            self._set(4 + 3 * number, 0)
            self._set(5 + 3 * number, 0)
        self._set(0, FAILING_FROM if and_all_after else FAILING_ONCE)

    def count(self) -> None:
        """From here on none fails, and they are counted all the same."""
        self._set(0, COUNTING)

    @property
    def is_failing(self) -> bool:
        return self._get(0) > COUNTING

    @property
    def blocks(self) -> int:
        """Of memory, that the engine has taken more than given back since counting began."""
        return self._get(2)

    @property
    def failed(self) -> dict[str, int]:
        return {kind: self._get(5 + 3 * number) for number, kind in enumerate(KINDS)}

    @property
    def called(self) -> dict[str, int]:
        return {kind: self._get(4 + 3 * number) for number, kind in enumerate(KINDS)}
