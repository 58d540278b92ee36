"""The frontend: pages, uploads, event streams and WebSockets, each answer with its identity.

An ASGI application; uvicorn breaks a connection off where it raises amid an answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from tests.soak import journal
from tests.soak.identity import (
    EVENTS_APART,
    FRONTEND,
    answer_to,
    event_of,
    message_of,
    reply_to,
    seen_by,
)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Cut(Exception):
    """The answer breaks off here."""


class Asked:
    """A request, as its target and its cookie tell of it."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.kind, number = scope["path"].strip("/").split("/")
        self.number = int(number)
        query = parse_qs(scope["query_string"].decode())
        self._values = {name: values[0] for name, values in query.items()}
        fields = dict(scope["headers"])
        cookie = SimpleCookie(fields.get(b"cookie", b"").decode())
        self.user = cookie["user"].value if "user" in cookie else "nobody"

    def count(self, name: str) -> int:
        return int(self._values.get(name, 0))

    def fields(self, received: str) -> list[tuple[bytes, bytes]]:
        told = {
            "x-identity": str(self.number),
            "x-side": FRONTEND,
            "x-received": received,
            "x-user": self.user,
            "set-cookie": f"seen={seen_by(self.user, self.number)}; Path=/",
        }
        return [(name.encode(), value.encode()) for name, value in told.items()]


def pieces_of(body: bytes, number: int) -> Iterator[bytes]:
    lengths = random.Random(number)
    at = 0
    while at < len(body):
        length = lengths.randrange(1, 48 * 1024)
        yield body[at : at + length]
        at += length


async def checksum_of_body(receive: Receive) -> str | None:
    """None where the client has left."""
    received = hashlib.blake2b(digest_size=16)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        received.update(message.get("body", b""))
        if not message.get("more_body"):
            return received.hexdigest()


async def answer_page(asked: Asked, scope: dict[str, Any], receive: Receive, send: Send) -> None:
    received = await checksum_of_body(receive)
    if received is None:
        return
    body = answer_to(asked.number, FRONTEND, received, asked.count("size"))
    fields = [*asked.fields(received), (b"content-type", b"application/octet-stream")]
    if not asked.count("chunked"):
        fields.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    if scope["method"] == "HEAD":
        body = b""
    if cut := asked.count("cut"):
        await send({"type": "http.response.body", "body": body[:cut], "more_body": True})
        raise Cut
    for piece in pieces_of(body, asked.number):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def answer_events(asked: Asked, scope: dict[str, Any], receive: Receive, send: Send) -> None:
    fields = [*asked.fields(""), (b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    for index in range(asked.count("size")):
        event = event_of(asked.number, index)
        await send({"type": "http.response.body", "body": event, "more_body": True})
        if index == asked.count("cut") > 0:
            raise Cut
        await asyncio.sleep(EVENTS_APART)
    await send({"type": "http.response.body"})


PAGES = {"page": answer_page, "events": answer_events}


async def say(send: Send, message: bytes) -> None:
    await send({"type": "websocket.send", "bytes": message})


async def answer_socket(asked: Asked, receive: Receive, send: Send) -> None:
    """What a client says is answered; `flood` asks for many messages of some size."""
    await receive()
    await send({"type": "websocket.accept", "headers": asked.fields("")})
    for index in range(asked.count("flood")):
        await say(send, message_of(asked.number, index, asked.count("size")))
    index = 0
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if "text" in message and message["text"] == "end":
            code = 4000 + asked.number % 1000
            await send({"type": "websocket.close", "code": code, "reason": str(asked.number)})
            return
        await say(send, reply_to(asked.number, index, message["bytes"]))
        index += 1


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    asked = Asked(scope)
    journal.note(asked.number)
    if scope["type"] == "websocket":
        await answer_socket(asked, receive, send)
    else:
        await PAGES[asked.kind](asked, scope, receive, send)
