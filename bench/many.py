"""An upstream of thousands of connections: python -m bench.many PORT [CERTIFICATE].

/echo is a WebSocket on which nothing moves, /events a stream with one event, /counts what it has
counted, all else 1 KB. With a certificate it speaks TLS.
"""

import asyncio
import json
import ssl
import sys

from bench.live import EVENTS, PAGE, accepting

BACKLOG = 1024


class Counts:
    """What has come to this process."""

    def __init__(self) -> None:
        self.connections = 0  # of those that brought small requests
        self.requests = 0
        self.live = 0

    def answer(self) -> bytes:
        body = json.dumps(vars(self)).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Connection(asyncio.Protocol):
    """One of them, kept alive."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._received = b""
        self._is_live = False
        self._is_counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._counts.live -= self._is_live

    def data_received(self, data: bytes) -> None:
        self._received += data
        while not self._is_live and b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._transport.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1]
        if path == b"/counts":
            return self._counts.answer()
        if path in (b"/echo", b"/events"):
            self._is_live = True
            self._counts.live += 1
            return EVENTS if path == b"/events" else accepting(head)
        self._counts.connections += not self._is_counted
        self._is_counted = True
        self._counts.requests += 1
        return PAGE


def context_of(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def serve(port: int, context: ssl.SSLContext | None) -> None:
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(counts), "127.0.0.1", port, backlog=BACKLOG, ssl=context
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), context_of(sys.argv[2]) if sys.argv[2:] else None))
