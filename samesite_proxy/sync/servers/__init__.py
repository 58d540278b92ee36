"""What WSGI servers have beyond the environ of PEP 3333: the client's socket, streamed bodies."""

from __future__ import annotations

import contextlib
import importlib
import socket
import ssl
import struct
from collections.abc import Iterator

from django.core.handlers.wsgi import LimitedStream

from samesite_proxy.proxy.incoming import PIECE
from samesite_proxy.sync.exchange import NO_SOCKET, Exchange
from samesite_proxy.sync.servers import gunicorn, runserver
from samesite_proxy.types import Environ


class BodyBroken(Exception):
    """The client's body broke off, or its framing did."""


class AnswerBroken(Exception):
    """The frontend broke off its answer, and only an exception tells the server so."""


def client_socket(environ: Environ) -> socket.socket | None:
    """The client's socket, still the server's, or None where the server hides it."""
    if environ.get("SERVER_PROTOCOL", "").startswith("HTTP/2"):
        return None  # Other requests share it.
    found = environ.get("gunicorn.socket")
    if found is None and (reader := runserver.reader_of(environ)) is not None:
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


def has_arrived(environ: Environ, client: socket.socket, length: int) -> bool:
    """Whether a body of this length is here, for all that can be told without reading it."""
    reader = runserver.reader_of(environ)
    if reader is not None:
        try:
            return runserver.buffered(reader, client) >= length
        except OSError:
            return False  # The client has left: who reads the body meets its early end.
    unreader = getattr(getattr(environ["wsgi.input"], "reader", None), "unreader", None)
    return unreader is not None and unreader.buf.tell() >= length


def _plain_pieces(environ: Environ) -> Iterator[bytes]:
    """Where nothing is known but PEP 3333: beyond Content-Length there may be no end to find."""
    body = environ["wsgi.input"]
    if not environ.get("wsgi.input_terminated"):
        body = LimitedStream(body, runserver.declared_length(environ))
    return iter(lambda: body.read(PIECE), b"")


def body_pieces(
    environ: Environ, exchange: Exchange, client: socket.socket | None
) -> Iterator[bytes]:
    """The request's body as it comes, until its end or until the upstream refuses the rest.

    read(n) of most servers waits for n bytes; where more can be known of a server, a piece is
    what is there.
    """
    body = environ["wsgi.input"]
    reader = runserver.reader_of(environ)
    if client is None or isinstance(client, ssl.SSLSocket):
        pieces = _plain_pieces(environ)
    elif reader is not None:
        pieces = runserver.pieces(body, reader, client, exchange)
    elif gunicorn.is_body(body):
        pieces = gunicorn.pieces(body, exchange)
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
