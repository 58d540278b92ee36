"""The messages of an accepted WebSocket under ASGI, over a tunnel of the engine's.

ASGI hides frames, pings and compression, so that messages and close codes are what can cross.
The framing towards the frontend is that of the library `websockets`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from websockets.exceptions import ProtocolError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from samesite_proxy._engine import EngineError
from samesite_proxy.bells import AsyncExchange
from samesite_proxy.browser import Browser, Closing

logger = logging.getLogger("samesite_proxy")

# For the frontend's half of a closing handshake.
CLOSING_SECONDS = 1.0
MESSAGE_CEILING = 16 * 1024 * 1024
# Pings that the frontend may send while it reads none of our answers.
MOST_PINGS = 64

DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class Relay:
    """Both directions of one accepted WebSocket."""

    def __init__(self, exchange: AsyncExchange, browser: Browser) -> None:
        self._exchange = exchange
        self._browser = browser
        self._frames = Protocol(CLIENT, max_size=MESSAGE_CEILING)
        self._speaking = asyncio.Lock()  # A frame is not interrupted by another one.
        self._ponging: asyncio.Task[None] | None = None
        self._pings = 0
        self._is_closed_by_browser = False
        self._opcode = Opcode.TEXT
        self._parts: list[bytes] = []

    async def _speak(self) -> None:
        """Sends what the library has to say, in its order."""
        async with self._speaking:
            for data in self._frames.data_to_send():
                await self._exchange.send(data)

    async def _pong(self) -> None:
        self._pings = 0
        with contextlib.suppress(EngineError):  # The other direction tells.
            await self._speak()

    async def _hear_ping(self) -> None:
        """Answered while we go on reading: the frontend may not read before it has written."""
        self._pings += 1
        if self._ponging is None or self._ponging.done():
            self._ponging = asyncio.create_task(self._pong())
        elif self._pings > MOST_PINGS:
            await asyncio.wait([self._ponging])

    async def _hear(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PING:
            await self._hear_ping()
        if frame.opcode not in DATA:
            return
        if frame.opcode is not Opcode.CONT:
            self._opcode = frame.opcode
        self._parts.append(bytes(frame.data))
        if frame.fin:
            whole, self._parts = b"".join(self._parts), []
            is_text = self._opcode is Opcode.TEXT
            said = {"text": whole.decode()} if is_text else {"bytes": whole}
            await self._tell({"type": "websocket.send", **said})

    async def _tell(self, message: dict[str, Any]) -> None:
        try:
            await self._browser.send(message)
        except OSError:
            raise
        except Exception as error:  # daphne's library has its own, for more than 1 MiB.
            logger.warning("%s: the server refuses a message: %s", self._browser.name, error)
            self._frames.fail(CloseCode.MESSAGE_TOO_BIG)

    async def _hear_all(self) -> None:
        try:
            for event in self._frames.events_received():
                assert isinstance(event, Frame)
                await self._hear(event)
        except UnicodeDecodeError:
            self._frames.fail(CloseCode.INVALID_DATA, "text is not UTF-8")

    async def _from_frontend(self) -> Closing | None:
        """How the frontend closed, or what was wrong with it; None: it vanished."""
        with contextlib.suppress(EngineError):
            while data := await self._exchange.read():
                self._frames.receive_data(data)
                await self._hear_all()
                is_closing = not self._is_open() and not self._is_closed_by_browser
                if is_closing or self._frames.close_rcvd is not None:
                    break
        close = self._frames.close_rcvd or self._frames.close_sent
        if close is None or self._is_closed_by_browser:
            return None
        with contextlib.suppress(EngineError, TimeoutError):
            await asyncio.wait_for(self._speak(), CLOSING_SECONDS)
        return Closing(close.code, close.reason)

    def _is_open(self) -> bool:
        return self._frames.state is OPEN

    def _close(self, code: int, reason: str) -> None:
        if code == CloseCode.NO_STATUS_RCVD:
            self._frames.send_close()
            return
        try:
            self._frames.send_close(code, reason)
        except ProtocolError:  # A code that cannot be said.
            self._frames.send_close()

    async def _from_browser(self) -> bool:
        """Whether the browser closed, and did not just vanish."""
        while (event := await self._browser.receive())["type"] == "websocket.receive":
            if self._is_open():
                text = event.get("text")
                if text is not None:
                    self._frames.send_text(text.encode())
                else:
                    self._frames.send_binary(event["bytes"])
                await self._speak()
        code = event.get("code") or CloseCode.NO_STATUS_RCVD
        if code == CloseCode.ABNORMAL_CLOSURE:
            return False
        if self._is_open():
            self._is_closed_by_browser = True
            self._close(code, event.get("reason") or "")
            await self._speak()
        return True

    async def _until_closed(
        self, frontend: asyncio.Task[Closing | None], browser: asyncio.Task[bool]
    ) -> bool:
        """Whether the browser's side is still to be closed."""
        await asyncio.wait([frontend, browser], return_when=asyncio.FIRST_COMPLETED)
        if not browser.done():
            return True
        if isinstance(browser.exception(), EngineError):
            await frontend  # It hears in a moment of the same end.
            return True
        if browser.result():
            await asyncio.wait([frontend], timeout=CLOSING_SECONDS)
        return False

    async def run(self) -> None:
        """Until one side is through, and the other has been told."""
        frontend = asyncio.create_task(self._from_frontend())
        browser = asyncio.create_task(self._from_browser())
        try:
            is_browser_open = await self._until_closed(frontend, browser)
        finally:
            tasks = [frontend, browser, *([self._ponging] if self._ponging else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if is_browser_open:  # granian closes only once nobody waits for its next event.
            await self._browser.close(frontend.result())
