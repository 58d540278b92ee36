"""Under ASGI with sync-only middleware around ours: Django then calls ours without a loop."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.asgi.servers import front, plain
from tests.harness.http_requests import RequestReader, recording
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import DEADLINE, Connection, answering_once
from tests.live.test_event_streams import EVENTS, Events
from tests.traffic.stage import Stage, chunked, leave_while_asked, on, request, staged

OURS = "samesite_proxy.middleware.SameSiteProxyMiddleware"
SYNC = "tests.project.middleware.sync_only"
ASYNC = "tests.project.middleware.async_only"
READS = "tests.project.middleware.reads_body"
GZIP = "django.middleware.gzip.GZipMiddleware"
WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"
STACKS = {
    "behind": [OURS, SYNC],
    "whitenoise": [OURS, ASYNC, WHITENOISE],
    "around": [READS, GZIP, OURS, SYNC],
    "alternating": [SYNC, ASYNC, SYNC, OURS, SYNC, ASYNC, SYNC],
}


def beside(name: str, *servers: str) -> list[object]:
    """These servers, with our middleware in the stack of this name."""
    environment = {"TEST_MIDDLEWARE": json.dumps(STACKS[name])}
    return [staged(kind, environment, f"{kind} {name}") for kind in plain(*servers)]


UVICORN = [*(mark for name in STACKS for mark in beside(name, "uvicorn"))]
SOME = [*UVICORN, *beside("whitenoise", "hypercorn"), *beside("alternating", "granian")]
FRONT = [staged(kind, {}, kind) for kind in front("uvicorn")]
in_each = pytest.mark.parametrize("stage", SOME, indirect=True)
WAYS = {"fin": RawClient.close, "rst": RawClient.reset}


def one_event(connection: Connection) -> None:
    """A script whose stream then stands still."""
    connection.receive_head()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + EVENTS[0])
    connection.receive_to_end()


@in_each
def test_each_event_arrives_when_it_was_sent(stage: Stage) -> None:
    assert stage.get("/api/hello/").body == b"Django answers /api/hello/"
    events = Events()
    stage.play(events)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        assert client.read_head().get("Content-Type") == "text/event-stream; charset=utf-8"
        for event in EVENTS[:3]:
            events.send(event)
            assert event in client.read_until(event)
        assert stage.get("/api/hello/").status == 200
        events.send(None)
        client.read_until(b"0\r\n\r\n")


@in_each
@pytest.mark.parametrize("leave", WAYS.values(), ids=WAYS.keys())
def test_client_leaves_the_upstream_is_told(
    stage: Stage, leave: Callable[[RawClient], None]
) -> None:
    leave_while_asked(stage, leave)

    stage.play(one_event)
    client = stage.client()
    client.send(request("GET", "/quiet"))
    client.read_until(EVENTS[0])
    leave(client)
    stage.upstream.next_finished()
    assert stage.works()
    assert "samesite_proxy" not in stage.log()


@in_each
def test_bodies_cross_both_ways(stage: Stage) -> None:
    def script(connection: Connection, reader: RequestReader) -> None:
        body = b"".join(reader.pieces(reader.head()))
        connection.send(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )

    stage.play(recording(script))
    body = b"0123456789" * 100_000
    assert stage.exchange(request("PUT", "/up", body=body)).body == body
    framed = request("POST", "/up", "Transfer-Encoding: chunked") + chunked(body, b"end")
    assert stage.exchange(framed).body == body + b"end"


@in_each
def test_answer_that_breaks_off_is_never_whole(stage: Stage) -> None:
    stage.play(answering_once(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789"))
    with pytest.raises(Broken):
        stage.get("/cut")
    assert stage.works()


@in_each
def test_slow_answers_wait_beside_each_other(stage: Stage) -> None:
    """Each holds a thread of Django's until its head is there, and none holds another's."""
    count = 10
    all_asked = threading.Barrier(count)

    def script(connection: Connection, reader: RequestReader) -> None:
        reader.head()
        all_asked.wait(DEADLINE)
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")

    stage.play(recording(script))
    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(lambda number: stage.get(f"/slow/{number}"), range(count)))
    assert [answer.body for answer in answers] == [b"ok"] * count


@in_each
def test_upgrade_that_asgi_cannot_do_is_an_ordinary_request(stage: Stage) -> None:
    recorder = stage.record()
    answer = stage.get("/x", "Connection: Upgrade, close", "Upgrade: other/1")
    assert (answer.status, answer.body) == (200, b"ok")
    assert "upgrade" not in recorder.next().names


@on(*plain("uvicorn"), TEST_MIDDLEWARE=json.dumps(STACKS["around"]))
def test_middleware_before_ours_changes_the_answer(stage: Stage) -> None:
    body = b"text " * 1000
    recorder = stage.record(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + body)
    answer = stage.exchange(request("POST", "/x", "Accept-Encoding: gzip", body=b"12345"))
    assert (answer.get("X-Body-Length"), recorder.next().body) == ("5", b"12345")
    assert gzip.decompress(answer.body) == body


@pytest.mark.parametrize("stage", [*UVICORN, *FRONT], indirect=True)
def test_open_stream_keeps_one_thread_of_djangos_or_none_in_front_of_it(stage: Stage) -> None:
    count = 5

    def threads() -> int:
        return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in stage.server.pids())

    assert stage.works()
    before = threads()
    stage.play(one_event)
    clients = [stage.client() for _ in range(count)]
    for client in clients:
        client.send(request("GET", "/events"))
        client.read_until(EVENTS[0])
    assert threads() <= before + (count if "plain" in stage.kind else 0)
    for client in clients:
        client.close()
