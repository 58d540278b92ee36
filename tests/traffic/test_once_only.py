"""No request with side effects arrives twice, and no answer reaches another request."""

from __future__ import annotations

import random
import threading
from collections import Counter
from queue import Queue
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.harness.http_requests import OK, Request, RequestReader
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import DEADLINE, Connection
from tests.traffic.stage import EVERY, KEPT_ALIVE, Stage, on, request

SIDE_EFFECTS = {
    "post": request("POST", "/act"),
    "post-empty": request("POST", "/act", "Content-Length: 0"),
    "post-body": request("POST", "/act", body=b"buy one"),
    "patch": request("PATCH", "/act", body=b"x"),
    "put-body": request("PUT", "/act", body=b"x"),
    "invented": request("INVENTED", "/act"),
}


def dying_when_reused(seen: Queue[Request]) -> object:
    def script(connection: Connection) -> None:
        reader = RequestReader(connection)
        seen.put(reader.whole())
        connection.send(OK)
        seen.put(reader.whole())  # And not a byte of an answer.

    return script


@on(*EVERY)
@pytest.mark.parametrize("asked", SIDE_EFFECTS.values(), ids=SIDE_EFFECTS.keys())
def test_upstream_dies_on_reused_connection_gets_the_request_once(
    stage: Stage, asked: bytes
) -> None:
    seen: Queue[Request] = Queue()
    stage.play(dying_when_reused(seen))
    assert stage.get("/warm").body == b"ok"
    answer = stage.exchange(asked)
    targets = Counter(seen.get(timeout=DEADLINE).target for _ in range(2))
    assert (answer.status, targets) == (502, {"/warm": 1, "/act": 1})
    assert seen.empty()


@on(*EVERY)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_idempotent_request_is_sent_again_on_a_fresh_connection(stage: Stage, method: str) -> None:
    seen: Queue[Request] = Queue()
    stage.play(dying_when_reused(seen))
    assert stage.get("/warm").body == b"ok"
    assert stage.exchange(request(method, "/again")).status == 200
    # The first connection ends with its second request.
    targets = [seen.get(timeout=DEADLINE).target for _ in range(3)]
    assert targets == ["/warm", "/again", "/again"]


@on(*EVERY)
def test_bytes_left_on_an_idle_connection_are_not_the_next_answer(stage: Stage) -> None:
    left = threading.Event()
    go_on = threading.Event()

    def script(connection: Connection) -> None:
        reader = RequestReader(connection)
        if connection.index == 0:
            reader.whole()
            connection.send(OK)
            assert go_on.wait(DEADLINE)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned")
            left.set()
        while True:
            reader.whole()
            connection.send(OK)

    stage.play(script)
    assert stage.get("/first").body == b"ok"
    go_on.set()
    assert left.wait(DEADLINE)
    assert stage.get("/second").body == b"ok"


def echo(connection: Connection) -> None:
    """Answers each request by its own id, in the framing and with the fate that it asks for."""
    reader = RequestReader(connection)
    while True:
        asked = reader.whole()
        query = {key: values[0] for key, values in parse_qs(urlsplit(asked.target).query).items()}
        body = query["id"].encode() * int(query["times"]) + asked.body
        if query["fate"] == "die":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + 1))
            connection.send(body)
            return
        if query["fate"] == "silent":
            return
        if query["framing"] == "chunked":
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        else:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            connection.send(body)


class Visitor:
    """A client that asks again and again, with an id of its own each time."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._random = random.Random(seed)
        self._client: RawClient | None = None
        self.mistakes: list[bytes] = []
        self.whole = 0

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _visit(self) -> None:
        name = f"{self._random.getrandbits(64):016x}"
        fate = self._random.choice(["live"] * 6 + ["die", "silent", "leave", "leave-early"])
        times = self._random.choice([1, 10, 20000])
        framing = self._random.choice(["length", "chunked"])
        body = name.encode() * self._random.choice([0, 1, 3000])
        target = f"/echo?id={name}&times={times}&fate={fate}&framing={framing}"
        if self._client is None:
            self._client = self._stage.client()
        self._client.send(request("POST" if body else "GET", target, body=body))
        if fate == "leave-early":
            return self._leave()
        if fate == "leave":
            self._client.read_some(10)
            return self._leave()
        answer = self._client.read_answer()
        if fate in ("die", "silent") and answer.status == 502:
            return None
        if fate == "die" or answer.body != name.encode() * times + body:
            self.mistakes.append(answer.body[:100])
        self.whole += 1
        if answer.get("Connection") == "close":
            self._leave()

    def __call__(self) -> None:
        for _ in range(40):
            try:
                self._visit()
            except (Broken, ConnectionError):
                self._leave()
        self._leave()


# A server of its own: at the end it may still be busy with requests whose clients have left.
@on(*KEPT_ALIVE, "sync", TEST_ALONE="parallel clients")
def test_parallel_clients_get_each_their_own_answers(stage: Stage) -> None:
    stage.play(echo)
    visitors = [Visitor(stage, seed) for seed in range(8)]
    threads = [threading.Thread(target=visitor) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [mistake for visitor in visitors for mistake in visitor.mistakes] == []
    assert all(visitor.whole > 10 for visitor in visitors)
    assert stage.works()
