"""An upstream that says exact bytes and records exact bytes.

A test gives it one script a connection: a function that has the connection and does with it
what it likes. Nothing is parsed that the script does not ask for.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from queue import Queue

from tests.harness.ports import free_port

DEADLINE = 20.0


C_LIBRARY = ctypes.CDLL(None)
# Of the family AF_UNSPEC: on Linux a connection to it ends the one that there is, by a reset.
NO_ADDRESS = bytes(16)


class Connection:
    """One accepted connection, as its script sees it."""

    def __init__(self, sock: socket.socket, index: int) -> None:
        self.sock = sock
        self.index = index
        self.received = b""

    def receive(self, count: int = 65536) -> bytes:
        """The next bytes, recorded; empty at the end of the stream."""
        piece = self.sock.recv(count)
        self.received += piece
        return piece

    def receive_until(self, marker: bytes) -> bytes:
        """All bytes of this connection so far, once `marker` is among the new ones."""
        start = len(self.received)
        while marker not in self.received[start:]:
            if not self.receive():
                raise EOFError(f"the client ended the stream after {self.received!r}")
        return self.received

    def receive_head(self) -> bytes:
        return self.receive_until(b"\r\n\r\n")

    def receive_to_end(self) -> bytes:
        """Everything until the client ends or resets the stream."""
        with contextlib.suppress(ConnectionError):
            while self.receive():
                pass
        return self.received

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reset(self) -> None:
        """RST instead of FIN. The script's thread may wait for what comes: a descriptor that is
        closed under it may be another file at once, for which it would wait."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if C_LIBRARY.connect(self.sock.fileno(), NO_ADDRESS, len(NO_ADDRESS)) != 0:
            self.sock.close()

    def end(self) -> None:
        """End both directions, so that a script that waits goes on."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
        self.sock.close()


Script = Callable[[Connection], None]


class ScriptedUpstream:
    """Listens on a free port and runs `script` for each connection, each in a thread."""

    def __init__(self, script: Script, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.script = script
        self.connections: list[Connection] = []
        self.failures: list[BaseException] = []
        self.finished: Queue[Connection] = Queue()
        self._lock = threading.Lock()
        # Once it is closed, or at another address, nobody else's test is found at its port.
        self.port = port or free_port()
        self._listener = socket.create_server((host, self.port), family=family, backlog=512)
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(DEADLINE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                connection = Connection(sock, len(self.connections))
                self.connections.append(connection)
                thread = threading.Thread(
                    target=self._run, args=(connection, self.script, self.finished), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _run(self, connection: Connection, script: Script, finished: Queue[Connection]) -> None:
        try:
            script(connection)
        except (EOFError, ConnectionError, TimeoutError, OSError):
            pass  # The client left, which is for the test to judge.
        except BaseException as error:
            self.failures.append(error)
        finally:
            connection.close()
            finished.put(connection)

    def play(self, script: Script) -> None:
        """Another script from here on; connections of the one before are ended and forgotten."""
        with self._lock:
            before, self.connections = self.connections, []
            threads, self._threads = self._threads, []
            self.script = script
            self.finished = Queue()
        for connection in before:
            connection.end()
        for thread in threads:
            thread.join(DEADLINE)
        if self.failures:
            raise self.failures.pop(0)

    def next_finished(self) -> Connection:
        """The next connection whose script has come to its end."""
        return self.finished.get(timeout=DEADLINE)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            connection.end()
        for thread in [self._accepting, *self._threads]:
            thread.join(DEADLINE)
        if self.failures:
            raise self.failures[0]


@contextlib.contextmanager
def scripted(script: Script, host: str = "127.0.0.1", port: int = 0) -> Iterator[ScriptedUpstream]:
    upstream = ScriptedUpstream(script, host, port)
    try:
        yield upstream
    finally:
        upstream.close()


def answering(answer: bytes) -> Script:
    """A script that answers each request without a body by the same bytes, kept alive."""

    def script(connection: Connection) -> None:
        while True:
            connection.receive_head()
            connection.send(answer)

    return script


def one_event(connection: Connection) -> None:
    """A script that answers by an event stream, which stands still behind its first event."""
    connection.receive_head()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
    connection.receive_to_end()


def answering_once(answer: bytes) -> Script:
    """A script that answers one request without a body and then ends the stream."""

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(answer)

    return script
