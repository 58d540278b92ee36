"""An upload and its answer flow at the same time."""

from __future__ import annotations

import threading
from queue import Queue

import pytest

from tests.harness.http_requests import RequestReader, recording
from tests.harness.memory import MIB
from tests.harness.patterns import digest, pattern
from tests.harness.raw_client import DEADLINE, RawClient
from tests.harness.scripted_upstream import Connection
from tests.live.tunnels import ADOPTING
from tests.traffic.stage import CLOSING, Stage, chunked, on, request

SIZE = 50 * MIB
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def send_all(end: RawClient | Connection) -> None:
    for piece in pattern(SIZE):
        end.send(piece)


def echo(connection: Connection, reader: RequestReader) -> None:
    """Answers each piece by itself, before it reads the next."""
    asked = reader.head()
    length = int(asked.get("Content-Length") or asked.get("X-Length") or 0)
    connection.send(HEAD % length)
    for piece in reader.pieces(asked):
        connection.send(piece)


@on(*ADOPTING)
def test_upstream_that_echoes_a_large_upload_is_relayed(stage: Stage) -> None:
    stage.play(recording(echo))
    with stage.client() as client:
        client.send(request("POST", "/echo", f"Content-Length: {SIZE}"))
        sending = threading.Thread(target=send_all, args=(client,))
        sending.start()
        assert digest([client.read_answer().body]) == digest(pattern(SIZE))
        sending.join(DEADLINE)
    assert stage.works()


@on(*ADOPTING)
def test_success_passes_before_the_upload_begins(stage: Stage) -> None:
    stage.play(recording(echo))
    with stage.client() as client:
        client.send(request("POST", "/echo", "Content-Length: 10"))
        assert client.read_head().status == 200
        for piece in (b"12345", b"67890"):
            client.send(piece)
            assert client.read_exactly(5) == piece
        if stage.kind not in CLOSING:
            client.send(request("GET", "/api/hello/"))
            assert client.read_answer().status == 200
    assert stage.works()


@on("sync", "gthread", "gevent")
def test_success_passes_before_a_chunked_upload_begins(stage: Stage) -> None:
    stage.play(recording(echo))
    with stage.client() as client:
        client.send(request("POST", "/echo", "Transfer-Encoding: chunked", "X-Length: 10"))
        assert client.read_head().status == 200
        for piece in (b"12345", b"67890"):
            client.send(chunked(piece)[:-5])
            assert client.read_exactly(5) == piece
        client.send(b"0\r\n\r\n")
    assert stage.works()


@on(*ADOPTING)
def test_client_that_reads_only_when_all_is_sent_is_answered(stage: Stage) -> None:
    """The upstream sends more than anything between holds, and reads all the same."""
    arrived: Queue[tuple[int, str]] = Queue()

    def script(connection: Connection, reader: RequestReader) -> None:
        asked = reader.head()
        connection.send(HEAD % SIZE)
        answering = threading.Thread(target=send_all, args=(connection,))
        answering.start()
        arrived.put(digest(reader.pieces(asked)))
        answering.join(DEADLINE)

    stage.play(recording(script))
    with stage.client() as client:
        client.send(request("POST", "/both", f"Content-Length: {SIZE}"))
        for piece in pattern(SIZE):
            client.send(piece)
        assert arrived.get(timeout=DEADLINE) == digest(pattern(SIZE))
        assert digest([client.read_answer().body]) == digest(pattern(SIZE))
    assert stage.works()


@on(*ADOPTING)
@pytest.mark.parametrize("framing", ["length", "none"])
def test_client_that_leaves_the_upload_of_an_open_answer_ends_both(
    stage: Stage, framing: str
) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        head = HEAD % 100 if framing == "length" else b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\n"
        connection.send(head + b"begun")
        connection.receive_to_end()

    stage.play(script)
    with stage.client() as client:
        client.send(request("POST", "/up", "Content-Length: 100") + b"begun")
        assert client.read_until(b"begun")
    stage.upstream.next_finished()
    assert stage.works()
