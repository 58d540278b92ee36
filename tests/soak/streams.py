"""Event streams and WebSockets, which stay open, and slow readers among them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.soak.client import Answer, Client, Request
from tests.soak.identity import EVENTS_APART, event_of, message_of, reply_to
from tests.soak.verdict import Verdict

SECONDS = 40.0
# What a slow reader is sent while it does not read: more than all buffers on the way hold.
FLOOD = 64
FLOOD_SIZE = 256 * 1024
SLOW = 2.0


def events_in(body: bytes, number: int) -> int:
    """How many are there, whole and one after the other; -1 where anything else is."""
    expected = b""
    index = 0
    while len(expected) < len(body):
        expected += event_of(number, index)
        index += 1
    if not expected.startswith(body):
        return -1
    return index - (len(expected) > len(body))


class Streams:
    """Those of one user, one after the other."""

    def __init__(self, verdict: Verdict, port: int, cookie: str, is_on: Callable[[], bool]) -> None:
        self._verdict = verdict
        self._port = port
        self._cookie = cookie
        self.is_on = is_on

    async def follow_events(self) -> None:
        while self.is_on():
            await self._follow_one()

    async def _follow_one(self) -> None:
        number = self._verdict.next_number(is_repeatable=True)
        count = random.randrange(10, 100)
        cut = random.randrange(1, count) if random.random() < 0.1 else 0
        query = urlencode({"size": count, "cut": cut})
        request = Request("GET", f"/events/{number}/?{query}", self._cookie)
        since = time.monotonic()
        patience = random.choice((0.5, count * EVENTS_APART + SECONDS))
        answer = Answer()
        following = asyncio.create_task(Client(self._port).follow(request, answer))
        while not following.done() and self.is_on() and time.monotonic() < since + patience:
            await asyncio.wait([following], timeout=0.2)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        self._judge_events(number, count, cut, answer, since)

    def _judge_events(
        self, number: int, count: int, cut: int, answer: Answer, since: float
    ) -> None:
        verdict = self._verdict
        seconds = time.monotonic() - since
        events = events_in(bytes(answer.body), number) if answer.status == 200 else 0
        verdict.done["events"] += max(events, 0)
        if events < 0:
            verdict.fail("wrong", f"event stream {number}: {bytes(answer.body[-300:])!r}")
        elif answer.is_whole and answer.status == 200 and events == count:
            verdict.done["event streams"] += 1
        elif answer.is_whole and answer.status == 200:
            verdict.fail("wrong", f"event stream {number} ends after {events} of {count}")
        elif answer.broken and cut and events <= cut + 1 and answer.status == 200:
            verdict.faults["cuts"] += 1
            if events != cut + 1:
                verdict.lose("events of", number, since, f"{events} of {cut + 1} before the cut")
        elif answer.broken or answer.is_whole or seconds > SECONDS:
            words = answer.broken or f"{answer.status} {bytes(answer.body[:200])!r}"
            verdict.lose("event stream", number, since, f"{words} after {events} events")
        else:
            verdict.faults["aborts"] += 1

    async def hold_sockets(self, *, is_slow: bool) -> None:
        while self.is_on():
            number = self._verdict.next_number(is_repeatable=False)
            since = time.monotonic()
            try:
                async with asyncio.timeout(SECONDS):
                    await self._hold_one(number, is_slow)
            except (ConnectionClosed, InvalidHandshake, OSError, EOFError) as error:
                words = f"{type(error).__name__}: {error}"
                self._verdict.lose("WebSocket", number, since, words)
                await asyncio.sleep(0.1)

    async def _hold_one(self, number: int, is_slow: bool) -> None:
        flood = {"flood": FLOOD, "size": FLOOD_SIZE} if is_slow else {}
        async with connect(
            f"ws://127.0.0.1:{self._port}/socket/{number}/?{urlencode(flood)}",
            additional_headers={"Cookie": self._cookie},
            compression=None,
            max_queue=2,  # So that one that does not read is not read for.
            max_size=None,
            close_timeout=SECONDS,
        ) as socket:
            if is_slow:
                await asyncio.sleep(SLOW)
                for index in range(FLOOD):
                    expected = message_of(number, index, FLOOD_SIZE)
                    await self._expect(socket, number, expected)
            await self._converse(socket, number)

    async def _expect(self, socket: ClientConnection, number: int, message: bytes) -> None:
        came = await socket.recv()
        if came == message:
            self._verdict.done["messages"] += 1
        else:
            self._verdict.fail("wrong", f"WebSocket {number}: {came[:60]!r}, not {message[:60]!r}")

    async def _converse(self, socket: ClientConnection, number: int) -> None:
        """Then it ends by the client's word, by the frontend's, or by none."""
        for index in range(random.randrange(1, 40)):
            message = message_of(number, index, random.choice((10, 1_000, 60_000)))
            await socket.send(message)
            await self._expect(socket, number, reply_to(number, index, message))
            if not self.is_on():
                break
            await asyncio.sleep(0.05)
        end = random.choice(("client", "frontend", "nobody"))
        if end == "nobody":
            self._verdict.faults["aborts"] += 1
            socket.transport.abort()
            return
        if end == "frontend":
            await self._expect_end(socket, number)
        await socket.close()
        self._verdict.done["WebSockets"] += 1

    async def _expect_end(self, socket: ClientConnection, number: int) -> None:
        await socket.send("end")
        try:
            await socket.recv()
        except ConnectionClosed as closed:
            told = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else None
            if told == (4000 + number % 1000, str(number)):
                return
            raise
        self._verdict.fail("wrong", f"WebSocket {number} goes on behind its end")
