"""Django's own handler of a request, for one that has come over the channel."""

from __future__ import annotations

import io
import socket
from typing import Any
from wsgiref.headers import Headers

from django.core.servers.basehttp import ServerHandler, WSGIRequestHandler

from samesite_proxy.fastpath import head
from samesite_proxy.fastpath.channel import ANSWERED, Handed
from samesite_proxy.proxy.response import is_event_stream
from samesite_proxy.proxy.rules import DJANGO
from samesite_proxy.proxy.server_timing import ANSWERING, LISTENER, LOOKING
from samesite_proxy.types import Environ, Fields

LONGEST_LINE = 65536
WITHOUT_BODY = ("204", "304")


class Bytes(socket.SocketIO):
    """What a request is read from: bytes read already, then as many as it still has."""

    def __init__(self, request: Handed) -> None:
        super().__init__(request, "r")
        self._early = memoryview(request.early)
        self._left = request.left

    def readinto(self, buffer: Any) -> int | None:
        room = memoryview(buffer)
        if self._early:
            piece = self._early[: len(room)]
            room[: len(piece)] = piece
            self._early = self._early[len(piece) :]
            return len(piece)
        if self._left == 0:
            return 0
        count = super().readinto(room[: self._left])
        self._left -= count or 0
        return count

    def pass_over(self, count: int) -> None:
        """Of what was read already."""
        self._early = self._early[count:]

    def is_at_end(self) -> bool:
        return not self._early and self._left == 0


class Writer(io.BufferedIOBase):
    """What an answer is written to: its head and its first piece are one send."""

    def __init__(self, client: Handed) -> None:
        self._client = client
        self._written: list[Any] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._written.append(piece)
        return len(piece)

    def flush(self) -> None:
        if self._written:
            data = b"".join(self._written)
            self._written.clear()
            if self._client.is_lost:
                raise BrokenPipeError
            self._client.is_answered = True
            self._client.sendall(data)


class KeepAliveHandler(ServerHandler):
    """Django's, which knows whether the next request may follow its answer."""

    environ: Environ | None
    headers: Headers | None
    status: str | None
    bytes_sent: int
    request_handler: RequestHandler
    _length = -1

    def _declared(self) -> int:
        """How long the answer's body is, for all who read it."""
        if self.environ is None or self.headers is None or self.status is None:
            return -1
        if self.environ["REQUEST_METHOD"] == "HEAD" or self.status[:3] in WITHOUT_BODY:
            return 0
        length = self.headers.get("Content-Length") or ""
        return int(length) if length.isascii() and length.isdigit() else -1

    def start_response(self, status: str, headers: Fields, *error: Any) -> Any:
        write = super().start_response(status, headers, *error)
        assert self.headers is not None
        if is_event_stream(self.headers.get("Content-Type") or ""):  # Its first event may be far.
            self.request_handler.expect_no_end()
        return write

    def send_headers(self) -> None:
        super().send_headers()
        self._length = self._declared()
        if self.environ is not None and self.status is not None and LISTENER in self.environ:
            owner = self.environ.get(ANSWERING, DJANGO)
            self.request_handler.show(int(self.status[:3]), owner)

    def finish_content(self) -> None:
        super().finish_content()
        self._flush()  # An answer without a body; Django flushes after each piece.

    def close(self) -> None:
        handler = self.request_handler
        is_whole = not handler.is_over and self.bytes_sent == self._length
        handler.connection.body_sent = self.bytes_sent
        handler.is_over = True  # A second answer, to an error in the first one's end, is not.
        super().close()  # Which reads the rest of the request's body away.
        handler.is_whole = is_whole


class RequestHandler(WSGIRequestHandler):
    """Django's, for one request; whether its connection goes back is left in the connection."""

    connection: Any  # a Handed
    rfile: Any
    wfile: Any
    is_over = False
    is_whole = False
    is_quiet = False

    def setup(self) -> None:
        self.connection = self.request
        self.rfile = io.BufferedReader(Bytes(self.connection))
        self.wfile = Writer(self.connection)

    def handle_expect_100(self) -> bool:
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        self.connection.is_answered = False  # That was no answer yet.
        return goes_on

    def handle(self) -> None:
        self.close_connection = True
        self.handle_one_request()
        is_kept = self.is_whole and not self.close_connection and self._is_left()
        self.connection.goes_back = is_kept and self._is_read()

    def _is_left(self) -> bool:
        """Not where the engine has taken the connection, and a dead end is in its place."""
        return isinstance(self.connection.getsockname(), tuple)

    def _is_read(self) -> bool:
        """Whether what the connection holds now is the next request."""
        is_at_end: bool = self.rfile.raw.is_at_end()
        return self.connection.has_copy or (is_at_end and not self.rfile.peek(1))

    def expect_no_end(self) -> None:
        """The answer goes on until its connection ends."""
        self.server.handover.expect_no_end(self.connection)  # type: ignore[attr-defined]

    def show(self, status: int, owner: int) -> None:
        """In DEBUG the listener keeps who answers, and what; of one who looks at that, nothing."""
        self.is_quiet = owner == LOOKING
        self.connection.report(ANSWERED, status | max(owner, DJANGO) << 16)

    def log_message(self, format: str, *args: Any) -> None:
        if not self.is_quiet:
            super().log_message(format, *args)

    def handle_one_request(self) -> None:
        """Django's, with an answer of ours."""
        if not (self._read_plain_head() or self._read_any_head()):
            return
        answer = KeepAliveHandler(self.rfile, self.wfile, self.get_stderr(), self.get_environ())
        answer.request_handler = self
        answer.run(self.server.get_app())  # type: ignore[attr-defined]

    def _read_plain_head(self) -> bool:
        of_head = self.connection.early[: self.connection.head_length]
        is_plain = head.read(self, of_head)
        if is_plain:
            self.rfile.raw.pass_over(len(of_head))
        return is_plain

    def _read_any_head(self) -> bool:
        """As Django has it; False where it was refused."""
        self.raw_requestline = self.rfile.readline(LONGEST_LINE + 1)
        if len(self.raw_requestline) > LONGEST_LINE:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
            return False
        return bool(self.parse_request())
