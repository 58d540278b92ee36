"""Django's end of the hand-over channel, fed by hand."""

from __future__ import annotations

import resource
import socket
import threading

from samesite_proxy.fastpath.channel import (
    HEADER,
    REPORT,
    UNTAKEN,
    Channel,
    Handed,
)
from samesite_proxy.fastpath.handover import Address, Handover
from tests.harness.django_servers import DEADLINE

HEAD = b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n"


def frame(kind: bytes, data: bytes, request_id: int = 0) -> bytes:
    return HEADER.pack(kind[0], 0, 0, len(data), -1, request_id) + data


def test_request_whose_descriptor_was_lost_is_given_back_and_gets_no_others() -> None:
    """A process without a descriptor to spare receives bytes alone."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    ours, theirs = socket.socketpair()
    client, their_client = socket.socketpair()
    with ours, theirs, client, their_client:
        channel = Channel(ours, socket.AF_UNIX)
        socket.send_fds(theirs, [frame(b"R", HEAD % 1, 1)], [theirs.fileno()])
        theirs.send(frame(b"H", b"localhost"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            assert channel.receive() == b"localhost"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert theirs.recv(100) == REPORT.pack(UNTAKEN, 1, 0)
        socket.send_fds(theirs, [frame(b"R", HEAD % 2, 2)], [their_client.fileno()])
        request = channel.receive()
        assert isinstance(request, Handed)
        with request:
            assert (request.request_id, request.early, request.left) == (2, HEAD % 2, 0)
            request.sendall(b"to the second")
            assert client.recv(100) == b"to the second"


def test_line_that_nobody_hears_does_not_hold_the_next_channel() -> None:
    """Nor is the old one's number another file's while a thread still speaks on it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        handover = Handover(ours, Address(socket.AF_UNIX, "", 0))
        handover.open({})
        _, (deaf, channel), _, _ = socket.recv_fds(theirs, 1, 2)
        with socket.socket(fileno=deaf) as control, socket.socket(fileno=channel):
            teller = threading.Thread(target=handover.tell, args=({"long": "x" * 10_000_000},))
            teller.start()
            while b"long" not in control.recv(100):
                pass
            opener = threading.Thread(target=handover.open, args=({},))
            opener.start()
            for thread in (teller, opener):
                thread.join(DEADLINE)
                assert not thread.is_alive()
        assert handover._channel is not None
        handover._channel.close()
        assert handover._control is not None
        handover._control.close()
