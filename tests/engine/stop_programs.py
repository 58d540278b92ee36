"""Whole processes whose engine stops while other threads use it, as programs.py has them."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterator

from samesite_proxy import _engine
from samesite_proxy._engine import (
    EngineError,
    Exchange,
    Listener,
    Notifier,
    OwnAddresses,
    Routes,
    Upstream,
)
from tests.engine.programs import HOST, run_in_child, say, start, upstream_at

CONNECTIONS = 1500
Use = Callable[[], object]
Arguments = tuple[
    *(Routes, Routes, list[str]),
    *(list[tuple[Upstream, OwnAddresses, dict[str, tuple[int, str, str]]]], bool),
]


def inode_of(number: int) -> int | None:
    """Of what is open under this number: one that is free may be anybody's a moment later."""
    try:
        return os.fstat(number).st_ino
    except OSError:
        return None


def engines_ends(clients: list[socket.socket]) -> dict[int, int | None]:
    """The descriptors of the engine's ends of these connections, the oldest first."""
    port = clients[0].getpeername()[1]
    found = {}
    for number in sorted(map(int, os.listdir("/dev/fd"))):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as end:
            if end.getsockname()[1:2] == (port,):
                found[number] = inode_of(number)
    return found


def full_listener() -> tuple[list[Listener], list[socket.socket]]:
    """A listener with so many connections that ending them takes a while."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listening:
        address = listening.getsockname()
        box = [Listener([listening.fileno()], CONNECTIONS, -1)]
    clients = [socket.create_connection(address, 10) for _ in range(CONNECTIONS - 1)]
    with socket.create_connection(address, 10) as last:
        last.sendall(b"no request\r\n\r\n")
        assert last.recv(16), "accepted, and so are those before it"
    return box, clients


def ends_for_all(how: str) -> None:
    """Whoever comes to the end while another thread stops the engine finds it over."""
    box, clients = full_listener()
    ends = engines_ends(clients)
    assert len(ends) >= len(clients)
    away = threading.Thread(target=_engine.stop)
    away.start()
    assert clients[-1].recv(1) == b"", "it ends the newest first"
    if how == "drop":
        box.clear()
    elif how == "close":
        box[0].close()
    elif how == "stop":
        _engine.stop()
    else:
        with contextlib.suppress(EngineError):
            box[0].set_table(None, None, [], [], True)
    # Looked at without waiting: that is what may not be late. What a client hears may be.
    assert not [number for number, inode in ends.items() if inode_of(number) == inode]
    for client in clients:
        assert client.recv(1) == b""
    away.join()
    say("over")


def site(at: Upstream) -> Arguments:
    routes = Routes([("/", _engine.PREFIX, 1)])
    own_addresses = OwnAddresses("http", ("localhost",), (), 80)
    return routes, routes, [], [(at, own_addresses, {}, "")], True


def uses(url: str) -> Iterator[Use]:
    """Everything that a thread may do with the engine, each on objects that others use too."""
    at = upstream_at(url)
    notifier = Notifier()
    listening = socket.create_server(("127.0.0.1", 0))
    listener = Listener([listening.fileno()], 64, -1)
    held: list[Exchange] = [start(at, "/stay") for _ in range(4)]
    channels = socket.socketpair()

    def taken() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            exchange = start(at, "/half")
            exchange.head()
            exchange.relay(ours.detach(), b"HTTP/1.1 200 OK\r\n\r\n", b"")

    def visit() -> None:
        with socket.create_connection(listening.getsockname(), 10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: site.example\r\n\r\n")

    yield lambda: start(at).head()
    yield lambda: start(upstream_at(url), "/half").read()
    yield lambda: start(at, "/stay", -1).send(b"x" * 100_000)
    yield taken
    yield lambda: at.request("GET", "/", HOST, -2, -1, notifier)
    yield lambda: (notifier.fileno(), notifier.answer())
    yield notifier.begin
    yield lambda: at.request("GET", "/", HOST, -2, -1, Notifier()).cancel()
    yield lambda: held.pop().cancel() if held else held.append(start(at, "/stay"))
    yield lambda: Listener([listening.fileno()], 4, -1)
    yield lambda: Listener([listening.fileno()], 4, -1).close()
    yield lambda: listener.set_table(*site(upstream_at(url)))
    yield lambda: listener.add_host("site.example", "http://site.example", None)
    yield lambda: listener.attach(channels[0].fileno())
    yield lambda: (listener.fileno(), listener.records())
    yield lambda: listener.log_everything(True)
    yield visit


def use_on(use: Use, goes_on: threading.Event, refused: list[BaseException]) -> None:
    """Until the engine has stopped, and some more."""
    for number in itertools.count():
        try:
            use()
        except (EngineError, OSError):
            pass
        except BaseException as error:
            refused.append(error)
        if number > 3 and not goes_on.is_set():
            return


def used_while_it_stops(url: str) -> None:
    goes_on = threading.Event()
    refused: list[BaseException] = []
    goes_on.set()
    threads = [threading.Thread(target=use_on, args=(use, goes_on, refused)) for use in uses(url)]
    for thread in threads:
        thread.start()
    stops = [threading.Thread(target=_engine.stop) for _ in range(2)]
    for thread in stops:
        thread.start()
    for thread in stops:
        thread.join()
    goes_on.clear()
    for thread in threads:
        thread.join()
    assert not refused, refused
    try:
        start(upstream_at(url)).head()
    except EngineError as error:
        assert error.code == "shutdown"  # noqa: PT017
    else:
        raise AssertionError("it has not stopped")


def stress(url: str, rounds: str) -> None:
    """Each round in a child: it starts an engine of its own."""
    say(sum(run_in_child(lambda: used_while_it_stops(url)) for _ in range(int(rounds))))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
