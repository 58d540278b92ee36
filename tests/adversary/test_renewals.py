"""Processes that fork, and that are replaced, while others ask: nobody notices."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adversary.ways import EVERY_WAY
from tests.adversary.witness import Witness, answer_of
from tests.harness.http_requests import Request
from tests.harness.raw_client import Broken, RawClient
from tests.process.numbers import asked, body_of
from tests.process.processes import await_that
from tests.process.renewals import Watched, reload_workers
from tests.process.servers import ENVIRONMENT
from tests.traffic.stage import Stage, on, request

CLIENTS = 3
FORKS, RELOADS = 4, 2
# A worker that goes ends the connections that it keeps for clients, as any server may.
ENDS_KEPT_ONES = ("gthread", "gunicorn front")


def answering(asked: Request) -> bytes:
    """Its identity; what a process that forks asks for is compared there."""
    if not asked.target.startswith("/n/"):
        return answer_of(asked)
    body = body_of(asked.target.rpartition("/")[2])
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Crowd:
    """Clients that ask one thing after the other, each in its own name: the frontend and Django."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._numbers = itertools.count()
        self._stopping = threading.Event()
        self.answered: list[str] = []
        self.odd: list[str] = []

    def _client(self, client: RawClient) -> Iterator[bool]:
        """One connection's requests, until one ends it."""
        for number in self._numbers:
            method, body = [("GET", b""), ("POST", b"x" * 3000)][number % 2]
            target = "/api/process/" if number % 5 == 0 else f"/asked-{number}"
            method = "GET" if target.startswith("/api") else method
            is_last = number % 3 == 0 or self._stage.kind in ENDS_KEPT_ONES
            lines = ["Connection: close"] if is_last else []
            client.send(request(method, target, *lines, body=body if method == "POST" else b""))
            answer = client.read_answer()
            if answer.status != 200:
                self.odd.append(f"{method} {target}: {answer.status} {answer.body[:200]!r}")
            elif target.startswith("/asked"):
                self.answered.append(f"{method} {target}")
                if answer.body != f"{method} {target}".encode():
                    self.odd.append(f"{method} {target}: {answer.body[:200]!r}")
            if is_last or (answer.get("Connection") or "").lower() == "close":
                return
            yield True

    def _ask(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._stage.client() as client:
                    for _ in self._client(client):
                        if self._stopping.is_set():
                            return
            except (Broken, OSError) as error:
                self.odd.append(repr(error))

    def await_more(self, count: int) -> None:
        goal = len(self.answered) + count
        await_that("more answers", lambda: len(self.answered) >= goal)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()


def told_twice_or_never(witness: Witness, answered: list[str]) -> dict[str, int]:
    """What the frontend has not heard once, as it must have what was answered."""
    heard = Counter(f"{seen.method} {seen.target}" for seen in witness.arrived())
    return {what: heard[what] for what in {*heard, *answered} if heard[what] != 1}


def fork(stage: Stage, name: str) -> None:
    """Parent and child ask the frontend at once."""
    answer = asked(stage.port, f"/api/fork/?name={name}")
    assert answer.status == 200, answer
    told = json.loads(answer.body)
    assert told.pop("status") == 0
    assert told == {who: body_of(f"{who}-{name}").decode() for who in told}


@on(*EVERY_WAY, **ENVIRONMENT)
def test_forks_amid_traffic_are_nobody_elses_trouble(stage: Stage) -> None:
    witness, crowd = Witness(answering), Crowd(stage)
    stage.play(witness)
    with crowd.asking():
        for number in range(FORKS):
            fork(stage, str(number))
            crowd.await_more(5)
    assert crowd.odd == []
    assert told_twice_or_never(witness, crowd.answered) == {}


@pytest.mark.parametrize("kind", ["reloading-fastpath", "sync", "gthread", "gunicorn front"])
def test_reloads_amid_traffic_lose_and_double_nothing(kind: str, tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    given = {**ENVIRONMENT, **watched.environment}
    with contextlib.closing(Stage(kind, {}, given)) as stage:
        witness, crowd = Witness(answering), Crowd(stage)
        stage.play(witness)
        with crowd.asking():
            for _ in range(RELOADS):
                crowd.await_more(10)
                if kind == "reloading-fastpath":
                    watched.save_until_restart(stage.server)
                else:
                    reload_workers(stage.server)
            crowd.await_more(10)
        assert crowd.odd == []
        assert told_twice_or_never(witness, crowd.answered) == {}
        stage.finish()
