"""Long uploads of known length, which pass to the frontend through a pipe of the kernel's where
there is one: as exactly as those that are copied, whoever breaks off, refuses or stands still."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from queue import Queue

import pytest

from tests.fastpath.commands import several
from tests.harness.django_servers import serving
from tests.harness.http_requests import OK, RequestReader, recording
from tests.harness.kernel_pipes import (
    KEPT_PIPES,
    MOST_PIPES,
    PIPE,
    SIZES,
    WORTH,
    keep_little,
    pipes,
)
from tests.harness.long_bodies import (
    BIG,
    Sender,
    counting,
    has_arrived,
    head_of,
    told,
    upload,
)
from tests.harness.patterns import pattern
from tests.harness.raw_client import DEADLINE, Broken, RawClient
from tests.harness.scripted_upstream import Connection, Script, scripted
from tests.process.processes import await_that, is_at_rest
from tests.traffic.stage import Stage, on, request

# More than all buffers on the way hold.
MUCH = 100_000_000


def post(client: RawClient, size: int, *lines: str) -> None:
    client.send(upload(size, "/up", *lines))
    for piece in pattern(size):
        client.send(piece)


class Standing:
    """A frontend that has read a head, and of the body nothing until it may."""

    def __init__(self) -> None:
        self.begun: Queue[Connection] = Queue()
        self.may_read = threading.Event()

    def __call__(self, connection: Connection) -> None:
        reader = RequestReader(connection)
        asked = reader.head()
        if asked.method == "POST":
            self.begun.put(connection)
            assert self.may_read.wait(DEADLINE)
        connection.send(OK if asked.method == "GET" else b"")
        body = told(reader.pieces(asked))
        connection.send(head_of(len(body)) + body)


@on("fastpath")
def test_uploads_of_every_size_arrive_whole_with_nothing_of_what_follows(stage: Stage) -> None:
    stage.play(recording(counting))
    with stage.client() as client:
        for size in (*SIZES, 1, BIG, WORTH):
            post(client, size)
            client.send(request("GET", "/behind"))
            assert has_arrived(client, size), size
            assert has_arrived(client, 0)
        client.send(request("GET", "/api/hello/"))
        assert client.read_answer().body == b"Django answers /api/hello/"
    assert len(stage.upstream.connections) == 1


@on("fastpath")
def test_requests_sent_behind_long_uploads_are_answered_in_order(stage: Stage) -> None:
    stage.play(recording(counting))
    sizes = (BIG, 0, 5, WORTH, 2 * PIPE, BIG, 7)

    def everything() -> Iterator[bytes]:
        for size in sizes:
            yield upload(size)
            yield from pattern(size)

    with stage.client() as client:
        sender = Sender(client, everything())
        for size in sizes:
            assert has_arrived(client, size), size
        sender.end()


@on("fastpath")
def test_client_that_waits_to_be_asked_is_asked_once(stage: Stage) -> None:
    stage.play(recording(counting))
    with stage.client() as client:
        client.send(upload(BIG, "/up", "Expect: 100-continue"))
        assert client.read_head().status == 100
        Sender(client, pattern(BIG)).end()
        answer = client.read_answer()
        assert (answer.interim, answer.body) == ([], told(pattern(BIG)))


@on("fastpath")
def test_frontend_that_stands_still_holds_its_client_alone_and_costs_nothing(
    stage: Stage,
) -> None:
    frontend = Standing()
    pid = stage.server.process.pid
    with stage.client() as client:
        stage.play(frontend)
        client.send(upload(MUCH))
        frontend.begun.get(timeout=DEADLINE)
        before = pipes(pid)
        sender = Sender(client, pattern(MUCH))
        await_that("the engine rests", lambda: is_at_rest(pid))
        assert pipes(pid) <= before + 2  # One pipe, or none.
        assert sender.is_alive()
        assert stage.get("/beside").body == b"ok"
        frontend.may_read.set()
        assert has_arrived(client, MUCH)
        sender.end()


@on("fastpath")
@pytest.mark.parametrize("reads", [False, True], ids=["still", "reading"])
@pytest.mark.parametrize(
    "leave", [RawClient.close, RawClient.reset, RawClient.end], ids=["close", "rst", "fin"]
)
def test_client_that_leaves_amid_its_upload_lets_go_of_the_frontend(
    stage: Stage, reads: bool, leave: Callable[[RawClient], None]
) -> None:
    frontend = Standing()
    for sent in (1, WORTH, 3 * PIPE):
        stage.play(frontend)
        with stage.client() as client:
            client.send(upload(BIG))
            connection = frontend.begun.get(timeout=DEADLINE)
            for piece in pattern(sent):
                client.send(piece)
            if reads:
                frontend.may_read.set()
            leave(client)
            if leave is RawClient.end:
                assert client.read_answer().status == 400
        frontend.may_read.set()
        assert stage.upstream.next_finished() is connection
        frontend.may_read.clear()
    assert stage.works()


def hears_all(connection: Connection) -> None:
    connection.receive_to_end()


@on("fastpath")
@pytest.mark.parametrize("leave", [RawClient.end, RawClient.reset], ids=["fin", "rst"])
def test_upload_cut_anywhere_is_a_part_of_it_and_nothing_else(
    stage: Stage, leave: Callable[[RawClient], None]
) -> None:
    body = b"".join(pattern(3 * PIPE))
    stage.play(hears_all)
    for cut in (0, 1, 65535, WORTH, PIPE, PIPE + 1, 2 * PIPE + WORTH, len(body) - 1):
        with stage.client() as client:
            client.send(upload(len(body)) + body[:cut])
            leave(client)
            head, _, arrived = stage.upstream.next_finished().received.partition(b"\r\n\r\n")
        assert len(arrived) <= cut
        assert arrived == body[: len(arrived)]
        # Of a client that is seen to leave before anything is sent, nothing is.
        assert len(arrived) == cut or leave is RawClient.reset or not head
    assert stage.works()


def closing(connection: Connection) -> None:
    """Ends, where what has not been read makes a reset of it."""


def refusing(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
    connection.sock.shutdown(socket.SHUT_WR)
    connection.receive_to_end()


def refusing_and_reading(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
    connection.receive_to_end()


def answering_at_once(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    connection.sock.shutdown(socket.SHUT_WR)
    connection.receive_to_end()


@on("fastpath")
@pytest.mark.parametrize("read", [0, WORTH, 5 * PIPE])
@pytest.mark.parametrize(
    ("breaks_off", "statuses"),
    [
        (closing, {502}),
        (Connection.reset, {502}),
        (refusing, {413}),
        (refusing_and_reading, {413}),
        (answering_at_once, {200}),
    ],
)
def test_frontend_that_ends_amid_an_upload_is_answered_for_and_heard_of_no_more(
    stage: Stage, breaks_off: Script, statuses: set[int], read: int
) -> None:
    posts: Queue[bytes] = Queue()

    def script(connection: Connection) -> None:
        posts.put(connection.receive_head())
        while len(connection.received) < read:
            connection.receive()
        breaks_off(connection)

    stage.play(script)
    with stage.client() as client:
        client.send(upload(BIG))
        sender = Sender(client, pattern(BIG))
        assert client.read_answer().status in statuses
        client.close()
        sender.end()
    assert posts.qsize() == 1  # It was sent once.
    stage.play(recording(counting))
    with stage.client() as client:
        post(client, BIG)
        assert has_arrived(client, BIG)


def test_nobodys_bytes_are_anybody_elses() -> None:
    """Each user's body is a byte of its own; half of them leave while it stands in pipes."""
    seen: Queue[tuple[int, int, int]] = Queue()
    begun, stands = threading.Semaphore(0), threading.Event()

    def script(connection: Connection, reader: RequestReader) -> None:
        keep_little(connection)
        while True:
            asked = reader.head()
            if asked.target.startswith("/first"):
                begun.release()
                stands.wait(DEADLINE)
            user = int(asked.target.rpartition("-")[2])
            length = own = 0
            with contextlib.suppress(EOFError, ConnectionError):
                for piece in reader.pieces(asked):
                    own += piece.count(user)
                    length += len(piece)
            seen.put((user, length, own))
            connection.send(OK)

    with (
        scripted(recording(script)) as upstream,
        serving("fastpath", {"FRONTEND": upstream.url}) as server,
        several(24, server.port) as first,
    ):
        pid = server.process.pid
        before = pipes(pid)
        senders = []
        for user, client in enumerate(first):
            client.send(upload(BIG, f"/first-{user}"))
            senders.append(Sender(client, itertools.repeat(bytes([user]) * 65536, BIG // 65536)))
        for _ in first:  # Who leaves before is not heard of.
            assert begun.acquire(timeout=DEADLINE)
        await_that("pipes are in use", lambda: pipes(pid) == before + 2 * MOST_PIPES)
        for client in first[::2]:
            client.reset()
        with several(8, server.port) as second:
            for user, client in enumerate(second, 100):
                client.send(upload(PIPE, f"/then-{user}") + bytes([user]) * PIPE)
                assert client.read_answer().body == b"ok"
        stands.set()
        for user, client in enumerate(first):
            senders[user].end()
            if user % 2:
                client.send(bytes([user]) * (BIG % 65536))
                assert client.read_answer().body == b"ok"
        whole = 0
        for _ in range(32):
            user, length, own = seen.get(timeout=DEADLINE)
            assert own == length
            whole += length == (PIPE if user >= 100 else BIG)
        assert whole == 8 + 12
        await_that("pipes are closed", lambda: pipes(pid) <= before + 2 * KEPT_PIPES)


def test_server_that_ends_breaks_a_long_upload_off() -> None:
    frontend = Standing()
    with (
        scripted(frontend) as upstream,
        serving("fastpath", {"FRONTEND": upstream.url}) as server,
        RawClient(server.port) as client,
    ):
        client.send(upload(BIG))
        frontend.begun.get(timeout=DEADLINE)
        sender = Sender(client, pattern(BIG))
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(DEADLINE) == 0
        sender.end()
        with contextlib.suppress(Broken):
            assert client.read_answer().status == 503
        frontend.may_read.set()
        assert "Traceback" not in server.log()
