"""How rows of the feed end: by clients that leave, by frontends that break off, and by neither."""

from __future__ import annotations

import contextlib
from contextlib import closing

import pytest

from tests.asgi.servers import both, front
from tests.asgi.sockets import accept, browser, echo, frontend
from tests.harness.raw_client import Broken, RawClient
from tests.harness.scripted_upstream import Connection, answering
from tests.traffic.stage import Stage, asking_in_vain, on, request
from tests.traffic.test_feed import Eyes, is_over, said

WSGI = ("fastpath", "gthread", "sync")
WAYS = (*WSGI, *both("uvicorn"))
# Where the engine has the client's connection it sees who left.
LEFT = ("client-gone", "canceled")
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


def begin_answer(connection: Connection) -> None:
    connection.receive_head()
    connection.send(HELLO)
    connection.receive_to_end()


@on(*WAYS)
def test_client_that_leaves_while_it_waits_has_no_answer(stage: Stage) -> None:
    eyes = Eyes(stage)
    for leave in (RawClient.close, RawClient.reset):
        target = f"/{leave.__name__}"
        leave(asking_in_vain(stage, request("GET", target)))
        row = eyes.await_row(target, is_over)
        assert row["who"] == stage.upstream.url
        assert (row["status"], row["first_byte"], row["bytes"]) == (None, None, 0)
        assert row["error"] in LEFT


@on(*WAYS)
def test_client_that_leaves_amid_an_answer_has_had_a_part(stage: Stage) -> None:
    eyes = Eyes(stage)
    stage.play(begin_answer)
    with stage.client() as client:
        client.send(request("GET", "/amid"))
        client.read_until(b"hello")
    row = eyes.await_row("/amid", is_over)
    assert (row["who"], *said(row)[:3]) == (stage.upstream.url, "GET", 200, 5)
    assert row["error"] in LEFT


@on(*WSGI, *both("uvicorn"))
def test_answer_that_is_cut_says_so(stage: Stage) -> None:
    eyes = Eyes(stage)

    def cut(connection: Connection) -> None:
        connection.receive_head()
        connection.send(HELLO)
        connection.close()

    stage.play(cut)
    with pytest.raises(Broken):
        stage.get("/cut")
    row = eyes.await_row("/cut", is_over)
    assert (row["who"], *said(row)) == (stage.upstream.url, "GET", 200, 5, "response-upstream")


@on(*WAYS)
def test_answers_without_a_body_have_none(stage: Stage) -> None:
    eyes = Eyes(stage)
    for method, status in (("GET", 304), ("HEAD", 200), ("GET", 204)):
        target = f"/{method}/{status}"
        length = b"" if status == 204 else b"Content-Length: 77\r\n"
        stage.play(answering(b"HTTP/1.1 %d Said\r\n%b\r\n" % (status, length)))
        with stage.client() as client:
            client.send(request(method, target))
            client.read_answer(method)
        row = eyes.await_row(target, is_over)
        assert (row["who"], *said(row)) == (stage.upstream.url, method, status, 0, None)


@on(*WSGI)
def test_upload_that_ends_short_is_refused_by_us(stage: Stage) -> None:
    eyes = Eyes(stage)
    asking = b"POST /short HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"
    with closing(asking_in_vain(stage, asking)) as client:
        client.end()
        answer = client.read_answer()
    row = eyes.await_row("/short", lambda row: row["status"] is not None)
    assert (row["who"], *said(row)[:3]) == ("samesite_proxy", "POST", 400, len(answer.body))


@on(*front("uvicorn"))
def test_upload_whose_client_leaves_is_nobodys(stage: Stage) -> None:
    eyes = Eyes(stage)
    asking_in_vain(
        stage, b"POST /short HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"
    ).close()
    row = eyes.await_row("/short", is_over)
    assert (row["who"], *said(row)) == (stage.upstream.url, "POST", None, 0, "canceled")


@on(*WSGI, *front("uvicorn"))
def test_websocket_ends_as_it_has_ended(stage: Stage) -> None:
    eyes = Eyes(stage)
    stage.play(frontend(echo))
    with browser(stage, "/closed") as websocket:
        websocket.send("hello")
        websocket.recv()
    row = eyes.await_row("/closed", is_over)
    assert said(row) == ("GET", 101, 2 + len("hello") + 4, None)

    def cut(connection: Connection) -> None:
        accept(connection)
        connection.reset()

    stage.play(cut)
    with stage.client() as client, contextlib.suppress(Broken):
        client.send(request("GET", "/cut", *UPGRADE, KEY))
        client.read_to_end()
    assert said(eyes.await_row("/cut", is_over)) == ("GET", 101, 0, "response-upstream")

    stage.play(answering(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"))
    with stage.client() as client:
        client.send(request("GET", "/refused", *UPGRADE, KEY))
        assert client.read_answer().status == 403
    assert said(eyes.await_row("/refused", is_over)) == ("GET", 403, 2, None)


@on(*WSGI, *front("uvicorn"))
def test_websocket_whose_browser_vanishes_is_given_up(stage: Stage) -> None:
    eyes = Eyes(stage)

    def hold(connection: Connection) -> None:
        accept(connection)
        connection.receive_to_end()

    stage.play(hold)
    with stage.client() as client:
        client.send(request("GET", "/vanished", *UPGRADE, KEY))
        client.read_head()
        client.reset()
    row = eyes.await_row("/vanished", is_over)
    assert (row["status"], row["error"] in LEFT) == (101, True)

    asking_in_vain(stage, request("GET", "/unheard", *UPGRADE, KEY)).close()
    row = eyes.await_row("/unheard", is_over)
    assert (row["who"], row["status"], row["error"] in LEFT) == (stage.upstream.url, None, True)


@on("fastpath", "gthread", "uvicorn front")
def test_request_that_is_held_waits_until_the_frontend_is_back(stage: Stage) -> None:
    eyes = Eyes(stage)
    port = int(stage.upstream.url.rpartition(":")[2])
    stage.upstream.close()
    with stage.client() as client:
        client.send(request("GET", "/held"))
        held = eyes.await_row("/held", lambda row: True)
        assert (held["status"], held["waiting"], held["done"]) == (None, None, None)
        stage.open_upstream(port)
        stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"))
        assert client.read_answer().body == b"1"
    row = eyes.await_row("/held", is_over)
    assert said(row) == ("GET", 200, 1, None)
    assert 0 < row["waiting"] <= row["first_byte"] <= row["done"]
