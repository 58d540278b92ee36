"""What the listener knows of hosts by itself, and what it asks of Django."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from samesite_proxy import conf
from samesite_proxy.fastpath import table, verdicts
from samesite_proxy.fastpath.channel import CLOSED, Handed
from samesite_proxy.fastpath.listener import FastPath, listen
from samesite_proxy.proxy.place import NAME
from tests.fastpath.commands import runserver
from tests.fastpath.test_supervisor import OwnName, Server
from tests.harness.http_requests import Recorder
from tests.harness.raw_client import DEADLINE, RawClient, get
from tests.harness.scripted_upstream import scripted
from tests.process.processes import await_that

SERVER = ("127.0.0.1", 8000)


def ask(client: RawClient, host: str, path: str = "/page") -> None:
    client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


def is_answered(client: RawClient, host: str) -> bool:
    ask(client, host)
    return client.read_answer().body == b"ok"


def test_host_that_is_allowed_waits_for_nobody() -> None:
    with (
        scripted(Recorder()) as upstream,
        runserver("127.0.0.1:0", proxy={"FRONTEND": upstream.url}) as server,
        RawClient(server.port) as client,
    ):
        # The table is there; this connection may not be back when the child stops.
        assert get(server.port, "/api/hello/").body == b"Django answers /api/hello/"
        (child,) = server.children()
        os.kill(child, signal.SIGSTOP)
        own = f"127.0.0.1:{server.port}"
        for host in (own, "localhost", "[::1]", "LocalHost:1", "a.b.localhost:65536", "localhost."):
            assert is_answered(client, host)
        with RawClient(server.port) as refused:
            ask(refused, "evil.example")
            os.kill(child, signal.SIGCONT)
            assert refused.read_answer().status == 400


@contextlib.contextmanager
def settings_of(url: str, *allowed: str) -> Iterator[conf.Settings]:
    proxy = {"FRONTEND": url}
    with override_settings(MIDDLEWARE=[NAME], SAMESITE_PROXY=proxy, ALLOWED_HOSTS=list(allowed)):
        settings, _ = conf.read()
        assert settings is not None
        yield settings


@contextlib.contextmanager
def opened(*allowed: str) -> Iterator[tuple[FastPath, Server, RawClient, conf.Settings]]:
    """A listener in this process, a server process that is played (the test closes it), a client,
    and the settings."""
    listening = listen("127.0.0.1", 0, ipv6=False)
    with (
        scripted(Recorder()) as upstream,
        listening,
        RawClient(listening.getsockname()[1]) as client,
        settings_of(upstream.url, *allowed) as settings,
    ):
        fastpath = FastPath(listening)
        server = Server(fastpath.handover(), table.table_of(WSGIHandler(), settings))
        yield fastpath, server, client, settings
        fastpath.close()


def one_more(client: RawClient) -> RawClient:
    return RawClient(client.sock.getpeername()[1])


def next_of(server: Server) -> Handed | bytes:
    return server.received.get(timeout=DEADLINE)


def take_refused(server: Server) -> None:
    handed = next_of(server)
    assert isinstance(handed, Handed)
    handed.report(CLOSED)
    handed.close()


def test_rule_outlives_its_process_and_ends_with_its_table() -> None:
    with opened(".example") as (fastpath, old, client, _):
        assert is_answered(client, "any.example")
        old.close()
        assert is_answered(client, "new.example")
        assert old.received.empty()
        with override_settings(ALLOWED_HOSTS=["other.example"]):
            settings, _ = conf.read()
            new = Server(fastpath.handover(), table.table_of(WSGIHandler(), settings))
            new.handover.tell({"files": ["new"]})
            await_that("the new table is there", lambda: fastpath.files() == ["new"])
            assert is_answered(client, "other.example")
            ask(client, "any.example")
            take_refused(new)
        new.close()


def test_what_only_django_can_compare_is_asked_of_it_once() -> None:
    with opened(OwnName(".example")) as (_, server, client, settings):
        ask(client, "any.example")
        assert next_of(server) == b"any.example"
        server.handover.tell(verdicts.verdict_on("any.example", SERVER, settings))
        assert client.read_answer().body == b"ok"
        assert is_answered(client, "any.example")
        assert server.received.empty()
        server.close()


def test_refused_hosts_take_no_place_from_others() -> None:
    with opened(OwnName(".example")) as (_, server, client, settings):
        for host in ("known.example", *(f"evil-{n}" for n in range(300)), "new.example"):
            with one_more(client) as asking:
                ask(asking, host)
                assert next_of(server) == host.encode()
                server.handover.tell(verdicts.verdict_on(host, SERVER, settings))
                if host.endswith(".example"):
                    assert asking.read_answer().body == b"ok"
                else:
                    take_refused(server)
        assert is_answered(client, "known.example")
        assert is_answered(client, "new.example")
        assert server.received.empty()
        server.close()
