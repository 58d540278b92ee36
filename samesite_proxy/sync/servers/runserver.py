"""Django's runserver (wsgiref): its buffered reader owns the client's socket."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

from django.core.handlers.wsgi import LimitedStream

from samesite_proxy._engine import Exchange
from samesite_proxy.proxy.incoming import PIECE
from samesite_proxy.types import Environ

# A refusal that leaves the request's body unread lingers at most so long (nginx's idea too).
LINGER_BYTES = 64 * 1024
LINGER_SECONDS = 2.0


def reader_of(environ: Environ) -> Any:
    """The buffered reader of Django's runserver (wsgiref), which owns the client's socket."""
    body = environ.get("wsgi.input")
    if not isinstance(body, LimitedStream):
        return None
    reader = getattr(getattr(body, "_read", None), "__self__", None)
    return reader if hasattr(getattr(reader, "raw", None), "_sock") else None


class _WithoutWaiting:
    """What a reader reads from while it must not wait; another thread may be sending."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def recv_into(self, buffer: memoryview) -> int:
        return self._client.recv_into(buffer, 0, socket.MSG_DONTWAIT)


def buffered(reader: Any, client: socket.socket) -> int:
    """How much runserver's reader holds already; asking must not wait for more."""
    reader.raw._sock = _WithoutWaiting(client)
    try:
        return len(reader.peek(1))
    finally:
        reader.raw._sock = client


def may_have_lost_head(environ: Environ, client: socket.socket | None) -> bool:
    """Whether the client's stream has ended where wsgiref takes the end for the head's."""
    reader = reader_of(environ)
    if reader is None or client is None or buffered(reader, client):
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


def pieces(
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
