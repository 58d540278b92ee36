"""Bodies cross byte for byte, both ways, under every framing."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from queue import Queue

import pytest

from tests.harness.http_requests import OK, RequestReader
from tests.harness.patterns import PIECE, digest, pattern
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import DEADLINE, Connection, Script
from tests.traffic.server_table import TABLE
from tests.traffic.stage import DECODE_CHUNKED, EVERY, NEIGHBOURS, WITH_SOCKET, Stage, on, request

SIZES = [0, 1, 65536, 1 << 20]
GIGABYTE = 1 << 30
FRAMINGS = ["length", "chunked", "close"]


def answering_with(size: int, framing: str) -> Script:
    def script(connection: Connection) -> None:
        connection.receive_head()
        field = {"length": f"Content-Length: {size}", "chunked": "Transfer-Encoding: chunked"}
        head = ["HTTP/1.1 200 OK", field.get(framing, "X-Framing: none"), "", ""]
        connection.send("\r\n".join(head).encode())
        for piece in pattern(size):
            chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
            connection.send(chunk if framing == "chunked" else piece)
        if framing == "chunked":
            connection.send(b"0\r\n\r\n")

    return script


def pieces_of_answer(client: RawClient) -> Iterator[bytes]:
    """The body as it comes, so that a long one is never held whole."""
    answer = client.read_head()
    assert answer.status == 200
    if answer.get("Transfer-Encoding"):
        while size := int(client.read_until(b"\r\n"), 16):
            yield client.read_exactly(size)
            client.read_exactly(2)
        client.read_until(b"\r\n")
        return
    length = answer.get("Content-Length")
    if length is None:
        while piece := client.read_some(PIECE):
            yield piece
        return
    left = int(length)
    while left and (piece := client.read_some(min(left, PIECE))):
        left -= len(piece)
        yield piece
    assert left == 0


def download(stage: Stage, size: int, framing: str) -> None:
    stage.play(answering_with(size, framing))
    with stage.client() as client:
        client.send(request("GET", "/down"))
        assert digest(pieces_of_answer(client)) == digest(pattern(size))


def upload(stage: Stage, size: int, is_chunked: bool) -> None:
    arrived: Queue[tuple[int, str]] = Queue()

    def script(connection: Connection) -> None:
        reader = RequestReader(connection)
        arrived.put(digest(reader.pieces(reader.head())))
        connection.send(OK)

    stage.play(script)
    with stage.client() as client:
        length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {size}"
        client.send(request("POST", "/up", length))
        for piece in pattern(size):
            client.send(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
        if is_chunked:
            client.send(b"0\r\n\r\n")
        assert client.read_answer().body == b"ok"
    assert arrived.get(timeout=DEADLINE) == digest(pattern(size))


@on(*EVERY)
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", SIZES)
def test_answer_of_any_size_crosses_by_hash(stage: Stage, size: int, framing: str) -> None:
    download(stage, size, framing)


@on(*EVERY)
@pytest.mark.parametrize("size", SIZES)
def test_request_body_of_any_size_crosses_by_hash(stage: Stage, size: int) -> None:
    upload(stage, size, is_chunked=False)


@on(*DECODE_CHUNKED)
@pytest.mark.parametrize("size", SIZES)
def test_chunked_request_body_of_any_size_crosses_by_hash(stage: Stage, size: int) -> None:
    upload(stage, size, is_chunked=True)


@pytest.mark.slow
@on(*WITH_SOCKET)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_answer_of_a_gigabyte_crosses_by_hash(stage: Stage, framing: str) -> None:
    download(stage, GIGABYTE, framing)


@pytest.mark.slow
@on(*WITH_SOCKET)
def test_request_body_of_a_gigabyte_crosses_by_hash(stage: Stage) -> None:
    upload(stage, GIGABYTE, is_chunked=False)


@pytest.mark.slow
@on("sync", "gthread")
def test_chunked_request_body_of_a_gigabyte_crosses_by_hash(stage: Stage) -> None:
    upload(stage, GIGABYTE, is_chunked=True)


@on(*EVERY)
def test_bodies_both_ways_at_once_cross(stage: Stage) -> None:
    """An upstream that answers while it reads, as a converter does."""
    size = 1 << 20
    arrived: Queue[tuple[int, str]] = Queue()

    def script(connection: Connection) -> None:
        reader = RequestReader(connection)
        sent = reader.head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)

        def echoed() -> Iterator[bytes]:
            for piece in reader.pieces(sent):
                connection.send(piece)
                yield piece

        arrived.put(digest(echoed()))

    stage.play(script)
    with stage.client() as client:
        client.send(request("POST", "/both", f"Content-Length: {size}"))
        sender = threading.Thread(target=lambda: [client.send(piece) for piece in pattern(size)])
        sender.start()
        came = digest(pieces_of_answer(client))
        sender.join(DEADLINE)
    assert came == digest(pattern(size))
    assert arrived.get(timeout=DEADLINE) == digest(pattern(size))


@on(*EVERY)
def test_compressed_answer_crosses_untouched(stage: Stage) -> None:
    body = gzip.compress(b"text " * 1000, mtime=0)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    recorder = stage.record(head + body)
    answer = stage.get("/x", "Accept-Encoding: gzip, br")
    assert recorder.next().get("Accept-Encoding") == "gzip, br"
    assert (answer.get("Content-Encoding"), answer.body) == ("gzip", body)


@on(*EVERY)
def test_answer_without_length_is_framed_as_the_table_says(stage: Stage) -> None:
    stage.play(answering_with(5, "chunked"))
    with stage.client() as client:
        client.send(request("GET", "/x"))
        answer = client.read_answer()
        assert answer.body == b"".join(pattern(5))
        is_chunked = answer.get("Transfer-Encoding") == "chunked"
        assert is_chunked is (TABLE[stage.kind].no_length == "chunked")
        if not is_chunked:
            assert (answer.get("Connection"), client.is_closed()) == ("close", True)


@on(*(kind for kind in EVERY if kind not in NEIGHBOURS))  # Werkzeug sends chunks all the same.
def test_http_1_0_client_gets_no_chunks(stage: Stage) -> None:
    stage.play(answering_with(70000, "chunked"))
    with stage.client() as client:
        client.send(b"GET /x HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = client.read_answer()
        assert answer.get("Transfer-Encoding") is None
        assert answer.body == b"".join(pattern(70000))
