"""A connection goes to Django for one request, comes back, and ends where Django ends it."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest

from tests.fastpath.commands import Runserver, ask, runserver
from tests.harness.raw_client import Answer, Broken, RawClient
from tests.harness.scripted_upstream import Connection, scripted
from tests.live.tunnels import echo, upgrade
from tests.process.processes import await_that, descriptors

BIG = os.urandom(3_000_000)

# What each kind of request asks and is answered.
KINDS: dict[str, tuple[str, str, bytes | None, bytes]] = {
    "django": ("GET", "/api/hello/", None, b"Django answers /api/hello/"),
    "django-post": ("POST", "/api/echo/", b"a body", b"a body"),
    "django-head": ("HEAD", "/api/hello/", None, b""),
    "frontend": ("GET", "/page", None, b"GET /page "),
    "frontend-post": ("POST", "/form", b"a form", b"POST /form a form"),
}


def read_kind(client: RawClient, kind: str) -> None:
    method, _, _, expected = KINDS[kind]
    answer = client.read_answer(method)
    assert (answer.status, answer.body) == (200, expected), kind


def asked(client: RawClient, target: str, method: str = "GET", body: bytes | None = None) -> Answer:
    ask(client, method, target, body=body)
    return client.read_answer(method)


def still_works(client: RawClient) -> bool:
    """Whether the connection has gone back, for both kinds of request."""
    return (
        asked(client, "/after").body == b"GET /after " and asked(client, "/api/hello/").body != b""
    )


def test_all_orders_of_requests_pass_on_one_connection(server: Runserver) -> None:
    with RawClient(server.port) as client:
        for order in itertools.permutations(KINDS):
            for kind in order:
                method, target, body, _ = KINDS[kind]
                ask(client, method, target, body=body)
                read_kind(client, kind)


def test_pipelined_requests_are_answered_in_order(server: Runserver) -> None:
    for order in itertools.permutations(KINDS):
        with RawClient(server.port) as client:
            for kind in order:
                method, target, body, _ = KINDS[kind]
                ask(client, method, target, body=body)
            for kind in order:
                read_kind(client, kind)


def test_request_that_comes_byte_by_byte_is_whole(server: Runserver) -> None:
    request = b"POST /api/echo/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\na body"
    with RawClient(server.port) as client:
        for index in range(len(request)):
            client.send(request[index : index + 1])
        assert client.read_answer().body == b"a body"
        assert still_works(client)


@pytest.mark.parametrize("size", [0, 1, 100, 8191, 8192, 65536, 200_000, len(BIG)])
def test_body_of_any_size_arrives_whole(server: Runserver, size: int) -> None:
    with RawClient(server.port) as client:
        answer = asked(client, "/api/echo/", "POST", BIG[:size])
        assert (answer.status, answer.body) == (200, BIG[:size])
        assert still_works(client)


def test_body_that_comes_later_is_waited_for(server: Runserver) -> None:
    with RawClient(server.port) as client:
        client.send(b"POST /api/echo/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
        client.send(b"first")
        with RawClient(server.port) as other:
            assert asked(other, "/api/hello/").status == 200
        client.send(b"later")
        assert client.read_answer().body == b"firstlater"
        assert still_works(client)


def test_body_that_a_view_does_not_read_is_no_next_request(server: Runserver) -> None:
    with RawClient(server.port) as client:
        body = b"GET /api/never/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5000
        assert asked(client, "/api/hello/", "POST", body).body == b"Django answers /api/hello/"
        assert still_works(client)


def test_expected_100_is_sent_once(server: Runserver) -> None:
    with RawClient(server.port) as client:
        lines = ("Host: localhost", "Expect: 100-continue", "Content-Length: 6")
        client.send("\r\n".join(["POST /api/echo/ HTTP/1.1", *lines, "", ""]).encode())
        assert client.read_head().status == 100
        client.send(b"a body")
        answer = client.read_answer()
        assert (answer.interim, answer.body) == ([], b"a body")
        assert still_works(client)


@pytest.mark.parametrize(
    "lines",
    [
        ("Connection: close",),
        ("Connection: Close",),
        ("Connection: TE, close",),
        ("Connection: keep-alive", "Connection: close"),
    ],
)
def test_client_that_wants_no_more_is_closed(server: Runserver, lines: tuple[str, ...]) -> None:
    with RawClient(server.port) as client:
        ask(client, "GET", "/api/hello/", *lines)
        assert client.read_answer().status == 200
        assert client.is_closed()


def test_http_1_0_client_is_closed_unless_it_asks(server: Runserver) -> None:
    with RawClient(server.port) as client:
        client.send(b"GET /api/hello/ HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert client.read_answer().status == 200
        assert client.is_closed()


def test_answer_shorter_than_declared_ends_the_connection(server: Runserver) -> None:
    with RawClient(server.port) as client, pytest.raises(Broken, match="5 bytes short"):
        asked(client, "/api/promises_more/")


def test_answer_longer_than_declared_ends_the_connection(server: Runserver) -> None:
    with RawClient(server.port) as client:
        assert asked(client, "/api/says_more/").body == b"three"
        with pytest.raises(Broken):
            asked(client, "/after")


def test_answer_without_a_length_ends_with_the_connection(server: Runserver) -> None:
    with RawClient(server.port) as client:
        answer = asked(client, "/api/streams/")
        assert (answer.get("Connection"), answer.body) == ("close", b"one,two")


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        ("/api/streams_a_length/", 200, b"one,two"),
        ("/api/has_nothing/", 204, b""),
        ("/api/nothing/", 404, None),
        ("/static/nothing", 404, None),
        ("/api/hello", 301, b""),
    ],
)
def test_answer_with_its_end_keeps_the_connection(
    server: Runserver, target: str, status: int, body: bytes | None
) -> None:
    with RawClient(server.port) as client:
        answer = asked(client, target)
        assert answer.status == status
        assert body in (None, answer.body)
        if answer.get("Connection") != "close":
            assert still_works(client)


@pytest.mark.parametrize("target", ["/api/fails/", "/api/exits/"])
def test_failing_view_is_djangos_500(server: Runserver, target: str) -> None:
    with RawClient(server.port) as client:
        assert asked(client, target).status == 500
    with RawClient(server.port) as client:
        assert still_works(client)


def test_django_sees_the_client_and_the_listeners_address(server: Runserver) -> None:
    with RawClient(server.port) as client:
        seen = json.loads(asked(client, "/api/who/?a=%20b").body)
    assert seen["REMOTE_ADDR"] == "127.0.0.1"
    assert seen["SERVER_PORT"] == str(server.port)
    assert seen["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert seen["QUERY_STRING"] == "a=%20b"


def test_clients_that_leave_break_nothing(server: Runserver, tmp_path: Path) -> None:
    until = tmp_path / "until"
    for index in range(4):
        begun = tmp_path / str(index)
        with RawClient(server.port) as client:
            ask(client, "GET", f"/api/waits/?begun={begun}&until={until}")
            await_that("the view has begun", begun.exists)
            if index % 2:
                client.reset()
    until.touch()
    with RawClient(server.port) as client:
        assert still_works(client)


def test_slow_views_do_not_hold_others(server: Runserver, tmp_path: Path) -> None:
    until = tmp_path / "until"
    clients = [RawClient(server.port) for _ in range(20)]
    for index, client in enumerate(clients):
        begun = tmp_path / str(index)
        ask(client, "GET", f"/api/waits/?begun={begun}&until={until}")
        await_that("the view has begun", begun.exists)
    with RawClient(server.port) as other:
        assert still_works(other)
    until.touch()
    for client in clients:
        assert client.read_answer().body == b"waited"
        assert still_works(client)
        client.close()


def test_idle_threads_are_few(server: Runserver, tmp_path: Path) -> None:
    test_slow_views_do_not_hold_others(server, tmp_path)
    with RawClient(server.port) as client:
        names = {json.loads(asked(client, "/api/who/").body)["thread"] for _ in range(60)}
    assert len(names) <= 9


def sockets_of(server: Runserver) -> int:
    return sum(link.startswith("socket:") for pid in server.pids() for link in descriptors(pid))


def test_descriptors_do_not_grow(server: Runserver) -> None:
    def use() -> None:
        for target in ("/api/hello/", "/api/streams/", "/api/promises_more/", "/page"):
            with RawClient(server.port) as client:
                ask(client, "GET", target)
                client.read_head()

    use()
    before = sockets_of(server)
    for _ in range(20):
        use()
    await_that("as few sockets as before", lambda: sockets_of(server) <= before)


# Everything is Django's here, and the middleware forwards.
OFF = {"TEST_SETTINGS": json.dumps({"USE_X_FORWARDED_HOST": True})}


@pytest.mark.parametrize("options", [[], ["--noreload"]], ids=["reloading", "alone"])
def test_middleware_behind_the_listener_adopts_a_tunnel_with_its_early_bytes(
    options: list[str],
) -> None:
    with (
        scripted(echo) as upstream,
        runserver(*options, "0", proxy={"FRONTEND": upstream.url}, **OFF) as server,
        RawClient(server.port) as client,
    ):
        client.send(upgrade() + b"early")
        assert client.read_head().status == 101
        assert client.read_exactly(5) == b"early"
        client.send(b"later")
        assert client.read_exactly(5) == b"later"
        with RawClient(server.port) as other:
            assert asked(other, "/api/hello/").status == 200
        client.end()
        assert client.is_closed()
        assert "Traceback" not in server.log()


def test_middleware_behind_the_listener_adopts_an_event_stream() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

    def events(connection: Connection) -> None:
        connection.receive_head()
        connection.send(head + b"data: 1\n\n")
        connection.receive_to_end()

    with (
        scripted(events) as upstream,
        runserver("0", proxy={"FRONTEND": upstream.url}, **OFF) as server,
        RawClient(server.port) as client,
    ):
        ask(client, "GET", "/events", "Accept: text/event-stream")
        assert client.read_head().status == 200
        assert client.read_exactly(9) == b"data: 1\n\n"
        with RawClient(server.port) as other:
            assert asked(other, "/api/hello/").status == 200
        client.close()
        assert upstream.next_finished()
        assert "Traceback" not in server.log()
