"""The frontend's answer on its way to a client under ASGI."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from samesite_proxy._engine import EngineError
from samesite_proxy.aio.client import Client
from samesite_proxy.aio.exchange import AsyncExchange
from samesite_proxy.aio.forwarder import sendable
from samesite_proxy.aio.websocket_client import encoded
from samesite_proxy.proxy.failures import log_broken
from samesite_proxy.types import Event, Fields, Send

BODY = {"type": "http.response.body"}


class Answer:
    """The frontend's answer on its way to a client."""

    def __init__(self, exchange: AsyncExchange, client: Client, name: str) -> None:
        self._exchange = exchange
        self._client = client
        self._name = name

    async def _body(self) -> None:
        async for piece in self._exchange:  # Some servers send the head with the first.
            # A small answer is one event, and one write.
            is_last = bool(piece) and self._exchange.is_whole()
            await self._client.send({**BODY, "body": piece, "more_body": not is_last})
            if is_last:
                return
        await self._client.send({**BODY, "body": b"", "more_body": False})

    async def relay(self, relocated: Callable[[Fields], Fields]) -> None:
        """Where the client has left, nothing more is said."""
        send = self._client.send
        try:
            status, _, fields = await self._exchange.head()
        except EngineError:
            if self._client.has_left:
                return
            raise
        headers = [
            (key.encode("latin-1"), value.encode("latin-1"))
            for key, value in sendable(status, relocated(fields))
        ]
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await self._body()
        except EngineError as error:
            # Returning without the answer's end makes the server break the connection.
            log_broken(self._name, error)
        except OSError:
            pass  # What servers raise once the client has left.


def ending(send: Send) -> Send:
    """`send`, whose answer is the connection's last."""

    async def send_last(event: Event) -> None:
        if event["type"] == "http.response.start":
            event = {**event, "headers": [*event["headers"], (b"connection", b"close")]}
        await send(event)

    return send_last


async def say(send: Send, status: int, fields: Fields, text: bytes) -> None:
    """What the client is told instead of an answer."""
    with contextlib.suppress(OSError):  # The client has left.
        headers = encoded(fields)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({**BODY, "body": text, "more_body": False})
