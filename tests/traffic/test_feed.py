"""In DEBUG each request is a row of the feed, by every way in: who has answered, what, and when."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.asgi.servers import both, front
from tests.asgi.sockets import browser, echo, frontend
from tests.harness.django_servers import serving
from tests.harness.raw_client import exchange, get
from tests.harness.scripted_upstream import Connection, answering
from tests.process.processes import await_that
from tests.traffic.stage import Stage, on, request
from tests.traffic.test_middleware_before import CACHE, CONDITIONAL
from tests.traffic.test_wsgi_application import GTHREAD as WRAPPED

FEED = "/__samesite__/feed.json"
WAYS = ("fastpath", "gthread", "sync", *both())
PRODUCTION = {"TEST_DEBUG": "0", "TEST_ALLOWED_HOSTS": '["localhost"]'}

Row = dict[str, Any]


def feed(port: int, after: str = "") -> Row:
    answer = get(port, f"{FEED}?after={after}")
    assert (answer.status, answer.get("content-type")) == (200, "application/json")
    found: Row = json.loads(answer.body)
    return found


class Eyes:
    """A reader, who from the start on sees what is new."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.rows: dict[int, Row] = {}
        self.missed = 0
        self._after = feed(stage.port)["next"]

    def look(self) -> None:
        found = feed(self._stage.port, self._after)
        self._after = found["next"]
        self.missed += found["missed"]
        self.rows.update({row["id"]: row for row in found["rows"]})

    def await_row(self, target: str, is_right: Callable[[Row], bool]) -> Row:
        found: list[Row] = []

        def is_there() -> bool:
            self.look()
            found[:] = [row for row in self.rows.values() if row["target"] == target]
            return len(found) == 1 and is_right(found[0])

        await_that(f"a row of {target}", is_there)
        return found[0]


def said(row: Row) -> tuple[Any, ...]:
    return row["method"], row["status"], row["bytes"], row["error"]


def is_over(row: Row) -> bool:
    return row["done"] is not None


def is_answered(row: Row) -> bool:
    return row["status"] is not None and row["bytes"] > 0


def are_in_order(row: Row) -> bool:
    return bool(0 <= row["waiting"] <= row["first_byte"] <= row["done"])


