"""Forwarding in an event loop: the twin of forwarder, for the middleware under ASGI."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import AsyncIterator, Callable

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase

from samesite_proxy._engine import CHUNKED, NO_BODY, EngineError
from samesite_proxy.aio.exchange import AsyncExchange
from samesite_proxy.aio.scope import (
    HTTPTOOLS,
    body_length_of,
    is_unframed,
    received_in_scope,
    target_of_scope,
)
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.proxy import errors, refusals, targets
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.host_policy import view_of
from samesite_proxy.proxy.incoming import PIECE, SAFE, IncomingRequest
from samesite_proxy.proxy.outgoing import (
    Forwarding,
    upstream_of,
)
from samesite_proxy.proxy.redirects import Relocation, names_place
from samesite_proxy.proxy.response import (
    FrontendResponse,
    NoAnswer,
    failure_of,
    log_broken,
    refusal,
)
from samesite_proxy.types import Fields

# uvicorn has a table of the statuses up to 599, and fails at any other.
UVICORNS = ("uvicorn.protocols.http.h11_impl", HTTPTOOLS)


class BrokenOff(asyncio.CancelledError, RequestAborted):
    """What Django's handler takes for a client's leaving: it ends without the answer's end, at
    which servers break the connection, and without a traceback. Up to Django 6.0 that is a
    CancelledError; from 6.1 on, where it runs in a task group, a RequestAborted.
    """


async def _upload(exchange: AsyncExchange, pieces: AsyncIterator[bytes]) -> EngineError | None:
    """Sends a request's body while the answer is awaited; the answer's side tells of failures,
    but for the one that is returned: there is less of a body than was declared."""
    try:
        async for piece in pieces:
            if piece and not await exchange.send(piece):
                return None
        exchange.end()
    except EngineError as error:
        if error.code == "request-client":  # Too short: without its end it is no request.
            exchange.cancel()
            return error
    return None


async def _head_of(
    exchange: AsyncExchange, uploading: asyncio.Task[EngineError | None] | None
) -> tuple[int, str, Fields]:
    try:
        return await exchange.head()
    except EngineError as error:
        short = uploading.result() if uploading is not None and uploading.done() else None
        raise (short or error) from None


class AsyncForwarder:
    """Forwards by one set of settings, in any number of loops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._forwarding = Forwarding(settings)
        self._relocation = Relocation(settings)
        self._upstream = functools.cache(lambda frontend: upstream_of(frontend, settings))

    def start(
        self, incoming: IncomingRequest, frontend: Frontend, method: str, target: str, length: int
    ) -> AsyncExchange:
        view = view_of(self._settings, incoming, frontend)
        fields = self._forwarding.fields(incoming, view)
        return AsyncExchange(self._upstream(frontend), method, target, fields, length)

    def relocated(self, fields: Fields, incoming: IncomingRequest, frontend: Frontend) -> Fields:
        if not names_place(fields):
            return fields
        view = view_of(self._settings, incoming, frontend)
        return self._relocation.fields(fields, frontend, incoming.origin, view.alias_host)

    async def _forward(self, request: ASGIRequest, frontend: Frontend) -> HttpResponseBase:
        incoming = IncomingRequest(
            received_in_scope(request.scope),
            request.path_info,
            request.META.get("REMOTE_ADDR", ""),
            request.scheme or "http",
            refusals.host_by(request.get_host, is_target_refused=targets.has_refused(request)),
        )
        length = _stored_length_of(request, incoming.fields)
        target = target_of_scope(request.scope)
        exchange = self.start(incoming, frontend, request.method or "GET", target, length)
        uploading = None
        try:
            if length not in (NO_BODY, 0):
                uploading = asyncio.create_task(_upload(exchange, _pieces(request)))
            status, reason, fields = await _head_of(exchange, uploading)
            fields = sendable(status, fields)
        except BaseException:
            exchange.close()  # Which ends the upload too.
            raise
        body = _body_of(exchange, uploading, f"{request.method} {request.path}")
        fields = self.relocated(fields, incoming, frontend)
        response = FrontendResponse(status, reason, fields, body)
        closers: list[Callable[[], None]] = response._resource_closers  # type: ignore[attr-defined]
        closers.append(exchange.close)  # Where nobody asks for the body.
        return response

    async def answer(self, request: ASGIRequest, frontend: Frontend) -> HttpResponseBase:
        """The frontend's answer to `request`, or the line that says why there is none."""
        try:
            return await self._forward(request, frontend)
        except NoAnswer as error:
            failure = failure_of(error, frontend)
        return refusal(failure, frontend, request, debug=self._settings.debug)


async def _pieces(request: HttpRequest) -> AsyncIterator[bytes]:
    """Django has stored the body before any middleware is called."""
    if hasattr(request, "_body"):
        yield request.body
        return
    while piece := request.read(PIECE):
        yield piece


async def _body_of(
    exchange: AsyncExchange, uploading: asyncio.Task[EngineError | None] | None, name: str
) -> AsyncIterator[bytes]:
    """The answer's body as it comes. A missing end is what breaks the client's connection."""
    try:
        piece = exchange.read_now()
        if piece is None:
            yield b""  # The head goes out now; the body may take its time.
            piece = await exchange.read()
        while piece:
            yield piece
            piece = await exchange.read()
    except EngineError as error:
        log_broken(name, error)
        raise BrokenOff(str(error)) from error
    finally:
        exchange.close()
        if uploading is not None:
            await asyncio.wait([uploading])


def _stored_length_of(request: ASGIRequest, received: Fields) -> int:
    """The body's length, where Django has stored the body, chunked or not."""
    length = body_length_of(request.method, received)
    if length == NO_BODY and is_unframed(request.scope):
        return NO_BODY if request.method in SAFE else CHUNKED
    if length not in (NO_BODY, 0):
        refusals.refuse_taken(request)
    return length


def sendable(status: int, fields: Fields) -> Fields:
    """A 304 without the length that RFC 9110, 8.6 allows: uvicorn counts bytes against it."""
    if status > 599 and any(name in sys.modules for name in UVICORNS):
        raise Refused(errors.STATUS_UNKNOWN)
    if status != 304:
        return fields
    return [field for field in fields if field[0].lower() != "content-length"]
