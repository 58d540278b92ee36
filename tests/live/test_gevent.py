"""Under gevent the hub is never blocked: while one request waits, others are answered."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest

from tests.harness.http_requests import OK, RequestReader, recording
from tests.harness.raw_client import DEADLINE, RawClient
from tests.harness.scripted_upstream import Connection, Script
from tests.live.tunnels import upgrade
from tests.traffic.stage import Stage, leave_while_asked, on, request

STALLED = 8
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf"


def stalls_at(where: str, asked: threading.Semaphore, go_on: threading.Event) -> Script:
    """Answers /next, and stands still in everything else until it may go on."""

    def script(connection: Connection, reader: RequestReader) -> None:
        found = reader.head()
        if found.target == "/next":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain")
            return
        if where == "body":
            connection.send(HALF)
        asked.release()
        assert go_on.wait(DEADLINE)
        for _ in reader.pieces(found):
            pass
        connection.send(b"half" if where == "body" else OK)

    return recording(script)


REQUESTS = {
    "head": request("GET", "/stalled"),
    "body": request("GET", "/stalled"),
    "upgrade": upgrade("/stalled"),
    "client": request("POST", "/stalled", "Content-Length: 10") + b"half.",
    "chunks": request("POST", "/stalled", "Transfer-Encoding: chunked") + b"5\r\nhalf.\r\n",
    "upstream": request("POST", "/stalled", "Content-Length: 30000000"),
}
REST = {"client": b"half.", "chunks": b"0\r\n\r\n"}


@on("gevent")
@pytest.mark.parametrize("where", REQUESTS)
def test_others_are_answered_while_requests_stand_still(stage: Stage, where: str) -> None:
    asked = threading.Semaphore(0)
    go_on = threading.Event()
    stage.play(stalls_at(where, asked, go_on))
    with contextlib.ExitStack() as clients:
        waiting = [clients.enter_context(RawClient(stage.port)) for _ in range(STALLED)]
        for client in waiting:
            client.send(REQUESTS[where])
        for _ in waiting:
            assert asked.acquire(timeout=DEADLINE)
        if where == "upstream":
            fill(waiting[0])
        for _ in range(3):
            assert stage.get("/next").body == b"again"
            assert stage.get("/api/hello/").status == 200
        go_on.set()
        if where == "upstream":
            return  # Their clients leave in the middle.
        for client in waiting:
            client.send(REST.get(where, b""))
            assert client.read_answer().body in (b"ok", b"halfhalf")


def fill(client: RawClient) -> None:
    """Sends until nobody takes any more."""
    client.sock.settimeout(1)
    with contextlib.suppress(TimeoutError):
        for _ in range(400):
            client.sock.send(b"x" * 65536)
    client.sock.settimeout(DEADLINE)


@on("gevent")
@pytest.mark.parametrize("leave", [RawClient.close, RawClient.reset], ids=["fin", "rst"])
def test_client_that_leaves_is_noticed(stage: Stage, leave: Callable[[RawClient], None]) -> None:
    leave_while_asked(stage, leave)


@on("gevent")
def test_early_refusal_passes_before_the_upload_ends(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        connection.receive_to_end()

    stage.play(script)
    with stage.client() as client:
        client.send(request("POST", "/up", "Content-Length: 50000000") + b"x" * 1000)
        answer = client.read_answer()
        assert (answer.status, answer.body) == (413, b"big")
    assert stage.works()
