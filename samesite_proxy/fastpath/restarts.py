"""The reloader's parent: it outlives every end of its child, and starts the next one at a save."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from django.utils import autoreload

# Between two looks, as Django's own reloader has it.
SECONDS_BETWEEN_LOOKS = 1.0
# The exit code by which a child asks for the next one.
RELOAD = 3

Times = dict[Path, int]


def files() -> list[str]:
    """What this process is made of, but for what is installed."""
    installed = tuple(sysconfig.get_paths().values())
    found = map(str, autoreload.iter_all_python_module_files())
    return [name for name in found if not name.startswith(installed)]


def _times(names: Iterable[str]) -> Times:
    """When each was saved, and its neighbours too: what a process did not live to import, and its
    traceback names, is among them.
    """
    times: Times = {}
    for folder in {Path(name).parent for name in names}:
        for path in folder.glob("*.py"):
            with contextlib.suppress(OSError):  # It has gone since.
                times[path] = path.stat().st_mtime_ns
    return times


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


class Restarts:
    """In place of Django's restart_with_reloader, while the door is open."""

    def __init__(self, reported: Callable[[], list[str]], say: Callable[[str], object]) -> None:
        self._reported = reported
        self._say = say
        self._since = 0

    def run(self) -> NoReturn:
        """Until this process is told to end."""
        environment = {**os.environ, autoreload.DJANGO_AUTORELOAD_ENV: "true"}
        command = autoreload.get_child_arguments()
        while True:
            self._since = time.time_ns()
            before = self._look()
            code = subprocess.run(command, env=environment, close_fds=False).returncode
            if code != RELOAD:
                self._say(
                    f"Django's process has ended ({_in_words(code)}). The frontend's requests are"
                    " answered as before; Django starts again when a file of the project is saved."
                )
                self._await_save(before)

    def _look(self) -> Times:
        return _times([*files(), *self._reported()])

    def _await_save(self, before: Times) -> None:
        """A save while the process started is one too."""
        while not self._is_saved(before, self._look()):
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _is_saved(self, before: Times, now: Times) -> bool:
        return any(at != before.get(path, at) or at > self._since for path, at in now.items())


def _await_other_parent(parent: int) -> NoReturn:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def end_with_parent() -> None:
    """End this process after the one that started it, in whatever way that has ended."""
    arguments = (os.getppid(),)
    threading.Thread(target=_await_other_parent, args=arguments, daemon=True).start()
