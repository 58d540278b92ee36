"""A proxy as one writes it by hand for ASGI, with aiohttp's client; no Django."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp  # type: ignore[import-not-found,unused-ignore]

UPSTREAM = os.environ["BENCH_UPSTREAM"]
HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer"}
sessions: list[aiohttp.ClientSession] = []


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    if not sessions:
        connector = aiohttp.TCPConnector(limit=0)
        sessions.append(aiohttp.ClientSession(connector=connector, auto_decompress=False))
    url = UPSTREAM + scope["raw_path"].decode("latin-1")
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name not in HOP_BY_HOP
    }
    async with sessions[0].request(scope["method"], url, headers=headers) as answer:
        kept = [field for field in answer.raw_headers if field[0].lower() not in HOP_BY_HOP]
        await send({"type": "http.response.start", "status": answer.status, "headers": kept})
        async for piece in answer.content.iter_any():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
