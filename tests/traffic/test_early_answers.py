"""An answer that comes before the upload ends passes at once, and nothing is confused by it."""

from __future__ import annotations

import contextlib
import socket
import threading
from queue import Queue

import pytest

from tests.harness.http_requests import OK, Request, RequestReader, recording
from tests.harness.patterns import digest, pattern
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import DEADLINE, Connection, Script
from tests.traffic.stage import NEIGHBOURS, WITH_SOCKET, Stage, chunked, on, request

SIZE = 50_000_000
REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo large"
# Of a body that nobody reads gunicorn reads so much, and closes, whatever its answer has said.
DRAINED = 64 * 1024
NEXT = request("GET", "/next", "Connection: close")


def refusing(seen: Queue[Request], keeps_reading: bool) -> Script:
    """Answers 413 as soon as it has read the head; other requests by "ok"."""

    def script(connection: Connection, reader: RequestReader) -> None:
        while True:
            asked = reader.head()
            seen.put(asked)
            if asked.target != "/up":
                connection.send(OK)
                continue
            connection.send(REFUSAL)
            if not keeps_reading:
                # With a FIN, as RFC 9112, 9.6 has it: a reset could take the answer with it.
                connection.sock.shutdown(socket.SHUT_WR)
                connection.receive_to_end()
                return
            for _ in reader.pieces(asked):
                pass

    return recording(script)


def is_next_right(client: RawClient) -> bool:
    """The next request on the same connection is answered as such, or the connection is closed."""
    try:
        client.send(NEXT)
        answer = client.read_answer()
    except (Broken, ConnectionError):
        return True
    return (answer.status, answer.body) == (200, b"ok")


def next_status(client: RawClient, rest: bytes) -> int | None:
    """Of the answer behind the rest of a request; None where the connection ends instead."""
    try:
        client.send(rest + NEXT)
        return client.read_answer().status
    except (Broken, ConnectionError):
        return None


@on(*WITH_SOCKET)
@pytest.mark.parametrize("keeps_reading", [False, True], ids=["closes", "reads-on"])
def test_refusal_passes_before_the_upload_ends(stage: Stage, keeps_reading: bool) -> None:
    seen: Queue[Request] = Queue()
    stage.play(refusing(seen, keeps_reading))
    with stage.client() as client:
        client.send(request("POST", "/up", f"Content-Length: {SIZE}") + b"x" * 1000)
        answer = client.read_answer()  # And the rest of the body was never sent.
        assert (answer.status, answer.body) == (413, b"too large")
    assert seen.get(timeout=DEADLINE).target == "/up"
    assert stage.works()


@on(*WITH_SOCKET)
def test_client_that_sends_on_after_a_refusal_is_answered_right(stage: Stage) -> None:
    seen: Queue[Request] = Queue()
    stage.play(refusing(seen, keeps_reading=False))
    size = 1_000_000
    with stage.client() as client:
        client.send(request("POST", "/up", f"Content-Length: {size}") + b"x" * 1000)
        answer = client.read_answer()
        assert (answer.status, answer.body) == (413, b"too large")
        with contextlib.suppress(ConnectionError):  # Closed, which is right too.
            client.send(b"x" * (size - 1000))
        assert is_next_right(client)
    assert stage.works()


@on("sync", "gthread", *NEIGHBOURS)
def test_chunked_upload_is_refused_before_its_end(stage: Stage) -> None:
    seen: Queue[Request] = Queue()
    stage.play(refusing(seen, keeps_reading=False))
    with stage.client() as client:
        client.send(request("POST", "/up", "Transfer-Encoding: chunked") + b"5\r\nfirst\r\n")
        answer = client.read_answer()
        assert (answer.status, answer.body) == (413, b"too large")
        with contextlib.suppress(ConnectionError):
            client.send(b"5\r\nthird\r\n0\r\n\r\n")
        assert is_next_right(client)
    assert stage.works()


@on("fastpath", "gthread", "runserver", FRONTEND="http://127.0.0.1:9")
@pytest.mark.parametrize("size", [5, 26_000, 200_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_connection_goes_on_where_a_refusal_does_not_say_its_end(
    stage: Stage, framing: str, size: int
) -> None:
    """The client sends its request to the end: it may have the next one on the way."""
    body = b"x" * size
    if framing == "chunked":
        head, body = request("POST", "/up", "Transfer-Encoding: chunked"), chunked(body)
    else:
        head = request("POST", "/up", f"Content-Length: {size}")
    with stage.client() as client:
        client.send(head)
        first = client.read_answer()
        if first.get("Connection") != "close":
            is_left = (stage.kind, framing) == ("gthread", "length") and size > DRAINED
            assert next_status(client, body) == (None if is_left else first.status)


@on(*WITH_SOCKET)
def test_refusals_in_a_row_do_not_reach_other_requests(stage: Stage) -> None:
    seen: Queue[Request] = Queue()
    stage.play(refusing(seen, keeps_reading=True))
    for _ in range(20):
        with stage.client() as client:
            client.send(request("POST", "/up", f"Content-Length: {SIZE}") + b"x" * 1000)
            assert client.read_answer().body == b"too large"
        assert stage.get("/other").body == b"ok"


@on(*WITH_SOCKET)
def test_success_at_once_is_answered_and_the_upload_arrives_whole(stage: Stage) -> None:
    """What answers 200 before it has read all may still want all; the client has both, and leaves
    while the last of it may be on the way."""
    size = 3_000_000
    arrived: Queue[tuple[int, str]] = Queue()

    def script(connection: Connection, reader: RequestReader) -> None:
        asked = reader.head()
        connection.send(OK)
        arrived.put(digest(reader.pieces(asked)))

    stage.play(recording(script))
    with stage.client() as client:
        client.send(request("POST", "/up", f"Content-Length: {size}"))
        sender = threading.Thread(target=lambda: [client.send(piece) for piece in pattern(size)])
        sender.start()
        assert client.read_answer().body == b"ok"
        sender.join(DEADLINE)
    assert arrived.get(timeout=DEADLINE) == digest(pattern(size))
    assert stage.works()
