"""A browser's WebSocket under ASGI: it is connected to the frontend first, and then accepted."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence

from samesite_proxy._engine import EngineError
from samesite_proxy.aio.exchange import AsyncExchange
from samesite_proxy.aio.websocket_client import Browser
from samesite_proxy.conf import Frontend
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.failures import NoAnswer, note_answer
from samesite_proxy.proxy.incoming import SWITCHING_PROTOCOLS
from samesite_proxy.types import Fields

# RFC 6455, 1.3.
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
OWN_FIELDS = frozenset(
    {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "upgrade"}
)
# A refusal's body goes out in one event: granian takes no second one.
REFUSAL_CEILING = 1024 * 1024
# A body that does not end, such as an event stream's, is not waited for; s.
REFUSAL_PATIENCE = 1.0


def _values(fields: Fields, name: str) -> list[str]:
    return [value for key, value in fields if key.lower() == name]


class Handshake:
    """Our own half of RFC 6455, 4.1 towards the frontend; extensions are not offered."""

    def __init__(self, subprotocols: Sequence[str]) -> None:
        self._key = base64.b64encode(os.urandom(16)).decode()
        self._subprotocols = subprotocols
        self._offered: set[str] = set()

    def fields(self, received: Fields) -> Fields:
        kept = [field for field in received if field[0].lower() not in OWN_FIELDS]
        if self._subprotocols and not _values(kept, "sec-websocket-protocol"):
            # uvicorn's wsproto takes the field out.
            kept.append(("Sec-WebSocket-Protocol", ", ".join(self._subprotocols)))
        for value in _values(kept, "sec-websocket-protocol"):
            self._offered.update(token.strip() for token in value.split(","))
        return [
            *kept,
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", self._key),
        ]

    def is_accepted_by(self, fields: Fields) -> bool:
        digest = hashlib.sha1(self._key.encode() + ACCEPT_GUID, usedforsecurity=False).digest()
        chosen = _values(fields, "sec-websocket-protocol")
        return (
            _values(fields, "sec-websocket-accept") == [base64.b64encode(digest).decode()]
            and [value.lower() for value in _values(fields, "upgrade")] == ["websocket"]
            and not any(_values(fields, "sec-websocket-extensions"))
            and len(chosen) <= 1
            and self._offered.issuperset(chosen)
        )


async def _head_for(browser: Browser, exchange: AsyncExchange) -> tuple[int, str, Fields] | None:
    """The head of the frontend's answer; None if the browser has left before."""
    head = asyncio.ensure_future(exchange.head())
    try:
        await asyncio.wait([head, browser.left], return_when=asyncio.FIRST_COMPLETED)
        return head.result() if head.done() else None
    finally:
        head.cancel()


async def _body_of(exchange: AsyncExchange) -> bytes:
    """As much of a refusal's body as fits into one event, and comes soon."""
    body = b""
    with contextlib.suppress(EngineError, TimeoutError):  # The status is what counts.
        async with asyncio.timeout(REFUSAL_PATIENCE):
            while len(body) < REFUSAL_CEILING and (piece := await exchange.read()):
                body += piece
    return body[:REFUSAL_CEILING]


async def _accept(
    browser: Browser,
    frontend: Frontend,
    exchange: AsyncExchange,
    handshake: Handshake,
    relocated: Callable[[Fields], Fields],
) -> bool:
    """Accepted, or refused as the frontend does."""
    head = await _head_for(browser, exchange)
    if head is None:
        return False
    status, _, fields = head
    note_answer(frontend)
    if status != SWITCHING_PROTOCOLS:
        await browser.refuse(status, relocated(fields), await _body_of(exchange))
    elif not handshake.is_accepted_by(fields):
        await browser.fail(errors.HANDSHAKE_WRONG, frontend)
    else:
        await browser.accept(fields)
        return True
    return False


async def forward(
    browser: Browser,
    frontend: Frontend,
    start: Callable[[], tuple[AsyncExchange, Handshake]],
    relocated: Callable[[Fields], Fields],
) -> None:
    """Forwards one WebSocket, whose exchange with the frontend `start` begins."""
    await browser.arrive()
    try:
        from samesite_proxy.aio.websocket_relay import Relay  # websockets is an optional extra.

        exchange, handshake = start()
        async with exchange:
            if await _accept(browser, frontend, exchange, handshake, relocated):
                await Relay(exchange, browser).run()
    except NoAnswer as error:
        await browser.fail_by(error, frontend)
    except ModuleNotFoundError:
        await browser.fail(errors.LIBRARY_MISSING, frontend)
    except OSError:
        pass  # What servers raise once the browser has left.
    finally:
        await browser.leave()
