"""A frontend that believes nothing: it reads as RFC 9112 has it, and keeps all that it was sent."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator

from tests.harness.http_requests import Request, RequestReader
from tests.harness.scripted_upstream import Connection

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
METHOD = re.compile(TOKEN)
NAME = re.compile(TOKEN)
TARGET = re.compile(r"[\x21-\x7e\x80-\xff]+")
CHUNK_SIZE = re.compile(r"[0-9A-Fa-f]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

VICTIM = "/victim-"

Answering = Callable[[Request], bytes]


def identity(request: Request) -> bytes:
    """What tells one request's answer from another's."""
    return f"{request.method} {request.target}".encode("latin-1")


def answer_of(request: Request) -> bytes:
    body = identity(request)
    said = b"" if request.method == "HEAD" else body
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), said)


class StrictReader(RequestReader):
    """What is none of the grammar's is a fault of who sent it."""

    def _line(self) -> str:
        line = super()._line()
        assert not CONTROL.search(line), f"a control character in {line!r}"
        return line

    def head(self) -> Request:
        request = super().head()
        assert METHOD.fullmatch(request.method), request
        assert TARGET.fullmatch(request.target), request
        assert all(NAME.fullmatch(name) for name, _ in request.fields), request
        assert len(request.all("Host")) == 1, request
        return request

    def _chunks(self) -> Iterator[bytes]:
        while left := self._chunk_size():
            while left:
                piece = self._some(left)
                left -= len(piece)
                yield piece
            assert self._line() == ""
        while line := self._line():
            assert NAME.fullmatch(line.partition(":")[0]), f"{line!r} among trailers"

    def _chunk_size(self) -> int:
        line = self._line()
        assert CHUNK_SIZE.fullmatch(line), f"{line!r} for a chunk's size"
        return int(line, 16)


class Witness:
    """Answers each request by its identity. Bytes that it cannot read are a fault of the engine."""

    def __init__(self, answering: Answering = answer_of) -> None:
        self._answering = answering
        self._lock = threading.Lock()
        self._whole: list[Request] = []
        self._faults: list[str] = []

    def __call__(self, connection: Connection) -> None:
        reader = StrictReader(connection)
        try:
            while True:
                request = reader.whole()
                with self._lock:
                    self._whole.append(request)
                connection.send(self._answering(request))
        except (AssertionError, ValueError) as error:
            with self._lock:
                self._faults.append(f"{error!s:.300}")

    def arrived(self) -> list[Request]:
        """What has come whole since the last look, victims' requests not counted."""
        with self._lock:
            whole, self._whole = self._whole, []
            assert self._faults == []
        return [request for request in whole if not request.target.startswith(VICTIM)]
