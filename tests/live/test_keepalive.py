"""Clients whose machine has gone are found out by the system, which looks after them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import one_event
from tests.live.tunnels import ADOPTING
from tests.traffic.stage import Stage, on, request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# That a connection in peace has in the table of the system's: the one of keepalive.
TIMER = "02"


def timer_of_server(client: RawClient) -> str:
    """Which timer runs at the server's end of the client's connection, all sent being received."""
    _, client_port = client.sock.getsockname()
    _, server_port = client.sock.getpeername()
    ends = (f"0100007F:{server_port:04X}", f"0100007F:{client_port:04X}")
    while True:
        table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        queues, timer = next((row[4], row[5]) for row in table if tuple(row[1:3]) == ends)
        if queues == "00000000:00000000" and not timer.startswith("01:"):
            return timer[:2]


@on(*ADOPTING)
def test_open_event_stream_is_looked_after(stage: Stage) -> None:
    stage.play(one_event)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        client.read_until(b"data: 1\n\n")
        assert timer_of_server(client) == TIMER


@on("fastpath")
def test_silent_client_of_the_listener_is_looked_after(stage: Stage) -> None:
    stage.record()
    with stage.client() as client:
        client.send(request("GET", "/"))
        assert client.read_answer().status == 200
        assert timer_of_server(client) == TIMER
