"""Event streams hold no worker, bring each event when it is sent, and end as they are ended."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from queue import Queue

import pytest

from tests.harness.raw_client import DEADLINE, Answer, Broken, RawClient
from tests.harness.scripted_upstream import Connection
from tests.live.tunnels import ADOPTING, never_answers, row_of
from tests.traffic.stage import Stage, chunked, on, request

OURS = "samesite_proxy.middleware.SameSiteProxyMiddleware"
EDITS_FIRST = f'["tests.project.middleware.edits", "{OURS}"]'
EVENTS = [f"data: {number}\n\n".encode() for number in range(20)]
FRAMINGS = {
    "chunked": b"Transfer-Encoding: chunked\r\n",
    "length": b"Content-Length: %d\r\n" % len(b"".join(EVENTS)),
    "close": b"",
}


def head(framing: str) -> bytes:
    media_type = b"Content-Type: text/event-stream; charset=utf-8\r\n"
    return b"HTTP/1.1 200 OK\r\n" + media_type + FRAMINGS[framing] + b"\r\n"


class Stream:
    """An answer's body as it comes, whatever frames it."""

    def __init__(self, client: RawClient, answer: Answer) -> None:
        self._client = client
        self._is_chunked = answer.get("Transfer-Encoding") == "chunked"
        self._has_length = answer.get("Content-Length") is not None

    def read_exactly(self, count: int) -> bytes:
        piece = b""
        while self._is_chunked and len(piece) < count:
            piece += self._client.read_exactly(int(self._client.read_until(b"\r\n"), 16))
            assert self._client.read_exactly(2) == b"\r\n"
        return piece if self._is_chunked else self._client.read_exactly(count)

    def is_over(self) -> bool:
        if self._is_chunked:
            return self._client.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
        return self._has_length or self._client.read_to_end() == b""


class Events:
    """A script that sends an event when it is told to; None ends the stream."""

    def __init__(self, framing: str = "chunked") -> None:
        self._framing = framing
        self._queue: Queue[bytes | None] = Queue()

    def send(self, event: bytes | None) -> None:
        self._queue.put(event)

    def __call__(self, connection: Connection) -> None:
        connection.receive_head()
        connection.send(head(self._framing))
        while event := self._queue.get(timeout=DEADLINE):
            connection.send(chunked(event)[:-5] if self._framing == "chunked" else event)
        if self._framing == "chunked":
            connection.send(b"0\r\n\r\n")


@on(*ADOPTING)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_each_event_arrives_when_it_is_sent(stage: Stage, framing: str) -> None:
    events = Events(framing)
    stage.play(events)
    with stage.client() as client:
        client.send(request("GET", "/events", "Accept: text/event-stream"))
        answer = client.read_head()
        ends = row_of(stage.kind).event_stream == "the connection's end"
        assert (answer.status, answer.all("Connection")) == (200, ["close"] if ends else [])
        assert answer.get("Content-Type") == "text/event-stream; charset=utf-8"
        assert (answer.get("Transfer-Encoding") is None) == (ends or framing == "length")
        stream = Stream(client, answer)
        for event in EVENTS:
            events.send(event)
            assert stream.read_exactly(len(event)) == event
        events.send(None)
        assert stream.is_over()
        assert not ends or client.read_to_end() == b""


def answers_while_a_stream_is_open(stage: Stage) -> None:
    events = Events()
    stage.play(events)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        assert client.read_head().status == 200
        assert stage.get("/api/hello/").status == 200
        events.send(EVENTS[0])
        assert client.read_exactly(len(EVENTS[0])) == EVENTS[0]
        events.send(None)
        assert client.read_to_end() == b""


@on("sync")
def test_one_worker_answers_while_a_stream_is_open(stage: Stage) -> None:
    answers_while_a_stream_is_open(stage)


@on("sync", DJANGO_SETTINGS_MODULE="tests.project.tuple_settings")
def test_first_in_a_tuple_of_middleware_is_first(stage: Stage) -> None:
    answers_while_a_stream_is_open(stage)


