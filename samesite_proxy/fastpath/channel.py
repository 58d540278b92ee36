"""Our end of a channel, by which Django's requests come from the listener, and go back to it.

The listener's end is in C, in another process while the autoreloader runs. A request comes with its
connection's descriptor and what has been read of it; a connection that is kept alive goes back
when the request has been answered.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections import deque

from samesite_proxy.fastpath import forks, head

# To us: kind, flags, nothing, length of the bytes that follow, Content-Length or -1, id.
HEADER = struct.Struct("!BBHIqQ")
QUESTION, END = b"HE"
# Flag: what was read behind the request is here too. It stays with the listener as well.
HAS_COPY = 1

# From us: kind, id, and what it says beside: of an answer's head the status, and by whom it is 16
# bits higher; of its end the bytes of the body.
REPORT = struct.Struct("!BQQ")
TAKEN, UNTAKEN, ANSWERED, BACK, CLOSED, LEAVING = b"TNABCL"

PIECE = 65536
DESCRIPTOR = struct.Struct("i")
ROOM_FOR_DESCRIPTORS = socket.CMSG_SPACE(16 * DESCRIPTOR.size)
CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


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
        self.body_sent = 0  # bytes of the answer's
        self.goes_back = False

    @property
    def is_lost(self) -> bool:
        """Whether it is the listener's to answer: for it, this process has ended."""
        return self._channel.is_lost

    def report(self, kind: int, said: int = 0) -> bool:
        return self._channel.report(kind, self.request_id, said)

    def end_answer(self) -> None:
        """As its view would; without a byte of an answer it is the next process's."""
        if self.is_answered:
            with contextlib.suppress(OSError):  # The client has left.
                self.shutdown(socket.SHUT_WR)
            self.report(CLOSED, self.body_sent)


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

    def report(self, kind: int, request_id: int = 0, said: int = 0) -> bool:
        """Whether there still is a listener to hear it."""
        report = REPORT.pack(kind, request_id, said)
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
