"""Whole processes whose engine could not connect, as programs.py has them."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from samesite_proxy._engine import Exchange
from tests.engine.programs import (
    ask_for,
    descriptors,
    outcome,
    run_in_child,
    say,
    start,
    upstream_at,
)
from tests.harness.sends import follow


@contextlib.contextmanager
def full_backlog(host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The URL of a listener that lets nobody in."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((host, port), family=family, backlog=0))
        for _ in range(4):
            filling = stack.enter_context(socket.socket(family))
            filling.setblocking(False)
            filling.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def connecting(url: str, seconds: float, end: Callable[[Exchange], None]) -> set[int]:
    """The numbers that an attempt to connect had, and has no longer once `end` has ended it."""
    before = descriptors()
    exchange = start(upstream_at(url, seconds))
    while not (had := descriptors() - before):
        pass
    end(exchange)
    while had & descriptors():
        pass
    return had


def fail(exchange: Exchange) -> None:
    assert outcome(lambda: exchange) == "connect-timeout 504"


WAYS = {"timeout": (0.2, fail), "canceled": (10, Exchange.cancel)}


def forks_beside_strangers(url: str, how: str) -> None:
    """A child keeps the files that have the numbers of sockets that never connected."""
    ask_for(upstream_at(url), "warm")
    with full_backlog() as nobody:
        seconds, end = WAYS[how]
        had = connecting(nobody, seconds, end)
        files = [os.open(Path(__file__), os.O_RDONLY) for _ in range(20)]
        mine = os.stat(__file__)

        def look() -> None:
            for fd in files:
                assert os.path.samestat(os.fstat(fd), mine), fd
            ask_for(upstream_at(url), "child")

        say(had <= set(files), run_in_child(look))
    ask_for(upstream_at(url), "parent")


def refused_sends(url: str) -> None:
    """A request, then one of which nothing can be sent."""
    at = upstream_at(url)
    say(outcome(lambda: start(at)))
    follow("a")
    say(outcome(lambda: start(at)))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
