"""Answers: what is HTTP/1.x crosses, what could be read two ways is refused."""

from __future__ import annotations

import pytest

from samesite_proxy._engine import EngineError
from tests.engine.exchanges import HOST, Answer, ask, upstream_at
from tests.harness.scripted_upstream import answering_once, scripted


def answer_to(raw: bytes, method: str = "GET") -> Answer:
    with scripted(answering_once(raw)) as upstream:
        return ask(upstream_at(upstream.url), method)


def failure_of(raw: bytes, method: str = "GET") -> str:
    """The code of the failure that must come, and that no head came before it."""
    with scripted(answering_once(raw)) as upstream:
        exchange = upstream_at(upstream.url).request(method, "/", HOST)
        with pytest.raises(EngineError) as caught:
            exchange.head()
        assert caught.value.status == 502
        with pytest.raises(EngineError) as again:
            exchange.read()
        assert again.value.code == caught.value.code
        return caught.value.code


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_fields_keep_order_duplicates_case_and_bytes() -> None:
    raw = (
        b"HTTP/1.1 207 Multi  Status\xe9\r\nset-cookie: a=1\r\nX-Empty:\r\nSet-Cookie: b=2, c\r\n"
        b"X-Spaced: \t two  words \t\r\nContent-Length: 0\r\nX-High: \xff\xe9\r\n"
        b"set-COOKIE: d\r\n\r\n"
    )
    assert answer_to(raw) == Answer(
        207,
        "Multi  Status\xe9",
        [
            ("set-cookie", "a=1"),
            ("X-Empty", ""),
            ("Set-Cookie", "b=2, c"),
            ("X-Spaced", "two  words"),
            ("Content-Length", "0"),
            ("X-High", "\xff\xe9"),
            ("set-COOKIE", "d"),
        ],
        b"",
    )


def test_hop_by_hop_and_nominated_fields_end_here() -> None:
    raw = (
        b"HTTP/1.1 200 OK\r\nX-One: 1\r\nConnection: x-one, Keep-Alive\r\nKeep-Alive: timeout=5\r\n"
        b"Transfer-Encoding: chunked\r\nTrailer: X\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\n"
        b"Date: today\r\nConnection: X-Two\r\nX-Two: 2\r\n\r\n" + chunked()
    )
    assert answer_to(raw).fields == [("Date", "today")]


@pytest.mark.parametrize("reason", [b"", b" "])
def test_reason_may_be_missing(reason: bytes) -> None:
    answer = answer_to(b"HTTP/1.1 404" + reason + b"\r\nContent-Length: 1\r\n\r\nx")
    assert answer == Answer(404, "", [("Content-Length", "1")], b"x")


def test_bare_line_feeds_end_lines_too() -> None:
    answer = answer_to(b"HTTP/1.1 200 OK\nA: b\nContent-Length: 1\n\nx")
    assert answer == Answer(200, "OK", [("A", "b"), ("Content-Length", "1")], b"x")


@pytest.mark.parametrize("status", [200, 299, 302, 404, 500, 599])
def test_status_crosses(status: int) -> None:
    assert answer_to(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status).status == status


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\nX-Lost: 1\r\n\r\n" * 5,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 7\r\n"
        b"Connection: x-kept\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_interim_answers_leave_nothing_behind(interim: bytes) -> None:
    raw = interim + b"HTTP/1.1 200 OK\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok"
    assert answer_to(raw) == Answer(200, "OK", [("X-Kept", "1"), ("Content-Length", "2")], b"ok")


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 X\r\nA: b\r\n\r\n"]
)
def test_interim_answer_is_no_answer(interim: bytes) -> None:
    assert failure_of(interim) in ("response-head", "response-none")


def test_upgrade_nobody_asked_for_is_refused() -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    assert failure_of(head + b"\x81\x00") == "response-head"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize(
    "length", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"]
)
def test_answer_without_a_body_by_its_status(status: int, length: bytes) -> None:
    answer = answer_to(b"HTTP/1.1 %d X\r\nETag: x\r\n%b\r\n" % (status, length))
    assert (answer.status, answer.body) == (status, b"")
    kept = [("Content-Length", "5")] if b"Length" in length and status == 304 else []
    assert answer.fields == [("ETag", "x"), *kept]


