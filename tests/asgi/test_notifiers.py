"""One notifier for each loop, held by its exchanges and closed with the last, however they end."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from samesite_proxy._engine import CHUNKED, NO_BODY, EngineError, Notifier, Upstream
from samesite_proxy.aio import exchange as exchanges
from samesite_proxy.aio.exchange import AsyncExchange
from tests.harness.scripted_upstream import (
    DEADLINE,
    Connection,
    ScriptedUpstream,
    answering,
    scripted,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Silent:
    """A frontend that is asked and never answers."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)

    def __call__(self, connection: Connection) -> None:
        connection.receive_head()
        self.asked.release()
        connection.receive_to_end()

    async def is_asked(self) -> bool:
        return await asyncio.to_thread(self.asked.acquire, timeout=DEADLINE)


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted(answering(OK)) as running:
        yield running


def address_of(upstream: ScriptedUpstream) -> Upstream:
    return Upstream(upstream.url, None, None, True, (5, 60, 300), 64)


def started(upstream: ScriptedUpstream, length: int = NO_BODY) -> AsyncExchange:
    return AsyncExchange(address_of(upstream), "POST", "/", [("Host", "localhost")], length)


def descriptors() -> int:
    """The notifiers' descriptors, each a pipe's ends, and those of the loops."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def answer(upstream: ScriptedUpstream) -> bytes:
    async with started(upstream) as exchange:
        await exchange.head()
        return await exchange.read()


def test_notifier_closes_with_the_last_exchange(upstream: ScriptedUpstream) -> None:
    async def story() -> None:
        assert await answer(upstream) == b"ok"
        first = started(upstream)
        second = started(upstream)
        notifier = exchanges._notifiers[id(asyncio.get_running_loop())].notifier
        first.close()
        assert notifier.fileno() >= 0
        second.close()
        assert notifier.fileno() == -1
        assert id(asyncio.get_running_loop()) not in exchanges._notifiers
        assert await answer(upstream) == b"ok"

    asyncio.run(story())


def test_exchange_begins_when_its_notifier_says(upstream: ScriptedUpstream) -> None:
    """Nothing else wakes the engine for it; what wakes it anyhow, as the end of another exchange
    may for a while, begins what waits. So it is looked at more than once, later each time."""
    address = address_of(upstream)
    fields = [("Host", "localhost")]

    def asked() -> int:
        return sum(connection.received.count(b"GET / ") for connection in upstream.connections)

    def waits_for_its_notifier(pause: float) -> bool:
        time.sleep(pause)
        notifier = Notifier()
        before = asked()
        exchanges = [address.request("GET", "/", fields, NO_BODY, -1, notifier) for _ in range(3)]
        time.sleep(0.3)
        waited = asked() == before
        notifier.begin()
        assert [exchange.head()[0] for exchange in exchanges] == [200, 200, 200]
        return waited

    assert any(waits_for_its_notifier(pause) for pause in (0, 0.1, 0.2, 0.5, 1, 2))


def test_many_at_once_share_one_notifier(upstream: ScriptedUpstream) -> None:
    async def story() -> list[bytes]:
        return await asyncio.gather(*(answer(upstream) for _ in range(50)))

    assert asyncio.run(story()) == [b"ok"] * 50


def test_many_loops_at_once(upstream: ScriptedUpstream) -> None:
    heard: list[bytes] = []

    def run() -> None:
        for _ in range(5):
            heard.append(asyncio.run(answer(upstream)))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert heard == [b"ok"] * 40


def test_loop_that_ends_with_open_exchanges_keeps_no_descriptor(
    upstream: ScriptedUpstream,
) -> None:
    silent = Silent()
    upstream.play(silent)

    async def leave_open() -> AsyncExchange:
        exchange = started(upstream)
        assert await silent.is_asked()
        return exchange

    asyncio.run(leave_open())  # Warm.
    gc.collect()
    before = descriptors()
    for _ in range(10):
        asyncio.run(leave_open())
    gc.collect()
    for _ in range(11):
        upstream.next_finished()
    assert descriptors() <= before + 12  # The scripted upstream's ends may still be open.
    assert len(exchanges._notifiers) == 0


def test_exchange_dropped_without_reading_ends_the_upstreams(upstream: ScriptedUpstream) -> None:
    silent = Silent()
    upstream.play(silent)

    async def story() -> None:
        exchange = started(upstream)
        assert await silent.is_asked()
        del exchange
        gc.collect()
        await asyncio.to_thread(upstream.next_finished)
        assert id(asyncio.get_running_loop()) not in exchanges._notifiers

    asyncio.run(story())


def test_exchange_dropped_by_another_thread(upstream: ScriptedUpstream) -> None:
    silent = Silent()
    upstream.play(silent)

    async def story() -> None:
        exchange = started(upstream)
        assert await silent.is_asked()
        notifier = exchanges._notifiers[id(asyncio.get_running_loop())].notifier
        await asyncio.to_thread(exchange.close)
        await asyncio.to_thread(upstream.next_finished)
        await asyncio.sleep(0)  # What the other thread has left for the loop to do.
        assert notifier.fileno() == -1

    asyncio.run(story())


@pytest.mark.parametrize("stage", ["head", "read", "send"])
def test_cancellation_at_every_stage_ends_the_upstreams(
    upstream: ScriptedUpstream, stage: str
) -> None:
    waiting = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        if stage == "read":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        waiting.set()
        if stage == "send":
            connection.sock.recv(1)
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(DEADLINE)
        connection.receive_to_end()

    async def use() -> None:
        async with started(upstream, CHUNKED if stage == "send" else NO_BODY) as exchange:
            if stage == "send":
                await exchange.send(b"x" * 50_000_000)
            await exchange.head()
            await exchange.read()

    upstream.play(script)

    async def story() -> None:
        task = asyncio.create_task(use())
        assert await asyncio.to_thread(waiting.wait, DEADLINE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(upstream.next_finished)
        assert id(asyncio.get_running_loop()) not in exchanges._notifiers

    loop = asyncio.new_event_loop()
    loop.run_until_complete(story())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_close_cancels_who_still_waits(upstream: ScriptedUpstream) -> None:
    upstream.play(Silent())

    async def story() -> None:
        exchange = started(upstream)
        waiting = asyncio.ensure_future(exchange.head())
        await asyncio.sleep(0)  # It waits now.
        exchange.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(story())


def test_request_that_cannot_be_sent_holds_no_notifier(upstream: ScriptedUpstream) -> None:
    async def story() -> None:
        address = Upstream(upstream.url, None, None, True, (5, 60, 300), 64)
        with pytest.raises(EngineError):
            AsyncExchange(address, "GET", "/", [("Host", "a\r\nb")], NO_BODY)
        assert id(asyncio.get_running_loop()) not in exchanges._notifiers

    asyncio.run(story())


def test_forked_child_has_notifiers_of_its_own(upstream: ScriptedUpstream) -> None:
    async def story() -> None:
        exchange = started(upstream)
        child = os.fork()
        if child == 0:
            os._exit(0 if len(exchanges._notifiers) == 0 else 1)
        _, status = os.waitpid(child, 0)
        assert status == 0
        await exchange.head()
        assert await exchange.read() == b"ok"
        exchange.close()

    asyncio.run(story())


def test_child_forks_off_a_loop_and_runs_its_own(upstream: ScriptedUpstream) -> None:
    assert asyncio.run(answer(upstream)) == b"ok"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if asyncio.run(answer(upstream)) == b"ok" else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0


@pytest.fixture
def no_descriptors() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_no_descriptor_for_a_notifier_is_an_error_of_the_engines(no_descriptors: None) -> None:
    with pytest.raises(EngineError) as caught:
        Notifier()
    assert (caught.value.code, caught.value.status) == ("too-many", 503)
