"""The opening handshake under ASGI: we are the frontend's client, and each server is its own."""

from __future__ import annotations

from queue import Queue

import pytest
from websockets.exceptions import InvalidStatus

from tests.asgi.server_table import row_of
from tests.asgi.servers import EVERY_LIBRARY, front
from tests.asgi.sockets import DEADLINE, accept, browser
from tests.harness.scripted_upstream import Connection, answering_once
from tests.traffic.stage import Stage, on

ASKING = (
    b"GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"
)
ITSELF = ("Date", "Server", "Connection", "Content-Length", "Transfer-Encoding")
OWN = ("Date: Thu, 01 Jan 1970 00:00:00 GMT", "Server: frontend", "Connection: Keep-Alive")

CHOICES = {
    "another one": ["x", "Sec-WebSocket-Protocol: z"],
    "in another case": ["x", "Sec-WebSocket-Protocol: X"],
    "two fields": ["x, y", "Sec-WebSocket-Protocol: x", "Sec-WebSocket-Protocol: y"],
    "the same twice": ["x", "Sec-WebSocket-Protocol: x", "Sec-WebSocket-Protocol: x"],
    "two in one": ["x, y", "Sec-WebSocket-Protocol: x, y"],
    "none offered": ["", "Sec-WebSocket-Protocol: x"],
    "empty": ["x", "Sec-WebSocket-Protocol:"],
    "an extension": ["", "Sec-WebSocket-Extensions: permessage-deflate"],
    "an unknown extension": ["", "Sec-WebSocket-Extensions: x-own"],
    "a second key": ["", "Sec-WebSocket-Accept: AQIDBAUGBwgJCgsMDQ4PEA=="],
}


def heard_head(stage: Stage) -> tuple[int, list[tuple[str, str]]]:
    """The head that a browser gets, as it stands there."""
    with stage.client() as client:
        client.send(ASKING)
        lines = client.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines[1:] if line]
    return int(lines[0].split()[1]), [(name.title(), value.strip()) for name, _, value in pairs]


@on(*front(*EVERY_LIBRARY))
def test_choice_that_was_not_offered_is_a_failed_handshake(stage: Stage) -> None:
    for name, (offered, *lines) in CHOICES.items():

        def script(connection: Connection, lines: list[str] = lines) -> None:
            accept(connection, *lines)
            connection.receive_to_end()

        stage.play(script)
        subprotocols = offered.split(", ") if offered else None
        with pytest.raises(InvalidStatus) as refused, browser(stage, subprotocols=subprotocols):
            pass
        status = refused.value.response.status_code
        assert status == (403 if row_of(stage.kind).refusal == "403" else 502), name
    assert stage.await_log("handshake").count("handshake wrongly") == len(CHOICES)
    assert "Traceback" not in stage.log()


@on(*front(*EVERY_LIBRARY))
def test_one_of_the_offered_subprotocols_is_taken(stage: Stage) -> None:
    offered: Queue[str | None] = Queue()

    def script(connection: Connection) -> None:
        asked = accept(connection, "Sec-WebSocket-Protocol: y", "Sec-WebSocket-Extensions:")
        offered.put(asked.get("Sec-WebSocket-Protocol"))
        connection.receive_to_end()

    stage.play(script)
    with browser(stage, subprotocols=["x", "y"]) as socket:
        assert socket.subprotocol == "y"
    assert offered.get(timeout=DEADLINE) == "x, y"


@on(*front(*EVERY_LIBRARY))
def test_101_has_the_servers_own_fields_once(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        accept(connection, *OWN, "Content-Length: 9", "X-Own: 1\x01")
        connection.receive_to_end()

    stage.play(script)
    status, fields = heard_head(stage)
    names = [name for name, _ in fields]
    assert status == 101
    assert all(names.count(name) <= 1 for name in ITSELF)
    assert ("Server", "frontend") not in fields
    assert ("X-Own" in names) == (row_of(stage.kind).accept_fields == "kept")
    assert "Traceback" not in stage.log()


@on(*front(*EVERY_LIBRARY))
def test_refusal_has_the_servers_own_fields_once(stage: Stage) -> None:
    lines = "\r\n".join(["HTTP/1.1 404 Not Found", *OWN, "Transfer-Encoding: chunked", "X-Own: 1"])
    stage.play(answering_once(lines.encode() + b"\r\n\r\n4\r\nnone\r\n0\r\n\r\n"))
    status, fields = heard_head(stage)
    names = [name for name, _ in fields]
    assert status == (403 if row_of(stage.kind).refusal == "403" else 404)
    assert all(names.count(name) <= 1 for name in ITSELF)
    assert not {"Content-Length", "Transfer-Encoding"} <= set(names)
    assert ("Server", "frontend") not in fields
    assert ("X-Own", "1") in fields or status == 403
    assert "Traceback" not in stage.log()


@on(*front(*EVERY_LIBRARY))
def test_refusal_with_a_status_that_the_server_cannot_say_is_502(stage: Stage) -> None:
    for status in (520, 999):
        stage.play(answering_once(b"HTTP/1.1 %d Odd\r\nContent-Length: 0\r\n\r\n" % status))
        told, _ = heard_head(stage)
        assert told in ({403} if row_of(stage.kind).refusal == "403" else {status, 502})
        if told == 502:
            stage.await_log(f"cannot say the status that the frontend at {stage.upstream.url}")
    assert "Traceback" not in stage.log()


@on(*front(*EVERY_LIBRARY))
def test_refusal_whose_body_does_not_end_is_told(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 404 No\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        connection.receive_to_end()

    stage.play(script)
    told, _ = heard_head(stage)
    assert told == (403 if row_of(stage.kind).refusal == "403" else 404)
    stage.upstream.next_finished()
