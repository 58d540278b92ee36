"""The engine's thread: one, deaf to signals, unknown to Python, asleep while nothing happens."""

from __future__ import annotations

import json
import signal

import pytest

from tests.harness.scripted_upstream import scripted
from tests.process.numbers import asked, body_of, loading, meeting_first, numbered
from tests.process.processes import await_that, threads
from tests.process.servers import KINDS, running

# A sanitizer of threads has one of its own, which is as deaf.
pytestmark = pytest.mark.unsanitized

# These nobody can block, and the C library keeps two more for itself.
NOT_BLOCKABLE = {signal.SIGKILL, signal.SIGSTOP}
BLOCKABLE = {number for number in signal.valid_signals() if number not in NOT_BLOCKABLE}

# Python's own threads are all that these have besides.
PYTHON_ONLY = ["runserver", "fastpath", "sync", "gthread", "waitress"]

THREADS = 8  # Of gthread's pool, which makes one when a request finds none at leisure.


def blocks_all_signals(status: dict[str, str]) -> bool:
    mask = int(status["SigBlk"], 16)
    return all(mask >> (number - 1) & 1 for number in BLOCKABLE)


def foreign_threads(port: int) -> dict[str, dict[str, str]]:
    told: dict[str, dict[str, str]] = json.loads(asked(port, "/api/process/").body)["foreign"]
    return told


def engine_thread(port: int) -> tuple[str, dict[str, str]]:
    """The number and the state of the only thread that is deaf to signals.

    A thread that begins or ends is foreign to Python too, and deaf, but for a moment.
    """
    deaf: dict[str, dict[str, str]] = {}

    def is_alone() -> bool:
        deaf.clear()
        for number, status in foreign_threads(port).items():
            if blocks_all_signals(status):
                deaf[number] = status
        return len(deaf) == 1

    await_that("one engine thread", is_alone)
    return deaf.popitem()


@pytest.mark.parametrize("kind", KINDS)
def test_engine_thread_blocks_all_signals(kind: str) -> None:
    with scripted(numbered) as upstream, running(kind, upstream.url) as server:
        assert asked(server.port, "/n/one").body == body_of("one")
        number, _ = engine_thread(server.port)
        if kind in PYTHON_ONLY:
            await_that("no other thread", lambda: list(foreign_threads(server.port)) == [number])


@pytest.mark.parametrize("kind", KINDS)
def test_no_engine_thread_before_the_first_forwarded_request(kind: str) -> None:
    """With DEBUG Django's own answers are rows of a feed that has no need of it."""
    with scripted(numbered) as upstream, running(kind, upstream.url) as server:

        def is_absent() -> bool:
            found = foreign_threads(server.port).values()
            return not any(blocks_all_signals(status) for status in found)

        await_that("no engine thread", is_absent)
        assert upstream.connections == []


@pytest.mark.parametrize("kind", KINDS)
def test_engine_thread_sleeps_while_nothing_is_forwarded(kind: str) -> None:
    def switches() -> int:
        _, status = engine_thread(server.port)
        return sum(
            int(status[name]) for name in ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
        )

    with scripted(numbered) as upstream, running(kind, upstream.url) as server:
        assert asked(server.port, "/n/one").body == body_of("one")
        before = switches()
        for _ in range(200):  # Django answers these alone.
            foreign_threads(server.port)
        assert switches() - before <= 2


@pytest.mark.parametrize("kind", ["runserver", "fastpath", "gthread"])
def test_threads_stay_as_many_over_a_thousand_requests(kind: str) -> None:
    with scripted(meeting_first(THREADS)) as upstream, running(kind, upstream.url) as server:

        def count() -> int:
            return sum(threads(pid) for pid in server.pids())

        with loading(server.port, THREADS) as load:  # As many threads as the server ever has.
            load.await_right(100)
        for index in range(20):
            assert asked(server.port, f"/n/{index}").status == 200
        engine, _ = engine_thread(server.port)
        warm = count()
        for index in range(1000):
            assert asked(server.port, f"/n/{index}").status == 200
        assert engine_thread(server.port)[0] == engine
        # At the listener the thread that stands by may just have taken the place of another.
        spare = 1 if kind == "fastpath" else 0
        await_that("as many threads as before", lambda: count() <= warm + spare)
