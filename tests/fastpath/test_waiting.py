"""Requests that wait for Django, up to their own end and up to the listener's."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.fastpath.commands import Runserver, ask, several
from tests.fastpath.test_reload import watched
from tests.harness.raw_client import RawClient


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_listener_ends_in_order_while_requests_wait_for_django(
    tmp_path: Path, number: signal.Signals
) -> None:
    with watched(tmp_path) as (server, project), several(5, server.port) as clients:
        for client in clients:
            ask(client, "GET", "/page")
            assert client.read_answer().body == b"page"
        project.save_until(lambda: "SyntaxError" in server.log(), "syntax (error")
        for client in clients:
            ask(client, "GET", "/api/hello/")
        ask(clients[0], "GET", "/page")
        with RawClient(server.port) as other:
            ask(other, "GET", "/page")
            assert other.read_answer().body == b"page"
        code = server.interrupt() if number == signal.SIGINT else end(server, number)
        assert code in (0, 1, -number, 128 + number)
        for client in clients:
            answer = client.read_answer()
            assert (answer.status, b"the server ends" in answer.body) == (503, True)
            assert client.is_closed()
        server.await_end()


def end(server: Runserver, number: signal.Signals) -> int:
    server.signal(number)
    return server.wait()


def test_client_that_leaves_while_it_waits_for_django_is_forgotten(tmp_path: Path) -> None:
    with watched(tmp_path) as (server, project), several(6, server.port) as clients:
        project.save_until(lambda: "SyntaxError" in server.log(), "syntax (error")
        for client in clients:
            ask(client, "GET", "/api/hello/")
        clients[0].close()
        clients[2].reset()
        clients[5].end()
        project.save_until(lambda: server.log().count("deployment/") == 2)
        for client in (clients[1], clients[3], clients[4]):
            assert client.read_answer().body == b"Django answers /api/hello/"


@pytest.mark.slow
def test_request_that_django_never_takes_is_503(tmp_path: Path) -> None:
    with watched(tmp_path) as (server, project), RawClient(server.port) as client:
        project.save_until(lambda: "SyntaxError" in server.log(), "syntax (error")
        client.sock.settimeout(60)
        ask(client, "GET", "/api/hello/")
        answer = client.read_answer()
        assert (answer.status, answer.all("Cache-Control")) == (503, ["no-store"])
        assert client.is_closed()
        server.await_log('"GET /api/hello/" 503')


@pytest.mark.slow
def test_head_that_does_not_come_is_408(tmp_path: Path) -> None:
    with watched(tmp_path) as (server, _), RawClient(server.port) as client:
        client.sock.settimeout(60)
        client.send(b"HEAD /page HTTP/1.1\r\nHost: localhost\r\n\r\nGET /page HTTP/1.1\r\n")
        assert client.read_answer("HEAD").status == 200
        answer = client.read_answer()
        assert answer.status == 408
        assert answer.body.endswith(b"in time.\n")
        assert client.is_closed()
