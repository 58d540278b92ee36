"""A process that ends while it answers: what it had begun is done again or answered, never reset
in silence, since browsers then send even a POST a second time by themselves.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fastpath.commands import Runserver, Watched, ask, runserver
from tests.fastpath.test_reload import watched
from tests.harness.raw_client import Answer, Broken, RawClient
from tests.harness.scripted_upstream import Connection, scripted
from tests.process.processes import await_that, descriptors

HELLO = b"Django answers /api/hello/"
RESTARTED = b"samesite_proxy: the server restarted while it answered; it may have been done.\n"
ENDED = RESTARTED.replace(b"restarted", b"ended")
ENDING = b"samesite_proxy: the server ends, and has not begun with this.\n"
BODY = b"0123456789"


@dataclass(frozen=True)
class Asked:
    """A request whose view is under way when its process ends."""

    method: str
    body: bytes = b""  # as far as it is sent at first
    length: int = 0
    lines: tuple[str, ...] = ()
    is_repeated: bool = False

    def head(self, folder: Path, name: str) -> bytes:
        files = f"begun={folder / name}&until={folder / 'until'}"
        fields = ["Host: localhost", *self.lines]
        if self.length:
            fields.append(f"Content-Length: {self.length}")
        head = "\r\n".join([f"{self.method} /api/begins/?{files} HTTP/1.1", *fields])
        return f"{head}\r\n\r\n".encode()


ASKED = {
    "post": Asked("POST", BODY, 10),
    "post-empty": Asked("POST", lines=("Content-Length: 0",)),
    "put": Asked("PUT", BODY, 10),
    "delete": Asked("DELETE"),
    "unknown": Asked("PURGE"),
    "upload": Asked("POST", b"x" * 100_000, 5_000_000),
    "expecting": Asked("POST", b"", 10, ("Expect: 100-continue",)),
    "get": Asked("GET", is_repeated=True),
    "head": Asked("HEAD", is_repeated=True),
    "options": Asked("OPTIONS", is_repeated=True),
    "get-with-body": Asked("GET", BODY, 10, is_repeated=True),
    "get-with-half-a-body": Asked("GET", BODY[:5], 10),
}


# Nothing more can be said where a part of the answer is out, whether it may be begun again or not.
BREAKING = ("GET", "POST")


class UnderWay:
    """All of these at once, each on a connection that was used before."""

    def __init__(self, port: int, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder = folder
        self.clients = {name: stack.enter_context(RawClient(port)) for name in ASKED}
        self.broken = [stack.enter_context(RawClient(port)) for _ in BREAKING]
        for name, client in self.clients.items():
            ask(client, "GET", "/api/hello/")
            assert client.read_answer().body == HELLO
            client.send(ASKED[name].head(folder, name) + ASKED[name].body)
            await_that(f"{name} has begun", lambda name=name: len(self.begun(name)) == 1)
        assert self.clients["expecting"].read_head().status == 100
        for method, client in zip(BREAKING, self.broken, strict=True):
            ask(client, method, f"/api/begins_to_answer/?until={folder / 'until'}")
            client.read_until(b"one,")

    def begun(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().split() if file.exists() else []

    def answer_of(self, name: str) -> Answer:
        return self.clients[name].read_answer(ASKED[name].method)

    def check_answered(self, name: str, line: bytes) -> None:
        client = self.clients[name]
        if name == "upload":  # The client first sends on, as long as somebody is there.
            with contextlib.suppress(ConnectionError):
                client.send(b"x" * 3_000_000)
        answer = self.answer_of(name)
        assert (answer.status, answer.body) == (503, b"" if ASKED[name].method == "HEAD" else line)
        assert (answer.get("Connection"), answer.get("Cache-Control")) == ("close", "no-store")
        if name != "upload":
            assert client.is_closed()

    def check_broken(self) -> None:
        for client in self.broken:
            with pytest.raises(Broken, match="reset"):
                client.read_to_end()


@contextlib.contextmanager
def under_way(server: Runserver, folder: Path) -> Iterator[UnderWay]:
    with contextlib.ExitStack() as stack:
        yield UnderWay(server.port, folder, stack)


def save(server: Runserver, project: Watched) -> None:
    project.save(server)


def die(server: Runserver, _: Watched) -> None:
    """With the exit code by which the autoreloader's child asks for the next one."""
    with RawClient(server.port) as client:
        ask(client, "POST", "/api/dies/?how=3", body=b"")
        answer = client.read_answer()
        assert (answer.status, answer.body) == (503, RESTARTED)
    server.await_log("deployment/", 2)


