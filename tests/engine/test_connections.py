"""Connections that are used again: never with another's bytes, never to send twice."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest

from samesite_proxy._engine import CHUNKED, EngineError, Upstream
from tests.engine.exchanges import (
    HOST,
    OK,
    Answer,
    answer_of,
    ask,
    code_of_head,
    let_time_pass,
    post,
    upstream_at,
)
from tests.harness.scripted_upstream import Connection, answering, scripted

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"


def post_chunked(upstream: Upstream) -> Answer:
    exchange = upstream.request("POST", "/", HOST, CHUNKED)
    if exchange.send(b"data"):
        exchange.end()
    return answer_of(exchange)


REQUESTS: list[Callable[[Upstream], Answer]] = [ask, post, post_chunked]
each_request = pytest.mark.parametrize("request_by", REQUESTS)


def receive_request(connection: Connection) -> None:
    """A head, and the four bytes of body that the requests of these tests may have."""
    start = len(connection.received)
    connection.receive_head()
    head = connection.received[start:]
    if b"chunked" in head:
        while not connection.received.endswith(b"0\r\n\r\n"):
            if not connection.receive():
                raise EOFError
    elif b"Content-Length: 4" in head:
        while not connection.received.endswith(b"data"):
            if not connection.receive():
                raise EOFError


def test_connection_is_used_again() -> None:
    with scripted(answering(OK)) as upstream:
        at = upstream_at(upstream.url)
        for _ in range(10):
            assert ask(at).body == b"ok"
        assert len(upstream.connections) == 1


@pytest.mark.parametrize(
    "field",
    [b"Connection: close", b"connection: x, Close", b"Connection: x\r\nCONNECTION: CLOSE, y"],
)
def test_connection_the_upstream_closes_is_not_used_again(field: bytes) -> None:
    with scripted(answering(OK.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n\r\n"))) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        ask(at)
        assert len(upstream.connections) == 2


@pytest.mark.parametrize("timeout", [b"timeout=1", b"timeout=0, max=5", b"max=5, TIMEOUT = 1"])
def test_connection_kept_for_a_second_is_not_used_again(timeout: bytes) -> None:
    raw = OK.replace(b"\r\n\r\n", b"\r\nKeep-Alive: " + timeout + b"\r\n\r\n")
    with scripted(answering(raw)) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        ask(at)
        assert len(upstream.connections) == 2


@pytest.mark.parametrize("timeout", [b"timeout=5", b"timeout=72", b"timeout=x", b"max=1", b""])
def test_connection_kept_for_longer_is_used_again(timeout: bytes) -> None:
    raw = OK.replace(b"\r\n\r\n", b"\r\nKeep-Alive: " + timeout + b"\r\n\r\n")
    with scripted(answering(raw)) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        ask(at)
        assert len(upstream.connections) == 1


@pytest.mark.slow
def test_connection_idle_for_four_seconds_is_not_used_again() -> None:
    with scripted(answering(OK)) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        let_time_pass(4)
        ask(at)
        assert len(upstream.connections) == 2


@each_request
@pytest.mark.parametrize("late", [0, 1, 20, len(POISON) - 1, len(POISON)])
@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("GET", OK),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
    ],
    ids=["length", "204", "304", "chunked", "zero", "head"],
)
def test_bytes_behind_an_answer_never_become_the_next(
    method: str, raw: bytes, late: int, request_by: Callable[[Upstream], Answer]
) -> None:
    """They come with the answer, but for `late` of them, which come on the idle connection."""
    idle = threading.Event()
    poisoned = threading.Event()

    def script(connection: Connection) -> None:
        receive_request(connection)
        if connection.index == 0:
            connection.send(raw + POISON[: len(POISON) - late])
            assert idle.wait(10)
            connection.send(POISON[len(POISON) - late :])
            poisoned.set()
            receive_request(connection)
        connection.send(OK)
        connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        ask(at, method)
        idle.set()
        assert poisoned.wait(10)
        assert request_by(at).body == b"ok"
        assert len(upstream.connections) == 2


@each_request
@pytest.mark.parametrize(
    "left", [POISON, b"x", b"HTTP/1.1 408 Timeout\r\nConnection: close\r\n\r\n"]
)
def test_bytes_on_an_idle_connection_never_become_the_next_answer(
    left: bytes, request_by: Callable[[Upstream], Answer]
) -> None:
    """They come while nobody asks for anything."""
    idle = threading.Event()
    poisoned = threading.Event()

    def script(connection: Connection) -> None:
        receive_request(connection)
        connection.send(OK)
        if connection.index == 0:
            assert idle.wait(10)
            connection.send(left)
            poisoned.set()
        connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        idle.set()
        assert poisoned.wait(10)
        assert request_by(at).body == b"ok"
        assert len(upstream.connections) == 2


@each_request
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
def test_idle_connection_that_ended_is_replaced(
    reset: bool, request_by: Callable[[Upstream], Answer]
) -> None:
    def script(connection: Connection) -> None:
        receive_request(connection)
        connection.send(OK)
        if connection.index == 0:
            if reset:
                connection.reset()
            return
        connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        upstream.next_finished()
        assert request_by(at).body == b"ok"
        assert len(upstream.connections) == 2


def failing_reuse(connection: Connection, reset: bool, requests: list[bytes]) -> None:
    """Answers the first request of a connection, and closes at the sight of the second."""
    receive_request(connection)
    requests.append(connection.received)
    connection.send(OK)
    start = len(connection.received)
    receive_request(connection)
    requests.append(connection.received[start:])
    if reset:
        connection.reset()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "PUT"])
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
def test_idempotent_request_on_a_connection_just_closed_is_sent_again(
    method: str, reset: bool
) -> None:
    requests: list[bytes] = []

    def script(connection: Connection) -> None:
        if connection.index == 0:
            failing_reuse(connection, reset, requests)
        else:
            receive_request(connection)
            requests.append(connection.received)
            connection.send(OK)
            connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        assert ask(at, method).status == 200
        assert len(requests) == 3
        assert requests[1] == requests[2]


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize(
    ("method", "length"),
    [
        ("POST", -2),
        ("POST", 0),
        ("POST", 4),
        ("POST", CHUNKED),
        ("PATCH", 4),
        ("PUT", 4),
        ("PUT", CHUNKED),
        ("GET", 4),
        ("DELETE", 4),
        ("LOCK", -2),
    ],
)
def test_request_that_may_have_side_effects_is_never_sent_twice(
    method: str, length: int, reset: bool
) -> None:
    requests: list[bytes] = []

    def script(connection: Connection) -> None:
        failing_reuse(connection, reset, requests)

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        exchange = at.request(method, "/", HOST, length)
        if length in (4, CHUNKED) and exchange.send(b"data"):
            exchange.end()
        assert code_of_head(exchange) == "response-none"
        assert len(requests) == 2
        assert len(upstream.connections) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_request_on_a_fresh_connection_is_never_sent_again(method: str) -> None:
    with scripted(lambda connection: receive_request(connection)) as upstream:
        exchange = upstream_at(upstream.url).request(method, "/", HOST)
        assert code_of_head(exchange) == "response-none"
        assert len(upstream.connections) == 1


def test_post_that_got_a_byte_is_not_sent_again() -> None:
    def script(connection: Connection) -> None:
        receive_request(connection)
        connection.send(OK)
        receive_request(connection)
        connection.send(b"H")

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        assert code_of_head(at.request("POST", "/", HOST)) == "response-none"
        assert all(connection.received == b"" for connection in upstream.connections[1:])


def test_each_request_has_its_own_retries() -> None:
    """Far more of them in a row than one request would be given."""

    def script(connection: Connection) -> None:
        receive_request(connection)
        connection.send(OK)
        receive_request(connection)

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        for _ in range(20):
            assert ask(at).body == b"ok"
        assert len(upstream.connections) == 20


def test_upstream_that_always_closes_is_given_up() -> None:
    """An idempotent request is not sent for ever."""

    def script(connection: Connection) -> None:
        receive_request(connection)
        if len(upstream.connections) <= 8:
            connection.send(OK)
            receive_request(connection)

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        exchanges = [at.request("GET", "/", HOST) for _ in range(8)]
        for exchange in exchanges:
            answer_of(exchange)
        assert code_of_head(at.request("GET", "/", HOST)) in ("response-none", "request-upstream")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_side_effects_reach_the_upstream_once_under_closing(method: str) -> None:
    """The upstream closes at random moments after its answers; what it counts is what counts."""
    seen: list[bytes] = []
    lock = threading.Lock()

    def script(connection: Connection) -> None:
        for _ in range(1 + connection.index % 3):
            receive_request(connection)
            with lock:
                seen.append(connection.received.rsplit(b"X-Number: ", 1)[1].split(b"\r\n")[0])
            connection.send(OK)
        if connection.index % 2:
            connection.reset()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        for number in range(300):
            exchange = at.request(method, "/", [*HOST, ("X-Number", str(number))], 4)
            with contextlib.suppress(EngineError):
                if exchange.send(b"data"):
                    exchange.end()
                assert answer_of(exchange).body == b"ok"
    assert len(seen) == len(set(seen))
    assert len(seen) >= 200


def test_connection_of_a_canceled_exchange_is_not_used_again() -> None:
    begun = threading.Event()

    def script(connection: Connection) -> None:
        receive_request(connection)
        if connection.index == 0:
            begun.set()
            connection.receive_to_end()
        else:
            connection.send(OK)
            connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        exchange = at.request("GET", "/", HOST)
        assert begun.wait(10)
        exchange.cancel()
        assert upstream.next_finished().index == 0
        assert ask(at).body == b"ok"


def test_upstreams_do_not_share_connections() -> None:
    with scripted(answering(OK)) as one, scripted(answering(OK)) as two:
        for upstream in (one, two) * 3:
            ask(upstream_at(upstream.url))
        assert [len(one.connections), len(two.connections)] == [1, 1]


def test_many_connections_at_once_answer_each_their_own() -> None:
    """More than a guess at a connection's descriptor has room for, one after another."""

    def script(connection: Connection) -> None:
        while True:
            start = len(connection.received)
            connection.receive_head()
            target = connection.received[start:].split(b" ")[1]
            connection.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target)
            )

    with scripted(script) as upstream:
        at = upstream_at(upstream.url, max_connections=200)
        for turn in range(3):
            exchanges = [at.request("GET", f"/{turn}/{i}", HOST) for i in range(150)]
            for i, exchange in enumerate(exchanges):
                assert answer_of(exchange).body == f"/{turn}/{i}".encode()
        assert len(upstream.connections) <= 150
