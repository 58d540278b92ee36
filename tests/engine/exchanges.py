"""What the engine's tests share: upstreams on loopback, and whole exchanges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from samesite_proxy._engine import EngineError, Exchange, Upstream
from tests.harness.scripted_upstream import Connection, scripted

Fields = list[tuple[str, str]]

HOST: Fields = [("Host", "site.example")]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def upstream_at(
    url: str,
    *,
    unix_socket: str | None = None,
    ca_file: str | None = None,
    ca_path: str | None = None,
    verify: bool = True,
    timeouts: tuple[float, float, float] = (10, 10, 10),
    max_connections: int = 64,
    is_development: bool = False,
    is_started: bool = False,
) -> Upstream:
    address = url + "/", unix_socket, ca_file, verify, timeouts, max_connections, None
    return Upstream(*address, is_development, ca_path, is_started)


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    fields: Fields
    body: bytes


def stay(connection: Connection) -> None:
    """A script that never answers, and reads what comes."""
    connection.receive_to_end()


def pieces_of(exchange: Exchange) -> Iterator[bytes]:
    while piece := exchange.read():
        yield piece


def body_of(exchange: Exchange) -> bytes:
    return b"".join(pieces_of(exchange))


def answer_of(exchange: Exchange) -> Answer:
    status, reason, fields = exchange.head()
    return Answer(status, reason, fields, body_of(exchange))


def ask(upstream: Upstream, method: str = "GET", target: str = "/") -> Answer:
    """A request without a body and its whole answer."""
    return answer_of(upstream.request(method, target, HOST))


def post(upstream: Upstream, body: bytes = b"data", method: str = "POST") -> Answer:
    """A request with a body of a known length and its whole answer."""
    exchange = upstream.request(method, "/", HOST, len(body))
    if exchange.send(body):
        exchange.end()
    return answer_of(exchange)


def code_of_head(exchange: Exchange) -> str:
    """How the exchange failed before its head was there."""
    with pytest.raises(EngineError) as caught:
        exchange.head()
    return caught.value.code


def code_of_body(exchange: Exchange) -> str:
    """How the exchange failed after its head."""
    exchange.head()
    with pytest.raises(EngineError) as caught:
        body_of(exchange)
    return caught.value.code


def let_time_pass(seconds: float = 0.4) -> None:
    """At least so much, by the engine's own clock: until an answer that never comes is late."""
    with scripted(stay) as upstream:
        late = upstream_at(upstream.url, timeouts=(10, seconds, 10)).request("GET", "/", HOST)
        assert code_of_head(late) == "response-timeout"
