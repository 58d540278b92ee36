"""An upstream of live connections: python -m bench.live PORT.

/echo is a WebSocket that echoes small frames, /events a stream with one event, all else 1 KB.
"""

import base64
import hashlib
import socket
import socketserver
import sys
from collections.abc import Iterator

from bench.sink import Sink

# RFC 6455, 1.3.
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024
# X-Accel-Buffering is what event streams say to nginx, which would keep the first one.
EVENTS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n\r\n"
    b"data: first\n\n"
)
MASK = 4


def accepting(head: bytes) -> bytes:
    """Answer an opening handshake."""
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    key = next(value.strip() for name, _, value in lines if name.lower() == b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key + ACCEPT_GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def unmasked(frames: bytes) -> Iterator[tuple[bytes, int]]:
    """The whole frames of a client, each as a server's, and how many bytes it took."""
    start = 0
    while len(frames) >= start + 2:
        length = frames[start + 1] & 127  # Longer ones are not sent here.
        end = start + 2 + MASK + length
        if len(frames) < end:
            return
        mask = frames[start + 2 : start + 2 + MASK]
        payload = bytes(byte ^ mask[i % MASK] for i, byte in enumerate(frames[end - length : end]))
        yield frames[start : start + 1] + bytes([length]) + payload, end - start
        start = end


class Handler(socketserver.BaseRequestHandler):
    """One connection, for pages kept alive."""

    request: socket.socket

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        while data := self.request.recv(65536):
            received += data
            if b"\r\n\r\n" not in received:
                continue
            head, _, received = received.partition(b"\r\n\r\n")
            if head.startswith(b"GET /echo"):
                self.request.sendall(accepting(head))
                self.echo(received)
                return
            if head.startswith(b"GET /events"):
                self.request.sendall(EVENTS)
                self.request.recv(1)
                return
            self.request.sendall(PAGE)

    def echo(self, received: bytes) -> None:
        while data := self.request.recv(65536):
            received += data
            taken = 0
            for frame, size in unmasked(received):
                self.request.sendall(frame)
                taken += size
            received = received[taken:]


if __name__ == "__main__":
    Sink(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
