"""Ports of the servers that tests start, among those of other tests that run at the same time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import itertools
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# Not the tests' own seeded generator, which would give each process the same share.
_anywhere = random.SystemRandom()

# Below those that the system gives to outgoing connections: one of theirs could take a server's
# port before the server does.
PORTS = range(20000, 32000)
# A process that runs tests has so many of them for itself, as long as it lives.
SHARE = 200

ADDRESSES = ("127.0.0.1", "::1")


@functools.cache
def _own_ports() -> tuple[Iterator[int], IO[bytes]]:
    """Ports that no other process's tests are about to use, and the lock that says so.

    Each comes again when all others have been: what was at it is forgotten by then.
    """
    folder = Path(tempfile.gettempdir(), f"samesite-proxy-ports-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    starts = PORTS[::SHARE]
    for start in _anywhere.sample(starts, len(starts)):
        lock = (folder / str(start)).open("wb")
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return itertools.cycle(range(start, start + SHARE)), lock
        lock.close()
    raise RuntimeError("the ports are all in the hands of other tests")


def _is_free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.create_server((address, port), family=family).close()
    except OSError as error:
        return error.errno != errno.EADDRINUSE  # There may be no IPv6.
    return True


def free_port() -> int:
    """A port that nobody listens on, at neither address of the machine to itself."""
    ports, _ = _own_ports()
    return next(port for port in ports if all(_is_free(each, port) for each in ADDRESSES))
