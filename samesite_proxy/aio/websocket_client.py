"""The browser's side of one WebSocket under ASGI."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus

from samesite_proxy._engine import EngineError
from samesite_proxy.aio.scope import accepted_in
from samesite_proxy.aio.tasks import ended
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import where_now
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.error_page import form_for, told
from samesite_proxy.proxy.errors import Failure, Refused
from samesite_proxy.proxy.failures import failure_of, log_failure
from samesite_proxy.proxy.incoming import value_of
from samesite_proxy.types import Event, Fields, Receive, Scope, Send

# Each server's own half of the handshake, and what it writes into every answer's head itself.
SERVERS_OWN = frozenset(
    {"sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions", "upgrade"}
    | {"connection", "content-length", "date", "server", "transfer-encoding"}
)
KNOWN_STATUSES = frozenset(map(int, HTTPStatus))
NO_CODE = 1005  # RFC 6455, 7.4.1
VANISHED = 1011

# What is taken off the server ahead of a frontend that does not read: an end is heard behind it.
AHEAD = 64 * 1024
EVENT_COST = 1024
# A browser that takes nothing of an event for so long is given up; s.
BROWSER_PATIENCE = 60.0
LAST_PATIENCE = 1.0


def encoded(fields: Fields) -> list[tuple[bytes, bytes]]:
    """As ASGI wants them: lower case, bytes."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def _cost(event: Event) -> int:
    return EVENT_COST + len(event.get("bytes") or event.get("text") or "")


def _for_server(fields: Fields) -> list[tuple[bytes, bytes]]:
    """What of the frontend's head goes into the server's."""
    return encoded([field for field in fields if field[0].lower() not in SERVERS_OWN])


@dataclass(frozen=True)
class Closing:
    """How a WebSocket was closed."""

    code: int
    reason: str = ""


class Browser:
    """The browser's side of one WebSocket."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings) -> None:
        self._settings = settings
        _, port = scope.get("server") or ("", "")
        self._own_port = str(port)
        self._form = form_for("GET", accepted_in(scope))  # by which it asks, over HTTP/2 too
        self.name = f"WebSocket {scope['path']}"
        self._send = send
        self._receive = receive
        self._can_refuse = "websocket.http.response" in (scope.get("extensions") or {})
        self._patience = BROWSER_PATIENCE
        self._said: deque[Event] = deque()
        self._held = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    async def arrive(self) -> None:
        """The server announces the WebSocket; what comes next is listened for from now on."""
        await self._receive()  # websocket.connect
        self.left = asyncio.ensure_future(self._listen())
        self.left.add_done_callback(lambda _: self._news.set())

    async def _listen(self) -> Event:
        """The browser's end, which is heard behind messages that nobody has asked for yet."""
        while (event := await self._receive())["type"] == "websocket.receive":
            self._said.append(event)
            self._held += _cost(event)
            self._news.set()
            while self._held > AHEAD:
                self._room.clear()
                await self._room.wait()
        return event

    async def receive(self) -> Event:
        """The next event. Before an acceptance it can only be the end."""
        while not self._said:
            if self.left.done():
                return self.left.result()
            self._news.clear()
            await self._news.wait()
        event = self._said.popleft()
        self._held -= _cost(event)
        self._room.set()
        return event

    async def leave(self) -> None:
        """Nothing is listened for any more: granian closes only once nobody waits for an event."""
        await ended(self.left)

    async def send(self, event: Event) -> None:
        """TimeoutError where the browser takes nothing; it is not waited for as long again."""
        try:
            async with asyncio.timeout(self._patience):
                await self._send(event)
        except TimeoutError:
            self._patience = LAST_PATIENCE
            raise

    async def accept(self, fields: Fields) -> None:
        subprotocol = value_of(fields, "sec-websocket-protocol")
        headers = _for_server(fields)
        event = {"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers}
        await self.send(event)

    async def refuse(self, status: int, fields: Fields, body: bytes) -> None:
        """With status and body; a plain 403 where the server has no other. Refused where it knows
        others, but not this one."""
        headers = [*_for_server(fields), (b"content-length", str(len(body)).encode())]
        kind = "websocket.http.response"
        events: list[Event] = [{"type": "websocket.close"}]
        if self._can_refuse:
            events = [
                {"type": f"{kind}.start", "status": status, "headers": headers},
                {"type": f"{kind}.body", "body": body, "more_body": False},
            ]
        try:
            for event in events:
                await self.send(event)
        except OSError:  # The browser has left.
            pass
        except (RuntimeError, ValueError) as error:  # granian's for that is a RuntimeError, too.
            if status not in KNOWN_STATUSES:
                raise Refused(errors.STATUS_UNKNOWN) from error

    async def close(self, closing: Closing) -> None:
        plain = {"type": "websocket.close"}
        if closing.code == NO_CODE:
            await self.send(plain)
            return
        try:
            await self.send({**plain, "code": int(closing.code), "reason": closing.reason})
        except OSError:
            raise
        except Exception:  # daphne's library lets a server say 1000 and 3000 to 4999 only.
            await self.send(plain)

    async def fail(self, failure: Failure, frontend: Frontend) -> None:
        """As for any other request; where the server says 403 only the log says why."""
        log_failure(self.name, failure, frontend)
        await self.refuse(failure.status, *told(failure, frontend, self._form, self._settings))

    async def fail_by(
        self, error: Refused | EngineError | UnicodeEncodeError, frontend: Frontend
    ) -> None:
        frontend = where_now(frontend)
        failure = failure_of(error, frontend, self._settings, self._own_port)
        await self.fail(failure, frontend)
