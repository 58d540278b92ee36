"""Forwarding on a WSGI server's thread: one request to the frontend, its answer back."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase

from samesite_proxy import failures, servers
from samesite_proxy._engine import CHUNKED, NO_BODY, EngineError, Exchange, Upstream
from samesite_proxy.conf import LOOPBACK_NAMES, Frontend, Settings
from samesite_proxy.failures import Failure
from samesite_proxy.forwarding import Fields, Forwarding, LengthRefused, body_length_of, target_of
from samesite_proxy.responses import FrontendResponse, Relocation, body_of, failure_of, refusal

NEVER_FORWARDED = frozenset({"CONNECT", "TRACE"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1


class Refused(Exception):
    """The request is answered here, by this failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def _upstream_of(frontend: Frontend, settings: Settings) -> Upstream:
    limit = servers.response_timeout_limit()
    response_timeout = min(settings.response_timeout, limit or settings.response_timeout)
    return Upstream(
        frontend.url,
        frontend.unix_socket,
        settings.ca_file,
        not (settings.debug and frontend.name in LOOPBACK_NAMES),
        (settings.connect_timeout, response_timeout, settings.idle_timeout),
        settings.max_connections,
    )


def _host_of(request: HttpRequest) -> str:
    """Standing first, nothing else enforces ALLOWED_HOSTS."""
    try:
        return request.get_host()
    except DisallowedHost as error:
        raise Refused(failures.HOST_REFUSED) from error


def _length_of(request: HttpRequest) -> int:
    """The body's length, or why this request's body cannot be forwarded."""
    environ = request.META
    try:
        length = body_length_of(environ)
    except LengthRefused as error:
        raise Refused(failures.LENGTH_REFUSED) from error
    if length == NO_BODY:
        return length
    if request.method == "HEAD" and length != 0:
        raise Refused(failures.BODY_WITH_HEAD)
    if length == CHUNKED and servers.loses_chunked_bodies(environ):
        raise Refused(failures.BODY_LOST)
    was_read = getattr(request, "_read_started", False)
    if length > 0 and was_read and not hasattr(request, "_body"):
        raise Refused(failures.BODY_TAKEN)
    return length


def _pieces(
    request: HttpRequest, length: int, exchange: Exchange, client: socket.socket | None
) -> Iterator[bytes]:
    was_read = length > 0 and hasattr(request, "_body")
    if was_read or "wsgi.input" not in request.META:  # Read before us, or Django's test client.
        yield request.body
    else:
        yield from servers.body_pieces(request.META, exchange, client)


def _send_body(
    request: HttpRequest, length: int, exchange: Exchange, client: socket.socket | None
) -> None:
    """Until the end, or until the frontend's early answer says that it wants no more."""
    try:
        if all(exchange.send(piece) for piece in _pieces(request, length, exchange, client)):
            exchange.end()
    except servers.BodyBroken as error:
        exchange.cancel()
        raise Refused(failures.BODY_BROKEN) from error


def _then_discard(
    body: Iterator[bytes], environ: dict[str, Any], client: socket.socket | None
) -> Iterator[bytes]:
    yield from body
    servers.discard_body(environ, client)


def _or_reset(body: Iterator[bytes], client: socket.socket) -> Iterator[bytes]:
    """A close may be the end of a body without a length; the end of this process must not be."""
    servers.end_by_reset(client, True)
    yield from body
    servers.end_by_reset(client, False)


def _has_length(fields: Fields) -> bool:
    return any(name.lower() == "content-length" for name, _ in fields)


class Forwarder:
    """Forwards by one set of settings; used by any number of threads."""

    def __init__(self, settings: Settings) -> None:
        self._forwarding = Forwarding(settings)
        self._relocation = Relocation(settings)
        # Made at first use, so that each worker of a server that forks knows its own limits.
        self._upstream = functools.cache(lambda frontend: _upstream_of(frontend, settings))

    def _forward(
        self, request: HttpRequest, frontend: Frontend, client: socket.socket | None
    ) -> HttpResponseBase:
        environ = request.META
        host = _host_of(request)
        if request.method in NEVER_FORWARDED:
            raise Refused(failures.METHOD_REFUSED)
        if request.method not in SAFE and servers.may_have_lost_head(environ, client):
            raise Refused(failures.HEAD_BROKEN)
        length = _length_of(request)
        fields = self._forwarding.fields(environ, frontend, request.scheme or "http", host)
        exchange = self._upstream(frontend).request(
            environ["REQUEST_METHOD"],
            target_of(environ),
            fields,
            length,
            servers.descriptor_of(client),
        )
        if length not in (NO_BODY, 0):
            _send_body(request, length, exchange, client)
        status, reason, answered = exchange.head()
        body = body_of(exchange, client, environ, f"{request.method} {request.path}")
        if client is not None and not _has_length(answered):
            body = _or_reset(body, client)
        if length not in (NO_BODY, 0):
            body = _then_discard(body, environ, client)
        located = self._relocation.fields(answered, frontend, request)
        return FrontendResponse(status, reason, located, body)

    def answer(
        self, request: HttpRequest, frontend: Frontend, client: socket.socket | None
    ) -> HttpResponseBase:
        """The frontend's answer to `request`, or the line that says why there is none."""
        try:
            return self._forward(request, frontend, client)
        except Refused as refused:
            failure = refused.failure
        except UnicodeEncodeError:
            failure = failures.BY_CODE["request-invalid"]
        except EngineError as error:
            failure = failure_of(error)
        return self.refuse(failure, frontend, request, client)

    def refuse(
        self,
        failure: Failure,
        frontend: Frontend | None,
        request: HttpRequest,
        client: socket.socket | None,
    ) -> HttpResponseBase:
        """One line of text; what the client still sends is read away."""
        response = refusal(failure, frontend, request)
        if client is None:
            return response
        if failure in (failures.BODY_LOST, failures.LENGTH_REFUSED):
            closers: list[Callable[[], None]] = response._resource_closers  # type: ignore[attr-defined]
            closers.append(lambda: servers.linger(client))
        else:
            response.streaming_content = _then_discard(iter(response), request.META, client)
        return response
