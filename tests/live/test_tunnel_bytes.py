"""Tunnels carry every byte, both ways at once, at whatever pace, and keep little of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Queue

from tests.harness.memory import MIB, PeakMemory
from tests.harness.patterns import digest, pattern
from tests.harness.raw_client import DEADLINE, RawClient
from tests.harness.scripted_upstream import Connection
from tests.live.tunnels import ADOPTING, PIECE, SWITCH, echo, switch, tunnel, upgrade
from tests.traffic.stage import Stage, on

BIG = 16 * MIB
MESSAGES = 10_000
# What the kernel may keep of a stream is not ours; what we keep is at most about 2 MiB.
KEPT = 4 * MIB


def to_end(connection: Connection) -> Iterator[bytes]:
    while piece := connection.sock.recv(PIECE):
        yield piece


def client_to_end(client: RawClient) -> Iterator[bytes]:
    while piece := client.read_some(PIECE):
        yield piece


@on(*ADOPTING)
def test_early_bytes_of_both_sides_arrive(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        early = switch(connection, SWITCH + b"from upstream")
        while len(early) < len(b"from client"):
            early += connection.receive()
        connection.send(early)

    stage.play(script)
    with stage.client() as client:
        client.send(upgrade() + b"from client")
        assert client.read_head().status == 101
        client.end()
        assert client.read_to_end() == b"from upstream" + b"from client"


@on(*ADOPTING)
def test_many_early_bytes_arrive(stage: Stage) -> None:
    size = 300_000

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(SWITCH + b"u" * size)
        count = len(connection.received.partition(b"\r\n\r\n")[2])
        connection.send(b"%d" % (count + digest(to_end(connection))[0]))

    stage.play(script)
    with stage.client() as client:
        client.send(upgrade() + b"c" * size)
        client.end()
        assert client.read_head().status == 101
        assert client.read_to_end() == b"u" * size + b"%d" % size


@on(*ADOPTING)
def test_big_streams_cross_both_ways_at_once(stage: Stage) -> None:
    arrived: Queue[tuple[int, str]] = Queue()

    def script(connection: Connection) -> None:
        assert switch(connection) == b""
        reading = threading.Thread(target=lambda: arrived.put(digest(to_end(connection))))
        reading.start()
        for piece in pattern(BIG):
            connection.send(piece)
        reading.join(DEADLINE)

    stage.play(script)
    with tunnel(stage.port) as client:

        def send() -> None:
            for piece in pattern(BIG):
                client.send(piece)
            client.end()

        sending = threading.Thread(target=send)
        sending.start()
        assert digest(client_to_end(client)) == digest(pattern(BIG))
        sending.join(DEADLINE)
    assert arrived.get(timeout=DEADLINE) == digest(pattern(BIG))


@on(*ADOPTING)
def test_small_messages_cross_one_by_one(stage: Stage) -> None:
    stage.play(echo)
    with tunnel(stage.port) as client:
        for number in range(MESSAGES):
            message = b"%d;" % number
            client.send(message)
            assert client.read_exactly(len(message)) == message


@on("runserver", "fastpath", "sync")
def test_client_that_does_not_read_holds_the_upstream_back(stage: Stage) -> None:
    go_on = threading.Event()
    blocked = threading.Event()

    def script(connection: Connection) -> None:
        switch(connection)
        connection.sock.settimeout(1)
        sent = 0
        pieces = pattern(64 * MIB)
        piece = next(pieces)
        while not blocked.is_set():
            try:
                sent = connection.sock.send(piece)
                piece = piece[sent:] or next(pieces)
            except TimeoutError:
                blocked.set()
        assert go_on.wait(DEADLINE)
        connection.sock.settimeout(DEADLINE)
        connection.send(piece)
        for piece in pieces:
            connection.send(piece)

    stage.play(script)
    with tunnel(stage.port) as client:
        peak = PeakMemory(stage.server.pids())
        assert blocked.wait(DEADLINE)
        assert stage.get("/api/hello/").status == 200
        go_on.set()
        assert digest(client_to_end(client)) == digest(pattern(64 * MIB))
        assert peak.growth() < KEPT


@on("runserver", "fastpath", "sync")
def test_upstream_that_does_not_read_holds_the_client_back(stage: Stage) -> None:
    go_on = threading.Event()
    arrived: Queue[tuple[int, str]] = Queue()

    def script(connection: Connection) -> None:
        switch(connection)
        assert go_on.wait(DEADLINE)
        arrived.put(digest(to_end(connection)))

    stage.play(script)
    with tunnel(stage.port) as client:
        peak = PeakMemory(stage.server.pids())
        client.sock.settimeout(1)
        pieces = pattern(64 * MIB)
        piece = next(pieces)
        while not go_on.is_set():
            try:
                piece = piece[client.sock.send(piece) :] or next(pieces)
            except TimeoutError:
                go_on.set()
        client.sock.settimeout(DEADLINE)
        client.send(piece)
        for piece in pieces:
            client.send(piece)
        client.end()
        assert arrived.get(timeout=DEADLINE) == digest(pattern(64 * MIB))
        assert peak.growth() < KEPT


@on(*ADOPTING)
def test_last_bytes_reach_a_client_that_reads_late_and_has_ended(stage: Stage) -> None:
    """More than the kernel's own buffers hold, and both streams end before it is read."""
    size = 900_000

    def script(connection: Connection) -> None:
        switch(connection)
        assert connection.sock.recv(9) == b"send now"
        connection.send(b"x" * size)

    stage.play(script)
    with tunnel(stage.port) as client:
        client.send(b"send now")
        client.end()
        stage.upstream.next_finished()
        assert len(client.read_to_end()) == size
