"""Where the frontends are that COMMAND starts, in every process that has to know.

The process that starts them says it by the environment to those that start later, and to those that
run by a line for each change.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import weakref
import zlib
from collections.abc import Callable

from samesite_proxy import background
from samesite_proxy.conf.frontends import WHEREABOUTS

# The descriptor by which a process asks for the lines.
ASKED_BY = "SAMESITE_PROXY_WHEREABOUTS"
# What the process that starts them has found in the settings.
STARTED = "SAMESITE_PROXY_STARTED"

_followers: list[weakref.WeakMethod[Callable[[], None]]] = []


def on_change(follower: Callable[[], None]) -> None:
    """Have a method called, in whichever thread, as long as its object lives."""
    _followers.append(weakref.WeakMethod(follower))


def change(line: str) -> None:
    """In this process, and in those that it starts from now on."""
    os.environ[WHEREABOUTS] = line
    for follower in _followers:
        if (call := follower()) is not None:
            call()


def _mark_of(commands: object) -> str:
    """By which commands are known again; what they have in their environment may be secret."""
    return str(zlib.crc32(repr(commands).encode()))


def follow(commands: object) -> bool:
    """Learn of each change in the process that started this one; whether that has started what
    the settings say now.
    """
    number = os.environ.pop(ASKED_BY, None)
    if number is None:
        return False
    ours, theirs = socket.socketpair()
    with theirs, socket.socket(fileno=int(number)) as asked:
        socket.send_fds(asked, [b"+"], [theirs.fileno()])
    background.Thread(_hear, ours).start()
    return _mark_of(commands) == os.environ.get(STARTED)


def _hear(lines: socket.socket) -> None:
    with contextlib.suppress(OSError), lines, lines.makefile() as received:
        for line in received:
            change(line.rstrip("\n"))


class Board:
    """What is known, kept for the processes that this one starts."""

    def __init__(self, commands: object) -> None:
        os.environ[STARTED] = _mark_of(commands)
        self._asked, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._theirs.set_inheritable(True)
        os.environ[ASKED_BY] = str(self._theirs.fileno())
        self._known: dict[str, str | None] = {}
        self._readers: list[socket.socket] = []
        self._lock = threading.Lock()
        background.Thread(self._meet).start()

    def write(self, prefix: str, address: str | None) -> None:
        with self._lock:
            self._known[prefix] = address
            line = json.dumps(self._known)
            change(line)
            self._readers = [each for each in self._readers if self._tell(each, line)]

    def _tell(self, reader: socket.socket, line: str) -> bool:
        """Whether it still reads."""
        try:
            reader.sendall(line.encode() + b"\n")
        except OSError:
            reader.close()
            return False
        return True

    def _meet(self) -> None:
        while True:
            _, numbers, _, _ = socket.recv_fds(self._asked, 1, 1)
            with self._lock:
                for number in numbers:
                    reader = socket.socket(fileno=number)
                    reader.setblocking(False)
                    if self._tell(reader, json.dumps(self._known)):
                        self._readers.append(reader)
