"""What the listener answers of its own: with DEBUG why, without it what any visitor may know."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from samesite_proxy.proxy.errors import OF_THE_DOOR, Failure
from tests.fastpath.commands import Runserver, Watched, ask, runserver
from tests.fastpath.test_refusals import BAD_HEADS
from tests.fastpath.test_reload import has_bytes
from tests.harness.clock import Clock
from tests.harness.raw_client import RawClient
from tests.process.processes import await_that
from tests.traffic.stage import request
from tests.traffic.test_failures import BROWSER, NO_DEBUG, is_failure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")

OWN_PAGE = "<h1>Back soon</h1>"
FORMS = {
    "text/html; charset=utf-8": BROWSER,
    "application/json": "Accept: application/json, text/html;q=0.5",
    "text/plain; charset=utf-8": "Accept: */*",
}
# Cut into a head that cannot be read, it would ask for JSON.
ACCEPT = b" HTTP/1.1\r\nAccept: application/json\r\n"


class Asking:
    """Clients that ask for the same in each form."""

    def __init__(self, server: Runserver, stack: contextlib.ExitStack, is_debug: bool) -> None:
        self.is_debug = is_debug
        self.clients = {kind: stack.enter_context(RawClient(server.port)) for kind in FORMS}

    def send(self, method: str, target: str, *lines: str, body: bytes = b"") -> Asking:
        for kind, client in self.clients.items():
            client.send(request(method, target, FORMS[kind], *lines) + body)
        return self

    def check(self, failure: Failure) -> None:
        for kind, client in self.clients.items():
            answer = client.read_answer()
            said = answer.body.decode()
            assert (answer.status, answer.all("Cache-Control")) == (failure.status, ["no-store"])
            is_page = kind.startswith("text/html") and (self.is_debug or failure.status >= 500)
            if is_page or not kind.startswith("text/html"):
                assert answer.get("Content-Type") == kind
            words = failure.text if self.is_debug else failure.for_visitors
            if kind == "application/json":
                assert json.loads(said) == {"detail": words}
            elif is_page and not self.is_debug:
                assert said == OWN_PAGE
            else:
                assert words[1:].replace("'", "&#x27;" if is_page else "'") in said
            assert client.is_closed()


@contextlib.contextmanager
def asked(server: Runserver, is_debug: bool) -> Iterator[Asking]:
    with contextlib.ExitStack() as stack:
        yield Asking(server, stack, is_debug)


def check_unread_heads(server: Runserver, is_debug: bool) -> None:
    for status, sent in BAD_HEADS.values():
        with RawClient(server.port) as client:
            client.send(sent.replace(b" HTTP/1.1\r\n", ACCEPT, 1))
            answer = client.read_answer()
        if status == 411:
            continue
        name = Failure(status, "").for_visitors
        assert is_failure(answer, status)
        assert (answer.body == f"{name}\n".encode()) != is_debug
        assert answer.body.startswith(b"samesite_proxy: ") == is_debug


def let_time_pass(clock: Clock, client: RawClient) -> None:
    def is_answered() -> bool:
        clock.pass_by(31)
        return has_bytes(client)

    await_that("an answer", is_answered)


def check_log(log: str, *names: str) -> None:
    assert [name for name in names if f" ms: {OF_THE_DOOR[name].text}\n" not in log] == []


@pytest.fixture(params=[True, False], ids=["debug", "production"])
def is_debug(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def view(tmp_path: Path) -> str:
    """One that never answers, and says in a file how often it has begun."""
    (tmp_path / "begun").touch()
    return f"/api/begins/?begun={tmp_path / 'begun'}&until={tmp_path / 'until'}"


def await_begun(folder: Path, times: int) -> None:
    await_that("all have begun", lambda: len((folder / "begun").read_text().split()) == times)


def environment_of(folder: Path, is_debug: bool) -> dict[str, str]:
    backend = "django.template.backends.django.DjangoTemplates"
    (folder / "502.html").write_text(OWN_PAGE)
    templates = [{"BACKEND": backend, "DIRS": [str(folder)]}]
    return {"TEST_SETTINGS": json.dumps({"TEMPLATES": templates})} | ({} if is_debug else NO_DEBUG)


def test_each_of_its_own_answers_has_its_forms_and_its_line_in_the_log(
    tmp_path: Path, view: str, is_debug: bool
) -> None:
    project = Watched(tmp_path)
    environment = {**environment_of(tmp_path, is_debug), **project.environment}
    with (
        contextlib.closing(Clock()) as clock,
        runserver("0", **environment, **clock.environment) as server,
    ):
        server.await_banner()
        with asked(server, is_debug) as asking:
            asking.send("GET", "/api/echo/", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")
            asking.check(OF_THE_DOOR["lost-body"])
        with RawClient(server.port) as client:
            ask(client, "HEAD", "/api/hello/", FORMS["application/json"])
            assert client.read_answer("HEAD").status == 200
            client.send(b"GET / HTTP/1.1\r\nAccept: application/json\r\n")
            let_time_pass(clock, client)
            late = OF_THE_DOOR["late-head"]
            assert is_failure(client.read_answer(), 408, *([late.text] if is_debug else []))
        check_unread_heads(server, is_debug)
        with asked(server, is_debug) as asking:
            asking.send("GET", view, "Content-Length: 10", body=b"01234")
            await_begun(tmp_path, len(FORMS))
            project.save_until(lambda: "SyntaxError" in server.log(), "syntax (error")
            asking.check(OF_THE_DOOR["restarted"])
        with asked(server, is_debug) as asking:
            asking.send("GET", "/api/hello/")
            for client in asking.clients.values():
                let_time_pass(clock, client)
            asking.check(OF_THE_DOOR["not-there"])
        server.interrupt()
        log = server.log()
    check_log(log, "lost-body", "late-head", "restarted", "not-there")
    reasons = set(re.findall(r"\d ms: ([A-Z].*)", log)) - {OF_THE_DOOR["not-there"].text}
    assert len(reasons) > 15, reasons


def test_what_it_says_at_its_end_has_its_forms_and_its_line_in_the_log(
    tmp_path: Path, view: str, is_debug: bool
) -> None:
    environment = environment_of(tmp_path, is_debug)
    with (
        runserver("0", "--noreload", **environment) as server,
        asked(server, is_debug) as ended,
        asked(server, is_debug) as ending,
    ):
        ended.send("GET", view, "Content-Length: 10", body=b"01234")
        ending.send("GET", view)
        await_begun(tmp_path, 2 * len(FORMS))
        server.signal(signal.SIGINT)
        ended.check(OF_THE_DOOR["ended"])
        ending.check(OF_THE_DOOR["ending"])
        assert server.wait() == 0
        check_log(server.log(), "ended", "ending")
