"""One start of a frontend: its processes, its output, and where it listens."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from samesite_proxy import background
from samesite_proxy.conf.commands import Command
from samesite_proxy.fastpath import forks
from samesite_proxy.frontend_process import marks, watcher
from samesite_proxy.frontend_process.output import Output
from samesite_proxy.frontend_process.sharing import Share

# A little more than its processes have to end.
SECONDS_TO_END = watcher.SECONDS + 1.5
# Of what is inherited, what is runserver's alone.
OWN_PREFIX = "SAMESITE_PROXY_"


def environment_of(command: Command, port: int | None, origin: str) -> dict[str, str]:
    inherited = {name: it for name, it in os.environ.items() if not name.startswith(OWN_PREFIX)}
    inherited.pop("RUN_MAIN", None)
    if origin:
        inherited["DJANGO_ORIGIN"] = origin
    if port is not None:
        inherited["PORT"] = str(port)
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        inherited["FORCE_COLOR"] = "1"  # Its output is a pipe, which is shown at our terminal.
    return {**inherited, **dict(command.environment)}


# Debuggers go along with a Python that is started: the watcher would wait for somebody to attach to
# it. They see a shell, which becomes that Python.
BY_SHELL = ("/bin/sh", "-c", 'exec "$@"', "sh")


class Attempt:
    """From the start of a frontend to the end of all of its processes."""

    def __init__(
        self,
        command: Command,
        port: int | None,
        environment: dict[str, str],
        share: Share,
        take: Callable[[str], None],
    ) -> None:
        self.began = time.monotonic()
        ours, theirs = socket.socketpair()
        self._lifeline = forks.own(ours)
        read, write = os.pipe()
        what = json.dumps(command.arguments(port))
        program = [*BY_SHELL, sys.executable, "-I", "-S", watcher.__file__, what]
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                program, stdin=theirs.fileno(), stdout=write, stderr=write, cwd=command.folder,
                env={**environment, marks.VARIABLE: share.mark}, pass_fds=[share.descriptor],
                start_new_session=True,
            )  # fmt: skip
        except BaseException:
            os.close(read)
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(write)
        self._output = Output(read, take)
        self.has_ended = threading.Event()
        background.Thread(self._read, read).start()
        background.Thread(self._end_orphans, share.mark).start()

    def _read(self, pipe: int) -> None:
        """Whose end comes when no process is left."""
        try:
            self._output.read()
        finally:
            os.close(pipe)
            self.has_ended.set()

    def _end_orphans(self, mark: str) -> None:
        """Whose watchers have been killed; there are none after any other end."""
        self._process.wait()
        marks.end_all(mark)

    def pids(self) -> set[int]:
        return watcher.descendants(self._process.pid)

    def code(self) -> int:
        """The exit code of the command, as a shell tells it."""
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def ask_to_end(self) -> None:
        self._lifeline.close()

    def await_end(self) -> None:
        self.has_ended.wait(SECONDS_TO_END)
