"""An answer that breaks off is never taken for a whole one, wherever it is cut."""

from __future__ import annotations

import pytest

from samesite_proxy._engine import EngineError, Upstream
from tests.engine.exchanges import HOST, body_of, pieces_of, upstream_at
from tests.harness.scripted_upstream import Connection, Script, scripted

HEAD = b"HTTP/1.1 200 OK\r\nDate: today\r\n"
CONTENT_LENGTH = HEAD + b"Content-Length: 10\r\n\r\n0123456789"
CHUNKED = (
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6;x=y\r\n456789\r\n0\r\nX: y\r\n\r\n"
)
CLOSE_DELIMITED = HEAD + b"\r\n0123456789"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + CONTENT_LENGTH


def cut_at(raw: bytes, position: int, reset: bool) -> Script:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(raw[:position])
        if reset:
            connection.reset()

    return script


def is_whole(upstream: Upstream, method: str) -> bool:
    """Whether the answer came to an end; what came before a break is a part of it."""
    exchange = upstream.request(method, "/", HOST)
    body = b""
    failure = None
    try:
        exchange.head()
        for piece in pieces_of(exchange):
            body += piece
    except EngineError as error:
        failure = error
    assert b"0123456789".startswith(body)
    if failure is None:
        assert body == b"0123456789"
        return True
    assert failure.code in ("response-none", "response-head", "response-upstream")
    assert failure.status == 502
    return False


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize(
    "raw", [CONTENT_LENGTH, CHUNKED, INTERIM], ids=["length", "chunked", "interim"]
)
def test_answer_cut_at_every_byte_is_broken(raw: bytes, reset: bool, method: str) -> None:
    with scripted(cut_at(raw, 0, reset)) as upstream:
        at = upstream_at(upstream.url)
        for position in range(len(raw)):
            upstream.script = cut_at(raw, position, reset)
            assert not is_whole(at, method), f"cut at {position}"
        upstream.script = cut_at(raw, len(raw), False)
        assert is_whole(at, method)


def test_close_delimited_answer_is_broken_by_a_reset_at_every_byte() -> None:
    with scripted(cut_at(CLOSE_DELIMITED, 0, True)) as upstream:
        at = upstream_at(upstream.url)
        for position in range(len(CLOSE_DELIMITED) + 1):
            upstream.script = cut_at(CLOSE_DELIMITED, position, True)
            assert not is_whole(at, "GET"), f"cut at {position}"


def test_close_delimited_answer_cut_in_its_head_is_broken() -> None:
    with scripted(cut_at(CLOSE_DELIMITED, 0, False)) as upstream:
        at = upstream_at(upstream.url)
        for position in range(CLOSE_DELIMITED.index(b"\r\n\r\n") + 4):
            upstream.script = cut_at(CLOSE_DELIMITED, position, False)
            assert not is_whole(at, "GET"), f"cut at {position}"
        upstream.script = cut_at(CLOSE_DELIMITED, len(CLOSE_DELIMITED), False)
        assert is_whole(at, "GET")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_head_of_a_bodiless_answer_cut_at_every_byte_is_broken(status: bytes) -> None:
    raw = b"HTTP/1.1 " + status + b"\r\nDate: today\r\n\r\n"
    with scripted(cut_at(raw, 0, False)) as upstream:
        at = upstream_at(upstream.url)
        for position in range(len(raw)):
            upstream.script = cut_at(raw, position, False)
            with pytest.raises(EngineError):
                at.request("GET", "/", HOST).head()


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello",
        b"5\r\nhelloXX0\r\n\r\n",
        b"\r\n\r\n",
        b"fffffffffffffffff\r\nx",
    ],
)
def test_malformed_chunk_breaks_the_answer(body: bytes) -> None:
    raw = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body
    with scripted(cut_at(raw, len(raw), False)) as upstream:
        exchange = upstream_at(upstream.url).request("GET", "/", HOST)
        exchange.head()
        with pytest.raises(EngineError) as caught:
            body_of(exchange)
        assert caught.value.code == "response-upstream"


def test_large_answer_broken_off_gives_its_beginning_first() -> None:
    raw = HEAD + b"Content-Length: 5000000\r\n\r\n" + b"x" * 4_999_999
    with scripted(cut_at(raw, len(raw), False)) as upstream:
        exchange = upstream_at(upstream.url).request("GET", "/", HOST)
        exchange.head()
        lengths: list[int] = []
        with pytest.raises(EngineError) as caught:
            lengths.extend(map(len, pieces_of(exchange)))
        assert (sum(lengths), caught.value.code) == (4_999_999, "response-upstream")
