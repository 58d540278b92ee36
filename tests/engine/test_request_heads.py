"""What goes out is what was asked for, byte for byte."""

from __future__ import annotations

import pytest

from samesite_proxy._engine import CHUNKED, NO_BODY, TUNNEL, EngineError, Exchange
from tests.engine.exchanges import HOST, Fields, answer_of, ask, upstream_at
from tests.harness.scripted_upstream import answering, scripted

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH"]


def head_sent(method: str, target: str, fields: Fields, length: int = NO_BODY) -> bytes:
    """The bytes of one request's head, as the upstream saw them."""
    with scripted(answering(NO_CONTENT)) as upstream:
        answer_of(upstream_at(upstream.url).request(method, target, fields, length))
        return upstream.connections[0].received


def refused(method: str, target: str, fields: Fields, length: int = NO_BODY) -> bool:
    with pytest.raises(EngineError) as caught:
        upstream_at("http://127.0.0.1:1").request(method, target, fields, length)
    return caught.value.code == "request-invalid" and caught.value.status == 400


@pytest.mark.parametrize("method", METHODS)
def test_request_without_a_body_carries_nothing_invented(method: str) -> None:
    assert (
        head_sent(method, "/p", HOST)
        == f"{method} /p HTTP/1.1\r\nHost: site.example\r\n\r\n".encode()
    )


def test_request_without_fields_is_a_bare_line() -> None:
    assert head_sent("GET", "/", []) == b"GET / HTTP/1.1\r\n\r\n"


def test_fields_keep_order_duplicates_case_and_empty_values() -> None:
    fields = [
        ("Cookie", "a=1"),
        ("x-b", ""),
        ("Host", "other.example:8000"),
        ("X-B", "two"),
        ("Accept", "*/*"),
        ("x-b", "  spaced "),
        ("Cookie", "b=\xe9"),
        ("User-Agent", ""),
    ]
    expected = "".join(f"{name}: {value}\r\n" for name, value in fields)
    assert head_sent("GET", "/", fields) == f"GET / HTTP/1.1\r\n{expected}\r\n".encode("latin-1")


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Content-Type", "Range", "If-None-Match", "Accept-Encoding", "Referer"],
)
def test_any_field_may_stand_first(name: str) -> None:
    sent = head_sent("POST", "/", [(name, "value"), *HOST])
    assert sent == f"POST / HTTP/1.1\r\n{name}: value\r\nHost: site.example\r\n\r\n".encode()


