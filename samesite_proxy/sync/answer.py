"""The frontend's answer on its way to a WSGI server."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

from django.http import HttpRequest

from samesite_proxy._engine import EngineError, break_connection
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.errors import Failure
from samesite_proxy.proxy.failures import log_broken
from samesite_proxy.proxy.incoming import SWITCHING_PROTOCOLS
from samesite_proxy.proxy.response import FrontendResponse, StreamedResponse
from samesite_proxy.sync import servers
from samesite_proxy.sync.exchange import Exchange
from samesite_proxy.sync.servers import breaking_off, runserver, werkzeug
from samesite_proxy.sync.takeover import adopting, head_of
from samesite_proxy.types import Environ, Fields

# After which nobody knows where the body ends.
BODY_UNREADABLE = (
    errors.BODY_LOST,
    errors.LENGTH_REFUSED,
    errors.FRAMED_TWICE,
    errors.CODING_UNKNOWN,
)


def break_off(
    error: EngineError | OSError, client: socket.socket | None, environ: Environ, name: str
) -> None:
    """So that nobody takes what has been sent for the whole."""
    log_broken(name, error)
    if client is not None:
        break_connection(client.fileno())
    elif (exception := breaking_off(environ, str(error))) is not None:
        raise exception from error


def frontend_body(
    exchange: Exchange, client: socket.socket | None, environ: Environ, name: str
) -> Iterator[bytes]:
    """The answer's body as it comes. A broken one breaks the client's connection."""
    try:
        piece = exchange.read(False)
        if piece is None:
            yield b""  # The head goes out now; the body may take its time.
            piece = exchange.read()
        while piece:
            yield piece
            piece = exchange.read()
    except EngineError as error:
        break_off(error, client, environ, name)
    finally:
        exchange.cancel()


def _no_tunnel(exchange: Exchange, client: socket.socket) -> Iterator[bytes]:
    """Of a tunnel's client that stays with its server nobody would read what it sends."""
    exchange.cancel()
    break_connection(client.fileno())
    yield from ()


def adopted(
    status: int,
    reason: str,
    fields: Fields,
    exchange: Exchange,
    client: socket.socket,
    request: HttpRequest,
) -> StreamedResponse:
    """An answer whose connection goes to the engine as soon as its head is complete."""
    environ = request.META
    body = frontend_body(exchange, client, environ, f"{request.method} {request.path}")
    own = [("Connection", "close")]
    stays = body
    if status == SWITCHING_PROTOCOLS:
        own = [("Connection", "Upgrade"), *(f for f in fields if f[0].lower() == "upgrade")]
        stays = _no_tunnel(exchange, client)
    moving = adopting(exchange, client, environ, lambda: head_of(response, *own), stays)
    kept = [field for field in fields if field[0].lower() != "upgrade"]
    response = FrontendResponse(status, reason, kept, moving)
    return response


def or_reset(body: Iterator[bytes], client: socket.socket) -> Iterator[bytes]:
    """A close may be the end of a body without a length; the end of this process must not be."""
    servers.end_by_reset(client, True)
    yield from body
    servers.end_by_reset(client, False)


def and_read_no_more(body: Iterator[bytes], client: socket.socket) -> Iterator[bytes]:
    yield from body
    werkzeug.end_reading(client)


class _Lingering:
    """What a client hears that is still sending what nobody can read."""

    def __init__(self, text: bytes, environ: Environ, client: socket.socket) -> None:
        self._text = text
        self._environ = environ
        self._client = client

    def __iter__(self) -> Iterator[bytes]:
        runserver.read_no_more(self._environ.get("wsgi.input"))
        yield self._text

    def close(self) -> None:
        runserver.linger(self._environ, self._client)


def then_discard(text: bytes, environ: Environ, client: socket.socket | None) -> Iterator[bytes]:
    """And the body of a request that is answered without it is read away."""
    yield text
    runserver.discard_body(environ, client)


def refusal_body(
    failure: Failure, environ: Environ, client: socket.socket | None, text: bytes
) -> Iterable[bytes]:
    """The text; and what the client still sends, as it does not wait for that, is read away."""
    if client is not None and failure in BODY_UNREADABLE:
        return _Lingering(text, environ, client)
    return then_discard(text, environ, client)
