"""A warm pool in a process that forks: nothing is shared, and no answer is another's."""

from __future__ import annotations

import itertools
import json
import signal

import pytest

from tests.harness.django_servers import DjangoServer
from tests.harness.scripted_upstream import scripted
from tests.process.numbers import asked, body_of, loading, meeting_first, numbered
from tests.process.processes import await_that, connections_to
from tests.process.servers import KINDS, running, stop
from tests.process.warmed_wsgi import CONNECTIONS


def workers_of(server: DjangoServer) -> list[int]:
    return sorted(set(server.pids()) - {server.process.pid})


def check_preloaded(kind: str, requests: int, **environment: str) -> None:
    with (
        scripted(meeting_first(CONNECTIONS)) as upstream,
        running(kind, upstream.url, **environment) as server,
    ):
        await_that("three workers", lambda: len(workers_of(server)) == 3)
        assert len(upstream.connections) >= CONNECTIONS
        with loading(server.port) as load:
            load.await_right(requests)
            processes = [server.process.pid, *workers_of(server)]
            sockets = [connections_to(upstream.port, pid) for pid in processes]
            server.signal(signal.SIGTTIN)  # One worker more: the master asks and forks again.
            await_that("a fourth worker", lambda: len(workers_of(server)) == 4)
            load.await_right(requests)
        for one, other in itertools.combinations(sockets, 2):
            assert one & other == set()
        assert set(load.outcomes) == {"right"}
        assert stop(server, signal.SIGTERM) == 0
        asked_by_master = [
            line for line in server.log().splitlines() if f"{server.process.pid} asks" in line
        ]
        assert len(asked_by_master) == CONNECTIONS + 4
        assert all(line.endswith("right") for line in asked_by_master)


@pytest.mark.parametrize(
    ("kind", "again"),
    [
        ("preloaded", ""),
        ("preloaded", "imported_again"),
        ("preloaded_gthread", "copied"),
        ("preloaded_asgi", "executed_again"),
    ],
)
def test_workers_forked_with_a_warm_pool_share_no_connection(kind: str, again: str) -> None:
    check_preloaded(kind, 200, ENGINE_AGAIN=again)


@pytest.mark.slow
def test_workers_forked_with_a_warm_pool_answer_thousands_rightly() -> None:
    check_preloaded("preloaded", 3000)


def check_forks_in_requests(kind: str, forks: int) -> None:
    clients = 1 if kind == "sync" else 4
    with scripted(numbered) as upstream, running(kind, upstream.url) as server:
        with loading(server.port, clients) as load:
            load.await_right(20)
            for name in map(str, range(forks)):
                told = json.loads(asked(server.port, f"/api/fork/?name={name}").body)
                assert told.pop("status") == 0
                assert told == {who: body_of(f"{who}-{name}").decode() for who in told}
            load.await_right(20)
        assert set(load.outcomes) == {"right"}


@pytest.mark.parametrize("kind", KINDS)
def test_fork_within_a_request_answers_rightly_in_both(kind: str) -> None:
    check_forks_in_requests(kind, 5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_hundred_forks_under_load_answer_rightly_in_both(kind: str) -> None:
    check_forks_in_requests(kind, 100)
