"""The ASGI application: one changed import in asgi.py.

In front of Django's own handler, which rejects WebSockets and stores every body before any
middleware is called. What is Django's, or another application's, goes on to it untouched.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from django.core.asgi import get_asgi_application as get_django_application
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler, get_script_prefix

from samesite_proxy import conf
from samesite_proxy._engine import CHUNKED, NO_BODY, TUNNEL, EngineError
from samesite_proxy.aio import websocket
from samesite_proxy.aio.exchange import AsyncExchange
from samesite_proxy.aio.forwarder import (
    AsyncForwarder,
    is_unframed,
    length_of_fields,
    sendable,
)
from samesite_proxy.aio.scope import Arrivals, Scope, accepted_in, name_of, path_info_of
from samesite_proxy.aio.websocket_client import Browser, encoded
from samesite_proxy.conf import Frontend
from samesite_proxy.proxy import errors, place, targets
from samesite_proxy.proxy.error_page import is_wanted, told
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.incoming import Arrival
from samesite_proxy.proxy.outgoing import Fields, target_of_scope
from samesite_proxy.proxy.response import NoAnswer, failure_of, log_broken, log_failure
from samesite_proxy.proxy.routing import Routing
from samesite_proxy.sync.forwarder import NEVER_FORWARDED

Event = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[Event], Any]

# How long a client that leaves may go unnoticed; s.
PATIENCE = 0.1

# How long an upload is read on after an answer that came before its end; s.
LINGER = 2.0

_lingering: set[asyncio.Task[None]] = set()

BODY = {"type": "http.response.body"}

# Vite's own WebSockets: of hot reload, and of a page that waits for Vite to come back.
VITES = frozenset({"vite-hmr", "vite-ping"})


class Sockets:
    """Whose WebSocket is it: the inner application's routes keep theirs."""

    def __init__(self, application: Any) -> None:
        mapping = _first_of(application, "application_mapping")
        if mapping is None:  # Not Channels' router. Django's own handler has no WebSockets.
            self._has_own = not isinstance(application, ASGIHandler)
            self._routes = None
        else:
            self._has_own = "websocket" in mapping
            self._routes = _first_of(mapping.get("websocket"), "routes")

    def are_inner(self, scope: Scope, is_djangos_path: bool) -> bool:
        if not self._has_own or not VITES.isdisjoint(scope.get("subprotocols", ())):
            return False
        if self._routes is None:  # They cannot be read.
            return is_djangos_path
        return any(_matches(route, scope["path"].lstrip("/")) for route in self._routes)


def _first_of(application: Any, name: str) -> Any:
    """The attribute of a router of Channels', inside whatever middleware."""
    while application is not None and not hasattr(application, name):
        application = getattr(application, "inner", None) or getattr(
            application, "application", None
        )
    return getattr(application, name, None)


def _matches(route: Any, path: str) -> bool:
    match = route.pattern.match(path)
    if match is None:
        return False
    inner: Iterable[Any] | None = _first_of(route.callback, "routes")
    return inner is None or any(_matches(other, match[0].lstrip("/")) for other in inner)


