"""Django's own server and request handler, fed by the hand-over instead of a listening socket."""

from __future__ import annotations

import contextlib
import io
import queue
import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any
from wsgiref.headers import Headers

from django.core.servers.basehttp import ServerHandler, WSGIRequestHandler, WSGIServer

from samesite_proxy import table
from samesite_proxy.conf import Settings
from samesite_proxy.handover import BACK, CLOSED, TAKEN, Handed, Handover

# Seconds that an answer may take before another thread reads the channel.
PATIENCE = 0.005
# Looks at nothing new before the thread that stands by goes to sleep.
QUIET_LOOKS = 20
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

    def is_at_end(self) -> bool:
        return not self._early and self._left == 0


class Writer(io.BufferedIOBase):
    """What an answer is written to: its head and its first piece are one send."""

    def __init__(self, client: socket.socket) -> None:
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
            self._client.sendall(data)


class Answer(ServerHandler):
    """Django's, which knows whether the next request may follow its answer."""

    environ: dict[str, Any] | None
    headers: Headers | None
    status: str | None
    bytes_sent: int
    request_handler: RequestHandler

    def _declared(self) -> int:
        """How long the answer's body is, for all who read it."""
        if self.environ is None or self.headers is None or self.status is None:
            return -1
        if self.environ["REQUEST_METHOD"] == "HEAD" or self.status[:3] in WITHOUT_BODY:
            return 0
        length = self.headers.get("Content-Length") or ""
        return int(length) if length.isascii() and length.isdigit() else -1

    def finish_content(self) -> None:
        super().finish_content()
        self._flush()  # An answer without a body; Django flushes after each piece.

    def close(self) -> None:
        handler = self.request_handler
        is_whole = not handler.is_over and self.bytes_sent == self._declared()
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

    def setup(self) -> None:
        self.connection = self.request
        self.rfile = io.BufferedReader(Bytes(self.connection))
        self.wfile = Writer(self.connection)

    def handle_expect_100(self) -> bool:
        goes_on = super().handle_expect_100()
        self.wfile.flush()
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

    def handle_one_request(self) -> None:
        """Django's, with an answer of ours."""
        self.raw_requestline = self.rfile.readline(LONGEST_LINE + 1)
        if len(self.raw_requestline) > LONGEST_LINE:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
            return
        if not self.parse_request():
            return
        answer = Answer(self.rfile, self.wfile, self.get_stderr(), self.get_environ())
        answer.request_handler = self
        answer.run(self.server.get_app())  # type: ignore[attr-defined]


class Crew:
    """Threads that answer requests. One of them reads the channel, and answers itself what it
    reads: to change threads costs more than most answers. Another takes its place when that
    takes long, or when more has come already.
    """

    def __init__(
        self, receive: Callable[[], Handed | None], work: Callable[[Handed], None]
    ) -> None:
        self._receive = receive
        self._work = work
        self._changing = threading.Lock()
        self._reader: object = None
        self._is_busy = False  # the reader, with an answer
        self._taken = 0
        self._stands_by = False  # a thread does
        self._calls: queue.SimpleQueue[bool] = queue.SimpleQueue()  # for that thread
        self._sleeps = False  # it does, until it is called
        self._over: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def run(self, has_more: Callable[[], bool]) -> None:
        """Until there is nothing more to receive."""
        self._has_more = has_more
        self._take_place()
        threading.Thread(target=self._read, args=(self._reader,), daemon=True).start()
        self._over.get()

    def _take_place(self) -> None:
        """Under the lock, but for the first: whoever was the reader is none after its answer."""
        self._reader = object()
        self._is_busy = False

    def _begin(self) -> None:
        with self._changing:
            self._is_busy = True
            self._taken += 1
            starts = not self._stands_by
            self._stands_by = True
            calls = self._sleeps or self._has_more()
            self._sleeps = False
        if starts:
            threading.Thread(target=self._stand_by, daemon=True).start()
        if calls:
            self._calls.put(True)

    def _end(self, me: object) -> bool:
        """Whether this thread still is the reader."""
        with self._changing:
            if self._reader is not me:
                return False
            self._is_busy = False
            return True

    def _read(self, me: object) -> None:
        while (request := self._receive()) is not None:
            self._begin()
            self._work(request)
            if not self._end(me):
                return
        self._over.put(True)

    def _stand_by(self) -> None:
        """Look whether the reader is held up; become it then."""
        quiet = 0
        while True:
            seen = self._taken
            with contextlib.suppress(queue.Empty):
                self._calls.get(timeout=None if self._sleeps else PATIENCE)
            with self._changing:
                is_held_up = self._is_busy and (self._taken == seen or self._has_more())
                quiet = 0 if self._taken != seen else quiet + 1
                self._sleeps = quiet > QUIET_LOOKS and not self._is_busy
                if is_held_up:
                    self._take_place()
                    self._stands_by = False
                    me = self._reader
                    break
        self._read(me)


class HandoverServer(WSGIServer):
    """Django's, without a listening socket. A subclass has the class attributes."""

    handover: Handover
    settings: Settings | None
    table: table.Plain

    def __init__(self, address: Any, handler: type[Any], **options: Any) -> None:
        # Django's run() names its own class.
        ours = type("RequestHandler", (RequestHandler, handler), {})
        super().__init__(address, ours, **options)

    def server_bind(self) -> None:
        """Without binding: the door has, and what is known of its address is the same."""
        address = self.handover.address
        self.socket.close()
        self.server_address = (address.host, address.port)
        self.server_name = socket.getfqdn(address.host)
        self.server_port = address.port
        self.setup_environ()

    def server_activate(self) -> None:
        """The door listens."""

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Until there is nothing more on the channel."""
        self._channel = self.handover.open(self.table)
        try:
            if isinstance(self, socketserver.ThreadingMixIn):
                Crew(self._take, self._answer).run(self._channel.has_more)
                return
            while (request := self._take()) is not None:
                self._answer(request)
        finally:
            self.handover.end()

    def _take(self) -> Handed | None:
        """The next request; None at the end of the channel."""
        while isinstance(received := self._channel.receive(), bytes):
            self._judge(received)
        if received is not None:
            self.handover.begin()
            self._channel.report(TAKEN, received.request_id)
        return received

    def _judge(self, host: bytes) -> None:
        assert self.settings is not None  # Else there are no routes, and no questions.
        server = self.server_name, self.server_port
        self.handover.tell(table.verdict_on(host.decode("latin-1"), server, self.settings))

    def _answer(self, request: Handed) -> None:
        """As socketserver has it, but that the connection may go back."""
        request_id = request.request_id
        try:
            address = request.getpeername()
            request.settimeout(None)
            self._answer_to(request, address)
        except OSError:  # The client had left before.
            request.close()
        finally:
            self._channel.report(BACK if request.goes_back else CLOSED, request_id)
            self.handover.end()

    def _answer_to(self, request: Handed, address: Any) -> None:
        try:
            self.finish_request(request, address)
        except Exception:
            self.handle_error(request, address)
        finally:
            if request.goes_back:
                self.close_request(request)
            else:
                self.shutdown_request(request)


def server_class(
    base: type[Any], handover: Handover, settings: Settings | None, plain: table.Plain
) -> type[WSGIServer]:
    """A server class for Django's run(), made of the one that it would take."""
    attributes = {"handover": handover, "settings": settings, "table": plain}
    return type("WSGIServer", (HandoverServer, base), attributes)
