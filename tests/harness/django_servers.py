"""Real Django servers in processes of their own, each with the test project and our middleware."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.harness.ports import free_port

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0


def _gunicorn(*options: str) -> Callable[[int], list[str]]:
    def command(port: int) -> list[str]:
        return [
            "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1",
            "--no-control-socket",  # Which it opens some time after its start.
            "--log-level", "info", *options, "tests.project.wsgi:application",
        ]  # fmt: skip

    return command


def _runserver(port: int) -> list[str]:
    return ["-m", "tests.project.manage", "runserver", "--noreload", f"127.0.0.1:{port}"]


def _runserver_plus(port: int) -> list[str]:
    return ["-m", "tests.project.manage", "runserver_plus", f"127.0.0.1:{port}"]


def _simple_server(port: int) -> list[str]:
    return ["-m", "tests.project.simple_server", str(port)]


def _waitress(port: int) -> list[str]:
    return [
        "-m", "waitress", f"--listen=127.0.0.1:{port}", "--threads=8",
        "tests.project.wsgi:application",
    ]  # fmt: skip


def _granian(port: int) -> list[str]:
    return [
        "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--no-ws", "--http", "1", "--blocking-threads", "8", "tests.project.wsgi:application",
    ]  # fmt: skip


COMMANDS: dict[str, Callable[[int], list[str]]] = {
    "runserver": _runserver,
    "fastpath": _runserver,
    "runserver_plus": _runserver_plus,
    "simple_server": _simple_server,
    "sync": _gunicorn("--worker-class", "sync"),
    "gthread": _gunicorn("--worker-class", "gthread", "--threads", "8"),
    "gevent": _gunicorn("--worker-class", "gevent"),
    "waitress": _waitress,
    "granian": _granian,
}

# What a kind's project has beyond the others', unless a test says otherwise.
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "fastpath": {"TEST_INSTALLED_APPS": '["samesite_proxy", "django.contrib.staticfiles"]'},
    "runserver_plus": {
        "TEST_INSTALLED_APPS": '["django.contrib.staticfiles", "django_extensions"]'
    },
}


class Program:
    """A Python program with the test project at hand. `log()` is what it has printed so far."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: dict[str, str],
        *,
        python: str | Path = sys.executable,
        folder: Path = ROOT,
    ) -> None:
        self.name = name
        self._log = tempfile.NamedTemporaryFile(prefix=f"{name}-", suffix=".log")  # noqa: SIM115
        self.process = subprocess.Popen(
            [python, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def log(self) -> str:
        return Path(self._log.name).read_text(errors="replace")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = DEADLINE) -> int:
        return self.process.wait(seconds)

    def pids(self) -> list[int]:
        """The program's processes, by their session."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid and fields[0] != "Z":
                    found.append(int(stat.parent.name))
        return found

    def await_listener(self, port: int, words: str = "") -> None:
        """Until somebody listens, and these words are in the log."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                if words in self.log():
                    return
            time.sleep(0.05)  # Between looks, until the deadline.
        log = self.log()
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{log}")

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        self._log.close()


class DjangoServer(Program):
    """One running server."""

    def __init__(
        self,
        kind: str,
        settings: dict[str, Any],
        options: Sequence[str] = (),
        **environment: str,
    ) -> None:
        self.kind = kind
        self.port = free_port()
        own = {
            "SAMESITE_PROXY": json.dumps(settings),
            # Which it prints some time after it has begun to answer.
            "DJANGO_RUNSERVER_HIDE_WARNING": "true",
            **ENVIRONMENTS.get(kind, {}),
        }
        command = [*COMMANDS[kind](self.port), *options]
        super().__init__(kind, command, {**own, **environment})
        # Its own words tell that the checks are over: the fast path listens long before.
        self.await_listener(self.port, "Quit the server" if "runserver" in command else "")


@contextlib.contextmanager
def serving(
    kind: str, settings: dict[str, Any], options: Sequence[str] = (), **environment: str
) -> Iterator[DjangoServer]:
    """A server until the end of the block; `options` are more of its command line."""
    server = DjangoServer(kind, settings, options, **environment)
    try:
        yield server
    finally:
        server.stop()
