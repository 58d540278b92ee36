"""Exchanges that end where nobody meant them to: what is said then, and on which connection."""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

from samesite_proxy._engine import CHUNKED
from tests.engine.exchanges import HOST, OK, answer_of, ask, body_of, upstream_at
from tests.engine.test_processes import running
from tests.harness.preload import preloaded
from tests.harness.scripted_upstream import Connection, answering, scripted
from tests.harness.tls import make_certificate, over_tls

REFUSED = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize("length", [CHUNKED, 100])
def test_request_that_was_cut_by_its_refusal_leaves_no_connection(
    tmp_path: Path, length: int
) -> None:
    """On TLS the sending is looked at again while the answer's body comes: it is not whole."""
    much = bytes(4_000_000)

    def script(connection: Connection) -> None:
        connection.receive_until(b"data")
        if connection.index == 0:
            connection.send(REFUSED % len(much) + much)
            connection.receive_to_end()
        else:
            connection.send(OK)
            connection.receive_to_end()

    certificate = make_certificate(tmp_path, "localhost")
    with scripted(over_tls(certificate.context, script)) as upstream:
        at = upstream_at(f"https://localhost:{upstream.port}", ca_file=certificate.path)
        exchange = at.request("POST", "/", HOST, length)
        exchange.send(b"data")
        assert exchange.head()[0] == 413
        exchange.end()
        assert body_of(exchange) == much
        exchange = at.request("POST", "/", HOST, 4)
        exchange.send(b"data")
        exchange.end()
        assert answer_of(exchange).body == b"ok"
        assert len(upstream.connections) == 2


def test_tunnel_whose_ends_both_go_at_once_ends_itself_alone() -> None:
    """Its upstream's stream ends just before its client resets, with bytes on the way to it."""
    may_end = threading.Event()
    ended = threading.Event()

    def script(connection: Connection) -> None:
        if b"Upgrade" not in connection.receive_head():
            connection.send(OK)
            return
        connection.send(b"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
        assert may_end.wait(20)
        connection.sock.shutdown(socket.SHUT_WR)
        ended.set()
        connection.receive_to_end()

    with socket.socket() as listening, scripted(script) as upstream:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with running("relayed_slowly", upstream.url, str(port)) as program:
            client, _ = listening.accept()
            assert program.line() == "relayed"
            assert client.recv(1)
            pid = program.process.pid
            os.kill(pid, signal.SIGSTOP)
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
            may_end.set()
            assert ended.wait(20)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            os.kill(pid, signal.SIGCONT)
            upstream.next_finished()
            program.go_on()
            assert program.rest() == ["ok"]


def test_request_that_waits_for_a_connection_is_never_said_at_the_end() -> None:
    """The engine stops, and what had the connection ends first."""
    said: list[bytes] = []
    asked = threading.Event()

    def stay(connection: Connection) -> None:
        connection.receive_head()
        asked.set()
        connection.receive_to_end()

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(OK)
        said.append(connection.receive_to_end())

    with scripted(stay) as busy, scripted(script) as upstream:
        with running("stopped_while_one_waits", busy.url, upstream.url) as program:
            assert asked.wait(20)
            program.go_on()
            assert program.rest() == ["ok", "shutdown 503", "shutdown 503"]
        upstream.next_finished()
        assert len(said) == 1
        assert b"POST" not in said[0]


def test_connections_that_rest_make_room_for_another_upstreams() -> None:
    """The limit is on connections, whether they carry a request or not."""
    go_on = threading.Barrier(2)

    def script(connection: Connection) -> None:
        while True:
            connection.receive_head()
            go_on.wait(20)
            connection.send(OK)

    with scripted(script) as resting, scripted(answering(OK)) as upstream:
        at = upstream_at(resting.url, max_connections=2)
        for exchange in [at.request("GET", "/", HOST) for _ in range(2)]:
            assert answer_of(exchange).body == b"ok"
        assert resting.finished.empty()
        assert ask(upstream_at(upstream.url, max_connections=2)).body == b"ok"
        resting.next_finished()
        assert resting.finished.empty()
        assert upstream.finished.empty()


@pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")
def test_answer_that_has_begun_is_not_begun_anew() -> None:
    """It came and broke off on a connection to where the upstream was before, on which nothing had
    been sent yet.
    """
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun"

    def script(connection: Connection) -> None:
        if connection.index == 0:
            connection.receive_head()
            connection.send(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        else:
            connection.send(begun)

    prefix = ("env", f"LD_PRELOAD={preloaded('sends')}")
    with (
        scripted(script) as upstream,
        running("refused_sends", upstream.url, prefix=prefix, programs="connect_programs") as said,
    ):
        assert said.rest() == ["ok", "response-upstream 502"]
        assert len(upstream.connections) == 2
