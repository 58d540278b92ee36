"""A connection that cannot be taken over whole is given up whole."""

from __future__ import annotations

import io
import socket
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from samesite_proxy.sync.takeover import adopting
from tests.engine.exchanges import HOST, stay, upstream_at
from tests.harness.raw_client import DEADLINE
from tests.harness.scripted_upstream import Connection, scripted

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("buffered", [None, io.StringIO("text")], ids=["no buffer", "no bytes"])
def test_server_whose_internals_changed_keeps_no_descriptor(buffered: Any) -> None:
    """The client sees the end only when the last descriptor of its connection is closed."""
    reader = SimpleNamespace(unreader=SimpleNamespace(buf=buffered))
    arrived = threading.Event()

    def never_answers(connection: Connection) -> None:
        connection.receive_head()
        arrived.set()
        stay(connection)

    environ = {"wsgi.input": SimpleNamespace(reader=reader)}
    with (
        scripted(never_answers) as upstream,
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname(), DEADLINE) as client,
    ):
        served, _ = listening.accept()
        with served:
            exchange = upstream_at(upstream.url).request("GET", "/", HOST)
            body = adopting(exchange, served, environ, lambda: HEAD, iter(()))
            assert arrived.wait(DEADLINE)
            with pytest.raises((AttributeError, TypeError)):
                next(body)
            with pytest.raises(ConnectionResetError):
                client.recv(1)
            upstream.next_finished()
