"""Workers and servers that come and go while requests are under way."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.harness.scripted_upstream import ScriptedUpstream, scripted
from tests.process.numbers import asked, body_of, loading, numbered
from tests.process.processes import await_that, connections_to
from tests.process.renewals import Watched, children_of, reload_workers
from tests.process.servers import KINDS, running, stop
from tests.process.stalls import DEADLINE, Stall, all_waiting


def live_connections(upstream: ScriptedUpstream) -> int:
    return len(upstream.connections) - upstream.finished.qsize()


def check_reloads(kind: str, reloads: int) -> None:
    with scripted(numbered) as upstream, running(kind, upstream.url) as server:
        with loading(server.port, 1 if kind == "sync" else 4) as load:
            for _ in range(reloads):
                load.await_right(20)
                reload_workers(server)
            load.await_right(20)
        processes = server.pids()
        open_now = sum(len(connections_to(upstream.port, pid)) for pid in processes)
        await_that("old workers' connections end", lambda: live_connections(upstream) <= open_now)
        assert stop(server, signal.SIGTERM) == 0
        assert server.pids() == []
        await_that("all connections end", lambda: live_connections(upstream) == 0)


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_reload_of_workers_under_load_mixes_up_no_answers(kind: str) -> None:
    check_reloads(kind, 3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_many_reloads_under_load_mix_up_no_answers(kind: str) -> None:
    check_reloads(kind, 20)


def test_recycled_workers_under_load_mix_up_no_answers() -> None:
    with scripted(numbered) as upstream, running("recycling", upstream.url) as server:
        seen: set[int] = set()
        with loading(server.port) as load:
            while len(seen) < 8:
                seen |= children_of(server)
                load.await_right(20)
        assert stop(server, signal.SIGTERM) == 0
        assert server.pids() == []
        await_that("all connections end", lambda: live_connections(upstream) == 0)


def start_and_stop_under_load(kind: str, number: signal.Signals) -> None:
    with scripted(numbered) as upstream, running(kind, upstream.url) as server:
        with loading(server.port, 2 if kind == "sync" else 6) as load:
            load.await_right(30)
            stop(server, number)
            assert server.pids() == []
        await_that("all connections end", lambda: live_connections(upstream) == 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", KINDS)
def test_stop_under_load_leaves_nothing_behind(kind: str, number: signal.Signals) -> None:
    start_and_stop_under_load(kind, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", KINDS)
def test_ten_stops_under_load_leave_nothing_behind(kind: str, number: signal.Signals) -> None:
    for _ in range(10):
        start_and_stop_under_load(kind, number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", ["reloading", "reloading-fastpath"])
def test_saved_file_restarts_runserver(tmp_path: Path, kind: str, number: signal.Signals) -> None:
    watched = Watched(tmp_path)
    with (
        scripted(numbered) as upstream,
        running(kind, upstream.url, **watched.environment) as server,
    ):
        for index in range(2):
            assert asked(server.port, f"/n/{index}").body == body_of(str(index))
            watched.save_until_restart(server)
        assert asked(server.port, "/n/after").body == body_of("after")
        stop(server, number)
        await_that("no process is left", lambda: server.pids() == [])
        await_that("all connections end", lambda: live_connections(upstream) == 0)
        assert "Traceback" not in server.log()


@pytest.mark.parametrize("where", ["head", "length", "end", "upload"])
@pytest.mark.parametrize("kind", ["reloading", "reloading-fastpath"])
def test_saved_file_restarts_runserver_while_requests_stall(
    tmp_path: Path, kind: str, where: str
) -> None:
    watched = Watched(tmp_path)
    stall = Stall(where)
    with (
        scripted(stall) as upstream,
        running(kind, upstream.url, **watched.environment) as server,
        all_waiting(4, server.port, where) as waiting,
    ):
        for client in waiting:
            client.await_stall()
        for _ in waiting:
            stall.stalled.get(timeout=DEADLINE)
        watched.save_until_restart(server)
        assert {client.outcome() for client in waiting} <= {None, 503}
        stall.may_read.set()
        assert [stall.ended.get(timeout=DEADLINE) for _ in waiting]
        assert "Traceback" not in server.log()
