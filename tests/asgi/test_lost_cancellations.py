"""A server's receive() that takes the first cancellation for itself, as Python 3.11's
asyncio.wait_for does where an event comes in the same turn: nobody waits for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from samesite_proxy.aio.tasks import ended
from samesite_proxy.types import Event, Scope
from tests.asgi.sockets import DEADLINE, accept, frame
from tests.asgi.test_inside_the_process import proxied, scope_of
from tests.harness.scripted_upstream import Connection, Script

PIECE = {"type": "http.request", "body": b"piece", "more_body": True}
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"
WORD = {"type": "websocket.receive", "text": "word"}


def server(first: Event, lost: Event) -> Callable[[], Any]:
    """One event, and a second one that comes with a cancellation."""
    coming = [first]
    to_lose = [lost]

    async def receive() -> Event:
        if coming:
            return coming.pop()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not to_lose:
                raise
        return to_lose.pop()

    return receive


def refusing(connection: Connection) -> None:
    connection.receive_head()
    connection.send(TOO_LARGE)
    connection.receive_to_end()


def closing(connection: Connection) -> None:
    accept(connection)
    connection.send(frame(0x8, b"\x03\xe8"))
    connection.receive_to_end()


POST = scope_of("/up", method="POST")
POST["headers"] = [*POST["headers"], (b"content-length", b"1000")]
SOCKET: Scope = {**scope_of("/socket"), "type": "websocket", "subprotocols": []}
STORIES: dict[str, tuple[Script, Scope, Event, Event, str]] = {
    "upload": (refusing, POST, PIECE, PIECE, "http.response.body"),
    "websocket": (closing, SOCKET, {"type": "websocket.connect"}, WORD, "websocket.close"),
}


@pytest.mark.parametrize("story", STORIES)
def test_request_ends_though_a_cancellation_is_lost(story: str) -> None:
    script, scope, first, lost, last = STORIES[story]
    said: list[str] = []

    async def send(event: Event) -> None:
        said.append(event["type"])

    with proxied(script) as (wrapped, _):
        answering = wrapped(scope, server(first, lost), send)
        asyncio.run(asyncio.wait_for(answering, DEADLINE))
    assert said[-1] == last


def test_tasks_end_as_they_do() -> None:
    async def fails() -> None:
        raise ValueError

    async def goes_on() -> str:
        for _ in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return "at last"

    async def story() -> list[object]:
        tasks = [asyncio.ensure_future(coro) for coro in (fails(), goes_on(), asyncio.sleep(60))]
        await asyncio.sleep(0)
        await ended(*tasks)
        return [task.cancelled() or task.exception() or task.result() for task in tasks]

    failure, result, canceled = asyncio.run(story())
    assert isinstance(failure, ValueError)
    assert (result, canceled) == ("at last", True)
