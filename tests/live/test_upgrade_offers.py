"""Whose a request is that offers another protocol, and what the frontend is offered of it."""

from __future__ import annotations

import json

import pytest

from tests.fastpath.commands import Runserver, runserver
from tests.harness.http_requests import OK, Request, RequestReader, recording
from tests.harness.raw_client import DEADLINE, RawClient
from tests.harness.scripted_upstream import Connection, answering_once, one_event, scripted
from tests.live.tunnels import ADOPTING, SWITCH, echo, says_back, upgrade
from tests.traffic.stage import EVERY, Stage, chunked, on, request
from tests.traffic.test_failures import is_failure
from tests.traffic.test_wsgi_application import ALL, APPLICATION, SOCKETS

HELLO = b"Django answers /api/hello/"
OWN = {"upgrade", "connection", "http2-settings"}

# Fields of requests that are ordinary ones everywhere.
DROPPED = {
    "tls": ("Connection: Upgrade", "Upgrade: TLS/1.2"),
    "rfc-2817": ("Connection: Upgrade", "Upgrade: TLS/1.0, HTTP/1.1"),
    "h2c": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"),
    "lines": ("Upgrade: h2c", "Connection: upgrade", "Upgrade: tls/1.3"),
    "empty": ("Connection: keep-alive, ,upgrade", "Upgrade: , ,"),
    "not named": ("Connection: keep-alive", "Upgrade: websocket"),
    "no connection": ("Upgrade: foo",),
}
# Of those that a frontend may switch to, or not.
OFFERED = {
    "foo": ("Connection: Upgrade", "Upgrade: foo/1"),
    "version": ("Connection: upgrade", "Upgrade: websocket/13"),
    "company": ("Connection: Upgrade", "Upgrade: TLS/1.2, foo/1"),
}


def ends_after_each(stage: Stage) -> bool:
    return stage.kind.endswith("sync") or stage.kind == "gevent"


def exchange_all(stage: Stage, requests: list[bytes]) -> list[bytes]:
    """The bodies of the answers, over one connection where the server keeps it."""
    bodies = []
    client = stage.client()
    for asked in requests:
        client.send(asked)
        answer = client.read_answer(asked.split(b" ", 1)[0].decode())
        bodies.append(b"%d " % answer.status + answer.body)
        if ends_after_each(stage) or answer.get("Connection") == "close":
            client.close()
            client = stage.client()
    client.close()
    return bodies


def is_djangos(stage: Stage) -> None:
    recorder = stage.record()
    asked = []
    for lines in [*DROPPED.values(), *OFFERED.values()]:
        asked.append(request("GET", "/api/hello/", *lines))
        asked.append(request("DELETE", "/api/hello/", *lines))
        asked.append(request("POST", "/api/hello/", *lines, body=b"a body"))
    websocket = ("Connection: Upgrade", "Upgrade: websocket")
    asked.append(request("POST", "/api/hello/", *websocket))
    asked.append(request("GET", "/api/hello/", *websocket, body=b"a body"))
    assert exchange_all(stage, asked) == [b"200 " + HELLO] * len(asked)
    old = request("GET", "/api/hello/", *websocket).replace(b"HTTP/1.1", b"HTTP/1.0")
    assert stage.exchange(old).body == HELLO
    assert recorder.seen.empty()


@on(*EVERY, "gevent")
def test_djangos_path_is_djangos_whatever_else_is_offered(stage: Stage) -> None:
    is_djangos(stage)


@on(*ALL, **APPLICATION)
def test_djangos_path_is_djangos_behind_our_application(stage: Stage) -> None:
    is_djangos(stage)


def is_ordinary(stage: Stage, lines: tuple[str, ...]) -> None:
    recorder = stage.record()
    for method in ("GET", "DELETE"):
        assert exchange_all(stage, [request(method, "/page", *lines)] * 2) == [b"200 ok"] * 2
        for _ in range(2):
            seen = recorder.next()
            assert (seen.method, seen.names & OWN) == (method, set())


@on(*EVERY, "gevent")
@pytest.mark.parametrize("lines", DROPPED.values(), ids=DROPPED)
def test_what_is_not_offered_is_an_ordinary_request(stage: Stage, lines: tuple[str, ...]) -> None:
    is_ordinary(stage, lines)


@on("waitress", "granian")
@pytest.mark.parametrize("lines", OFFERED.values(), ids=OFFERED)
def test_server_that_hides_its_socket_offers_nothing(stage: Stage, lines: tuple[str, ...]) -> None:
    is_ordinary(stage, lines)


LONG = b"x" * 300_000
ANSWERS = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + LONG, LONG),
    "chunked": (
        b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(LONG, b"end"),
        LONG + b"end",
    ),
    "empty": (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", b""),
}


@on(*ADOPTING, *SOCKETS[2:])
@pytest.mark.parametrize(("said", "body"), ANSWERS.values(), ids=ANSWERS)
def test_ordinary_answer_to_an_offer_is_as_good(stage: Stage, said: bytes, body: bytes) -> None:
    seen: list[Request] = []

    def script(connection: Connection, reader: RequestReader) -> None:
        while True:
            seen.append(reader.whole())
            connection.send(said)

    stage.play(recording(script))
    asked = [request("GET", "/page", *OFFERED["company"]), request("PUT", "/page")]
    asked.append(request("POST", "/page", *OFFERED["foo"], "Content-Length: 0"))
    for found in exchange_all(stage, asked):
        assert found.partition(b" ")[2] == body
    assert [one.all("Upgrade") for one in seen] == [["foo/1"], [], ["foo/1"]]
    assert [one.all("Connection") for one in seen] == [["Upgrade"], [], ["Upgrade"]]


