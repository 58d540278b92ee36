"""An address as the target (RFC 9112, 3.2.2): the request is that for its path, under its host."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest

from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import answering
from tests.traffic.server_table import TABLE
from tests.traffic.stage import EVERY, Stage, on, request
from tests.traffic.test_wsgi_application import ALL, APPLICATION

# What is asked for, what crosses where the server has the raw target, and the host.
CROSSING = [
    ("GET", "http://127.0.0.1:81/a%2Fb/%C3%A9?c=%2F&d", "/a%2Fb/%C3%A9?c=%2F&d", "127.0.0.1:81"),
    ("GET", "HTTP://LocalHost", "/", "LocalHost"),
    ("GET", "http://[::1]?q=http://a/b", "/?q=http://a/b", "[::1]"),
    ("POST", "http://x.localhost:8/form", "/form", "x.localhost:8"),
    ("OPTIONS", "http://127.0.0.1:81", "*", "127.0.0.1:81"),
    ("OPTIONS", "http://127.0.0.1:81?q", "/?q", "127.0.0.1:81"),
    ("OPTIONS", "http://127.0.0.1:81/", "/", "127.0.0.1:81"),
]

REFUSED = [
    "https://localhost{}",
    "ftp://localhost{}",
    "ws://localhost{}",
    "http://user@localhost{}",
    "http://evil.example@localhost{}",
    "http://localhost@evil.example{}",
    "http://{}",
    "http://localhost#{}",
]
PATHS = ["/page", "/api/host/"]
# Not on Django's path, where its log tells of them by a traceback.
NOT_ALLOWED = [
    "http://evil.example/page",
    "http://localhost:port/page",
    "http://localhost%40evil.example/page",
]


def crosses(stage: Stage, *, is_raw: bool) -> None:
    recorder = stage.record()
    for method, target, crossing, host in CROSSING:
        body = b"a body" if method == "POST" else b""
        answer = stage.exchange(request(method, target, body=body, host="evil.example"))
        assert (answer.status, answer.body) == (200, b"ok"), target
        seen = recorder.next()
        path = crossing.partition("?")
        again = quote(unquote(path[0]), safe="/*") + "".join(path[1:])
        assert (seen.method, seen.target) == (method, crossing if is_raw else again)
        assert (seen.all("Host"), seen.all("X-Forwarded-Host")) == ([host], [host])
        assert seen.body == body


def is_refused(stage: Stage) -> None:
    stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnone"))
    # Of a port that is no number Werkzeug's own log makes a traceback.
    hosts = [target for target in NOT_ALLOWED if ":port" not in target or "plus" not in stage.kind]
    for asked in [*hosts, *(target.format(path) for target in REFUSED for path in PATHS)]:
        assert stage.exchange(request("GET", asked)).status == 400, asked
    assert stage.upstream.connections == []


def is_seen_by_django(stage: Stage) -> None:
    for host in ("127.0.0.1:81", "x.localhost"):
        answer = stage.exchange(request("GET", f"http://{host}/api/host/?q", host="evil.example"))
        assert (answer.status, answer.body.decode()) == (200, f"{host} /api/host/ q")


def host_stays(stage: Stage) -> None:
    """Where the server keeps nothing of the address but its path."""
    recorder = stage.record()
    assert stage.exchange(request("GET", "http://127.0.0.1/x")).body == b"ok"
    seen = recorder.next()
    assert (seen.target, seen.get("X-Forwarded-Host")) == ("/x", "localhost")
    assert stage.exchange(request("GET", "http://localhost/x", host="evil.example")).status == 400


def counts_whole(stage: Stage, *, is_raw: bool) -> None:
    crosses(stage, is_raw=is_raw)
    is_seen_by_django(stage)
    is_refused(stage)


@on(*EVERY)
def test_address_as_target_counts_whole(stage: Stage) -> None:
    row = TABLE[stage.kind]
    if row.address == "Host":
        host_stays(stage)
    else:
        counts_whole(stage, is_raw=row.target == "raw")


@on(*(kind for kind in ALL if kind != "wrapped-granian"), **APPLICATION)
def test_address_counts_whole_in_front_of_django(stage: Stage) -> None:
    counts_whole(stage, is_raw=TABLE[stage.kind.removeprefix("wrapped-")].target == "raw")


@on("fastpath", "runserver", "gthread", "waitress")
def test_old_client_without_a_host_is_taken_by_its_address(stage: Stage) -> None:
    recorder = stage.record()
    assert stage.exchange(b"GET http://x.localhost/x HTTP/1.0\r\nX-A: b\r\n\r\n").status == 200
    seen = recorder.next()
    assert (seen.target, seen.get("Host"), seen.get("X-A")) == ("/x", "x.localhost", "b")


@on("fastpath", "runserver", "gthread", "waitress")
def test_two_hosts_beside_an_address_are_refused(stage: Stage) -> None:
    asked = request("GET", "http://localhost/x", "Host: localhost")
    assert stage.exchange(asked).status == 400


@on("fastpath", "gthread", "waitress")
@pytest.mark.parametrize("step", [7, 10_000])
def test_addresses_on_one_connection_leave_its_other_requests_alone(
    stage: Stage, step: int
) -> None:
    recorder = stage.record()
    asked = [
        request("POST", "http://x.localhost?q", "Long: " + "y" * 300, body=b"a body"),
        request("GET", "/plain"),
        request("POST", "http://127.0.0.1/last", body=b"another"),
        request("GET", "http://127.0.0.1/api/host/"),
    ]
    sent = b"".join(asked)
    with RawClient(stage.port) as client:
        for start in range(0, len(sent), step):
            client.send(sent[start : start + step])
        bodies = [client.read_answer().body for _ in asked]
    assert bodies == [b"ok", b"ok", b"ok", b"127.0.0.1 /api/host/ "]
    seen = [recorder.next() for _ in range(3)]
    assert [(one.target, one.get("Host"), one.body) for one in seen] == [
        ("/?q", "x.localhost", b"a body"),
        ("/plain", "localhost", b""),
        ("/last", "127.0.0.1", b"another"),
    ]
