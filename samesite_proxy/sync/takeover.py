"""Adoption: a client's connection moves from its WSGI server to the engine.

The server keeps a dead end in its place, writes its own answer into that, and its thread or
worker is free at once; the engine answers the client and relays both ways.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterator

from django.http import HttpResponseBase

from samesite_proxy._engine import EngineError, take_connection
from samesite_proxy.sync.exchange import Exchange
from samesite_proxy.sync.servers import end_by_reset, runserver
from samesite_proxy.types import Environ

logger = logging.getLogger("samesite_proxy")


def can_adopt(client: socket.socket) -> bool:
    """Only a plain socket: what TLS has read ahead cannot move."""
    return not isinstance(client, ssl.SSLSocket)


def _left_with_the_server(environ: Environ) -> bytes:
    """What the server has read behind the request; its socket ends at the dead end now."""
    if (reader := runserver.reader_of(environ)) is not None:
        rest: bytes = reader.read()
        return rest
    unreader = getattr(getattr(environ.get("wsgi.input"), "reader", None), "unreader", None)
    return unreader.buf.getvalue() if unreader is not None else b""


def head_of(response: HttpResponseBase, *own: tuple[str, str]) -> bytes:
    """The answer's head as the server would send it, with what middleware have added."""
    cookies = [("Set-Cookie", c.output(header="").strip()) for c in response.cookies.values()]
    lines = [f"HTTP/1.1 {response.status_code} {response.reason_phrase}"]
    lines += [f"{name}: {value}" for name, value in [*response.items(), *cookies, *own]]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def adopting(
    exchange: Exchange,
    client: socket.socket,
    environ: Environ,
    head: Callable[[], bytes],
    otherwise: Iterator[bytes],
) -> Iterator[bytes]:
    """A body without bytes: when the server asks for the first, the connection moves.

    Where there is no descriptor left for that, `otherwise` is the body.
    """
    said = head()
    try:
        taken = take_connection(client.fileno())
    except OSError as error:
        logger.warning("a connection stays with its server: %s", error)
        yield from otherwise
        return
    try:
        exchange.relay(taken, said, _left_with_the_server(environ))
    except EngineError:
        exchange.cancel()  # The engine has closed the connection.
    except Exception:  # The server's internals are not as they were; this client gets no answer.
        exchange.cancel()
        with socket.socket(fileno=taken) as connection:
            end_by_reset(connection, True)
        raise
