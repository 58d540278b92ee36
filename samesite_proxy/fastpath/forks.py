"""Sockets of ours that a process forked by a view must not keep open.

As long as one copy of a connection is open, nobody sees its end: neither the client of a request
that was under way at the fork, nor the listener when the process behind it has died.
"""

from __future__ import annotations

import os
import socket
import weakref
from typing import TypeVar

Socket = TypeVar("Socket", bound=socket.socket)

_owned: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def own(sock: Socket) -> Socket:
    """Have forked processes close their copy; a program that one becomes never gets it."""
    sock.set_inheritable(False)
    _owned.add(sock)
    return sock


def _close_copies() -> None:
    for sock in list(_owned):
        if sock.fileno() >= 0:
            os.close(sock.detach())  # Whoever still holds the object meets no other descriptor.
    _owned.clear()


os.register_at_fork(after_in_child=_close_copies)
