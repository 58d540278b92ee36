"""A saved file costs no request: the listener stays open while processes behind it come and go."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.fastpath.commands import Runserver, Watched, ask, runserver
from tests.harness.http_requests import Recorder
from tests.harness.raw_client import DEADLINE, Broken, RawClient, get
from tests.harness.scripted_upstream import Connection, Script, scripted
from tests.live.tunnels import SWITCH, says_back, upgrade
from tests.process.processes import await_that

HELLO = b"Django answers /api/hello/"
PAUSE = 0.005  # Seconds between two requests of a client: who restarts needs the processor, too.


def page_or_socket(connection: Connection) -> None:
    """A script: answers requests, or says everything back behind an upgrade."""
    head = connection.receive_head()
    if b"\r\nUpgrade:" in head:
        connection.send(SWITCH)
        while piece := connection.sock.recv(65536):
            connection.send(piece)
    while True:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
        connection.receive_head()


class Load:
    """Clients that ask the same again and again, on a connection kept alive or on new ones."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self.right: Counter[str] = Counter()
        self.wrong: list[str] = []

    def add(self, target: str, body: bytes, *, kept: bool) -> None:
        run = self._on_one if kept else self._on_new_ones
        self._threads.append(threading.Thread(target=run, args=(target, body)))
        self._threads[-1].start()

    def _ask(self, client: RawClient, target: str, body: bytes) -> None:
        try:
            ask(client, "GET", target)
            answer = client.read_answer()
            outcome = f"{answer.status} {answer.body!r}"
        except (Broken, OSError) as error:
            outcome = repr(error)
        with self._changed:
            if outcome == f"200 {body!r}":
                self.right[target] += 1
            else:
                self.wrong.append(f"{target}: {outcome}")
            self._changed.notify_all()

    def _on_one(self, target: str, body: bytes) -> None:
        with RawClient(self._port) as client:
            while not self._stopping.wait(PAUSE) and not self.wrong:
                self._ask(client, target, body)

    def _on_new_ones(self, target: str, body: bytes) -> None:
        while not self._stopping.wait(PAUSE) and not self.wrong:
            with RawClient(self._port) as client:
                self._ask(client, target, body)

    def await_more(self, *targets: str) -> None:
        """Until each has been answered again, or one wrongly."""
        with self._changed:
            before = self.right.copy()

            def is_more() -> bool:
                return bool(self.wrong) or all(self.right[t] > before[t] + 4 for t in targets)

            assert self._changed.wait_for(is_more, DEADLINE)
        assert self.wrong == []

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(DEADLINE)


@contextlib.contextmanager
def loading(port: int) -> Iterator[Load]:
    load = Load(port)
    try:
        for kept in (True, False):
            load.add("/page", b"page", kept=kept)
            load.add("/api/hello/", HELLO, kept=kept)
        yield load
    finally:
        load.stop()
    assert load.wrong == []


@contextlib.contextmanager
def watched(
    tmp_path: Path, script: Script = page_or_socket, *options: str
) -> Iterator[tuple[Runserver, Watched]]:
    project = Watched(tmp_path)
    with (
        scripted(script) as upstream,
        runserver(*options, "0", proxy={"FRONTEND": upstream.url}, **project.environment) as server,
    ):
        server.await_banner()
        yield server, project


def check_saves(tmp_path: Path, count: int) -> None:
    with (
        watched(tmp_path) as (server, project),
        RawClient(server.port) as socket,
        loading(server.port) as load,
    ):
        socket.send(upgrade())
        assert socket.read_head().status == 101
        for _ in range(count):
            load.await_more("/page", "/api/hello/")
            project.save(server)
            assert says_back(socket, b"still here")
        load.await_more("/page", "/api/hello/")
        assert "Traceback" not in server.log()


def test_saves_under_load_cost_no_request_and_no_socket(tmp_path: Path) -> None:
    check_saves(tmp_path, 3)


@pytest.mark.slow
def test_fifty_saves_under_load_cost_no_request_and_no_socket(tmp_path: Path) -> None:
    check_saves(tmp_path, 50)


def test_syntax_error_saved_and_mended_lets_djangos_requests_wait(tmp_path: Path) -> None:
    with (
        watched(tmp_path) as (server, project),
        RawClient(server.port) as socket,
        RawClient(server.port) as page,
        loading(server.port) as load,
    ):
        socket.send(upgrade())
        assert socket.read_head().status == 101
        load.await_more("/page", "/api/hello/")
        project.save_until(lambda: "SyntaxError" in server.log(), "syntax (error")
        for _ in range(5):
            ask(page, "GET", "/page")
            assert page.read_answer().body == b"page"
            assert says_back(socket, b"still here")
            load.await_more("/page")
        project.save_until(lambda: server.log().count("deployment/") == 2)
        load.await_more("/page", "/api/hello/")


def has_bytes(client: RawClient) -> bool:
    return bool(select.select([client.sock], [], [], 0)[0])


@pytest.mark.parametrize("options", [(), ("--nothreading",)], ids=["threads", "no threads"])
def test_view_that_runs_at_a_save_is_answered(tmp_path: Path, options: tuple[str, ...]) -> None:
    begun = tmp_path / "begun"
    with (
        watched(tmp_path, page_or_socket, *options) as (server, project),
        RawClient(server.port) as client,
        RawClient(server.port) as next_client,
    ):
        ask(client, "GET", f"/api/waits_for_a_save/?begun={begun}")
        await_that("the view has begun", begun.exists)
        if options:  # It waits behind the other.
            ask(next_client, "GET", "/api/hello/")
        project.save_until(lambda: has_bytes(client))
        assert client.read_answer().body == b"waited"
        if not options:
            ask(next_client, "GET", "/api/hello/")
        assert next_client.read_answer().body == HELLO


