"""A server without a descriptor to spare: it says so or waits, loses nothing, and comes back."""

from __future__ import annotations

import contextlib
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adversary.ways import victim_is_answered_right
from tests.adversary.witness import VICTIM, Witness, answer_of
from tests.harness.http_requests import Request
from tests.harness.raw_client import Broken
from tests.process.processes import await_that, descriptors
from tests.traffic.stage import DEADLINE, Stage, on, request

CLIENTS = 40
# gunicorn's workers end where they cannot accept a client.
WAYS = ("fastpath", "uvicorn front")
SPARE = [0, 1, 2, 3, 5, 9]


def highest_descriptor(pid: int) -> int:
    return max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir())


@contextlib.contextmanager
def short_of_descriptors(pids: list[int], spare: int) -> Iterator[None]:
    before = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
    for pid, (_, most) in before.items():
        limit = min(most, highest_descriptor(pid) + 1 + spare)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, most))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


class Holding:
    """Answers once all may go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, asked: Request) -> bytes:
        if not asked.target.startswith(VICTIM):
            assert self.go_on.wait(DEADLINE)
        return answer_of(asked)


def crowd(stage: Stage, spare: int) -> list[int]:
    """What each of many clients is told, 0 where it is cut; some come while nothing is left."""
    holding = Holding()
    stage.play(Witness(holding))
    told = []
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(stage.client()) for _ in range(CLIENTS)]
        for client in clients[::2]:  # The others may not be accepted yet.
            client.send(request("GET", VICTIM))
            assert client.read_answer().status == 200
        with short_of_descriptors(stage.server.pids(), spare):
            for number, client in enumerate(clients):
                client.send(request("GET", f"/{number}", "Connection: close"))
            holding.go_on.wait(0.3)  # As long as those that can be answered at once take.
        holding.go_on.set()
        for number, client in enumerate(clients):
            try:
                answer = client.read_answer()
            except Broken:
                told.append(0)
                continue
            told.append(answer.status)
            assert answer.status != 200 or answer.body == f"GET /{number}".encode()
    return told


@on(*WAYS)
@pytest.mark.parametrize("spare", [pytest.param(SPARE, id="spare")])
def test_server_without_descriptors_recovers_and_mixes_nothing_up(
    stage: Stage, spare: list[int]
) -> None:
    stage.play(Witness())
    assert all(victim_is_answered_right(stage) for _ in range(10))
    pids = stage.server.pids()
    before = [len(descriptors(pid)) for pid in pids]
    for each in spare:
        told = crowd(stage, each)
        assert set(told) <= {200, 503, 0, 500}, told
        assert told.count(200) >= min(each, 1)
        assert victim_is_answered_right(stage)
    stage.play(Witness())
    assert victim_is_answered_right(stage)
    await_that(
        "nothing is left open",
        lambda: all(len(descriptors(p)) <= b + 3 for p, b in zip(pids, before, strict=True)),
    )
