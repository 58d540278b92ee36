"""Both ends of a WebSocket: a real browser's side, and a frontend of real or exact bytes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection

from tests.harness.http_requests import Request, RequestReader
from tests.harness.scripted_upstream import Connection, Script
from tests.traffic.stage import Stage

ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
DEADLINE = 20.0
CEILING = 20 * 1024 * 1024


@contextlib.contextmanager
def browser(
    stage: Stage, target: str = "/socket", host: str = "localhost", **options: Any
) -> Iterator[ClientConnection]:
    """A connected WebSocket of a real library's."""
    defaults = {
        "ping_interval": None,
        "max_size": CEILING,
        "open_timeout": DEADLINE,
        "close_timeout": DEADLINE,
        "compression": None,
        "proxy": None,
    }
    sock = socket.create_connection(("127.0.0.1", stage.port))
    url = f"ws://{host}:{stage.port}{target}"
    with connect(url, sock=sock, **{**defaults, **options}) as connection:
        yield connection


def frontend(handle: Callable[[ServerConnection], None], **options: Any) -> Script:
    """A script that is a WebSocket server of a real library's."""

    def script(connection: Connection) -> None:
        protocol = ServerProtocol(max_size=CEILING, **options)
        server = ServerConnection(
            connection.sock,
            protocol,
            SimpleNamespace(socket_closed=threading.Event()),  # type: ignore[arg-type]
            ping_interval=None,
            close_timeout=DEADLINE,
        )
        server.handshake(timeout=DEADLINE)
        with contextlib.suppress(ConnectionClosed):
            handle(server)
        server.close()

    return script


def never_answering(connection: Connection) -> None:
    """A script for a frontend that accepts, and then says nothing."""
    connection.receive_to_end()


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def accept(connection: Connection, *lines: str) -> Request:
    """The frontend's half of the handshake in exact bytes."""
    asked = RequestReader(connection).head()
    key = asked.get("Sec-WebSocket-Key") or ""
    digest = hashlib.sha1((key + ACCEPT_GUID).encode(), usedforsecurity=False).digest()
    head = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}",
        *lines,
    ]
    connection.send("\r\n".join([*head, "", ""]).encode())
    return asked


def frame(opcode: int, payload: bytes = b"", fin: bool = True) -> bytes:
    """A short frame as servers send them."""
    assert len(payload) < 126
    return bytes([opcode | (0x80 if fin else 0), len(payload)]) + payload


def closing(connection: ClientConnection) -> tuple[int | None, str | None]:
    """The code and reason by which the other side closes."""
    with contextlib.suppress(ConnectionClosed):
        message = connection.recv(timeout=DEADLINE)
        raise AssertionError(f"a message: {message[:80]!r}")
    return connection.close_code, connection.close_reason
