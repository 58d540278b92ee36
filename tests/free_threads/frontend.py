"""The frontend of the threads: what it answers says which request it was asked."""

from __future__ import annotations

from tests.harness.scripted_upstream import Connection

BIG = 40_000  # Times the target: more than a pipe holds.


def expected(target: str) -> bytes:
    return target.encode() * (BIG if target.startswith("/big") else 1)


def answer(connection: Connection, target: bytes) -> None:
    body = expected(target.decode())
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def receive_body(connection: Connection, head: bytes) -> None:
    """The rest of a request whose body the caller ends with the word "end"."""
    last = b"end\r\n0\r\n\r\n" if b"chunked" in head else b"end"
    while not connection.received.endswith(last):
        if not connection.receive():
            raise EOFError


def serve(connection: Connection) -> None:
    while True:
        connection.received = b""
        head = connection.receive_head()
        method, target = head.split(b" ")[:2]
        if target.startswith(b"/stay"):
            connection.receive_to_end()
        elif target.startswith(b"/half"):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            return
        elif target.startswith(b"/reset"):
            connection.reset()
            return
        elif target.startswith(b"/tunnel"):
            connection.send(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n"
            )
            while piece := connection.receive():
                connection.send(piece)
            return
        if method == b"POST":
            receive_body(connection, head)
        answer(connection, target)
