"""Django's runserver and others made of http.server, whose buffered reader owns the socket."""

from __future__ import annotations

import contextlib
import errno
import io
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

from django.core.handlers.wsgi import LimitedStream

from samesite_proxy.proxy import refusals, targets
from samesite_proxy.proxy.incoming import PIECE
from samesite_proxy.sync.exchange import Exchange
from samesite_proxy.sync.servers import werkzeug
from samesite_proxy.types import Environ

# A refusal that leaves the request's body unread lingers at most so long (nginx's idea too).
LINGER_BYTES = 64 * 1024
LINGER_SECONDS = 2.0


@cache
def keep_targets() -> None:
    """Let wsgiref tell the target as it came, which other servers do and PATH_INFO has lost.

    In the server, since staticfiles' handler asks for the path before any application of ours.
    """
    module: Any = sys.modules.get("wsgiref.simple_server")
    if module is None:
        return  # Another server.
    environ_of = module.WSGIRequestHandler.get_environ

    def get_environ(handler: Any) -> Environ:
        environ: Environ = environ_of(handler)
        environ["REQUEST_URI"] = handler.requestline.split()[1]
        targets.settle(environ)
        return environ

    module.WSGIRequestHandler.get_environ = get_environ


def declared_length(environ: Environ) -> int:
    return refusals.number_of(environ.get("CONTENT_LENGTH") or "") or 0


def settle_body(environ: Environ) -> None:
    """Put the body's end where Content-Length says (PEP 3333), in the server's own environ.

    Some hand over the reader of the connection, which has no end there; Django limits it so.
    """
    body = environ.get("wsgi.input")
    if isinstance(body, io.BufferedReader) and hasattr(body.raw, "_sock"):
        stream: Any = body
        environ["wsgi.input"] = LimitedStream(stream, declared_length(environ))


def reader_of(environ: Environ) -> Any:
    """The buffered reader of an http.server, which owns the client's socket."""
    body: Any = environ.get("wsgi.input")
    if isinstance(body, LimitedStream):
        reader = getattr(getattr(body, "_read", None), "__self__", None)
    else:
        reader = body._rfile if werkzeug.is_chunked(body) else None
    return reader if hasattr(getattr(reader, "raw", None), "_sock") else None


@contextlib.contextmanager
def _receiving(
    reader: Any, client: socket.socket, recv_into: Callable[[memoryview], int]
) -> Iterator[None]:
    """Let a reader receive what it reads by `recv_into`."""
    reader.raw._sock = SimpleNamespace(recv_into=recv_into)
    try:
        yield
    finally:
        reader.raw._sock = client


def _receive_what_is_there(client: socket.socket, buffer: memoryview) -> int:
    """Without waiting; another thread may be sending."""
    if not isinstance(client, ssl.SSLSocket):
        return client.recv_into(buffer, 0, socket.MSG_DONTWAIT)
    seconds = client.gettimeout()
    client.settimeout(0)  # TLS knows no flags, and no thread of ours sends behind it.
    try:
        return client.recv_into(buffer)
    except ssl.SSLWantReadError as error:
        raise BlockingIOError(errno.EAGAIN, "nothing is there") from error
    finally:
        client.settimeout(seconds)


def _look(reader: Any, client: socket.socket) -> tuple[int, bool]:
    """How much a reader holds, without waiting for more; whether that is all."""
    received = []

    def recv_into(buffer: memoryview) -> int:
        received.append(_receive_what_is_there(client, buffer))
        return received[-1]

    with _receiving(reader, client, recv_into):
        return len(reader.peek(1)), received == [0]


def buffered(reader: Any, client: socket.socket) -> int:
    """How much a reader holds already; asking must not wait for more."""
    return _look(reader, client)[0]


def may_have_lost_head(environ: Environ, client: socket.socket | None) -> bool:
    """Whether the client's stream has ended where http.server takes the end for the head's."""
    reader = reader_of(environ)
    if reader is None or client is None:
        return False
    try:
        return _look(reader, client)[1]
    except OSError:
        return True


def _left_of(body: LimitedStream) -> int:
    """How many bytes of its limit Django has not read yet."""
    position: int = body._pos  # type: ignore[attr-defined]
    return body.limit - position


def _limited_pieces(
    body: LimitedStream, reader: Any, client: socket.socket, exchange: Exchange
) -> Iterator[bytes]:
    while _left_of(body):
        there = buffered(reader, client) or exchange.await_client()
        if there < 0:
            return
        piece = body.read(min(there, PIECE)) if there else b""
        if not piece:
            return
        yield piece


class _Unwanted(Exception):
    """The rest of the body is not waited for."""


def _chunks(body: Any, reader: Any, client: socket.socket, exchange: Exchange) -> Iterator[bytes]:
    """Werkzeug's: read(n) waits for n bytes; after the first the length of its chunk is known."""

    def receive_if_wanted(buffer: memoryview) -> int:
        """Else a chunk's head would be waited for, whatever the upstream says."""
        if exchange.await_client() < 0:
            raise _Unwanted
        return client.recv_into(buffer)

    def read(size: int) -> bytes:
        with _receiving(reader, client, receive_if_wanted):
            piece: bytes = body.read(size)
            return piece

    with contextlib.suppress(_Unwanted):
        while first := read(1):
            yield first + read(min(body._len, buffered(reader, client)))


def pieces(body: Any, reader: Any, client: socket.socket, exchange: Exchange) -> Iterator[bytes]:
    of_kind = _limited_pieces if isinstance(body, LimitedStream) else _chunks
    return of_kind(body, reader, client, exchange)


def _read_away(body: Any, reader: Any, client: socket.socket) -> bool:
    """Whether the body's end was found."""

    def recv_into(buffer: memoryview) -> int:
        try:
            return client.recv_into(buffer)
        except TimeoutError as error:  # Once a reader has seen one, it refuses to read on.
            raise _Unwanted from error

    seconds = client.gettimeout()
    client.settimeout(LINGER_SECONDS)
    try:
        with _receiving(reader, client, recv_into):
            while body.read(PIECE):
                pass
    except (OSError, _Unwanted):
        return False
    finally:
        client.settimeout(seconds)
    return True


def read_no_more(body: Any) -> None:
    """Django makes room for all that is declared before it looks what is there."""
    if isinstance(body, LimitedStream):
        body.limit -= _left_of(body)


def discard_body(environ: Environ, client: socket.socket | None) -> None:
    """After an early answer, read away what an http.server would else read into memory at once.

    A client that stops in the middle is cut off: the next request could not be found.
    """
    body: Any = environ.get("wsgi.input")
    reader = reader_of(environ)
    is_limited = isinstance(body, LimitedStream)
    if client is None or reader is None or (is_limited and not _left_of(body)):
        return
    is_at_end = _read_away(body, reader, client)
    read_no_more(body)
    if is_at_end:
        return
    if werkzeug.serves(environ):
        werkzeug.end_reading(client)
    else:
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def linger(environ: Environ, client: socket.socket) -> None:
    """Let a refusal reach a client that is still sending, before the connection closes."""
    if werkzeug.serves(environ):
        return  # It does so itself.
    deadline = time.monotonic() + LINGER_SECONDS
    left = LINGER_BYTES
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)
        while left > 0 and (seconds := deadline - time.monotonic()) > 0:
            client.settimeout(seconds)
            piece = client.recv(left)
            if not piece:
                return
            left -= len(piece)
