"""uWSGI: what docs/servers.md says of it."""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.django_servers import Program
from tests.harness.http_requests import RequestReader
from tests.harness.ports import free_port
from tests.harness.raw_client import Broken, RawClient, exchange, get
from tests.harness.scripted_upstream import Connection, scripted
from tests.packaging.wheel_frontend import KEY, frontend, is_page, is_uploaded

OPTIONS = ["--master", "--single-interpreter", "--threads", "4", "--die-on-term"]
MODULE = "tests.project.wsgi"
UPGRADE = (
    *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
    f"Sec-WebSocket-Key: {KEY}",
)
CHUNKED = b"POST /up HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"


def script(connection: Connection) -> None:
    reader = RequestReader(connection)
    request = reader.head()
    if request.target == "/events":
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        connection.receive_to_end()
    elif request.target == "/broken":
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
    else:
        body = request.target.encode()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with scripted(request.param) as upstream:
        number = free_port()
        address = ["--http-socket", f"127.0.0.1:{number}", "--module", MODULE]
        uwsgi = Path(sysconfig.get_path("scripts"), "uwsgi")
        environment = {"SAMESITE_PROXY": json.dumps({"FRONTEND": upstream.url})}
        server = Program("uwsgi", [*OPTIONS, *address], environment, python=uwsgi)
        try:
            server.await_listener(number, "spawned uWSGI worker")
            yield number
        finally:
            server.stop()


@pytest.mark.parametrize("port", [frontend], indirect=True)
def test_pages_and_uploads_pass_and_websockets_are_refused(port: int) -> None:
    with RawClient(port) as client:
        assert is_page(client)
    with RawClient(port) as client:
        assert is_uploaded(client)
    assert get(port, "/socket", *UPGRADE).status == 501
    assert exchange(port, CHUNKED).status == 411


@pytest.mark.parametrize("port", [script], indirect=True)
def test_events_pass_at_once_and_a_broken_answer_is_broken(port: int) -> None:
    target = "/a%2Fb//c/../d%20e?x=%2F"
    assert get(port, target).body == target.encode()
    with RawClient(port) as client:
        client.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.read_until(b"data: 1\n\n")
    with pytest.raises(Broken):
        get(port, "/broken")
