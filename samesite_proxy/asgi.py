"""The ASGI application: one changed import in asgi.py.

In front of Django's own handler, which rejects WebSockets and stores every body before any
middleware is called. What is Django's, or another application's, goes on to it untouched.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from django.core.asgi import get_asgi_application as get_django_application
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import get_script_prefix

from samesite_proxy import conf
from samesite_proxy._engine import CHUNKED, NO_BODY, TUNNEL
from samesite_proxy.aio import websocket
from samesite_proxy.aio.answer import Answer, ending, say
from samesite_proxy.aio.channels import InnerRoutes, first_of
from samesite_proxy.aio.client import Client
from samesite_proxy.aio.exchange import AsyncExchange
from samesite_proxy.aio.forwarder import AsyncForwarder
from samesite_proxy.aio.scope import (
    IncomingRequests,
    accepted_in,
    body_length_of,
    is_last,
    is_unframed,
    loses_body,
    name_of,
    path_info_of,
    target_of_scope,
)
from samesite_proxy.aio.websocket_client import Browser
from samesite_proxy.conf import Frontend
from samesite_proxy.conf.frontends import where_now
from samesite_proxy.proxy import errors, place, refusals, server_timing, targets
from samesite_proxy.proxy.error_page import form_for, told
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.failures import NoAnswer, failure_of, log_failure
from samesite_proxy.proxy.incoming import IncomingRequest
from samesite_proxy.proxy.routing import Routing
from samesite_proxy.proxy.upstreams import has_moved
from samesite_proxy.types import Fields, Receive, Scope, Send


class ASGIProxy:
    """Forwards what is the frontend's; the rest is the inner application's."""

    def __init__(self, application: Any, settings: conf.Settings) -> None:
        self._inner = application
        self._settings = settings
        self._routing = Routing(settings)
        self._forwarder = AsyncForwarder(settings)
        self._requests = IncomingRequests()
        self._inner_routes = InnerRoutes(application)
        self._is_first = place.is_first()

    def _frontend_of(self, scope: Scope, *, is_never_djangos: bool = False) -> Frontend | None:
        """Whose the request is, or who is told of one that nobody gets; None: Django's."""
        return self._routing.frontend_before_django(
            path_info_of(scope),
            get_script_prefix(scope),
            is_never_djangos=is_never_djangos or targets.is_refused(scope),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = targets.settled(scope)
        if scope["type"] == "http" and self._is_first:
            frontend = self._frontend_of(scope)
            # A folder's files are the middleware's to answer.
            if (frontend and frontend.folder is None) and (
                targets.is_refused(scope) or not self._inner_routes.have_page(scope)
            ):
                await self._http(scope, receive, send, frontend)
                return
        if scope["type"] == "websocket":
            forwarded_to = self._frontend_of(scope, is_never_djangos=True)
            is_djangos_path = self._frontend_of(scope) is None
            is_inner = self._inner_routes.have_socket(scope, is_djangos_path)
            if forwarded_to and (targets.is_refused(scope) or not is_inner):
                await self._websocket(scope, receive, send, forwarded_to)
                return
        await self._inner(scope, receive, send)

    async def _websocket(
        self, scope: Scope, receive: Receive, send: Send, frontend: Frontend
    ) -> None:
        browser = Browser(scope, receive, send, self._settings)

        def start() -> tuple[AsyncExchange, websocket.Handshake]:
            incoming = self._requests.of(scope)
            if frontend.folder is not None:
                raise Refused(errors.FILE_MISSING)
            handshake = websocket.Handshake(scope.get("subprotocols", ()))
            own = dataclasses.replace(incoming, fields=handshake.fields(incoming.fields))
            exchange = self._forwarder.start(own, frontend, "GET", target_of_scope(scope), TUNNEL)
            return exchange, handshake

        def relocated(fields: Fields) -> Fields:
            return self._forwarder.relocated(self._requests.of(scope), frontend, fields)

        await websocket.forward(browser, frontend, start, relocated)

    async def _length_of(self, scope: Scope, incoming: IncomingRequest, client: Client) -> int:
        is_lost = loses_body(scope)
        length = body_length_of(scope["method"], incoming.fields, is_lost=is_lost)
        if length == NO_BODY and is_unframed(scope) and await client.has_body():
            length = CHUNKED
            refusals.refuse_body(scope["method"], length)
        return length

    async def _ask(
        self,
        scope: Scope,
        incoming: IncomingRequest,
        client: Client,
        frontend: Frontend,
        length: int,
    ) -> None:
        target = target_of_scope(scope)
        exchange = self._forwarder.start(incoming, frontend, scope["method"], target, length)
        client.attend(exchange, has_body=length not in (NO_BODY, 0))
        relocated = partial(self._forwarder.relocated, incoming, frontend)
        try:
            await Answer(exchange, client, name_of(scope)).relay(relocated)
        except NoAnswer as error:
            if not has_moved(error):
                server_timing.of_row(error, exchange.row)
                raise
        else:
            return
        finally:
            exchange.close()
        await self._ask(scope, incoming, client, where_now(frontend), length)

    async def _forward(self, scope: Scope, client: Client, frontend: Frontend) -> None:
        incoming = self._requests.of(scope)
        length = await self._length_of(scope, incoming, client)
        try:
            await self._ask(scope, incoming, client, frontend, length)
        finally:
            await client.let_go()

    async def _http(self, scope: Scope, receive: Receive, send: Send, frontend: Frontend) -> None:
        if is_last(scope):
            send = ending(send)
        try:
            await self._forward(scope, Client(receive, send), frontend)
        except NoAnswer as error:
            frontend = where_now(frontend)
            _, own_port = scope.get("server") or ("", "")
            failure = failure_of(error, frontend, self._settings, str(own_port))
            log_failure(name_of(scope), failure, frontend)
            form = form_for(scope["method"], accepted_in(scope))
            fields, text = told(failure, frontend, form, self._settings)
            self._note_refusal(scope, error, failure.status, len(text))
            await say(send, failure.status, fields, text)

    def _note_refusal(self, scope: Scope, error: Exception, status: int, size: int) -> None:
        """For the feed; what the engine has seen has a row, if there is one."""
        row = server_timing.row_of(error)
        if self._settings.debug and (row or server_timing.is_unasked(error)):
            from samesite_proxy.feed import own  # Else there is none.

            own.note_refusal(row, scope["method"], target_of_scope(scope), status, size)


def has_websocket_routes(application: Any) -> bool:
    """Whether a router of Channels' is in it, with WebSockets of its own."""
    inside = application._inner if isinstance(application, ASGIProxy) else application
    return "websocket" in (first_of(inside, "application_mapping") or ())


def wrap(application: Any) -> Any:
    """`application` with the frontend's requests and WebSockets forwarded in front of it."""
    settings, problems = conf.read()
    if settings is None:
        raise ImproperlyConfigured("\n".join(problem.msg for problem in problems))
    return ASGIProxy(application, settings) if settings.frontends else application


def get_asgi_application() -> Any:
    """In place of django.core.asgi's."""
    return wrap(get_django_application())
