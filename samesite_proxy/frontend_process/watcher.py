"""Ends a frontend with everything that it has started, as soon as runserver has ended.

A program of its own, in a session of its own, which uses the standard library alone. Its standard
input has one writer, runserver's process: its end is the end of that one, whatever ended it. The
program is two processes, of which the second starts the frontend and each ends what the other
leaves behind, so that neither can be killed without that. Where both are, in the same instant, the
kernel of Linux ends the frontend's process group.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

PR_SET_CHILD_SUBREAPER = 36
# What a frontend has to end by itself.
SECONDS = 2.0
LOOK = 0.02
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def adopt_orphans() -> None:
    """A grandchild whose parent has ended becomes a child of this process, where Linux is."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _parents_by_proc() -> dict[int, int]:
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = Path("/proc", entry, "stat").read_text(errors="replace").rpartition(")")[2]
                state, parent = fields.split()[:2]
                if state != "Z":
                    found[int(entry)] = int(parent)
    return found


def _parents_by_ps() -> dict[int, int]:
    command = ["ps", "-A", "-o", "pid=,ppid=,stat="]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asked:
        rows = [line.split() for line in asked.communicate()[0].splitlines()]
    return {
        int(pid): int(parent)
        for pid, parent, state in rows
        if state[0] != "Z" and int(pid) != asked.pid
    }


def descendants(ancestor: int) -> set[int]:
    """All processes below this one."""
    parents = _parents_by_proc() if sys.platform == "linux" else _parents_by_ps()
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [ancestor]
    while waiting:
        below = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found.update(below)
        waiting += below
    return found


def reap(codes: dict[int, int]) -> None:
    """Take note of what has ended."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            codes[ended[0]] = os.waitstatus_to_exitcode(ended[1])


def end_each(found: Callable[[], set[int]]) -> None:
    """SIGTERM to each once, also to those that start meanwhile; then SIGKILL until none is left."""
    asked: set[int] = set()
    deadline = time.monotonic() + SECONDS
    while left := found():
        is_late = time.monotonic() > deadline
        for pid in left if is_late else left - asked:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL if is_late else signal.SIGTERM)
        asked |= left
        time.sleep(LOOK)  # Between looks: the end of another's child wakes nobody.


def end_all(codes: dict[int, int], group: int | None) -> None:
    """Whatever is below this process."""

    def left() -> set[int]:
        reap(codes)
        return descendants(os.getpid())

    end_each(left)
    if group is not None:  # Where orphans are not adopted.
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


class Watch:
    """One of the two processes: what it listens to, and what it ends then."""

    def __init__(self, lifelines: list[int]) -> None:
        self._lifelines = lifelines
        self._codes: dict[int, int] = {}
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in ENDING:
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        adopt_orphans()

    def until_end_of(self, child: int) -> None:
        """Or until nobody holds a lifeline, or this process is asked to end."""
        while child not in self._codes:
            ready = select.select([*self._lifelines, self._woken], [], [])[0]
            if any(each in ready for each in self._lifelines):
                return
            if any(number in ENDING for number in os.read(self._woken, 512)):
                return
            reap(self._codes)

    def let_end(self, other: int) -> None:
        """The second ends what it has started, which is to be asked once; what it leaves behind,
        or cannot end any more, is the first one's to end.
        """
        if other not in self._codes:
            os.kill(other, signal.SIGTERM)
        deadline = time.monotonic() + SECONDS + 0.5
        while other not in self._codes and time.monotonic() < deadline:
            time.sleep(LOOK)
            reap(self._codes)

    def leave(self, child: int, group: int | None = None) -> NoReturn:
        """With the exit code of the child, as a shell tells it."""
        end_all(self._codes, group)
        code = self._codes.get(child, 0)
        os._exit(code if code >= 0 else 128 - code)


def _end_with_both(group: int, bequeathed: int) -> None:
    """The end of the last process that has the pipe's other end is a signal to this group."""
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(bequeathed, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(bequeathed, fcntl.F_SETOWN, -group)
        fcntl.fcntl(bequeathed, fcntl.F_SETFL, os.O_ASYNC)


def _start(arguments: list[str], bequeathed: int) -> subprocess.Popen[bytes]:
    """In a session of its own, so that what it sends to its group does not come here. Its input is
    a pipe: a terminal it would steal from runserver, and at /dev/null some end at once.
    """
    read, _write = os.pipe()  # The other end is kept until this process ends.
    try:
        started = subprocess.Popen(
            arguments, stdin=read, start_new_session=True, pass_fds=[bequeathed]
        )
        _end_with_both(started.pid, bequeathed)
        return started
    except OSError as error:
        print(f"{arguments[0]}: {error.strerror}", flush=True)  # As a shell says it.
        os._exit(127 if error.errno == errno.ENOENT else 126)
    finally:
        os.close(read)


def _watch_second(arguments: list[str], lifelines: list[int], bequeathed: int) -> NoReturn:
    watch = Watch(lifelines)
    started = _start(arguments, bequeathed)  # Kept: its end would be noted by nobody else.
    watch.until_end_of(started.pid)
    watch.leave(started.pid, None if sys.platform == "linux" else started.pid)


def main() -> NoReturn:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # The thread that has started it hears none.
    arguments = json.loads(sys.argv[1])
    adopt_orphans()  # Before there is a second that could be killed.
    ended_with_first, held_by_first = os.pipe()
    bequeathed, _held_by_both = os.pipe()
    second = os.fork()
    if second == 0:
        os.close(held_by_first)
        _watch_second(arguments, [0, ended_with_first], bequeathed)
    os.close(ended_with_first)
    watch = Watch([0])
    watch.until_end_of(second)
    watch.let_end(second)
    watch.leave(second)


if __name__ == "__main__":
    main()
