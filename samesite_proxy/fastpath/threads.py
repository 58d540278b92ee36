"""Threads for a server whose requests come one by one."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable

from samesite_proxy.fastpath.channel import Handed

logger = logging.getLogger("samesite_proxy")

# Seconds that an answer may take before another thread reads the channel.
PATIENCE = 0.005

# Looks at nothing new before the thread that stands by goes to sleep.
QUIET_LOOKS = 20


def started(target: Callable[..., None], *arguments: object) -> bool:
    """Whether there is a thread for it."""
    try:
        threading.Thread(target=target, args=arguments, daemon=True).start()
    except (RuntimeError, MemoryError) as error:
        logger.warning("Django's requests wait for each other: %s", error)
        return False
    return True


class Crew:
    """Threads that answer requests. One of them reads the channel, and answers itself what it
    reads: to change threads costs more than most answers. Another takes its place when that
    takes long, or when more has come already.
    """

    def __init__(
        self, receive: Callable[[], Handed | None], work: Callable[[Handed], None]
    ) -> None:
        self._receive = receive
        self._work = work
        self._changing = threading.Lock()
        self._reader: object = None
        self._is_busy = False  # the reader, with an answer
        self._taken = 0
        self._stands_by = False  # a thread does
        self._calls: queue.SimpleQueue[bool] = queue.SimpleQueue()  # for that thread
        self._sleeps = False  # it does, until it is called
        self._over: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def run(self, has_more: Callable[[], bool]) -> None:
        """Until there is nothing more to receive."""
        self._has_more = has_more
        self._take_place()
        if not started(self._read, self._reader):
            self._read(self._reader)
        self._over.get()

    def _take_place(self) -> None:
        """Under the lock, but for the first: whoever was the reader is none after its answer."""
        self._reader = object()
        self._is_busy = False

    def _begin(self) -> None:
        with self._changing:
            self._is_busy = True
            self._taken += 1
            starts = not self._stands_by
            self._stands_by = True
            calls = self._sleeps or self._has_more()
            self._sleeps = False
        if starts and not started(self._stand_by):
            self._stands_by = calls = False  # This thread is the only one: the next may be luckier.
        if calls:
            self._calls.put(True)

    def _end(self, me: object) -> bool:
        """Whether this thread still is the reader."""
        with self._changing:
            if self._reader is not me:
                return False
            self._is_busy = False
            return True

    def _read(self, me: object) -> None:
        """As long as this thread is the reader. Whatever fails, the next request is taken."""
        while (request := self._receive()) is not None:
            self._begin()
            try:
                self._work(request)
            except (Exception, SystemExit):
                logger.exception("Django's server failed.")
            if not self._end(me):
                return
        self._over.put(True)

    def _stand_by(self) -> None:
        """Look whether the reader is held up; become it then."""
        quiet = 0
        while True:
            seen = self._taken
            with contextlib.suppress(queue.Empty):
                self._calls.get(timeout=None if self._sleeps else PATIENCE)
            with self._changing:
                is_held_up = self._is_busy and (self._taken == seen or self._has_more())
                quiet = 0 if self._taken != seen else quiet + 1
                self._sleeps = quiet > QUIET_LOOKS and not self._is_busy
                if is_held_up:
                    self._take_place()
                    self._stands_by = False
                    me = self._reader
                    break
        self._read(me)
