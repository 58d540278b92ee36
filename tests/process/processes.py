"""What /proc tells of a server's processes."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE = 30.0


def await_that(what: str, happens: Callable[[], bool]) -> None:
    """Looks until it is so, or the deadline has passed."""
    deadline = time.monotonic() + DEADLINE
    while not happens():
        assert time.monotonic() < deadline, f"not within {DEADLINE} s: {what}"
        time.sleep(0.02)  # Between looks, until the deadline.


def descriptors(pid: int) -> list[str]:
    """What each open descriptor of a process is."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # Closed since it was listed.
            found.append(os.readlink(entry))
    return found


def is_at_rest(pid: int) -> bool:
    """Whether it uses next to none of its processor in the next moments, whoever else wants it."""

    def used() -> int:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(told[11]) + int(told[12])  # In hundredths of a second.

    before = used()
    time.sleep(0.5)
    return used() - before <= 1


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def connections_to(port: int, pid: int) -> set[str]:
    """The sockets, by inode, of a process that are connected to a local port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    to_port = {row[9] for row in rows if int(row[2].rpartition(":")[2], 16) == port}
    own = {link[len("socket:[") : -1] for link in descriptors(pid) if link.startswith("socket:[")}
    return to_port & own
