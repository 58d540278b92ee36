"""What is its own of django-extensions' runserver_plus, beside the tests that all servers share."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator

import pytest
from werkzeug.serving import DechunkedInput

from tests.harness.django_servers import DjangoServer, serving
from tests.harness.http_requests import OK, Recorder, RequestReader, recording
from tests.harness.raw_client import Answer
from tests.harness.scripted_upstream import Connection, ScriptedUpstream, scripted
from tests.harness.tls import make_certificate, tls_client
from tests.live.test_event_streams import EVENTS, Events, Stream
from tests.live.tunnels import upgrade
from tests.traffic.stage import NEIGHBOURS, Stage, chunked, on, request
from tests.traffic.test_failures import is_failure
from tests.unit.test_internals import WERKZEUGS

EDITS_FIRST = json.dumps(
    ["tests.project.middleware.edits", "samesite_proxy.middleware.SameSiteProxyMiddleware"]
)


def test_what_we_rely_on_is_there() -> None:
    body = DechunkedInput(io.BytesIO())
    assert [name for name in WERKZEUGS if not hasattr(body, name)] == []


@on(*NEIGHBOURS)
def test_body_ends_where_its_length_says(stage: Stage) -> None:
    """Werkzeug's own body ends with the connection."""
    recorder = stage.record()
    answer = stage.exchange(request("POST", "/x", body=b"a body") + b"and more")
    assert (answer.body, recorder.next().body) == (b"ok", b"a body")


@on(*NEIGHBOURS)
def test_target_in_raw_utf_8_crosses_byte_for_byte(stage: Stage) -> None:
    recorder = stage.record()
    stage.get("/café?q=é".encode().decode("latin-1"))
    assert recorder.next().target.encode("latin-1").decode() == "/café?q=é"


@on(*NEIGHBOURS)
def test_answer_has_one_server_and_one_date(stage: Stage) -> None:
    stage.record(OK.replace(b"\r\n", b"\r\nServer: mine\r\nDate: today\r\n", 1))
    answer = stage.get("/x")
    assert (len(answer.all("Server")), len(answer.all("Date"))) == (1, 1)


@on(*NEIGHBOURS)
@pytest.mark.parametrize("lines", ["Content-Length: abc", "Transfer-Encoding: identity"])
def test_refusal_of_a_body_that_cannot_be_read_is_whole(stage: Stage, lines: str) -> None:
    answer = stage.exchange(request("POST", "/x", lines) + b"x" * 1000)
    assert answer.status in (400, 411)


@on(*NEIGHBOURS)
@pytest.mark.parametrize(
    ("line", "beginning"),
    [("Content-Length: 5000", b"x" * 1000), ("Transfer-Encoding: chunked", b"1388\r\nx")],
)
def test_refusal_is_whole_for_a_client_that_stops_in_its_body(
    stage: Stage, line: str, beginning: bytes
) -> None:
    def script(connection: Connection, reader: RequestReader) -> None:
        reader.head()
        connection.send(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\ntoo large")
        connection.sock.shutdown(socket.SHUT_WR)  # A reset could take the answer with it.
        connection.receive_to_end()

    stage.play(recording(script))
    with stage.client() as client:
        client.send(request("POST", "/x", line) + beginning)
        answer = client.read_answer()
        assert (answer.status, answer.body) == (413, b"too large")
        assert client.read_to_end() == b""
    assert stage.works()


@on(*NEIGHBOURS, TEST_MIDDLEWARE=EDITS_FIRST)
def test_events_pass_the_debugger_each_at_once(stage: Stage) -> None:
    """With a middleware before ours the answer stays with the server."""
    events = Events()
    stage.play(events)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        stream = Stream(client, client.read_head())
        for event in EVENTS:
            events.send(event)
            assert stream.read_exactly(len(event)) == event.upper()  # As that middleware has it.
        events.send(None)
        assert stream.is_over()


@pytest.fixture(scope="module")
def frontend() -> Iterator[ScriptedUpstream]:
    with scripted(Recorder()) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(
    frontend: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DjangoServer]:
    """One that ends TLS itself."""
    certificate = make_certificate(tmp_path_factory.mktemp("tls"), "localhost")
    options = ["--cert-file", certificate.path, "--key-file", certificate.key]
    with serving("runserver_plus", {"FRONTEND": frontend.url}, options) as running:
        yield running


def exchange(server: DjangoServer, asked: bytes) -> Answer:
    with tls_client(server.port) as client:
        client.send(asked)
        return client.read_answer()


@pytest.mark.parametrize("line", ["X-A: b", "Transfer-Encoding: chunked"])
def test_body_crosses_from_tls(frontend: ScriptedUpstream, server: DjangoServer, line: str) -> None:
    frontend.play(recorder := Recorder())
    body = b"x" * 300_000
    asked = request("POST", "/x", line, body=body)
    if line.endswith("chunked"):
        asked = request("POST", "/x", line) + chunked(body)
    assert exchange(server, asked).body == b"ok"
    seen = recorder.next()
    assert (seen.body == body, seen.get("X-Forwarded-Proto")) == (True, "https")


def test_events_cross_to_tls_each_at_once(frontend: ScriptedUpstream, server: DjangoServer) -> None:
    frontend.play(events := Events())
    with tls_client(server.port) as client:
        client.send(request("GET", "/events"))
        stream = Stream(client, client.read_head())
        for event in EVENTS:
            events.send(event)
            assert stream.read_exactly(len(event)) == event
        events.send(None)
        assert stream.is_over()


def test_websocket_over_tls_is_501_and_says_why(server: DjangoServer) -> None:
    asked = upgrade("/ws", "Sec-WebSocket-Key: x", token="websocket")
    assert is_failure(exchange(server, asked), 501, "ends TLS itself", "gunicorn without TLS")