@on(*ADOPTING)
def test_head_is_never_an_offer(stage: Stage) -> None:
    recorder = stage.record(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    asked = [request("HEAD", "/page", *lines) for lines in OFFERED.values()]
    assert exchange_all(stage, asked) == [b"200 "] * len(asked)
    assert [recorder.next().names & OWN for _ in asked] == [set()] * len(asked)


@on(*EVERY, "gevent")
def test_method_that_is_never_forwarded_is_405_with_an_offer_too(stage: Stage) -> None:
    recorder = stage.record()
    for token in ("websocket", "foo/1"):
        lines = ("Connection: Upgrade, close", f"Upgrade: {token}")
        assert stage.exchange(request("TRACE", "/page", *lines)).status == 405
    assert recorder.seen.empty()


@on("sync")
def test_event_stream_that_answers_an_offer_holds_no_worker(stage: Stage) -> None:
    stage.play(one_event)
    with stage.client() as client:
        client.send(request("GET", "/events", *OFFERED["foo"]))
        assert client.read_until(b"data: 1\n\n")
        assert stage.get("/api/hello/").body == HELLO
    stage.upstream.next_finished()


WEBSOCKETS = {
    "case": (["WebSocket"], "WebSocket"),
    "company": (["foo/1, websocket,h2c"], "foo/1, websocket"),
    "lines": (["TLS/1.2", " ,websocket", "h2c"], "websocket"),
}


@on(*ADOPTING)
@pytest.mark.parametrize(("values", "offered"), WEBSOCKETS.values(), ids=WEBSOCKETS)
def test_websocket_is_the_frontends_in_any_company(
    stage: Stage, values: list[str], offered: str
) -> None:
    seen: list[Request] = []

    def script(connection: Connection, reader: RequestReader) -> None:
        seen.append(reader.head())
        connection.send(SWITCH.replace(b"test", b"websocket") + b"over")

    stage.play(recording(script))
    with stage.client() as client:
        lines = [f"Upgrade: {value}" for value in values]
        client.send(request("GET", "/api/hello/", "Connection: upgrade", *lines))
        answer = client.read_head()
        assert (answer.status, answer.all("Upgrade")) == (101, ["websocket"])
        assert client.read_to_end() == b"over"
    [asked] = seen
    assert (asked.all("Upgrade"), asked.all("Connection")) == ([offered], ["Upgrade"])


@on(*ADOPTING)
@pytest.mark.parametrize("chosen", ["TLS/1.2", "foo", "foo/1, h2c", "HTTP/2.0"])
def test_switch_to_what_was_not_offered_is_502(stage: Stage, chosen: str) -> None:
    stage.play(answering_once(SWITCH.replace(b"Upgrade: test", b"Upgrade: " + chosen.encode())))
    token = "TLS/1.2, foo/1, h2c"
    assert is_failure(stage.exchange(upgrade("/ws", "Connection: close", token=token)), 502)
    assert stage.works()


@on(*ADOPTING)
def test_second_protocol_of_a_second_line_may_be_chosen(stage: Stage) -> None:
    stage.play(echo)
    with stage.client() as client:
        lines = ("Connection: upgrade", "Upgrade: foo", "Upgrade: h2c, test")
        client.send(request("POST", "/ws", *lines, "Content-Length: 0"))
        assert client.read_head().status == 101
        assert says_back(client, b"hello")


def answers_two_at_once(server: Runserver, first: bytes, expected: bytes) -> None:
    """The second request came with the first, and is neither lost nor answered twice."""
    with RawClient(server.port) as client:
        client.sock.settimeout(DEADLINE)
        client.send(first + request("GET", "/api/hello/"))
        assert client.read_answer().body == expected
        assert client.read_answer().body == HELLO
        client.send(first)
        assert client.read_answer().body == expected


@pytest.mark.parametrize("is_off", [True, False], ids=["off", "on"])
@pytest.mark.parametrize("options", [(), ("--noreload",)], ids=["reloading", "alone"])
def test_connection_that_django_has_answered_comes_back_to_the_listener(
    options: tuple[str, ...], is_off: bool
) -> None:
    changes = {"TEST_SETTINGS": json.dumps({"USE_X_FORWARDED_HOST": is_off})}

    def script(connection: Connection, reader: RequestReader) -> None:
        while reader.whole():
            connection.send(OK)

    with (
        scripted(recording(script)) as upstream,
        runserver(*options, "0", proxy={"FRONTEND": upstream.url}, **changes) as server,
    ):
        for lines in (*DROPPED.values(), *OFFERED.values()):
            answers_two_at_once(server, request("GET", "/api/hello/", *lines), HELLO)
            assert upstream.connections == []
        answers_two_at_once(server, request("GET", "/page", *OFFERED["foo"]), b"ok")
        websocket = request("GET", "/page", "Connection: Upgrade", "Upgrade: websocket")
        answers_two_at_once(server, websocket, b"ok")
        assert "Traceback" not in server.log()
