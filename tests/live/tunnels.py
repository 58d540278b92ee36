"""Upgrades from both ends: what a client asks, and upstreams that switch protocols."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import Connection
from tests.traffic.server_table import TABLE, Server
from tests.traffic.stage import NEIGHBOURS, request

# Servers whose sockets can be taken over.
ADOPTING = ("runserver", "fastpath", "sync", "gthread", "gevent", *NEIGHBOURS)


def row_of(kind: str) -> Server:
    """What is known of the server; gevent is one of gunicorn's workers."""
    return TABLE["gthread" if kind == "gevent" else kind]


SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n"
PIECE = 65536


def upgrade(
    target: str = "/ws", *lines: str, token: str = "test", host: str = "localhost"
) -> bytes:
    fields = ("Connection: keep-alive, Upgrade", f"Upgrade: {token}", *lines)
    return request("GET", target, *fields, host=host)


def switch(connection: Connection, answer: bytes = SWITCH) -> bytes:
    """Reads a request's head and answers it; what the client has sent behind it."""
    received = connection.receive_head()
    connection.send(answer)
    return received.partition(b"\r\n\r\n")[2]


def echo(connection: Connection) -> None:
    """A script that switches protocols and then says everything back until the client's end."""
    piece = switch(connection)
    while True:
        connection.sock.sendall(piece)
        piece = connection.sock.recv(PIECE)
        if not piece:
            return


def never_answers(connection: Connection) -> None:
    connection.receive_to_end()


def stays_silent(connection: Connection) -> None:
    """A script that switches protocols, and then only listens."""
    switch(connection)
    connection.receive_to_end()


@contextlib.contextmanager
def tunnel(port: int, early: bytes = b"") -> Iterator[RawClient]:
    """A client whose connection has switched protocols."""
    with RawClient(port) as client:
        client.send(upgrade() + early)
        assert client.read_head().status == 101
        yield client


def says_back(client: RawClient, words: bytes) -> bool:
    """Sent and read at once: there is less room on the way than a megabyte."""
    sending = threading.Thread(target=client.send, args=(words,))
    sending.start()
    said = client.read_exactly(len(words))
    sending.join()
    return said == words
