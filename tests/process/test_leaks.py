"""Descriptors and memory stay as they are, however many requests come."""

from __future__ import annotations

import contextlib
import functools

import pytest

from tests.harness.django_servers import DjangoServer
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import Connection, ScriptedUpstream, scripted
from tests.process.numbers import asked, loading, numbered
from tests.process.processes import await_that, connections_to, descriptors, resident_bytes
from tests.process.servers import KINDS, running

MIB = 1024 * 1024


def breaking_off(connection: Connection) -> None:
    connection.receive_head()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegins")
    connection.reset()


def leave_early(port: int) -> None:
    with RawClient(port) as client:
        client.send(b"GET /n/left HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.reset()


def count_of_others(server: DjangoServer, upstream: ScriptedUpstream) -> int:
    """How many descriptors the server has that do not belong to its pool, which is small."""
    pooled = [len(connections_to(upstream.port, pid)) for pid in server.pids()]
    assert sum(pooled) <= 16
    return sum(len(descriptors(pid)) for pid in server.pids()) - sum(pooled)


@pytest.mark.parametrize("kind", KINDS)
def test_descriptors_stay_as_many_after_requests(kind: str) -> None:
    with scripted(numbered) as upstream, running(kind, upstream.url) as server:
        count = functools.partial(count_of_others, server, upstream)

        for index in range(20):
            assert asked(server.port, f"/n/{index}").status == 200
        warm = count()
        for index in range(200):
            assert asked(server.port, f"/n/{index}").status == 200
            leave_early(server.port)
        assert asked(server.port, "/n/last").status == 200
        await_that("as many descriptors as before", lambda: count() <= warm)


@pytest.mark.parametrize("kind", KINDS)
def test_descriptors_stay_as_many_after_broken_answers(kind: str) -> None:
    with scripted(breaking_off) as upstream, running(kind, upstream.url) as server:

        def ask() -> None:
            with RawClient(server.port) as client:
                client.send(b"GET /broken HTTP/1.1\r\nHost: localhost\r\n\r\n")
                with contextlib.suppress(Broken):
                    client.read_answer()

        count = functools.partial(count_of_others, server, upstream)

        for _ in range(10):
            ask()
        warm = count()
        for _ in range(100):
            ask()
        await_that("as many descriptors as before", lambda: count() <= warm + 1)


def until_it_breaks(connection: Connection) -> None:
    connection.receive_to_end()


def test_nothing_of_a_broken_upload_waits_for_garbage_collection() -> None:
    """Under gevent each exchange has a descriptor of its own, which would wait too."""
    with (
        scripted(until_it_breaks) as upstream,
        running("gevent", upstream.url, TEST_WITHOUT_GC="1") as server,
    ):

        def break_off() -> None:
            with RawClient(server.port) as client:
                client.send(b"POST /n HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf")
                client.end()
                assert client.read_answer("POST").status == 400

        count = functools.partial(count_of_others, server, upstream)

        break_off()
        warm = count()
        for _ in range(20):
            break_off()
        await_that("as many descriptors as before", lambda: count() <= warm + 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["runserver", "fastpath", "gthread"])
def test_memory_stays_as_it_is_over_thousands_of_requests(kind: str) -> None:
    with scripted(numbered) as upstream, running(kind, upstream.url) as server:

        def resident() -> int:
            return sum(resident_bytes(pid) for pid in server.pids())

        with loading(server.port) as load:
            load.await_right(500)
            before = resident()
            load.await_right(2000)
            after = resident()
        assert after - before < 8 * MIB
