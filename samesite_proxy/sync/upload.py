"""A request's body on its way to the frontend while the answer may come already."""

from __future__ import annotations

import _thread
import socket
from collections.abc import Callable, Iterator

from django.http import HttpRequest

from samesite_proxy._engine import NO_BODY, TUNNEL
from samesite_proxy.proxy.incoming import PIECE
from samesite_proxy.sync import servers
from samesite_proxy.sync.exchange import Exchange
from samesite_proxy.sync.takeover import can_adopt


def _error_of_sending(exchange: Exchange, pieces: Iterator[bytes]) -> Exception | None:
    """Until the end, or until the frontend's early answer says that it wants no more.

    Its own function, as an error knows the frames that it passed: whoever keeps it must not be in
    one, or both stay until garbage is collected, and with them the exchange and its descriptors.
    """
    try:
        for piece in pieces:
            if not exchange.send(piece):
                return None
        exchange.end()
    except Exception as error:
        exchange.cancel()  # Whoever waits for the answer meets an error, and asks here.
        return error
    return None


class Upload:
    """Sends a body: at once where all of it is here, else in a thread of its own.

    A frontend may answer before it has read all, and a client may read the answer only when all
    is sent: neither half can wait for the other. Where gevent has patched threads it is a
    greenlet.
    """

    def __init__(self, exchange: Exchange, pieces: Iterator[bytes], *, is_here: bool) -> None:
        self._exchange = exchange
        self._pieces = pieces
        self._error: Exception | None = None
        # Neither an Event nor Thread's start() and join(), which wait for one: an exception of a
        # signal's in the midst makes them release a lock that they do not hold. Locked until it
        # is over.
        self._end = _thread.allocate_lock()
        self._end.acquire()
        self._is_over = False
        if is_here:
            self._send()
        else:
            _thread.start_new_thread(self._send, ())

    def _send(self) -> None:
        try:
            self._error = _error_of_sending(self._exchange, self._pieces)
        finally:
            self._is_over = True
            self._end.release()

    def is_over(self) -> bool:
        return self._is_over

    def _wait(self) -> None:
        if not self._is_over:
            self._end.acquire()

    def broken(self) -> Exception | None:
        """What the client did wrong, once the exchange is over; told once."""
        self._wait()
        error, self._error = self._error, None  # Raised, it will know frames that know us.
        return error

    def before_end(self, body: Iterator[bytes], after: Callable[[], None]) -> Iterator[bytes]:
        """The answer's body, and then nobody else reads from the client's socket."""
        try:
            yield from body
        finally:
            self._exchange.cancel()
            self._wait()
        after()


def _pieces(
    request: HttpRequest, length: int, exchange: Exchange, client: socket.socket | None
) -> Iterator[bytes]:
    was_read = length > 0 and hasattr(request, "_body")
    if was_read or "wsgi.input" not in request.META:  # Read before us, or Django's test client.
        yield request.body
    else:
        yield from servers.body_pieces(request.META, exchange, client)


def upload_of(
    request: HttpRequest, length: int, exchange: Exchange, client: socket.socket | None
) -> Upload | None:
    if length in (NO_BODY, 0, TUNNEL):
        return None
    pieces = _pieces(request, length, exchange, client)
    if client is None or not can_adopt(client):  # Reading could wait for ever, unlike the answer.
        return Upload(exchange, pieces, is_here=True)
    is_small = 0 < length <= PIECE  # The engine has room for that without waiting.
    is_here = hasattr(request, "_body") or servers.has_arrived(request.META, client, length)
    return Upload(exchange, pieces, is_here=is_small and is_here)
