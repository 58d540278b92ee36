"""A frontend that is down: each request is told, the log once, and once that it is back."""

from __future__ import annotations

import pytest

from tests.asgi.servers import front, plain
from tests.harness.http_requests import OK
from tests.harness.ports import free_port
from tests.traffic.stage import EVERY, WITH_SOCKET, Stage, Stages, on
from tests.traffic.test_failures import is_failure, is_logged_once


# A server of its own: what another test has had logged would not be logged again.
@on(*EVERY, settings={"FRONTEND": "http://127.0.0.1:2"})
def test_frontend_refuses_connection_is_502_and_says_once_what_to_start(stage: Stage) -> None:
    words = ("http://127.0.0.1:2", 'SAMESITE_PROXY["FRONTEND"]', "5173", "[::1] alone")
    for _ in range(5):
        assert is_failure(stage.get("/some/page"), 502, *words)
    assert stage.get("/x", host="evil.example").status == 400
    stage.await_log("evil.example")
    assert is_logged_once(stage, "http://127.0.0.1:2")
    assert stage.get("/api/hello/").body == b"Django answers /api/hello/"


@pytest.mark.parametrize("kind", [*WITH_SOCKET, *front("uvicorn"), *plain("uvicorn")])
def test_frontend_that_starts_later_is_found_at_once_and_said_to_be_back(
    stages: Stages, kind: str
) -> None:
    port = free_port()
    stage = stages.get(kind, {"FRONTEND": f"http://localhost:{port}"}, {})
    stage.begin()
    back = f"samesite_proxy: the frontend at http://localhost:{port} is back."
    for times in (1, 2):
        while stage.get("/").status != 502:  # A connection may be left of before.
            pass
        assert stage.get("/").status == 502
        stage.open_upstream(port)
        stage.record(OK)
        for _ in range(2):
            assert stage.get("/").body == b"ok"
        stage.await_log(back, times)
        assert stage.log().count(f"http://localhost:{port} cannot be reached") == times
        stage.upstream.close()
    assert stage.log().count(back) == 2
    stage.finish()
