"""A client that leaves ends the upstream's connection at once, and nobody is bothered by it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.harness.http_requests import RequestReader, recording
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import DEADLINE, Connection, one_event
from tests.traffic.server_table import TABLE
from tests.traffic.stage import (
    EVERY,
    NEIGHBOURS,
    WITH_SOCKET,
    Stage,
    leave_while_asked,
    on,
    request,
)

WAYS = {"fin": RawClient.close, "rst": RawClient.reset}
NOISE = ("Traceback", "Broken pipe", "Exception", "rror", "WARN", "samesite_proxy", "499")


def is_quiet(stage: Stage) -> bool:
    lines = stage.log().splitlines()
    if stage.kind in NEIGHBOURS:  # It tells of every request.
        lines = [line for line in lines if not line.endswith(" -")]
    assert [word for word in NOISE if word in "\n".join(lines)] == [], lines
    return True


@on(*WITH_SOCKET)
@pytest.mark.parametrize("leave", WAYS.values(), ids=WAYS.keys())
def test_client_leaves_while_waiting_for_the_head(
    stage: Stage, leave: Callable[[RawClient], None]
) -> None:
    leave_while_asked(stage, leave)
    assert is_quiet(stage)


@on(*WITH_SOCKET)
@pytest.mark.parametrize("leave", WAYS.values(), ids=WAYS.keys())
def test_client_leaves_while_the_answer_stands_still(
    stage: Stage, leave: Callable[[RawClient], None]
) -> None:
    stage.play(one_event)
    client = stage.client()
    client.send(request("GET", "/events"))
    client.read_until(b"data: 1\n\n")
    leave(client)
    stage.upstream.next_finished()
    assert stage.works()
    assert is_quiet(stage)


@on(*EVERY)
@pytest.mark.parametrize("leave", WAYS.values(), ids=WAYS.keys())
def test_client_leaves_while_the_answer_flows(
    stage: Stage, leave: Callable[[RawClient], None]
) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        while True:
            connection.send(b"x" * 65536)

    stage.play(script)
    client = stage.client()
    client.send(request("GET", "/endless"))
    client.read_exactly(1_000_000)
    leave(client)
    stage.upstream.next_finished()
    assert stage.works()
    assert is_quiet(stage)


@on(*WITH_SOCKET)
@pytest.mark.parametrize("leave", WAYS.values(), ids=WAYS.keys())
def test_client_leaves_while_uploading(stage: Stage, leave: Callable[[RawClient], None]) -> None:
    asked = threading.Event()

    def script(connection: Connection, reader: RequestReader) -> None:
        for _ in reader.pieces(reader.head()):
            asked.set()

    stage.play(recording(script))
    client = stage.client()
    client.send(request("POST", "/up", "Content-Length: 100000") + b"x" * 1000)
    assert asked.wait(DEADLINE)
    leave(client)
    stage.upstream.next_finished()
    assert stage.works()
    assert is_quiet(stage)


@on("waitress", "granian")
def test_client_that_has_left_is_noticed_at_the_next_write(stage: Stage) -> None:
    assert TABLE[stage.kind].client_leaves == "next write"
    asked = threading.Event()
    gone = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        asked.set()
        assert gone.wait(DEADLINE)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        while True:
            connection.send(b"x" * 65536)

    stage.play(script)
    client = stage.client()
    client.send(request("GET", "/slow"))
    assert asked.wait(DEADLINE)
    client.reset()
    gone.set()
    stage.upstream.next_finished()
    assert stage.works()
    assert is_quiet(stage)
