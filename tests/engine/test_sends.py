"""A request goes out whole and framed as it should, whatever each send takes of it."""

from __future__ import annotations

import sys
from pathlib import Path
from queue import Queue

import pytest

from tests.engine.test_processes import running
from tests.harness.http_requests import Request, RequestReader
from tests.harness.preload import preloaded
from tests.harness.scripted_upstream import Connection, Script, scripted
from tests.harness.tls import make_certificate, over_tls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")


def named(request: Request, body: bytes) -> bytes:
    said = f"{request.method} {request.target} ".encode() + body
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)


def saying_back(seen: Queue[Request]) -> Script:
    """Says each request back; to /early already before its body, and switches for an upgrade."""

    def script(connection: Connection) -> None:
        reader = RequestReader(connection)
        while True:
            request = reader.head()
            seen.put(request)
            if request.get("Upgrade"):
                connection.send(b"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
                connection.receive_to_end()
                return
            if request.target.startswith("/early"):
                connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            request.body = b"".join(reader.pieces(request))
            if request.target.startswith("/early"):
                connection.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(request.body), request.body))
            else:
                connection.send(named(request, request.body))

    return script


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_request_is_whole_wherever_its_sends_are_cut(scheme: str, tmp_path: Path) -> None:
    seen: Queue[Request] = Queue()
    script, authority = saying_back(seen), ""
    if scheme == "https":
        certificate = make_certificate(tmp_path, "localhost")
        script, authority = over_tls(certificate.context, script), certificate.path
    with scripted(script) as upstream:
        url = f"{scheme}://localhost:{upstream.port}"
        prefix = ("env", f"LD_PRELOAD={preloaded('sends')}")
        with running("cut_sends", url, authority, prefix=prefix) as program:
            said = program.rest()
        sent = int(said.pop().removeprefix("sent "))
        assert (said, seen.qsize()) == ([], sent)
