"""Upstreams that stall at one point of an exchange, and clients that wait for them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from queue import Queue

from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import Connection

DEADLINE = 60.0

GET = b"GET /stalled HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPLOAD_LENGTH = 256 * 1024 * 1024
UPLOAD = b"POST /stalled HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % UPLOAD_LENGTH

# More than the engine's pipe holds.
MUCH = 1024 * 1024

HEADS = {
    "head": b"",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegins",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbegins\r\n",
    "end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbegins",
    "upload": b"",
    "client": b"",
}

# Where the request has a body; "client": it is the client that stops sending it.
WITH_BODY = ("upload", "client")


class Stall:
    """A script; its connections tell when they stall and when the server has ended them."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.stalled: Queue[Connection] = Queue()
        self.ended: Queue[Connection] = Queue()
        self.may_read = threading.Event()

    def __call__(self, connection: Connection) -> None:
        connection.receive_head()
        connection.sock.settimeout(DEADLINE)
        connection.send(HEADS[self.where])
        self.stalled.put(connection)
        if self.where == "upload":
            self.may_read.wait(DEADLINE)
        connection.receive_to_end()
        self.ended.put(connection)


class Waiting:
    """A client whose request does not get its whole answer."""

    def __init__(self, port: int, where: str) -> None:
        self._client = RawClient(port)
        self._client.sock.settimeout(DEADLINE)
        self._where = where
        self._much_is_sent = threading.Event()
        self._sender = threading.Thread(target=self._send)
        self._sender.start()

    def _send(self) -> None:
        with contextlib.suppress(OSError):  # The server leaves, as it should.
            self._client.send(UPLOAD if self._where in WITH_BODY else GET)
            if self._where == "client":
                self._client.send(b"u" * 1000)
            for _ in range(UPLOAD_LENGTH // MUCH if self._where == "upload" else 0):
                self._client.send(b"u" * MUCH)
                self._much_is_sent.set()

    def await_stall(self) -> None:
        """Until all that comes before the stall is in its place."""
        if self._where == "upload":
            assert self._much_is_sent.wait(DEADLINE)
        elif HEADS[self._where]:
            assert self._client.sock.recv(1, socket.MSG_PEEK)  # The head has begun to arrive.

    def outcome(self) -> int | None:
        """The status of a whole answer, or None where it was broken off."""
        try:
            return self._client.read_answer().status
        except (Broken, OSError):
            return None

    def close(self) -> None:
        self._client.close()
        self._sender.join(DEADLINE)


@contextlib.contextmanager
def all_waiting(clients: int, port: int, where: str) -> Iterator[list[Waiting]]:
    with contextlib.ExitStack() as stack:
        waiting = [Waiting(port, where) for _ in range(clients)]
        for client in waiting:
            stack.callback(client.close)
        yield waiting
