"""Exchanges that end before their time: canceled, dropped, left by the client, forked from."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from samesite_proxy._engine import CHUNKED, EngineError, Exchange
from tests.engine.exchanges import (
    HOST,
    OK,
    answer_of,
    ask,
    code_of_head,
    let_time_pass,
    upstream_at,
)
from tests.harness.scripted_upstream import Connection, answering, scripted

End = Callable[[list[Exchange]], None]


def cancel(exchanges: list[Exchange]) -> None:
    exchanges[0].cancel()


def drop(exchanges: list[Exchange]) -> None:
    exchanges.clear()
    gc.collect()


each_end = pytest.mark.parametrize("end", [cancel, drop])


def after_head(connection: Connection, answer: bytes, arrived: threading.Event) -> None:
    connection.receive_head()
    if answer:
        connection.send(answer)
    arrived.set()
    connection.receive_to_end()


@each_end
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 103 Hints\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000,
    ],
    ids=["request", "interim", "half-head", "head", "half-body", "held"],
)
def test_end_at_any_stage_of_the_answer_ends_the_connection(end: End, answer: bytes) -> None:
    arrived = threading.Event()
    with scripted(lambda connection: after_head(connection, answer, arrived)) as upstream:
        exchanges = [upstream_at(upstream.url).request("GET", "/", HOST)]
        assert arrived.wait(10)
        end(exchanges)
        upstream.next_finished()


@each_end
def test_end_while_the_body_is_sent_ends_the_connection(end: End) -> None:
    arrived = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_until(b"data")
        arrived.set()
        connection.receive_to_end()

    with scripted(script) as upstream:
        exchanges = [upstream_at(upstream.url).request("POST", "/", HOST, CHUNKED)]
        exchanges[0].send(b"data")
        assert arrived.wait(10)
        end(exchanges)
        assert not upstream.next_finished().received.endswith(b"0\r\n\r\n")


@each_end
def test_end_while_shaking_hands_ends_the_connection(end: End) -> None:
    arrived = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive()
        arrived.set()
        connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(f"https://127.0.0.1:{upstream.port}", verify=False)
        exchanges = [at.request("GET", "/", HOST)]
        assert arrived.wait(10)
        end(exchanges)
        upstream.next_finished()


def test_end_of_a_whole_exchange_keeps_the_connection() -> None:
    with scripted(answering(OK)) as upstream:
        at = upstream_at(upstream.url)
        for _ in range(3):
            exchange = at.request("GET", "/", HOST)
            answer_of(exchange)
            exchange.cancel()
            assert exchange.read() == b""
        assert len(upstream.connections) == 1


def test_cancel_from_another_thread_wakes_the_waiter() -> None:
    arrived = threading.Event()
    with scripted(lambda connection: after_head(connection, b"", arrived)) as upstream:
        exchange = upstream_at(upstream.url).request("GET", "/", HOST)
        codes: list[str] = []
        waiter = threading.Thread(target=lambda: codes.append(code_of_head(exchange)))
        waiter.start()
        assert arrived.wait(10)
        exchange.cancel()
        waiter.join(10)
        assert codes == ["canceled"]
        assert exchange.send(b"x") is False


def test_exchange_used_by_two_threads_is_an_error() -> None:
    arrived = threading.Event()
    with scripted(lambda connection: after_head(connection, b"", arrived)) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, CHUNKED)
        started = threading.Event()
        codes: list[str] = []

        def wait() -> None:
            started.set()
            codes.append(code_of_head(exchange))

        waiter = threading.Thread(target=wait)
        waiter.start()
        assert started.wait(10)
        seen = None
        while seen is None and waiter.is_alive():
            try:
                exchange.head(False)
            except RuntimeError as error:
                seen = error
        assert "another thread" in str(seen)
        for call in (exchange.head, exchange.read):
            with pytest.raises(RuntimeError, match="another thread"):
                call()
        assert exchange.send(b"x")  # The request's half is another thread's to use.
        exchange.end()
        exchange.cancel()
        waiter.join(10)
        assert codes == ["canceled"]


def client_pair() -> tuple[socket.socket, socket.socket]:
    """A client's socket as the server has it, and as the client has it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return listener.accept()[0], client


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize(
    ("leave", "unread"),
    [(socket.socket.close, b""), (reset, b""), (reset, b"unread")],
    ids=["fin", "rst", "rst-behind-bytes"],
)
def test_client_that_leaves_while_we_wait_is_gone(
    leave: Callable[[socket.socket], None], unread: bytes
) -> None:
    """An end behind bytes that nobody has read may be a client that waits, a reset is not."""
    arrived = threading.Event()
    server_side, client = client_pair()
    with server_side, scripted(lambda c: after_head(c, b"", arrived)) as upstream:
        at = upstream_at(upstream.url)
        exchange = at.request("GET", "/", HOST, -2, server_side.fileno())
        assert arrived.wait(10)
        client.sendall(unread)
        leave(client)
        with pytest.raises(EngineError) as caught:
            exchange.head()
        assert (caught.value.code, caught.value.status) == ("client-gone", 499)
        del caught, exchange
        upstream.next_finished()


