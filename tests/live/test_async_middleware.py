"""Under WSGI with async-only middleware around ours: Django then calls ours in a loop of its own,
which ends before the answer does."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.harness.http_requests import RequestReader, recording
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import Connection, answering_once
from tests.live.test_event_streams import EVENTS, Events
from tests.live.tunnels import echo, upgrade
from tests.traffic.stage import Stage, leave_while_asked, request, staged

OURS = "samesite_proxy.middleware.SameSiteProxyMiddleware"
SYNC = "tests.project.middleware.sync_only"
ASYNC = "tests.project.middleware.async_only"
READS = "tests.project.middleware.reads_body"
STACKS = {
    "behind": [OURS, ASYNC],
    "around": [ASYNC, READS, OURS, ASYNC],
    "alternating": [SYNC, OURS, ASYNC, SYNC, ASYNC],
}


def beside(name: str, *servers: str) -> list[object]:
    """These servers, with our middleware in the stack of this name."""
    environment = {"TEST_MIDDLEWARE": json.dumps(STACKS[name])}
    return [staged(kind, environment, f"{kind} {name}") for kind in servers]


FIRST = beside("behind", "runserver", "gthread", "sync")
SOME = [
    *FIRST,
    *beside("alternating", "runserver", "fastpath"),
    *beside("around", "gthread", "sync"),
]
in_each = pytest.mark.parametrize("stage", SOME, indirect=True)
where_first = pytest.mark.parametrize("stage", FIRST, indirect=True)
WAYS = {"fin": RawClient.close, "rst": RawClient.reset}


@in_each
def test_each_event_arrives_when_it_was_sent(stage: Stage) -> None:
    assert stage.get("/api/hello/").body == b"Django answers /api/hello/"
    events = Events()
    stage.play(events)
    with stage.client() as client:
        client.send(request("GET", "/events", "Connection: close"))
        assert client.read_head().get("Content-Type") == "text/event-stream; charset=utf-8"
        for event in EVENTS[:3]:
            events.send(event)
            assert event in client.read_until(event)
        events.send(None)
        client.read_to_end()


@in_each
@pytest.mark.parametrize("leave", WAYS.values(), ids=WAYS.keys())
def test_client_leaves_the_upstream_is_told(
    stage: Stage, leave: Callable[[RawClient], None]
) -> None:
    leave_while_asked(stage, leave)
    assert "samesite_proxy" not in stage.log()


@in_each
def test_bodies_cross_both_ways_on_one_connection(stage: Stage) -> None:
    def script(connection: Connection, reader: RequestReader) -> None:
        body = b"".join(reader.pieces(reader.head()))
        connection.send(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )

    stage.play(recording(script))
    body = b"0123456789" * 100_000
    with stage.client() as client:
        for _ in range(1 if stage.kind == "sync" else 3):
            client.send(request("PUT", "/up", body=body))
            assert client.read_answer().body == body


@in_each
def test_answer_that_breaks_off_is_broken_for_the_client(stage: Stage) -> None:
    stage.play(answering_once(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789"))
    with pytest.raises(Broken):
        stage.get("/cut")
    assert stage.works()


@in_each
def test_upgraded_connection_carries_bytes_both_ways(stage: Stage) -> None:
    stage.play(echo)
    with stage.client() as client:
        client.send(upgrade())
        assert client.read_head().status == 101
        for word in (b"one", b"two"):
            client.send(word)
            assert client.read_exactly(3) == word


@where_first
def test_open_stream_holds_no_worker(stage: Stage) -> None:
    events = Events()
    stage.play(events)
    with stage.client() as client:
        client.send(request("GET", "/events", "Connection: close"))
        assert client.read_head().all("Connection") == ["close"]
        assert stage.get("/api/hello/").status == 200
        events.send(EVENTS[0])
        assert EVENTS[0] in client.read_until(EVENTS[0])
        events.send(None)
