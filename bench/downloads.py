"""The client of many slow downloads at once."""

import contextlib
import resource
import selectors
import socket
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from bench.load import LoadFailed, connect, failures_of, head_for
from bench.servers import Server

RECEIVE_BUFFER = 64 * 1024
# An Ethernet's. With the loopback's 64 KiB the kernel grants each sender 4 MiB of its memory.
SEGMENT = 1400
SIP = 4 * 1024
GULP = 256 * 1024
ROUND_SECONDS = 0.2
PATIENCE = 60.0


@contextlib.contextmanager
def descriptor_limit(most: int) -> Iterator[None]:
    """Give this process and those it starts so many descriptors, as ulimit -n does."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@dataclass
class Download:
    """One connection and what came of its answer."""

    connection: socket.socket
    head: bytes = b""
    size: int = 0
    checksum: int = 0
    ended: bool = False

    def read(self, most: int) -> None:
        """Take what is there, as far as `most` goes."""
        try:
            data = self.connection.recv(most)
        except BlockingIOError:
            return
        self.ended = not data
        if b"\r\n\r\n" not in self.head:
            self.head, end, data = (self.head + data).partition(b"\r\n\r\n")
            self.head += end
        self.size += len(data)
        self.checksum = zlib.crc32(data, self.checksum)

    def is_whole(self, body: bytes) -> bool:
        ok = self.head.startswith(b"HTTP/1.1 200 ")
        return ok and (self.size, self.checksum) == (len(body), zlib.crc32(body))


def sip(downloads: list[Download], seconds: float) -> None:
    """Read a little of each in every round."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        next_round = time.monotonic() + ROUND_SECONDS
        for download in downloads:
            download.read(SIP)
        time.sleep(max(0.0, next_round - time.monotonic()))


def drain(downloads: list[Download]) -> None:
    """Read everything to its end, as fast as it comes."""
    with selectors.DefaultSelector() as selector:
        for download in downloads:
            selector.register(download.connection, selectors.EVENT_READ, download)
        while selector.get_map():
            ready = selector.select(PATIENCE)
            if not ready:
                raise LoadFailed(f"{len(selector.get_map())} downloads came to a halt")
            for key, _ in ready:
                key.data.read(GULP)
                if key.data.ended:
                    selector.unregister(key.fileobj)


@contextlib.contextmanager
def slow_downloads(
    server: Server, path: str, body: bytes, count: int, seconds: float
) -> Iterator[None]:
    """Begin downloads and read them slowly for a while; after the block see that all are whole."""
    with contextlib.ExitStack() as stack, failures_of(server):
        downloads = []
        for _ in range(count):
            connection = stack.enter_context(connect(server, RECEIVE_BUFFER, SEGMENT))
            connection.sendall(head_for(server, "GET", path))
            connection.setblocking(False)
            downloads.append(Download(connection))
        sip(downloads, seconds)
        yield
        if any(download.ended for download in downloads):
            raise LoadFailed(f"{server.name}: a download ended before all were measured")
        drain(downloads)
        whole = sum(download.is_whole(body) for download in downloads)
        if whole != count:
            raise LoadFailed(f"{server.name}: {whole} of {count} whole\n{server.log_tail()}")
