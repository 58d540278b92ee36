"""WebSockets under each ASGI server: message for message, both ways, with both ends' closing."""

from __future__ import annotations

import contextlib
import threading
from queue import Queue

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from tests.asgi.server_table import row_of
from tests.asgi.servers import front
from tests.asgi.sockets import (
    DEADLINE,
    accept,
    browser,
    closing,
    echo,
    frame,
    frontend,
)
from tests.harness.patterns import pattern
from tests.harness.scripted_upstream import Connection
from tests.traffic.stage import Stage, on

MIB = 1 << 20


@on(*front())
def test_messages_of_both_kinds_cross_both_ways(stage: Stage) -> None:
    stage.play(frontend(echo))
    with browser(stage) as socket:
        for message in ("text", "", "Grüße, 世界", b"\x00\xff", b"", "x" * 70_000, b"y" * 70_000):
            if not message and row_of(stage.kind).empty_message == "dropped":
                continue
            socket.send(message)
            assert socket.recv(timeout=DEADLINE) == message


@on(*front())
def test_empty_message_is_dropped_where_the_table_says_so(stage: Stage) -> None:
    stage.play(frontend(echo))
    with browser(stage) as socket:
        socket.send(b"")
        socket.send(b"after")
        heard = [socket.recv(timeout=DEADLINE)]
        if row_of(stage.kind).empty_message == "kept":
            heard.append(socket.recv(timeout=DEADLINE))
        assert heard[-1] == b"after"


@on(*front())
@pytest.mark.parametrize("size", [125, 126, 65_535, 65_536, 1_000_000, 8 * MIB])
def test_sizes_cross_both_ways(stage: Stage, size: int) -> None:
    if size > MIB and row_of(stage.kind).largest_message == "1 MiB":
        return
    message = b"".join(pattern(size))
    stage.play(frontend(echo))
    with browser(stage) as socket:
        socket.send(message)
        assert socket.recv(timeout=DEADLINE) == message


@on(*front())
def test_message_larger_than_the_server_takes_ends_the_socket(stage: Stage) -> None:
    limit = int(row_of(stage.kind).largest_message.split()[0]) * MIB
    if limit > 16 * MIB:
        return
    stage.play(frontend(echo))
    with browser(stage) as socket:
        with contextlib.suppress(ConnectionClosed):
            socket.send(b"x" * (limit + 1))
        closing(socket)
    stage.upstream.next_finished()


@on(*front())
def test_thousand_small_messages_each_way_keep_their_order(stage: Stage) -> None:
    def talk(socket: ServerConnection) -> None:
        def send() -> None:
            for number in range(1000):
                socket.send(f"f{number}")

        sending = threading.Thread(target=send)
        sending.start()
        assert [socket.recv(timeout=DEADLINE) for _ in range(1000)] == [
            f"b{n}" for n in range(1000)
        ]
        sending.join()
        socket.send("all")
        echo(socket)

    stage.play(frontend(talk))
    with browser(stage) as socket:
        for number in range(1000):
            socket.send(f"b{number}")
        heard = [socket.recv(timeout=DEADLINE) for _ in range(1001)]
        assert heard == [*(f"f{n}" for n in range(1000)), "all"]


