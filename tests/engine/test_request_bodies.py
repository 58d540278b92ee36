"""Request bodies: framed as declared, never longer, never taken for whole when short."""

from __future__ import annotations

import socket
import threading

import pytest

from samesite_proxy._engine import CHUNKED, EngineError
from tests.engine.exchanges import (
    HOST,
    OK,
    answer_of,
    ask,
    body_of,
    code_of_head,
    stay,
    upstream_at,
)
from tests.harness.patterns import digest, pattern
from tests.harness.scripted_upstream import Connection, Script, scripted

LARGE = 3_000_000
METHODS = ["POST", "PUT", "PATCH", "GET", "DELETE", "OPTIONS", "REPORT"]


def read_chunked(connection: Connection) -> bytes:
    """A chunked body, from the end of the head that `receive_head` has read."""
    body = b""
    rest = connection.received.split(b"\r\n\r\n", 1)[1]
    while True:
        while b"\r\n" not in rest:
            rest += received(connection)
        line, rest = rest.split(b"\r\n", 1)
        size = int(line, 16)
        while len(rest) < size + 2:
            rest += received(connection)
        assert rest[size : size + 2] == b"\r\n"
        if size == 0:
            assert rest == b"\r\n"
            return body
        body, rest = body + rest[:size], rest[size + 2 :]


def received(connection: Connection) -> bytes:
    piece = connection.receive()
    if not piece:
        raise EOFError
    return piece


def reading_length(length: int, bodies: list[bytes], answer: bytes = OK) -> Script:
    def script(connection: Connection) -> None:
        body = connection.receive_head().split(b"\r\n\r\n", 1)[1]
        while len(body) < length:
            body += received(connection)
        bodies.append(body)
        connection.send(answer)
        connection.receive_to_end()

    return script


def framing(head: bytes) -> tuple[list[bytes], list[bytes]]:
    """The lines that say how long the body is, and all the others."""
    lines = head.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    frame = [line for line in lines if line.lower().startswith((b"content-length", b"transfer-"))]
    return frame, [line for line in lines if line not in frame]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1, 10, LARGE])
def test_body_of_known_length_crosses_byte_for_byte(method: str, size: int) -> None:
    bodies: list[bytes] = []
    with scripted(reading_length(size, bodies)) as upstream:
        exchange = upstream_at(upstream.url).request(method, "/x", HOST, size)
        for piece in pattern(size):
            assert exchange.send(piece)
        exchange.end()
        assert answer_of(exchange).body == b"ok"
        frame, others = framing(upstream.connections[0].received)
        assert frame == [b"Content-Length: %d" % size]
        assert others == [f"{method} /x HTTP/1.1".encode(), b"Host: site.example"]
        assert digest(bodies) == digest(pattern(size))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [0, 1, LARGE])
def test_chunked_body_crosses_byte_for_byte(method: str, size: int) -> None:
    bodies: list[bytes] = []

    def script(connection: Connection) -> None:
        connection.receive_head()
        bodies.append(read_chunked(connection))
        connection.send(OK)
        connection.receive_to_end()

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url).request(method, "/x", HOST, CHUNKED)
        for piece in pattern(size):
            assert exchange.send(piece)
        exchange.end()
        assert answer_of(exchange).body == b"ok"
        frame, others = framing(upstream.connections[0].received)
        assert frame == [b"Transfer-Encoding: chunked"]
        assert others == [f"{method} /x HTTP/1.1".encode(), b"Host: site.example"]
        assert digest(bodies) == digest(pattern(size))


def test_pieces_go_out_as_they_come() -> None:
    """The second piece is not given before the upstream has seen the first."""
    seen = threading.Semaphore(0)

    def script(connection: Connection) -> None:
        connection.receive_head()
        for marker in (b"first", b"second"):
            while marker not in connection.received:
                received(connection)
            seen.release()
        connection.receive_until(b"0\r\n\r\n")
        connection.send(OK)

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, CHUNKED)
        for piece in (b"first", b"second"):
            assert exchange.send(piece)
            assert seen.acquire(timeout=10)
        exchange.end()
        assert answer_of(exchange).body == b"ok"


def test_bytes_beyond_the_declared_length_are_refused() -> None:
    arrived = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_until(b"ab")
        arrived.set()
        connection.receive_to_end()

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", [], 4)
        assert exchange.send(b"ab")
        assert arrived.wait(10)
        with pytest.raises(EngineError) as caught:
            exchange.send(b"cde")
        assert caught.value.code == "request-client"
        assert caught.value.status == 400
        exchange.cancel()
        assert upstream.next_finished().received.endswith(b"\r\n\r\nab")


@pytest.mark.parametrize("length", [-2, 0, 4])
def test_body_where_none_is_left_is_refused(length: int) -> None:
    with scripted(stay) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, length)
        exchange.send(b"x" * max(length, 0))
        with pytest.raises(EngineError) as caught:
            exchange.send(b"x")
        assert caught.value.code == "request-client"


def test_piece_after_the_end_is_refused() -> None:
    with scripted(stay) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, CHUNKED)
        exchange.send(b"a")
        exchange.end()
        with pytest.raises(EngineError) as caught:
            exchange.send(b"b")
        assert caught.value.code == "request-client"