@on(*WAYS)
def test_row_says_who_has_answered_and_what(stage: Stage) -> None:
    eyes = Eyes(stage)
    stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
    stage.get("/whole?a=%20b")
    with stage.client() as client:
        client.send(request("POST", "/upload", "Content-Length: 3") + b"abc")
        client.read_answer()
    stage.play(
        answering(b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    )
    stage.get("/missing")
    size = len(stage.get("/api/hello/?b").body)
    stage.get("/api/none/")
    expected = {
        "/whole?a=%20b": (stage.upstream.url, "GET", 200, 5, None),
        "/upload": (stage.upstream.url, "POST", 200, 5, None),
        "/missing": (stage.upstream.url, "GET", 404, 3, None),
        "/api/hello/?b": ("Django", "GET", 200, size, None),
    }
    for target, (who, *rest) in expected.items():
        row = eyes.await_row(target, is_over)
        assert (row["who"], *said(row)) == (who, *rest)
        assert are_in_order(row)
        assert row["cut"] is False
    assert eyes.await_row("/api/none/", is_over)["status"] == 404
    assert all(not row["target"].startswith("/__samesite__/") for row in eyes.rows.values())


@on(*WAYS, WRAPPED)
def test_failure_and_refusal_are_ours(stage: Stage) -> None:
    eyes = Eyes(stage)
    stage.play(answering(b"no HTTP\r\n\r\n"))
    answer = stage.get("/failing")
    assert answer.status == 502
    row = eyes.await_row("/failing", lambda row: is_over(row) and row["bytes"] > 0)
    assert (row["who"], *said(row)) == (
        *("samesite_proxy", "GET", 502),
        *(len(answer.body), "response-head"),
    )
    assert are_in_order(row)
    with stage.client() as client:
        client.send(b"GET /stranger HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        answer = client.read_answer()
        assert answer.status == 400
    row = eyes.await_row("/stranger", is_over)
    assert (row["who"], *said(row)) == ("samesite_proxy", "GET", 400, len(answer.body), None)


@on("gthread", "uvicorn plain", **CONDITIONAL)
def test_row_ends_where_another_answer_is_sent_in_its_place(stage: Stage) -> None:
    eyes = Eyes(stage)
    tag = stage.get("/api/hello/").get("ETag")
    eyes.await_row("/api/hello/", is_over)  # It ends behind its answer.
    eyes = Eyes(stage)
    assert stage.get("/api/hello/", f"If-None-Match: {tag}").status == 304
    assert eyes.await_row("/api/hello/", is_over)["who"] == "Django"


@on("gthread", "uvicorn plain", **CACHE)
def test_answer_that_a_cache_keeps_is_a_row_each_time(stage: Stage) -> None:
    for target in ("/api/hello/?1", "/api/hello/?2"):
        for _ in range(2):
            eyes = Eyes(stage)
            answer = stage.get(target)
            assert (answer.status, answer.who) == (200, "Django")
            assert answer.get("Server-Timing") is None  # It is named once.
            row = eyes.await_row(target, is_over)
            assert (row["who"], *said(row)) == ("Django", "GET", 200, len(answer.body), None)


@on(*WAYS)
def test_open_stream_is_a_row_without_an_end(stage: Stage) -> None:
    eyes = Eyes(stage)

    def stream(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        connection.receive_to_end()

    stage.play(stream)
    with closing(stage.client()) as client:
        client.send(request("GET", "/events"))
        client.read_until(b"data: 1\n\n")
        row = eyes.await_row("/events", is_answered)
        assert (row["status"], row["bytes"], row["done"]) == (200, 9, None)
    row = eyes.await_row("/events", is_over)
    assert row["error"] in ("client-gone", "canceled")


@on("fastpath", "gthread", "sync", *front())
def test_websocket_is_one_too(stage: Stage) -> None:
    eyes = Eyes(stage)
    stage.play(frontend(echo))
    with browser(stage, "/ws") as websocket:
        websocket.send("hello")
        assert websocket.recv() == "hello"
        row = eyes.await_row("/ws", is_answered)
        assert (row["status"], row["bytes"], row["done"]) == (101, 2 + len("hello"), None)
    eyes.await_row("/ws", is_over)


@on("fastpath", "gthread", "uvicorn front")
def test_ring_wraps_and_two_readers_see_the_same(stage: Stage) -> None:
    first, second = Eyes(stage), Eyes(stage)
    stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"))
    with stage.client() as client:
        for number in range(600):
            client.send(request("GET", f"/many/{number}"))
            client.read_answer()
    first.await_row("/many/599", is_over)
    second.await_row("/many/599", is_over)
    assert (first.missed, second.missed) == (100, 100)
    assert first.rows == {
        **second.rows,
        **{i: r | {"at": first.rows[i]["at"]} for i, r in second.rows.items()},
    }
    targets = [row["target"] for row in first.rows.values()]
    assert sorted(targets) == sorted(f"/many/{number}" for number in range(100, 600))
    assert [row["target"] for row in feed(stage.port)["rows"]] == [
        f"/many/{n}" for n in range(100, 600)
    ]


@on("fastpath", "gthread", "uvicorn front")
def test_long_target_is_cut(stage: Stage) -> None:
    eyes = Eyes(stage)
    stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"))
    stage.get("/" + "x" * 2000)
    assert eyes.await_row("/" + "x" * 510, is_over)["cut"] is True


def seen_by(stage: Stage, *lines: str, host: str = "localhost", target: str = FEED) -> bool:
    """Else it is the frontend's, as without us."""
    answer = get(stage.port, target, *lines, host=host)
    assert (answer.get("cache-control") == "no-store") == (answer.body != b"frontend")
    return answer.body != b"frontend"


@on(*WAYS)
def test_who_may_look(stage: Stage) -> None:
    stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfrontend"))
    answer = stage.get(FEED)
    assert (answer.get("x-frame-options"), answer.get("x-content-type-options")) == (
        *("DENY", "nosniff"),
    )
    assert answer.get("cross-origin-resource-policy") == "same-origin"
    assert answer.get("access-control-allow-origin") is None
    assert seen_by(stage)
    assert seen_by(stage, f"Origin: http://localhost:{stage.port}", host=f"localhost:{stage.port}")
    assert not seen_by(stage, "Origin: http://evil.example")
    assert not seen_by(stage, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")
    assert seen_by(stage, host="app.localhost:8000")
    assert seen_by(stage, target="/__samesite__/")
    assert not seen_by(stage, target="/__samesite__/other")
    assert not seen_by(stage, target="/__samesite__")
    assert not seen_by(stage, "X-Forwarded-For: 127.0.0.1")
    assert not seen_by(stage, "Forwarded: for=127.0.0.1")
    assert get(stage.port, FEED, host="evil.example").status == 400


@on("fastpath", "gthread", "uvicorn front", **PRODUCTION)
def test_without_debug_there_is_none(stage: Stage) -> None:
    stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfrontend"))
    for target in (FEED, "/__samesite__/", "/__samesite__/feed.js"):
        assert not seen_by(stage, target=target)


@on("fastpath", "gthread", TEST_ALLOWED_HOSTS='["*"]')
def test_any_host_is_not_everybodys(stage: Stage) -> None:
    stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfrontend"))
    assert seen_by(stage)
    assert not seen_by(stage, host="evil.example")


@pytest.mark.parametrize("kind", ["fastpath", "gthread", WRAPPED, "uvicorn plain"])
def test_folder_has_rows_too(kind: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "large.bin").write_bytes(bytes(300_000))  # What a server sends by the kernel.
    with serving(kind, {"FRONTEND": str(tmp_path)}) as server:
        tag = get(server.port, "/", "Accept: text/html").get("ETag")
        get(server.port, "/none.js")
        get(server.port, "/large.bin")
        get(server.port, "/large.bin", "Range: bytes=0-999")
        get(server.port, "/", f"If-None-Match: {tag}")
        exchange(server.port, request("HEAD", "/large.bin"))
        await_that("all are over", lambda: sum(map(is_over, feed(server.port)["rows"])) == 6)
        rows = feed(server.port)["rows"]
        shown = [(row["target"], row["who"], row["status"], row["bytes"]) for row in rows]
        assert shown[1][:3] == ("/none.js", "samesite_proxy", 404)
        assert shown[:1] + shown[2:] == [
            ("/", str(tmp_path), 200, 15),
            ("/large.bin", str(tmp_path), 200, 300_000),
            ("/large.bin", str(tmp_path), 206, 1000),
            ("/", str(tmp_path), 304, 0),
            ("/large.bin", str(tmp_path), 200, 0),
        ]
