"""Long bodies of known length, which pass through a pipe of the kernel's where there is one: as
exactly as those that are copied."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import pytest

from tests.fastpath.commands import several
from tests.harness.django_servers import serving
from tests.harness.http_requests import OK
from tests.harness.kernel_pipes import (
    KEPT_PIPES,
    MOST_PIPES,
    PIPE,
    SIZES,
    WORTH,
    pipes,
)
from tests.harness.long_bodies import BIG, ask, head_of, is_whole, sized
from tests.harness.patterns import digest, pattern
from tests.harness.raw_client import DEADLINE, Broken, RawClient
from tests.harness.scripted_upstream import Connection, scripted
from tests.process.processes import await_that
from tests.traffic.stage import Stage, on, request


@on("fastpath")
def test_bodies_of_every_size_cross_whole_on_the_same_two_connections(stage: Stage) -> None:
    stage.play(sized)
    with stage.client() as client:
        for size in (*SIZES, 0, BIG, 1):
            ask(client, size)
            assert is_whole(client, size), size
        client.send(request("HEAD", f"/{BIG}"))
        assert client.read_answer("HEAD").get("Content-Length") == str(BIG)
        ask(client, PIPE, "Connection: close")
        assert is_whole(client, PIPE)
        assert client.is_closed()
    assert len(stage.upstream.connections) == 1


@on("fastpath")
def test_requests_behind_a_long_answer_have_theirs_in_order(stage: Stage) -> None:
    stage.play(sized)
    sizes = (BIG, 0, 5, BIG, WORTH, 2 * PIPE, 7)
    with stage.client() as client:
        for size in sizes:
            ask(client, size)
        client.send(request("GET", "/api/hello/"))  # It goes by another way, after them.
        for size in sizes:
            assert is_whole(client, size), size
        assert client.read_answer().body == b"Django answers /api/hello/"


@on("fastpath")
@pytest.mark.parametrize("leave", [RawClient.close, RawClient.reset], ids=["close", "rst"])
@pytest.mark.parametrize("read", [0, WORTH, 5 * PIPE])
def test_client_that_leaves_lets_go_of_the_frontend(
    stage: Stage, read: int, leave: Callable[[RawClient], None]
) -> None:
    stage.play(sized)
    client = stage.client()
    ask(client, BIG)
    client.read_head()
    client.read_exactly(read)
    leave(client)
    stage.upstream.next_finished()
    assert stage.works()


@on("fastpath")
@pytest.mark.parametrize("break_off", [Connection.close, Connection.reset], ids=["fin", "rst"])
@pytest.mark.parametrize("waits", [False, True], ids=["reading", "late"])
def test_answer_that_breaks_off_is_never_whole_and_its_bytes_are_counted(
    stage: Stage, waits: bool, break_off: Callable[[Connection], None]
) -> None:
    size = 3 * PIPE
    body = b"".join(pattern(size))

    def script(connection: Connection) -> None:
        target = connection.receive_head().split(b" ")[1]
        connection.send(head_of(size) + body[: int(target[1:])])
        break_off(connection)

    stage.play(script)
    for cut in (1, 16384, WORTH, PIPE, PIPE + 1, size - WORTH, size - WORTH + 1, size - 1):
        with stage.client() as client:
            ask(client, cut)
            if waits:
                stage.upstream.next_finished()
            with pytest.raises(Broken):
                client.read_answer()
        logged = re.search(rf'"GET /{cut}" 200 (\d+) bytes', stage.await_log(f'"GET /{cut}"'))
        # A reset takes away what has not been received.
        assert logged is not None
        assert int(logged[1]) == cut or (int(logged[1]) < cut and break_off is Connection.reset)
    assert stage.works()


@on("fastpath")
def test_bytes_behind_a_long_answer_reach_no_client(stage: Stage) -> None:
    size = 3 * PIPE

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(head_of(size) + b"".join(pattern(size)) + head_of(6) + b"poison")
        connection.receive_to_end()

    for _ in range(3):
        stage.play(script)
        with stage.client() as client:
            ask(client, size)
            assert is_whole(client, size)
            stage.record(OK)
            client.send(request("GET", "/next"))
            assert client.read_answer().body == b"ok"


def test_more_long_answers_than_pipes_are_whole_and_leave_few_pipes() -> None:
    with scripted(sized) as upstream, serving("fastpath", {"FRONTEND": upstream.url}) as server:
        pid = server.process.pid
        before = pipes(pid)
        with several(40, server.port) as clients:
            for client in clients:
                ask(client, BIG)
                client.read_head()
            # Nobody reads: what is there stands in pipes, and in memory.
            await_that("pipes are in use", lambda: pipes(pid) == before + 2 * MOST_PIPES)
            for client in clients[::2]:
                client.reset()
            for client in clients[1::2]:
                assert digest([client.read_exactly(BIG)]) == digest(pattern(BIG))
        await_that("pipes are closed", lambda: pipes(pid) <= before + 2 * KEPT_PIPES)


def test_server_that_ends_breaks_a_long_answer_off() -> None:
    with (
        scripted(sized) as upstream,
        serving("fastpath", {"FRONTEND": upstream.url}) as server,
        RawClient(server.port) as client,
    ):
        ask(client, BIG)
        client.read_head()
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(DEADLINE) == 0
        with pytest.raises(Broken):
            client.read_exactly(BIG)
        assert "Traceback" not in server.log()
