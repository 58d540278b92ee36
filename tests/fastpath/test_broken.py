"""Code that is broken when it is saved, or at the start, and processes that are killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fastpath.commands import APPS, Runserver, Watched, ask, runserver, save
from tests.fastpath.test_reload import HELLO, edit_settings, page_or_socket
from tests.harness.ports import free_port
from tests.harness.raw_client import RawClient, get
from tests.harness.scripted_upstream import scripted
from tests.live.tunnels import SWITCH, says_back, upgrade
from tests.process.processes import await_that

GOOD = "from tests.project.settings import *\n"
# Text behind good settings, and what the log then says.
BROKEN = {
    "name": ("not_a_name", "has ended (exit code 1)"),
    "exit": ("raise SystemExit(7)", "has ended (exit code 7)"),
    "signal": ("import os; os.kill(os.getpid(), 9)", "has ended (SIGKILL)"),
    "good exit": ("raise SystemExit", "has ended (exit code 0)"),
    "syntax": ("(", "SyntaxError"),
    "application": ("INSTALLED_APPS = ['samesite_proxy', 'nowhere']", "No module named 'nowhere'"),
    "check": ("SAMESITE_PROXY = {'FRONTEND': 3}", "samesite_proxy.E003"),
}


@pytest.fixture(scope="module")
def frontend_url() -> Iterator[str]:
    with scripted(page_or_socket) as upstream:
        yield upstream.url


def save_until(module: Path, text: str, happens: Callable[[], bool]) -> None:
    def saved() -> bool:
        save(module, text)
        return happens()

    await_that("the save is noticed", saved)


def check_page(port: int) -> None:
    with RawClient(port) as client:
        ask(client, "GET", "/page")
        assert client.read_answer().body == b"page"


def test_broken_settings_cost_the_frontend_nothing(tmp_path: Path, frontend_url: str) -> None:
    module, environment = edit_settings(tmp_path, GOOD)
    with (
        runserver("0", proxy={"FRONTEND": frontend_url}, **environment) as server,
        RawClient(server.port) as socket,
    ):
        check_page(server.port)
        socket.send(upgrade())
        assert socket.read_head().status == int(SWITCH.split()[1])
        for text, words in BROKEN.values():
            banners, said = server.log().count("deployment/"), server.log().count(words)
            save_until(module, GOOD + text, lambda w=words, s=said: server.log().count(w) > s)
            check_page(server.port)
            assert says_back(socket, b"still here")
            save_until(module, GOOD, lambda b=banners: server.log().count("deployment/") > b)
            assert get(server.port, "/api/hello/").body == HELLO
            check_page(server.port)  # The new process is asked about the host.


def test_module_that_never_was_imported_is_watched(tmp_path: Path, frontend_url: str) -> None:
    module, environment = edit_settings(tmp_path, GOOD)
    new = tmp_path / "new_in_settings.py"
    new.write_text("not_a_name")
    with runserver("0", proxy={"FRONTEND": frontend_url}, **environment) as server:
        check_page(server.port)  # Django is asked about the host.
        save_until(module, GOOD + f"import {new.stem}", lambda: "NameError" in server.log())
        server.await_log("has ended")
        check_page(server.port)
        save_until(new, "", lambda: server.log().count("deployment/") == 2)
        assert get(server.port, "/api/hello/").body == HELLO


def end_by(server: Runserver, number: signal.Signals) -> None:
    if number == signal.SIGINT:
        server.interrupt()
    else:
        server.signal(number)
    server.await_end()


# The child is dead, or lives on: before any code of ours, or in Django's own waiting for a save.
LEFT = {
    "dead": BROKEN["name"],
    "failed": BROKEN["application"],
    "starts": ("import time; print('it hangs', flush=True); time.sleep(1000)", "it hangs"),
    "waits": ("INSTALLED_APPS = ['nowhere', 'samesite_proxy']", "No module named 'nowhere'"),
}


@pytest.mark.parametrize(
    ("state", "number"),
    [
        *[("dead", number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)],
        *[("failed", number) for number in (signal.SIGTERM, signal.SIGKILL)],
        *[("starts", number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)],
        *[("waits", number) for number in (signal.SIGINT, signal.SIGKILL)],
    ],
)
def test_nothing_is_left_of_a_broken_project(
    tmp_path: Path, state: str, number: signal.Signals
) -> None:
    module, environment = edit_settings(tmp_path, GOOD)
    text, words = LEFT[state]
    with runserver("0", **environment) as server:
        assert get(server.port, "/api/hello/").body == HELLO
        save_until(module, GOOD + text, lambda: words in server.log())
        end_by(server, number)


@contextlib.contextmanager
def mended(tmp_path: Path, url: str, bad: str) -> Iterator[tuple[Runserver, int, Watched]]:
    """A server that was started with these settings, once they are good."""
    module, environment = edit_settings(tmp_path, GOOD + bad)
    project, port = Watched(tmp_path), free_port()
    more = {**environment, "TEST_WATCHED_MODULE": project.environment["TEST_WATCHED_MODULE"]}
    with runserver(str(port), proxy={"FRONTEND": url}, **more) as server:
        await_that("a child", lambda: len(server.children()) >= 1)
        save_until(module, GOOD, lambda: len(server.pids()) == 3)
        yield server, port, project


@pytest.mark.parametrize(
    "bad",
    [
        "INSTALLED_APPS = [*INSTALLED_APPS, 'nowhere']",
        f"INSTALLED_APPS = {json.dumps(APPS[1:])}; MIDDLEWARE = []",
    ],
    ids=["broken", "without us"],
)
def test_first_good_child_takes_the_parents_place(
    tmp_path: Path, frontend_url: str, bad: str
) -> None:
    with mended(tmp_path, frontend_url, bad) as (server, port, project):
        server.await_listener(port)
        with RawClient(port) as socket:
            socket.send(upgrade())
            assert socket.read_head().status == 101
            assert get(port, "/api/hello/").body == HELLO
            old = set(server.pids())
            project.save_until(lambda: bool(set(server.pids()) - old))
            assert says_back(socket, b"still here")
            assert get(port, "/api/hello/").body == HELLO
        server.interrupt()
        server.await_end()


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_either_parent_ends_all(
    tmp_path: Path, frontend_url: str, which: int, number: signal.Signals
) -> None:
    with mended(tmp_path, frontend_url, "INSTALLED_APPS = ['nowhere']") as (server, _, _):
        server.await_banner()
        os.kill(sorted(server.pids())[which], number)
        server.await_end()
