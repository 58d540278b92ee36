"""Sockets that are held back while a reader is slow, and read again afterwards."""

from __future__ import annotations

from tests.engine.exchanges import OK, ask, upstream_at
from tests.harness.scripted_upstream import Connection, scripted


def test_connection_that_was_held_at_the_last_byte_is_read_again() -> None:
    # All of it may be there before the socket is watched for the first time.
    body = bytes(200 * 1024)
    first = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def at_once(connection: Connection) -> None:
        connection.send(first)
        while connection.received.count(b"\r\n\r\n") < 2:  # They may come together.
            if not connection.receive():
                raise EOFError
        connection.send(OK)
        connection.receive_to_end()

    for _ in range(50):
        with scripted(at_once) as upstream:
            at = upstream_at(upstream.url, timeouts=(1, 1, 1))
            assert ask(at).body == body
            assert ask(at).body == b"ok"