class ProxyApplication:
    """Forwards what is the frontend's; the rest is the inner application's."""

    def __init__(self, application: Any, settings: conf.Settings) -> None:
        self._inner = application
        self._settings = settings
        self._routing = Routing(settings)
        self._forwarder = AsyncForwarder(settings)
        self._arrivals = Arrivals()
        self._sockets = Sockets(application)
        self._is_first = place.is_first()

    def _frontend_of(self, scope: Scope) -> Frontend | None:
        """Whose the request is, or who is told of one that nobody gets; None: Django's."""
        if targets.is_refused(scope):
            return self._routing.frontend_of_websocket(path_info_of(scope))
        return self._routing.frontend_before_django(path_info_of(scope), get_script_prefix(scope))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = targets.settled(scope)
        if scope["type"] == "http" and self._is_first:
            frontend = self._frontend_of(scope)
            if frontend is not None:
                await self._http(scope, receive, send, frontend)
                return
        if scope["type"] == "websocket":
            forwarded_to = self._routing.frontend_of_websocket(path_info_of(scope))
            is_djangos_path = self._frontend_of(scope) is None
            is_inner = self._sockets.are_inner(scope, is_djangos_path)
            if forwarded_to and (targets.is_refused(scope) or not is_inner):
                await self._websocket(scope, receive, send, forwarded_to)
                return
        await self._inner(scope, receive, send)

    async def _websocket(
        self, scope: Scope, receive: Receive, send: Send, frontend: Frontend
    ) -> None:
        browser = Browser(scope, receive, send)

        def start() -> tuple[AsyncExchange, websocket.Handshake]:
            arrival = self._arrivals.of(scope)
            handshake = websocket.Handshake(scope.get("subprotocols", ()))
            own = dataclasses.replace(arrival, fields=handshake.fields(arrival.fields))
            exchange = self._forwarder.start(own, frontend, "GET", target_of_scope(scope), TUNNEL)
            return exchange, handshake

        def relocated(fields: Fields) -> Fields:
            return self._forwarder.relocated(fields, self._arrivals.of(scope), frontend)

        await websocket.forward(browser, frontend, start, relocated)

    async def _start(
        self, scope: Scope, arrival: Arrival, client: Client, frontend: Frontend
    ) -> AsyncExchange:
        if scope["method"] in NEVER_FORWARDED:
            raise Refused(errors.METHOD_REFUSED)
        length = length_of_fields(arrival.fields)
        if length == NO_BODY and is_unframed(scope) and await client.has_body():
            length = CHUNKED
        if scope["method"] == "HEAD" and length not in (NO_BODY, 0):
            raise Refused(errors.BODY_WITH_HEAD)
        target = target_of_scope(scope)
        exchange = self._forwarder.start(arrival, frontend, scope["method"], target, length)
        client.attend(exchange, has_body=length not in (NO_BODY, 0))
        return exchange

    async def _forward(self, scope: Scope, client: Client, frontend: Frontend) -> None:
        arrival = self._arrivals.of(scope)
        exchange = await self._start(scope, arrival, client, frontend)

        def relocated(fields: Fields) -> Fields:
            return self._forwarder.relocated(fields, arrival, frontend)

        try:
            await Answer(exchange, client, name_of(scope)).relay(relocated)
        finally:
            exchange.close()
            await client.let_go()

    async def _http(self, scope: Scope, receive: Receive, send: Send, frontend: Frontend) -> None:
        try:
            await self._forward(scope, Client(receive, send), frontend)
        except NoAnswer as error:
            failure = failure_of(error, frontend)
            log_failure(name_of(scope), failure, frontend)
            as_page = self._settings.debug and is_wanted(scope["method"], accepted_in(scope))
            await say(send, failure.status, *told(failure, frontend, as_page=as_page))


