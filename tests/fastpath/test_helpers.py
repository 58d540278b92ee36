"""The threads between the listener and Django: what one of them lacks for a while is waited for."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from samesite_proxy import conf
from samesite_proxy.fastpath import table, verdicts
from samesite_proxy.fastpath.listener import FastPath, listen
from samesite_proxy.proxy.place import NAME
from tests.fastpath.commands import Runserver, ask, runserver
from tests.fastpath.test_reload import watched
from tests.fastpath.test_supervisor import Server
from tests.harness.http_requests import Recorder
from tests.harness.raw_client import DEADLINE, RawClient
from tests.harness.scripted_upstream import scripted
from tests.process.processes import await_that

HELLO = b"Django answers /api/hello/"
WAITS = "import pathlib, time\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.01)\n"


def leave_free(pid: int, count: int) -> None:
    """Let a process open so many descriptors more."""
    taken = {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    free = [number for number in range(max(taken) + count + 2) if number not in taken]
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[count], hard))


@contextlib.contextmanager
def short_of_descriptors(pid: int, count: int) -> Iterator[None]:
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    leave_free(pid, count)
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("count", [0, 1, 2], ids=["none", "one", "two"])
def test_reload_with_a_full_table_of_descriptors_is_made_up_for(tmp_path: Path, count: int) -> None:
    go = tmp_path / "go"
    with watched(tmp_path) as (server, project), RawClient(server.port) as client:
        ask(client, "GET", "/api/hello/")
        assert client.read_answer().body == HELLO
        old = server.children()
        text = WAITS.format(str(go))
        project.save_until(lambda: not set(server.children()) & set(old), text)
        await_that("a new process", lambda: len(server.children()) == 1)
        with short_of_descriptors(server.process.pid, count):
            go.touch()
            server.await_log("Django's server has to wait")
            ask(client, "POST", "/api/echo/", body=b"once")
        assert client.read_answer().body == b"once"
        project.save(server)  # And what comes after it is as ever.
        ask(client, "GET", "/api/hello/")
        assert client.read_answer().body == HELLO
        assert server.log().count("Django's server has to wait") < 3
        assert "Traceback" not in server.log()


def test_request_that_comes_while_djangos_process_is_short_of_descriptors_waits() -> None:
    with runserver("0") as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.port)) for _ in range(3)]
        for client in clients:
            ask(client, "GET", "/api/hello/")
            assert client.read_answer().body == HELLO
        (child,) = server.children()
        with short_of_descriptors(child, 0):
            for client in clients:
                ask(client, "POST", "/api/echo/", body=b"once")
            with RawClient(server.port) as other:  # The listener itself goes on.
                ask(other, "GET", "/page")
                assert other.read_answer().status == 502
        for client in clients:
            assert client.read_answer().body == b"once"
            ask(client, "GET", "/api/hello/")
            assert client.read_answer().body == HELLO


def test_threads_that_do_not_start_cost_no_request(server: Runserver, tmp_path: Path) -> None:
    def begin(client: RawClient, name: str, until: str = "until") -> None:
        files = f"begun={tmp_path / name}&until={tmp_path / until}"
        ask(client, "POST", f"/api/begins/?{files}", body=b"")
        await_that(f"{name} has begun", (tmp_path / name).exists)

    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.port)) for _ in range(3)]
        with RawClient(server.port) as client:
            ask(client, "GET", f"/api/sizes_threads/?stack={1 << 50}")
            assert client.read_answer().body == b"sized"
            # Where a thread stood by it reads on, and none stands by then.
            begin(clients[0], "first", "let-go")
            ask(client, "POST", "/api/echo/", body=b"alone")
            server.await_log("Django's requests wait for each other: can't start new thread")
            (tmp_path / "let-go").touch()
            assert client.read_answer().body == b"alone"
            assert clients[0].read_answer().body == b"waited"
            for _ in range(5):
                ask(client, "POST", "/api/echo/", body=b"alone")
                assert client.read_answer().body == b"alone"
            ask(client, "GET", "/api/sizes_threads/?stack=0")
            assert client.read_answer().body == b"sized"
        for client in clients[1:]:
            begin(client, f"later-{id(client)}")
        (tmp_path / "until").touch()
        for client in clients[1:]:
            assert client.read_answer().body == b"waited"


GARBAGE = {
    "no-json": b"}\n",
    "no-text": b"\xff\xfe\n",
    "no-object": b"[]\n",
    "number": b"5\n",
    "nothing": b"\n",
    "unknown": b'{"new": 1}\n',
    "no-table": b'{"table": 5}\n',
    "half-a-table": b'{"table": {"rules": []}}\n',
    "odd-host": b'{"host": 5, "origin": null, "views": [[]]}\n',
}


def test_garbage_and_broken_offers_leave_the_listener_as_it_was() -> None:
    listening = listen("127.0.0.1", 0, ipv6=False)
    with (
        scripted(Recorder()) as upstream,
        override_settings(MIDDLEWARE=[NAME], SAMESITE_PROXY={"FRONTEND": upstream.url}),
        listening,
        RawClient(listening.getsockname()[1]) as client,
    ):
        settings, _ = conf.read()
        plain = table.table_of(WSGIHandler(), settings)
        fastpath = FastPath(listening)
        offers = fastpath._theirs
        for garbage in [*GARBAGE.values(), b'{"table": {"ru']:
            ends, controls = socket.socketpair(), socket.socketpair()
            with ends[0], controls[0]:
                with ends[1], controls[1]:
                    socket.send_fds(offers, [b"+"], [controls[1].fileno(), ends[1].fileno()])
                controls[0].sendall(garbage)
                controls[0].shutdown(socket.SHUT_WR)
                ends[0].settimeout(DEADLINE)
                assert ends[0].recv(1) == b""  # It may offer again.
        offers.send(b"+")  # Without what belongs to it.
        with open("/dev/null") as null:
            socket.send_fds(offers, [b"+"], [null.fileno()])
        server = Server(fastpath.handover(), plain)
        assert server.handover._control is not None
        for garbage in GARBAGE.values():
            if b"table" not in garbage:
                with server.handover._telling:
                    server.handover._control.sendall(garbage)
        assert settings is not None
        server.handover.tell(verdicts.verdict_on("localhost", ("localhost", 8000), settings))
        ask(client, "GET", "/page")
        assert client.read_answer().body == b"ok"
        server.close()
        fastpath.close()
