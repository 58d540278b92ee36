"""Django has never started: what is answered meanwhile, and which save brings it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fastpath.commands import Runserver, ask, runserver, save
from tests.fastpath.test_broken import GOOD
from tests.fastpath.test_reload import HELLO, edit_settings, has_bytes, page_or_socket
from tests.harness.ports import free_port
from tests.harness.raw_client import RawClient, get
from tests.harness.scripted_upstream import scripted
from tests.live.tunnels import upgrade
from tests.process.processes import await_that
from tests.traffic.test_failures import BROWSER, is_failure

# Behind good settings, in the child alone where the parent would end by it.
IN_CHILD = "import os\nif 'RUN_MAIN' in os.environ: "
# Nobody reads it any more, as behind a pager that has been left.
UNREAD = "read, write = os.pipe(); os.close(read); os.dup2(write, 1); os.dup2(write, 2)"
BROKEN = {
    "name": IN_CHILD + "not_a_name",
    "exit": IN_CHILD + "raise SystemExit(7)",
    "killed": IN_CHILD + "os.kill(os.getpid(), 9)",
    "output": IN_CHILD + UNREAD,
    "check": "SAMESITE_PROXY = {'FRONTEND': 3}",
    "urlconf": "ROOT_URLCONF = 'nowhere'",
    "exit in the urlconf": "ROOT_URLCONF = 'bad_urls'",
    "wsgi": "WSGI_APPLICATION = 'nowhere.application'",
}


@contextlib.contextmanager
def never_started(tmp_path: Path, bad: str) -> Iterator[tuple[Runserver, int, Path]]:
    """The server, its port and its settings, which have these words behind good ones."""
    module, environment = edit_settings(tmp_path, GOOD + bad)
    port = free_port()
    with (
        scripted(page_or_socket) as upstream,
        runserver(str(port), proxy={"FRONTEND": upstream.url}, **environment) as server,
    ):
        server.await_listener(port)
        yield server, port, module


def check_answers(port: int) -> None:
    """At once: the page for a browser, the line for others."""
    answer = get(port, "/", BROWSER)
    page = answer.body.decode()
    assert (answer.status, answer.get("Content-Type")) == (503, "text/html; charset=utf-8")
    assert answer.all("Cache-Control") == ["no-store"]
    assert "<h1>Django has not started</h1>" in page
    assert "Django has not started: see the terminal." in page
    assert "answer.status !== 503" in page
    with RawClient(port) as client:
        client.send(f"HEAD / HTTP/1.1\r\nHost: localhost\r\n{BROWSER}\r\n\r\n".encode())
        head = client.read_answer("HEAD")
        assert (head.status, head.body, head.get("Content-Length")) == (503, b"", str(len(page)))
    for request in (
        b"GET /api/hello/ HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\n{BROWSER}\r\nContent-Length: 2\r\n\r\nab".encode(),
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        upgrade(),
    ):
        with RawClient(port) as client:
            client.send(request)
            assert is_failure(client.read_answer(), 503, "Django has not started")
            assert client.is_closed()


def check_good(port: int) -> None:
    assert get(port, "/page").body == b"page"
    assert get(port, "/api/hello/").body == HELLO


def test_first_start_fails_and_everyone_hears_so_at_once(tmp_path: Path) -> None:
    (tmp_path / "bad_urls.py").write_text("raise SystemExit('no urls today')")
    first, *others = BROKEN.values()
    with never_started(tmp_path, first) as (server, port, module):
        with RawClient(port) as client:
            ask(client, "GET", "/")
            assert is_failure(client.read_answer(), 503, "Django has not started")
        server.await_log("has ended")
        check_answers(port)
        for number, bad in enumerate(others, 2):
            save(module, GOOD + bad)
            server.await_log("has ended", number)
            check_answers(port)
        assert "see the terminal" not in server.log()
        save(module, GOOD)
        server.await_banner()
        check_good(port)


def test_parent_stays_where_nobody_reads_what_it_says(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    noted = f"{IN_CHILD}open({str(starts)!r}, 'a').write('.')"
    with never_started(tmp_path, f"import os; {UNREAD}\n{noted}") as (server, port, module):
        with RawClient(port) as client:
            ask(client, "GET", "/")
            assert is_failure(client.read_answer(), 503, "Django has not started")

        def is_started_again() -> bool:
            save(module, module.read_text())
            return len(starts.read_text()) > 1

        await_that("another start", is_started_again)
        assert server.process.poll() is None


def test_requests_wait_for_a_start_until_it_fails(tmp_path: Path) -> None:
    starts, ends = tmp_path / "starts", tmp_path / "ends"
    waits = (
        f"{IN_CHILD}\n    import pathlib, time\n    pathlib.Path({str(starts)!r}).touch()\n"
        f"    while not pathlib.Path({str(ends)!r}).exists(): time.sleep(0.01)\n"
    )
    with never_started(tmp_path, waits + "    not_a_name") as (server, port, module):
        for is_good in (False, True):
            await_that("a start", starts.exists)
            if is_good:
                starts.unlink()
            with RawClient(port) as browser, RawClient(port) as other, RawClient(port) as refused:
                browser.send(f"GET / HTTP/1.1\r\nHost: localhost\r\n{BROWSER}\r\n\r\n".encode())
                ask(other, "GET", "/api/hello/")
                refused.send(b"GET / HTTP/9.9\r\n\r\n")
                assert refused.read_answer().status == 505  # The others have been read before.
                assert not has_bytes(browser)
                assert not has_bytes(other)
                ends.touch()
                if is_good:
                    assert browser.read_answer().body == b"page"
                    assert other.read_answer().body == HELLO
                else:
                    assert b"<h1>Django has not started" in browser.read_answer().body
                    assert is_failure(other.read_answer(), 503, "Django has not started")
                    server.await_log("has ended")
                    ends.unlink()
                    starts.unlink()
                    save(module, GOOD + waits)


# What the child does, one after the other, where, what is there before, and what makes it right.
STEPS = [
    ("import new_module", "new_module.py", "(", ""),
    ("import not_there", "not_there.py", None, ""),
    ("import new.inner.module", "new/inner/module.py", None, ""),
    ("import of.its.own", "of/its/own.py", "(", ""),
    ("assert open({file!r}).read()", ".env", "", "x"),
    ("import json; json.load(open({file!r}))", "data/settings.json", "{", "{}"),
    ("assert open({file!r}).read()", "templates/page.html", None, "x"),
]


def test_save_of_what_failed_brings_django(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere, read = tmp_path / "elsewhere", tmp_path_factory.mktemp("outside") / "read.by_urls"
    text = f"ROOT_URLCONF = 'reading_urls'\nimport sys; sys.path.append({str(elsewhere)!r})\n"
    (tmp_path / "reading_urls.py").write_text(
        f"from tests.fastpath.urls import *\nopen({str(read)!r}).read()"
    )
    for does, name, before, _ in STEPS:
        file = elsewhere / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text += f"{IN_CHILD}{does.format(file=str(file))}\n"
        if before is not None:
            file.write_text(before)
    with never_started(tmp_path, text) as (server, port, _):
        for number, (_, name, _, after) in enumerate(STEPS, 1):
            server.await_log("has ended", number)
            save(elsewhere / name, after)
        server.await_log("has ended", len(STEPS) + 1)
        check_answers(port)
        save(read, "")
        server.await_banner()
        check_good(port)