class Client:
    """A client's end of one request under ASGI: its body, and whether it is still there."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self.send = send
        self._first: Event | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._listening: asyncio.Task[None] | None = None
        self.body_error: EngineError | None = None
        self.has_left = False
        self._is_uploading = False

    async def has_body(self) -> bool:
        """Whether a body comes that no field announces, as HTTP/2 allows."""
        self._first = await self._receive()
        return bool(self._first.get("body") or self._first.get("more_body"))

    async def _next(self) -> Event:
        event, self._first = self._first, None
        return event or await self._receive()

    async def _upload(self, exchange: AsyncExchange) -> None:
        """Raises ConnectionResetError where the client leaves in the middle."""
        self._is_uploading = True
        while self._is_uploading:
            event = await self._next()
            if event["type"] == "http.disconnect":
                raise ConnectionResetError("the client has left")
            self._is_uploading = event.get("more_body", False)
            if (piece := event.get("body", b"")) and not await exchange.send(piece):
                return
        exchange.end()

    async def _until_gone(self, exchange: AsyncExchange, has_body: bool) -> None:
        """Sends the body, and then waits for the client to leave."""
        try:
            if has_body:
                await self._upload(exchange)
        except ConnectionResetError:
            return
        except EngineError as error:
            if error.code == "request-client":  # Too short: without its end it is no request.
                self.body_error = error
                exchange.cancel()
        while (await self._next())["type"] != "http.disconnect":
            pass

    async def _listen(self, exchange: AsyncExchange, has_body: bool) -> None:
        try:
            await self._until_gone(exchange, has_body)
        finally:
            self.has_left = True
            exchange.cancel()

    def _begin(self, exchange: AsyncExchange, has_body: bool) -> None:
        self._listening = asyncio.ensure_future(self._listen(exchange, has_body))

    def attend(self, exchange: AsyncExchange, *, has_body: bool) -> None:
        """Ends the exchange when the client leaves, and sends it the body."""
        if has_body:
            self._begin(exchange, has_body)
        else:  # Most answers are there before a task is worth its cost.
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(PATIENCE, self._begin, exchange, has_body)

    async def let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            if self._is_uploading:
                _lingering.add(task := asyncio.ensure_future(self._linger()))
                task.add_done_callback(_lingering.discard)

    async def _linger(self) -> None:
        """Reads on in a body whose rest nobody wants. Hypercorn's queue, once full of it, holds
        back the request's own end, and gunicorn's reader the client."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while (await self._receive())["type"] != "http.disconnect":
                    pass


class Answer:
    """The frontend's answer on its way to a client."""

    def __init__(self, exchange: AsyncExchange, client: Client, name: str) -> None:
        self._exchange = exchange
        self._client = client
        self._name = name

    async def _body(self) -> None:
        piece = self._exchange.read_now()
        if piece is None:  # Some servers send the head with the first event of the body.
            await self._client.send({**BODY, "body": b"", "more_body": True})
            piece = await self._exchange.read()
        while piece:
            is_last = self._exchange.is_whole()  # A small answer is one event, and one write.
            await self._client.send({**BODY, "body": piece, "more_body": not is_last})
            if is_last:
                return
            piece = await self._exchange.read()
        await self._client.send({**BODY, "body": b"", "more_body": False})

    async def relay(self, relocated: Callable[[Fields], Fields]) -> None:
        """Where the client has left, nothing more is said."""
        send = self._client.send
        try:
            status, _, fields = await self._exchange.head()
        except EngineError as error:
            if self._client.has_left:
                return
            raise (self._client.body_error or error) from None
        headers = [
            (key.encode("latin-1"), value.encode("latin-1"))
            for key, value in sendable(status, relocated(fields))
        ]
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await self._body()
        except EngineError as error:
            # Returning without the answer's end makes the server break the connection.
            log_broken(self._name, error)
        except OSError:
            pass  # What servers raise once the client has left.


def has_websocket_routes(application: Any) -> bool:
    """Whether a router of Channels' is in it, with WebSockets of its own."""
    inside = application._inner if isinstance(application, ProxyApplication) else application
    return "websocket" in (_first_of(inside, "application_mapping") or ())


async def say(send: Send, status: int, fields: Fields, text: bytes) -> None:
    """What the client is told instead of an answer."""
    with contextlib.suppress(OSError):  # The client has left.
        headers = encoded(fields)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({**BODY, "body": text, "more_body": False})


def wrap(application: Any) -> Any:
    """`application` with the frontend's requests and WebSockets forwarded in front of it."""
    settings, problems = conf.read()
    if settings is None:
        raise ImproperlyConfigured("\n".join(problem.message for problem in problems))
    return ProxyApplication(application, settings) if settings.frontends else application


def get_asgi_application() -> Any:
    """In place of django.core.asgi's."""
    return wrap(get_django_application())
