"""A server process's hand-over: it offers a channel to the listener, and leaves before a reload.

By the environment a process knows the rendezvous, where it offers, and the listener's address.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import logging
import os
import select
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any, NoReturn

from samesite_proxy import background
from samesite_proxy.fastpath import forks
from samesite_proxy.fastpath.channel import LEAVING, PIECE, Channel, Handed

logger = logging.getLogger("samesite_proxy")

LEAVE_SECONDS = 2.0
ANSWER_SECONDS = 2.0

# Between two offers to a listener that could not take the first.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
# Errors of an offer that no listener can hear any more.
GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF)

# By the rendezvous: a server process offers its channel. And from the listener's own process: the
# next one is started, it has ended, a frontend is somewhere else, the listener ends.
OFFER, STARTS, ENDED, MOVED, LAST_WORD = b"+", b"s", b"e", b"m", b"-"

VARIABLE = "SAMESITE_PROXY_LISTENER"


@dataclass(frozen=True)
class Address:
    """Where it listens."""

    family: int
    host: str
    port: int


class Handover:
    """One process's hand-over: opened when its server starts, left before a reload."""

    def __init__(self, rendezvous: socket.socket, address: Address) -> None:
        self.address = address
        self._rendezvous = forks.own(rendezvous)
        self._channel: Channel | None = None
        self._control: socket.socket | None = None
        self._telling = threading.Lock()
        self._asking = threading.Lock()
        self._heard = b""
        self._questions = 0
        self._pause = SHORTEST_PAUSE
        self._leaving = threading.Event()
        self._under_way: set[Handed | None] = set()  # None: the reader of the channel
        self._changed = threading.Condition()

    @property
    def is_left(self) -> bool:
        return self._leaving.is_set()

    def open(self, table: dict[str, Any]) -> Channel | None:
        """A channel whose other end is offered to the listener, with the table; one that it could
        not take has ended. None: this process leaves, or the listener has ended.
        """
        if self._channel is not None:
            self._wait_after(self._channel)
        while not self.is_left:
            try:
                self._channel = self._offer({"table": table})
            except OSError as error:
                if error.errno in GONE:
                    break
                logger.warning("The listener cannot be offered a channel: %s", error)
                self._wait()
            else:
                return self._channel
        return None

    def _wait_after(self, ended: Channel) -> None:
        ended.close()
        if ended.is_used and not self.is_left:
            self._pause = SHORTEST_PAUSE
            logger.warning("The channel to the listener has ended; a new one is opened.")
        self._wait()

    def _wait(self) -> None:
        self._leaving.wait(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _offer(self, line: dict[str, Any]) -> Channel:
        ends = socket.socketpair()
        controls = socket.socketpair()
        with ends[1], controls[1]:
            socket.send_fds(self._rendezvous, [OFFER], [controls[1].fileno(), ends[1].fileno()])
        self._speak_on(forks.own(controls[0]))
        self.tell(line)
        return Channel(ends[0], self.address.family)

    def _speak_on(self, control: socket.socket) -> None:
        """Of the one before a thread may be speaking: its number must not be another file's yet."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)  # Nobody waits any longer to be heard.
        with self._telling:
            if self._control is not None:
                self._control.close()
            self._control = control
        self._heard = b""

    def report(self, line: dict[str, Any]) -> None:
        """One line to the listener, from a process whose server may not have come to a channel."""
        if self._control is not None:
            self.tell(line)
            return
        with contextlib.suppress(OSError):
            self._offer(line).close()

    def tell(self, line: dict[str, Any]) -> None:
        """One line to the listener, if it has been offered a channel."""
        with self._telling, contextlib.suppress(OSError):
            if self._control is not None:
                self._control.sendall(json.dumps(line).encode() + b"\n")

    def ask(self, line: dict[str, Any]) -> dict[str, Any] | None:
        """What the listener answers to one line; None: nothing, for now."""
        with self._asking, contextlib.suppress(OSError, ValueError):
            self._questions += 1
            self.tell({**line, "question": self._questions})
            until = time.monotonic() + ANSWER_SECONDS
            while (heard := self._hear(until)) is not None:
                if heard["question"] == self._questions:  # Else it is what came too late.
                    return heard
        return None

    def _hear(self, until: float) -> dict[str, Any] | None:
        """The next line of the listener's."""
        poll = select.poll()
        assert self._control is not None
        poll.register(self._control, select.POLLIN)
        while b"\n" not in self._heard:
            if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                return None
            piece = self._control.recv(PIECE)
            if not piece:
                return None
            self._heard += piece
        line, _, self._heard = self._heard.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def feed_since(self, after: str) -> dict[str, Any] | None:
        """As feed.rows has it, of the listener's process."""
        return self.ask({"feed": after})

    def begin(self, request: Handed | None) -> None:
        self._under_way.add(request)

    def end(self, request: Handed | None) -> None:
        self._under_way.discard(request)
        if self.is_left:  # Else whoever leaves looks first.
            with self._changed:
                self._changed.notify_all()

    def expect_no_end(self, request: Handed) -> None:
        """Nobody waits for the end of this answer."""
        with self._changed:
            request.is_endless = True
            self._changed.notify_all()

    def _now_under_way(self) -> set[Handed | None]:
        """Copied in one step: threads begin and end without a lock."""
        return self._under_way.copy()

    def _are_endless(self) -> bool:
        """Those that are left."""
        return all(each is not None and each.is_endless for each in self._now_under_way())

    def expect_end(self) -> None:
        """The listener is about to end: no other channel is opened when this one has ended."""
        self._leaving.set()

    def leave(self) -> None:
        """Take no more requests, wait until those that were taken are answered, and end the answers
        that have no end of their own.
        """
        self._leaving.set()
        if self._channel is None:
            return
        self._channel.report(LEAVING)
        with self._changed:  # The reader too is waited for: nothing more can begin then.
            self._changed.wait_for(self._are_endless, LEAVE_SECONDS)
            for request in self._now_under_way():
                if request is not None and request.is_endless:
                    request.end_answer()

    def end_with_listener(self) -> None:
        """End this process as soon as the listener's has ended, in whatever way that was."""
        background.Thread(self._await_end).start()

    def _await_end(self) -> NoReturn:
        with contextlib.suppress(OSError):  # As if what was offered had not been looked at.
            self._rendezvous.recv(1)  # The listener never says anything here.
        os._exit(1)


def offer(rendezvous: socket.socket, address: Address) -> None:
    """Tell the processes that are started from now on where the listener is."""
    rendezvous.set_inheritable(True)
    os.environ[VARIABLE] = json.dumps([rendezvous.fileno(), *vars(address).values()])


def refuse(reason: str) -> None:
    """Tell the processes that are started from now on why there is no listener."""
    os.environ[VARIABLE] = json.dumps(reason)


@functools.cache  # What it finds must not be found by processes that this one starts.
def offered() -> Handover | str | None:
    """The listener that the process which started this one has opened, or why it has none."""
    found = json.loads(os.environ.pop(VARIABLE, "null"))
    if not isinstance(found, list):
        return found if isinstance(found, str) else None
    descriptor, family, host, port = found
    return Handover(socket.socket(fileno=descriptor), Address(family, host, port))


def end_with_listener() -> None:
    """End this process as soon as the listener's has ended, if it has been started by that one."""
    if isinstance(found := offered(), Handover):
        found.end_with_listener()
