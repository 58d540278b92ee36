"""Django behind each way in, and a frontend that is killed and started again at the same port."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Protocol

import tests.asgi.servers  # noqa: F401  It adds those of ASGI to COMMANDS.
from tests.fastpath.commands import Runserver, save
from tests.harness.django_servers import DjangoServer, Program
from tests.harness.ports import free_port
from tests.soak import journal

PROJECT = {
    "TEST_URLCONF": "tests.soak.views",
    "TEST_MIDDLEWARE": json.dumps(
        [
            "samesite_proxy.middleware.SameSiteProxyMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
        ]
    ),
    "TEST_SETTINGS": json.dumps({"DATA_UPLOAD_MAX_MEMORY_SIZE": None}),
}
# A kept connection must not end while its client is about to use it again.
PATIENT = {
    "gthread": ("gthread", ["--keep-alive", "75"]),
    "uvicorn": ("uvicorn front", ["--timeout-keep-alive", "75"]),
}
WAYS = ("runserver", *PATIENT)
SAVED = "watched_by_the_reloader"
DEADLINE = 30.0
# The reloader looks each second, and a process that ends waits for its views.
SEEN_AFTER = 5.0


class Server(Protocol):
    """What the soak needs of a server's program."""

    @property
    def port(self) -> int: ...
    @property
    def process(self) -> object: ...
    def pids(self) -> list[int]: ...
    def log(self) -> str: ...
    def stop(self) -> None: ...


class Frontend:
    """The frontend's process, at one port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._environment = {journal.VARIABLE: str(folder / "journal")}
        self._start()

    def _start(self) -> None:
        options = ["--port", str(self.port), "--log-level", "critical", "--backlog", "512"]
        arguments = ["-m", "uvicorn", "tests.soak.frontend:application", *options]
        self._program = Program("frontend", arguments, self._environment)
        self._program.await_listener(self.port)

    def restart(self) -> None:
        """Killed: whatever it was about to say is not said."""
        self._program.stop()
        self._start()

    def stop(self) -> None:
        self._program.stop()


class Watched:
    """A module of the project's, of which each save begins a new process of runserver's."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"{SAVED}.py"
        save(self._file, "")
        self.environment = {"PYTHONPATH": str(folder), "TEST_WATCHED_MODULE": SAVED}

    def save(self, server: Runserver) -> None:
        """Until the process of before has ended, which does not see what was saved before it had
        looked at the files for the first time."""
        old = set(server.children())
        begun = saved = time.monotonic()
        save(self._file, f"# {begun}\n")
        while set(server.children()) & old:
            now = time.monotonic()
            if now > begun + DEADLINE:
                raise RuntimeError("runserver does not notice a save")
            if now > saved + SEEN_AFTER:
                save(self._file, f"# {now}\n")
                saved = now
            time.sleep(0.1)  # Between looks, until the deadline.


def start(way: str, folder: Path, frontend: Frontend, watched: Watched) -> Runserver | DjangoServer:
    proxy = {"FRONTEND": f"http://127.0.0.1:{frontend.port}"}
    own = {**PROJECT, journal.VARIABLE: str(folder / "journal")}
    if way == "runserver":
        server = Runserver("0", proxy=proxy, **own, **watched.environment)
        server.await_banner()
        return server
    kind, options = PATIENT[way]
    return DjangoServer(kind, proxy, options, **own)
