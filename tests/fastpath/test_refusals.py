"""What the listener refuses: told in one line, the connection closed, and nothing of it goes on."""

from __future__ import annotations

import threading
from queue import Queue

import pytest

from tests.harness.raw_client import DEADLINE, Broken
from tests.harness.scripted_upstream import Connection
from tests.traffic.stage import Stage, on, request
from tests.traffic.test_failures import is_failure

HOST = b"Host: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
POST = b"POST /x HTTP/1.1\r\n" + HOST
BAD_HEADS = {
    "bare-lf": (400, b"GET /x HTTP/1.1\nHost: localhost\n\n"),
    "bare-lf-later": (400, b"GET /x HTTP/1.1\r\n" + HOST + b"X: 1\n\r\n"),
    "bare-cr": (400, b"GET /x HTTP/1.1\r\n" + HOST + b"X: 1\r2\r\n\r\n"),
    "nul": (400, b"GET /x HTTP/1.1\r\n" + HOST + b"X: \0\r\n\r\n"),
    "nul-in-target": (400, b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "fold": (400, b"GET /x HTTP/1.1\r\n" + HOST + b"X: 1\r\n 2\r\n\r\n"),
    "fold-first": (400, b"GET /x HTTP/1.1\r\n Host: localhost\r\n\r\n"),
    "blank-before-colon": (400, POST + b"Content-Length : 2\r\n\r\nok"),
    "no-colon": (400, b"GET /x HTTP/1.1\r\n" + HOST + b"Field\r\n\r\n"),
    "empty-name": (400, b"GET /x HTTP/1.1\r\n" + HOST + b": 1\r\n\r\n"),
    "no-host": (400, b"GET /x HTTP/1.1\r\n\r\n"),
    "two-hosts": (400, b"GET /x HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
    "host-list": (400, b"GET /x HTTP/1.1\r\nHost: localhost, evil\r\n\r\n"),
    "host-with-path": (400, b"GET /x HTTP/1.1\r\nHost: localhost/x\r\n\r\n"),
    "host-with-user": (400, b"GET /x HTTP/1.1\r\nHost: a@localhost\r\n\r\n"),
    "both-lengths": (
        400,
        POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    ),
    "two-lengths": (400, POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
    "length-list": (400, POST + b"Content-Length: 2, 2\r\n\r\nok"),
    "length-plus": (400, POST + b"Content-Length: +2\r\n\r\nok"),
    "length-minus": (400, POST + b"Content-Length: -2\r\n\r\nok"),
    "length-hex": (400, POST + b"Content-Length: 0x2\r\n\r\nok"),
    "length-empty": (400, POST + b"Content-Length:\r\n\r\nok"),
    "length-huge": (400, POST + b"Content-Length: 99999999999999999999\r\n\r\nok"),
    "two-codings": (
        400,
        POST + CHUNKED + CHUNKED + b"\r\n",
    ),
    "coding-list": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "coding-last": (501, POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "identity": (501, POST + b"Transfer-Encoding: identity\r\n\r\nok"),
    "http-1-0-chunked": (400, b"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "http-0-9": (400, b"GET /x\r\n\r\n"),
    "http-2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "http-1-2": (505, b"GET /x HTTP/1.2\r\n" + HOST + b"\r\n"),
    "lower-case-version": (400, b"GET /x http/1.1\r\n" + HOST + b"\r\n"),
    "two-blanks": (400, b"GET  /x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "tab": (400, b"GET\t/x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "three-blank-lines": (400, b"\r\n\r\n" + request("GET", "/x")),
    "tls": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "long-target": (414, b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "long-head": (431, b"GET /x HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 70_000 + b"\r\n\r\n"),
    "many-fields": (431, b"GET /x HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 1001 + b"\r\n"),
    "chunked-for-django": (
        411,
        request("POST", "/api/echo/", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    ),
}
SMUGGLED = request("GET", "/smuggled")


@on("fastpath")
@pytest.mark.parametrize(("status", "sent"), BAD_HEADS.values(), ids=BAD_HEADS)
def test_refused_head_is_one_line_and_the_end(stage: Stage, status: int, sent: bytes) -> None:
    recorder = stage.record()
    with stage.client() as client:
        client.send(request("GET", "/before") + sent + SMUGGLED)
        assert client.read_answer().body == b"ok"
        assert is_failure(client.read_answer(), status)
        assert client.is_closed()
    assert (recorder.next().target, recorder.seen.qsize()) == ("/before", 0)
    assert stage.works()


@on("fastpath")
@pytest.mark.parametrize("name", ["no-host", "nul", "many-fields", "length-list"])
def test_refusal_of_a_head_has_no_body(stage: Stage, name: str) -> None:
    status, sent = BAD_HEADS[name]
    with stage.client() as client:
        client.send(b"HEAD " + sent.partition(b" ")[2])
        assert client.read_answer("HEAD").status == status
        assert client.read_to_end() == b""


BAD_CHUNKS = {
    "sign": b"+2\r\nok\r\n0\r\n\r\n",
    "hex": b"0x2\r\nok\r\n0\r\n\r\n",
    "blank": b"2 \r\nok\r\n0\r\n\r\n",
    "bare-lf": b"2\nok\n0\n\n",
    "too-long": b"2\r\nokay\r\n0\r\n\r\n",
    "no-line-feed": b"2\r\nok\rx0\r\n\r\n",
    "empty-size": b"\r\nok\r\n0\r\n\r\n",
    "overflow": b"10000000000000002\r\nok\r\n0\r\n\r\n",
    "long-line": b"2;" + b"x" * 5000 + b"\r\nok\r\n0\r\n\r\n",
}


@on("fastpath")
@pytest.mark.parametrize("sent", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
@pytest.mark.parametrize("later", [False, True], ids=["at-once", "later"])
def test_broken_chunk_is_400_and_the_request_never_whole(
    stage: Stage, sent: bytes, later: bool
) -> None:
    begun: Queue[bytes] = Queue()

    def script(connection: Connection) -> None:
        begun.put(connection.receive_until(b"one"))
        connection.receive_to_end()

    stage.play(script)
    with stage.client() as client:
        client.send(request("POST", "/x", "Transfer-Encoding: chunked") + b"3\r\none\r\n")
        if later:
            begun.get(timeout=DEADLINE)
        client.send(sent + SMUGGLED)
        assert is_failure(client.read_answer(), 400, "broke off")
        assert client.is_closed()
    received = b"".join(one.received for one in stage.upstream.connections)
    assert b"\r\n0\r\n" not in received
    assert b"smuggled" not in received
    assert stage.works()


@on("fastpath")
def test_refusal_is_heard_by_a_client_that_first_sends_a_megabyte(stage: Stage) -> None:
    with stage.client() as client:
        client.send(b"POST /x HTTP/1.1\r\nHost : x\r\n\r\n" + b"x" * 1_000_000)
        assert is_failure(client.read_answer(), 400)
        assert client.read_to_end() == b""  # A reset could overtake the answer.
    assert stage.works()


@on("fastpath")
def test_refusal_of_a_frontend_is_heard_by_a_client_that_first_sends_all(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        connection.receive_to_end()

    stage.play(script)
    more_than_all_buffers_hold = b"x" * 12_000_000
    with stage.client() as client:
        client.send(request("POST", "/x", body=more_than_all_buffers_hold))
        answer = client.read_answer()
        assert (answer.status, answer.body) == (413, b"no")
        assert client.is_closed()
    assert stage.works()


@on("fastpath")
def test_refused_request_is_logged_with_what_it_asked(stage: Stage) -> None:
    stage.exchange(b"GET /bad-one HTTP/1.1\r\nHost : localhost\r\n\r\n")
    with stage.client() as client:
        client.send(b"\x1b[31m\xff /evil\x07 x\r\n\r\n")
        assert client.read_answer().status == 400
    stage.exchange(request("POST", "/api/echo/", "Transfer-Encoding: chunked"))
    log = stage.await_log('"POST /api/echo/" 411')
    line = next(line for line in log.splitlines() if '127.0.0.1 "GET /bad-one" 400' in line)
    assert ": A field's name is empty" in line
    assert not {"\x1b", "\x07"} & set(stage.log())


@on("fastpath")
def test_many_refused_clients_at_once_are_all_answered(stage: Stage) -> None:
    outcomes: list[int] = []

    def ask() -> None:
        try:
            outcomes.append(stage.exchange(b"GET /x HTTP/1.1\r\n\r\n" + b"x" * 100_000).status)
        except (Broken, OSError):
            outcomes.append(0)

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [400] * 50
