"""Lets a process fork while its other threads sleep.

The allocator of the sanitizer of addresses has locks of its own, and up to that of GCC 13 nobody
holds them over a fork: a child waits for ever for one that a thread of its parent's had just then.
A thread that sleeps has none.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

TASKS = Path("/proc/self/task")
PATIENCE = 5.0  # In seconds. A process that is never at rest forks as without this.


def is_asleep(task: Path) -> bool:
    with contextlib.suppress(OSError):  # It has ended meanwhile.
        return task.joinpath("stat").read_text().rpartition(") ")[2].startswith("S")
    return True


def others_sleep() -> bool:
    own = str(threading.get_native_id())
    return all(task.name == own or is_asleep(task) for task in TASKS.iterdir())


def wait() -> None:
    deadline = time.monotonic() + PATIENCE
    while not others_sleep() and time.monotonic() < deadline:
        time.sleep(0.001)


def precede_forks() -> None:
    if TASKS.exists():
        os.register_at_fork(before=wait)
