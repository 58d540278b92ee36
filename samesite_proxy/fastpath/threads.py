"""Threads for a server whose requests come one by one."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable

from samesite_proxy.fastpath.channel import Handed

logger = logging.getLogger("samesite_proxy")

# For an answer of the leader's, before the follower takes its place.
SECONDS_TO_FOLLOW = 0.005

# The main thread handles the signals of all, and is not woken by one that a view's thread gets.
SECONDS_DEAF = 1.0

# Looks at nothing new before the follower goes to sleep.
QUIET_LOOKS = 20


def started(target: Callable[..., None], *arguments: object) -> bool:
    """Whether there is a thread for it."""
    try:
        threading.Thread(target=target, args=arguments, daemon=True).start()
    except (RuntimeError, MemoryError) as error:
        logger.warning("Django's requests wait for each other: %s", error)
        return False
    return True


class LeaderFollowerPool:
    """Threads that answer requests. One of them, the leader, reads the channel, and answers itself
    what it reads: to change threads costs more than most answers. Another, its follower, takes its
    place when that takes long, or when more has come already.
    """

    def __init__(
        self, receive: Callable[[], Handed | None], work: Callable[[Handed], None]
    ) -> None:
        self._receive = receive
        self._work = work
        self._changing = threading.Lock()
        self._leader: object = None
        self._is_busy = False  # the leader, with an answer
        self._taken = 0
        self._has_follower = False  # a thread that would be the next leader
        self._calls: queue.SimpleQueue[bool] = queue.SimpleQueue()  # for the follower
        self._sleeps = False  # it does, until it is called
        self._over: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def run(self, has_more: Callable[[], bool]) -> None:
        """Until there is nothing more to receive."""
        self._has_more = has_more
        self._take_place()
        if not started(self._lead, self._leader):
            self._lead(self._leader)
        while True:
            with contextlib.suppress(queue.Empty):
                self._over.get(timeout=SECONDS_DEAF)
                return

    def _take_place(self) -> None:
        """Under the lock, but for the first: whoever was the leader is none after its answer."""
        self._leader = object()
        self._is_busy = False

    def _begin(self) -> None:
        with self._changing:
            self._is_busy = True
            self._taken += 1
            starts = not self._has_follower
            self._has_follower = True
            calls = self._sleeps or self._has_more()
            self._sleeps = False
        if starts and not started(self._follow):
            # This thread is the only one: the next request's may be luckier.
            self._has_follower = calls = False
        if calls:
            self._calls.put(True)

    def _end(self, me: object) -> bool:
        """Whether this thread still is the leader."""
        with self._changing:
            if self._leader is not me:
                return False
            self._is_busy = False
            return True

    def _lead(self, me: object) -> None:
        """As long as this thread is the leader. Whatever fails, the next request is taken."""
        while (request := self._receive()) is not None:
            self._begin()
            try:
                self._work(request)
            except (Exception, SystemExit):
                logger.exception("Django's server failed.")
            if not self._end(me):
                return
        self._over.put(True)

    def _follow(self) -> None:
        """Look whether the leader is held up; become it then."""
        quiet = 0
        while True:
            seen = self._taken
            with contextlib.suppress(queue.Empty):
                self._calls.get(timeout=None if self._sleeps else SECONDS_TO_FOLLOW)
            with self._changing:
                is_held_up = self._is_busy and (self._taken == seen or self._has_more())
                quiet = 0 if self._taken != seen else quiet + 1
                self._sleeps = quiet > QUIET_LOOKS and not self._is_busy
                if is_held_up:
                    self._take_place()
                    self._has_follower = False
                    me = self._leader
                    break
        self._lead(me)
