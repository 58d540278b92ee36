"""A request that comes back from the frontend is 508 at once, whatever way it came in."""

from __future__ import annotations

import json
import re

import pytest

from samesite_proxy.conf import loop_token
from tests.harness.django_servers import serving
from tests.harness.http_requests import OK, Recorder
from tests.harness.proxying_frontend import FetchingFrontend, ProxyingFrontend
from tests.harness.raw_client import exchange, get
from tests.harness.scripted_upstream import scripted
from tests.traffic.server_table import TABLE
from tests.traffic.stage import EVERY, WITH_SOCKET, Stage, on, request
from tests.traffic.test_failures import BROWSER, is_failure, is_logged_once
from tests.traffic.test_wsgi_application import APPLICATION, FASTPATH, GTHREAD, RUNSERVER

CAUSES = ("server.proxy", '"proxy" in package.json', "rewrites", 'SAMESITE_PROXY["FRONTEND"]')
WRAPPED = (RUNSERVER, FASTPATH, GTHREAD)
# With one worker that one request holds, nothing can come back before its end.
CONCURRENT = tuple(kind for kind in EVERY if kind != "sync")

WEBSOCKET = (
    *("Connection: Upgrade, CDN-Loop", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
# What its clients and those before us may do about it.
REQUESTS = {
    "plain": request("GET", "/api-typo/x?a=b"),
    "body": request("POST", "/api-typo", body=b"a body"),
    "head": request("HEAD", "/api-typo"),
    "events": request("GET", "/events", "Accept: text/event-stream"),
    "nominated": request("GET", "/x", "Connection: close, CDN-Loop"),
    "open quote": request("GET", "/x", 'CDN-Loop: other;a="never ends'),
    "escape": request("GET", "/x", 'CDN-Loop: other;a="\\'),
    "others": request("GET", "/x", "CDN-Loop: a.example:80; n=1, b", "CDN-Loop: c"),
}


def token_of(stage: Stage) -> str:
    token = loop_token.token_of(stage.upstream.url)
    assert re.fullmatch(r"samesite-[0-9a-f]{32}", token)
    return token


def comes_back_once(stage: Stage, said: bytes) -> None:
    frontend = ProxyingFrontend(stage.port)
    stage.play(frontend)
    answer = stage.exchange(said)
    if said.startswith(b"HEAD"):
        assert (answer.status, answer.all("Cache-Control")) == (508, ["no-store"])
    else:
        assert is_failure(answer, 508, stage.upstream.url, *CAUSES)
    passed = frontend.passed
    assert len(passed) == 1
    assert ", ".join(passed[0].all("CDN-Loop")).endswith(token_of(stage))


@on(*CONCURRENT)
@pytest.mark.parametrize("said", REQUESTS.values(), ids=REQUESTS)
def test_request_that_comes_back_is_508(stage: Stage, said: bytes) -> None:
    comes_back_once(stage, said)
    assert is_logged_once(stage, "address of Django's own: set it to the frontend's.")
    assert stage.works()


@on(*WRAPPED, **APPLICATION)
def test_request_that_comes_back_to_our_application_is_508(stage: Stage) -> None:
    comes_back_once(stage, REQUESTS["plain"])
    comes_back_once(stage, REQUESTS["body"])
    comes_back_once(stage, request("GET", "/ws", *WEBSOCKET))


@on(*(kind for kind in WITH_SOCKET if kind != "sync"))
def test_upgrade_that_comes_back_is_508(stage: Stage) -> None:
    comes_back_once(stage, request("GET", "/ws", *WEBSOCKET))
    assert stage.works()


@on(*EVERY)
def test_token_is_appended_to_what_is_there(stage: Stage) -> None:
    recorder = stage.record()
    token = token_of(stage)
    for lines, expected in (
        ((), token),
        (("CDN-Loop: other; loops=1",), f"other; loops=1, {token}"),
        (("CDN-Loop: a", 'cdn-loop: b;q="x,y"'), f'a, b;q="x,y", {token}'),
        (("Connection: cdn-loop", "CDN-Loop: a"), f"a, {token}"),
    ):
        assert stage.get("/x", *lines).status == 200
        assert re.sub(", *", ",", ",".join(recorder.next().all("CDN-Loop"))) == re.sub(
            ", *", ",", expected
        )


@on(*EVERY)
def test_token_counts_as_a_whole_and_eight_of_its_kind_do(stage: Stage) -> None:
    stage.record()
    token = token_of(stage)
    others = [f"samesite-{number}" for number in range(8)]
    underscore = 508 if TABLE[stage.kind].underscore == "as a hyphen" else 200
    for line, status in (
        (f"CDN-Loop: {token}", 508),
        (f"cdn-loop: {token.upper()};n=1", 508),
        (f'CDN-Loop: a, b;q=",", {token} ;x, c', 508),
        (f"CDN-Loop: {', '.join(others)}", 508),
        (f"CDN-Loop: {', '.join(others[:7])}, other, other, other", 200),
        (f"CDN-Loop: {token}0, x{token}, {token}:80, a;{token}", 200),
        (f'CDN-Loop: a;q="{token}"', 200),
        (f"CDN_Loop: {token}", underscore),
        (f"Via: {token}", 200),
    ):
        assert (line, stage.get("/x", line).status) == (line, status)
    asked = request("GET", "/ws", f"CDN-Loop: {token}", *WEBSOCKET)
    assert stage.exchange(asked).status == (508 if stage.kind in WITH_SOCKET else 501)
    # On Django's own path it says nothing.
    assert stage.get("/api/hello/", f"CDN-Loop: {token}").status == 200


@on(*EVERY)
def test_browser_gets_a_page_that_names_the_line_to_delete(stage: Stage) -> None:
    answer = stage.get("/x", BROWSER, f"CDN-Loop: {token_of(stage)}")
    page = answer.body.decode()
    assert (answer.status, answer.reason) == (508, "Loop Detected")
    assert answer.all("Cache-Control") == ["no-store"]
    assert "<h1>The frontend sends the request back to Django</h1>" in page
    assert "&quot;proxy&quot; in package.json" in page
    assert stage.upstream.connections == []


@pytest.mark.parametrize("kind", ["fastpath", "gthread"])
def test_token_of_another_frontend_is_no_loop(kind: str) -> None:
    with scripted(Recorder(OK)) as frontend:
        other = f"http://localhost:{frontend.port}"
        frontends = {"/": frontend.url, "/other": other}
        with serving(kind, {"FRONTEND": frontends}) as server:
            for target, status in (("/", 200), ("/other/x", 508)):
                line = f"CDN-Loop: {loop_token.token_of(other)}"
                assert get(server.port, target, line).status == status


@pytest.mark.parametrize(
    ("kind", "key"),
    [("fastpath", "only for tests"), ("gthread", "another project's"), ("fastpath", "")],
)
def test_projects_in_a_row_are_no_loop_until_the_last_turns_back(kind: str, key: str) -> None:
    changed = {"TEST_SETTINGS": json.dumps({"SECRET_KEY": key})}
    with (
        scripted(Recorder(OK)) as frontend,
        serving("gthread", {"FRONTEND": frontend.url}) as behind,
        serving(kind, {"FRONTEND": f"http://127.0.0.1:{behind.port}"}, **changed) as before,
    ):
        assert get(before.port, "/x").body == b"ok"
        back = ProxyingFrontend(before.port)
        frontend.play(back)
        assert exchange(before.port, request("GET", "/x")).status == 508
        assert len(back.passed) == 1
        tokens = back.passed[0].get("CDN-Loop") or ""
        assert tokens.count(loop_token.MARK) == 2


def says_that_its_kind_waits(stage: Stage) -> None:
    stage.play(FetchingFrontend(stage.port))
    words = (stage.upstream.url, "eight or more", "DJANGO_PATHS", "RESPONSE_TIMEOUT")
    assert is_failure(stage.get("/page?x=1"), 504, *words)


@on("runserver", "fastpath", "gthread", settings={"RESPONSE_TIMEOUT": 2})
def test_loop_of_the_frontends_own_code_is_named_by_the_timeout(stage: Stage) -> None:
    says_that_its_kind_waits(stage)
