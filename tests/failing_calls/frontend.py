"""The frontend: each answer is its request's own, and each request with a body is counted."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from tests.failing_calls.identity import CLOSE, TEXT, accepted, body, digest, frame, message
from tests.harness.http_requests import Request, RequestReader
from tests.harness.scripted_upstream import Connection
from tests.process.numbers import body_of

PIECE = 60_000
LONG = 1000  # More messages than a visit says.


def pieces_of(head: bytes, said: bytes, how: str) -> Iterator[bytes]:
    """An answer as it is sent; `how` its length is told."""
    if how == "length":
        yield head + b"Content-Length: %d\r\n\r\n" % len(said) + said
    elif how == "close":
        yield head + b"Connection: close\r\n\r\n" + said
    else:
        yield head + b"Transfer-Encoding: chunked\r\n\r\n"
        for start in range(0, len(said), PIECE):
            piece = said[start : start + PIECE]
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
        yield b"0\r\nX-Behind: it\r\n\r\n"


def break_off(connection: Connection) -> None:
    """By a FIN, or by a reset."""
    (connection.reset if random.random() < 0.5 else connection.close)()


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
            if what == "n":  # Of a process that forks.
                self._say(connection, b"HTTP/1.1 200 OK\r\n", body_of(name), "length")
                continue
            if what == "socket":
                self._talk(connection, reader, asked, int(query.get("cut", LONG)))
                return
            if query.get("cut") == "unheard":
                break_off(connection)
                return
            heard = self._hear(reader, asked, name, int(query.get("sent", 0)))
            how = "chunked" if what == "events" else query["how"]
            head = f"HTTP/1.1 200 OK\r\nX-Name: {name}\r\nX-Heard: {heard}\r\n"
            head += f"Content-Location: http://{asked.get('Host')}{asked.target}\r\n"
            kind = "text/event-stream" if what == "events" else "application/octet-stream"
            said = body(name, int(query["size"]))
            fields = f"{head}Content-Type: {kind}\r\n".encode()
            if "cut" in query:
                self._cut(connection, fields, said, query)
                return
            self._say(connection, fields, said, how)
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
        for piece in pieces_of(head, said, how):
            connection.send(piece)

    @staticmethod
    def _cut(connection: Connection, head: bytes, said: bytes, query: dict[str, str]) -> None:
        """Some of it; then an end where there should be more, or a reset."""
        whole = b"".join(pieces_of(head, said, query["how"]))
        body = whole.index(b"\r\n\r\n") + 4
        place = {
            "nothing": 0,
            "head": random.randrange(1, body),
            "between": body,
            "body": random.randrange(body, len(whole)),
            "end": len(whole) - 1,
        }[query["cut"]]
        connection.send(whole[:place])
        break_off(connection)

    @staticmethod
    def _talk(connection: Connection, reader: RequestReader, asked: Request, most: int) -> None:
        """A WebSocket that says each message back, and breaks off amid one after so many."""
        key = accepted(asked.get("Sec-WebSocket-Key") or "")
        connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % key.encode()
        )
        opcode = 0
        while opcode != CLOSE and most > 0:
            opcode, data = message(reader.exactly)
            connection.send(frame(opcode, data))
            most -= 1
        if opcode != CLOSE:
            message(reader.exactly)
            connection.send(frame(TEXT, bytes(9000))[:5000])
            break_off(connection)
