"""Many live connections hold no worker: one gunicorn sync worker goes on answering."""

from __future__ import annotations

import contextlib
import resource

import pytest

from tests.harness.django_servers import serving
from tests.harness.raw_client import RawClient, get
from tests.harness.scripted_upstream import Connection, scripted
from tests.live.tunnels import SWITCH, says_back, upgrade
from tests.traffic.stage import request

TUNNELS, STREAMS, REQUESTS = 200, 50, 50
EVENT = b"data: 1\n\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX: 1\r\n\r\n"


def site(connection: Connection) -> None:
    """Tunnels that echo, streams of one event, and an answer for everything else."""
    asked = connection.receive_head()
    if asked.startswith(b"GET /ws"):
        connection.send(SWITCH)
        while piece := connection.sock.recv(65536):
            connection.send(piece)
    elif asked.startswith(b"GET /events"):
        connection.send(STREAM + EVENT)
        connection.receive_to_end()
    else:
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def many_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent", "runserver", "fastpath"])
def test_one_worker_answers_beside_idle_websockets_and_event_streams(kind: str) -> None:
    with (
        scripted(site) as upstream,
        serving(kind, {"FRONTEND": upstream.url}) as server,
        contextlib.ExitStack() as clients,
    ):
        tunnels, streams = [], []
        # Each connects when it has something to say: gunicorn's gevent worker closes what says
        # nothing for its keepalive of 2 s, without a word.
        for _ in range(TUNNELS):
            client = clients.enter_context(RawClient(server.port))
            client.send(upgrade())
            assert client.read_head().status == 101
            tunnels.append(client)
        for _ in range(STREAMS):
            client = clients.enter_context(RawClient(server.port))
            client.send(request("GET", "/events"))
            assert client.read_until(EVENT)
            streams.append(client)
        for _ in range(REQUESTS):
            assert get(server.port, "/page").body == b"ok"
            assert get(server.port, "/api/hello/").status == 200
        assert all(says_back(client, b"still here") for client in tunnels)
        for client in [*tunnels, *streams]:
            client.end()
        assert [client.read_to_end() for client in tunnels] == [b""] * TUNNELS
        for _ in [*tunnels, *streams]:
            upstream.next_finished()
