"""The feed of the listener: it outlives Django's processes, and keeps nobody waiting."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from tests.fastpath.commands import MIDDLEWARE, Runserver, Watched, ask, runserver, save
from tests.harness.raw_client import RawClient, exchange, get
from tests.harness.scripted_upstream import ScriptedUpstream
from tests.process.processes import await_that

FEED = "/__samesite__/feed.json"


def feed_at(port: int, after: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(get(port, f"{FEED}?after={after}").body)
    return found


def rows_at(port: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = feed_at(port)["rows"]
    return found


def own_address() -> str:
    """One of this machine's that is not loopback; nothing is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))
        address: str = sock.getsockname()[0]
    return address


def test_reload_keeps_what_was_answered(frontend: ScriptedUpstream, tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    proxy = {"FRONTEND": frontend.url}
    with runserver("0", proxy=proxy, **watched.environment) as server:
        get(server.port, "/before")
        get(server.port, "/api/hello/")
        await_that("rows", lambda: all(row["done"] is not None for row in rows_at(server.port)))
        before = rows_at(server.port)
        known = feed_at(server.port)["next"]
        watched.save(server)
        get(server.port, "/after")
        after = rows_at(server.port)
        news = feed_at(server.port, known)
        assert ([row["target"] for row in news["rows"]], news["missed"]) == (["/after"], 0)
        for row in (*before, *after):
            row.pop("at")
        assert [row["target"] for row in after] == ["/before", "/api/hello/", "/after"]
        assert after[:2] == before
        assert FEED not in server.log()
        assert server.interrupt() == 0


def test_debug_that_is_saved_away_takes_it_away(frontend: ScriptedUpstream, tmp_path: Path) -> None:
    module = tmp_path / "saved_settings.py"
    text = "from tests.project.settings import *\nALLOWED_HOSTS = ['localhost']\n"
    save(module, text)
    variables = {"DJANGO_SETTINGS_MODULE": module.stem, "PYTHONPATH": str(tmp_path)}
    with runserver("0", proxy={"FRONTEND": frontend.url}, **variables) as server:
        get(server.port, "/before")
        assert [row["target"] for row in rows_at(server.port)] == ["/before"]

        def is_taken_away() -> bool:
            save(module, f"{text}DEBUG = False\n")
            return get(server.port, FEED).body == f"GET {FEED} ".encode()

        await_that("the frontend answers", is_taken_away)


def test_what_django_is_busy_with_has_no_end_yet(server: Runserver, tmp_path: Path) -> None:
    begun, until = tmp_path / "begun", tmp_path / "until"
    target = f"/api/waits/?begun={begun}&until={until}"
    with RawClient(server.port) as client:
        ask(client, "GET", target)
        await_that("the view runs", begun.exists)
        row = rows_at(server.port)[-1]
        assert (row["target"], row["who"], row["waiting"] is None) == (target, "Django", False)
        assert (row["status"], row["first_byte"], row["done"]) == (None, None, None)
        until.touch()
        assert client.read_answer().status == 200

    def is_over() -> bool:
        row = rows_at(server.port)[-1]
        return bool(row["done"] is not None and row["bytes"] == len("waited"))

    await_that("its row is over", is_over)


def test_bytes_of_djangos_answers_are_those_that_were_sent(server: Runserver) -> None:
    known = feed_at(server.port)["next"]
    for method, name in [("GET", "streams"), ("GET", "streams_a_length"), ("HEAD", "hello")]:
        exchange(server.port, f"{method} /api/{name}/ HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def told() -> list[tuple[Any, ...]]:
        rows = feed_at(server.port, known)["rows"]
        return [
            (row["who"], row["status"], row["bytes"]) for row in rows if row["done"] is not None
        ]

    sizes = (len(b"one,two"), len(b"one,two"), 0)
    await_that("rows", lambda: told() == [("Django", 200, size) for size in sizes])


def test_where_all_pass_through_django_it_says_who_answers(frontend: ScriptedUpstream) -> None:
    middleware = json.dumps([*reversed(MIDDLEWARE)])
    with runserver("0", proxy={"FRONTEND": frontend.url}, TEST_MIDDLEWARE=middleware) as server:
        server.await_log("The fast path is off")
        get(server.port, "/x")
        get(server.port, "/api/hello/")
        ask_refused = b"TRACE /y HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert exchange(server.port, ask_refused).status == 405
        await_that("rows", lambda: [row["done"] for row in rows_at(server.port)].count(None) == 0)
        shown = [(row["target"], row["who"], row["status"]) for row in rows_at(server.port)]
        assert shown == [
            ("/x", frontend.url, 200),
            ("/api/hello/", "Django", 200),
            ("/y", "samesite_proxy", 405),
        ]


def test_other_machines_see_what_they_would_without_it(frontend: ScriptedUpstream) -> None:
    address = own_address()
    allowed = json.dumps([address, "localhost"])
    options = {"proxy": {"FRONTEND": frontend.url}, "TEST_ALLOWED_HOSTS": allowed}
    with runserver("--noreload", "0.0.0.0:0", **options) as server:
        for target in (FEED, "/__samesite__/"):
            with RawClient(server.port, address) as client:
                client.send(f"GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
                assert client.read_answer().body == f"GET {target} ".encode()
        assert rows_at(server.port) == []
