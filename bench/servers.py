"""Starts servers pinned to a core, and stops them whatever happens."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

START_TIMEOUT = 20.0
STOP_TIMEOUT = 2.0
LOG_LINES = 20
# What our runserver prints where it would answer everything in Python after all.
IS_OFF = "The fast path is off"


class ServerFailed(Exception):
    """A server did not start, or answered something else than 200."""


@dataclass(frozen=True)
class Server:
    """A running server and where it listens."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    certificate: Path | None = None  # It speaks TLS with this one.
    files: Path | None = None  # What it serves.

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.address}"

    def connection(self) -> http.client.HTTPConnection:
        if self.certificate is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_TIMEOUT)
        context = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=START_TIMEOUT, context=context
        )

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "\n".join(f"  {self.name}: {line}" for line in lines)

    def status_of(self, path: str) -> int | None:
        """Ask once; None while nothing listens, or what did so ended: Vite tries a port first."""
        connection = self.connection()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (ConnectionRefusedError, ConnectionResetError):
            return None
        except (OSError, http.client.HTTPException) as error:
            raise ServerFailed(f"{self.name}: {error!r}\n{self.log_tail()}") from error
        finally:
            connection.close()

    def wait_until_it_answers(self, path: str) -> None:
        """Return when the path is answered with 200, or raise with the end of the log."""
        deadline = time.monotonic() + START_TIMEOUT
        status = None
        while status is None:
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.name} ended at once\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} does not answer\n{self.log_tail()}")
            status = self.status_of(path)
            if status is None:
                time.sleep(0.02)
        if status != 200:
            raise ServerFailed(f"{self.name}: {path} answered {status}\n{self.log_tail()}")
        if IS_OFF in self.log.read_text(errors="replace"):
            raise ServerFailed(f"{self.name} has no fast path\n{self.log_tail()}")


def free_port() -> int:
    """Let the kernel choose a port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def pinned(command: Sequence[str], cpu: int) -> list[str]:
    """Run a command on one CPU; it is told to end should the benchmark be killed."""
    prefix = ["taskset", "-c", str(cpu)]
    if shutil.which("setpriv"):
        prefix = ["setpriv", "--pdeathsig", "TERM", *prefix]
    return [*prefix, *command]


def signal_sessions(processes: Sequence[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    """Send a signal to all processes of the servers' sessions."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End all servers together: kindly first, then whatever is left of their sessions."""
    signal_sessions(processes, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0, deadline - time.monotonic()))
    signal_sessions(processes, signal.SIGKILL)
    for process in processes:
        process.wait()


class Servers:
    """A group of servers that live as long as the block that holds them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        stop(self._processes)

    def folder(self, name: str) -> Path:
        """Make a folder for one server's files."""
        folder = self._folder / f"{len(self._processes)}-{name.replace(' ', '-')}"
        folder.mkdir(parents=True)
        return folder

    def start(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        port: int,
        cpu: int,
        environment: dict[str, str] | None = None,
        certificate: Path | None = None,
        files: Path | None = None,
    ) -> Server:
        """Start a server in a session of its own, so that Ctrl-C reaches only the benchmark."""
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                pinned(command, cpu),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(folder), **(environment or {})},
                start_new_session=True,
            )
        self._processes.append(process)
        return Server(name, process, port, log, certificate, files)
