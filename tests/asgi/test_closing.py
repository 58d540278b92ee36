"""How WebSockets end under ASGI servers, and what is refused before they begin."""

from __future__ import annotations

import contextlib
import os
from queue import Queue

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.sync.server import ServerConnection

from tests.asgi.server_table import row_of
from tests.asgi.servers import front
from tests.asgi.sockets import (
    DEADLINE,
    accept,
    browser,
    closing,
    frame,
    frontend,
    never_answering,
)
from tests.harness.scripted_upstream import Connection, answering_once
from tests.traffic.stage import Stage, asking_in_vain, on

CODES = [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 4999]
ENGLISH = "closed for a reason"
LIBRARY_HIDDEN = {
    "PYTHONPATH": os.pathsep.join(
        ["tests/asgi/without_websockets", *filter(None, [os.environ.get("PYTHONPATH")])]
    )
}


@on(*front())
def test_invalid_frames_of_the_frontend_close_both_sides(stage: Stage) -> None:
    told: Queue[bytes] = Queue()

    def script(connection: Connection) -> None:
        accept(connection)
        connection.send(frame(3, b"no such opcode"))
        told.put(connection.receive_to_end())

    stage.play(script)
    with browser(stage) as socket:
        code, _ = closing(socket)
    told.get(timeout=DEADLINE)
    assert code == (1002 if row_of(stage.kind).codes_to_browser == "every" else 1000)


