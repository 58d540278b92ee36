"""Servers made of Python's http.server, other than runserver: wsgiref's own, and any with TLS."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from queue import Queue

import pytest

from tests.harness.django_servers import DjangoServer, serving
from tests.harness.http_requests import OK, Recorder, Request, RequestReader, recording
from tests.harness.raw_client import Broken
from tests.harness.scripted_upstream import DEADLINE, Connection, ScriptedUpstream, scripted
from tests.harness.tls import make_certificate, tls_client
from tests.live.tunnels import echo, upgrade
from tests.traffic.stage import Stage, on, request
from tests.traffic.test_failures import is_failure


@on("simple_server")
def test_upgrade_leaves_its_only_thread_free(stage: Stage) -> None:
    stage.play(echo)
    with stage.client() as client:
        client.send(upgrade() + b"early")
        assert client.read_head().status == 101
        assert client.read_exactly(5) == b"early"
        assert stage.get("/api/hello/").status == 200
        client.send(b"late")
        assert client.read_exactly(4) == b"late"


@on("simple_server")
def test_body_ends_where_its_length_says(stage: Stage) -> None:
    recorder = stage.record()
    answer = stage.exchange(request("POST", "/x", body=b"a body") + b"and more")
    assert (answer.body, recorder.next().body) == (b"ok", b"a body")


@pytest.fixture(scope="module")
def frontend() -> Iterator[ScriptedUpstream]:
    with scripted(Recorder()) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(
    frontend: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DjangoServer]:
    certificate = make_certificate(tmp_path_factory.mktemp("tls"), "localhost")
    options = [certificate.path, certificate.key]
    with serving("simple_server", {"FRONTEND": frontend.url}, options) as running:
        yield running


def test_body_that_comes_behind_its_head_crosses_from_tls(
    frontend: ScriptedUpstream, server: DjangoServer
) -> None:
    seen: Queue[Request] = Queue()

    def script(connection: Connection, reader: RequestReader) -> None:
        asked = reader.head()
        seen.put(asked)
        asked.body = b"".join(reader.pieces(asked))
        connection.send(OK)

    frontend.play(recording(script))
    body = b"x" * 300_000
    with tls_client(server.port) as client:
        client.send(request("POST", "/x", f"Content-Length: {len(body)}"))
        asked = seen.get(timeout=DEADLINE)
        client.send(body)
        assert client.read_answer().body == b"ok"
    assert (asked.body == body, asked.get("X-Forwarded-Proto")) == (True, "https")


def test_head_that_breaks_off_in_tls_is_not_forwarded(
    frontend: ScriptedUpstream, server: DjangoServer
) -> None:
    frontend.play(Recorder())
    frontend.connections.clear()
    with tls_client(server.port) as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: localhost\r\n")
        socket.socket.shutdown(client.sock, socket.SHUT_WR)  # TLS's own would end both ways.
        with contextlib.suppress(Broken, OSError):  # TLS may break off, too.
            assert is_failure(client.read_answer(), 400, "head broke off")
    assert frontend.connections == []
