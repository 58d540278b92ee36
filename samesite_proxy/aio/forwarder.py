"""Forwarding in an event loop: the twin of forwarder, for the middleware under ASGI."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from django.http import HttpRequest

from samesite_proxy._engine import CHUNKED, NO_BODY, EngineError
from samesite_proxy.aio.broken import BrokenOff
from samesite_proxy.aio.exchange import AsyncExchange
from samesite_proxy.aio.scope import (
    HTTPTOOLS,
    body_length_of,
    is_last,
    is_unframed,
    loses_body,
    received_in_scope,
    scope_of,
    target_of_scope,
)
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import where_now
from samesite_proxy.proxy import errors, refusals, server_timing
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.failures import NoAnswer, failure_of, log_broken, note_answer, refusal
from samesite_proxy.proxy.host_policy import view_of
from samesite_proxy.proxy.incoming import PIECE, SAFE, IncomingRequest, incoming_of
from samesite_proxy.proxy.outgoing import Forwarding
from samesite_proxy.proxy.redirects import Relocation, names_place
from samesite_proxy.proxy.response import FrontendResponse, StreamedResponse
from samesite_proxy.proxy.upstreams import Upstreams, has_moved
from samesite_proxy.types import Fields, Scope

if TYPE_CHECKING:
    from samesite_proxy.aio.built import BuiltFrontend

# uvicorn has a table of the statuses up to 599, and fails at any other.
UVICORNS = ("uvicorn.protocols.http.h11_impl", HTTPTOOLS)


class AsyncForwarder:
    """Forwards by one set of settings, in any number of loops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._forwarding = Forwarding(settings)
        self._relocation = Relocation(settings)
        self._upstreams = Upstreams(settings)
        self._files = functools.cache(self._files_of)

    def _files_of(self, frontend: Frontend) -> BuiltFrontend:
        from samesite_proxy.aio.built import BuiltFrontend  # Most frontends are servers.

        return BuiltFrontend(frontend)

    def start(
        self, incoming: IncomingRequest, frontend: Frontend, method: str, target: str, length: int
    ) -> AsyncExchange:
        view = view_of(self._settings, incoming, frontend)
        fields = self._forwarding.fields(incoming, view)
        return AsyncExchange(self._upstreams.at(frontend), method, target, fields, length)

    def relocated(self, incoming: IncomingRequest, frontend: Frontend, fields: Fields) -> Fields:
        """The answer's fields for the browser."""
        note_answer(frontend)
        if self._settings.debug:
            fields = server_timing.behind(fields, frontend)
        if not names_place(fields):
            return fields
        view = view_of(self._settings, incoming, frontend)
        return self._relocation.fields(fields, frontend, incoming.origin, view.alias_host)

    async def _forward(self, request: HttpRequest, frontend: Frontend) -> StreamedResponse:
        scope = scope_of(request)
        incoming = incoming_of(request, received_in_scope(scope))
        length = _stored_length_of(request, scope, incoming.fields)
        target = target_of_scope(scope)
        exchange = self.start(incoming, frontend, request.method or "GET", target, length)
        uploading = None
        try:
            if length not in (NO_BODY, 0):
                uploading = asyncio.create_task(exchange.upload(_pieces(request)))
            status, reason, fields = await exchange.head()
            fields = sendable(status, fields)
        except BaseException as error:
            server_timing.of_row(error, exchange.row)
            exchange.close()  # Which ends the upload too.
            raise
        body = FrontendBody(exchange, uploading, f"{request.method} {request.path}")
        return FrontendResponse(status, reason, self.relocated(incoming, frontend, fields), body)

    async def _answer(self, request: HttpRequest, frontend: Frontend) -> StreamedResponse:
        try:
            if frontend.folder is not None:
                response = await self._files(frontend).answer(request)
                if self._settings.debug:
                    server_timing.name_folder(response, frontend)
                return response
            return await self._forward(request, frontend)
        except NoAnswer as error:
            frontend = where_now(frontend)
            if has_moved(error):
                return await self._answer(request, frontend)
            own_port = request.META.get("SERVER_PORT", "")
            failure = failure_of(error, frontend, self._settings, own_port)
            if self._settings.debug:
                server_timing.note_refusal(request, error)
        return refusal(failure, frontend, request, _whole, settings=self._settings)

    async def answer(self, request: HttpRequest, frontend: Frontend) -> StreamedResponse:
        """The frontend's answer to `request`, or the line that says why there is none."""
        response = await self._answer(request, frontend)
        if is_last(scope_of(request)):
            response.headers["Connection"] = "close"
        return response


async def _pieces(request: HttpRequest) -> AsyncGenerator[bytes]:
    """Django has stored the body before any middleware is called."""
    if hasattr(request, "_body"):
        yield request.body
        return
    while piece := request.read(PIECE):
        yield piece


class FrontendBody:
    """The answer's body as it comes. A missing end is what breaks the client's connection."""

    def __init__(
        self, exchange: AsyncExchange, uploading: asyncio.Task[None] | None, name: str
    ) -> None:
        self._exchange = exchange
        self._uploading = uploading
        self._name = name

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._exchange:
                yield piece
        except EngineError as error:
            log_broken(self._name, error)
            raise BrokenOff(str(error)) from error
        finally:
            self._exchange.close()
            if self._uploading is not None:
                await asyncio.wait([self._uploading])

    def close(self) -> None:
        """Where nobody asks for it."""
        self._exchange.close()


async def _whole(text: bytes) -> AsyncIterator[bytes]:
    yield text


def _stored_length_of(request: HttpRequest, scope: Scope, received: Fields) -> int:
    """The body's length, where Django has stored the body, chunked or not."""
    length = body_length_of(request.method, received, is_lost=loses_body(scope))
    if length == NO_BODY and is_unframed(scope):
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
