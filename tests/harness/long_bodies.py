"""Long bodies of known length, each way: who sends them, and who says whether they are whole."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from tests.harness.http_requests import RequestReader
from tests.harness.patterns import digest, pattern
from tests.harness.raw_client import DEADLINE, RawClient
from tests.harness.scripted_upstream import Connection
from tests.traffic.stage import request

BIG = 20_000_000


def head_of(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size


class Sender(threading.Thread):
    """Sends for as long as it is taken."""

    def __init__(self, end: RawClient | Connection, pieces: Iterator[bytes]) -> None:
        super().__init__(daemon=True)
        self._end, self._pieces = end, pieces
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            for piece in self._pieces:
                self._end.send(piece)

    def end(self) -> None:
        """It has been let go, or has sent all."""
        self.join(DEADLINE)
        assert not self.is_alive()


def sized(connection: Connection) -> None:
    """Answers with as many bytes as the target says, over and over."""
    asked = b""
    while True:
        while b"\r\n\r\n" not in asked:
            if not (piece := connection.sock.recv(65536)):
                return
            asked += piece
        asking, _, asked = asked.partition(b"\r\n\r\n")
        method, target, _ = asking.split(b" ", 2)
        connection.send(head_of(int(target[1:])))
        for piece in pattern(int(target[1:])) if method == b"GET" else ():
            connection.send(piece)


def ask(client: RawClient, size: int, *lines: str) -> None:
    client.send(request("GET", f"/{size}", *lines))


def is_whole(client: RawClient, size: int) -> bool:
    return digest([client.read_answer().body]) == digest(pattern(size))


def told(pieces: Iterator[bytes]) -> bytes:
    """What came, as the body of an answer."""
    return repr(digest(pieces)).encode()


def counting(connection: Connection, reader: RequestReader) -> None:
    """Answers each request by what its body was, and takes nothing else for a request."""
    while True:
        body = told(reader.pieces(reader.head()))
        connection.send(head_of(len(body)) + body)


def upload(size: int, target: str = "/up", *lines: str) -> bytes:
    return request("POST", target, f"Content-Length: {size}", *lines)


def has_arrived(client: RawClient, size: int) -> bool:
    """Whether an upload is said to have been whole."""
    return client.read_answer().body == told(pattern(size))
