"""Whose is it, where the project has WebSockets, and HTTP, of Channels'."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from tests.asgi.servers import EVERY, ROOTED
from tests.asgi.sockets import DEADLINE, browser, frontend
from tests.traffic.stage import Stage, on

CHANNELS = [f"{name} channels" for name in EVERY]


def greet(socket: ServerConnection) -> None:
    assert socket.request is not None
    socket.send(f"frontend {socket.request.path}")
    # The browser closes first: daphne may reset a connection that it has closed itself, and at a
    # reset the library that is our browser forgets the messages that came together with it.
    for _ in socket:
        pass


def first_words(stage: Stage, target: str, **options: Any) -> str | bytes:
    stage.play(frontend(greet, select_subprotocol=lambda _, offered: next(iter(offered), None)))
    with browser(stage, target, **options) as socket:
        return socket.recv(timeout=DEADLINE)


@on(*CHANNELS)
def test_routes_of_channels_keep_theirs(stage: Stage) -> None:
    assert first_words(stage, "/chat/", origin="http://localhost") == "Django /chat/"
    assert (
        first_words(stage, "/rooms/room/7/", origin="http://localhost") == "Django /rooms/room/7/"
    )


# Some servers put the root before the path that was asked for, others expect it there.
PREFIX = "/mounted/"


@on(*ROOTED)
def test_root_path_is_no_part_of_a_route(stage: Stage) -> None:
    asked = "/" if stage.kind.startswith("uvicorn") else PREFIX
    for target in ("chat/", "rooms/room/7/"):
        said = first_words(stage, asked + target, origin="http://localhost")
        assert said == f"Django {PREFIX}{target}"
    assert first_words(stage, f"{asked}chat/other") == f"frontend {PREFIX}chat/other"


@on(*CHANNELS)
@pytest.mark.parametrize("target", ["/", "/chat/other", "/rooms/", "/rooms/room/x/", "/api/hello/"])
def test_other_sockets_are_the_frontends(stage: Stage, target: str) -> None:
    assert first_words(stage, target) == f"frontend {target}"


@on(*CHANNELS)
def test_hot_reload_is_the_frontends_wherever_it_is(stage: Stage) -> None:
    for offered in (["vite-hmr"], ["vite-ping"], ["mine", "vite-ping"]):
        assert first_words(stage, "/chat/", subprotocols=offered) == "frontend /chat/"


@on(*CHANNELS)
def test_http_goes_both_ways(stage: Stage) -> None:
    stage.record(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfrontend")
    assert stage.get("/page").body == b"frontend"
    assert stage.get("/api/hello/").body == b"Django answers /api/hello/"


@on(*CHANNELS)
def test_http_routes_of_channels_keep_theirs(stage: Stage) -> None:
    stage.record(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfrontend")
    assert stage.get("/poll/").body == b"Channels /poll/"
    assert stage.get("/poll").body == b"frontend"


@on("uvicorn other", "gunicorn other")
def test_where_routes_cannot_be_read_djangos_paths_are_the_inner_applications(
    stage: Stage,
) -> None:
    assert first_words(stage, "/api/hello/") == "own /api/hello/"
    assert first_words(stage, "/") == "frontend /"
    assert first_words(stage, "/api/", subprotocols=["vite-hmr"]) == "frontend /api/"
    assert first_words(stage, "/api/", subprotocols=["vite-ping"]) == "frontend /api/"
