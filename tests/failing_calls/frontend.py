"""The frontend: each answer is its request's own, and each request with a body is counted."""

from __future__ import annotations

import threading
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

from tests.failing_calls.identity import CLOSE, accepted, body, digest, frame, message
from tests.harness.http_requests import Request, RequestReader
from tests.harness.scripted_upstream import Connection

PIECE = 60_000


class Frontend:
    """Its script, and what it has heard."""

    def __init__(self) -> None:
        self.posts: Counter[str] = Counter()
        self.strange: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, connection: Connection) -> None:
        reader = RequestReader(connection)
        while True:
            asked = reader.head()
            parts = urlsplit(asked.target)
            what, name = parts.path.split("/")[-2:]
            query = dict(parse_qsl(parts.query))
            if what == "socket":
                self._talk(connection, reader, asked)
                return
            heard = self._hear(reader, asked, name, int(query.get("sent", 0)))
            how = "chunked" if what == "events" else query["how"]
            head = f"HTTP/1.1 200 OK\r\nX-Name: {name}\r\nX-Heard: {heard}\r\n"
            head += f"Content-Location: http://{asked.get('Host')}{asked.target}\r\n"
            kind = "text/event-stream" if what == "events" else "application/octet-stream"
            said = body(name, int(query["size"]))
            if "cut" in query:
                self._cut(connection, head.encode(), said, how)
                return
            self._say(connection, f"{head}Content-Type: {kind}\r\n".encode(), said, how)
            if how == "close":
                return

    def _hear(self, reader: RequestReader, asked: Request, name: str, size: int) -> str:
        """What of a body has come, which is all of it."""
        if asked.method == "POST":
            with self._lock:
                self.posts[name] += 1
        data = b"".join(reader.pieces(asked))
        if data != body(name, size):
            self.strange.append(
                f"{asked.method} {asked.target}: {len(data)} bytes, other than sent"
            )
        return digest(data)

    def _say(self, connection: Connection, head: bytes, said: bytes, how: str) -> None:
        if how == "length":
            connection.send(head + b"Content-Length: %d\r\n\r\n" % len(said) + said)
            return
        if how == "close":
            connection.send(head + b"Connection: close\r\n\r\n" + said)
            return
        connection.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(said), PIECE):
            piece = said[start : start + PIECE]
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.send(b"0\r\nX-Behind: it\r\n\r\n")

    @staticmethod
    def _cut(connection: Connection, head: bytes, said: bytes, how: str) -> None:
        """Half of it; then an end where there should be more, or a reset."""
        half = said[: len(said) // 2]
        if how == "length":
            connection.send(head + b"Content-Length: %d\r\n\r\n" % len(said) + half)
            return
        connection.send(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(said) + half)
        connection.reset()

    @staticmethod
    def _talk(connection: Connection, reader: RequestReader, asked: Request) -> None:
        """A WebSocket that says each message back."""
        key = accepted(asked.get("Sec-WebSocket-Key") or "")
        connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % key.encode()
        )
        opcode = 0
        while opcode != CLOSE:
            opcode, data = message(reader.exactly)
            connection.send(frame(opcode, data))
