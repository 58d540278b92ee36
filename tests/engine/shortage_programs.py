"""Whole processes whose engine lacks memory at one moment, as programs.py has them."""

from __future__ import annotations

import ctypes
import socket
import sys
from collections.abc import Iterator

from samesite_proxy._engine import PREFIX, Listener, OwnAddresses, Routes, Upstream
from tests.engine.programs import say

FIRST_FRONTEND = 2
HOST = b"site.example"
# More than a buffer has at first.
FIELDS = b"".join(b"X-%d: %b\r\n" % (number, b"x" * 90) for number in range(12))
BODY = b"d" * 3000

# Whole requests, as their first line, the fields of their own and their body.
SHAPES: dict[str, tuple[bytes, bytes, bytes]] = {
    "plain": (b"GET /x", b"", b""),
    "whole-address": (b"GET http://site.example/x", b"", b""),
    "nominating": (b"GET /x", b"Connection: x-1\r\nConnection: x-2\r\n", b""),
    "length": (b"POST /x", b"Content-Length: 3000\r\n", BODY),
    "chunked": (
        b"POST /x",
        b"Transfer-Encoding: chunked\r\n",
        b"bb8\r\n" + BODY + b"\r\n0\r\nX-Behind: it\r\n\r\n",
    ),
    "moved": (b"GET /moved", b"", b""),
    "chunks": (b"GET /chunks", b"", b""),
    "much": (b"GET /much", b"", b""),
    "tunnel": (b"GET /tunnel", b"Connection: Upgrade\r\nUpgrade: test\r\n", b""),
}


def ask(client: socket.socket, shape: str) -> Iterator[bytes]:
    """What comes back, until the end."""
    line, own, body = SHAPES[shape]
    closing = b"" if shape == "tunnel" else b"Connection: close\r\n"
    head = line + b" HTTP/1.1\r\nHost: " + HOST + b"\r\n" + closing + own + FIELDS + b"\r\n"
    client.sendall(head + body)
    while piece := client.recv(65536):
        yield piece
        if shape == "tunnel" and piece.startswith(b"HTTP/1.1 101"):
            client.sendall(BODY * 50)
            client.shutdown(socket.SHUT_WR)


def answer(address: tuple[str, int], shape: str) -> tuple[bytes, bool]:
    """All that a client hears, and whether it ended in order."""
    said = b""
    with socket.create_connection(address, 20) as client:
        try:
            for piece in ask(client, shape):
                said += piece
        except TimeoutError:
            raise
        except OSError:
            return said, False
    return said, True


def each_shortage(address: tuple[str, int], shape: str) -> Iterator[tuple[bytes, bool]]:
    """What is answered when the first allocation fails, the second, and so on, until none does."""
    preloaded = ctypes.CDLL(None)
    number = 0
    has_failed = True
    while has_failed:
        number += 1
        preloaded.shortage_begin(ctypes.c_ulong(number))
        answered = answer(address, shape)
        has_failed = bool(preloaded.shortage_end())
        if has_failed:
            yield answered


def short_of_memory(url: str, shape: str) -> None:
    """Each answer, as what it is: whole, broken off, none, or another, with its status."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        listener = Listener([listening.fileno()], 64, -1)
    routes = Routes([("/", PREFIX, FIRST_FRONTEND)])
    own_addresses = OwnAddresses("http", ("localhost",), (), 0)
    at = Upstream(url + "/", None, None, False, (10, 20, 20), 256)
    listener.set_table(routes, routes, [], [(at, own_addresses, {}, "")], True)
    host = HOST.decode()
    view = (host, host, "http", host, "", False, "")
    listener.add_host(host, f"http://{host}", [(view, view, view)])
    good, _ = answer(address, shape)
    for said, is_end in each_shortage(address, shape):
        if not said:
            say("none")
        elif said == good and is_end:
            say("whole")
        elif good.startswith(said) and not is_end:
            say("broken")
        else:
            say(said.split(b" ")[1].decode())
    say(good.split(b" ")[1].decode(), answer(address, shape) == (good, True))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
