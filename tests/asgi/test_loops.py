"""A request that comes back from the frontend is 508 at once, WebSockets before their accept."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from samesite_proxy.conf import loop_token
from tests.asgi.server_table import row_of
from tests.asgi.servers import both, front, plain
from tests.asgi.sockets import browser, echo, frontend
from tests.harness.proxying_frontend import ProxyingFrontend
from tests.traffic.stage import Stage, on
from tests.traffic.test_failures import is_failure
from tests.traffic.test_loops import CAUSES, REQUESTS, comes_back_once, says_that_its_kind_waits

SERVERS = ("uvicorn", "hypercorn")


@on(*both(*SERVERS))
@pytest.mark.parametrize("said", REQUESTS.values(), ids=REQUESTS)
def test_request_that_comes_back_is_508(stage: Stage, said: bytes) -> None:
    comes_back_once(stage, said)
    assert stage.works()


@on(*both(*SERVERS))
def test_token_counts_as_a_whole_and_keeps_its_name(stage: Stage) -> None:
    recorder = stage.record()
    token = loop_token.token_of(stage.upstream.url)
    for line, status in (
        (f'CDN-Loop: a, b;q=",", {token} ;x, c', 508),
        (f"CDN-Loop: {', '.join(['samesite-x'] * 8)}", 508),
        (f'CDN-Loop: a;q="{token}"', 200),
        (f"CDN_Loop: {token}", 200),
    ):
        assert (line, stage.get("/x", line).status) == (line, status)
    recorder.next()
    assert recorder.next().all("CDN-Loop") == [token]
    answer = stage.get("/x", f"CDN-Loop: {token}")
    assert is_failure(answer, 508, *CAUSES)


@on(*front())
def test_websocket_that_comes_back_is_refused_and_others_are_not(stage: Stage) -> None:
    back = ProxyingFrontend(stage.port)
    stage.play(back)
    with pytest.raises(InvalidStatus) as refused, browser(stage):
        pass
    assert refused.value.response.status_code == (
        508 if row_of(stage.kind).refusal == "kept" else 403
    )
    assert len(back.passed) == 1
    assert back.passed[0].get("CDN-Loop") == loop_token.token_of(stage.upstream.url)
    stage.await_log("508 samesite_proxy: the request came back")
    stage.play(frontend(echo))
    others = {"CDN-Loop": "samesite-of-another-project"}
    with browser(stage, additional_headers=others) as socket:
        socket.send("hello")
        assert socket.recv(timeout=20) == "hello"


@on(*front("uvicorn"), *plain("hypercorn"), settings={"RESPONSE_TIMEOUT": 2})
def test_loop_of_the_frontends_own_code_is_named_by_the_timeout(stage: Stage) -> None:
    says_that_its_kind_waits(stage)
