"""How small requests fare beside thousands of live connections, and what such connections hold."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import NamedTuple

from bench import load, processes, sockets
from bench.kinds import Beside, Idle, Streams
from bench.load import TIMEOUT, LoadFailed
from bench.results import Sample
from bench.servers import Server

# What is made once for all of them is not theirs.
FIRST_FEW = 20
SETTLED = 0.3
OPENERS = {"clients": sockets.kept_alive, "websockets": sockets.websocket}


class Counts(NamedTuple):
    """As the upstream of thousands counts."""

    connections: int
    requests: int
    live: int


class Crowded(NamedTuple):
    """CPU beside them over that without, and the share of requests on used connections."""

    slowdown: float
    reuse: float


def counts_of(upstream: Server) -> Counts:
    connection = upstream.connection()
    try:
        connection.request("GET", "/counts")
        return Counts(**json.loads(connection.getresponse().read()))
    finally:
        connection.close()


def await_none_live(upstream: Server) -> None:
    """Return when the upstream has seen the last of them go."""
    deadline = time.monotonic() + TIMEOUT
    while counts_of(upstream).live:
        if time.monotonic() > deadline:
            raise LoadFailed(f"live connections stay open\n{upstream.log_tail()}")
        time.sleep(SETTLED)


def beside(case: Beside, server: Server, upstream: Server, sample: Callable[[], Sample]) -> Crowded:
    """Measure without them, then with them; connections that rest meanwhile are too old."""
    await_none_live(upstream)
    url = case.ours.url(server, case.path)
    load.wrk(url, case.connections, 1)
    alone = sample()
    with sockets.crowd(server, case.websockets, case.event_streams):
        load.wrk(url, case.connections, 1)
        before = counts_of(upstream)
        within = sample()
        after = counts_of(upstream)
    requests = after.requests - before.requests
    return Crowded(within.cpu / alone.cpu, 1 - (after.connections - before.connections) / requests)


def growing(
    case: Streams, server: Server, upstream: Server, sample: Callable[[], Sample]
) -> dict[int, float]:
    """CPU per request by the number of event streams that are open; each number is larger."""
    await_none_live(upstream)
    costs: dict[int, float] = {}
    with contextlib.ExitStack() as stack:
        opened = 0
        for count in case.counts:
            more = sockets.many(server, sockets.event_stream, count - opened)
            stack.enter_context(more)
            opened = count
            load.wrk(f"http://{server.address}{case.path}", case.connections, 1)
            costs[count] = sample().cpu
    return costs


def held_by_each(case: Idle, server: Server) -> float:
    """Bytes by which the server's memory rises, for each connection."""
    opener = OPENERS[case.kind]
    with sockets.many(server, opener, FIRST_FEW):
        time.sleep(SETTLED)
        before = processes.resident_bytes(server.process.pid)
        with sockets.many(server, opener, case.count):
            time.sleep(SETTLED)
            return (processes.resident_bytes(server.process.pid) - before) / case.count
