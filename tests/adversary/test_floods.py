"""Heads, trailers and answers without an end: each is broken off at its limit, for no memory."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from queue import Queue

from tests.adversary.framings import CHUNKED, head
from tests.adversary.ways import EVERY_WAY, victim_is_answered_right
from tests.adversary.witness import VICTIM, Witness, answer_of
from tests.harness.http_requests import RequestReader
from tests.harness.memory import MIB, PeakMemory
from tests.harness.raw_client import Broken
from tests.harness.scripted_upstream import DEADLINE, Connection
from tests.traffic.stage import Stage, on, request

KIB = 1024
# What a flood may bring before it is answered, or broken: some buffers of the system's.
ENOUGH = 512 * KIB
LINE = b"GET /flood HTTP/1.1\r\nHost: localhost\r\n"

# What is sent once, what is sent without an end behind it, and what the fast path says.
FLOODS = {
    "a method": (b"", b"A", 501),
    "a target": (b"GET /", b"a", 414),
    "fields": (LINE, b"X: y\r\n", 431),
    "a field": (LINE + b"X: ", b"y", 431),
    "a field's name": (LINE, b"X", 431),
    "cookies": (LINE, b"Cookie: a=b; c=d; e=f\r\n", 431),
    "a name of Connection's": (LINE + b"Connection: ", b"x, ", 431),
    "blank lines": (b"", b"\r\n", 400),
    "zeros of a length": (LINE + b"Content-Length: ", b"0", 431),
    "zeros of a chunk's size": (head(CHUNKED), b"0", 400),
    "an extension": (head(CHUNKED) + b"5;", b"a", 400),
    "trailers": (head(CHUNKED) + b"0\r\n", b"X: y\r\n", 400),
    "a trailer": (head(CHUNKED) + b"0\r\nX: ", b"y", 400),
}


def flood(stage: Stage, begin: bytes, piece: bytes) -> bytes:
    """The first line that the client hears, which sends on until it is not listened to."""
    with stage.client() as client:
        client.sock.settimeout(1)
        with contextlib.suppress(OSError):
            client.send(begin + piece * (ENOUGH // len(piece)))
        with contextlib.suppress(Broken, OSError):
            return client.read_until(b"\r\n")
    return b""


@on("fastpath")
def test_request_without_an_end_is_refused_at_its_limit(stage: Stage) -> None:
    witness = Witness()
    stage.play(witness)
    assert victim_is_answered_right(stage)
    memory = PeakMemory(stage.server.pids())
    wrong = {}
    for name, (begin, piece, status) in FLOODS.items():
        heard = flood(stage, begin, piece)
        if not heard.startswith(b"HTTP/1.1 %d " % status):
            wrong[name] = heard
        assert victim_is_answered_right(stage), name
    assert (wrong, witness.arrived()) == ({}, [])
    assert memory.growth() < 8 * MIB


@on("gthread", "uvicorn front", "waitress")
def test_head_without_an_end_reaches_no_frontend(stage: Stage) -> None:
    witness = Witness()
    stage.play(witness)
    for begin, piece, _ in FLOODS.values():
        flood(stage, begin, piece)
    assert victim_is_answered_right(stage)
    assert witness.arrived() == []


OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "a status line": (b"HTTP/1.1 200 ", b"a"),
    "fields": (OK, b"X: y\r\n"),
    "a field": (OK + b"X: ", b"y"),
    "interim answers": (b"", b"HTTP/1.1 103 E\r\nX: y\r\n\r\n"),
    "cookies": (OK, b"Set-Cookie: a=b\r\n"),
    "a chunk's zeros": (OK + CHUNKED + b"\r\n\r\n", b"0"),
    "an extension": (OK + CHUNKED + b"\r\n\r\n1;", b"a"),
    "trailers": (OK + CHUNKED + b"\r\n\r\n0\r\n", b"X: y\r\n"),
    "bytes behind an answer": (OK + b"Content-Length: 1\r\n\r\n1", b"x"),
    "a body of a 204": (b"HTTP/1.1 204 No Content\r\n\r\n", b"x"),
}


class Pouring:
    """Answers /NUMBER by a flood, and tells when nobody takes more of it."""

    def __init__(self) -> None:
        self.stopped: Queue[bool] = Queue()

    def _blocks(self, number: int) -> Iterator[bytes]:
        begin, piece = list(ANSWERS.values())[number]
        yield begin
        yield from itertools.repeat(piece * (64 * KIB // len(piece)), 32 * ENOUGH // (64 * KIB))

    def __call__(self, connection: Connection) -> None:
        reader = RequestReader(connection)
        while True:
            asked = reader.head()
            if asked.target.startswith(VICTIM):
                connection.send(answer_of(asked))
                continue
            try:
                for block in self._blocks(int(asked.target[1:])):
                    connection.send(block)
            except ConnectionError:
                self.stopped.put(True)
                return
            self.stopped.put(False)


@on(*EVERY_WAY)
def test_answer_without_an_end_is_broken_off_at_its_limit(stage: Stage) -> None:
    pouring = Pouring()
    stage.play(pouring)
    assert victim_is_answered_right(stage)
    memory = PeakMemory(stage.server.pids())
    for number, name in enumerate(ANSWERS):
        with contextlib.suppress(Broken, TimeoutError), stage.client() as client:
            client.sock.settimeout(1)
            client.send(request("GET", f"/{number}", "Connection: close"))
            client.read_to_end()
        assert pouring.stopped.get(timeout=DEADLINE), name
        assert victim_is_answered_right(stage), name
    assert memory.growth() < 8 * MIB


@on("fastpath", "gthread", "uvicorn front")
def test_requests_one_behind_the_other_have_each_its_answer(stage: Stage) -> None:
    stage.play(Witness())
    count = 500
    with stage.client() as client:
        client.send(b"".join(request("GET", f"/{number}") for number in range(count)))
        for number in range(count):
            assert client.read_answer().body == f"GET /{number}".encode()
