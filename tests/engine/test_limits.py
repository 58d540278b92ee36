"""Ceilings: connections, times and memory. Each is counted on the side that is guilty."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from samesite_proxy._engine import CHUNKED, EngineError, Exchange, Upstream
from tests.engine.exchanges import (
    HOST,
    OK,
    answer_of,
    ask,
    body_of,
    code_of_body,
    code_of_head,
    let_time_pass,
    pieces_of,
    stay,
    upstream_at,
)
from tests.harness.scripted_upstream import Connection, answering, scripted

SILENT_END = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"


def read_nothing(released: threading.Event) -> None:
    released.wait(20)


def test_exchange_over_the_limit_waits_for_its_turn() -> None:
    go_on = threading.Event()

    def script(connection: Connection) -> None:
        while True:
            connection.receive_head()
            go_on.wait(10)
            connection.send(OK)

    with scripted(script) as upstream:
        at = upstream_at(upstream.url, max_connections=2)
        exchanges = [at.request("GET", "/", HOST) for _ in range(6)]
        let_time_pass(0.2)
        assert len(upstream.connections) == 2
        go_on.set()
        assert [answer_of(exchange).body for exchange in exchanges] == [b"ok"] * 6
        assert len(upstream.connections) == 2


def test_exchange_that_waits_too_long_is_one_too_many() -> None:
    with scripted(stay) as upstream:
        at = upstream_at(upstream.url, max_connections=1, timeouts=(0.2, 10, 10))
        first = at.request("GET", "/", HOST)
        second = at.request("GET", "/", HOST)
        with pytest.raises(EngineError) as caught:
            second.head()
        assert (caught.value.code, caught.value.status) == ("too-many", 503)
        first.cancel()


def test_exchange_that_waits_may_be_canceled_and_dropped() -> None:
    with scripted(stay) as upstream:
        at = upstream_at(upstream.url, max_connections=1)
        first = at.request("GET", "/", HOST)
        canceled = at.request("GET", "/", HOST)
        dropped: Exchange | None = at.request("GET", "/", HOST)
        last = at.request("GET", "/", HOST)
        canceled.cancel()
        assert code_of_head(canceled) == "canceled"
        dropped = None
        assert dropped is None
        upstream.script = answering(OK)
        first.cancel()
        assert answer_of(last).body == b"ok"
        assert len(upstream.connections) <= 2


def test_full_backlog_is_a_connect_timeout() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # The kernel lets one or two in, and drops what the others say.
            filling = stack.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(listener.getsockname())
        at = upstream_at(f"http://127.0.0.1:{listener.getsockname()[1]}", timeouts=(0.3, 10, 10))
        with pytest.raises(EngineError) as caught:
            ask(at)
        assert (caught.value.code, caught.value.status) == ("connect-timeout", 504)


@pytest.mark.parametrize("length", [-2, 0, 100_000, CHUNKED])
def test_silence_after_the_request_is_a_response_timeout(length: int) -> None:
    with scripted(stay) as upstream:
        at = upstream_at(upstream.url, timeouts=(10, 0.2, 10))
        exchange = at.request("POST", "/", HOST, length)
        if length in (100_000, CHUNKED):
            assert exchange.send(b"x" * 100_000)
            exchange.end()
        with pytest.raises(EngineError) as caught:
            exchange.head()
        assert (caught.value.code, caught.value.status) == ("response-timeout", 504)
        upstream.next_finished()


def test_timeout_among_eight_that_ask_the_same_is_told_apart() -> None:
    answered: list[bool] = []

    def script(connection: Connection) -> None:
        if b" /answered" in connection.receive_head() and len(answered) < 8:
            answered.append(True)
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.receive_to_end()

    with scripted(script) as upstream:
        explaining, plain = (
            Upstream(f"{upstream.url}/", None, None, True, (10, 1, 10), 64, None, is_development)
            for is_development in (True, False)
        )
        streams = [explaining.request("GET", "/answered", HOST) for _ in range(8)]
        assert [exchange.head()[0] for exchange in streams] == [200] * 8
        cases = [
            ("loop", [explaining.request("GET", "/a?b", HOST) for _ in range(8)]),
            ("timeout", [plain.request("GET", "/plain", HOST) for _ in range(8)]),
            ("timeout", [explaining.request("GET", "/seven", HOST) for _ in range(7)]),
            ("timeout", [explaining.request("DELETE", "/seven", HOST)]),
            ("timeout", [explaining.request("GET", "/answered", HOST)]),
        ]
        for expected, exchanges in cases:
            codes = [code_of_head(exchange) for exchange in exchanges]
            assert codes == [f"response-{expected}"] * len(exchanges)


def test_half_a_head_and_interim_answers_do_not_put_the_timeout_off() -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        done = threading.Event()
        while not done.wait(0.05):
            connection.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Hints\r\nX")
            connection.send(b": y\r\n\r\n")

    with scripted(script) as upstream:
        at = upstream_at(upstream.url, timeouts=(10, 0.3, 10))
        assert code_of_head(at.request("GET", "/", HOST)) == "response-timeout"


@pytest.mark.parametrize("length", [4, CHUNKED])
def test_client_that_sends_slowly_is_not_the_upstreams_fault(length: int) -> None:
    def script(connection: Connection) -> None:
        connection.receive_until(b"\r\n\r\n")
        while b"d" not in connection.received.split(b"\r\n\r\n", 1)[1]:
            connection.receive()
        connection.send(OK)
        connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url, timeouts=(10, 0.2, 0.2))
        exchange = at.request("POST", "/", HOST, length)
        let_time_pass()
        assert exchange.send(b"abc")
        let_time_pass()
        assert exchange.send(b"d")
        exchange.end()
        assert answer_of(exchange).body == b"ok"


def test_upstream_that_stops_reading_is_an_idle_timeout() -> None:
    released = threading.Event()
    with scripted(lambda connection: read_nothing(released)) as upstream:
        at = upstream_at(upstream.url, timeouts=(10, 10, 0.3))
        exchange = at.request("POST", "/", HOST, 100_000_000)
        while exchange.send(b"x" * 65536):
            pass
        with pytest.raises(EngineError) as caught:
            exchange.head()
        assert (caught.value.code, caught.value.status) == ("idle-timeout", 504)
        released.set()


def test_upstream_that_stops_in_the_body_is_an_idle_timeout() -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(SILENT_END)
        connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url, timeouts=(10, 10, 0.2))
        assert code_of_body(at.request("GET", "/", HOST)) == "idle-timeout"
        upstream.next_finished()


def test_refusal_that_stops_in_its_body_is_an_idle_timeout() -> None:
    """Also when the rest of the request was still to come."""

    def script(connection: Connection) -> None:
        connection.receive_until(b"half")
        connection.send(SILENT_END.replace(b"200 OK", b"413 No"))
        connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url, timeouts=(10, 10, 0.2))
        exchange = at.request("POST", "/", HOST, 1000)
        exchange.send(b"half")
        assert code_of_body(exchange) == "idle-timeout"


def test_reader_that_is_slow_is_not_the_upstreams_fault() -> None:
    size = 20_000_000

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        connection.receive_to_end()

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url, timeouts=(10, 10, 0.2)).request("GET", "/", HOST)
        exchange.head()
        first = exchange.read()
        let_time_pass()
        assert first is not None
        assert len(first) + sum(map(len, pieces_of(exchange))) == size


@pytest.mark.parametrize("whole", [True, False])
def test_answer_that_ended_before_it_was_read_is_told_as_it_was(whole: bool) -> None:
    """More than the pipe holds, so that its end lies in wait behind a connection held back."""
    size = 1_000_000

    def script(connection: Connection) -> None:
        connection.receive_head()
        raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
        connection.send(raw + b"x" * (size if whole else size - 1))

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url, timeouts=(10, 10, 0.2)).request("GET", "/", HOST)
        exchange.head()
        upstream.next_finished()
        let_time_pass()
        if whole:
            assert len(body_of(exchange)) == size
        else:
            assert code_of_body(exchange) == "response-upstream"


def test_slow_reader_holds_the_upstream_back() -> None:
    sent = 0
    blocked = threading.Event()

    def script(connection: Connection) -> None:
        nonlocal sent
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.sock.settimeout(0.3)
        try:
            while sent < 1 << 30:
                sent += connection.sock.send(b"x" * 65536)
        except TimeoutError:
            blocked.set()
            connection.sock.settimeout(20)
            connection.receive_to_end()

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url).request("GET", "/", HOST)
        exchange.head()
        assert blocked.wait(20)
        assert sent < 16 << 20  # Two halves of a pipe, and the kernel's buffers.
        got = sum(len(exchange.read() or b"") for _ in range(3))
        assert got > 0
        exchange.cancel()
        upstream.next_finished()


def test_slow_upstream_holds_the_sender_back() -> None:
    released = threading.Event()
    sent = 0
    refused = threading.Event()

    with scripted(lambda connection: read_nothing(released)) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, CHUNKED)

        def send() -> None:
            nonlocal sent
            while exchange.send(b"x" * 65536):
                sent += 65536
            refused.set()

        sender = threading.Thread(target=send)
        sender.start()
        before = -1
        while before != sent:
            before = sent
            let_time_pass(0.2)
        assert 0 < sent < 16 << 20
        assert not refused.is_set()
        exchange.cancel()
        assert refused.wait(10)
        sender.join(10)
        released.set()


def ticks_of_engine() -> int:
    """The CPU time of the threads that Python does not know, in clock ticks."""
    known = {thread.native_id for thread in threading.enumerate()}
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # One that has just ended.
            if int(task.name) not in known:
                fields = (task / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
    return ticks


@contextlib.contextmanager
def held_by_the_reader(at: Upstream) -> Iterator[None]:
    exchange = at.request("GET", "/endless", HOST)
    exchange.head()
    yield
    exchange.cancel()


@contextlib.contextmanager
def starved_by_the_client(at: Upstream) -> Iterator[None]:
    exchange = at.request("POST", "/stay", HOST, CHUNKED)
    exchange.send(b"x")
    yield
    exchange.cancel()


@contextlib.contextmanager
def broken_while_held(at: Upstream) -> Iterator[None]:
    exchange = at.request("GET", "/break", HOST)
    exchange.head()
    yield
    exchange.cancel()


@contextlib.contextmanager
def closed_while_idle(at: Upstream) -> Iterator[None]:
    ask(at, "GET", "/close")
    yield


@contextlib.contextmanager
def shaking_hands(at: Upstream) -> Iterator[None]:
    """With timers of libcurl's that are set and not yet due."""
    with scripted(stay) as silent:
        url = f"https://localhost:{silent.port}"
        exchange = upstream_at(url, verify=False).request("GET", "/", HOST)
        yield
        exchange.cancel()