def fork_and_die(server: Runserver, project: Watched) -> None:
    with RawClient(server.port) as client:
        ask(client, "GET", "/api/forks/?how=fork&until=/never")
        daemon = int(client.read_answer().body)
    die(server, project)
    os.kill(daemon, signal.SIGKILL)


@pytest.mark.parametrize("end", [save, die, fork_and_die])
def test_process_replaced_while_it_answers(
    tmp_path: Path, end: Callable[[Runserver, Watched], None]
) -> None:
    with watched(tmp_path) as (server, project), under_way(server, tmp_path) as asked:
        end(server, project)
        asked.check_broken()
        repeated = [name for name in ASKED if ASKED[name].is_repeated]
        for name in set(ASKED) - set(repeated):
            asked.check_answered(name, RESTARTED)
            assert len(asked.begun(name)) == 1
        for name in repeated:
            await_that(f"{name} has begun again", lambda name=name: len(asked.begun(name)) == 2)
        (tmp_path / "until").touch()
        for name in repeated:
            answer = asked.answer_of(name)
            said = b"" if name == "head" else ASKED[name].body or b"waited"
            assert (answer.status, answer.body) == (200, said)
            ask(asked.clients[name], "GET", "/api/hello/")
            assert asked.clients[name].read_answer().body == HELLO
            assert len(set(asked.begun(name))) == 2
        server.await_log('"POST /api/begins/', 1)


def check_all_answered(asked: UnderWay) -> None:
    """At once: what lingers has a second."""
    asked.check_broken()
    for name in ASKED:
        asked.check_answered(name, ENDING if ASKED[name].is_repeated else ENDED)


# With the exit codes of Django's own server.
ENDS = {signal.SIGINT: 0, signal.SIGTERM: -signal.SIGTERM}


@pytest.mark.parametrize("number", ENDS)
def test_signal_answers_what_was_begun(tmp_path: Path, number: signal.Signals) -> None:
    with (
        runserver("--noreload", "0") as server,
        under_way(server, tmp_path) as asked,
    ):
        os.killpg(server.process.pid, number)
        check_all_answered(asked)
        assert server.wait() == ENDS[number]
        assert "Traceback" not in server.log()


def test_sigterm_answers_what_the_only_thread_has_begun(tmp_path: Path) -> None:
    with runserver("--noreload", "--nothreading", "0") as server, RawClient(server.port) as client:
        begun = tmp_path / "begun"
        ask(client, "POST", f"/api/begins/?begun={begun}&until={tmp_path / 'until'}", body=BODY)
        await_that("it has begun", begun.exists)
        server.signal(signal.SIGTERM)
        answer = client.read_answer()
        assert (answer.status, answer.body) == (503, ENDED)
        assert server.wait() == -signal.SIGTERM


def test_sigterm_ends_a_process_forked_by_a_view_and_nothing_else(tmp_path: Path) -> None:
    with runserver("--noreload", "0") as server, RawClient(server.port) as client:
        for _ in range(20):  # The signal comes at other moments behind the fork.
            ask(client, "GET", "/api/forks/?how=fork&until=/never")
            os.kill(int(client.read_answer().body), signal.SIGTERM)
            await_that("it has ended", lambda: server.children() == [])
        ask(client, "GET", "/api/hello/")
        assert client.read_answer().body == HELLO


