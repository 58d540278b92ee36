"""Whole processes with arguments that change while the engine reads them, as programs.py has them.

What a method of an argument does here, another thread may do at any moment where there is no GIL.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

from samesite_proxy._engine import PREFIX, Listener, OwnAddresses, Routes
from tests.engine.programs import say, upstream_at


class Sly:
    """Looked at, it empties what holds it, and has the memory of the tuple that it stood in filled
    with what is no argument."""

    def __init__(self, value: int, size: int = 1) -> None:
        self.value, self.size = value, size
        self.holder: Any = None
        self.others: list[tuple[int, ...]] = []

    def __index__(self) -> int:
        self.holder.clear()
        self.others = [tuple(range(self.size)) for _ in range(8)]
        return self.value

    def __bool__(self) -> bool:
        return self.__index__() > 0

    fileno = __index__


def listener(descriptors: Any) -> Listener:
    return Listener(descriptors, 8, -1)


def descriptors(listening: int) -> None:
    sly: Any = Sly(listening)
    sly.holder = [sly, listening]
    listener(sly.holder)


def failures(listening: int) -> None:
    sly: Any = Sly(503, size=4)
    sly.holder = {"connect": (sly, *(f"said {number}" for number in range(3)))}
    own = OwnAddresses("http", ("localhost",), (), 80)
    routes = Routes([("/", PREFIX, 1)])
    frontend = upstream_at("http://127.0.0.1:9"), own, sly.holder, ""
    listener([listening]).set_table(routes, routes, [], [frontend], False)


def words(listening: int) -> None:
    sly: Any = Sly(503, size=4)
    sly.holder = {"ended": (sly, *(f"said {number}" for number in range(3)))}
    listener([listening]).set_words(sly.holder, {}, False)


def views(listening: int) -> None:
    sly: Any = Sly(1, size=7)
    said = [f"said {number}" for number in range(6)]
    plain = (*said[:5], False, said[5])
    sly.holder = [((*said[:5], sly, said[5]), plain, plain)]
    listener([listening]).add_host("site.example", "http://site.example", sly.holder)


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as open_socket:
        globals()[sys.argv[1]](open_socket.fileno())
    say("read")
