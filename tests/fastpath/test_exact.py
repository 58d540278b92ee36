"""At the listener a request and its answer cross exactly: fields, interim answers and trailers."""

from __future__ import annotations

from functools import partial

import pytest

from samesite_proxy.conf import loop_token
from tests.harness.http_requests import OK, RequestReader, recording
from tests.harness.scripted_upstream import Connection, answering, answering_once
from tests.traffic.stage import Stage, on, request

FIELDS = [
    ("X-B", "1"),
    ("cookie", "a=1"),
    ("X-A", ""),
    ("x-b", "2, 3"),
    ("Cookie", "b=2"),
    ("X_B", "under"),
    ("!#$%&'*+.^`|~09az", "token"),
    ("X-Bytes", "caf\xe9 \x80\xff\tend"),
    ("X-B", "1"),
]
FORWARDING = [
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Host", "localhost"),
    ("X-Forwarded-Proto", "http"),
]
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nlink: </b.css>\r\nContent-Length: 3\r\n\r\n"
TRAILING = (
    b"POST /t HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n"
)


def lines_of(fields: list[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{name}: {value}" for name, value in fields)


def ours(stage: Stage) -> list[tuple[str, str]]:
    return [*FORWARDING, ("CDN-Loop", loop_token.token_of(stage.upstream.url))]


@on("fastpath")
def test_request_fields_cross_in_order_with_case_and_bytes(stage: Stage) -> None:
    recorder = stage.record()
    stage.get("/x", *lines_of(FIELDS))
    assert recorder.next().fields == [("Host", "localhost"), *FIELDS, *ours(stage)]


@on("fastpath")
def test_host_keeps_its_place_and_case(stage: Stage) -> None:
    recorder = stage.record()
    assert stage.exchange(b"GET /x HTTP/1.1\r\nX-A: 1\r\nhOST: localhost\r\n\r\n").status == 200
    assert recorder.next().fields == [("X-A", "1"), ("hOST", "localhost"), *ours(stage)]


@on("fastpath")
def test_thousand_fields_cross(stage: Stage) -> None:
    sent = [(f"X-{number}", str(number)) for number in range(999)]
    recorder = stage.record()
    assert stage.get("/x", *lines_of(sent)).status == 200
    assert recorder.next().fields == [("Host", "localhost"), *sent, *ours(stage)]


@on("fastpath")
def test_answer_fields_cross_in_order_with_case_and_bytes(stage: Stage) -> None:
    block = "\r\n".join(lines_of(FIELDS)).encode("latin-1")
    head = b"HTTP/1.1 299 \xc3\xa9 what\r\n%b\r\nContent-Length: 2\r\n\r\nok"
    stage.play(answering(head % block))
    answer = stage.get("/x")
    assert (answer.status, answer.reason.encode("latin-1")) == (299, b"\xc3\xa9 what")
    assert answer.fields == [*FIELDS, ("Content-Length", "2")]


@on("fastpath")
def test_interim_answers_cross_one_by_one_before_the_answer(stage: Stage) -> None:
    hop = b"HTTP/1.1 102 Processing\r\nConnection: X-Own\r\nX-Own: 1\r\nKeep-Alive: 1\r\n\r\n"
    stage.play(answering(HINTS + hop + HINTS + OK))
    with stage.client() as client:
        client.send(request("GET", "/x"))
        heads = [client.read_head() for _ in range(3)]
        hints = (103, [("Link", "</a.css>"), ("link", "</b.css>")])
        assert [(head.status, head.fields) for head in heads] == [hints, (102, []), hints]
        assert client.read_answer().body == b"ok"
        client.send(request("HEAD", "/x"))
        assert client.read_answer("HEAD").interim == [103, 102, 103]


@on("fastpath")
def test_interim_answer_is_not_kept_back_for_the_answer(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(HINTS)
        connection.receive_to_end()

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/x"))
        assert client.read_head().status == 103


@on("fastpath")
def test_interim_answer_is_nothing_for_an_http_1_0_client(stage: Stage) -> None:
    stage.play(answering(HINTS + OK))
    with stage.client() as client:
        client.send(b"GET /x HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert client.read_head().status == 200
        assert client.read_to_end() == b"ok"


@on("fastpath")
def test_endless_interim_answers_end_in_a_failure(stage: Stage) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nX-Hint: %b\r\n\r\n" % (b"h" * 8000)

    def script(connection: Connection) -> None:
        connection.receive_head()
        for _ in range(2000):
            connection.send(hint)
        connection.send(OK)

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/x"))
        answer = client.read_answer()
        assert (answer.status, set(answer.interim)) == (502, {103})
        assert len(answer.interim) < 2000
        assert client.is_closed()


@on("fastpath")
def test_continue_comes_when_the_frontend_asks_for_the_body(stage: Stage) -> None:
    recorder = stage.record()
    with stage.client() as client:
        for _ in range(2):
            client.send(request("POST", "/x", "Expect: 100-continue", "Content-Length: 4"))
            interim = client.read_head()
            assert (interim.status, interim.fields) == (100, [])
            client.send(b"body")
            assert client.read_answer().interim == []
            assert recorder.next().body == b"body"


@on("fastpath")
def test_continue_is_not_said_to_a_client_that_does_not_wait(stage: Stage) -> None:
    recorder = stage.record()
    with stage.client() as client:
        client.send(request("POST", "/x", "Expect: 100-continue", body=b"body"))
        assert client.read_answer().interim == []
    assert recorder.next().body == b"body"


@on("fastpath", settings={"FRONTEND": "http://127.0.0.1:1"})
def test_final_answer_in_place_of_a_continue(stage: Stage) -> None:
    with stage.client() as client:
        client.send(request("POST", "/x", "Expect: 100-continue", "Content-Length: 4"))
        answer = client.read_answer()
        assert (answer.status, answer.interim) == (502, [])
        assert client.is_closed()


@on("fastpath")
def test_frontends_own_continue_is_not_said_twice(stage: Stage) -> None:
    def script(connection: Connection, reader: RequestReader) -> None:
        head = reader.head()
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b"".join(reader.pieces(head))
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    stage.play(recording(script))
    with stage.client() as client:
        client.send(request("POST", "/x", "Expect: 100-continue", "Content-Length: 4"))
        assert client.read_head().status == 100
        client.send(b"body")
        answer = client.read_answer()
        assert (answer.interim, answer.body) == ([], b"body")


def trailing(connection: Connection, answer: bytes = OK) -> None:
    """A script that answers chunked requests with trailers."""
    while True:
        start = len(connection.received)
        while b"\r\n\r\n" not in connection.received[start:].partition(b"\r\n0\r\n")[2]:
            if not connection.receive():
                return
        connection.send(answer)


@on("fastpath")
def test_trailers_of_a_request_cross_but_for_those_that_are_forbidden(stage: Stage) -> None:
    stage.play(trailing)
    trailers = b"X-Sum: 1\r\nx-sum: 2\r\nContent-Length: 9\r\nHost: evil\r\nX-Last: caf\xe9\r\n\r\n"
    with stage.client() as client:
        for _ in range(2):
            client.send(TRAILING + trailers)
            assert client.read_answer().body == b"ok"
    for connection in stage.upstream.connections:
        ended = connection.received.split(b"\r\n0\r\n")[1:]
        assert {end.partition(b"\r\n\r\n")[0] for end in ended} == {
            b"X-Sum: 1\r\nx-sum: 2\r\nX-Last: caf\xe9"
        }


@on("fastpath")
@pytest.mark.parametrize("line", [b"X-Sum : 1", b" folded", b"no colon", b"X-Nul: \0", b"X: \r1"])
def test_broken_trailer_is_400_and_the_request_never_whole(stage: Stage, line: bytes) -> None:
    stage.play(trailing)
    with stage.client() as client:
        client.send(TRAILING + line + b"\r\n\r\n" + request("GET", "/smuggled"))
        assert client.read_answer().status == 400
        assert client.is_closed()
    assert b"".join(one.received for one in stage.upstream.connections).count(b"\r\n0\r\n") == 0
    assert stage.works()


@on("fastpath")
def test_trailers_of_an_answer_cross_but_for_those_that_are_forbidden(stage: Stage) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
    trailers = b"X-Sum: 1\r\nContent-Length: 9\r\nSet-Cookie: a=1\r\nx-sum: 2\r\n\r\n"
    stage.play(answering(head + trailers))
    with stage.client() as client:
        for _ in range(2):
            client.send(request("GET", "/x"))
            assert client.read_head().get("Transfer-Encoding") == "chunked"
            said = client.read_until(b"\r\n\r\n")
            assert said == b"2\r\nok\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n"
        client.send(b"GET /x HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert client.read_head().get("Transfer-Encoding") is None
        assert client.read_to_end() == b"ok"


@on("fastpath")
def test_trailers_that_connection_names_end_here(stage: Stage) -> None:
    naming = b"Connection: x-own\r\nConnection:\r\nconnection: keep-alive ,X-Other\r\n\r\n"
    body = b"2\r\nok\r\n0\r\nX-Own: 1\r\nX-Sum: 1\r\nx-other: 1\r\nX_Other: 1\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    stage.play(partial(trailing, answer=head + naming + body))
    with stage.client() as client:
        for _ in range(2):
            client.send(TRAILING.partition(b"\r\n\r\n")[0] + b"\r\n" + naming + body)
            assert client.read_head().status == 200
            assert client.read_until(b"\r\n\r\n") == b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"
    (connection,) = stage.upstream.connections
    ended = connection.received.split(b"\r\n0\r\n")[1:]
    assert [end.partition(b"\r\n\r\n")[0] for end in ended] == [b"X-Sum: 1"] * 2


@on("fastpath")
@pytest.mark.parametrize("status", [204, 304])
def test_answer_without_a_body_keeps_the_connection(stage: Stage, status: int) -> None:
    stage.play(answering(b"HTTP/1.1 %d X\r\nETag: a\r\n\r\n" % status))
    with stage.client() as client:
        for _ in range(3):
            client.send(request("GET", "/x"))
            answer = client.read_answer()
            assert (answer.status, answer.fields) == (status, [("ETag", "a")])


@on("fastpath")
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""]
)
def test_head_is_answered_without_a_body(stage: Stage, framing: bytes) -> None:
    stage.play(answering(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n"))
    with stage.client() as client:
        for _ in range(3):
            client.send(request("HEAD", "/x"))
            answer = client.read_answer("HEAD")
            assert answer.get("Content-Length") == ("5" if b"5" in framing else None)


@on("fastpath")
@pytest.mark.parametrize("framing", [b"Content-Length: 2\r\n", b""], ids=["length", "end"])
def test_http_1_0_client_is_kept_if_it_asks_and_the_length_is_known(
    stage: Stage, framing: bytes
) -> None:
    stage.play(answering_once(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\nok"))
    with stage.client() as client:
        client.send(b"GET /x HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n")
        answer = client.read_head()
        assert answer.all("Transfer-Encoding") == []
        assert answer.all("Connection") == ["keep-alive" if framing else "close"]
        assert client.read_exactly(2) == b"ok"
        if framing:
            client.send(b"GET /x HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert client.read_answer().all("Connection") == ["close"]
        assert client.is_closed()
