"""Exchanges awaited on an event loop: the engine tells the loop's notifier when there is news."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from types import TracebackType
from weakref import WeakValueDictionary

from samesite_proxy import _engine
from samesite_proxy._engine import EngineError, Exchange, Notifier, Upstream
from samesite_proxy.types import Fields


class LoopNotifier:
    """The one notifier of a loop, held by each of its exchanges and closed by the last."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.notifier = Notifier()
        self._loop = loop
        self._holders = 0
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}
        self._will_begin = False
        loop.add_reader(self.notifier.fileno(), self._answer)

    def _answer(self) -> None:
        for key in self.notifier.answer():
            for waiting in self._waiting.pop(key, ()):
                if not waiting.done():
                    waiting.set_result(None)

    def _begin(self) -> None:
        self._will_begin = False
        self.notifier.begin()

    def begin_soon(self) -> None:
        """Wake the engine once for all the exchanges that a turn of the loop makes."""
        if not self._will_begin:
            self._will_begin = True
            self._loop.call_soon(self._begin)

    async def wait(self, key: int) -> None:
        """Until the exchange has news. What came before was for the caller to see already."""
        waiting = self._loop.create_future()
        self._waiting.setdefault(key, []).append(waiting)
        try:
            await waiting
        finally:
            if waiting.cancelled():
                self._forget(key, waiting)

    def _forget(self, key: int, waiting: asyncio.Future[None]) -> None:
        others = [other for other in self._waiting.get(key, ()) if other is not waiting]
        if others:
            self._waiting[key] = others
        else:
            self._waiting.pop(key, None)

    def hold(self) -> None:
        self._holders += 1

    def _let_go(self, key: int) -> None:
        for waiting in self._waiting.pop(key, ()):
            waiting.cancel()
        self._holders -= 1
        if self._holders == 0:
            _notifiers.pop(id(self._loop), None)
            self._loop.remove_reader(self.notifier.fileno())
            self.notifier.close()

    def let_go(self, key: int) -> None:
        """From any thread. Who still waits for the exchange is canceled."""
        if asyncio._get_running_loop() is self._loop:
            self._let_go(key)
            return
        with contextlib.suppress(RuntimeError):  # That of a closed loop goes with its last holder.
            self._loop.call_soon_threadsafe(self._let_go, key)


# By the loop's identity, which a notifier keeps from being used again. Weak, so that that of a loop
# that nobody runs any more goes with its exchanges.
_notifiers: WeakValueDictionary[int, LoopNotifier] = WeakValueDictionary()

# In a forked child their descriptors are closed.
os.register_at_fork(after_in_child=_notifiers.clear)


def _running_notifier() -> LoopNotifier:
    loop = asyncio.get_running_loop()
    notifier = _notifiers.get(id(loop))
    if notifier is None:
        notifier = _notifiers[id(loop)] = LoopNotifier(loop)
    return notifier


class AsyncExchange:
    """An exchange in an event loop; the twin of Exchange. Leaving its context cancels it."""

    def __init__(
        self, upstream: Upstream, method: str, target: str, fields: Fields, length: int
    ) -> None:
        self._is_open = False
        self._is_begun = False  # The body is asked for.
        self._unsent: EngineError | None = None
        self._ahead: bytes | None = None  # A piece that was met before it was asked for.
        self._notifier = _running_notifier()
        self._notifier.hold()
        try:
            self._exchange: Exchange = upstream.request(
                method, target, fields, length, -1, self._notifier.notifier
            )
        except BaseException:
            self._notifier.let_go(0)
            raise
        self._is_open = True
        self._notifier.begin_soon()

    def close(self) -> None:
        """Cancel it, wherever it stands. From any thread."""
        if self._is_open:
            self._is_open = False
            self._exchange.cancel()
            self._notifier.let_go(self._exchange.key)

    def __del__(self) -> None:
        self.close()  # Of an answer that nobody asked the body of.

    async def __aenter__(self) -> AsyncExchange:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def send(self, data: bytes) -> bool:
        """Send a piece of the body, waiting for room; False: the rest is not wanted."""
        rest = memoryview(data)
        while rest:
            try:
                sent = self._exchange.offer(rest)
            except EngineError as error:
                self._end_unsent(error)
                raise
            if sent < 0:
                return False
            if sent == 0:  # Only then is the engine asked to tell of room.
                await self._notifier.wait(self._exchange.key)
            rest = rest[sent:]
        return True

    def _end_unsent(self, error: EngineError) -> None:
        """Too long, too short, or more than there is memory for: without the rest it is no request,
        and who waits for its answer must hear of it."""
        self._unsent = error
        self.cancel()

    async def upload(self, pieces: AsyncGenerator[bytes]) -> None:
        """Send a request's body while the answer is awaited, whose side tells of failures."""
        try:
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    if piece and not await self.send(piece):
                        return
            self._exchange.end()
        except EngineError as error:
            self._end_unsent(error)

    @property
    def row(self) -> int:
        """Its row in the feed; 0: it has none (yet)."""
        return self._exchange.row

    def note_end(self) -> None:
        """For the feed: a tunnel that is closed now is not given up, but over."""
        if self.row:
            with contextlib.suppress(EngineError):
                _engine.end_row(self.row, 0)

    def cancel(self) -> None:
        """End it; who waits for its answer gets EngineError."""
        self._exchange.cancel()

    async def head(self) -> tuple[int, str, Fields]:
        """The final head: status, reason, fields without hop-by-hop ones."""
        try:
            while (head := self._exchange.head(False)) is None:
                await self._notifier.wait(self._exchange.key)
        except EngineError as error:
            raise (self._unsent or error) from None
        return head

    def is_whole(self) -> bool:
        """Whether all of the answer's body is here and read. An error is left to read()."""
        try:
            self._ahead = self._exchange.read(False)
        except EngineError:
            return False
        return self._ahead == b""

    async def read(self) -> bytes:
        """The next piece of the answer's body; empty at its end."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            return ahead
        while (piece := self._exchange.read(False)) is None:
            await self._notifier.wait(self._exchange.key)
        return piece

    def __aiter__(self) -> AsyncExchange:
        """The answer's body as it comes."""
        return self

    async def __anext__(self) -> bytes:
        """A piece; first an empty one where the body takes its time, so that the head goes out."""
        if not self._is_begun:
            self._is_begun = True
            self._ahead = self._exchange.read(False)
            if self._ahead is None:
                return b""
        if piece := await self.read():
            return piece
        raise StopAsyncIteration
