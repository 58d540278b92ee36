"""At which moment of a runserver's life something of it is ended, and what."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from samesite_proxy.frontend_process import watcher
from tests.fastpath.commands import Runserver, Watched, ask
from tests.frontend_process.projects import program_of
from tests.harness.raw_client import RawClient
from tests.process.processes import await_that


def started_by(server: Runserver, words: str) -> list[int]:
    """Its processes with these words in their command line, the oldest first."""
    found = watcher.descendants(server.process.pid)
    return sorted(pid for pid in found if words in program_of(pid))


def kill(pids: list[int]) -> bool:
    """In one instant, as far as a process can."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(pids)


# Processes of ours, and of npm's, by what can be killed of them.
NPM = "npm run dev"
NODE = "node server.mjs"


def _some(*words: str, first: int = 0, last: int | None = None) -> Callable[[Runserver], bool]:
    def strike(server: Runserver) -> bool:
        found = [pid for each in words for pid in started_by(server, each)]
        return kill(found[first:last])

    return strike


def _all_of_ours(server: Runserver) -> bool:
    ours = started_by(server, "watcher.py")
    return len(ours) == 2 and kill([*ours, server.process.pid])


def _both_watchers(server: Runserver) -> bool:
    ours = started_by(server, "watcher.py")
    return len(ours) == 2 and kill(ours)


def _sent(number: signal.Signals) -> Callable[[Runserver], bool]:
    def strike(server: Runserver) -> bool:
        server.signal(number)
        return True

    return strike


def press(server: Runserver) -> bool:
    """Ctrl-C: to each process of the terminal."""
    os.killpg(server.process.pid, signal.SIGINT)
    return True


def _press_twice(server: Runserver) -> bool:
    with contextlib.suppress(ProcessLookupError):
        press(server)
        time.sleep(0.05)
        press(server)
    return True


ENDING: dict[str, Callable[[Runserver], bool]] = {
    "Ctrl-C": press,
    "Ctrl-C twice": _press_twice,
    "SIGTERM": _sent(signal.SIGTERM),
    "SIGKILL": _sent(signal.SIGKILL),
    "all of ours at once": _all_of_ours,
}
OF_THE_FRONTEND: dict[str, Callable[[Runserver], bool]] = {
    "the first watcher": _some("watcher.py", last=1),
    "the second watcher": lambda server: (
        len(found := started_by(server, "watcher.py")) == 2 and kill(found[1:])
    ),
    "both watchers": _both_watchers,
    "npm": _some(NPM),
    "node": _some(NODE, last=1),
}
STRIKES = ENDING | OF_THE_FRONTEND | {"Django's process": lambda server: kill(server.children())}


class Moments:
    """Each brings a runserver there, and may be asked for any share of a second behind it."""

    def __init__(self, server: Runserver, watched: Watched) -> None:
        self._server = server
        self._watched = watched
        self._clients: list[RawClient] = []

    def _up(self) -> None:
        self._server.await_log(": up at ")
        self._server.await_banner()

    def start(self) -> None:
        self._server.await_log("frontend: starting")

    def up(self) -> None:
        self._up()

    def reload(self) -> None:
        self._up()
        before = self._server.children()
        self._watched.save_until(lambda: set(self._server.children()) != set(before))

    def wait(self) -> None:
        """Between a crash and the next start."""
        self._up()
        await_that("node is killed", lambda: _some(NODE, last=1)(self._server))
        self._server.await_log("frontend: started again in 1 s")

    def held(self) -> None:
        self.wait()
        client = RawClient(self._server.port)
        self._clients.append(client)
        ask(client, "GET", "/held")

    def close(self) -> None:
        for client in self._clients:
            client.close()

    ALL = ("start", "up", "reload", "wait", "held")
