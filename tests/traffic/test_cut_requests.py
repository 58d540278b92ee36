"""A client that breaks off at any byte: the upstream never sees a whole request."""

from __future__ import annotations

from queue import Queue

import pytest

from tests.harness.http_requests import OK, Request, RequestReader
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import DEADLINE, Connection
from tests.traffic.server_table import TABLE
from tests.traffic.stage import GUNICORN, WITH_SOCKET, Stage, chunked, on, request

LENGTH = request("POST", "/cut", body=b"01234567890123456789")
CHUNKED = request("POST", "/cut", "Transfer-Encoding: chunked") + chunked(b"01234", b"56789")
FRAMINGS = {"length": LENGTH, "chunked": CHUNKED}


def hear_out(client: RawClient) -> bytes:
    """All that comes until the connection ends, in whatever way."""
    heard = b""
    try:
        while piece := client.read_some(65536):
            heard += piece
    except Broken:
        pass
    return heard


class Watch:
    """An upstream that tells which requests began, and which came whole."""

    def __init__(self) -> None:
        self.begun: Queue[Request] = Queue()
        self.whole: Queue[Request] = Queue()

    def __call__(self, connection: Connection) -> None:
        reader = RequestReader(connection)
        sent = reader.head()
        self.begun.put(sent)
        sent.body = b"".join(reader.pieces(sent))
        self.whole.put(sent)
        connection.send(OK)


def check_cuts(stage: Stage, framing: str, is_reset: bool) -> None:
    asked = FRAMINGS[framing]
    end_of_head = asked.index(b"\r\n\r\n") + 4
    watch = Watch()
    stage.play(watch)
    for cut in range(len(asked)):
        with stage.client() as client:
            client.send(asked[:cut])
            if cut >= end_of_head:
                watch.begun.get(timeout=DEADLINE)
            if is_reset:
                client.reset()
                stage.get("/api/hello/")  # The server has seen the end of the one before.
            else:
                client.end()
                assert b" 200 " not in hear_out(client).partition(b"\r\n")[0]
            if cut >= end_of_head:
                stage.upstream.next_finished()
    assert (watch.begun.qsize(), watch.whole.qsize()) == (0, 0)
    assert stage.works()


@on(*WITH_SOCKET)
@pytest.mark.parametrize("is_reset", [False, True], ids=["fin", "rst"])
def test_request_cut_at_any_byte_is_never_whole(stage: Stage, is_reset: bool) -> None:
    check_cuts(stage, "length", is_reset)


@on(*WITH_SOCKET)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_client_that_has_left_before_its_body_is_looked_for_is_no_error(
    stage: Stage, method: str
) -> None:
    """What the server logs of it is looked at when a test ends."""
    watch = Watch()
    stage.play(watch)
    for _ in range(20):
        with stage.client() as client:
            client.send(request(method, "/cut", "Content-Length: 5"))
            client.reset()
        stage.get("/api/hello/")  # The server has seen the end of the one before.
    assert stage.works()
    assert watch.whole.qsize() == 0


@on(*GUNICORN)
@pytest.mark.parametrize("is_reset", [False, True], ids=["fin", "rst"])
def test_chunked_request_cut_at_any_byte_is_never_whole(stage: Stage, is_reset: bool) -> None:
    check_cuts(stage, "chunked", is_reset)


@on("waitress", "granian")
@pytest.mark.parametrize("framing", FRAMINGS)
def test_request_cut_without_a_socket_is_as_the_table_says(stage: Stage, framing: str) -> None:
    """waitress spools, and never asks the application; granian ends chunks as if whole."""
    asked = FRAMINGS[framing]
    end_of_head = asked.index(b"\r\n\r\n") + 4
    watch = Watch()
    stage.play(watch)
    for cut in range(len(asked)):
        with stage.client() as client:
            client.send(asked[:cut])
            is_forwarded = stage.kind == "granian" and cut >= end_of_head
            if is_forwarded:
                watch.begun.get(timeout=DEADLINE)
            client.end()
            hear_out(client)
            if is_forwarded:
                stage.upstream.next_finished()
    assert stage.works()
    seems_whole = TABLE[stage.kind].broken_request == "chunked seems whole"
    assert (watch.whole.qsize() > 0) is (seems_whole and framing == "chunked")


@on("sync", "gthread", "waitress")
@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\nok\r\n", b"2\r\nokk\r\n0\r\n\r\n", b"-2\r\nok\r\n", b"2\r\nok\r\n0x\r\n\r\n"],
    ids=["no-number", "too-long", "negative", "no-last"],
)
def test_broken_chunks_never_make_a_whole_request(stage: Stage, chunks: bytes) -> None:
    watch = Watch()
    stage.play(watch)
    with stage.client() as client:
        client.send(request("POST", "/x", "Transfer-Encoding: chunked") + b"2\r\nok\r\n" + chunks)
        client.end()
        heard = hear_out(client)
    assert b" 200 " not in heard.partition(b"\r\n")[0]
    assert stage.works()
    assert watch.whole.qsize() == 0