@on(*front("uvicorn"))
def test_text_that_is_not_utf8_closes_with_1007(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        accept(connection)
        connection.send(frame(1, b"\xff\xfe"))
        connection.receive_to_end()

    stage.play(script)
    with browser(stage) as socket:
        assert closing(socket)[0] == 1007


@on(*front())
@pytest.mark.parametrize("code", CODES)
def test_frontend_closes_the_browser_hears_why(stage: Stage, code: int) -> None:
    row = row_of(stage.kind)
    stage.play(frontend(lambda socket: socket.close(code, ENGLISH)))
    with browser(stage) as socket:
        expected = code if row.codes_to_browser == "every" or code >= 3000 else 1000
        assert closing(socket) == (expected, ENGLISH if row.reason_to_browser == "kept" else "")


@on(*front())
def test_frontend_closes_without_a_code_the_server_says_1000(stage: Stage) -> None:
    """An ASGI server gives a close without a code this one."""

    def script(connection: Connection) -> None:
        accept(connection)
        connection.send(frame(8))
        connection.receive_to_end()

    stage.play(script)
    with browser(stage) as socket:
        assert closing(socket)[0] == 1000


@on(*front())
@pytest.mark.parametrize("code", CODES)
def test_browser_closes_the_frontend_hears_why(stage: Stage, code: int) -> None:
    row = row_of(stage.kind)
    heard: Queue[tuple[int | None, str | None]] = Queue()

    def talk(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            socket.recv(timeout=DEADLINE)
        heard.put((socket.close_code, socket.close_reason))

    stage.play(frontend(talk))
    with browser(stage) as socket:
        socket.close(code, ENGLISH)
    if row.codes_to_frontend == "none":
        assert heard.get(timeout=DEADLINE) == (1006, "")
    elif row.codes_to_frontend == "every but 1014" and code == 1014:
        assert heard.get(timeout=DEADLINE)[0] in (1002, 1006)
    else:
        reason = ENGLISH if row.reason_to_frontend == "kept" else ""
        assert heard.get(timeout=DEADLINE) == (code, reason)


@on(*front())
@pytest.mark.parametrize("way", ["fin", "rst"])
def test_frontend_vanishes_the_browser_knows(stage: Stage, way: str) -> None:
    def script(connection: Connection) -> None:
        accept(connection)
        connection.send(frame(1, b"hi"))
        connection.receive_until(b"\x81")  # The browser has heard it.
        connection.reset() if way == "rst" else connection.end()

    stage.play(script)
    with browser(stage) as socket:
        socket.recv(timeout=DEADLINE)
        socket.send("heard")
        assert closing(socket)[0] == int(row_of(stage.kind).vanished)


@on(*front())
def test_browser_vanishes_the_frontend_knows(stage: Stage) -> None:
    heard: Queue[int | None] = Queue()

    def talk(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for message in socket:
                socket.send(message)
        heard.put(socket.close_code)

    stage.play(frontend(talk))
    with contextlib.suppress(ConnectionClosed), browser(stage, close_timeout=0) as socket:
        socket.send("hi")
        socket.recv(timeout=DEADLINE)
        socket.socket.shutdown(2)
    assert heard.get(timeout=DEADLINE) in (1005, 1006)


@on(*front())
def test_browser_leaves_during_the_handshake(stage: Stage) -> None:
    client = asking_in_vain(
        stage,
        b"GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n",
    )
    client.close()
    if row_of(stage.kind).left_handshake == "at once":
        stage.upstream.next_finished()
    assert stage.works()


@on(*front())
def test_refusal_has_the_frontends_status_and_body(stage: Stage) -> None:
    stage.play(
        answering_once(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n"
            b"Content-Length: 6\r\n\r\nlog in"
        )
    )
    with pytest.raises(InvalidStatus) as refused, browser(stage):
        pass
    response = refused.value.response
    if row_of(stage.kind).refusal == "403":
        assert response.status_code == 403
    else:
        assert (response.status_code, response.body) == (401, b"log in")
        assert response.headers["WWW-Authenticate"] == "Basic"


@on(*front())
def test_wrong_handshake_of_the_frontend_is_refused(stage: Stage) -> None:
    stage.play(
        answering_once(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: wrong\r\n\r\n"
        )
    )
    with pytest.raises(InvalidStatus) as refused, browser(stage):
        pass
    status = refused.value.response.status_code
    assert status == (403 if row_of(stage.kind).refusal == "403" else 502)
    assert "handshake" in stage.await_log("handshake")


@on(*front(), settings={"RESPONSE_TIMEOUT": 0.5})
def test_frontend_that_never_answers_is_given_up(stage: Stage) -> None:
    stage.play(never_answering)
    with pytest.raises(InvalidStatus) as refused, browser(stage):
        pass
    status = refused.value.response.status_code
    assert status == (403 if row_of(stage.kind).refusal == "403" else 504)
    stage.upstream.next_finished()


def check_down(answer: Response, stage: Stage, words: str) -> None:
    if row_of(stage.kind).refusal == "403":
        assert answer.status_code == 403
    else:
        assert (answer.status_code, answer.headers["Cache-Control"]) == (502, "no-store")
        assert (answer.body or b"").decode().startswith(words)


@on(*front(), settings={"FRONTEND": "http://127.0.0.1:3"})  # A server that has not said it yet.
def test_frontend_that_is_down_is_one_line_in_the_log(stage: Stage) -> None:
    with pytest.raises(InvalidStatus) as refused, browser(stage):
        pass
    check_down(refused.value.response, stage, "samesite_proxy: the frontend at http://127.0.0.1:3")
    asking = {"Accept": "application/json"}
    with pytest.raises(InvalidStatus) as refused, browser(stage, additional_headers=asking):
        pass
    check_down(refused.value.response, stage, '{"detail": "the frontend at http://127.0.0.1:3')
    lines = stage.await_log("cannot be reached").splitlines()
    assert len([line for line in lines if "samesite_proxy" in line]) == 1


@on(*front())
def test_host_that_is_not_allowed_is_refused_before_anything_is_relayed(stage: Stage) -> None:
    with pytest.raises(InvalidStatus) as refused, browser(stage, host="evil.example"):
        pass
    status = refused.value.response.status_code
    assert status == (403 if row_of(stage.kind).refusal == "403" else 400)
    assert stage.upstream.connections == []


@on(*front("hypercorn", "gunicorn"), **LIBRARY_HIDDEN)
def test_missing_library_is_a_refusal_and_one_line_that_says_what_to_install(stage: Stage) -> None:
    with pytest.raises(InvalidStatus) as refused, browser(stage):
        pass
    status = refused.value.response.status_code
    assert status == (403 if row_of(stage.kind).refusal == "403" else 501)
    lines = stage.await_log("pip install").splitlines()
    assert len([line for line in lines if "samesite-proxy[asgi]" in line]) == 1
    assert stage.upstream.connections == []


# daphne itself takes no head of more than 16 KiB.
@on(*front("uvicorn", "hypercorn", "granian", "gunicorn"))
def test_handshake_over_the_ceiling_is_refused(stage: Stage) -> None:
    long = {f"X-Long-{number}": "x" * 7_000 for number in range(10)}
    with pytest.raises(InvalidStatus) as refused, browser(stage, additional_headers=long):
        pass
    status = refused.value.response.status_code
    assert status == (403 if row_of(stage.kind).refusal == "403" else 431)
    assert stage.upstream.connections == []


@on(*front())
def test_frontend_vanishes_every_browser_knows(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        accept(connection)
        connection.send(frame(1, b"hi"))
        connection.end()

    stage.play(script)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(browser(stage)) for _ in range(12)]
        for socket in sockets:
            assert socket.recv(timeout=DEADLINE) == "hi"
        codes = {closing(socket)[0] for socket in sockets}
    assert codes == {int(row_of(stage.kind).vanished)}
