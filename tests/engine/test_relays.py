"""Exchange.relay(): once, after the head, and then the exchange is the engine's alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from samesite_proxy._engine import EngineError, Exchange
from tests.engine.exchanges import HOST, upstream_at
from tests.harness.scripted_upstream import Connection, scripted

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

CALLS: dict[str, Callable[[Exchange], object]] = {
    "head": lambda exchange: exchange.head(False),
    "read": lambda exchange: exchange.read(False),
    "send": lambda exchange: exchange.send(b"x"),
    "offer": lambda exchange: exchange.offer(b"x"),
    "end": lambda exchange: exchange.end(),
    "await_client": lambda exchange: exchange.await_client(),
}


class Events:
    """A script whose stream begins when it is told to, and goes on until its client leaves."""

    def __init__(self) -> None:
        self.may_begin = threading.Event()
        self.is_left = threading.Event()

    def __call__(self, connection: Connection) -> None:
        connection.receive_head()
        assert self.may_begin.wait(20)
        connection.send(HEAD + b"first")
        connection.receive_to_end()
        self.is_left.set()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def exchange(events: Events) -> Iterator[Exchange]:
    with scripted(events) as upstream:
        yield upstream_at(upstream.url).request("GET", "/", HOST)


def given(exchange: Exchange) -> socket.socket:
    """The client's end of a connection that the exchange is given."""
    ours, theirs = socket.socketpair()
    try:
        exchange.relay(ours.fileno(), HEAD, b"")
    except BaseException:
        ours.close()
        theirs.close()
        raise
    ours.detach()
    theirs.settimeout(20)
    return theirs


def receive(client: socket.socket, wanted: bytes) -> None:
    got = b""
    while len(got) < len(wanted):
        piece = client.recv(100)
        assert piece, got
        got += piece
    assert got == wanted


def test_second_client_is_refused_and_the_first_is_served(
    events: Events, exchange: Exchange
) -> None:
    events.may_begin.set()
    exchange.head()
    with given(exchange) as client:
        for _ in range(3):
            with pytest.raises(RuntimeError, match="relayed"):
                given(exchange)
        exchange.cancel()
        receive(client, HEAD + b"first")
    assert events.is_left.wait(20)


def test_client_before_the_head_is_refused_and_after_it_served(
    events: Events, exchange: Exchange
) -> None:
    with pytest.raises(RuntimeError, match="no head"):
        given(exchange)
    events.may_begin.set()
    exchange.head()
    with given(exchange) as client:
        receive(client, HEAD + b"first")


def test_what_is_no_connection_is_refused(events: Events, exchange: Exchange) -> None:
    events.may_begin.set()
    exchange.head()
    with pytest.raises(EngineError) as caught:
        exchange.relay(-1, HEAD, b"")
    assert caught.value.code == "system"
    assert events.is_left.wait(20)


@pytest.mark.parametrize("call", CALLS)
def test_relayed_exchange_is_nothing_to_read_or_send_by(
    events: Events, exchange: Exchange, call: str
) -> None:
    events.may_begin.set()
    exchange.head()
    with given(exchange) as client:
        with pytest.raises(RuntimeError, match="relayed"):
            CALLS[call](exchange)
        receive(client, HEAD + b"first")
