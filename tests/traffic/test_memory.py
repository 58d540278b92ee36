"""A slow reader or a slow frontend costs next to no memory: back-pressure goes end to end.

"Stop and go": the writer writes until there is no room, then the reader reads some, and so on.
The slow tests read a gigabyte at 20 MiB a second instead.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from queue import Queue

import pytest

from tests.harness.http_requests import OK, RequestReader, recording
from tests.harness.memory import MIB, PeakMemory
from tests.harness.scripted_upstream import DEADLINE, Connection
from tests.traffic.stage import WITH_SOCKET, Stage, on, request

LIMIT = 16 * MIB
ROOMLESS = 0.05  # Seconds without room after which a writer takes the way for full.
STEP = 20 * MIB
SPEED = 20 * MIB
PATIENT = {"GUNICORN_CMD_ARGS": "--timeout 600"}


class Turns:
    """A writer and a reader that never work at the same time."""

    def __init__(self) -> None:
        self.full: Queue[bool] = Queue()
        self.drained: Queue[bool] = Queue()

    def write(self, sock: socket.socket, size: int) -> None:
        piece = bytes(65536)
        left = size
        while left:
            if not select.select([], [sock], [], ROOMLESS)[1]:
                self.full.put(True)
                self.drained.get(timeout=DEADLINE)
                continue
            left -= sock.send(piece[:left], socket.MSG_DONTWAIT)
        self.full.put(False)

    def read(self, receive: Callable[[float], int], size: int) -> None:
        left = size
        while self.full.get(timeout=DEADLINE):
            target = max(0, left - STEP)
            # Less than a step may be on its way: then the writer goes on.
            while left > target and (got := receive(ROOMLESS)) > 0:
                left -= got
            self.drained.put(True)
        while left:  # All of it is on its way.
            got = receive(DEADLINE)
            assert got > 0, f"{left} bytes are lost"
            left -= got


def paced(pieces: Iterator[int]) -> int:
    """The sum of the pieces, taken at SPEED."""
    total = 0
    start = time.monotonic()
    never = threading.Event()
    for piece in pieces:
        total += piece
        never.wait(max(0.0, start + total / SPEED - time.monotonic()))
    return total


def warm_up(stage: Stage) -> PeakMemory:
    """The measure after a hundred requests with and without a body."""
    recorder = stage.record()
    for number in range(100):
        body = bytes(1000) if number % 2 else b""
        assert stage.exchange(request("POST" if body else "GET", "/warm", body=body)).body == b"ok"
        recorder.next()
    return PeakMemory(stage.server.pids())


def receiver(sock: socket.socket) -> Callable[[float], int]:
    """How much came at once; nothing when there is nothing for so many seconds."""

    def receive(patience: float) -> int:
        if not select.select([sock], [], [], patience)[0]:
            return 0
        return len(sock.recv(262144))

    return receive


@on(*WITH_SOCKET, **PATIENT)
def test_reader_that_stops_and_goes_costs_no_memory(stage: Stage) -> None:
    size = 300 * MIB
    peak = warm_up(stage)
    turns = Turns()

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        turns.write(connection.sock, size)

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/down"))
        head = client.read_head()
        early = len(client.read_some(1 << 30))
        assert head.status == 200
        turns.read(receiver(client.sock), size - early)
    assert peak.growth() < LIMIT


@on(*WITH_SOCKET, **PATIENT)
def test_frontend_that_stops_and_goes_costs_no_memory(stage: Stage) -> None:
    size = 300 * MIB
    peak = warm_up(stage)
    turns = Turns()

    def script(connection: Connection, reader: RequestReader) -> None:
        pieces = reader.pieces(reader.head())
        early = len(next(pieces))
        turns.read(receiver(connection.sock), size - early)
        connection.send(OK)

    stage.play(recording(script))
    with stage.client() as client:
        client.send(request("POST", "/up", f"Content-Length: {size}"))
        turns.write(client.sock, size)
        assert client.read_answer().body == b"ok"
    assert peak.growth() < LIMIT


@pytest.mark.slow
@on(*WITH_SOCKET, **PATIENT)
def test_gigabyte_to_a_slow_reader_costs_no_memory(stage: Stage) -> None:
    size = 1024 * MIB
    peak = warm_up(stage)

    def script(connection: Connection) -> None:
        connection.sock.settimeout(None)
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // MIB):
            connection.send(bytes(MIB))

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/down"))
        assert client.read_head().status == 200
        pieces = iter(lambda: len(client.read_some(1 << 30)), 0)
        assert paced(first_of(pieces, size)) == size
    assert peak.growth() < LIMIT


@pytest.mark.slow
@on(*WITH_SOCKET, **PATIENT)
def test_gigabyte_to_a_slow_frontend_costs_no_memory(stage: Stage) -> None:
    size = 1024 * MIB
    peak = warm_up(stage)

    def script(connection: Connection, reader: RequestReader) -> None:
        pieces = reader.pieces(reader.head())
        assert paced(len(piece) for piece in pieces) == size
        connection.send(OK)

    stage.play(recording(script))
    with stage.client() as client:
        client.sock.settimeout(None)
        client.send(request("POST", "/up", f"Content-Length: {size}"))
        for _ in range(size // MIB):
            client.send(bytes(MIB))
        assert client.read_answer().body == b"ok"
    assert peak.growth() < LIMIT


def first_of(pieces: Iterator[int], size: int) -> Iterator[int]:
    """As many pieces as make `size`."""
    left = size
    while left > 0:
        piece = next(pieces)
        left -= piece
        yield piece
