"""The hand-over: Django's requests come over a channel from the listener, and go back to it.

The listener's end is in C, in another process while the autoreloader runs. A request comes with its
connection's descriptor and what has been read of it; a connection that is kept alive goes back
when the request has been answered.
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
import struct
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, NoReturn

from samesite_proxy.fastpath import forks, head

logger = logging.getLogger("samesite_proxy")

# To us: kind, flags, nothing, length of the bytes that follow, Content-Length or -1, id.
HEADER = struct.Struct("!BBHIqQ")
QUESTION, END = b"HE"
# Flag: what was read behind the request is here too. It stays with the listener as well.
HAS_COPY = 1

# From us: kind, id.
REPORT = struct.Struct("!BQ")
TAKEN, UNTAKEN, BACK, CLOSED, LEAVING = b"TNBCL"

PIECE = 65536
DESCRIPTOR = struct.Struct("i")
ROOM_FOR_DESCRIPTORS = socket.CMSG_SPACE(16 * DESCRIPTOR.size)
CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
LEAVE_SECONDS = 2.0

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


class Handed(socket.socket):
    """A client's connection as Django's server accepts one, with the bytes read already."""

    def __init__(self, channel: Channel, family: int, descriptor: int) -> None:
        super().__init__(family, socket.SOCK_STREAM, 0, descriptor)
        self._channel = channel
        self.request_id = 0
        self.early = b""
        self.head_length = 0
        self.left = 0  # how much of this request is still to be read from the connection
        self.has_copy = False  # of what follows the request
        self.is_answered = False  # something of an answer is sent, or may be
        self.is_endless = False  # its answer may take as long as it likes
        self.goes_back = False

    @property
    def is_lost(self) -> bool:
        """Whether it is the listener's to answer: for it, this process has ended."""
        return self._channel.is_lost

    def report(self, kind: int) -> bool:
        return self._channel.report(kind, self.request_id)

    def end_answer(self) -> None:
        """As its view would; without a byte of an answer it is the next process's."""
        if self.is_answered:
            with contextlib.suppress(OSError):  # The client has left.
                self.shutdown(socket.SHUT_WR)
            self.report(CLOSED)


class Channel:
    """Our end of one hand-over channel. Received by one thread, reported on by any."""

    def __init__(self, sock: socket.socket, family: int) -> None:
        self._socket = forks.own(sock)
        self._family = family
        self._received = b""
        self._connections: deque[Handed | None] = deque()  # in the order of the requests
        self._reporting = threading.Lock()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self.is_used = False  # the listener has it
        self.is_over = False  # the listener has said that nothing more comes
        self.is_lost = False  # it has ended without that

    def _take(self, count: int) -> bytes | None:
        """The next bytes; None at the end of the channel."""
        while len(self._received) < count:
            if self._socket.fileno() < 0:
                return None
            data, ancillary, flags, _ = self._socket.recvmsg(PIECE, ROOM_FOR_DESCRIPTORS, CLOEXEC)
            if not data:
                return None
            self._received += data
            for _, _, payload in ancillary:
                for (one,) in DESCRIPTOR.iter_unpack(payload):
                    self._connections.append(forks.own(Handed(self, self._family, one)))
            if flags & socket.MSG_CTRUNC:  # This process has no descriptor to spare.
                self._connections.append(None)
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def receive(self) -> Handed | bytes | None:
        """A request, a Host value that is asked about, or None at the end."""
        try:
            received = self._receive()
        except ConnectionError:
            received = None
        if received is None:
            self.is_lost = not self.is_over
        return received

    def _receive(self) -> Handed | bytes | None:
        while (header := self._take(HEADER.size)) is not None:
            kind, flags, _, length, content_length, request_id = HEADER.unpack(header)
            if (data := self._take(length)) is None:
                break
            self.is_used = True
            self.is_over = kind == END
            if self.is_over:
                break
            if kind == QUESTION:
                return data
            if (request := self._connections.popleft()) is None:
                self.report(UNTAKEN, request_id)
                continue
            request.request_id = request_id
            request.early = data
            request.head_length = head.length_of(data)
            body = len(data) - request.head_length
            request.has_copy = bool(flags & HAS_COPY)
            request.left = 0 if request.has_copy else max(content_length, 0) - body
            return request
        return None

    def has_more(self) -> bool:
        """Whether something has come that is not received yet."""
        return bool(self._received or self._poll.poll(0))

    def report(self, kind: int, request_id: int = 0) -> bool:
        """Whether there still is a listener to hear it."""
        report = REPORT.pack(kind, request_id)
        try:
            with self._reporting:
                self._socket.sendall(report)
        except OSError:
            return False
        return True

    def close(self) -> None:
        with self._reporting:
            self._socket.close()
        while self._connections:
            if (connection := self._connections.popleft()) is not None:
                connection.close()


class Handover:
    """One process's hand-over: opened when its server starts, left before a reload."""

    def __init__(self, rendezvous: socket.socket, address: Address) -> None:
        self.address = address
        self._rendezvous = forks.own(rendezvous)
        self._channel: Channel | None = None
        self._control: socket.socket | None = None
        self._telling = threading.Lock()
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
        if ended.is_used:
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
        threading.Thread(target=self._await_end, name="samesite_proxy", daemon=True).start()

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
