"""What the door knows of hosts before it asks, and after the process that it asked has ended."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from samesite_proxy import conf
from samesite_proxy.fastpath import table
from samesite_proxy.fastpath.listener import Door, listen
from samesite_proxy.proxy.place import NAME
from tests.fastpath.commands import runserver
from tests.fastpath.test_keeper import Server
from tests.harness.http_requests import Recorder
from tests.harness.raw_client import DEADLINE, RawClient
from tests.harness.scripted_upstream import scripted

SERVER = ("127.0.0.1", 8000)


def ask(client: RawClient, host: str) -> None:
    client.send(f"GET /page HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


def test_what_is_allowed_by_name_waits_for_nobody() -> None:
    with (
        scripted(Recorder()) as upstream,
        runserver("127.0.0.1:0", proxy={"FRONTEND": upstream.url}) as server,
        RawClient(server.port) as client,
    ):
        client.send(b"GET /api/hello/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.read_answer().body == b"Django answers /api/hello/"  # The table is there.
        (child,) = server.children()
        os.kill(child, signal.SIGSTOP)
        for host in (f"127.0.0.1:{server.port}", f"localhost:{server.port}", "localhost", "[::1]"):
            ask(client, host)
            assert client.read_answer().body == b"ok"


@contextlib.contextmanager
def settings_of(url: str, *allowed: str) -> Iterator[conf.Settings]:
    proxy = {"FRONTEND": url}
    with override_settings(MIDDLEWARE=[NAME], SAMESITE_PROXY=proxy, ALLOWED_HOSTS=list(allowed)):
        settings, _ = conf.read()
        assert settings is not None
        yield settings


@pytest.mark.parametrize("allowed", [(), ("site.example", "evil.example"), (".example",), ("*",)])
def test_only_what_django_allows_is_known(allowed: tuple[str, ...]) -> None:
    with settings_of("http://localhost:3000", *allowed) as settings:
        known = {verdict["host"] for verdict in table.known_hosts_of(SERVER, settings)["hosts"]}
        assert ("localhost" in known, "localhost:8000" in known) == (allowed in ((), ("*",)),) * 2
        assert ("site.example:8000" in known) == ("site.example" in allowed)
        assert ("example" in known) == (allowed == (".example",))


def await_question(server: Server, host: bytes) -> None:
    """One may come twice: to a new process, and again under its table."""
    while server.received.get(timeout=DEADLINE) != host:
        pass


def questions_left(server: Server) -> list[object]:
    return [server.received.get() for _ in range(server.received.qsize())]


@pytest.mark.parametrize("outlives", [True, False], ids=["same settings", "others"])
def test_verdict_outlives_its_process_while_the_settings_do(outlives: bool) -> None:
    listening = listen("127.0.0.1", 0, ipv6=False)
    with (
        scripted(Recorder()) as upstream,
        listening,
        RawClient(listening.getsockname()[1]) as client,
        settings_of(upstream.url, ".example") as settings,
    ):
        rules = table.table_of(WSGIHandler(), settings)
        plain = {**rules, **table.known_hosts_of(SERVER, settings)}
        door = Door(listening)
        old = Server(door.handover(), plain)
        ask(client, "any.example")
        assert old.received.get(timeout=DEADLINE) == b"any.example"
        old.handover.tell(table.verdict_on("any.example", SERVER, settings))
        assert client.read_answer().body == b"ok"
        old.close()
        with settings_of(upstream.url, ".example", *(() if outlives else ("more",))) as others:
            new = Server(door.handover(), {**rules, **table.known_hosts_of(SERVER, others)})
            # Told after the table, by the same thread: what this asks is asked under the new one.
            ask(client, "other.example")
            await_question(new, b"other.example")
            new.handover.tell(table.verdict_on("other.example", SERVER, others))
            assert client.read_answer().body == b"ok"
            ask(client, "any.example")
            if not outlives:
                await_question(new, b"any.example")
                new.handover.tell(table.verdict_on("any.example", SERVER, others))
            assert client.read_answer().body == b"ok"
            assert b"any.example" not in questions_left(new)
        new.close()
        door.close()
