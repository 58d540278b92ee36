"""The browser's side of one WebSocket under ASGI."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from samesite_proxy.conf import Frontend
from samesite_proxy.failure_page import told
from samesite_proxy.failures import Failure
from samesite_proxy.responses import log_failure

Fields = list[tuple[str, str]]
Scope = dict[str, Any]
Event = dict[str, Any]

ANSWER_FIELDS = frozenset(
    {"sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions", "upgrade"}
)
NO_CODE = 1005  # RFC 6455, 7.4.1


def value_of(fields: Fields, name: str) -> str | None:
    return next((value for key, value in fields if key.lower() == name), None)


def encoded(fields: Fields) -> list[tuple[bytes, bytes]]:
    """As ASGI wants them: lower case, bytes."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields]


@dataclass(frozen=True)
class Closing:
    """How a WebSocket was closed."""

    code: int
    reason: str = ""


class Browser:
    """The browser's side of one WebSocket."""

    def __init__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[Event]],
        send: Callable[[Event], Awaitable[None]],
    ) -> None:
        self.name = f"WebSocket {scope['path']}"
        self.send = send
        self._receive = receive
        self._can_refuse = "websocket.http.response" in (scope.get("extensions") or {})
        # Of the servers only daphne states no version of the specification, and only it waits on.
        self._is_ended_by_return = "spec_version" in scope.get("asgi", {})
        self._next: asyncio.Future[Event] | None = None

    async def arrive(self) -> None:
        """The server announces the WebSocket; what comes next is listened for from now on."""
        await self._receive()  # websocket.connect
        self._next = asyncio.ensure_future(self._receive())

    async def receive(self) -> Event:
        """The next event, of which the one before an acceptance can only be the end."""
        event = await (self._next or self._receive())
        self._next = None
        return event

    async def until_gone(self) -> None:
        """Before it is accepted."""
        if self._next is not None:
            await asyncio.wait([self._next])

    def leave(self) -> None:
        if self._next is not None:
            self._next.cancel()

    async def accept(self, fields: Fields) -> None:
        extra = [field for field in fields if field[0].lower() not in ANSWER_FIELDS]
        subprotocol = value_of(fields, "sec-websocket-protocol")
        event = {"type": "websocket.accept", "subprotocol": subprotocol, "headers": encoded(extra)}
        await self.send(event)

    async def refuse(self, status: int, fields: Fields, body: bytes) -> None:
        """With status and body where the server can say them; else a plain 403."""
        kept = [field for field in fields if field[0].lower() not in ("content-length", "upgrade")]
        headers = [*encoded(kept), (b"content-length", str(len(body)).encode())]
        kind = "websocket.http.response"
        events: list[Event] = [{"type": "websocket.close"}]
        if self._can_refuse:
            events = [
                {"type": f"{kind}.start", "status": status, "headers": headers},
                {"type": f"{kind}.body", "body": body, "more_body": False},
            ]
        # What servers, granian among them, raise once the browser has left.
        with contextlib.suppress(OSError, RuntimeError):
            for event in events:
                await self.send(event)

    async def close(self, closing: Closing | None) -> None:
        """As the frontend did. Where that vanished, returning makes most servers break it off."""
        if closing is None and self._is_ended_by_return:
            return
        plain = {"type": "websocket.close"}
        if closing is None or closing.code == NO_CODE:
            await self.send(plain)
            return
        try:
            await self.send({**plain, "code": int(closing.code), "reason": closing.reason})
        except OSError:
            raise
        except Exception:  # daphne's library lets a server say 1000 and 3000 to 4999 only.
            await self.send(plain)

    async def fail(self, failure: Failure, frontend: Frontend) -> None:
        """One line of text, as for any other request."""
        log_failure(self.name, failure, frontend)
        await self.refuse(failure.status, *told(failure, frontend, as_page=False))
