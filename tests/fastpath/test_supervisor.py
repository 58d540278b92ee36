"""The listener in this process, and server processes that are played by the test."""

from __future__ import annotations

import socket
import threading
from queue import Queue
from typing import cast

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from samesite_proxy import conf
from samesite_proxy.fastpath import table, verdicts
from samesite_proxy.fastpath.channel import Channel, Handed
from samesite_proxy.fastpath.handover import Handover
from samesite_proxy.fastpath.listener import FastPath, listen
from samesite_proxy.proxy.place import NAME
from tests.fastpath.commands import ask
from tests.harness.http_requests import Recorder
from tests.harness.raw_client import DEADLINE, RawClient
from tests.harness.scripted_upstream import scripted


class OwnName(str):
    """A pattern that may compare in a way of its own, so that Django's process alone is asked."""

    __slots__ = ()


class Server:
    """A server process that says what it is asked."""

    def __init__(self, handover: Handover, plain: table.Plain) -> None:
        self.handover = handover
        self.received: Queue[Handed | bytes] = Queue()
        self._channel = handover.open(plain)
        self._thread = threading.Thread(target=self._listen, args=(self._channel,))
        self._thread.start()

    def _listen(self, channel: Channel) -> None:
        while (received := channel.receive()) is not None:
            self.received.put(received)

    def close(self) -> None:
        """What the end of a process would do."""
        self._channel._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        assert self.handover._control is not None
        self.handover._control.close()
        self._channel._socket.close()


def test_end_that_is_meant_is_not_told_as_a_channels(caplog: pytest.LogCaptureFixture) -> None:
    listening = listen("127.0.0.1", 0, ipv6=False)
    with (
        override_settings(MIDDLEWARE=[NAME], SAMESITE_PROXY={"FRONTEND": None}),
        listening,
        RawClient(listening.getsockname()[1]) as client,
    ):
        plain = table.table_of(WSGIHandler(), conf.read()[0])
        fastpath = FastPath(listening)
        server = Server(fastpath.handover(), plain)
        ask(client, "GET", "/")
        with cast(Handed, server.received.get(timeout=DEADLINE)):
            assert server.handover._control is not None
            server.handover._control.close()
            fastpath.close()
        server._thread.join()
        assert server.handover.open(plain) is None
    assert "channel" not in caplog.text


def test_new_table_asks_the_process_that_it_came_from() -> None:
    """The one before is still there, but its word on a Host is about other settings."""
    listening = listen("127.0.0.1", 0, ipv6=False)
    with (
        scripted(Recorder()) as upstream,
        override_settings(
            MIDDLEWARE=[NAME],
            SAMESITE_PROXY={"FRONTEND": upstream.url},
            ALLOWED_HOSTS=[OwnName("localhost")],
        ),
        listening,
        RawClient(listening.getsockname()[1]) as client,
    ):
        settings, _ = conf.read()
        assert settings is not None
        plain = table.table_of(WSGIHandler(), settings)
        fastpath = FastPath(listening)
        old = Server(fastpath.handover(), plain)
        ask(client, "GET", "/page")
        assert old.received.get(timeout=DEADLINE) == b"localhost"
        new = Server(fastpath.handover(), plain)
        assert new.received.get(timeout=DEADLINE) == b"localhost"
        verdict = verdicts.verdict_on("localhost", ("localhost", 8000), settings)
        old.handover.tell(verdicts.verdict_on("evil.example", ("localhost", 8000), settings))
        new.handover.tell(verdict)
        assert client.read_answer().body == b"ok"
        old.close()
        new.close()
        fastpath.close()
