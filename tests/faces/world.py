"""Frontends with every fault, below one prefix each, and the servers that meet them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samesite_proxy.conf import Frontend
from samesite_proxy.conf.frontends import WHEREABOUTS, parse_frontend
from tests.harness import raw_client
from tests.harness.django_servers import DjangoServer
from tests.harness.http_requests import OK
from tests.harness.ports import free_port
from tests.harness.raw_client import Answer, RawClient
from tests.harness.scripted_upstream import Connection, ScriptedUpstream, answering, scripted
from tests.harness.tls import make_certificate, over_tls

OWN_PAGE = "<h1>Back soon</h1>"
PATIENCE = 0.6  # s; of all that a frontend is waited for
MOST = 10  # connections at once
MUCH = 8_000_000  # bytes, more than a connection holds by itself
HEAD = b"HTTP/1.1 200 OK\r\n"
# Each stream ends behind its answer, and says so: one that is kept may end under the next request,
# whose body is not sent a second time.
LAST = b"Connection: close\r\nContent-Length: 2\r\n\r\nok"


def behave(connection: Connection) -> None:
    """As the path says."""
    asked = connection.receive_head().split(b" ")[1].split(b"/")[1]
    match asked:
        case b"silent":
            connection.receive_to_end()
        case b"stuffed":  # It takes no body.
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            threading.Event().wait(PATIENCE * 10)
        case b"resets":
            connection.reset()
        case b"bare":
            connection.send(b"hello, I am no web server\n\n")
        case b"breaks":
            connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n")
        case b"busy":
            connection.send(HEAD + b"Content-Length: 5\r\n\r\nhalf")
            connection.receive_to_end()
        case b"odd-status":
            connection.send(b"HTTP/1.1 799 Odd\r\n" + LAST)
        case b"handshake":
            connection.send(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n"
            )
        case b"good":
            connection.send(HEAD + LAST)


def _greet(connection: Connection) -> None:
    connection.receive()
    connection.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port on which the kernel neither accepts nor refuses."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@dataclass(frozen=True)
class World:
    """Addresses by prefix, a port at which something else answers, a folder of templates, and the
    frontend that does as the path says.
    """

    addresses: dict[str, str]
    elsewhere: int
    folder: Path
    upstream: ScriptedUpstream


@contextlib.contextmanager
def frontends(folder: Path) -> Iterator[World]:
    (folder / "dist").mkdir()
    (folder / "dist" / "index.html").write_text("built")
    unknown = make_certificate(folder, "localhost").context
    with (
        scripted(behave) as good,
        scripted(answering(OK)) as other,
        scripted(answering(OK), "::1") as six,
        scripted(_greet) as plain,
        scripted(over_tls(unknown, answering(OK))) as secure,
        full_backlog() as full,
    ):
        addresses = {
            "/": good.url,
            "/down": f"http://localhost:{free_port()}",
            "/nobody": f"http://127.0.0.1:{free_port()}",
            "/beside": f"http://127.0.0.1:{six.port}",
            "/name": "http://no-such-name.invalid:3000",
            "/tls": f"https://localhost:{plain.port}",
            "/certificate": f"https://127.0.0.1:{secure.port}",
            "/full": f"http://127.0.0.1:{full}",
            "/built": str(folder / "dist"),
            "/unbuilt": str(folder / "none"),
            "/awaited": f"http://localhost:{free_port()}",
            "/given-up": f"http://localhost:{free_port()}",
        }
        yield World(addresses, other.port, folder, good)


@dataclass
class Served:
    """A server that meets them all."""

    server: DjangoServer
    kind: str
    is_debug: bool
    addresses: dict[str, str]

    def frontend(self, prefix: str) -> Frontend:
        return parse_frontend(prefix, self.addresses[prefix])

    def get(self, target: str, *lines: str, host: str = "localhost") -> Answer:
        return raw_client.get(self.server.port, target, *lines, host=host)

    def exchange(self, request: bytes) -> Answer:
        return raw_client.exchange(self.server.port, request)

    def client(self) -> RawClient:
        return RawClient(self.server.port)


def environment_of(folder: Path, *, is_debug: bool) -> dict[str, str]:
    (folder / "502.html").write_text(OWN_PAGE)
    backend = "django.template.backends.django.DjangoTemplates"
    own: dict[str, Any] = {"TEMPLATES": [{"BACKEND": backend, "DIRS": [str(folder)]}]}
    return {
        "TEST_DEBUG": str(int(is_debug)),
        "TEST_ALLOWED_HOSTS": '["localhost"]',
        "TEST_SETTINGS": json.dumps(own),
    }


@contextlib.contextmanager
def served(
    kind: str,
    world: World,
    *,
    is_debug: bool,
    more: dict[str, Any] | None = None,
    **environment: str,
) -> Iterator[Served]:
    settings = {
        **(more or {}),
        "FRONTEND": world.addresses,
        "CONNECT_TIMEOUT": PATIENCE,
        "RESPONSE_TIMEOUT": PATIENCE,
        "IDLE_TIMEOUT": 3 * PATIENCE,
        "MAX_CONNECTIONS": MOST,
    }
    told = {
        name: value.replace("{elsewhere}", str(world.elsewhere))
        for name, value in environment.items()
        # Our runserver starts it, and says itself where it is.
        if kind != "fastpath" or name != WHEREABOUTS
    }
    environment = environment_of(world.folder, is_debug=is_debug) | told
    server = DjangoServer(kind, settings, **environment)
    try:
        yield Served(server, kind, is_debug, world.addresses)
    finally:
        server.stop()


def hidden(folder: str) -> str:
    """The PYTHONPATH where what is in this folder stands for a library that is not there."""
    own = os.environ.get("PYTHONPATH")
    return os.pathsep.join([folder, *([own] if own else [])])
