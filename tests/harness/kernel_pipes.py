"""The kernel's pipes by which the engine moves long bodies, as tests see them."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import Connection
from tests.process.processes import descriptors

# Of a pipe, and of what is left when one is worth it.
PIPE = 1024 * 1024
WORTH = 256 * 1024
# As many as the engine has at once, and those that it keeps while they are empty.
IS_PORTABLE = sys.platform != "linux" or "portable" in os.environ.get("SAMESITE_PROXY_ENGINE", "")
MOST_PIPES, KEPT_PIPES = (0, 0) if IS_PORTABLE else (16, 4)
# Lengths around what decides how they are sent.
SIZES = [
    edge + off
    for edge in (WORTH, PIPE, PIPE + WORTH, 3 * PIPE)
    for off in (-16384, -1, 0, 1, 16384)
]


def pipes(*pids: int) -> int:
    """How many pipes' ends these processes have open."""
    return sum(link.startswith("pipe:") for pid in pids for link in descriptors(pid))


def keep_little(end: RawClient | Connection) -> None:
    """What this end of a connection does not read stands before it, and not in its own buffer."""
    end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WORTH)


@contextlib.contextmanager
def no_descriptor_left(pid: int) -> Iterator[None]:
    """The process can open none meanwhile."""
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    taken = {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    lowest = next(number for number in range(len(taken) + 1) if number not in taken)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest, limits[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
