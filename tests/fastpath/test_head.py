"""A head that the listener has read is for Django what http.server makes of it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.servers.basehttp import WSGIRequestHandler

from samesite_proxy.fastpath import head
from tests.fastpath.commands import Runserver
from tests.harness.raw_client import RawClient

LINE = b"GET /a%20b//c?d=%41&e HTTP/1.1"
IN_VALUES = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])
IN_NAMES = b"!#$%&'*+-.^_`|~09AZaz"

PLAIN: dict[str, list[bytes]] = {
    "no field": [LINE],
    "an older version": [b"GET / HTTP/1.0", b"Host: a"],
    "slashes": [b"GET ///a//b HTTP/1.1", b"Host: a"],
    "a question mark": [b"GET //?//a?b HTTP/1.1", b"Host: a"],
    "a star": [b"OPTIONS * HTTP/1.1", b"Host: a"],
    "another method": [b"SEARCH-x /%C3%A9 HTTP/1.1", b"Host: a"],
    "bytes of a path": [b"GET /\xe9\x80 HTTP/1.1", b"Host: a"],
    "bytes at the ends": [LINE, b"X-A:" + IN_VALUES, b"X-B:" + IN_VALUES[::-1], b"X-C:\xa0 \x85"],
    "other white space": [LINE, b"X-A: \x85a\x85b\xa0", b"X-B: a\x85X-C: b"],
    "names": [LINE, IN_NAMES + b": a", b"From: a", b"a:", b"B::"],
    "blanks": [LINE, b"Host:a", b"X-A: \t a \t ", b"X-B:", b"X-C: \t ", b"X-D:: a : b"],
    "repeated": [LINE, b"X-A: 1", b"x-a: 2", b"Cookie: a=1", b"X_A: 3", b"cookie: b=2", b"X-A: 4"],
    "a form": [LINE, b"Content-Type: multipart/form-data; boundary=x", b"Content-Length: 5"],
    "two types": [LINE, b"content-type: a/b", b"Content-Type: message/rfc822", b"Content-Length: "],
    "a message": [LINE, b"Content-Type: message/rfc822"],
    "chunks": [LINE, b"Transfer-Encoding: chunked"],
    "the most fields": [LINE, *(b"X-%d: a" % number for number in range(99))],
    **{
        f"{version} {option}": [
            b"GET / HTTP/" + version.encode(),
            b"connection: " + option.encode(),
        ]
        for version in ("1.0", "1.1")
        for option in (
            "close",
            "Close",
            "keep-alive",
            "Keep-Alive",
            "a, close",
            "upgrade",
            "close ",
        )
    },
}

ODD: dict[str, list[bytes]] = {
    "four words": [b"GET /a\xa0b HTTP/1.1", b"Host: a"],
    "another version": [b"GET / HTTP/2.0", b"Host: a"],
    "no version": [b"GET /"],
    "what waits": [LINE, b"expect: 100-continue"],
    "too many fields": [LINE, *(b"X-%d: a" % number for number in range(100))],
}


class Handler(WSGIRequestHandler):
    """Django's, between requests."""

    def __init__(self, block: bytes) -> None:
        self.rfile, self.wfile = io.BytesIO(block), io.BytesIO()
        self.client_address = ("127.0.0.1", 1)
        self.server: Any = type("Server", (), {"base_environ": {"SERVER_NAME": "localhost"}})
        self.raw_requestline = self.rfile.readline()

    def known(self) -> tuple[Any, ...]:
        line = self.requestline, self.command, self.path, self.request_version
        fields = type(self.headers), self.headers.items()
        return (*line, self.close_connection, fields, self.get_environ())


def joined(lines: list[bytes]) -> bytes:
    return b"\r\n".join([*lines, b"", b""])


@pytest.mark.parametrize("lines", PLAIN.values(), ids=PLAIN)
def test_head_is_read_as_http_server_reads_it(lines: list[bytes]) -> None:
    theirs, ours = Handler(joined(lines)), Handler(joined(lines))
    assert theirs.parse_request()
    assert head.read(ours, joined(lines))
    assert ours.known() == theirs.known()


@pytest.mark.parametrize("lines", ODD.values(), ids=ODD)
def test_head_that_http_server_answers_itself_is_left_to_it(lines: list[bytes]) -> None:
    handler = Handler(joined(lines))
    assert not head.read(handler, joined(lines))
    assert vars(handler).keys() == vars(Handler(b"")).keys()


@pytest.mark.parametrize(("fields", "status"), [(98, 200), (99, 431)])
def test_number_of_fields_is_limited_as_django_has_it(
    server: Runserver, fields: int, status: int
) -> None:
    lines = [b"GET /api/hello/ HTTP/1.1", b"Host: localhost"]
    with RawClient(server.port) as client:
        client.send(joined([*lines, *(b"X-%d: a" % number for number in range(fields))]))
        assert client.read_answer().status == status
