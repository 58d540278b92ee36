"""Our runserver as its users start it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.harness.django_servers import Program
from tests.harness.raw_client import RawClient
from tests.process.processes import await_that

MIDDLEWARE = [
    "samesite_proxy.middleware.SameSiteProxyMiddleware",
    "django.middleware.common.CommonMiddleware",  # It gives answers their length.
]
APPS = ["samesite_proxy", "django.contrib.staticfiles"]
NO_FRONTEND = "http://127.0.0.1:1"


class Runserver(Program):
    """The command with these options, on a port of its own where they name none."""

    def __init__(self, *options: str, proxy: dict[str, Any] | None = None, **changes: str) -> None:
        environment = {
            "SAMESITE_PROXY": json.dumps({"FRONTEND": NO_FRONTEND} if proxy is None else proxy),
            "TEST_INSTALLED_APPS": json.dumps(APPS),
            "TEST_MIDDLEWARE": json.dumps(MIDDLEWARE),
            "TEST_URLCONF": "tests.fastpath.urls",
            "TEST_SETTINGS": json.dumps({"DATA_UPLOAD_MAX_MEMORY_SIZE": None}),
        }
        arguments = ["-m", "tests.project.manage", "runserver", *options]
        super().__init__("runserver", arguments, {**environment, **changes})

    def await_log(self, words: str, times: int = 1) -> str:
        """The log, once `words` are so often in it."""

        def is_said() -> bool:
            assert self.process.poll() is None or self.log().count(words) >= times, self.log()
            return self.log().count(words) >= times

        await_that(f"{words!r} in the log", is_said)
        return self.log()

    def await_banner(self) -> str:
        """All that is said before the first request."""
        return self.await_log("deployment/")

    @property
    def port(self) -> int:
        found = re.search(r"server at http://\S+:(\d+)/", self.await_banner())
        assert found is not None
        return int(found[1])

    def children(self) -> list[int]:
        return [pid for pid in self.pids() if pid != self.process.pid]

    def interrupt(self) -> int:
        """Ctrl-C goes to every process of a terminal; the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait()

    def await_end(self) -> None:
        await_that("no process is left", lambda: self.pids() == [])


@contextlib.contextmanager
def runserver(
    *options: str, proxy: dict[str, Any] | None = None, **changes: str
) -> Iterator[Runserver]:
    server = Runserver(*options, proxy=proxy, **changes)
    try:
        yield server
    finally:
        server.stop()


def save(file: Path, text: str) -> None:
    """At once: who imports it never finds half of it."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


class Watched:
    """A module of the project that is saved again and again."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "watched_by_the_reloader.py"
        save(self._file, "")
        self.environment = {"PYTHONPATH": str(folder), "TEST_WATCHED_MODULE": self._file.stem}
        if own := os.environ.get("PYTHONPATH"):
            self.environment["PYTHONPATH"] += os.pathsep + own

    def save_until(self, happens: Callable[[], bool], text: str = "") -> None:
        """The reloader does not see a change from before its first look at the files."""

        def saved() -> bool:
            save(self._file, text)
            return happens()

        await_that("the save is noticed", saved)

    def save(self, server: Runserver) -> None:
        """Until a new process serves; the one before has ended."""
        old = server.children()
        banners = server.log().count("deployment/")
        self.save_until(lambda: not set(server.children()) & set(old))
        server.await_log("deployment/", banners + 1)


@contextlib.contextmanager
def several(count: int, port: int) -> Iterator[list[RawClient]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(RawClient(port)) for _ in range(count)]


def ask(
    client: RawClient, method: str, target: str, *lines: str, body: bytes | None = None
) -> None:
    """Send a request on a connection that may be kept alive."""
    fields = ["Host: localhost", *lines]
    if body is not None:
        fields.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *fields])
    client.send(f"{head}\r\n\r\n".encode("latin-1") + (body or b""))
