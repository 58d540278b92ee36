"""Clients that drip, or stand still: nobody waits for them, and in the end they are let go."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import pytest

from tests.adversary.framings import CHUNKED, LENGTH, WEBSOCKET, head
from tests.adversary.ways import victim_is_answered_right
from tests.adversary.witness import Witness
from tests.harness.clock import Clock
from tests.harness.raw_client import Broken, RawClient
from tests.process.processes import await_that, descriptors
from tests.traffic.stage import Stage, on, request

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")]

# What is sent until the client stands still; who has sent nothing at all is not refused, but left.
STANDING = {
    "nothing": b"",
    "a byte": b"G",
    "half a line": b"GET / HT",
    "a line": b"GET / HTTP/1.1\r\n",
    "half a field": b"GET / HTTP/1.1\r\nHo",
    "a head without its end": b"GET / HTTP/1.1\r\nHost: localhost\r\n",
    "a head without its last byte": head()[:-1],
    "a blank line": b"\r\n",
    "a head with a length": head(LENGTH % 10),
    "half a body": head(LENGTH % 10) + b"01234",
    "a head of chunks": head(CHUNKED),
    "half a size": head(CHUNKED) + b"1",
    "half a chunk": head(CHUNKED) + b"5\r\n01",
    "half a last chunk": head(CHUNKED) + b"0\r\n",
    "half a trailer": head(CHUNKED) + b"0\r\nX: ",
    "an answer that was heard": request("GET", "/heard"),
    "an expectation": head(b"Expect: 100-continue", LENGTH % 10),
    "half a head of Django's": b"GET /api/hello/ HTTP/1.1\r\nHost: localhost\r\n",
    "half a WebSocket's head": head(*WEBSOCKET, method=b"GET")[:-2],
}
EACH = 5
LONG_ENOUGH = 310


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    with contextlib.closing(Clock()) as clock:
        yield clock


@contextlib.contextmanager
def standing(stage: Stage) -> Iterator[list[RawClient]]:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(stage.client()) for _ in range(EACH * len(STANDING))]
        for number, client in enumerate(clients):
            client.send(list(STANDING.values())[number % len(STANDING)])
        yield clients


def end_of(client: RawClient) -> None:
    with contextlib.suppress(Broken):
        client.read_to_end()


@pytest.mark.xdist_group("drips")
def test_clients_that_stand_still_hold_nobody_up_and_are_let_go(clock: Clock) -> None:
    with contextlib.closing(Stage("fastpath", {}, clock.environment)) as stage:
        stage.play(Witness())
        assert all(victim_is_answered_right(stage) for _ in range(5))
        (pid, *_) = stage.server.pids()
        before = len(descriptors(pid))
        with standing(stage) as clients:
            assert all(victim_is_answered_right(stage) for _ in range(20))
            assert stage.get("/api/hello/").status == 200
            assert len(descriptors(pid)) >= before + len(clients)
            for _ in range(4):  # The frontends' connections rest for a while, too.
                clock.pass_by(LONG_ENOUGH)
                assert victim_is_answered_right(stage)
            for client in clients:
                end_of(client)
        await_that("the descriptors are closed", lambda: len(descriptors(pid)) <= before + 2)


@on("fastpath", "runserver", "gthread", "waitress", "granian", "uvicorn front", "hypercorn front")
def test_request_that_drips_is_one(stage: Stage) -> None:
    """Byte by byte, and cut anywhere: nothing hangs on how it comes."""
    witness = Witness()
    stage.play(witness)
    asked = request("POST", "/drips", "X: y", "Connection: close", body=b"GET /hidden HTTP/1.1\r\n")
    with stage.client() as client:
        for place in range(len(asked)):
            client.send(asked[place : place + 1])
        assert client.read_answer().body == b"POST /drips"
    for cut in range(1, len(asked), 7):
        with stage.client() as client:
            client.send(asked[:cut])
            assert victim_is_answered_right(stage) or stage.kind == "runserver"
            client.send(asked[cut:])
            assert client.read_answer().body == b"POST /drips"
    assert {seen.target for seen in witness.arrived()} == {"/drips"}