@contextlib.contextmanager
def waiting_for_the_head(at: Upstream) -> Iterator[None]:
    exchange = at.request("GET", "/stay", HOST)
    yield
    exchange.cancel()


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="reads Linux' /proc")
@pytest.mark.parametrize(
    "state",
    [
        held_by_the_reader,
        starved_by_the_client,
        broken_while_held,
        closed_while_idle,
        shaking_hands,
        waiting_for_the_head,
    ],
)
def test_engine_does_not_spin(state) -> None:  # type: ignore[no-untyped-def]
    def script(connection: Connection) -> None:
        target = connection.receive_head().split(b" ")[1]
        if target == b"/close":
            connection.send(OK)
        elif target == b"/stay":
            connection.receive_to_end()
        else:
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000)
            if target == b"/break":
                connection.reset()
            while target == b"/endless":
                connection.send(b"x" * 65536)

    # Two addresses to try are one more of libcurl's timers.
    with (
        scripted(script) as upstream,
        state(upstream_at(f"http://localhost:{upstream.port}")),
    ):
        let_time_pass(0.3)
        before = ticks_of_engine()
        let_time_pass(1.0)
        # A loop that spins would use all of a second.
        assert ticks_of_engine() - before < os.sysconf("SC_CLK_TCK") / 2