def test_hop_by_hop_and_nominated_fields_end_here() -> None:
    dropped = [
        ("Connection", "close, X-Nominated, Host, cookie, x-forwarded-for"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic eA=="),
        ("TE", "trailers"),
        ("Trailer", "X"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AA"),
        ("Expect", "100-continue"),
        ("Content-Length", "5"),
        ("x-middleware-subrequest", "middleware"),
        ("x-nominated", "1"),
    ]
    kept = [*HOST, ("Cookie", "a=1"), ("X-Forwarded-For", "192.0.2.7")]
    expected = "".join(f"{name}: {value}\r\n" for name, value in kept)
    assert head_sent("GET", "/", dropped + kept) == f"GET / HTTP/1.1\r\n{expected}\r\n".encode()


def test_large_head_goes_out_whole() -> None:
    fields = [*HOST, *((f"X-{i}", "v" * 1000) for i in range(60))]
    expected = "".join(f"{name}: {value}\r\n" for name, value in fields)
    assert head_sent("GET", "/", fields) == f"GET / HTTP/1.1\r\n{expected}\r\n".encode()


@pytest.mark.parametrize(
    "target",
    [
        "*",
        "/../../etc/passwd",
        "/a/./b/../c",
        "//host/path",
        "/a//b",
        "/%2f%2F%00%zz",
        "/caf\xc3\xa9?q=\xff",
        "/#fragment?x",
        "/?",
        "/a?b?c#d",
        '/{}|\\^`"<>[]',
        "/" + "long" * 10000,
    ],
)
def test_target_crosses_byte_for_byte(target: str) -> None:
    sent = head_sent("GET", target, HOST)
    assert sent == f"GET {target} HTTP/1.1\r\nHost: site.example\r\n\r\n".encode("latin-1")


@pytest.mark.parametrize(
    "bad", ["", "no-slash", "http://x/", "/a b", "/\t", "/a\r\nX: y", "/a\n", "/\0", "/\x7f"]
)
def test_target_that_could_be_read_two_ways_is_refused(bad: str) -> None:
    assert refused("GET", bad, HOST)


@pytest.mark.parametrize(
    "bad", ["", "GE T", "GET\r\nX: y", "GET\n", "G\0T", "GET:", "(GET)", "G\xe9T"]
)
def test_method_that_is_no_token_is_refused(bad: str) -> None:
    assert refused(bad, "/", HOST)


@pytest.mark.parametrize(
    "field",
    [
        ("", "x"),
        ("X Y", "x"),
        ("X:", "x"),
        ("X\r\nY", "x"),
        ("X\n", "x"),
        ("X\0", "x"),
        ("X\xe9", "x"),
        ("X", "a\r\nY: b"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "a\0b"),
        ("X", "\r"),
    ],
)
def test_field_with_a_line_end_or_nul_is_refused(field: tuple[str, str]) -> None:
    assert refused("GET", "/", [*HOST, field])
    assert refused("GET", "/", [field, *HOST])


@pytest.mark.parametrize("length", [NO_BODY, CHUNKED, TUNNEL])
def test_head_over_the_ceiling_is_not_sent(length: int) -> None:
    at = upstream_at("http://127.0.0.1:1")
    for target, fields in (
        ("/", [("X", "x" * 65_536)]),
        ("/" * 65_536, []),
        ("/", [HOST[0]] * 1001),
    ):
        with pytest.raises(EngineError) as caught:
            at.request("POST", target, fields, length)
        assert (caught.value.code, caught.value.status) == ("request-long", 431)


def test_text_outside_latin1_is_no_bytes() -> None:
    upstream = upstream_at("http://127.0.0.1:1")
    for target, fields in (("/\u20ac", HOST), ("/", [("X", "\u20ac")]), ("/", [("\u20ac", "x")])):
        with pytest.raises(UnicodeEncodeError):
            upstream.request("GET", target, fields)


def test_argument_of_another_type_is_refused() -> None:
    upstream = upstream_at("http://127.0.0.1:1")
    for fields in ((), [("X",)], [["X", "y"]], [("X", b"y")], [("X", "y", "z")], [None]):
        with pytest.raises(TypeError):
            upstream.request("GET", "/", fields)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Exchange()


@pytest.mark.parametrize("length", [4, CHUNKED])
def test_head_request_with_a_body_is_refused(length: int) -> None:
    assert refused("HEAD", "/", HOST, length)


def test_unknown_body_length_is_refused() -> None:
    assert refused("POST", "/", HOST, -4)


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE", "OPTIONS"])
def test_empty_body_differs_from_none(method: str) -> None:
    sent = head_sent(method, "/", HOST, 0)
    assert (
        sent == f"{method} / HTTP/1.1\r\nHost: site.example\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert (
        head_sent(method, "/", [], 0)
        == f"{method} / HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode()
    )


def test_methods_on_one_connection_leave_nothing_behind() -> None:
    """Which serves them all."""
    with scripted(answering(NO_CONTENT)) as upstream:
        at = upstream_at(upstream.url)
        for method in METHODS * 2:
            ask(at, method)
        sent = b"".join(
            f"{m} / HTTP/1.1\r\nHost: site.example\r\n\r\n".encode() for m in METHODS * 2
        )
        assert [connection.received for connection in upstream.connections] == [sent]


def test_answers_of_one_exchange_never_reach_another() -> None:
    def script(connection):  # type: ignore[no-untyped-def]
        while True:
            head = connection.receive_head().split(b"\r\n\r\n")[-2]
            target = head.split(b" ")[1]
            connection.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target)
            )

    with scripted(script) as upstream:
        at = upstream_at(upstream.url)
        for _ in range(20):
            exchanges = {f"/{i}": at.request("GET", f"/{i}", HOST) for i in range(20)}
            for target, exchange in exchanges.items():
                assert answer_of(exchange).body == target.encode()
