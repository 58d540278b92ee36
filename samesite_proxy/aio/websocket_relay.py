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
from samesite_proxy.aio.exchange import AsyncExchange
from samesite_proxy.aio.tasks import ended
from samesite_proxy.aio.websocket_client import LAST_PATIENCE, VANISHED, Browser, Closing

logger = logging.getLogger("samesite_proxy")

# For the frontend's half of a closing handshake.
CLOSING_SECONDS = 1.0
# A frontend that takes nothing of a piece for so long is given up, and sooner where the browser has
# left; s.
FRONTEND_PATIENCE = 15.0
PIECE = 64 * 1024
MESSAGE_CEILING = 16 * 1024 * 1024
MOST_FRAGMENTS = 64 * 1024
# So many bytes are read as frames at once, and the loop's other tasks have their turn behind a
# slice with more frames than a few.
SLICE = 2048
FEW_FRAMES = 8
# Pings that the frontend may send while it reads none of our answers.
MOST_PINGS = 64

DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class TooManyFragments(Exception):
    """Of one message."""


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
        self._message = bytearray()
        self._fragments = 0
        self._deadline: asyncio.Timeout | None = None

    async def _give(self, piece: bytes) -> None:
        """To the frontend. One that takes nothing has as good as vanished: all hear it as that."""
        patience = LAST_PATIENCE if self._browser.left.done() else FRONTEND_PATIENCE
        try:
            async with asyncio.timeout(patience) as self._deadline:
                await self._exchange.send(piece)
        except TimeoutError:
            logger.warning("%s: the frontend reads nothing, and is given up", self._browser.name)
            self._exchange.cancel()
        finally:
            self._deadline = None

    def _hurry(self) -> None:
        if self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + LAST_PATIENCE)

    async def _speak(self) -> None:
        """Sends what the library has to say, in its order."""
        async with self._speaking:
            for data in self._frames.data_to_send():
                for start in range(0, len(data), PIECE):
                    await self._give(data[start : start + PIECE])

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
        self._message += frame.data
        self._fragments += 1
        if self._fragments > MOST_FRAGMENTS:
            raise TooManyFragments
        if frame.fin:
            whole, self._message, self._fragments = self._message, bytearray(), 0
            is_text = self._opcode is Opcode.TEXT
            said = {"text": whole.decode()} if is_text else {"bytes": bytes(whole)}
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
        events = self._frames.events_received()
        try:
            for event in events:
                assert isinstance(event, Frame)
                await self._hear(event)
        except UnicodeDecodeError:
            self._frames.fail(CloseCode.INVALID_DATA, "text is not UTF-8")
        except TooManyFragments:
            self._frames.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        if len(events) > FEW_FRAMES:
            await asyncio.sleep(0)

    async def _hear_piece(self, data: bytes) -> bool:
        """Whether there is more to be heard."""
        for start in range(0, len(data), SLICE):
            self._frames.receive_data(data[start : start + SLICE])
            await self._hear_all()
            is_closing = not self._is_open() and not self._is_closed_by_browser
            if is_closing or self._frames.close_rcvd is not None:
                return False
        return True

    async def _from_frontend(self) -> Closing:
        """How the frontend closed, or what was wrong with it or with the browser."""
        with contextlib.suppress(EngineError, TimeoutError):
            while (data := await self._exchange.read()) and await self._hear_piece(data):
                pass
        close = self._frames.close_rcvd or self._frames.close_sent
        if close is None or self._is_closed_by_browser:
            return Closing(VANISHED)
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
        self, frontend: asyncio.Task[Closing], browser: asyncio.Task[bool]
    ) -> bool:
        """Whether the browser's side is still to be closed."""
        sides = [frontend, browser]
        await asyncio.wait([*sides, self._browser.left], return_when=asyncio.FIRST_COMPLETED)
        if self._browser.left.done():
            self._hurry()
        await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        if self._browser.left.done() and not browser.done():
            return False
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
            await ended(frontend, browser, *([self._ponging] if self._ponging else []))
            await self._browser.leave()
        if self._frames.close_rcvd is not None:
            self._exchange.note_end()
        if is_browser_open:
            await self._browser.close(frontend.result())
