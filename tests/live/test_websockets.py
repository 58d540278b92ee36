"""Real WebSocket endpoints find each other through us, with all that their protocol knows."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from tests.harness.django_servers import serving
from tests.harness.groups import grouped
from tests.harness.memory import MIB
from tests.harness.raw_client import DEADLINE, RawClient
from tests.traffic.stage import request

KINDS = ("runserver", "fastpath", "sync")
MESSAGES = 10_000
CODES = (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999)
SIZES = (0, 1, 125, 126, 65535, 65536, 16 * MIB)

Handler = Callable[[ServerConnection], None]


@pytest.fixture(scope="module", params=grouped("WebSockets", KINDS))
def endpoint(request: pytest.FixtureRequest) -> Iterator[tuple[list[Handler], str]]:
    """Whose handler a test sets, and the address of the Django server in front of it."""
    handlers: list[Handler] = []
    with serve(
        lambda connection: handlers[0](connection),
        "127.0.0.1",
        0,
        max_size=None,
        subprotocols=["vite-hmr"],  # type: ignore[list-item]
    ) as upstream:
        serving_it = threading.Thread(target=upstream.serve_forever)
        serving_it.start()
        frontend = f"http://127.0.0.1:{upstream.socket.getsockname()[1]}"
        with serving(request.param, {"FRONTEND": frontend}) as server:
            yield handlers, f"ws://localhost:{server.port}/ws?token=x"
        upstream.shutdown()
        serving_it.join(DEADLINE)


@contextmanager
def connected(
    endpoint: tuple[list[Handler], str], handler: Handler, compression: str | None = "deflate"
) -> Iterator[ClientConnection]:
    handlers, address = endpoint
    handlers[:] = [handler]
    with connect(
        address,
        max_size=None,
        compression=compression,
        open_timeout=DEADLINE,
        subprotocols=["vite-hmr"],  # type: ignore[list-item]
    ) as client:
        assert client.subprotocol == "vite-hmr"
        yield client


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def test_compressed_messages_of_all_sizes_come_back(endpoint: tuple[list[Handler], str]) -> None:
    with connected(endpoint, echo) as client:
        assert [type(found).__name__ for found in client.protocol.extensions] == [
            "PerMessageDeflate"
        ]
        for size in SIZES:
            noise = os.urandom(size)
            client.send(noise)
            assert client.recv(DEADLINE) == noise
            client.send("\N{SNOWMAN}" * (size // 3))
            assert client.recv(DEADLINE) == "\N{SNOWMAN}" * (size // 3)


def test_uncompressed_messages_come_back(endpoint: tuple[list[Handler], str]) -> None:
    with connected(endpoint, echo, compression=None) as client:
        assert client.protocol.extensions == []
        for size in SIZES:
            noise = os.urandom(size)
            client.send(noise)
            assert client.recv(DEADLINE) == noise


def test_fragments_arrive_as_fragments(endpoint: tuple[list[Handler], str]) -> None:
    def handler(connection: ServerConnection) -> None:
        connection.send(list(connection.recv_streaming()))

    with connected(endpoint, handler) as client:
        pieces = [b"one", b"", b"three" * 1000, b"four"]
        client.send(pieces)
        # Each side ends its message by an empty fragment.
        assert [piece for piece in client.recv_streaming() if piece] == [p for p in pieces if p]


def test_pings_are_answered_by_the_other_endpoint(endpoint: tuple[list[Handler], str]) -> None:
    def handler(connection: ServerConnection) -> None:
        assert connection.ping("from the server").wait(DEADLINE)
        connection.send("pong seen")
        connection.recv()

    with connected(endpoint, handler) as client:
        assert client.recv(DEADLINE) == "pong seen"
        assert client.ping("from the client").wait(DEADLINE)
        client.send("done")


def test_many_small_messages_cross_each_way_at_once(endpoint: tuple[list[Handler], str]) -> None:
    heard: Queue[list[str | bytes]] = Queue()

    def handler(connection: ServerConnection) -> None:
        def send() -> None:
            for number in range(MESSAGES):
                connection.send(f"down {number}")

        sending = threading.Thread(target=send)
        sending.start()
        heard.put([connection.recv() for _ in range(MESSAGES)])
        sending.join(DEADLINE)
        connection.recv()

    with connected(endpoint, handler) as client:
        got: Queue[list[str | bytes]] = Queue()
        reading = threading.Thread(target=lambda: got.put([client.recv() for _ in range(MESSAGES)]))
        reading.start()
        for number in range(MESSAGES):
            client.send(f"up {number}")
        assert got.get(timeout=60) == [f"down {number}" for number in range(MESSAGES)]
        assert heard.get(timeout=60) == [f"up {number}" for number in range(MESSAGES)]
        client.send("done")


@pytest.mark.parametrize("code", CODES)
def test_close_code_of_the_client_reaches_the_server(
    endpoint: tuple[list[Handler], str], code: int
) -> None:
    closed: Queue[tuple[int | None, str | None]] = Queue()

    def handler(connection: ServerConnection) -> None:
        with pytest.raises(ConnectionClosed):
            connection.recv()
        closed.put((connection.close_code, connection.close_reason))

    with connected(endpoint, handler) as client:
        client.close(code, f"because {code}")
    assert closed.get(timeout=DEADLINE) == (code, f"because {code}")


@pytest.mark.parametrize("code", CODES)
def test_close_code_of_the_server_reaches_the_client(
    endpoint: tuple[list[Handler], str], code: int
) -> None:
    def handler(connection: ServerConnection) -> None:
        connection.close(code, f"because {code}")

    with connected(endpoint, handler) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(DEADLINE)
        assert (client.close_code, client.close_reason) == (code, f"because {code}")


def test_close_without_a_code_is_1005_to_both(endpoint: tuple[list[Handler], str]) -> None:
    closed: Queue[int | None] = Queue()

    def handler(connection: ServerConnection) -> None:
        with pytest.raises(ConnectionClosed):
            connection.recv()
        assert connection.protocol.close_rcvd is not None
        closed.put(connection.protocol.close_rcvd.code)

    handlers, address = endpoint
    handlers[:] = [handler]
    port = int(address.split(":")[2].partition("/")[0])
    with RawClient(port) as client:
        client.send(
            request(
                "GET", "/ws", "Connection: Upgrade", "Upgrade: websocket",
                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: vite-hmr",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            )
        )  # fmt: skip
        assert client.read_head().status == 101
        client.send(b"\x88\x80\0\0\0\0")  # Close, masked, without a code.
        assert client.read_to_end() == b"\x88\0"
    assert closed.get(timeout=DEADLINE) == 1005


def test_connection_that_breaks_is_1006_to_the_client(endpoint: tuple[list[Handler], str]) -> None:
    def handler(connection: ServerConnection) -> None:
        connection.socket.shutdown(2)

    with connected(endpoint, handler) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(DEADLINE)
        assert client.protocol.close_rcvd is None
        assert client.close_code == 1006


def test_connection_that_breaks_is_1006_to_the_server(endpoint: tuple[list[Handler], str]) -> None:
    closed: Queue[int | None] = Queue()

    def handler(connection: ServerConnection) -> None:
        with pytest.raises(ConnectionClosed):
            connection.recv()
        closed.put(connection.close_code)

    with connected(endpoint, handler) as client:
        client.socket.shutdown(2)
        assert closed.get(timeout=DEADLINE) == 1006


def test_refusal_reaches_the_client(endpoint: tuple[list[Handler], str]) -> None:
    with pytest.raises(InvalidStatus) as caught:
        connect(endpoint[1], subprotocols=["unknown"], additional_headers={"X": "1"})  # type: ignore[list-item]
    assert caught.value.response.status_code == 400
    assert caught.value.response.body