@on(*front())
def test_fragments_of_the_frontend_are_one_message(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        accept(connection)
        pieces = [frame(1, b"\xe4\xb8", fin=False), frame(0, b"", fin=False), frame(9, b"between")]
        connection.send(b"".join([*pieces, frame(0, b"\x96!")]))
        connection.receive_to_end()

    stage.play(script)
    with browser(stage) as socket:
        assert socket.recv(timeout=DEADLINE) == "世!"


@on(*front("uvicorn", "daphne"))
def test_ping_of_the_frontend_is_answered(stage: Stage) -> None:
    answered: Queue[bool] = Queue()

    def talk(socket: ServerConnection) -> None:
        answered.put(socket.ping(b"are you there").wait(DEADLINE))
        socket.recv()

    stage.play(frontend(talk))
    with browser(stage):
        assert answered.get(timeout=DEADLINE)


@on(*front("uvicorn"))
def test_pings_without_end_are_not_kept(stage: Stage) -> None:
    """A frontend that reads nothing but pings gets through to the browser all the same."""

    def script(connection: Connection) -> None:
        accept(connection)
        connection.send(frame(9, b"x" * 100) * 20_000 + frame(1, b"after"))
        connection.receive_to_end()

    stage.play(script)
    with browser(stage) as socket:
        assert socket.recv(timeout=DEADLINE) == "after"


@on(*front())
def test_handshake_crosses_with_query_cookies_origin_and_subprotocol(stage: Stage) -> None:
    asked: Queue[ServerConnection] = Queue()

    def talk(socket: ServerConnection) -> None:
        asked.put(socket)
        echo(socket)

    stage.play(frontend(talk, subprotocols=["vite-hmr"]))
    with browser(
        stage,
        "/a%2Fb/?token=x&y=%20",
        subprotocols=["other", "vite-hmr"],
        additional_headers={"Cookie": "a=b; c=d", "X-Own": "1"},
        origin="http://evil.example",
    ) as socket:
        assert socket.subprotocol == "vite-hmr"
        seen = asked.get(timeout=DEADLINE).request
    assert seen is not None
    assert seen.path == "/a%2Fb/?token=x&y=%20"
    assert seen.headers["Cookie"] == "a=b; c=d"
    assert seen.headers["X-Own"] == "1"
    assert seen.headers["Origin"] == "http://evil.example"
    assert seen.headers["Host"] == f"localhost:{stage.port}"
    assert seen.headers.get_all("Upgrade") == ["websocket"]
    assert "Sec-WebSocket-Extensions" not in seen.headers


@on(*front())
def test_fields_of_the_101_cross_where_the_server_lets_them(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        accept(connection, "Set-Cookie: a=1\x01", "Content-Length: 9", "Set-Cookie: b=2")
        connection.receive_to_end()

    stage.play(script)
    with browser(stage) as socket:
        assert socket.response is not None
        cookies = socket.response.headers.get_all("Set-Cookie")
    assert cookies == (["a=1", "b=2"] if row_of(stage.kind).accept_fields == "kept" else [])


BLOCKING = 64 * MIB


@on(*[kind for kind in front() if row_of(kind).back_pressure == "holds back"])
def test_browser_that_does_not_read_holds_the_frontend_back(stage: Stage) -> None:
    stuck = threading.Event()

    def script(connection: Connection) -> None:
        accept(connection)
        connection.sock.settimeout(1)
        piece = b"\x82\x7e\xff\xff" + b"x" * 65_535
        try:
            for _ in range(BLOCKING // len(piece)):
                connection.send(piece)
        except TimeoutError:
            stuck.set()

    stage.play(script)
    with contextlib.suppress(ConnectionClosed), browser(stage, max_queue=1, close_timeout=0):
        assert stuck.wait(DEADLINE)


@on(*[kind for kind in front() if row_of(kind).back_pressure == "holds back"])
def test_frontend_that_does_not_read_holds_the_browser_back(stage: Stage) -> None:
    over = threading.Event()

    def script(connection: Connection) -> None:
        accept(connection)
        over.wait(DEADLINE)

    stage.play(script)
    with contextlib.suppress(ConnectionClosed), browser(stage, close_timeout=0) as socket:
        socket.socket.settimeout(1)
        try:
            for _ in range(BLOCKING // 65_536):
                socket.send(b"x" * 65_536)
            raise AssertionError("all was taken")
        except (TimeoutError, ConnectionClosed):
            over.set()


@on(*front())
def test_large_message_from_the_frontend_crosses(stage: Stage) -> None:
    message = "ä" * (4 * MIB)

    def talk(socket: ServerConnection) -> None:
        socket.send(message)

    stage.play(frontend(talk))
    with browser(stage) as socket:
        if row_of(stage.kind).largest_message == "1 MiB":
            assert closing(socket)[0] == 1000
            assert "refuses a message" in stage.log()
        else:
            assert socket.recv(timeout=DEADLINE) == message


def read_nothing(connection: Connection) -> None:
    """Until it is given up, when what had been sent is less than all."""
    accept(connection)
    given_up.wait(DEADLINE)
    assert len(connection.receive_to_end()) < 15 * MIB


given_up = threading.Event()
HOLDING = [kind for kind in front() if row_of(kind).back_pressure == "holds back"]


@on(*HOLDING, FRONTEND_PATIENCE="600")
def test_end_of_the_browser_is_heard_while_the_frontend_reads_nothing(stage: Stage) -> None:
    given_up.clear()
    stage.play(read_nothing)
    with contextlib.suppress(ConnectionClosed), browser(stage, close_timeout=0) as socket:
        socket.send(b"x" * 15 * MIB)
    stage.await_log("reads nothing, and is given up")
    given_up.set()
    stage.upstream.next_finished()
    assert stage.works()


@on(*HOLDING, FRONTEND_PATIENCE="0.5")
def test_frontend_that_reads_nothing_is_given_up_for_the_browser_too(stage: Stage) -> None:
    given_up.clear()
    stage.play(read_nothing)
    with browser(stage) as socket:
        socket.send(b"x" * 15 * MIB)
        assert closing(socket)[0] == int(row_of(stage.kind).vanished)
    assert "reads nothing, and is given up" in stage.log()
    given_up.set()
    stage.upstream.next_finished()
    assert stage.works()


@on(*front("uvicorn", "granian"))
@pytest.mark.parametrize("piece", [b"", b"xy"], ids=["empty", "tiny"])
def test_message_of_too_many_fragments_is_closed_with_1009(stage: Stage, piece: bytes) -> None:
    def script(connection: Connection) -> None:
        accept(connection)
        some = frame(0, piece, fin=False) * 50_000
        connection.send(frame(2, fin=False) + some + frame(0))
        connection.send(frame(2, fin=False) + some * 2 + frame(0))
        connection.receive_to_end()

    stage.play(script)
    with browser(stage) as socket:
        assert socket.recv(timeout=DEADLINE) == piece * 50_000
        assert closing(socket)[0] == 1009


@on(*front("uvicorn"))
def test_frames_without_end_leave_the_loop_to_others(stage: Stage) -> None:
    served = threading.Event()
    flooding = threading.Event()

    def script(connection: Connection) -> None:
        accept(connection)
        while not served.is_set():
            connection.send(frame(10) * 50_000)
            flooding.set()
        connection.receive_to_end()

    stage.play(script)
    with browser(stage, close_timeout=0):
        assert flooding.wait(DEADLINE)
        try:
            assert stage.get("/api/").status in (200, 404)
        finally:
            served.set()
