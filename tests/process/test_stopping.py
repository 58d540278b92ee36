"""A signal ends each server while requests wait for a stalled upstream."""

from __future__ import annotations

import functools
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.harness.groups import grouped
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import Connection, Script, answering, one_event, scripted
from tests.live.tunnels import SWITCH, switch, upgrade
from tests.process.numbers import asked
from tests.process.processes import await_that
from tests.process.servers import KINDS, running, stop
from tests.process.stalls import DEADLINE, UPLOAD_LENGTH, WITH_BODY, Stall, all_waiting
from tests.traffic.stage import request

SIGNALS = [signal.SIGINT, signal.SIGTERM]
CLIENTS = 8


def is_quick(kind: str, where: str) -> bool:
    return where == "head" or kind in ("runserver", "fastpath", "gthread")


def marks(kind: str, where: str) -> list[pytest.MarkDecorator]:
    """How a kind ends without us is asked once by all tests of it."""
    together = pytest.mark.xdist_group(f"stop {kind}")
    return [together] if is_quick(kind, where) else [together, pytest.mark.slow]


# waitress takes in a whole body before Django sees the request, so nothing can stall it.
CASES = [
    pytest.param(kind, where, marks=marks(kind, where))
    for kind in [*KINDS, "reloading", "reloading-fastpath"]
    for where in ("head", "length", *WITH_BODY)
    if kind != "waitress" or where not in WITH_BODY
]

# gunicorn's sync worker ends by SystemExit wherever it is, and logs and answers that itself.
SERVERS_OWN_END = {"sync": "SystemExit: 0"}


@functools.cache
def exit_codes_without_us(kind: str, number: signal.Signals) -> set[int]:
    if kind == "granian":  # A Ctrl-C reaches its worker too, and the two of them race.
        return {0, 1}
    with running(kind, "http://127.0.0.1:1", TEST_MIDDLEWARE="[]") as server:
        assert asked(server.port, "/api/process/").status == 200  # It has begun to work.
        return {stop(server, number)}


def tracebacks(log: str, kind: str) -> list[str]:
    """The last line of each traceback, of a chain of them that of the last one."""
    found = re.findall(r"^ .*\n(\S.*)\n(?!\n(?:During|The above))", log, re.MULTILINE)
    own_end = SERVERS_OWN_END.get(kind)
    return [last for last in found if own_end is None or not last.startswith(own_end)]


def check_stop(kind: str, where: str, number: signal.Signals, clients: int) -> None:
    stall = Stall(where)
    running_at_once = 1 if kind == "sync" else clients
    with (
        scripted(stall) as upstream,
        running(kind, upstream.url) as server,
        all_waiting(clients, server.port, where) as waiting,
    ):
        for _ in range(running_at_once):
            stall.stalled.get(timeout=DEADLINE)
        if running_at_once == clients:
            for client in waiting:
                client.await_stall()
        code = stop(server, number)
        await_that("no process is left", lambda: server.pids() == [])
        assert code in exit_codes_without_us(kind, number)
        outcomes = {client.outcome() for client in waiting}
        stall.may_read.set()
        ended = [stall.ended.get(timeout=DEADLINE) for _ in range(running_at_once)]
        assert outcomes <= {None, 503, 500 if kind == "sync" else 503}
        assert all(len(connection.received) < UPLOAD_LENGTH for connection in ended)
        assert tracebacks(server.log(), kind) == []


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("kind", "where"), CASES)
def test_signal_while_upstream_stalls_ends_the_server(
    kind: str, where: str, number: signal.Signals
) -> None:
    check_stop(kind, where, number, CLIENTS)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("kind", "where"), CASES)
def test_signal_while_one_request_stalls_ends_the_server(
    kind: str, where: str, number: signal.Signals
) -> None:
    check_stop(kind, where, number, 1)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("where", ["chunked", "end"])
@pytest.mark.parametrize(
    "kind", grouped("stop", ["fastpath", "sync", "gthread", "waitress", "granian"])
)
def test_signal_within_a_body_without_length_breaks_the_answer(
    kind: str, where: str, number: signal.Signals
) -> None:
    check_stop(kind, where, number, CLIENTS)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("where", ["chunked", "end"])
def test_signal_within_a_body_that_ends_by_close_breaks_the_answer(
    where: str, number: signal.Signals
) -> None:
    check_stop("runserver", where, number, CLIENTS)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("kind", grouped("stop", [*KINDS, "reloading", "reloading-fastpath"]))
def test_signal_with_an_idle_pool_ends_the_server(kind: str, number: signal.Signals) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with scripted(answering(answer)) as upstream, running(kind, upstream.url) as server:
        assert asked(server.port, "/").body == b"ok"
        code = stop(server, number)
        await_that("no process is left", lambda: server.pids() == [])
        upstream.next_finished()
        assert code in exit_codes_without_us(kind, number)
        assert tracebacks(server.log(), kind) == []


def switching(connection: Connection) -> None:
    switch(connection, SWITCH + b"data: 1\n\n")
    connection.receive_to_end()


EVENTS = request("GET", "/live")
TUNNEL = upgrade("/live")


@pytest.mark.parametrize(
    ("kind", "said", "script"),
    [
        pytest.param("runserver", EVENTS, one_event, id="runserver-events"),
        pytest.param("runserver", TUNNEL, switching, id="runserver-tunnel"),
        pytest.param("gthread", EVENTS, one_event, id="gthread-events"),
        pytest.param("fastpath", TUNNEL, switching, id="fastpath-tunnel"),
        pytest.param("fastpath", EVENTS.replace(b"/1.1", b"/1.0"), one_event, id="fastpath-1.0"),
    ],
)
def test_killed_server_resets_what_only_its_end_would_end(
    kind: str, said: bytes, script: Script
) -> None:
    """Nothing in such a stream tells that more was to come, only its end does."""
    with (
        scripted(script) as upstream,
        running(kind, upstream.url) as server,
        RawClient(server.port) as client,
    ):
        client.send(said)
        client.read_until(b"data: 1\n\n")
        os.killpg(server.process.pid, signal.SIGKILL)
        with pytest.raises(Broken, match="reset"):
            client.read_to_end()


def test_signal_while_an_upload_begins_releases_no_lock_that_nobody_holds() -> None:
    program = [sys.executable, "-m", "tests.process.interrupted_uploads", "http://127.0.0.1:1"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
