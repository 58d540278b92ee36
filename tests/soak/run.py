"""The load, in parts; between them the server comes to rest and is looked at."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fastpath.commands import Runserver
from tests.harness.django_servers import DjangoServer
from tests.soak import servers
from tests.soak.client import Client
from tests.soak.figures import MIB, Processes, Rest
from tests.soak.identity import USERS
from tests.soak.journal import Journal
from tests.soak.report import Outcome
from tests.soak.streams import Streams
from tests.soak.verdict import Verdict
from tests.soak.work import ask_once

CLIENTS = 24
EVENT_STREAMS = 12
SOCKETS = 6
SLOW_SOCKETS = 2
TOLD_EVERY = 5.0
LAST_WORDS = 2000

# A part of the load is never longer, so that a long soak has many rests.
PART_MOST = 60.0


@dataclass(frozen=True)
class Plan:
    way: str
    seconds: float
    rate: float
    save_every: float
    restart_every: float
    parts_least: int = 3

    def parts(self) -> list[float]:
        """Seconds of each part of the load; the first one is the warm-up."""
        count = max(self.parts_least, round(self.seconds / PART_MOST))
        return [self.seconds / count] * count


def cookie_of(port: int, user: str) -> str:
    """Of one who has logged in."""
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    connection.request("GET", f"/api/in/{user}/")
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    session = (answer.getheader("Set-Cookie") or "").partition(";")[0]
    connection.close()
    return f"user={user}; {session}"


def tracebacks_in(log: str) -> Counter[str]:
    """How often each has been said, by its last line and the one before."""
    found = re.findall(r"^Traceback .*\n(?:[ \n].*\n)*(  .*\n\S.*)", log, re.MULTILINE)
    return Counter(" <- ".join(reversed(words.split("\n"))) for words in found)


class Soak:
    """One server, its frontend, and what is done to both."""

    def __init__(self, plan: Plan, folder: Path, ending: contextlib.ExitStack) -> None:
        self.plan = plan
        self.verdict = Verdict(Journal(folder / "journal"))
        ending.callback(self.verdict.close)
        self.rests: list[Rest] = []
        self.loaded = 0.0
        self._frontend = servers.Frontend(folder)
        ending.callback(self._frontend.stop)
        self._watched = servers.Watched(folder)
        self.server: Runserver | DjangoServer = servers.start(
            plan.way, folder, self._frontend, self._watched
        )
        ending.callback(self.server.stop)
        self._processes = Processes(self.server.pids, self.server.process.pid)
        self._port = self.server.port
        self._cookies = {user: cookie_of(self._port, user) for user in USERS}
        self._held: list[asyncio.Task[None]] = []
        self._begun = self._turn = self._until = 0.0
        self._is_stopped = False

    def stop(self) -> None:
        """What is under way is still judged."""
        self._is_stopped = True
        self._until = 0.0

    def _seconds(self) -> float:
        """Under load, up to now."""
        return self.loaded + time.monotonic() - self._begun

    def is_loaded(self) -> bool:
        return time.monotonic() < self._until

    async def _work(self, user: str) -> None:
        client = Client(self._port)
        while self.is_loaded():
            await self._next_turn()
            await ask_once(self.verdict, client, user, self._cookies[user])
        client.close()

    async def _next_turn(self) -> None:
        """The turns of all clients are spread evenly; who is late makes up for nothing."""
        now = time.monotonic()
        self._turn = max(self._turn + 1 / self.plan.rate, now - 0.1)
        await asyncio.sleep(max(self._turn - now, 0))

    def _save(self) -> None:
        assert isinstance(self.server, Runserver)
        self.verdict.saves.begin()
        try:
            self._watched.save(self.server)
        finally:
            self.verdict.saves.end()

    def _restart(self) -> None:
        self.verdict.restarts.begin()
        try:
            self._frontend.restart()
        finally:
            self.verdict.restarts.end()

    async def _each(self, name: str, seconds: float, does: Callable[[], None]) -> None:
        """Again and again, by the time under load: its parts may be shorter."""
        while self.is_loaded():
            await asyncio.sleep(0.1)
            if self._seconds() >= seconds * (self.verdict.faults[name] + 1):
                try:
                    await asyncio.to_thread(does)
                except RuntimeError as error:
                    self.verdict.fail("stuck", str(error))
                self.verdict.faults[name] += 1

    async def _tell(self) -> None:
        begin, before = time.monotonic(), self.verdict.requests
        while self.is_loaded():
            await asyncio.sleep(min(TOLD_EVERY, max(self._until - time.monotonic(), 0)))
            if self._has_ended():
                return
            self.verdict.read_journal()
            rate = (self.verdict.requests - before) / max(time.monotonic() - begin, 0.1)
            self._say(rate)
            begin, before = time.monotonic(), self.verdict.requests

    def _has_ended(self) -> bool:
        """A server that is there no more would be found by each request anew."""
        code = self.server.process.poll()
        if code is not None and not self._is_stopped:
            last = self.server.log()[-LAST_WORDS:]
            self.verdict.fail("ended", f"the server, with exit code {code}:\n{last}")
            self.stop()
        return code is not None

    def _say(self, rate: float) -> None:
        verdict = self.verdict
        faults = ", ".join(f"{count} {name}" for name, count in verdict.faults.items())
        memory = "+".join(f"{each.memory / MIB:.0f}" for each in self._processes.looks().values())
        print(
            f"soak: {self._seconds():.0f}/{self.plan.seconds:.0f} s  {verdict.requests:,} requests "
            f"{rate:.0f}/s  {len(self._held)} streams  {faults}  {memory} MiB  "
            f"{sum(verdict.wrong.values())} wrong",
            flush=True,
        )

    def _streams(self) -> Iterator[asyncio.Task[None]]:
        for index in range(EVENT_STREAMS + SOCKETS + SLOW_SOCKETS):
            cookie = self._cookies[USERS[index % len(USERS)]]
            streams = Streams(self.verdict, self._port, cookie, self.is_loaded)
            if index < EVENT_STREAMS:
                yield asyncio.create_task(streams.follow_events())
            else:
                is_slow = index >= EVENT_STREAMS + SOCKETS
                yield asyncio.create_task(streams.hold_sockets(is_slow=is_slow))

    async def load(self, seconds: float) -> None:
        self._begun = self._turn = time.monotonic()
        self._until = self._begun + seconds
        users = [USERS[index % len(USERS)] for index in range(CLIENTS)]
        self._held = list(self._streams())
        tasks = [asyncio.create_task(self._work(user)) for user in users]
        tasks.append(asyncio.create_task(self._tell()))
        restart, save = self.plan.restart_every, self.plan.save_every
        tasks.append(asyncio.create_task(self._each("restarts", restart, self._restart)))
        if self.plan.way == "runserver":
            tasks.append(asyncio.create_task(self._each("saves", save, self._save)))
        await asyncio.gather(*tasks, *self._held)
        self.loaded = self._seconds()

    async def rest(self, a_request: float) -> None:
        self.verdict.settle()
        if self._has_ended():
            return
        looks = await asyncio.to_thread(self._processes.settled)
        idle = await asyncio.to_thread(self._processes.idle)
        self.rests.append(Rest(self.loaded, self.verdict.requests, looks, idle, a_request))

    async def run(self) -> None:
        for seconds in self.plan.parts():
            if self._is_stopped:
                break
            before, requests = self._processes.wakeups(), self.verdict.requests
            await self.load(seconds)
            after = self._processes.wakeups()
            woken = sum(after[pid] - before[pid] for pid in after if pid in before)
            await self.rest(woken / max(self.verdict.requests - requests, 1))

    def outcome(self) -> Outcome:
        tracebacks = tracebacks_in(self.server.log())
        return Outcome(self.plan.way, self.loaded, self.verdict, self.rests, tracebacks)


async def soak(plan: Plan, folder: Path) -> Outcome:
    """Ctrl-C ends it with what there is so far."""
    with contextlib.ExitStack() as ending:
        running = await asyncio.to_thread(Soak, plan, folder, ending)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, running.stop)
        await running.run()
        return running.outcome()