@pytest.mark.parametrize(
    "length", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"]
)
def test_answer_to_head_has_no_body(length: bytes) -> None:
    answer = answer_to(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n", "HEAD")
    assert answer.body == b""
    assert answer.fields == ([("Content-Length", "5")] if b"Length" in length else [])


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_body_framed_in_each_way_arrives(method: str) -> None:
    for raw in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        CHUNKED + chunked(b"hel", b"lo"),
        CHUNKED + b"5;name=value\r\nhello\r\n0;last\r\n\r\n",
        CHUNKED + b"0" * 20 + b"5\r\nhello\r\n" + b"0" * 20 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    ):
        assert answer_to(raw, method).body == b"hello"


def test_compressed_body_stays_compressed() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\nnot gz"
    assert answer_to(raw).body == b"not gz"


def test_trailers_are_dropped() -> None:
    raw = CHUNKED + b"2\r\nok\r\n0\r\nX-Trailer: 1\r\nContent-Length: 99\r\nSet-Cookie: a\r\n\r\n"
    assert answer_to(raw) == Answer(200, "OK", [], b"ok")


@pytest.mark.parametrize(
    "lengths",
    [
        [b"5", b"6"],
        [b"5", b"5"],
        [b"5, 5"],
        [b"5,6"],
        [b"-1"],
        [b"+5"],
        [b"0x5"],
        [b"5 5"],
        [b"five"],
        [b""],
        [b"9223372036854775808"],
        [b"99999999999999999999999999"],
    ],
)
def test_length_with_two_readings_is_refused(lengths: list[bytes]) -> None:
    lines = b"".join(b"Content-Length: %b\r\n" % length for length in lengths)
    assert failure_of(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\nhello") == "response-head"


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: \r\n",
        b"Transfer-Encoding: xchunked\r\n",
    ],
)
def test_encoding_with_two_readings_is_refused(lines: bytes) -> None:
    assert (
        failure_of(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n" + chunked(b"hello")) == "response-head"
    )


def test_chunks_from_http_1_0_are_refused() -> None:
    raw = b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hello")
    assert failure_of(raw) == "response-head"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/3 200\r\n\r\n",
        b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/11 200 OK\r\n\r\n",
        b"HTTP/1.1\t200 OK\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 60 OK\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
        b"HTTP/1.1 +20 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 O\0K\r\n\r\n",
        b"http/1.1 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"<html>hello</html>",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"RTSP/1.0 200 OK\r\n\r\n",
        b"220 smtp ready\r\n",
    ],
)
def test_what_is_not_http_1_is_refused(raw: bytes) -> None:
    assert failure_of(raw) == "response-head"


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b": no name",
        b"A B: x",
        b"A : x",
        b"A\0: x",
        b"A: x\0y",
        b"A: x\ry",
        b"\xe9: x",
    ],
)
def test_malformed_field_is_refused(line: bytes) -> None:
    raw = b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n"
    assert failure_of(raw) == "response-head"


@pytest.mark.parametrize("line", [b"A: b\r\n folded: x", b"A: b \r\n \t folded: x"])
def test_folded_field_is_refused(line: bytes) -> None:
    """RFC 9112, 5.2."""
    raw = b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n"
    assert failure_of(raw) == "response-head"


def test_long_line_and_large_head_pass_below_the_limits() -> None:
    lines = b"".join(b"X-%d: %b\r\n" % (i, b"v" * 90_000) for i in range(3))
    answer = answer_to(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 0\r\n\r\n")
    assert [len(value) for _, value in answer.fields] == [90_000] * 3 + [1]


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"v" * 310_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 " + b"v" * 310_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n"
        + (b"X: " + b"v" * 1000 + b"\r\n") * 400
        + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\nX: y\r\n\r\n" * 20_000,
        b"v" * 500_000,
    ],
    ids=["line", "status-line", "head", "interim", "no-line"],
)
def test_head_without_measure_is_refused(raw: bytes) -> None:
    assert failure_of(raw) == "response-head"
