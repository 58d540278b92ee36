"""An upstream that gives each name a body of its own, and clients that check what they get."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator

from tests.harness.raw_client import Answer, Broken, RawClient
from tests.harness.scripted_upstream import Connection, Script

DEADLINE = 60.0
PAUSE = 0.002  # Seconds between two requests of a client: others need the processor, too.


def body_of(name: str) -> bytes:
    """From a few bytes to some tens of kilobytes, and no two alike."""
    return f"{name};".encode() * (1 + random.Random(name).randrange(3000))


def numbered(connection: Connection) -> None:
    """A script: /n/<name> has the body of that name."""
    while True:
        before = len(connection.received)
        head = connection.receive_head()[before:]
        name = head.split(b" ", 2)[1].rpartition(b"/")[2].decode()
        body = body_of(name)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def meeting_first(count: int) -> Script:
    """The first connections answer only when all of them have come, so that none is used twice."""
    meeting = threading.Barrier(count)

    def script(connection: Connection) -> None:
        if connection.index < count:
            meeting.wait(DEADLINE)
        numbered(connection)

    return script


def asked(port: int, target: str) -> Answer:
    with RawClient(port) as client:
        head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        client.send(head.encode())
        return client.read_answer()


class Load:
    """Clients that ask for names again and again, until they are told to stop."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._changed = threading.Condition()
        self._names = itertools.count()
        self._stopping = threading.Event()

    def _outcome(self) -> str:
        name = f"{next(self._names)}-{random.getrandbits(64):x}"
        try:
            answer = asked(self.port, f"/n/{name}")
        except (Broken, OSError):
            return "broken"
        if answer.status != 200:
            return str(answer.status)
        if answer.body != body_of(name):
            self.wrong.append(name)
        return "right"

    def run(self) -> None:
        while not self._stopping.wait(PAUSE):
            outcome = self._outcome()
            with self._changed:
                self.outcomes[outcome] += 1
                self._changed.notify_all()

    def await_right(self, more: int) -> None:
        """Until so many more requests were answered rightly."""
        with self._changed:
            goal = self.outcomes["right"] + more
            arrived = self._changed.wait_for(lambda: self.outcomes["right"] >= goal, DEADLINE)
        assert arrived, f"{self.outcomes} after {DEADLINE} s"

    def stop(self) -> None:
        self._stopping.set()


@contextlib.contextmanager
def loading(port: int, clients: int = 4) -> Iterator[Load]:
    load = Load(port)
    threads = [threading.Thread(target=load.run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stop()
        for thread in threads:
            thread.join(DEADLINE)
    assert load.wrong == []
