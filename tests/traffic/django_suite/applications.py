"""Requests to applications that no server runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from django.test import RequestFactory

DEADLINE = 20


def ask_wsgi(application: Any, path: str) -> tuple[str, bytes]:
    """The answer's status and body."""
    statuses: list[str] = []
    environ = RequestFactory().get(path).environ
    pieces: Iterable[bytes] = application(environ, lambda status, _: statuses.append(status[:3]))
    return statuses[0], b"".join(pieces)


def _scope(kind: str, path: str, *fields: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"testserver"), *fields],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


async def _said(application: Any, scope: dict[str, Any], *events: dict[str, Any]) -> list[Any]:
    """What an application says to these events, of which all but the first come after its first
    word. Then the client stays and is silent."""
    coming, said, spoken = list(events), [], asyncio.Event()

    async def receive() -> Any:
        if len(coming) < len(events):
            await spoken.wait()
        if not coming:
            await asyncio.Event().wait()
        return coming.pop(0)

    async def send(event: Any) -> None:
        said.append(event)
        spoken.set()

    await asyncio.wait_for(application(scope, receive, send), DEADLINE)
    return said


async def ask_asgi(application: Any, path: str) -> tuple[str, bytes]:
    """The answer's status and body."""
    scope = {**_scope("http", path), "method": "GET"}
    head, *rest = await _said(application, scope, {"type": "http.request"})
    return str(head["status"]), b"".join(event.get("body", b"") for event in rest)


async def ask_by_websocket(application: Any, path: str, subprotocol: str) -> str:
    """The first event of the answer to a WebSocket."""
    fields = [
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
        (b"origin", b"http://testserver"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"sec-websocket-protocol", subprotocol.encode()),
    ]
    scope = {
        **_scope("websocket", path, *fields),
        "scheme": "ws",
        "subprotocols": [subprotocol],
    }
    events = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    return str((await _said(application, scope, *events))[0]["type"])
