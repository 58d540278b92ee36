"""What the server's processes use: looked at all the time, and judged by what is left at rest.

At rest there is no client, no stream and no connection that waits for the next request: whatever a
process has then that it had not after the warm-up is lost to it, be it one descriptor.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.process.processes import resident_bytes

MIB = 1 << 20

# An engine closes what has rested for 4 s.
REST_MOST = 15.0
UNCHANGED = 4

# What may be more at the end than after the warm-up, and why not nothing.
MOST_DESCRIPTORS = 2  # A pipe that a library keeps for later.
# A pool of Python's grows to this, by one whenever a call finds none idle.
MOST_THREADS = min(32, (os.cpu_count() or 1) + 4)
MOST_MEMORY = 12 * MIB  # Arenas that the allocator keeps: 24 bytes of each of 500,000 requests.
# Under load, before memory counts: until then each thread's arenas grow to what they need.
WARM = 55.0
# Wake-ups of a process that has nothing to do, a second: the reloader's own looks are among them.
MOST_IDLE = 40.0
MOST_A_REQUEST = 1.5  # Times what they were at first, and one.


@dataclass(frozen=True)
class Look:
    """One process, now."""

    pid: int
    memory: int
    descriptors: int
    threads: int
    wakeups: int


@dataclass(frozen=True)
class Rest:
    """The processes by their roles, when nothing is asked.

    `a_request` is how often those that have lived through the load before were woken by a request.
    """

    seconds: float  # under load, up to here
    requests: int
    looks: dict[str, Look]
    idle: dict[str, float]
    a_request: float


def wakeups_of(pid: int) -> int:
    """How often its threads have stopped waiting."""
    count = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # It has ended.
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    count += int(line.split()[1])
    return count


def look(pid: int) -> Look:
    return Look(
        pid=pid,
        memory=resident_bytes(pid),
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),
        threads=len(os.listdir(f"/proc/{pid}/task")),
        wakeups=wakeups_of(pid),
    )


class Processes:
    """Those of one server."""

    def __init__(self, pids: Callable[[], list[int]], first: int) -> None:
        self._first = first
        self._pids = pids

    def looks(self) -> dict[str, Look]:
        """The first one, which lives as long as the server, and those that it has started."""
        found = {"server": look(self._first)}
        others = sorted(pid for pid in self._pids() if pid != self._first)
        for index, pid in enumerate(others):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # It has ended.
                found[f"child {index + 1}"] = look(pid)
        return found

    def wakeups(self) -> dict[int, int]:
        found = {}
        for pid in self._pids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # It has ended.
                found[pid] = wakeups_of(pid)
        return found

    def settled(self) -> dict[str, Look]:
        """Once descriptors and threads have not changed for a while."""
        deadline = time.monotonic() + REST_MOST
        same = 0
        before = self.looks()
        begin = time.monotonic()
        while time.monotonic() < deadline and (same < UNCHANGED or time.monotonic() < begin + 4.5):
            time.sleep(0.25)  # Between looks, until the deadline.
            now = self.looks()
            is_same = {role: (x.descriptors, x.threads) for role, x in now.items()} == {
                role: (x.descriptors, x.threads) for role, x in before.items()
            }
            same = same + 1 if is_same else 0
            before = now
        return before

    def idle(self, seconds: float = 1.0) -> dict[str, float]:
        before = self.looks()
        time.sleep(seconds)  # It is what is measured.
        now = self.looks()
        return {
            role: (now[role].wakeups - before[role].wakeups) / seconds
            for role in now
            if role in before
        }


def slope(points: list[tuple[float, float]]) -> float:
    """By Theil and Sen: one odd point among them moves it by nothing."""
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0])
        for index, a in enumerate(points)
        for b in points[index + 1 :]
        if b[0] > a[0]
    ]
    return median(slopes) if slopes else 0.0


@dataclass(frozen=True)
class Line:
    """One figure of a process's from its first rest to its last."""

    role: str
    name: str
    first: float
    last: float
    slope: float  # for each 1000 requests
    most: float  # how much larger the last may be than the first
    is_flat: bool


def _line(role: str, name: str, points: list[tuple[float, float]], most: float) -> Line:
    first, last = points[0][1], points[-1][1]
    # By the slope as well: over a long run a rise must not hide in a last point that is low.
    risen = max(last - first, slope(points) * (points[-1][0] - points[0][0]))
    return Line(role, name, first, last, 1000 * slope(points), most, risen <= most)


BOUNDS = {"descriptors": MOST_DESCRIPTORS, "threads": MOST_THREADS, "memory": MOST_MEMORY}


def _held(rests: list[Rest], role: str) -> list[Line]:
    """What a process holds at rest. Memory counts from one to the next of the same process's."""
    there = [rest for rest in rests if role in rest.looks]
    last = there[-1].looks[role].pid
    lived = [rest for rest in there if rest.looks[role].pid == last and rest.seconds >= WARM]
    lines = []
    for name, most in BOUNDS.items():
        points = [
            (float(rest.requests), float(asdict(rest.looks[role])[name]))
            for rest in (lived if name == "memory" else there)
        ]
        if len(points) > 1:
            lines.append(_line(role, name, points, most))
    return lines


def _woken(rests: list[Rest], role: str) -> Line:
    """How often a process wakes that has nothing to do."""
    idle = [rest.idle[role] for rest in rests if role in rest.idle]
    is_flat = idle[-1] <= MOST_IDLE
    return Line(role, "wake-ups/s idle", idle[0], idle[-1], 0.0, MOST_IDLE, is_flat)


def lines_of(rests: list[Rest]) -> list[Line]:
    """All that must be flat from the first rest on; memory, in what is long enough for it."""
    if len(rests) < 2:
        return []
    lines = []
    for role in rests[0].looks:
        lines += [*_held(rests, role), _woken(rests, role)]
    costs = [rest.a_request for rest in rests]
    most = costs[0] * MOST_A_REQUEST + 1
    is_flat = costs[-1] <= most
    return [*lines, Line("all", "wake-ups/request", costs[0], costs[-1], 0.0, most, is_flat)]
