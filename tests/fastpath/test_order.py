"""Answers come in the order of their requests, whole, however they mix and however slowly read."""

from __future__ import annotations

import contextlib
import json
import random
from queue import Empty, Queue
from typing import Any

from tests.fastpath.commands import MIDDLEWARE
from tests.harness.http_requests import Recorder, Request, RequestReader, recording
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import Connection
from tests.traffic.stage import Stage, chunked, on, request

# Django keeps a connection whose answer has a length.
KEPT: dict[str, Any] = {"TEST_MIDDLEWARE": json.dumps(MIDDLEWARE)}
HELLO = b"Django answers /api/hello/"


def named(asked: Request) -> bytes:
    body = b"" if asked.method == "HEAD" else f"{asked.target} ".encode() + asked.body
    length = len(asked.target) + 1 + len(asked.body)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (length, body)


def mixed(count: int) -> list[tuple[str, bytes, bytes]]:
    """Requests for both, with the method and the body of each answer."""
    chance = random.Random(count)
    found = []
    for number in range(count):
        page, body = f"/page/{number}", b"body %d" % number
        said = f"{page} ".encode()
        upload = request("POST", page, "Transfer-Encoding: chunked") + chunked(body, body)
        found.append(
            chance.choice(
                [
                    ("GET", request("GET", page), said),
                    ("HEAD", request("HEAD", page), b""),
                    ("POST", request("POST", page, body=body), said + body),
                    ("POST", upload, said + body + body),
                    ("GET", b"\r\n" + request("GET", page), said),
                    ("GET", request("GET", "/api/hello/"), HELLO),
                    ("GET", b"\r\n" + request("GET", "/api/hello/"), HELLO),
                    ("POST", request("POST", "/api/echo/", body=body), b"echo"),
                ]
            )
        )
    return found


def reads(client: RawClient, method: str, body: bytes) -> bool:
    answer = client.read_answer(method)
    told = json.loads(answer.body)["body"].encode() if body == b"echo" else b""
    return answer.status == 200 and (answer.body == body or told.startswith(b"body "))


@on("fastpath", **KEPT)
def test_fifty_pipelined_requests_for_both_are_answered_in_order(stage: Stage) -> None:
    stage.play(Recorder(named))
    requests = mixed(50)
    with stage.client() as client:
        client.send(b"".join(sent for _, sent, _ in requests))
        for method, sent, body in requests:
            assert reads(client, method, body), sent


@on("fastpath", **KEPT)
def test_pipelined_requests_that_drip_in_are_answered_in_order(stage: Stage) -> None:
    stage.play(Recorder(named))
    requests = mixed(30)
    whole = b"".join(sent for _, sent, _ in requests)
    with stage.client() as client:
        for start in range(0, len(whole), 7):
            client.send(whole[start : start + 7])
        for method, sent, body in requests:
            assert reads(client, method, body), sent


@on("fastpath", **KEPT)
def test_refusal_ends_a_pipeline_behind_the_answers_before_it(stage: Stage) -> None:
    stage.play(Recorder(named))
    requests = mixed(20)
    bad = b"GET /bad HTTP/1.1\r\nHost : x\r\n\r\n"
    with stage.client() as client:
        client.send(b"".join(sent for _, sent, _ in requests) + bad + request("GET", "/behind"))
        for method, sent, body in requests:
            assert reads(client, method, body), sent
        assert client.read_answer().status == 400
        assert client.is_closed()
    assert stage.works()


def fill(client: RawClient, seen: Queue[Request]) -> int:
    """Asks for both in turn until no more is answered, since nothing is read; how often."""
    count = 0
    with contextlib.suppress(Empty):
        while True:
            client.send(request("GET", "/page") + request("GET", "/api/hello/"))
            count += 1
            seen.get(timeout=0.3)  # As long as it takes when the listener has stopped.
    return count


@on("fastpath", **KEPT)
def test_djangos_answer_waits_until_the_one_before_is_sent(stage: Stage) -> None:
    """The frontend is through, but its answer's last bytes wait for a client that does not read."""
    body = bytes(range(250)) * 60
    recorder = stage.record(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    with stage.client() as client:
        count = fill(client, recorder.seen)
        for _ in range(20):
            client.send(request("GET", "/page") + request("GET", "/api/hello/"))
        for _ in range(count + 20):
            assert client.read_answer().body == body
            assert client.read_answer().body == HELLO


@on("fastpath", **KEPT)
def test_blank_line_before_a_request_for_django_is_forgiven(stage: Stage) -> None:
    with stage.client() as client:
        for _ in range(3):
            client.send(b"\r\n" + request("POST", "/api/echo/", body=b"a body"))
            assert b'"body": "a body"' in client.read_answer().body


@on("fastpath")
def test_early_answer_ends_the_connection_and_what_follows_is_no_request(stage: Stage) -> None:
    def script(connection: Connection, reader: RequestReader) -> None:
        reader.head()
        connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        connection.receive_to_end()

    stage.play(recording(script))
    smuggled = request("GET", "/smuggled")
    with stage.client() as client:
        client.send(request("POST", "/x", f"Content-Length: {2 * len(smuggled)}") + smuggled)
        answer = client.read_answer()
        assert (answer.status, answer.all("Connection")) == (413, ["close"])
        client.send(smuggled + smuggled)
        assert client.is_closed()
    assert len(stage.upstream.connections) == 1
