"""The reloader's parent: it outlives every end of its child, and starts the next one at a save."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

from django.utils import autoreload

from samesite_proxy import background
from samesite_proxy.fastpath import interrupts, project_files
from samesite_proxy.fastpath.listener import FastPath
from samesite_proxy.fastpath.project_files import Times
from samesite_proxy.fastpath.telling import tell

# Between two looks, as Django's own reloader has it.
SECONDS_BETWEEN_LOOKS = 1.0
# The exit code by which a child asks for the next one.
RELOAD = 3
# Starts one after the other that nobody need have saved anything for.
MOST_AT_ONCE = 5


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


@contextlib.contextmanager
def _shared_end() -> Iterator[int]:
    """A descriptor for a child, which learns by it that this process has ended."""
    inherited, kept = os.pipe()
    try:
        os.set_inheritable(inherited, True)
        yield inherited
    finally:
        os.close(inherited)
        os.close(kept)


def _end_with_us(child: int, inherited: int) -> None:
    """The kernel kills the child as soon as this process has ended, however that may be, and
    wherever the child is: in settings that do not end, or before any code of ours.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(inherited, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(inherited, fcntl.F_SETOWN, child)
        fcntl.fcntl(inherited, fcntl.F_SETFL, os.O_ASYNC)


class Restarts:
    """In place of Django's restart_with_reloader, while the listener is open."""

    def __init__(self, listener: FastPath, say: Callable[[str], object]) -> None:
        self._listener = listener
        self._say = say
        self._since = 0
        self._at_once = 0  # how often, one after the other

    def run(self) -> NoReturn:
        """Until this process is told to end."""
        while True:
            self._since = time.time_ns()
            before = project_files.times(self._names())
            self._listener.child_starts()
            code = self._run_child()
            if code == RELOAD:
                self._at_once = 0
            else:
                self._listener.child_has_ended()
                self._await_save(before, code)

    def _run_child(self) -> int:
        environment = {**os.environ, autoreload.DJANGO_AUTORELOAD_ENV: "true"}
        command = autoreload.get_child_arguments()
        with _shared_end() as inherited:
            with interrupts.held_back():
                child = subprocess.Popen(command, env=environment, close_fds=False)
                _end_with_us(child.pid, inherited)
            with child:
                try:
                    return child.wait()
                except BaseException:
                    child.kill()
                    raise

    def _tell(self, code: int) -> None:
        as_before = (
            " The frontend's requests are answered as before;" if self._listener.is_known else ""
        )
        words = (
            f"Django's process has ended ({_in_words(code)}).{as_before} Django starts again when a"
            " file of the project is saved."
        )
        tell(self._say, words)

    def _names(self) -> list[str]:
        return [*project_files.loaded(), *self._listener.files()]

    def _await_save(self, before: Times, code: int) -> None:
        """A save while the process started is one too, unless it saves something each time."""
        names = self._names()
        known = project_files.times(names)
        is_saved = self._at_once < MOST_AT_ONCE and any(
            at > self._since or at != before.get(path, at) for path, at in known.items()
        )
        self._at_once = self._at_once + 1 if is_saved else 0
        self._tell(code)
        while not is_saved:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            if names != (names := self._names()):  # What it said last has come.
                known = {**project_files.times(names), **known}
            is_saved = project_files.times(names) != known


def end_by(error: BaseException) -> NoReturn:
    """End this process as this error would in its main thread."""
    code: object = 1
    if isinstance(error, SystemExit):
        code = error.code or 0
    else:
        arguments = (type(error), error, error.__traceback__, threading.current_thread())
        with contextlib.suppress(OSError, ValueError):  # Nobody reads it any more.
            threading.excepthook(threading.ExceptHookArgs(arguments))
    if not isinstance(code, int):
        tell(sys.stderr.write, f"{code}\n")
        code = 1
    for written in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            written.flush()
    os._exit(code)


def _await_other_parent(parent: int) -> NoReturn:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def end_with_parent() -> None:
    """End this process after the one that started it, in whatever way that has ended."""
    background.Thread(_await_other_parent, os.getppid()).start()
