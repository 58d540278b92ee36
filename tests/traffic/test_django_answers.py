"""Django's own answers: kept alive, not delayed, and never forwarded."""

from __future__ import annotations

import json

from tests.traffic.stage import EVERY, KEPT_ALIVE, WITH_SOCKET, Stage, on, request

# CommonMiddleware gives Django's answers their Content-Length.
COMMON_AFTER = {
    "TEST_MIDDLEWARE": '["samesite_proxy.middleware.SameSiteProxyMiddleware",'
    ' "django.middleware.common.CommonMiddleware"]'
}


@on(*EVERY)
def test_path_of_django_is_answered_by_django(stage: Stage) -> None:
    assert stage.get("/api/hello/").body == b"Django answers /api/hello/"
    assert stage.exchange(request("POST", "/api/echo/", body=b"to Django")).body == (
        b'{"method": "POST", "body": "to Django"}'
    )
    assert stage.upstream.connections == []


@on(*KEPT_ALIVE, **COMMON_AFTER)
def test_answers_of_both_share_a_kept_alive_connection(stage: Stage) -> None:
    stage.record()
    with stage.client() as client:
        for target, body in [
            ("/api/hello/", b"Django answers /api/hello/"),
            ("/x", b"ok"),
            ("/about/", b"Django answers /about/"),
            ("/y", b"ok"),
            ("/api/hello/", b"Django answers /api/hello/"),
        ]:
            client.send(request("GET", target))
            assert client.read_answer().body == body
            client.send(request("POST", "/z", body=b"some bytes"))
            assert client.read_answer().body == b"ok"
    assert len(stage.upstream.connections) == 1


@on("runserver", "fastpath", "gthread", **COMMON_AFTER)
def test_pipelined_requests_are_answered_in_order(stage: Stage) -> None:
    stage.record(lambda asked: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + asked.body[-2:])
    with stage.client() as client:
        client.send(
            request("POST", "/a", body=b"first 01")
            + request("GET", "/api/hello/")
            + request("POST", "/b", body=b"second 02")
        )
        bodies = [client.read_answer().body for _ in range(3)]
    assert bodies == [b"01", b"Django answers /api/hello/", b"02"]


@on(*WITH_SOCKET)
def test_clients_socket_does_not_wait_to_fill_packets(stage: Stage) -> None:
    assert json.loads(stage.get("/api/socket/").body) == {"TCP_NODELAY": 1}


@on(*EVERY)
def test_static_file_of_django_is_not_forwarded(stage: Stage) -> None:
    assert stage.get("/static/nothing.css").status == 404
    assert stage.upstream.connections == []
