"""What WSGI servers have beyond the environ of PEP 3333: the client's socket, streamed bodies."""

from __future__ import annotations

import contextlib
import errno
import importlib
import signal
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from typing import Any

from django.core.handlers.wsgi import LimitedStream

from samesite_proxy._engine import Exchange
from samesite_proxy.types import Environ

PIECE = 256 * 1024
NO_SOCKET = -1

# A refusal that leaves the request's body unread lingers at most so long (nginx's idea too).
LINGER_BYTES = 64 * 1024
LINGER_SECONDS = 2.0

# gunicorn's sync worker is killed when it is silent for its timeout; the answer comes before.
GUNICORN_RESERVE = 5.0


class BodyBroken(Exception):
    """The client's body broke off, or its framing did."""


class AnswerBroken(Exception):
    """The frontend broke off its answer, and only an exception tells the server so."""


def runserver_reader(environ: Environ) -> Any:
    """The buffered reader of Django's runserver (wsgiref), which owns the client's socket."""
    body = environ.get("wsgi.input")
    if not isinstance(body, LimitedStream):
        return None
    reader = getattr(getattr(body, "_read", None), "__self__", None)
    return reader if hasattr(getattr(reader, "raw", None), "_sock") else None


def client_socket(environ: Environ) -> socket.socket | None:
    """The client's socket, still the server's, or None where the server hides it."""
    if environ.get("SERVER_PROTOCOL", "").startswith("HTTP/2"):
        return None  # Other requests share it.
    found = environ.get("gunicorn.socket")
    if found is None and (reader := runserver_reader(environ)) is not None:
        found = reader.raw._sock
    return found if isinstance(found, socket.socket) else None


def descriptor_of(client: socket.socket | None) -> int:
    """For the engine to look at while it waits."""
    return NO_SOCKET if client is None else client.fileno()


def send_at_once(client: socket.socket) -> None:
    """Without this, runserver's kept-alive answers wait 40 ms for the client's ACK (Nagle)."""
    with contextlib.suppress(OSError):  # A Unix socket has no such delay.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def end_by_reset(client: socket.socket, armed: bool) -> None:
    """Whether closing `client`, be it by the end of this process, is a reset and not an end."""
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", armed, 0))


def loses_chunked_bodies(environ: Environ) -> bool:
    """Whether the server leaves a chunked body in the socket (wsgiref does)."""
    return not environ.get("wsgi.input_terminated")


def response_timeout_limit() -> float | None:
    """Seconds in which a gunicorn sync worker must answer, or None under other servers."""
    worker = getattr(signal.getsignal(signal.SIGABRT), "__self__", None)
    if worker is None or type(worker).__module__ != "gunicorn.workers.sync":
        return None
    timeout: float = worker.cfg.timeout
    return max(1.0, timeout - GUNICORN_RESERVE) if timeout else None


class _WithoutWaiting:
    """What a reader reads from while it must not wait; another thread may be sending."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def recv_into(self, buffer: memoryview) -> int:
        return self._client.recv_into(buffer, 0, socket.MSG_DONTWAIT)


def _buffered(reader: Any, client: socket.socket) -> int:
    """How much runserver's reader holds already; asking must not wait for more."""
    reader.raw._sock = _WithoutWaiting(client)
    try:
        return len(reader.peek(1))
    finally:
        reader.raw._sock = client


def may_have_lost_head(environ: Environ, client: socket.socket | None) -> bool:
    """Whether the client's stream has ended where wsgiref takes the end for the head's."""
    reader = runserver_reader(environ)
    if reader is None or client is None or _buffered(reader, client):
        return False
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _left_of(body: LimitedStream) -> int:
    """How many bytes of its limit Django has not read yet."""
    position: int = body._pos  # type: ignore[attr-defined]
    return body.limit - position


def _runserver_pieces(
    body: LimitedStream, reader: Any, client: socket.socket, exchange: Exchange
) -> Iterator[bytes]:
    while _left_of(body):
        there = _buffered(reader, client) or exchange.await_client()
        if there < 0:
            return
        piece = body.read(min(there, PIECE)) if there else b""
        if not piece:
            return
        yield piece


def has_arrived(environ: Environ, client: socket.socket, length: int) -> bool:
    """Whether a body of this length is here, for all that can be told without reading it."""
    reader = runserver_reader(environ)
    if reader is not None:
        return _buffered(reader, client) >= length
    unreader = getattr(getattr(environ["wsgi.input"], "reader", None), "unreader", None)
    return unreader is not None and unreader.buf.tell() >= length


class _Unwanted(Exception):
    """The upstream does not want the rest of the body."""


