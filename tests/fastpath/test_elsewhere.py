"""Nothing listens where FRONTEND says: banner and failures say so, and what answers instead."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samesite_proxy.conf.frontends import parse_frontends
from samesite_proxy.machine import elsewhere, sockets
from samesite_proxy.machine.elsewhere import Lookout
from tests.asgi.servers import front, plain
from tests.fastpath.commands import Runserver, runserver
from tests.harness.django_servers import serving
from tests.harness.http_requests import Recorder
from tests.harness.ports import free_port
from tests.harness.raw_client import get
from tests.harness.scripted_upstream import ScriptedUpstream, answering, scripted
from tests.process.processes import await_that

LINE = 'write SAMESITE_PROXY = {{"FRONTEND": "http://localhost:{}"}}.'


@pytest.fixture(scope="module")
def other() -> Iterator[ScriptedUpstream]:
    """What answers at a dev server's usual port."""
    with scripted(Recorder()) as running:
        yield running


def told_by(port: int, words: str, *lines: str) -> str:
    """A failure's text, once these words are in it."""
    said = ""

    def is_told() -> bool:
        nonlocal said
        answer = get(port, "/page", *lines)
        said = answer.body.decode()
        return words in said and answer.status == 502

    await_that(f"{words!r} in a failure", is_told)
    return said


def usual(*ports: int) -> dict[str, str]:
    return {"TEST_DEV_PORTS": json.dumps(ports)}


@pytest.mark.parametrize("options", [[], ["--noreload"], ["--noreload", "--nofastpath"]])
def test_line_to_write_is_in_banner_line_page_and_log(
    other: ScriptedUpstream, options: list[str]
) -> None:
    address = f"http://localhost:{free_port()}"
    with runserver(*options, "0", proxy={"FRONTEND": address}, **usual(other.port)) as server:
        server.await_log(f"Frontend: {address} (not running yet)\n")
        banner = server.await_log(LINE.format(other.port))
        told = f"othing listens at {address}, but http://localhost:{other.port} answers"
        assert f"N{told}" in banner
        assert f"in {Path.cwd()})" in banner
        line = told_by(server.port, told)
        assert LINE.format(other.port) in line
        assert f"in {Path.cwd()})" in line
        page = told_by(server.port, told, "Accept: text/html")
        assert "write SAMESITE_PROXY = {&quot;FRONTEND&quot;" in page
        server.await_log(f"n{told}")
        assert "Traceback" not in server.log()


@pytest.mark.parametrize("kind", ["gevent", *front("uvicorn"), *plain("uvicorn")])
def test_line_to_write_is_told_under_other_servers(other: ScriptedUpstream, kind: str) -> None:
    address = f"http://localhost:{free_port()}"
    with serving(kind, {"FRONTEND": address}, **usual(other.port)) as server:
        line = told_by(server.port, f"nothing listens at {address}, but ")
        assert LINE.format(other.port) in line


def test_frontend_that_is_up_is_told_so_and_others_by_their_prefixes(
    other: ScriptedUpstream, tmp_path: Path
) -> None:
    frontends = {
        "/": other.url,
        "/docs": str(tmp_path),
        "/shop": f"http://localhost:{free_port()}",
        "/far": f"unix:{tmp_path}/none.sock",
    }
    with scripted(Recorder()) as found:
        ports = usual(other.port, found.port)
        with runserver("--noreload", "0", proxy={"FRONTEND": frontends}, **ports) as server:
            server.await_log(f'write "/shop": "http://localhost:{found.port}" in SAMESITE_PROXY')
            log = server.log()
    assert f"Frontend of /: {other.url} (up)\n" in log
    assert f"Frontend of /docs: the folder {tmp_path}\n" in log
    assert f"Frontend of /shop: {frontends['/shop']} (not running yet)\n" in log
    assert f"Frontend of /far: {frontends['/far']} (not running yet)\n" in log
    assert f"http://localhost:{other.port} answers" not in log


def test_hint_goes_when_what_it_names_goes(other: ScriptedUpstream) -> None:
    address = f"http://localhost:{free_port()}"
    with scripted(Recorder()) as found:
        server = Runserver("--noreload", "0", proxy={"FRONTEND": address}, **usual(found.port))
        told_by(server.port, f"http://localhost:{found.port} answers")
    try:
        told_by(server.port, "cannot be reached. Start it")
    finally:
        server.stop()


def looked(frontends: Any, *ports: int, own_port: int = 0) -> list[str]:
    parsed = parse_frontends(frontends)
    lookout = Lookout(parsed, own_port)
    lookout.look()
    return [lookout.told_of(each) for each in parsed]


def test_nothing_is_told_where_it_would_not_help(
    other: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = f"http://localhost:{free_port()}"
    with scripted(answering(b"SSH-2.0-OpenSSH_9.2\r\n")) as stranger:
        monkeypatch.setattr(sockets, "DEV_PORTS", (free_port(), stranger.port, other.port))
        assert looked(nobody)[0].startswith(f"http://localhost:{other.port} answers")
        before = len(other.connections)
        assert looked(nobody, own_port=other.port) == [""]
        assert looked({"/": nobody, "/a": f"http://127.0.0.1:{other.port}"}) == ["", ""]
        assert looked(f"http://192.0.2.1:{other.port + 1}") == [""]
        assert looked("unix:/nobody.sock") == [""]
        assert looked("/folder/of/files") == [""]
        assert looked(stranger.url) == [""]  # Somebody listens, whatever it says.
        await_that("one asked whether it is up", lambda: len(other.connections) > before)
        assert len(other.connections) == before + 1


def test_failures_in_a_row_look_once(
    other: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "DEV_PORTS", (other.port,))
    monkeypatch.setattr(elsewhere, "SECONDS_BETWEEN_LOOKS", 1000)
    lookout = Lookout(parse_frontends(f"http://localhost:{free_port()}"), 0)
    before = len(other.connections)
    lookout.begin_look()
    await_that("the look is over", lambda: lookout.told_of(lookout._suspects[0]) != "")
    running = threading.active_count()
    for _ in range(50):
        lookout.begin_look()
    assert threading.active_count() <= running
    assert len(other.connections) == before + 1


def test_visitors_are_told_nothing_and_nothing_is_looked_for(other: ScriptedUpstream) -> None:
    address = f"http://localhost:{free_port()}"
    before = len(other.connections)
    changed = {"TEST_DEBUG": "0", "TEST_ALLOWED_HOSTS": '["localhost"]', **usual(other.port)}
    for options in ([], ["--nofastpath"]):
        with runserver(
            "--noreload", *options, "0", proxy={"FRONTEND": address}, **changed
        ) as server:
            server.await_log(f"Frontend: {address} (not running yet)\n")
            for _ in range(2):
                assert b"localhost" not in get(server.port, "/page").body
            assert str(other.port) not in server.log()
    assert len(other.connections) == before
