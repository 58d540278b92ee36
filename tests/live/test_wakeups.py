"""The engine's thread sleeps while its connections are silent, however many are open."""

from __future__ import annotations

import re
import select
import sys
from pathlib import Path

import pytest

from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import one_event
from tests.live.tunnels import ADOPTING, stays_silent, upgrade
from tests.process.processes import await_that
from tests.traffic.stage import Stage, on, request

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.unsanitized,  # A sanitizer of threads has one that wakes up on its own.
]

# Seconds in which a thread that looks ten times a second is seen to wake.
WHILE = 0.5
SWITCHES = re.compile(r"voluntary_ctxt_switches:\s+(\d+)")


def wakeups(stage: Stage) -> int:
    """Of the threads that block all signals: the engine's."""
    found = 0
    for pid in stage.server.pids():
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            told = status.read_text()
            if re.search(r"SigBlk:\s+f{7}", told):
                found += sum(map(int, SWITCHES.findall(told)))
    assert found
    return found


def await_sleep(stage: Stage, client: RawClient) -> None:
    """Until the engine has not waked for a while, in which the client hears nothing."""

    def has_slept() -> bool:
        before = wakeups(stage)
        heard, _, _ = select.select([client.sock], [], [], WHILE)
        return not heard and wakeups(stage) == before

    await_that("the engine sleeps", has_slept)


@on("fastpath", "gthread")
def test_engine_sleeps_beside_a_client_that_is_kept_alive(stage: Stage) -> None:
    stage.record()
    with stage.client() as client:
        client.send(request("GET", "/"))
        assert client.read_answer().status == 200
        await_sleep(stage, client)


@on(*ADOPTING)
def test_engine_sleeps_beside_a_silent_websocket(stage: Stage) -> None:
    stage.play(stays_silent)
    with stage.client() as client:
        client.send(upgrade())
        assert client.read_head().status == 101
        await_sleep(stage, client)


@on(*ADOPTING)
def test_engine_sleeps_beside_a_silent_event_stream(stage: Stage) -> None:
    stage.play(one_event)
    with stage.client() as client:
        client.send(request("GET", "/events"))
        client.read_until(b"data: 1\n\n")
        await_sleep(stage, client)
