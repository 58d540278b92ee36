"""A client that says exact bytes and hears exact bytes."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from dataclasses import dataclass, field

DEADLINE = 20.0

# What we say in DEBUG of an answer, alone in its field or behind what the frontend says there.
OURS = re.compile(r'(?:(.*), ?)?samesite;desc="([^"]*)"', re.DOTALL)


class Broken(Exception):
    """The answer ended before its own framing said so, or by a reset."""


@dataclass
class Answer:
    """One whole answer. Names are as sent; `get` ignores their case."""

    status: int
    reason: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    interim: list[int] = field(default_factory=list)
    who: str = ""  # by the entry of ours, which is not in `fields`

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None


def without_ours(answer: Answer) -> Answer:
    """The answer with the rest of its fields as they came."""
    for place, (name, value) in reversed(list(enumerate(answer.fields))):
        found = OURS.fullmatch(value) if name.lower() == "server-timing" else None
        if found is not None:
            answer.who = found[2]
            answer.fields[place : place + 1] = [] if found[1] is None else [(name, found[1])]
            break
    return answer


class RawClient:
    """One connection; bytes in, bytes out, and a strict reader of answers on top."""

    def __init__(self, port: int, host: str = "127.0.0.1", segment: int | None = None) -> None:
        """Of a small `segment`, as on an Ethernet, the kernel lets fewer bytes wait."""
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if segment is not None:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        self.sock.settimeout(DEADLINE)
        try:
            self.sock.connect((host, port))
        except OSError:
            self.sock.close()
            raise
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def end(self) -> None:
        """A FIN: nothing more is sent."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _more(self) -> bytes:
        try:
            return self.sock.recv(262144)
        except ConnectionError as error:
            raise Broken(f"reset after {self._buffer[:200]!r}") from error

    def read_until(self, marker: bytes) -> bytes:
        while marker not in self._buffer:
            piece = self._more()
            if not piece:
                raise Broken(f"ended after {self._buffer[:200]!r}")
            self._buffer += piece
        found, _, self._buffer = self._buffer.partition(marker)
        return found + marker

    def read_exactly(self, count: int) -> bytes:
        pieces = [self._buffer]
        have = len(self._buffer)
        while have < count:
            piece = self._more()
            if not piece:
                raise Broken(f"ended {count - have} bytes short")
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        self._buffer = whole[count:]
        return whole[:count]

    def read_some(self, most: int) -> bytes:
        """What is there, at least one byte; empty at the end of the stream."""
        if not self._buffer:
            self._buffer = self._more()
        piece, self._buffer = self._buffer[:most], self._buffer[most:]
        return piece

    def read_to_end(self) -> bytes:
        """Everything until a clean end; Broken at a reset."""
        pieces = [self._buffer]
        self._buffer = b""
        while piece := self._more():
            pieces.append(piece)
        return b"".join(pieces)

    def is_closed(self) -> bool:
        """Waits until the peer ends or resets the connection; False when it says something."""
        with contextlib.suppress(Broken):
            return not self._buffer and self._more() == b""
        return True

    def read_head(self) -> Answer:
        """The next head, of an interim or a final answer."""
        lines = self.read_until(b"\r\n\r\n")[:-4].decode("latin-1").split("\r\n")
        version, status, *reason = lines[0].split(" ", 2)
        assert version in ("HTTP/1.0", "HTTP/1.1"), lines[0]
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon, line
            fields.append((name, value.strip(" ")))
        return without_ours(Answer(int(status), reason[0] if reason else "", fields))

    def _read_chunks(self) -> bytes:
        pieces = []
        while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
            pieces.append(self.read_exactly(size))
            assert self.read_exactly(2) == b"\r\n"
        while self.read_until(b"\r\n") != b"\r\n":
            pass
        return b"".join(pieces)

    def read_answer(self, method: str = "GET") -> Answer:
        """The next final answer, whole; Broken when it is not."""
        interim = []
        answer = self.read_head()
        while answer.status < 200:
            interim.append(answer.status)
            answer = self.read_head()
        answer.interim = interim
        if method == "HEAD" or answer.status in (204, 304):
            return answer
        if answer.get("Transfer-Encoding"):
            answer.body = self._read_chunks()
        elif (length := answer.get("Content-Length")) is not None:
            answer.body = self.read_exactly(int(length))
        else:
            answer.body = self.read_to_end()
        return answer


def exchange(port: int, request: bytes, host: str = "127.0.0.1") -> Answer:
    """One request on a connection of its own."""
    with RawClient(port, host) as client:
        client.send(request)
        return client.read_answer(request.split(b" ", 1)[0].decode())


def get(port: int, target: str = "/", *lines: str, host: str = "localhost") -> Answer:
    head = "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *lines])
    return exchange(port, f"{head}\r\n\r\n".encode("latin-1"))
