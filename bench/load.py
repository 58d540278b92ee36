"""The clients: wrk for small answers, sockets that copy nothing for large bodies."""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.servers import Server

# What a browser sends with a request for a script, a session's cookie included.
BROWSER_FIELDS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-US,en;q=0.9",
    "Cookie": "csrftoken=AbCdEfGhIjKlMnOpQrStUvWxYz012345; sessionid=abcdefghijklmnopqrstuvwxyz01",
    "Referer": "http://localhost:8000/",
    "Sec-Fetch-Dest": "script",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
}

REPORT = Path(__file__).with_name("report.lua")
PIECE = 1 << 20
TIMEOUT = 60.0
MB = 1 << 20
ENOUGH_FOR_P999 = 1000


class LoadFailed(Exception):
    """A measured request was answered with something else than the whole body."""


@dataclass(frozen=True)
class SmallResult:
    """What wrk, or a WebSocket, saw."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    p999_ms: float | None  # Of fewer requests it would be the slowest of them.


def wrk(url: str, connections: int, seconds: float) -> SmallResult:
    """Ask for the same small answer on kept-alive connections, as fast as it comes."""
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{max(1, round(seconds))}s", "--timeout", "10s"]
    for name, value in BROWSER_FIELDS.items():
        command += ["--header", f"{name}: {value}"]
    command += ["--script", str(REPORT), url]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LoadFailed(f"wrk {url}: {result.stderr.strip() or result.stdout.strip()}")
    report = json.loads(result.stdout.splitlines()[-1])
    if report["failed"] or not report["requests"]:
        raise LoadFailed(f"{url}: {report['failed']} of {report['requests']} requests failed")
    p50, p99, p999 = (report[name] / 1e3 for name in ("p50", "p99", "p999"))
    known = p999 if report["requests"] >= ENOUGH_FOR_P999 else None
    return SmallResult(report["requests"], report["microseconds"] / 1e6, p50, p99, known)


def connect(
    server: Server, receive_buffer: int | None = None, segment: int | None = None
) -> socket.socket:
    """Open a connection; a small receive buffer makes a slow reader slow for its peer too."""
    connection = socket.socket()
    if segment is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(TIMEOUT)
    connection.connect(("127.0.0.1", server.port))
    return connection


def head_for(server: Server, method: str, path: str, body_size: int | None = None) -> bytes:
    """Ask for the connection to be closed, so that the end of the answer is plain to see."""
    length = f"Content-Length: {body_size}\r\n" if body_size is not None else ""
    text = f"{method} {path} HTTP/1.1\r\nHost: {server.address}\r\n{length}Connection: close\r\n"
    return f"{text}\r\n".encode("latin-1")


def read_answer(
    connection: socket.socket, server: Server, bytes_per_second: float | None = None
) -> int:
    """Read to the end of the stream at the given pace; return the size of what came."""
    start = time.monotonic()
    head = connection.recv(PIECE)
    if not head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 ")):
        raise LoadFailed(f"{server.name} answered {head[:80]!r}\n{server.log_tail()}")
    scratch = bytearray(PIECE)
    total = len(head)
    while True:
        # With MSG_TRUNC the kernel drops the bytes of a TCP stream and copies nothing.
        size = connection.recv_into(scratch, PIECE, socket.MSG_TRUNC)
        if not size:
            return total
        total += size
        if bytes_per_second is not None:
            ahead = total / bytes_per_second - (time.monotonic() - start)
            if ahead > 0:
                time.sleep(ahead)


@contextlib.contextmanager
def failures_of(server: Server) -> Iterator[None]:
    """Say whose connection failed, and what that server wrote about it."""
    try:
        yield
    except OSError as error:
        raise LoadFailed(f"{server.name}: {error}\n{server.log_tail()}") from error


def download(server: Server, path: str, size: int, bytes_per_second: float | None = None) -> None:
    """Fetch a large file and see that all of it came."""
    receive_buffer = 256 * 1024 if bytes_per_second is not None else None
    with failures_of(server), connect(server, receive_buffer) as connection:
        connection.sendall(head_for(server, "GET", path))
        received = read_answer(connection, server, bytes_per_second)
    if received < size:
        raise LoadFailed(f"{server.name}: {received} of {size} bytes\n{server.log_tail()}")


def upload(server: Server, path: str, file: Path) -> None:
    """Send a file as a request's body and wait for the answer."""
    with failures_of(server), connect(server) as connection, file.open("rb") as body:
        size = os.fstat(body.fileno()).st_size
        connection.sendall(head_for(server, "PUT", path, size))
        connection.sendfile(body)
        read_answer(connection, server)
