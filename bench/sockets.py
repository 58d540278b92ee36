"""The clients of live connections: a WebSocket that waits for its echo, and a crowd that idles."""

import contextlib
import os
import socket
import statistics
import time
from collections.abc import Callable, Iterator

from bench.load import (
    BROWSER_FIELDS,
    ENOUGH_FOR_P999,
    LoadFailed,
    SmallResult,
    connect,
    failures_of,
)
from bench.servers import Server

FIELDS = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
PAYLOAD = b"the size of a hot reload message"
WEBSOCKETS = 200
EVENT_STREAMS = 50


def ask(server: Server, path: str, fields: str, status: bytes, last: bytes) -> socket.socket:
    """Open a connection whose answer begins with the status; read at least as far as `last`."""
    connection = connect(server)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = f"GET {path} HTTP/1.1\r\nHost: {server.address}\r\n{fields}\r\n"
    connection.sendall(head.encode("latin-1"))
    received = b""
    while last not in received:
        data = connection.recv(65536)
        received += data
        if not data or not received.startswith(b"HTTP/1.1 " + status):
            connection.close()
            raise LoadFailed(f"{server.name}: {path} {received[:80]!r}\n{server.log_tail()}")
    return connection


def websocket(server: Server) -> socket.socket:
    return ask(server, "/echo", FIELDS, b"101", b"\r\n\r\n")


def event_stream(server: Server) -> socket.socket:
    return ask(server, "/events", "", b"200", b"first\n\n")


def kept_alive(server: Server) -> socket.socket:
    """A connection that has had its answer, and may ask again."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in BROWSER_FIELDS.items())
    return ask(server, "/1k", fields, b"200", b"x" * 1024)


def round_trips(server: Server, seconds: float) -> SmallResult:
    """Send a small message, wait for its echo, and again."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(PAYLOAD))
    message = bytes([0x81, 0x80 | len(PAYLOAD)]) + mask + masked
    echo = bytes([0x81, len(PAYLOAD)]) + PAYLOAD
    times: list[float] = []
    with failures_of(server), websocket(server) as connection:
        start = now = time.perf_counter()
        while now - start < seconds:
            connection.sendall(message)
            received = connection.recv(len(echo), socket.MSG_WAITALL)
            if received != echo:
                raise LoadFailed(f"{server.name} echoed {received!r}\n{server.log_tail()}")
            before, now = now, time.perf_counter()
            times.append(now - before)
    p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
    enough = len(times) >= ENOUGH_FOR_P999
    p999 = statistics.quantiles(times, n=1000)[998] * 1e3 if enough else None
    return SmallResult(len(times), now - start, p50 * 1e3, p99 * 1e3, p999)


@contextlib.contextmanager
def many(server: Server, opened: Callable[[Server], socket.socket], count: int) -> Iterator[None]:
    """Connections on which nothing moves, until the end of the block."""
    with contextlib.ExitStack() as stack, failures_of(server):
        for _ in range(count):
            stack.enter_context(opened(server))
        yield


@contextlib.contextmanager
def crowd(
    server: Server, websockets: int = WEBSOCKETS, event_streams: int = EVENT_STREAMS
) -> Iterator[None]:
    """Live ones of both kinds."""
    with many(server, websocket, websockets), many(server, event_stream, event_streams):
        yield