def test_answer_without_a_length_is_whole_at_a_save(tmp_path: Path) -> None:
    """It ends with its connection: cut short it would be taken for the whole."""
    begun = tmp_path / "begun"
    with watched(tmp_path) as (server, project), RawClient(server.port) as client:
        ask(client, "GET", f"/api/streams_through_a_save/?begun={begun}")
        client.read_until(b"one,")
        await_that("the view has begun", begun.exists)
        project.save(server)
        assert client.read_to_end() == b"waited"


@pytest.mark.parametrize("kind", ["text/event-stream; charset=utf-8", "text/html"])
def test_event_stream_ends_in_order_at_a_save(tmp_path: Path, kind: str) -> None:
    """So does no other answer, which would be taken for the whole."""
    begun, silent, until = tmp_path / "begun", tmp_path / "silent", tmp_path / "until"
    target = f"/api/streams_without_end/?kind={kind.replace('; ', '%3B')}"
    with (
        watched(tmp_path) as (server, project),
        RawClient(server.port) as client,
        RawClient(server.port) as silent_client,
        RawClient(server.port) as measured,
    ):
        ask(client, "GET", f"{target}&begun={begun}&first=one")
        ask(silent_client, "GET", f"{target}&begun={silent}")
        ask(measured, "GET", f"/api/begins_to_answer/?until={until}")
        client.read_until(b"one")
        measured.read_until(b"one,")
        await_that("both stand still", lambda: begun.exists() and silent.exists())
        silent.unlink()
        project.save(server)
        if "event" in kind:
            assert client.read_to_end() == b""
        else:
            with pytest.raises(Broken, match="reset"):
                client.read_to_end()
        with pytest.raises(Broken, match="reset"):
            measured.read_to_end()
        await_that("the next process has begun with it", silent.exists)


def test_requests_before_the_first_table_wait(tmp_path: Path) -> None:
    with (
        scripted(Recorder()) as upstream,
        runserver("--noreload", "0", proxy={"FRONTEND": upstream.url}) as server,
    ):
        port = server.port  # The banner comes before the table.
        with RawClient(port) as page, RawClient(port) as django:
            ask(page, "GET", "/page")
            ask(django, "GET", "/api/hello/")
            assert page.read_answer().body == b"ok"
            assert django.read_answer().body == HELLO


def edit_settings(tmp_path: Path, text: str) -> tuple[Path, dict[str, str]]:
    """A settings module of a test's own."""
    module = tmp_path / "settings_that_change.py"
    module.write_text(text)
    folders = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    return module, {"DJANGO_SETTINGS_MODULE": module.stem, "PYTHONPATH": folders}


def test_saved_settings_take_effect(tmp_path: Path) -> None:
    same = "from tests.project.settings import *\nALLOWED_HOSTS = ['localhost', 'one.example']\n"
    other = same.replace("one.example", "two.example") + "SAMESITE_PROXY['DJANGO_PATHS'] = ['/x']\n"
    module, environment = edit_settings(tmp_path, same)
    with (
        scripted(Recorder()) as upstream,
        runserver("0", proxy={"FRONTEND": upstream.url}, **environment) as server,
    ):
        port = server.port

        def status(target: str, host: str) -> int:
            with RawClient(port) as client:
                client.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                return client.read_answer().status

        def statuses() -> list[int]:
            return [
                status("/page", "one.example"),
                status("/page", "two.example"),
                status("/x", "localhost"),
                status("/api/hello/", "localhost"),
            ]

        assert statuses() == [200, 400, 200, 200]
        await_saved(server, lambda: module.write_text(other))
        # The listener hears of it just after the banner.
        await_that("the new settings", lambda: statuses() == [400, 200, 404, 200])
        with RawClient(port) as client:
            ask(client, "GET", "/api/hello/")
            assert client.read_answer().body == b"ok"


def test_frontend_that_was_down_is_said_to_be_back_where_a_save_has_put_it(tmp_path: Path) -> None:
    with scripted(Recorder()) as upstream, socket.create_server(("127.0.0.1", 0)) as down:
        down_url = f"http://127.0.0.1:{down.getsockname()[1]}"
        down.close()
        same = "from tests.project.settings import *\n"
        module, environment = edit_settings(tmp_path, same)
        with runserver("0", proxy={"FRONTEND": down_url}, **environment) as server:
            for text in (same, f"{same}SAMESITE_PROXY['FRONTEND'] = '{upstream.url}'\n"):
                assert get(server.port).status == 502
                await_saved(server, partial(module.write_text, text))
            await_that("the new table", lambda: get(server.port).status == 200)
            log = server.await_log(f"samesite_proxy: the frontend at {upstream.url} is back.")
            assert log.count("cannot be reached") == 1
            assert log.count("is back") == 1


def await_saved(server: Runserver, save: Callable[[], object]) -> None:
    old = server.children()

    def is_renewed() -> bool:
        save()
        return not set(server.children()) & set(old)

    await_that("the save is noticed", is_renewed)
    server.await_log("deployment/", 2)