def _lost_parser() -> Iterator[bytes]:
    """For gunicorn, in place of a parser that was stopped: it closes the connection quietly."""
    yield b""
    raise ConnectionResetError(errno.ECONNRESET, "the rest of the body was not wanted")


def _gunicorn_chunks(reader: Any, exchange: Exchange) -> Iterator[bytes]:
    unreader = reader.req.unreader
    receive = unreader.chunk

    def receive_if_wanted(*hint: int) -> bytes:
        """gunicorn's parser would wait for the client's next chunk, whatever the upstream says."""
        if exchange.await_client() < 0:
            raise _Unwanted
        received: bytes = receive(*hint)
        return received

    unreader.chunk = receive_if_wanted
    try:
        # Not "yield from": it would end gunicorn's parser together with this generator, and
        # the rest of the body would be taken for the next request.
        for piece in reader.parser or ():  # noqa: UP028
            yield piece
        reader.parser = None
    except _Unwanted:
        reader.parser = _lost_parser()
    finally:
        del unreader.chunk


def _gunicorn_pieces(body: Any, exchange: Exchange) -> Iterator[bytes]:
    reader = body.reader
    if buffered := body.buf.tell():
        yield body.read(buffered)
    if hasattr(reader, "parser"):
        yield from _gunicorn_chunks(reader, exchange)
        return
    unreader = reader.unreader
    while reader.length:
        if buffered := unreader.buf.tell():
            yield reader.read(min(buffered, PIECE))
            continue
        there = exchange.await_client()
        if there < 0:
            return
        # Past gunicorn's own buffer, which costs a copy and, for each MiB, fresh memory.
        piece = unreader.sock.recv(min(there, PIECE, reader.length)) if there else b""
        if not piece:
            return
        reader.length -= len(piece)
        yield piece


def _plain_pieces(environ: Environ) -> Iterator[bytes]:
    """Where nothing is known but PEP 3333: beyond Content-Length there may be no end to find."""
    body = environ["wsgi.input"]
    if not environ.get("wsgi.input_terminated"):
        body = LimitedStream(body, int(environ.get("CONTENT_LENGTH") or 0))
    return iter(lambda: body.read(PIECE), b"")


def _is_gunicorn_body(body: Any) -> bool:
    reader = getattr(body, "reader", None)
    return hasattr(body, "buf") and (
        hasattr(reader, "parser") or (hasattr(reader, "length") and hasattr(reader, "unreader"))
    )


def body_pieces(
    environ: Environ, exchange: Exchange, client: socket.socket | None
) -> Iterator[bytes]:
    """The request's body as it comes, until its end or until the upstream refuses the rest.

    read(n) of most servers waits for n bytes; where more can be known of a server, a piece is
    what is there.
    """
    body = environ["wsgi.input"]
    reader = runserver_reader(environ)
    if client is None or isinstance(client, ssl.SSLSocket):
        pieces = _plain_pieces(environ)
    elif reader is not None:
        pieces = _runserver_pieces(body, reader, client, exchange)
    elif _is_gunicorn_body(body):
        pieces = _gunicorn_pieces(body, exchange)
    else:
        pieces = _plain_pieces(environ)
    try:
        for piece in pieces:
            if piece:
                yield piece
    except Exception as error:
        # Where the next request begins is unknown now; gunicorn keeps this flag for itself.
        with contextlib.suppress(AttributeError):
            body.failed = True
        raise BodyBroken(str(error)) from error


def breaking_off(environ: Environ, reason: str) -> Exception | None:
    """What to raise in a body, where the client's socket is hidden, to break its connection."""
    if environ.get("SERVER_SOFTWARE") == "Granian":
        return None  # It ends the answer at an exception as at an end, and logs a traceback.
    if "waitress.client_disconnected" in environ:
        # waitress closes the connection at any exception, at this one without a traceback.
        channel = importlib.import_module("waitress.channel")
        quiet: Exception = channel.ClientDisconnected(reason)
        return quiet
    return AnswerBroken(reason)


def discard_body(environ: Environ, client: socket.socket | None) -> None:
    """After an early answer, read away what runserver would else read into memory at once.

    A client that stops in the middle is cut off: the next request could not be found.
    """
    body = environ.get("wsgi.input")
    if client is None or not isinstance(body, LimitedStream) or not _left_of(body):
        return
    client.settimeout(LINGER_SECONDS)
    try:
        while body.read(PIECE):
            pass
        client.settimeout(None)
    except OSError:
        body.limit -= _left_of(body)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def linger(client: socket.socket) -> None:
    """Let a refusal reach a client that is still sending, before the connection closes."""
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
