"""Under ASGI servers: either side leaves or breaks off, and what failures say."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.asgi.server_table import row_of
from tests.asgi.servers import EVERY, both, front
from tests.asgi.sockets import never_answering
from tests.harness.http_requests import Recorder, RequestReader, recording
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import DEADLINE, Connection, answering_once
from tests.traffic.stage import Stage, chunked, on, request

HTTP = b"HTTP/1.1 "
STREAMING = [name for name in EVERY if name != "daphne"]


@on(*front(*STREAMING))
def test_early_answer_passes_during_an_upload(stage: Stage) -> None:
    def script(connection: Connection, reader: RequestReader) -> None:
        reader.head()
        connection.send(HTTP + b"413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        connection.receive_to_end()

    stage.play(recording(script))
    with stage.client() as client:
        client.send(request("PUT", "/up", "Content-Length: 100000000") + b"x" * 1000)
        answer = client.read_answer()
    assert (answer.status, answer.body) == (413, b"big")
    assert stage.works()


def pours(client: RawClient) -> None:
    """More of a body than any server stores, while the client listens too."""
    chunk = b"7530\r\n" + b"x" * 30000 + b"\r\n"
    with contextlib.suppress(OSError):
        client.send(chunk * 100 + b"0\r\n\r\n")


ENDINGS = {
    "cut": HTTP + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n01234",
    "without-length": HTTP + b"413 Too Large\r\n\r\nbig",
}


@on(*front(*STREAMING))
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_connection_that_ends_before_a_large_upload_does_leaves_no_client_waiting(
    stage: Stage, ending: bytes
) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(ending)
        connection.reset() if ending == ENDINGS["cut"] else connection.close()

    for _ in range(4):
        stage.play(script)
        with stage.client() as client:
            client.send(request("PUT", "/up", "Transfer-Encoding: chunked"))
            pouring = threading.Thread(target=pours, args=[client])
            pouring.start()
            with contextlib.suppress(Broken):  # A reset may overtake what was said.
                assert client.read_answer().status in (413, 502)
            with contextlib.suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)
            pouring.join(DEADLINE)
    assert stage.works()


WAYS = {"fin": RawClient.close, "rst": RawClient.reset}


@on(*both())
@pytest.mark.parametrize("leave", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("moment", ["head", "quiet", "upload"])
def test_client_leaves_the_upstream_is_told(
    stage: Stage, leave: Callable[[RawClient], None], moment: str
) -> None:
    if moment == "upload" and "front" not in stage.kind:
        return
    ready = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        if moment == "quiet":
            connection.send(HTTP + b"200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        ready.set()
        connection.receive_to_end()

    if moment == "upload" and row_of(stage.kind).request_stream == "whole":
        return
    stage.play(script)
    client = stage.client()
    client.send(request("PUT", "/go", "Content-Length: 10") + b"12345" * (1 + (moment != "upload")))
    if moment == "quiet":
        client.read_until(b"data: 1\n\n")
    assert ready.wait(DEADLINE)
    leave(client)
    stage.upstream.next_finished()
    assert stage.works()
    assert "Traceback" not in stage.log()
    assert "samesite_proxy" not in stage.log()


HEAD = HTTP + b"200 OK\r\nContent-Type: text/plain\r\n"
CUTS = {
    "length": HEAD + b"Content-Length: 20\r\n\r\n0123456789",
    "length-nothing": HEAD + b"Content-Length: 20\r\n\r\n",
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n",
    "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\na\r\n01234",
}


def breaks_off_quietly(stage: Stage, asking: bytes) -> None:
    """The client sees no whole answer, and the log has one line."""
    with stage.client() as client:
        client.send(asking)
        if row_of(stage.kind).broken_answer == "waits on":
            stage.await_log("/cut: ")
            client.sock.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.read_to_end()
        else:
            try:
                answer = client.read_answer()
            except Broken:
                pass
            else:
                assert answer.status in (500, 502)  # The head had not gone out yet.
    assert stage.works()
    assert len([line for line in stage.log().splitlines() if "/cut: " in line]) == 1
    assert "Exception" not in stage.log()


@on(*both())
@pytest.mark.parametrize("way", [Connection.close, Connection.reset], ids=["fin", "rst"])
@pytest.mark.parametrize("name", CUTS)
def test_answer_that_breaks_off_is_never_whole(
    stage: Stage, name: str, way: Callable[[Connection], None]
) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(CUTS[name])
        way(connection)

    stage.play(script)
    breaks_off_quietly(stage, request("GET", "/cut"))


@on(*both())
def test_answer_that_breaks_off_during_an_upload_is_never_whole(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(CUTS["chunked"])
        connection.reset()

    stage.play(script)
    breaks_off_quietly(stage, request("PUT", "/cut", body=b"x" * 100000))


@on(*both(), settings={"FRONTEND": "http://127.0.0.1:4"})  # A server that has not said it yet.
def test_frontend_that_is_down_is_502_in_one_line(stage: Stage) -> None:
    answer = stage.get("/x")
    assert answer.status == 502
    assert b"cannot be reached" in answer.body
    assert answer.body.count(b"\n") == 1
    assert answer.get("Cache-Control") == "no-store"
    stage.await_log("502 samesite_proxy")


@on(*both(), settings={"FRONTEND": "http://127.0.0.1:9"})
def test_uploads_to_a_frontend_that_is_down_are_502(stage: Stage) -> None:
    def upload(_: int) -> int:
        with stage.client() as client:
            with contextlib.suppress(ConnectionError):  # Nobody wants the rest.
                client.send(request("POST", "/up", body=b"x" * 3_000_000))
            return client.read_answer().status

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(upload, range(12))) == [502] * 12


@on(*both(), settings={"FRONTEND": "http://127.0.0.1:9"})
def test_browser_gets_a_page_in_debug(stage: Stage) -> None:
    answer = stage.get("/x", "Accept: text/html")
    assert answer.status == 502
    assert answer.get("Content-Type") == "text/html; charset=utf-8"
    assert answer.get("Cache-Control") == "no-store"
    assert b"The frontend at http://127.0.0.1:9 cannot be reached" in answer.body


@on(*both(), settings={"RESPONSE_TIMEOUT": 0.3})
def test_frontend_that_does_not_answer_is_504(stage: Stage) -> None:
    stage.play(never_answering)
    assert stage.get("/slow").status == 504


@on(*both())
def test_answer_that_is_not_http_is_502(stage: Stage) -> None:
    stage.play(answering_once(b"hello\r\n\r\n"))
    assert stage.get("/").status == 502


@on(*both("uvicorn"))
def test_body_that_the_server_lost_is_the_clients_to_send_again(stage: Stage) -> None:
    """httptools stops at the head of a request that offers an upgrade."""
    stage.play(Recorder())
    with stage.client() as client:
        offer = ("Connection: Upgrade", "Upgrade: h2c")
        client.send(request("POST", "/up", *offer, body=b"hello"))
        answer = client.read_answer()
    assert answer.status == 400
    assert b"not as long as declared" in answer.body


@on(*both("uvicorn"))
def test_chunked_body_that_the_server_lost_does_not_pass_for_an_empty_one(stage: Stage) -> None:
    recorder = Recorder()
    stage.play(recorder)
    with stage.client() as client:
        lines = ("Connection: keep-alive, Upgrade", "Upgrade: h2c", "Transfer-Encoding: chunked")
        client.send(request("POST", "/up", *lines) + chunked(b"hello"))
        assert client.read_answer().status == 411
    assert stage.get("/next").status == 200
    assert recorder.next().target == "/next"


OFFER = ("Connection: keep-alive", "Connection: Upgrade", "Upgrade: test")


@on(*both())
@pytest.mark.parametrize(
    ("method", "lines"), [("CONNECT", ()), ("POST", OFFER), ("PUT", OFFER[::-1])]
)
def test_body_is_never_a_request_of_its_own(
    stage: Stage, method: str, lines: tuple[str, ...]
) -> None:
    """Though it comes when the head has been read, and perhaps answered."""
    recorder = stage.record()
    body = request("GET", "/inside")
    with stage.client() as client:
        client.send(request(method, "/x", *lines, f"Content-Length: {len(body)}"))
        assert stage.get("/api/hello/").status == 200  # Read after that head.
        said = b""
        with contextlib.suppress(ConnectionError):  # Closed by then, perhaps.
            client.send(body)
            client.send(request("GET", "/behind", "Connection: close"))
        with contextlib.suppress(Broken):
            while piece := client.read_some(65536):
                said += piece
    assert said.startswith(HTTP)
    assert "/inside" not in {seen.target for seen in recorder.seen.queue}
    assert said.count(HTTP) == 1 + ("/behind" in {seen.target for seen in recorder.seen.queue})
