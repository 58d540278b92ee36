"""The forwarder in front of Django's handler does what the middleware does, under each server."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.test import override_settings
from django.urls import clear_script_prefix

from samesite_proxy.proxy.place import NAME
from samesite_proxy.wsgi import WSGIProxy, get_wsgi_application
from tests.harness import django_servers
from tests.harness.http_requests import Request, RequestReader, recording
from tests.harness.patterns import digest, pattern
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import DEADLINE, Connection
from tests.traffic.stage import EVERY, Stage, chunked, leave_while_asked, on, request


def wrapped(kind: str) -> str:
    """The kind of server that loads the wrapped application."""
    command = django_servers.COMMANDS[kind]

    def with_application(port: int) -> list[str]:
        return [word.replace(".wsgi:", ".wrapped_wsgi:") for word in command(port)]

    name = f"wrapped-{kind}"
    django_servers.COMMANDS[name] = with_application
    django_servers.ENVIRONMENTS[name] = django_servers.ENVIRONMENTS.get(kind, {})
    return name


# What runserver loads is a setting.
APPLICATION: dict[str, Any] = {
    "TEST_SETTINGS": '{"WSGI_APPLICATION": "tests.project.wrapped_wsgi.application"}'
}
ALL = [wrapped(kind) for kind in EVERY]
RUNSERVER, FASTPATH, SYNC, GTHREAD, WAITRESS, GRANIAN, *NEIGHBOURING = ALL
SOCKETS = (RUNSERVER, FASTPATH, SYNC, GTHREAD, *NEIGHBOURING)
OURS = "samesite_proxy:"
UPGRADE = ("Connection: Upgrade", "Upgrade: echo")
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789"


@on(*ALL, **APPLICATION)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "INVENTED"])
def test_method_crosses(stage: Stage, method: str) -> None:
    recorder = stage.record()
    answer = stage.exchange(request(method, "/x?y=%20z"))
    seen = recorder.next()
    assert (answer.status, answer.body) == (200, b"" if method == "HEAD" else b"ok")
    assert (seen.method, seen.target, seen.body) == (method, "/x?y=%20z", b"")


@on(*ALL, **APPLICATION)
@pytest.mark.parametrize("path", ["/caf%C3%A9", "/%FF%FE", "/a%3Fb", "/%EA%B0%80/"])
def test_path_crosses_whatever_its_bytes(stage: Stage, path: str) -> None:
    recorder = stage.record()
    assert stage.get(path).body == b"ok"
    assert recorder.next().target == path


@on(*ALL, **APPLICATION)
def test_fields_cross_both_ways(stage: Stage) -> None:
    recorder = stage.record(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nX-One: 1\r\nSet-Cookie: b=2\r\n"
        b"Content-Length: 2\r\n\r\nok"
    )
    answer = stage.get("/x", "X-Asked: yes", "Cookie: c=3", "Connection: X-Hop", "X-Hop: 1")
    seen = recorder.next()
    assert (seen.get("X-Asked"), seen.get("Cookie"), seen.get("X-Hop")) == ("yes", "c=3", None)
    assert (answer.all("Set-Cookie"), answer.get("X-One")) == (["a=1; Path=/", "b=2"], "1")
    assert answer.get("Content-Type") is None


@on(*ALL, **APPLICATION)
@pytest.mark.parametrize("size", [1, 3_000_000])
def test_body_crosses_both_ways(stage: Stage, size: int) -> None:
    def answer(seen: Request) -> bytes:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(seen.body)}\r\n\r\n"
        return head.encode() + seen.body

    body = b"".join(pattern(size))
    recorder = stage.record(answer)
    echoed = stage.exchange(request("POST", "/up", "Content-Type: text/x", body=body)).body
    assert digest([recorder.next().body]) == digest([echoed]) == digest([body])


@on(FASTPATH, SYNC, GTHREAD, WAITRESS, GRANIAN)
def test_chunked_body_crosses(stage: Stage) -> None:
    recorder = stage.record()
    head = request("POST", "/up", "Transfer-Encoding: chunked")
    assert stage.exchange(head + chunked(b"one", b"two")).body == b"ok"
    assert recorder.next().body == b"onetwo"


@on(*ALL, **APPLICATION)
def test_answer_streams(stage: Stage) -> None:
    is_read = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")
        assert is_read.wait(DEADLINE)
        connection.send(b"two")

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/x"))
        assert client.read_head().status == 200
        assert client.read_exactly(3) == b"one"
        is_read.set()
        assert client.read_exactly(3) == b"two"


@on(*SOCKETS, **APPLICATION)
def test_refusal_passes_before_the_upload_ends(stage: Stage) -> None:
    def script(connection: Connection, reader: RequestReader) -> None:
        reader.head()
        connection.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        connection.receive_to_end()

    stage.play(recording(script))
    with stage.client() as client:
        client.send(request("POST", "/up", "Content-Length: 50000000") + b"x")
        answer = client.read_answer()
    assert (answer.status, answer.body) == (413, b"big")
    assert stage.works()


@on(*ALL, **APPLICATION)
@pytest.mark.parametrize("break_off", [Connection.close, Connection.reset], ids=["fin", "rst"])
def test_frontend_dies_mid_body_breaks_the_connection(
    stage: Stage, break_off: Callable[[Connection], None]
) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(CUT)
        break_off(connection)

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/cut"))
        with pytest.raises(Broken):
            client.read_answer()
    assert stage.works()


@on(*SOCKETS, **APPLICATION)
@pytest.mark.parametrize("leave", [RawClient.close, RawClient.reset], ids=["fin", "rst"])
def test_client_that_leaves_ends_the_frontends_connection(
    stage: Stage, leave: Callable[[RawClient], None]
) -> None:
    leave_while_asked(stage, leave)


@on(*ALL, settings={"FRONTEND": "http://127.0.0.1:1"}, **APPLICATION)
def test_frontend_that_is_down_is_502_and_django_goes_on(stage: Stage) -> None:
    answer = stage.get("/x")
    assert (answer.status, answer.all("Cache-Control")) == (502, ["no-store"])
    assert answer.get("Content-Type") == "text/plain; charset=utf-8"
    assert answer.body.startswith(OURS.encode())
    stage.await_log("http://127.0.0.1:1")
    assert stage.get("/api/hello/").body == b"Django answers /api/hello/"


@on(*ALL, **APPLICATION)
@pytest.mark.parametrize(("method", "target"), [("TRACE", "/x"), ("CONNECT", "localhost:80")])
def test_method_that_is_never_forwarded_is_405(stage: Stage, method: str, target: str) -> None:
    recorder = stage.record()
    answer = stage.exchange(request(method, target))
    if stage.kind != GRANIAN or method != "CONNECT":  # Which it answers itself.
        assert answer.status == 405
        assert "GET" in (answer.get("Allow") or "")
    assert recorder.seen.empty()


@on(RUNSERVER, FASTPATH, **APPLICATION)
def test_chunked_body_that_the_server_loses_is_411(stage: Stage) -> None:
    stage.record()
    head = request("POST", "/up", "Transfer-Encoding: chunked")
    assert stage.exchange(head + chunked(b"one")).status == 411


@on(*ALL, **APPLICATION)
@pytest.mark.parametrize("more", [(), UPGRADE], ids=["answer", "upgrade"])
def test_refused_host_reaches_no_frontend(stage: Stage, more: tuple[str, ...]) -> None:
    recorder = stage.record()
    answer = stage.get("/x", *more, host="evil.example")
    assert (answer.status, recorder.seen.qsize()) == (400, 0)
    assert b"ALLOWED_HOSTS" in answer.body


@on(*ALL, TEST_ALLOWED_HOSTS='["site.example", "localhost"]', **APPLICATION)
def test_frontend_sees_the_alias_of_a_name(stage: Stage) -> None:
    recorder = stage.record()
    own = "http://site.example:8000"
    assert stage.get("/x", f"Origin: {own}", host="site.example:8000").body == b"ok"
    seen = recorder.next()
    assert (seen.get("Host"), seen.get("Origin")) == ("localhost:8000", "http://localhost:8000")
    assert (seen.get("X-Forwarded-Proto"), seen.get("X-Forwarded-For")) == ("http", "127.0.0.1")


@on(*SOCKETS, **APPLICATION)
@pytest.mark.parametrize(("path", "token"), [("/hmr", "echo"), ("/api/hello/", "websocket")])
def test_upgrade_is_relayed_both_ways(stage: Stage, path: str, token: str) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(SWITCHING.replace(b"echo", token.encode()) + b"hello")
        while piece := connection.receive():
            connection.send(piece.upper())

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", path, "Connection: Upgrade", f"Upgrade: {token}"))
        head = client.read_head()
        assert (head.status, head.get("Upgrade")) == (101, token)
        assert client.read_exactly(5) == b"hello"
        client.send(b"abc")
        assert client.read_exactly(3) == b"ABC"
        client.end()
        assert client.is_closed()


@on(SYNC, **APPLICATION)
@pytest.mark.parametrize("kind", ["upgrade", "events"])
def test_live_connection_holds_no_worker(stage: Stage, kind: str) -> None:
    events = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(SWITCHING if kind == "upgrade" else events)
        connection.receive_to_end()

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/live", *(UPGRADE if kind == "upgrade" else ())))
        assert client.read_head().status == (101 if kind == "upgrade" else 200)
        assert stage.get("/api/hello/").status == 200
    stage.upstream.next_finished()


@on(WAITRESS)
def test_upgrade_where_the_socket_is_hidden_is_501(stage: Stage) -> None:
    recorder = stage.record()
    assert stage.get("/hmr", "Connection: Upgrade", "Upgrade: websocket").status == 501
    assert recorder.seen.empty()


@on(*ALL, **APPLICATION)
def test_djangos_paths_are_djangos(stage: Stage) -> None:
    recorder = stage.record()
    assert stage.get("/api/hello/").body == b"Django answers /api/hello/"
    assert stage.get("/about/").body == b"Django answers /about/"
    assert stage.get("/api/nothing/").status == 404
    posted = stage.exchange(request("POST", "/api/echo/", "Content-Type: text/x", body=b"body"))
    assert b'"body": "body"' in posted.body
    assert recorder.seen.empty()
    assert stage.get("/other/").body == b"ok"


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"MIDDLEWARE": [NAME]}, WSGIProxy),
        ({"MIDDLEWARE": (NAME, "django.middleware.common.CommonMiddleware")}, WSGIProxy),
        ({"MIDDLEWARE": ["django.middleware.common.CommonMiddleware", NAME]}, WSGIHandler),
        ({"MIDDLEWARE": ("django.middleware.common.CommonMiddleware", NAME)}, WSGIHandler),
        ({"MIDDLEWARE": []}, WSGIHandler),
        ({"MIDDLEWARE": [NAME], "SAMESITE_PROXY": {"FRONTEND": None}}, WSGIHandler),
    ],
    ids=["first", "first-tuple", "second", "second-tuple", "none", "off"],
)
def test_forwarder_stands_in_front_where_the_middleware_is_first(
    settings: dict[str, Any], kind: type
) -> None:
    with override_settings(**settings):
        assert type(get_wsgi_application()) is kind


@pytest.fixture
def signals() -> Iterator[list[str]]:
    """Of Django's requests, as they are sent."""
    sent: list[str] = []

    def started(**_: object) -> None:
        sent.append("started")

    def finished(**_: object) -> None:
        sent.append("finished")

    request_started.connect(started)
    request_finished.connect(finished)
    yield sent
    request_started.disconnect(started)
    request_finished.disconnect(finished)
    clear_script_prefix()


@pytest.mark.parametrize(
    ("path", "status", "sent"),
    [("/api/nothing/", "404", ["started", "finished"]), ("/other/", "502", [])],
    ids=["django", "frontend"],
)
def test_request_below_a_script_name_is_djangos_or_nothing_of_django_runs(
    signals: list[str], path: str, status: str, sent: list[str]
) -> None:
    environ = {
        **{"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/app", "PATH_INFO": path},
        **{"SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http"},
        "wsgi.input": io.BytesIO(),
    }
    statuses: list[str] = []
    keys = {"FRONTEND": "http://127.0.0.1:1"}
    with override_settings(MIDDLEWARE=[NAME], SAMESITE_PROXY=keys):
        application = get_wsgi_application()
        body: Any = application(environ, lambda status, _: statuses.append(status[:3]))
        assert b"".join(body)
        body.close()
    assert (statuses, signals) == ([status], sent)
