"""The hand-over: Django's requests come over a channel from the door, and go back to it.

The door's end is in C, in another process while the autoreloader runs. A request comes with its
connection's descriptor and what has been read of it; a connection that is kept alive goes back
when the request has been answered.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, NoReturn

# To us: kind, flags, nothing, length of the bytes that follow, Content-Length or -1, id.
HEADER = struct.Struct("!BBHIqQ")
QUESTION, END = b"HE"
# Flag: what was read behind the request is here too. It stays with the door as well.
HAS_COPY = 1

# From us: kind, id.
REPORT = struct.Struct("!BQ")
TAKEN, BACK, CLOSED, LEAVING = b"TBCL"

PIECE = 65536
DESCRIPTOR = struct.Struct("i")
ROOM_FOR_DESCRIPTORS = socket.CMSG_SPACE(16 * DESCRIPTOR.size)
CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
LOST = -1
LEAVE_SECONDS = 2.0

VARIABLE = "SAMESITE_PROXY_DOOR"


@dataclass(frozen=True)
class Address:
    """Where the door listens."""

    family: int
    host: str
    port: int


class Handed(socket.socket):
    """A client's connection as Django's server accepts one, with the bytes read already."""

    def __init__(self, family: int, descriptor: int, request_id: int) -> None:
        super().__init__(family, socket.SOCK_STREAM, 0, descriptor)
        self.request_id = request_id
        self.early = b""
        self.left = 0  # how much of this request is still to be read from the connection
        self.has_copy = False  # of what follows the request
        self.goes_back = False


class Channel:
    """Our end of one hand-over channel. Received by one thread, reported on by any."""

    def __init__(self, sock: socket.socket, family: int) -> None:
        self._socket = sock
        self._family = family
        self._received = bytearray()
        self._descriptors: deque[int] = deque()  # in the order of the requests
        self._reporting = threading.Lock()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def _take(self, count: int) -> bytes | None:
        """The next bytes; None at the end of the channel."""
        while len(self._received) < count:
            data, ancillary, flags, _ = self._socket.recvmsg(PIECE, ROOM_FOR_DESCRIPTORS, CLOEXEC)
            if not data:
                return None
            self._received += data
            for _, _, payload in ancillary:
                self._descriptors += (one for (one,) in DESCRIPTOR.iter_unpack(payload))
            if flags & socket.MSG_CTRUNC:  # This process has no descriptor to spare.
                self._descriptors.append(LOST)
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def receive(self) -> Handed | bytes | None:
        """A request, a Host value that is asked about, or None at the end."""
        while isinstance(received := self._receive(), int):
            pass
        return received

    def _receive(self) -> Handed | bytes | int | None:
        try:
            if (header := self._take(HEADER.size)) is None:
                return None
            kind, flags, _, length, content_length, request_id = HEADER.unpack(header)
            data = self._take(length)
        except ConnectionError:
            return None
        if kind == END or data is None:
            return None
        if kind == QUESTION:
            return data
        if (descriptor := self._descriptors.popleft()) == LOST:
            self.report(CLOSED, request_id)
            return LOST
        request = Handed(self._family, descriptor, request_id)
        if not CLOEXEC:
            request.set_inheritable(False)
        request.early = data
        body = len(data) - (data.index(b"\r\n\r\n") + 4)
        request.has_copy = bool(flags & HAS_COPY)
        request.left = 0 if request.has_copy else max(content_length, 0) - body
        return request

    def has_more(self) -> bool:
        """Whether something has come that is not received yet."""
        return bool(self._received or self._poll.poll(0))

    def report(self, kind: int, request_id: int = 0) -> None:
        report = REPORT.pack(kind, request_id)
        # Once the door is gone there is nobody to hear it.
        with self._reporting, contextlib.suppress(OSError):
            self._socket.sendall(report)


class Handover:
    """One process's hand-over: opened when its server starts, left before a reload."""

    def __init__(self, rendezvous: socket.socket, address: Address) -> None:
        self.address = address
        self._rendezvous = rendezvous
        self._channel: Channel | None = None
        self._control: socket.socket | None = None
        self._under_way = 0  # requests, and the reader of the channel
        self._counting = threading.Lock()
        self._all_over = threading.Event()

    def open(self, table: dict[str, Any]) -> Channel:
        """Make the channel and send its other end to the door, with the table."""
        channel, their_channel = socket.socketpair()
        self._control, their_control = socket.socketpair()
        with their_channel, their_control:
            ends = [their_control.fileno(), their_channel.fileno()]
            socket.send_fds(self._rendezvous, [b"+"], ends)
        self.tell({"table": table})
        self._channel = Channel(channel, self.address.family)
        self.begin()
        return self._channel

    def tell(self, line: dict[str, Any]) -> None:
        """One line to the door."""
        assert self._control is not None
        with contextlib.suppress(OSError):
            self._control.sendall(json.dumps(line).encode() + b"\n")

    def begin(self) -> None:
        with self._counting:
            self._under_way += 1

    def end(self) -> None:
        with self._counting:
            self._under_way -= 1
            if self._under_way == 0:  # The reader too: nothing more can begin.
                self._all_over.set()

    def leave(self) -> None:
        """Take no more requests, and wait until those that were taken are answered."""
        if self._channel is not None:
            self._channel.report(LEAVING)
            self._all_over.wait(LEAVE_SECONDS)

    def end_with_door(self) -> None:
        """End this process as soon as the door's has ended, in whatever way that was."""
        threading.Thread(target=self._await_end, name="samesite_proxy", daemon=True).start()

    def _await_end(self) -> NoReturn:
        self._rendezvous.recv(1)  # The door never says anything here.
        os._exit(1)


def offer(rendezvous: socket.socket, address: Address) -> None:
    """Tell the processes that are started from now on where the door is."""
    rendezvous.set_inheritable(True)
    os.environ[VARIABLE] = json.dumps([rendezvous.fileno(), *vars(address).values()])


def refuse(reason: str) -> None:
    """Tell the processes that are started from now on why there is no door."""
    os.environ[VARIABLE] = json.dumps(reason)


@functools.cache  # What it finds must not be found by processes that this one starts.
def offered() -> Handover | str | None:
    """The door that the process which started this one has opened, or why it has none."""
    found = json.loads(os.environ.pop(VARIABLE, "null"))
    if not isinstance(found, list):
        return found if isinstance(found, str) else None
    descriptor, family, host, port = found
    rendezvous = socket.socket(fileno=descriptor)
    rendezvous.set_inheritable(False)
    return Handover(rendezvous, Address(family, host, port))
