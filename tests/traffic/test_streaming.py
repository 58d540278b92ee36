"""Bodies flow as they come: the first piece is there before the second is sent."""

from __future__ import annotations

import select
from queue import Queue

import pytest

from tests.harness.http_requests import OK, RequestReader, recording
from tests.harness.scripted_upstream import DEADLINE, Connection
from tests.traffic.server_table import TABLE
from tests.traffic.stage import EVERY, GUNICORN, WITH_SOCKET, Stage, on, request


def upload_piece_by_piece(stage: Stage, framing: str) -> None:
    assert TABLE[stage.kind].request_stream == "as it comes"
    arrived: Queue[bytes] = Queue()

    def script(connection: Connection, reader: RequestReader) -> None:
        for piece in reader.pieces(reader.head()):
            arrived.put(piece)
        connection.send(OK)

    stage.play(recording(script))
    pieces = [b"first piece", b"second piece", b"third piece"]
    with stage.client() as client:
        if framing == "chunked":
            client.send(request("POST", "/up", "Transfer-Encoding: chunked"))
        else:
            client.send(request("POST", "/up", f"Content-Length: {sum(map(len, pieces))}"))
        for piece in pieces:
            if framing == "chunked":
                client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            else:
                client.send(piece)
            assert arrived.get(timeout=DEADLINE) == piece
        if framing == "chunked":
            client.send(b"0\r\n\r\n")
        assert client.read_answer().body == b"ok"


@on(*WITH_SOCKET)
def test_request_body_reaches_the_frontend_piece_by_piece(stage: Stage) -> None:
    upload_piece_by_piece(stage, "length")


@on(*GUNICORN)
def test_chunked_request_body_reaches_the_frontend_piece_by_piece(stage: Stage) -> None:
    upload_piece_by_piece(stage, "chunked")


@on("granian")
def test_request_body_reaches_the_frontend_in_large_pieces_under_granian(stage: Stage) -> None:
    assert TABLE[stage.kind].request_stream == "in pieces of 256 KiB"
    arrived: Queue[int] = Queue()

    def script(connection: Connection, reader: RequestReader) -> None:
        for piece in reader.pieces(reader.head()):
            arrived.put(len(piece))
        connection.send(OK)

    stage.play(recording(script))
    half = 1_000_000
    with stage.client() as client:
        client.send(request("POST", "/up", f"Content-Length: {2 * half}") + b"x" * half)
        assert arrived.get(timeout=DEADLINE) > 0  # The other half is not even sent.
        client.send(b"x" * half)
        assert client.read_answer().body == b"ok"


@on("waitress")
def test_request_body_reaches_the_frontend_whole_under_waitress(stage: Stage) -> None:
    assert TABLE[stage.kind].request_stream == "whole"
    recorder = stage.record()
    with stage.client() as client:
        client.send(request("POST", "/up", "Content-Length: 10") + b"first")
        assert stage.get("/meanwhile").body == b"ok"
        assert recorder.next().target == "/meanwhile"
        assert recorder.seen.empty()
        client.send(b"after")
        assert client.read_answer().body == b"ok"
    assert recorder.next().body == b"firstafter"


@on(*EVERY)
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_answer_reaches_the_client_piece_by_piece(stage: Stage, framing: str) -> None:
    go_on: Queue[bytes] = Queue()
    field = {"length": "Content-Length: 20", "chunked": "Transfer-Encoding: chunked"}

    def script(connection: Connection) -> None:
        connection.receive_head()
        line = field.get(framing, "X-Framing: none")
        connection.send(f"HTTP/1.1 200 OK\r\nX-Head: 1\r\n{line}\r\n\r\n".encode())
        for _ in range(2):
            piece = go_on.get(timeout=DEADLINE)
            connection.send(b"a\r\n%b\r\n" % piece if framing == "chunked" else piece)
        if framing == "chunked":
            connection.send(b"0\r\n\r\n")

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        if TABLE[stage.kind].answer_stream == "as it comes":  # The head alone, before the body.
            assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
        for piece in (b"piece one.", b"piece two."):
            go_on.put(piece)
            client.read_until(piece)


@on(*WITH_SOCKET)
def test_whole_chunks_wait_for_a_reader_that_stops(stage: Stage) -> None:
    """However the frontend cuts what it sends: here each reading of it ends with a chunk."""
    full: Queue[bool] = Queue()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Padding: "
    head += b"x" * (16384 - 4 - len(head)) + b"\r\n\r\n"
    chunk = b"3ff8\r\n" + b"c" * 0x3FF8 + b"\r\n"

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(head)
        for _ in range(1500):
            if full.empty() and not select.select([], [connection.sock], [], 0.5)[1]:
                full.put(True)
            connection.send(chunk)
        connection.send(b"0\r\n\r\n")

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/down"))
        assert full.get(timeout=DEADLINE)
        assert len(client.read_answer().body) == 1500 * 0x3FF8
