"""Waiting where gevent has patched select: its hub goes on with other greenlets meanwhile."""

from __future__ import annotations

import select
import sys

from samesite_proxy._engine import EngineError, Notifier, Upstream, is_gone
from samesite_proxy.sync.exchange import NO_SOCKET, Exchange
from samesite_proxy.types import Fields

SLICE = 0.25  # seconds between looks at the client's socket


class ClientGone(EngineError):
    """As the engine would say it."""

    code = "client-gone"
    status = 499


class GreenletExchange:
    """An Exchange whose waits are gevent's."""

    def __init__(
        self, upstream: Upstream, method: str, target: str, fields: Fields, length: int, client: int
    ) -> None:
        self._notifier = Notifier()
        self._client = client
        self._exchange = upstream.request(method, target, fields, length, client, self._notifier)
        self._notifier.begin()
        self.end = self._exchange.end
        self.cancel = self._exchange.cancel
        self.relay = self._exchange.relay

    @property
    def row(self) -> int:
        return self._exchange.row

    def _wait(self) -> None:
        """Until there is news, or for a slice: another greenlet may have answered the notifier."""
        if select.select([self._notifier], [], [], SLICE)[0]:
            self._notifier.answer()
        elif self._client != NO_SOCKET and is_gone(self._client):
            raise ClientGone("the client has left")

    def send(self, data: bytes) -> bool:
        rest = memoryview(data)
        while rest:
            sent = self._exchange.offer(rest)
            if sent < 0:
                return False
            if sent == 0:
                self._wait()
            rest = rest[sent:]
        return True

    def await_client(self) -> int:
        while self._exchange.offer(b"") >= 0:
            if select.select([self._client], [], [], SLICE)[0]:
                return self._exchange.await_client()
        return -1

    def head(self) -> tuple[int, str, Fields]:
        while (head := self._exchange.head(False)) is None:
            self._wait()
        return head

    def read(self, wait: bool = True) -> bytes | None:
        while (piece := self._exchange.read(False)) is None and wait:
            self._wait()
        return piece


def is_patched() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("select"))


def start_exchange(
    upstream: Upstream, method: str, target: str, fields: Fields, length: int, client: int
) -> Exchange:
    """An exchange for the calling thread, or for a greenlet."""
    if is_patched():
        return GreenletExchange(upstream, method, target, fields, length, client)
    return upstream.request(method, target, fields, length, client)
