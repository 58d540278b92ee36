"""Requests as an upstream reads them: strictly, and whole or piece by piece."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Queue

from tests.harness.scripted_upstream import DEADLINE, Connection, Script

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Request:
    """One request. Names and values are as they came."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None

    @property
    def names(self) -> set[str]:
        return {name.lower() for name, _ in self.fields}


class RequestReader:
    """Reads requests from one connection; EOFError where the client's stream ends early."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffer = b""

    def _more(self) -> None:
        piece = self._connection.sock.recv(262144)
        if not piece:
            raise EOFError("the client ended the stream")
        self._buffer += piece

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("latin-1")

    def _some(self, most: int) -> bytes:
        if not self._buffer:
            self._more()
        piece, self._buffer = self._buffer[:most], self._buffer[most:]
        return piece

    def has_more(self, seconds: float) -> bool:
        """Whether anything is to be read within that time."""
        return bool(self._buffer or select.select([self._connection.sock], [], [], seconds)[0])

    def exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        piece, self._buffer = self._buffer[:count], self._buffer[count:]
        return piece

    def head(self) -> Request:
        method, target, version = self._line().split(" ")
        assert version == "HTTP/1.1"
        fields = []
        while line := self._line():
            name, colon, value = line.partition(":")
            assert colon, line
            fields.append((name, value.strip(" ")))
        return Request(method, target, fields)

    def _chunks(self) -> Iterator[bytes]:
        while left := int(self._line(), 16):
            while left:
                piece = self._some(left)
                left -= len(piece)
                yield piece
            assert self._line() == ""
        while self._line():  # Trailers.
            pass

    def pieces(self, request: Request) -> Iterator[bytes]:
        """The body as it comes, without its framing."""
        if request.get("Transfer-Encoding"):
            assert request.all("Transfer-Encoding") == ["chunked"]
            assert "content-length" not in request.names
            yield from self._chunks()
            return
        assert len(request.all("Content-Length")) <= 1
        left = int(request.get("Content-Length") or 0)
        while left:
            piece = self._some(left)
            left -= len(piece)
            yield piece

    def whole(self) -> Request:
        request = self.head()
        request.body = b"".join(self.pieces(request))
        return request


class Recorder:
    """Answers each whole request, kept alive, and keeps the requests for the test."""

    def __init__(self, answer: bytes | Callable[[Request], bytes] = OK) -> None:
        self._answer = answer
        self.seen: Queue[Request] = Queue()

    def __call__(self, connection: Connection) -> None:
        reader = RequestReader(connection)
        while True:
            request = reader.whole()
            self.seen.put(request)
            connection.send(self._answer(request) if callable(self._answer) else self._answer)

    def next(self) -> Request:
        return self.seen.get(timeout=DEADLINE)


def recording(script: Callable[[Connection, RequestReader], None]) -> Script:
    """A script with a reader of requests at hand."""
    return lambda connection: script(connection, RequestReader(connection))
