"""In DEBUG each answer says at the end of its Server-Timing who has given it, by every way in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.asgi.servers import both
from tests.harness.django_servers import serving
from tests.harness.raw_client import RawClient, get
from tests.harness.scripted_upstream import answering
from tests.traffic.stage import EVERY, Stage, on, request

OWN = b"HTTP/1.1 200 OK\r\nServer-Timing: db;dur=5\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok"
PRODUCTION = {"TEST_DEBUG": "0", "TEST_ALLOWED_HOSTS": '["localhost"]'}


def timing_of(head: bytes) -> str:
    """All that a browser takes for one list."""
    lines = [line.partition(b":") for line in head.split(b"\r\n")]
    values = [value.strip() for name, _, value in lines if name.lower() == b"server-timing"]
    return b", ".join(values).decode()


def head_of(stage: Stage, target: str, method: str = "GET") -> bytes:
    with RawClient(stage.port) as client:
        client.send(request(method, target))
        return client.read_until(b"\r\n\r\n")


def assert_both_are_named(stage: Stage) -> None:
    stage.play(answering(OWN))
    timing = timing_of(head_of(stage, "/x"))
    assert timing == f'db;dur=5, samesite;desc="frontend {stage.upstream.url}"'
    assert timing_of(head_of(stage, "/api/hello/")) == 'samesite;desc="Django"'
    assert timing_of(head_of(stage, "/api/no-such/")) == 'samesite;desc="Django"'
    stage.play(answering(b"no HTTP\r\n\r\n"))
    failure = head_of(stage, "/x")
    assert (failure[9:12], timing_of(failure)) == (b"502", "")


@on(*EVERY)
def test_answer_says_who_has_given_it(stage: Stage) -> None:
    assert_both_are_named(stage)
    stage.play(answering(b"HTTP/1.1 304 N\r\nETag: a\r\n\r\n"))
    assert stage.get("/x").who == f"frontend {stage.upstream.url}"


@on(*both())
def test_answer_says_who_has_given_it_under_asgi(stage: Stage) -> None:
    assert_both_are_named(stage)


@on("fastpath", "gthread")
def test_frontend_cannot_nominate_it_away(stage: Stage) -> None:
    nominating = b"Connection: server-timing, close\r\nX-Last: 1\r\nContent-Length: 0\r\n\r\n"
    stage.play(answering(b"HTTP/1.1 200 OK\r\nServer-Timing: db\r\n" + nominating))
    assert timing_of(head_of(stage, "/x")) == f'samesite;desc="frontend {stage.upstream.url}"'


@on("fastpath")
def test_interim_answers_and_upgrades_say_nothing(stage: Stage) -> None:
    stage.play(answering(b"HTTP/1.1 103 E\r\nLink: </x>\r\n\r\n" + OWN))
    assert timing_of(head_of(stage, "/x")) == ""
    switch = b"HTTP/1.1 101 S\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n"
    stage.play(answering(switch))
    with stage.client() as client:
        client.send(request("GET", "/ws", "Connection: Upgrade", "Upgrade: test"))
        head = client.read_until(b"\r\n\r\n")
    assert (head[9:12], timing_of(head)) == (b"101", "")


@pytest.mark.parametrize("kind", ["fastpath", "gthread", "uvicorn plain"])
def test_folder_is_named(kind: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    with serving(kind, {"FRONTEND": str(tmp_path)}) as server:
        assert get(server.port, "/", "Accept: text/html").who == f"frontend {tmp_path}"
        assert get(server.port, "/none.js").who == ""


@on("fastpath", "gthread", **PRODUCTION)
def test_in_production_nothing_is_said(stage: Stage) -> None:
    stage.play(answering(OWN))
    assert timing_of(head_of(stage, "/x")) == "db;dur=5"
    assert timing_of(head_of(stage, "/api/hello/")) == ""
