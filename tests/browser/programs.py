"""Runs the example's servers for the browser tests, and reads what they print."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.harness.ports import free_port

EXAMPLE = Path(__file__).resolve().parents[2] / "example_project"
DEADLINE = 90.0


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, each of them another one."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


def save(file: Path, text: str, aside: Path) -> None:
    """Save a file at once, as editors do, by way of another one on the same disk. A watcher that
    has read an empty file may take the text that follows for no change."""
    aside.write_text(text)
    aside.replace(file)


class Program:
    """A process whose output is kept, line by line, and can be waited for."""

    def __init__(self, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        self.lines: list[str] = []
        self._name = " ".join(command)
        self._news = threading.Condition()
        self._closed = False
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._closed = True
            self._news.notify_all()

    def matching(self, pattern: str) -> list[str]:
        """Return the lines so far that the regular expression finds something in."""
        with self._news:
            return [line for line in self.lines if re.search(pattern, line)]

    def wait_for(self, pattern: str) -> str:
        """Wait for a line that matches, and return it."""
        with self._news:
            self._news.wait_for(lambda: self._closed or self._finds(pattern), DEADLINE)
            printed = "\n".join(self.lines)
        found = self.matching(pattern)
        assert found, f"{pattern!r} was not printed by {self._name}:\n{printed}"
        return found[0]

    def _finds(self, pattern: str) -> bool:
        return any(re.search(pattern, line) for line in self.lines)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end of the process and of its output, and return the exit code."""
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        assert not self._reader.is_alive(), "some process still holds the output open"
        return code

    def stop(self) -> None:
        """End the process and what it started."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()


class Log:
    """The lines of one of the two servers."""

    def __init__(self, program: Program, prefix: str = "") -> None:
        self._program = program
        self._prefix = prefix

    def wait_for_request(self, path: str, status: int) -> None:
        """Wait until the server has logged a GET of this path with this status."""
        self._program.wait_for(rf'{self._prefix}"GET {re.escape(path)} HTTP/1\.[01]" {status}\b')

    def has_request(self, path: str) -> bool:
        """Tell whether the server has logged a GET of this path, whatever came of it."""
        return bool(self._program.matching(rf'{self._prefix}"GET {re.escape(path)} HTTP/'))


def _pause() -> None:
    threading.Event().wait(0.02)


def wait_until(
    condition: Callable[[], bool], what: str, pause: Callable[[], None] = _pause
) -> None:
    """Wait for something that no event announces, such as the end of a stranger's process."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, what
        pause()
