"""Keeps a Django view busy with computing."""

import contextlib
import math
import select
import time
from collections.abc import Iterator

from bench import processes
from bench.load import TIMEOUT, LoadFailed, connect, failures_of, head_for, read_answer
from bench.servers import Server

MARGIN = 2.0
BEGUN = 0.05


@contextlib.contextmanager
def burning(server: Server, cpu: int, seconds: float) -> Iterator[None]:
    """Have a view of the server compute on a CPU for as long as the block is said to take."""
    with failures_of(server), connect(server) as connection:
        before = processes.cpu_seconds(server.process.pid)
        path = f"/burn/{cpu}/{math.ceil(seconds + MARGIN)}"
        connection.sendall(head_for(server, "GET", path))
        deadline = time.monotonic() + TIMEOUT
        while processes.cpu_seconds(server.process.pid) - before < BEGUN:
            if time.monotonic() > deadline:
                raise LoadFailed(f"{server.name} does not compute\n{server.log_tail()}")
            time.sleep(BEGUN)
        yield
        if select.select([connection], [], [], 0)[0]:
            raise LoadFailed(f"{server.name} computed for less than {seconds} s")
        read_answer(connection, server)