@pytest.mark.parametrize("given", [0, 1, 9, 99_999])
def test_short_body_is_refused_and_never_whole_upstream(given: int) -> None:
    with scripted(stay) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, 100_000)
        exchange.send(b"x" * given)
        with pytest.raises(EngineError) as caught:
            exchange.end()
        assert caught.value.code == "request-client"
        exchange.cancel()
        assert code_of_head(exchange) == "canceled"
        if upstream.connections:
            _, _, body = upstream.next_finished().received.partition(b"\r\n\r\n")
            assert len(body) <= given


def test_chunked_body_given_up_has_no_last_chunk() -> None:
    arrived = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_until(b"half")
        arrived.set()
        connection.receive_to_end()

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, CHUNKED)
        exchange.send(b"half")
        assert arrived.wait(10)
        exchange.cancel()
        assert upstream.next_finished().received.endswith(b"\r\n\r\n4\r\nhalf\r\n")


@pytest.mark.parametrize("status", [301, 400, 401, 413, 500])
@pytest.mark.parametrize("length", [50_000_000, CHUNKED])
def test_early_refusal_passes_and_ends_the_sending(status: int, length: int) -> None:
    """The upstream answers after the head, reads no more, and keeps the connection open."""

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 %d No\r\nContent-Length: 5\r\n\r\nsorry" % status)
        connection.receive_to_end()

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        exchange = at.request("POST", "/", HOST, length)
        sent = 0
        while exchange.send(b"x" * 65536):
            sent += 65536
            assert sent < 50_000_000
        answer = answer_of(exchange)
        assert (answer.status, answer.body) == (status, b"sorry")
        assert exchange.send(b"more") is False
        upstream.next_finished()
        upstream.script = reading_length(0, [])
        assert ask(at).body == b"ok"
        assert len(upstream.connections) == 2


def test_early_refusal_reaches_a_sender_that_is_waited_for() -> None:
    """Also while the client is slow and there is nothing to send."""

    def script(connection: Connection) -> None:
        connection.receive_until(b"half")
        connection.send(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
        connection.receive_to_end()

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, 1000)
        assert exchange.send(b"half")
        assert exchange.head()[0] == 413
        assert exchange.send(b"x") is False
        assert exchange.await_client() == -1
        assert exchange.read() == b""
        upstream.next_finished()


def test_early_refusal_with_the_connection_closed_passes() -> None:
    """The upstream closes with bytes unread, which resets the connection."""

    def script(connection: Connection) -> None:
        connection.receive_until(b"half")
        connection.send(b"HTTP/1.1 413 No\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry")

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, 1000)
        exchange.send(b"half")
        answer = answer_of(exchange)
        assert (answer.status, answer.body) == (413, b"sorry")


def test_early_acceptance_lets_the_body_go_on() -> None:
    """An upstream may begin to answer while it still reads."""
    bodies: list[bytes] = []

    def script(connection: Connection) -> None:
        body = connection.receive_until(b"half").split(b"\r\n\r\n", 1)[1]
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        while len(body) < 1_000_000:
            body += received(connection)
        bodies.append(body)
        connection.send(b"k")
        connection.receive_to_end()

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, 1_000_000)
        assert exchange.send(b"half")
        assert exchange.head()[0] == 200
        for _ in range(4):
            assert exchange.send(b"x" * 249_999)
        exchange.end()
        assert answer_of(exchange).body == b"ok"
    assert bodies == [b"half" + b"x" * 999_996]


def test_upstream_that_answers_without_end_while_nobody_reads_is_given_up() -> None:
    """Sender and upstream would wait for each other for ever."""

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.send(b"y" * 65536)

    with scripted(script) as upstream:
        at = upstream_at(upstream.url, timeouts=(10, 10, 0.3))
        exchange = at.request("POST", "/", HOST, 100_000_000)
        while exchange.send(b"x" * 65536):
            pass
        assert exchange.head()[0] == 200
        with pytest.raises(EngineError) as caught:
            body_of(exchange)
        assert caught.value.code == "idle-timeout"


@pytest.mark.parametrize("reset", [False, True])
def test_upstream_that_leaves_while_it_is_sent_to_is_found_out(reset: bool) -> None:
    def script(connection: Connection) -> None:
        connection.receive_until(b"xxxx")
        if reset:
            connection.reset()

    with scripted(script) as upstream:
        exchange = upstream_at(upstream.url).request("POST", "/", HOST, 100_000_000)
        while exchange.send(b"x" * 65536):
            pass
        assert code_of_head(exchange) == "request-upstream"


@pytest.mark.parametrize("fields", [b"", b"Content-Length: 3\r\nConnection: close\r\n"])
@pytest.mark.parametrize("size", [CHUNKED, 10**9])
def test_refusal_that_ends_with_its_connection_ends_an_upload_that_has_paused(
    fields: bytes, size: int
) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 413 Too Large\r\n" + fields + b"\r\nbig")
        connection.sock.shutdown(socket.SHUT_WR)
        connection.receive_to_end()

    with scripted(script) as upstream:
        for _ in range(5):
            exchange = upstream_at(upstream.url).request("PUT", "/", HOST, size)
            exchange.send(b"a part of it")  # The rest never comes.
            assert answer_of(exchange).body == b"big"
