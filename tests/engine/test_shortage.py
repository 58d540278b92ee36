"""Memory that is short at one moment costs one request, and is nobody else's fault."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.engine.shortage_programs import SHAPES
from tests.engine.test_processes import running
from tests.harness.http_requests import RequestReader
from tests.harness.preload import preloaded
from tests.harness.scripted_upstream import Connection, scripted
from tests.harness.tls import make_certificate, over_tls

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="preloads a library"),
    pytest.mark.unsanitized,
]

STATUSES = {"moved": "302", "tunnel": "101"}


def script(connection: Connection) -> None:
    """Says how much it was sent, after an upgrade too."""
    reader = RequestReader(connection)
    while True:
        request = reader.head()
        if request.get("Upgrade"):
            connection.send(b"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
            connection.send(b"%d" % len(connection.receive_to_end()))
            return
        length = len(b"".join(reader.pieces(request)))
        answer = b"HTTP/1.1 200 OK\r\nX-Length: %d\r\n" % length
        if request.target == "/moved":
            answer = b"HTTP/1.1 302 Found\r\nLocation: http://localhost/there\r\n"
        if request.target == "/chunks":
            connection.send(answer + b"Transfer-Encoding: chunked\r\n\r\n")
            connection.send(b"5\r\nfirst\r\n0\r\nX-Behind: it\r\n\r\n")
        elif request.target == "/much":
            connection.send(answer + b"Content-Length: 3000000\r\n\r\n" + bytes(3_000_000))
        else:
            connection.send(answer + b"Content-Length: 2\r\n\r\nok")


def outcomes(url: str, shape: str) -> list[str]:
    prefix = ("env", f"LD_PRELOAD={preloaded('shortage')}")
    with running(
        "short_of_memory", url, shape, prefix=prefix, programs="shortage_programs"
    ) as program:
        return program.rest()


@pytest.mark.parametrize("shape", SHAPES)
def test_request_that_memory_is_short_for_is_no_fault_of_its_clients(shape: str) -> None:
    with scripted(script) as upstream:
        *answers, last = outcomes(upstream.url, shape)
    assert last == f"{STATUSES.get(shape, '200')} True"
    assert {"500"} <= set(answers) <= {"none", "whole", "broken", "500"}


@pytest.mark.parametrize("shape", ["plain", "length", "much"])
def test_request_that_memory_is_short_for_inside_tls_is_no_fault_of_its_frontends(
    tmp_path: Path, shape: str
) -> None:
    """And it ends at once, while the frontend still waits for the request."""
    context = make_certificate(tmp_path, "localhost").context
    with scripted(over_tls(context, script)) as upstream:
        *answers, last = outcomes(upstream.url.replace("http", "https"), shape)
    assert last == "200 True"
    assert {"500"} <= set(answers) <= {"none", "whole", "broken", "500"}