FORKS_UNDER_ITS_OWN = """
import os, signal
from samesite_proxy.fastpath.termination import answers_first

with answers_first(print):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    own = lambda *_: os._exit(7)
    signal.signal(signal.SIGTERM, own)
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGTERM)  # Blocked, as where it was forked.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_forked_process_keeps_a_handler_and_a_mask_of_the_projects_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS_UNDER_ITS_OWN], capture_output=True, text=True, check=True
    )
    assert done.stdout == "7\n"


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        # A sanitizer makes an exit of it.
        pytest.param(signal.SIGSEGV, marks=pytest.mark.unsanitized),
    ],
)
def test_child_killed_is_missed_until_a_save_and_what_was_begun_is_answered(
    tmp_path: Path, number: int
) -> None:
    with watched(tmp_path) as (server, project), under_way(server, tmp_path) as asked:
        for child in server.children():
            os.kill(child, number)
        asked.check_broken()
        for name in ASKED:
            if not ASKED[name].is_repeated:
                asked.check_answered(name, RESTARTED)
        server.await_log(f"has ended ({signal.Signals(number).name})")
        (tmp_path / "until").touch()
        project.save_until(lambda: server.log().count("deployment/") == 2)
        for name in ASKED:
            if ASKED[name].is_repeated:
                assert asked.clients[name].read_answer(ASKED[name].method).status == 200


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("options", [(), ("--noreload",)], ids=["reloading", "alone"])
def test_frontends_request_under_way_at_the_end_is_answered(
    options: tuple[str, ...], number: signal.Signals
) -> None:
    asked = threading.Event()

    def never(connection: Connection) -> None:
        connection.receive_head()
        asked.set()
        connection.receive_to_end()

    with (
        scripted(never) as upstream,
        runserver(*options, "0", proxy={"FRONTEND": upstream.url}) as server,
        RawClient(server.port) as client,
    ):
        ask(client, "GET", "/api/hello/")
        assert client.read_answer().body == HELLO
        ask(client, "POST", "/form", body=BODY)
        assert asked.wait(30)
        server.signal(number)
        answer = client.read_answer()
        assert (answer.status, answer.body.split(b": ")[1]) == (
            503,
            b"the server is shutting down.\n",
        )
        assert client.is_closed()
        assert server.wait() == (ENDS[number] if options else 0)


def test_request_that_ends_each_process_is_not_begun_for_ever(tmp_path: Path) -> None:
    with watched(tmp_path) as (server, _), RawClient(server.port) as client:
        ask(client, "GET", "/api/dies/?how=3")
        assert client.read_answer().status == 503
        assert 2 <= server.log().count("deployment/") <= 7


@pytest.mark.parametrize("options", [(), ("--noreload",)], ids=["reloading", "alone"])
def test_channel_that_ends_is_made_anew(options: tuple[str, ...]) -> None:
    with runserver(*options, "0") as server, RawClient(server.port) as client:
        for _ in range(3):
            with RawClient(server.port) as other:
                ask(other, "POST", "/api/cuts_channels/", body=b"")
                answer = other.read_answer()
                assert (answer.status, answer.body) == (503, RESTARTED)
                assert other.is_closed()
            ask(client, "GET", "/api/hello/")
            assert client.read_answer().body == HELLO
        assert "The channel to the listener has ended; a new one is opened." in server.log()
        assert server.interrupt() == 0


def sockets_of(pid: int) -> int:
    return sum(link.startswith("socket:") for link in descriptors(pid))


LISTENS = """
import socket, sys
from samesite_proxy._engine import Listener

with socket.create_server(("127.0.0.1", 0)) as listening:
    listener = Listener([listening.fileno()], 4, -1)
print(flush=True)
sys.stdin.read()
"""


def sockets_of_libcurl() -> int:
    """How many an engine has beside the one that it listens on: libcurl from 8.5 on has none."""
    with subprocess.Popen(
        [sys.executable, "-c", LISTENS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        found = sockets_of(process.pid)
        process.stdin.close()
    return found - 1


@pytest.mark.parametrize("how", ["fork", "multiprocessing"])
def test_process_forked_by_a_view_keeps_no_socket(
    server: Runserver, tmp_path: Path, how: str
) -> None:
    until = tmp_path / "until"
    with RawClient(server.port) as waiting, RawClient(server.port) as client:
        begun = tmp_path / "begun"
        ask(waiting, "GET", f"/api/begins/?begun={begun}&until={until}")
        await_that("the view has begun", begun.exists)
        ask(client, "GET", f"/api/forks/?how={how}&until={until}")
        daemon = int(client.read_answer().body)
        # A fork of the engine's own process has libcurl's, too, whose both ends are the same one's.
        most = sockets_of_libcurl() if server.children() == [daemon] else 0
        await_that("it has none of ours", lambda: sockets_of(daemon) == most)
        until.touch()
        assert waiting.read_answer().body == b"waited"
        ask(client, "GET", "/api/hello/")
        assert client.read_answer().body == HELLO
