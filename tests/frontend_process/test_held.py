"""What is asked of a frontend that is away for a moment waits for it, wherever it comes back."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from samesite_proxy.machine import sockets
from tests.fastpath.commands import ask, runserver
from tests.frontend_process.projects import copied, said_by, set_up
from tests.harness.ports import free_port
from tests.harness.raw_client import Answer, RawClient, get
from tests.process.processes import await_that

GETS = 4


def daphne(application: str) -> dict[str, str]:
    return {
        "TEST_INSTALLED_APPS": json.dumps(["samesite_proxy", "daphne"]),
        "TEST_SETTINGS": json.dumps(
            {"ASGI_APPLICATION": f"tests.project.{application}.application"}
        ),
    }


# Before ours, so that every request passes through it.
BEFORE = [
    "django.middleware.common.CommonMiddleware",
    "samesite_proxy.middleware.SameSiteProxyMiddleware",
]
WAYS = {
    "fast path": ([], {}),
    "fast path alone": (["--noreload"], {}),
    "threaded": (["--nofastpath"], {}),
    "one thread": (["--nofastpath", "--noreload", "--nothreading"], {}),
    "behind another middleware": ([], {"TEST_MIDDLEWARE": json.dumps(BEFORE)}),
    "asgi": ([], daphne("plain_asgi")),
    "asgi in front": ([], daphne("asgi")),
}


def kill(said: dict[str, Any]) -> None:
    """The frontend that has said this, until nobody listens at its port any more."""
    os.kill(said["pid"], signal.SIGKILL)
    port = int(said["host"].rpartition(":")[2])
    await_that("it is gone", lambda: not sockets.is_listened_on(port))


def said_in(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


@pytest.mark.parametrize(("options", "changes"), WAYS.values(), ids=WAYS)
def test_request_that_is_held_goes_where_the_frontend_comes_back(
    options: list[str], changes: dict[str, str], tmp_path: Path
) -> None:
    proxy = {"HOST_HEADER": "frontend", "COMMAND": set_up(copied(tmp_path))}
    port = free_port()  # daphne's banner does not say it
    with (
        runserver(*options, str(port), proxy=proxy, **changes) as server,
        ThreadPoolExecutor() as browser,
    ):
        server.await_log(": up at ")
        await_that("Django is there", lambda: sockets.accepts("127.0.0.1", port))
        before = said_in(get(port, "/x"))
        kill(before)
        count = 1 if "--nothreading" in options else GETS
        held = [browser.submit(get, port, f"/held{number}") for number in range(count)]
        answers = [said_in(each.result()) for each in held]
        log = server.await_log(": up at ", 2)
        for number, answer in enumerate(answers):
            assert answer["url"] == f"/held{number}"
            assert answer["times"] == 1
            assert answer["host"] != before["host"]
            assert f"up at http://{answer['host']} after" in log


def test_what_follows_a_held_request_on_its_connection_is_answered_behind_it(
    tmp_path: Path,
) -> None:
    proxy = {"HOST_HEADER": "frontend", "COMMAND": set_up(copied(tmp_path))}
    with runserver("0", proxy=proxy) as server, RawClient(server.port) as client:
        kill(said_by(server))
        ask(client, "GET", "/held")
        ask(client, "GET", "/after")
        server.await_log(": up at ", 2)
        urls = [said_in(client.read_answer())["url"] for _ in range(2)]
        assert urls == ["/held", "/after"]
