"""A Django server with the frontend that it forwards to, for the tests of this folder."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from tests.harness import raw_client
from tests.harness.django_servers import DjangoServer
from tests.harness.http_requests import Recorder, Request
from tests.harness.raw_client import Answer, RawClient
from tests.harness.scripted_upstream import Connection, Script, ScriptedUpstream

# Third-party software that only `make neighbours` installs, for these tests too.
NEIGHBOURS = ("runserver_plus",) if find_spec("django_extensions") else ()

EVERY = ("runserver", "fastpath", "sync", "gthread", "waitress", "granian", *NEIGHBOURS)
GUNICORN = ("sync", "gthread")
# Servers whose client socket we can reach.
WITH_SOCKET = ("runserver", "fastpath", "sync", "gthread", *NEIGHBOURS)
KEPT_ALIVE = ("runserver", "fastpath", "gthread", "waitress", "granian")
# Those that end the connection with each answer.
CLOSING = ("sync", *NEIGHBOURS)
DECODE_CHUNKED = ("fastpath", "sync", "gthread", "waitress", "granian", *NEIGHBOURS)

DEADLINE = raw_client.DEADLINE


def staged(kind: str, options: dict[str, Any], name: str) -> Any:
    """The parameter of the fixture `stage` for this server.

    Tests of the same server are a group: they follow each other, so that it is started once.
    """
    told = json.dumps(options, sort_keys=True) if options else ""
    group = f"{kind} {zlib.crc32(told.encode()):x}" if told else kind
    return pytest.param((kind, options), id=name, marks=pytest.mark.xdist_group(group))


def on(*kinds: str, **options: Any) -> pytest.MarkDecorator:
    """Run the test once for each kind of server, with these settings and environment."""
    stages = [staged(kind, options, kind) for kind in kinds]
    return pytest.mark.parametrize("stage", stages, indirect=True)


class Stage:
    """One running server, and the scripted upstream that stands for the frontend."""

    def __init__(self, kind: str, settings: dict[str, Any], environment: dict[str, str]) -> None:
        self.kind = kind
        self.upstream = ScriptedUpstream(self._silent)
        self.server = DjangoServer(kind, {"FRONTEND": self.upstream.url, **settings}, **environment)
        self.port = self.server.port
        self._log_start = 0
        self._tests = 0

    @staticmethod
    def _silent(_: Connection) -> None:
        """No test has said what to answer: the connection ends."""

    def begin(self) -> None:
        self.upstream.play(self._silent)
        if self.kind.endswith("fastpath"):
            self._await_lines()
        self._log_start = len(self.server.log())

    def _await_lines(self) -> None:
        """The listener logs late, but in order: once it has told of this, it has of all before."""
        self._tests += 1
        target = f"/refused-before-test-{self._tests}"
        assert self.exchange(f"GET {target} HTTP/1.1\r\n\r\n".encode()).status == 400
        self._log_start = 0
        self.await_log(target)

    def finish(self) -> None:
        self.upstream.play(self._silent)
        log = self.log()
        assert "Traceback" not in log, log

    def close(self) -> None:
        self.server.stop()
        self.upstream.close()

    def log(self) -> str:
        """What the server has printed in this test."""
        return self.server.log()[self._log_start :]

    def play(self, script: Script) -> None:
        self.upstream.play(script)

    def open_upstream(self, port: int) -> None:
        """Start the frontend at a port where none was."""
        self.upstream.close()
        self.upstream = ScriptedUpstream(self._silent, port=port)

    def record(self, answer: bytes | Callable[[Request], bytes] | None = None) -> Recorder:
        recorder = Recorder(answer) if answer is not None else Recorder()
        self.upstream.play(recorder)
        return recorder

    def client(self) -> RawClient:
        return RawClient(self.port)

    def get(self, target: str = "/", *lines: str, host: str = "localhost") -> Answer:
        return raw_client.get(self.port, target, *lines, host=host)

    def exchange(self, request: bytes) -> Answer:
        return raw_client.exchange(self.port, request)

    def works(self) -> bool:
        """Whether the next request is answered as if nothing had happened."""
        self.record(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain")
        return self.get("/next").body == b"again"

    def await_log(self, words: str, times: int = 1) -> str:
        """The log, once `words` are so often in it."""
        deadline = time.monotonic() + DEADLINE
        while self.log().count(words) < times:
            assert time.monotonic() < deadline, f"{words!r} not in:\n{self.log()}"
            time.sleep(0.02)  # Between looks, until the deadline.
        return self.log()


class Stages:
    """The server of a test, kept for the next one: tests of one server follow each other."""

    def __init__(self) -> None:
        self._last: tuple[str, Stage] | None = None

    def get(self, kind: str, settings: dict[str, Any], environment: dict[str, str]) -> Stage:
        key = json.dumps([kind, settings, environment], sort_keys=True)
        if self._last is None or self._last[0] != key:
            self.close()
            self._last = (key, Stage(kind, settings, environment))
        return self._last[1]

    def close(self) -> None:
        if self._last is not None:
            self._last[1].close()
            self._last = None


def asking_in_vain(stage: Stage, asking: bytes) -> RawClient:
    """A client whose request is with the frontend, which never answers it."""
    asked = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        asked.set()
        connection.receive_to_end()

    stage.play(script)
    client = stage.client()
    client.send(asking)
    assert asked.wait(DEADLINE)
    return client


def leave_while_asked(stage: Stage, leave: Callable[[RawClient], None]) -> None:
    """A client asks, leaves before there is an answer, and so ends the frontend's connection."""
    leave(asking_in_vain(stage, request("GET", "/slow")))
    stage.upstream.next_finished()
    assert stage.works()


def request(
    method: str, target: str, *lines: str, body: bytes = b"", host: str = "localhost"
) -> bytes:
    """A request with its Content-Length, where it has a body."""
    fields = [f"Host: {host}", *lines]
    if body:
        fields.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *fields])
    return f"{head}\r\n\r\n".encode("latin-1") + body


def chunked(*pieces: bytes) -> bytes:
    """The pieces as chunks, with the last one."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
