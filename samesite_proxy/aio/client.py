"""A client's end of one request under ASGI."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from samesite_proxy.aio.exchange import AsyncExchange
from samesite_proxy.aio.tasks import ended
from samesite_proxy.types import Event, Receive, Send

# How long a client that leaves may go unnoticed.
SECONDS_UNNOTICED = 0.1

# How long an upload is read on after an answer that came before its end; s.
LINGER = 2.0

_lingering: set[asyncio.Task[None]] = set()


class Client:
    """A client's end of one request under ASGI: its body, and whether it is still there."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self.send = send
        self._first: Event | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._listening: asyncio.Task[None] | None = None
        self._exchange: AsyncExchange | None = None
        self.has_left = False
        self._is_uploading = False

    async def has_body(self) -> bool:
        """Whether a body comes that no field announces, as HTTP/2 allows."""
        self._first = await self._receive()
        return bool(self._first.get("body") or self._first.get("more_body"))

    async def _next(self) -> Event:
        event, self._first = self._first, None
        return event or await self._receive()

    async def _pieces(self) -> AsyncGenerator[bytes]:
        """The body. ConnectionResetError where the client leaves in the middle."""
        self._is_uploading = True
        while self._is_uploading:
            event = await self._next()
            if event["type"] == "http.disconnect":
                raise ConnectionResetError("the client has left")
            self._is_uploading = event.get("more_body", False)
            yield event.get("body", b"")

    async def _until_gone(self, exchange: AsyncExchange, has_body: bool) -> None:
        """Sends the body, and then waits for the client to leave."""
        with contextlib.suppress(ConnectionResetError):
            if has_body:
                await exchange.upload(self._pieces())
            while (await self._next())["type"] != "http.disconnect":
                pass

    async def _listen(self, exchange: AsyncExchange, has_body: bool) -> None:
        try:
            await self._until_gone(exchange, has_body)
        finally:
            self.has_left = True
            if self._exchange is not None:
                self._exchange.cancel()

    def _begin(self, exchange: AsyncExchange, has_body: bool) -> None:
        self._listening = asyncio.ensure_future(self._listen(exchange, has_body))

    def attend(self, exchange: AsyncExchange, *, has_body: bool) -> None:
        """Ends the exchange when the client leaves, and sends it the body. The next exchange, of a
        request without one, takes the first one's place.
        """
        is_second, self._exchange = self._exchange is not None, exchange
        if is_second:
            return
        if has_body:
            self._begin(exchange, has_body)
        else:  # Most answers are there before a task is worth its cost.
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SECONDS_UNNOTICED, self._begin, exchange, has_body)

    async def let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._listening is not None:
            await ended(self._listening)
            if self._is_uploading:
                _lingering.add(task := asyncio.ensure_future(self._linger()))
                task.add_done_callback(_lingering.discard)

    async def _linger(self) -> None:
        """Reads on in a body whose rest nobody wants. Hypercorn's queue, once full of it, holds
        back the request's own end, and gunicorn's reader the client."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER) as limit:
                while (await self._receive())["type"] != "http.disconnect":
                    if limit.expired():  # Which receive() has taken for itself; see ended().
                        return
