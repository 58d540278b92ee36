"""Routes that raise while it is decided whose a path is, in front of Django's handler: the answer
and the record are Django's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.asgi.servers import front, plain
from tests.asgi.sockets import browser, echo, frontend
from tests.harness.raw_client import DEADLINE
from tests.harness.scripted_upstream import answering
from tests.live.tunnels import SWITCH, upgrade
from tests.traffic.stage import Stage, request
from tests.traffic.test_wsgi_application import GTHREAD, RUNSERVER, SYNC

# The record that error mails hang on, by its logger's name.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"named": {"format": "<%(name)s> %(message)s"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "named"}},
    "loggers": {"django.request": {"handlers": ["out"]}},
}
ASGI = (*front("uvicorn", "granian"), *plain("uvicorn"))
WSGI = (GTHREAD, SYNC, "gthread")
SERVERS_OWN = ("Exception in ASGI application", "Error handling request")


@contextlib.contextmanager
def with_routes(kind: str, urlconf: str) -> Iterator[Stage]:
    """In production, with these routes; runserver loads our application where its setting says."""
    settings = {"LOGGING": LOGGING}
    if kind in (RUNSERVER, "fastpath"):
        settings["WSGI_APPLICATION"] = "tests.project.wrapped_wsgi.application"
    environment = {
        "TEST_DEBUG": "0",
        "TEST_ALLOWED_HOSTS": '["localhost"]',
        "TEST_URLCONF": f"tests.project.{urlconf}",
        "TEST_SETTINGS": json.dumps(settings),
    }
    stage = Stage(kind, {}, environment)
    try:
        yield stage
    finally:
        stage.close()


@pytest.mark.parametrize("kind", [*ASGI, *WSGI, RUNSERVER, "fastpath"])
def test_converter_that_raises_is_answered_and_recorded_by_django(kind: str) -> None:
    with with_routes(kind, "raising_urls") as stage:
        stage.record()
        for asked in (request("GET", "/broken/"), request("POST", "/broken/", body=b"body")):
            assert stage.exchange(asked).status == 500
        assert stage.get("/missing/").status == 404
        assert stage.get("/denied/").status == 403
        assert stage.upstream.connections == []
        assert stage.get("/api/hello/").body == b"Django answers /api/hello/"
        assert stage.get("/page/").body == b"ok"
        log = stage.await_log("<django.request> Internal Server Error: /broken/")
        assert "<django.request> Not Found: /missing/" in log
        assert "<django.request> Forbidden (Permission denied): /denied/" in log
        assert [word for word in SERVERS_OWN if word in log] == []


@pytest.mark.parametrize("kind", [*front("uvicorn", "granian"), GTHREAD])
def test_urlconf_that_cannot_be_imported_is_djangos_error_and_sockets_live_on(kind: str) -> None:
    """Its own way: it looks for its page in the same URLconf, and raises what it finds."""
    with with_routes(kind, "broken_urls") as stage:
        for target in ("/any", "/api/hello/"):
            assert stage.get(target).status == 500
            stage.await_log("django/core/handlers/exception.py")
        if kind == GTHREAD:
            stage.play(answering(SWITCH.replace(b"test", b"websocket")))
            with stage.client() as client:
                client.send(upgrade(token="websocket"))
                assert client.read_head().status == 101
        else:
            stage.play(frontend(echo))
            with browser(stage) as socket:
                socket.send("hot reload")
                assert socket.recv(timeout=DEADLINE) == "hot reload"
