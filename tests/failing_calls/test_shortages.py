"""What is short at one moment, where that once ended in a wait without an end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.asgi import servers
from tests.asgi.sockets import accept
from tests.failing_calls.identity import CLOSE, TEXT, frame, message
from tests.harness.calls import Calls
from tests.harness.django_servers import DjangoServer, serving
from tests.harness.http_requests import Recorder
from tests.harness.raw_client import RawClient, get
from tests.harness.scripted_upstream import Connection, Script, ScriptedUpstream, scripted
from tests.live.tunnels import SWITCH, upgrade
from tests.process.processes import await_that
from tests.traffic.stage import chunked, request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")

ASGI = servers.front("uvicorn", "hypercorn")
KEY = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
WEBSOCKET = request("GET", "/socket", *KEY, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")


@contextlib.contextmanager
def short(
    kind: str, folder: Path, script: Callable[[Calls], Script]
) -> Iterator[tuple[DjangoServer, Calls, ScriptedUpstream]]:
    """A server whose calls fail when the script, or the test, says so. It serves afterwards."""
    calls = Calls(folder / "calls")
    with scripted(Recorder()) as upstream:
        settings = {"FRONTEND": upstream.url}
        with serving(kind, settings, **calls.environment()) as server:
            assert get(server.port).body == b"ok"
            upstream.play(script(calls))
            yield server, calls, upstream
            calls.count()
            upstream.play(Recorder())
            assert get(server.port).body == b"ok"


def test_what_the_poller_refuses_is_watched_later(tmp_path: Path) -> None:
    with (
        short("fastpath", tmp_path, lambda _: Recorder()) as (server, calls, _),
        RawClient(server.port) as client,
    ):
        calls.fail(1, {"epoll_ctl": 1})
        client.send(request("GET", "/x"))
        await_that("it is refused", lambda: calls.failed["epoll_ctl"] > 0)
        calls.count()
        assert client.read_answer().body == b"ok"


@pytest.mark.parametrize("kind", ["runserver", "sync", "gthread", "gevent"])
def test_tunnel_that_cannot_leave_its_server_is_broken_off(kind: str, tmp_path: Path) -> None:
    def script(calls: Calls) -> Script:
        def switch(connection: Connection) -> None:
            connection.receive_head()
            calls.fail(1, {"descriptor": 1})
            connection.send(SWITCH)
            connection.receive_to_end()

        return switch

    with (
        short(kind, tmp_path, script) as (server, _, upstream),
        RawClient(server.port) as client,
    ):
        client.send(upgrade())
        assert client.is_closed()
        upstream.next_finished()


@pytest.mark.parametrize("kind", ASGI)
def test_body_that_memory_is_short_for_ends_its_request(kind: str, tmp_path: Path) -> None:
    def script(calls: Calls) -> Script:
        def stay(connection: Connection) -> None:
            connection.receive_until(b"first")
            calls.fail(1, {"memory": 1})
            connection.receive_to_end()

        return stay

    with (
        short(kind, tmp_path, script) as (server, calls, _),
        RawClient(server.port) as client,
    ):
        client.send(request("POST", "/x", "Transfer-Encoding: chunked"))
        client.send(chunked(b"first")[:-5])
        await_that("memory is short", lambda: calls.is_failing)
        client.send(chunked(bytes(9000)))
        assert client.read_answer().status == 500


@pytest.mark.parametrize("kind", ASGI)
def test_message_that_memory_is_short_for_closes_its_socket(kind: str, tmp_path: Path) -> None:
    def script(calls: Calls) -> Script:
        def stay(connection: Connection) -> None:
            accept(connection)
            connection.receive()
            calls.fail(1, {"memory": 1})
            connection.receive_to_end()

        return stay

    with (
        short(kind, tmp_path, script) as (server, calls, _),
        RawClient(server.port) as client,
    ):
        client.send(WEBSOCKET)
        assert client.read_head().status == 101
        client.send(frame(TEXT, b"first", bytes(4)))
        await_that("memory is short", lambda: calls.is_failing)
        client.send(frame(TEXT, bytes(9000), b"mask"))
        opcode, said = message(client.read_exactly)
        assert (opcode, said[:2]) == (CLOSE, (1011).to_bytes(2, "big"))