@on(*ADOPTING)
def test_request_behind_an_event_stream_is_read_away(stage: Stage) -> None:
    """It would be the next on a connection that ends with this answer."""
    events = Events()
    stage.play(events)
    with stage.client() as client:
        client.send(request("GET", "/events") + request("GET", "/pipelined"))
        assert client.read_head().status == 200
        client.send(request("GET", "/another"))
        events.send(EVENTS[0])
        events.send(None)
        assert client.read_to_end() == EVENTS[0]
    assert len(stage.upstream.connections) == 1


@on(*ADOPTING, TEST_MIDDLEWARE=EDITS_FIRST)
def test_stream_behind_another_middleware_is_not_adopted_but_streamed(stage: Stage) -> None:
    """What that middleware does to each piece is done."""
    events = Events()
    stage.play(events)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        answer = client.read_head()
        assert (answer.get("X-Set"), answer.all("Set-Cookie")) == (
            "by Django",
            ["django=1; Path=/"],
        )
        for event in EVENTS[:3]:
            events.send(event)
            assert event.upper().strip() in client.read_until(event.upper())
        events.send(None)
        client.read_to_end()


@on(*ADOPTING)
def test_compressed_stream_crosses_as_it_is(stage: Stage) -> None:
    body = zlib.compress(b"".join(EVENTS))

    def script(connection: Connection) -> None:
        connection.receive_head()
        encoded = head("chunked").replace(b"\r\n\r\n", b"\r\nContent-Encoding: deflate\r\n\r\n")
        connection.send(encoded + chunked(body))

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        answer = client.read_head()
        assert answer.get("Content-Encoding") == "deflate"
        stream = Stream(client, answer)
        assert stream.read_exactly(len(body)) == body
        assert stream.is_over()


@on(*ADOPTING)
@pytest.mark.parametrize("leave", [RawClient.close, RawClient.reset], ids=["fin", "rst"])
def test_client_that_leaves_ends_a_stream_in_which_nothing_flows(
    stage: Stage, leave: Callable[[RawClient], None]
) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(head("chunked") + chunked(EVENTS[0])[:-5])
        connection.receive_to_end()

    stage.play(script)
    client = stage.client()
    client.send(request("GET", "/events"))
    client.read_until(EVENTS[0])
    leave(client)
    stage.upstream.next_finished()
    assert stage.works()
    assert [word for word in ("Traceback", "rror", "499") if word in stage.log()] == []


@on(*ADOPTING)
@pytest.mark.parametrize("how", ["length", "chunked", "reset"])
def test_stream_that_breaks_off_is_a_reset(stage: Stage, how: str) -> None:
    seen: Queue[bytes] = Queue()

    def script(connection: Connection) -> None:
        connection.receive_head()
        body = EVENTS[0] if how == "length" else chunked(EVENTS[0])[:-5]
        connection.send(head("length" if how == "length" else "chunked") + body)
        seen.get(timeout=DEADLINE)
        if how == "reset":
            connection.reset()

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        client.read_until(EVENTS[0])
        seen.put(b"")
        with pytest.raises(Broken):
            client.read_to_end()
    assert stage.works()


@on(*ADOPTING, settings={"IDLE_TIMEOUT": 0.3, "RESPONSE_TIMEOUT": 0.3})
def test_stream_outlives_the_timeouts(stage: Stage) -> None:
    events = Events()
    stage.play(events)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        answer = client.read_head()
        assert answer.status == 200
        stage.upstream.script = never_answers
        for _ in range(2):
            assert stage.get("/slow").status == 504
        stream = Stream(client, answer)
        events.send(EVENTS[0])
        assert stream.read_exactly(len(EVENTS[0])) == EVENTS[0]
        events.send(None)
        assert stream.is_over()


@on(*ADOPTING)
@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_what_is_no_get_is_answered_as_usual(stage: Stage, method: str) -> None:
    stage.record(head("length") + (b"" if method == "HEAD" else b"".join(EVENTS)))
    with stage.client() as client:
        client.send(request(method, "/events", body=b"" if method == "HEAD" else b"body"))
        answer = client.read_answer(method)
        assert (answer.status, answer.get("Content-Type")) == (
            200,
            "text/event-stream; charset=utf-8",
        )
