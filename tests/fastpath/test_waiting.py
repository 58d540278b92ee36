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
