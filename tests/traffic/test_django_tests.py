"""Django's own test clients and live servers work with the middleware, and without a frontend."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends import locmem
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from django.test.utils import setup_test_environment, teardown_test_environment

from samesite_proxy import asgi, wsgi
from samesite_proxy.middleware import SameSiteProxyMiddleware
from samesite_proxy.proxy.place import NAME
from tests.harness.django_servers import COMMANDS, ROOT, serving
from tests.harness.http_requests import Recorder, Request
from tests.harness.raw_client import get
from tests.harness.scripted_upstream import scripted
from tests.traffic.django_suite.applications import ask_asgi, ask_by_websocket, ask_wsgi

TIME = 120
COMMANDS["testserver"] = lambda port: [
    *("-m", "tests.project.manage", "testserver", "--noinput", "--addrport", str(port))
]
SETTINGS = {
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    "STATICFILES_DIRS": [str(ROOT / "tests/project/static")],
}
FIELDS = "X-Two: a\r\nX-Two: b\r\nSet-Cookie: frontend=1; Path=/"


def echo(asked: Request) -> bytes:
    body = f"{asked.method} {asked.target} ".encode() + asked.body
    head = f"HTTP/1.1 200 OK\r\n{FIELDS}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return head if asked.method == "HEAD" else head + body


def run_suite(proxy: dict[str, Any], frontend: str = "") -> None:
    """Django's test runner runs the suite; `frontend` is what it may expect to be forwarded to."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.project.manage", "test", "-v2",
         "tests.traffic.django_suite"],
        cwd=ROOT,
        env={
            **os.environ,
            "FRONTEND_URL": frontend,
            "SAMESITE_PROXY": json.dumps(proxy),
            "TEST_SETTINGS": json.dumps(SETTINGS),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME,
    )  # fmt: skip
    # By their names: what the runner says at the end is without the skipped ones in Python 3.12.1.
    ran = re.findall(r"^test_\w+ \(", finished.stdout, re.M)
    if finished.returncode != 0 or len(ran) != 20:
        pytest.fail(finished.stdout)


def test_in_tests_true_forwards() -> None:
    with scripted(Recorder(echo)) as upstream:
        run_suite({"FRONTEND": upstream.url, "IN_TESTS": True}, upstream.url)


def test_frontend_that_runs_is_not_asked_in_tests() -> None:
    recorder = Recorder(echo)
    with scripted(recorder) as upstream:
        run_suite({"FRONTEND": upstream.url})
    assert recorder.seen.empty()


def test_no_frontend_is_the_same_as_one_in_tests() -> None:
    run_suite({"FRONTEND": None})


@contextlib.contextmanager
def environment_of_tests() -> Iterator[None]:
    setup_test_environment()
    try:
        yield
    finally:
        teardown_test_environment()


def django_says(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Django", status=404)


async def django_says_later(request: HttpRequest) -> HttpResponse:
    return django_says(request)


async def inner(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "websocket.accept"})


def status_of_sync() -> Callable[[], str]:
    middleware = SameSiteProxyMiddleware(django_says)
    return lambda: str(middleware(RequestFactory().get("/page")).status_code)


def status_of_async() -> Callable[[], str]:
    async def story() -> str:
        return str((await middleware(AsyncRequestFactory().get("/page"))).status_code)

    middleware = SameSiteProxyMiddleware(django_says_later)
    return lambda: asyncio.run(story())


def status_of_upgrade() -> Callable[[], str]:
    """A WebSocket under WSGI, where there is no socket to take over."""
    middleware = SameSiteProxyMiddleware(django_says)
    fields = {"connection": "Upgrade", "upgrade": "websocket"}
    return lambda: str(middleware(RequestFactory().get("/page", headers=fields)).status_code)


def status_of_wsgi() -> Callable[[], str]:
    application = wsgi.get_wsgi_application()
    return lambda: ask_wsgi(application, "/page")[0]


def status_of_asgi() -> Callable[[], str]:
    application = asgi.get_asgi_application()
    return lambda: asyncio.run(ask_asgi(application, "/page"))[0]


def event_of_websocket() -> Callable[[], str]:
    application = asgi.wrap(inner)
    return lambda: asyncio.run(ask_by_websocket(application, "/page", "vite-hmr"))


# Each way in: what builds it and then asks it, and what Django's and the frontend's answers are.
WAYS: dict[str, tuple[Callable[[], Callable[[], str]], str, str]] = {
    "sync middleware": (status_of_sync, "404", "200"),
    "async middleware": (status_of_async, "404", "200"),
    "upgrade": (status_of_upgrade, "404", "501"),
    "wsgi": (status_of_wsgi, "404", "200"),
    "asgi": (status_of_asgi, "404", "200"),
    "websocket": (event_of_websocket, "websocket.accept", "websocket.close"),
}


@pytest.mark.parametrize("in_tests", [False, True], ids=["off", "on"])
def test_each_request_is_asked_whether_it_is_in_a_test(in_tests: bool) -> None:
    """What is built before the environment of tests is set up, and lives on after it."""
    with scripted(Recorder()) as upstream:
        proxy = {"FRONTEND": upstream.url, "IN_TESTS": in_tests}
        with override_settings(SAMESITE_PROXY=proxy, MIDDLEWARE=[NAME], ALLOWED_HOSTS=["*"]):
            asking = {name: build() for name, (build, _, _) in WAYS.items()}
            frontends = {name: word for name, (_, _, word) in WAYS.items()}
            djangos = {name: word for name, (_, word, _) in WAYS.items()}
            assert {name: ask() for name, ask in asking.items()} == frontends
            with environment_of_tests():
                expected = frontends if in_tests else djangos
                assert {name: ask() for name, ask in asking.items()} == expected
            assert {name: ask() for name, ask in asking.items()} == frontends


def test_outbox_of_mail_in_memory_is_no_test() -> None:
    """Projects use that backend in development, too."""
    with scripted(Recorder()) as upstream:
        proxy = {"FRONTEND": upstream.url}
        with override_settings(SAMESITE_PROXY=proxy, MIDDLEWARE=[NAME], ALLOWED_HOSTS=["*"]):
            locmem.EmailBackend().send_messages([])
            assert mail.outbox == []
            try:
                assert status_of_sync()() == "200"
            finally:
                del mail.outbox


@pytest.mark.parametrize("command", ["runserver", "testserver"])
def test_server_of_its_own_forwards_inside_a_test(command: str, tmp_path: Path) -> None:
    """testserver is a server with a test's data, and a server that a test starts is no test."""
    fixture = tmp_path / "nothing.json"
    fixture.write_text("[]")
    options = [str(fixture)] if command == "testserver" else []
    more = {"TEST_SETTINGS": json.dumps(SETTINGS)}
    with (
        environment_of_tests(),
        scripted(Recorder()) as upstream,
        serving(command, {"FRONTEND": upstream.url}, options, **more) as server,
    ):
        assert get(server.port, "/page").status == 200