def test_client_that_leaves_in_the_body_is_gone() -> None:
    arrived = threading.Event()
    head = b"HTTP/1.1 200 OK\r\n\r\nhalf"
    server_side, client = client_pair()
    with server_side, scripted(lambda c: after_head(c, head, arrived)) as upstream:
        exchange = upstream_at(upstream.url).request("GET", "/", HOST, -2, server_side.fileno())
        exchange.head()
        assert exchange.read() == b"half"
        assert exchange.read(False) is None
        client.close()
        with pytest.raises(EngineError) as caught:
            exchange.read()
        assert caught.value.code == "client-gone"


def test_client_that_stays_is_not_gone() -> None:
    """Not even when it has sent more than was read."""
    server_side, client = client_pair()
    let_go = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        assert let_go.wait(10)
        connection.send(OK)

    with server_side, client, scripted(script) as upstream:
        client.sendall(b"the next request")
        exchange = upstream_at(upstream.url).request("GET", "/", HOST, -2, server_side.fileno())
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(answer_of, exchange)
            let_time_pass(0.6)  # Longer than it takes until the client is looked at.
            let_go.set()
            assert answer.result().body == b"ok"


def test_awaiting_the_client_tells_what_is_there() -> None:
    server_side, client = client_pair()
    with server_side, client, scripted(lambda c: after_head(c, b"", threading.Event())) as upstream:
        at = upstream_at(upstream.url)
        exchange = at.request("POST", "/", HOST, CHUNKED, server_side.fileno())
        client.sendall(b"12345")
        assert exchange.await_client() == 5
        assert server_side.recv(5) == b"12345"
        client.close()
        assert exchange.await_client() == 0
        exchange.cancel()


def descriptors() -> dict[int, str]:
    """What each is: a number may have come to something new."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # The listing's own.
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return found


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="reads Linux' /proc")
def test_upstream_connections_are_close_on_exec() -> None:
    before = descriptors().items()
    with scripted(answering(OK)) as upstream:
        at = upstream_at(f"http://localhost:{upstream.port}")
        exchanges = [at.request("GET", "/", HOST) for _ in range(5)]
        for exchange in exchanges:
            answer_of(exchange)
        opened = descriptors().items() - before
        assert len(opened) >= 6
        assert all(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC for fd, _ in opened)


def test_many_exchanges_leave_no_descriptor_behind() -> None:
    with scripted(answering(OK)) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        before = len(os.listdir("/proc/self/fd"))
        for number in range(3000):
            exchange = at.request("GET", "/", HOST)
            if number % 3 == 0:
                answer_of(exchange)
            elif number % 3 == 1:
                exchange.cancel()
        ask(at)
    del exchange
    # The harness' own end of the connections is among them.
    assert len(os.listdir("/proc/self/fd")) <= before + 64


def test_canceled_exchange_makes_room_past_one_that_may_not_begin_yet() -> None:
    def script(connection: Connection) -> None:
        if b"/wanted" in connection.receive_head():
            connection.send(OK)
        connection.receive_to_end()

    with scripted(script) as upstream:
        alone = upstream_at(upstream.url, max_connections=1)
        paired = upstream_at(upstream.url, max_connections=2, timeouts=(2, 10, 10))
        first, second = (paired.request("GET", "/", HOST) for _ in range(2))
        let_time_pass(0.1)
        held_up = alone.request("GET", "/", HOST)
        wanted = paired.request("GET", "/wanted", HOST)
        first.cancel()
        assert answer_of(wanted).body == b"ok"
        second.cancel()
        held_up.cancel()
