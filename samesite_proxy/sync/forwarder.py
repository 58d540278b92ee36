"""Forwarding on a WSGI server's thread: one request to the frontend, its answer back."""

from __future__ import annotations

import functools
import socket
from typing import TYPE_CHECKING

from django.http import HttpRequest

from samesite_proxy._engine import NO_UPGRADE, TUNNEL, WEBSOCKET, EngineError
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import where_now
from samesite_proxy.proxy import errors, refusals, server_timing
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.failures import NoAnswer, failure_of, note_answer, refusal
from samesite_proxy.proxy.host_policy import view_of
from samesite_proxy.proxy.incoming import SAFE, SWITCHING_PROTOCOLS, incoming_of, value_of
from samesite_proxy.proxy.outgoing import Forwarding
from samesite_proxy.proxy.redirects import Relocation
from samesite_proxy.proxy.response import FrontendResponse, StreamedResponse, is_event_stream
from samesite_proxy.proxy.upstreams import Upstreams, has_moved
from samesite_proxy.sync import servers
from samesite_proxy.sync.answer import (
    adopted,
    and_read_no_more,
    frontend_body,
    or_reset,
    refusal_body,
)
from samesite_proxy.sync.environ import body_length_of, received_in, target_of
from samesite_proxy.sync.exchange import Exchange
from samesite_proxy.sync.gevent import start_exchange
from samesite_proxy.sync.servers import gunicorn, runserver, werkzeug
from samesite_proxy.sync.takeover import can_adopt
from samesite_proxy.sync.upload import Upload, upload_of
from samesite_proxy.types import Fields

if TYPE_CHECKING:
    from samesite_proxy.sync.built import BuiltFrontend


def _is_event_stream(request: HttpRequest, status: int, fields: Fields) -> bool:
    """An open stream of events, which would hold a worker for ever."""
    content_type = value_of(fields, "content-type") or ""
    return is_event_stream(content_type) and status == 200 and request.method == "GET"


def _may_switch(client: socket.socket | None, upgrade: int) -> bool:
    """Whether the frontend is offered a protocol. A server need not heed Upgrade (RFC 9110, 7.8),
    but there is no WebSocket without it.
    """
    is_possible = client is not None and can_adopt(client)
    if upgrade == WEBSOCKET and not is_possible:
        raise Refused(errors.UPGRADE_REFUSED)
    return upgrade != NO_UPGRADE and is_possible


def _length_of(request: HttpRequest) -> int:
    length = body_length_of(request.META)
    if length > 0:
        refusals.refuse_taken(request)
    return length


def _failure_with(upload: Upload | None, error: EngineError) -> Exception:
    broken = upload.broken() if upload else None
    if isinstance(broken, servers.BodyBroken):
        return Refused(errors.BODY_BROKEN)
    return broken or error


def _head_of(exchange: Exchange, upload: Upload | None) -> tuple[int, str, Fields]:
    try:
        return exchange.head()
    except EngineError as error:
        # Kept by no name: it knows this frame, and so the exchange, which ends when all let go.
        raise server_timing.of_row(_failure_with(upload, error), exchange.row) from None


class Forwarder:
    """Forwards by one set of settings; used by any number of threads."""

    def __init__(self, settings: Settings, is_first: bool) -> None:
        self._settings = settings
        self._is_first = is_first
        self._forwarding = Forwarding(settings)
        self._relocation = Relocation(settings)
        self._upstreams = Upstreams(settings, gunicorn.response_timeout_limit)
        self._files = functools.cache(self._files_of)

    def _files_of(self, frontend: Frontend) -> BuiltFrontend:
        from samesite_proxy.sync.built import BuiltFrontend  # Most frontends are servers.

        return BuiltFrontend(frontend)

    def _forward(
        self, request: HttpRequest, frontend: Frontend, client: socket.socket | None, upgrade: int
    ) -> StreamedResponse:
        environ = request.META
        incoming = incoming_of(request, received_in(environ), is_upgrade=upgrade == WEBSOCKET)
        if request.method not in SAFE and runserver.may_have_lost_head(environ, client):
            raise Refused(errors.HEAD_BROKEN)
        length = TUNNEL if _may_switch(client, upgrade) else _length_of(request)
        view = view_of(self._settings, incoming, frontend)
        fields = self._forwarding.fields(incoming, view)
        exchange = start_exchange(
            self._upstreams.at(frontend),
            environ["REQUEST_METHOD"],
            target_of(environ),
            fields,
            length,
            servers.descriptor_of(client),
        )
        upload = upload_of(request, length, exchange, client)
        status, reason, answered = _head_of(exchange, upload)
        note_answer(frontend)
        if client and status == SWITCHING_PROTOCOLS:
            return adopted(status, reason, answered, exchange, client, request)
        fields = self._relocation.fields(answered, frontend, incoming.origin, view.alias_host)
        if self._settings.debug:
            fields = server_timing.behind(fields, frontend)
        is_free = client is not None and can_adopt(client) and self._is_first
        is_read = upload is None or upload.is_over()
        if client and is_free and is_read and _is_event_stream(request, status, fields):
            return adopted(status, reason, fields, exchange, client, request)
        body = frontend_body(exchange, client, environ, f"{request.method} {request.path}")
        if client is not None and value_of(answered, "content-length") is None:
            body = or_reset(body, client)
        if upload is not None:
            body = upload.before_end(body, lambda: runserver.discard_body(environ, client))
        if client is not None and werkzeug.serves(environ):
            body = and_read_no_more(body, client)
        return FrontendResponse(status, reason, werkzeug.without_its_own(environ, fields), body)

    def answer(
        self, request: HttpRequest, frontend: Frontend, client: socket.socket | None, upgrade: int
    ) -> StreamedResponse:
        """The frontend's answer to `request`, or the line that says why there is none."""
        try:
            if frontend.folder is not None:
                response = self._files(frontend).answer(request, client, upgrade)
                if self._settings.debug:
                    server_timing.name_folder(response, frontend)
                return response
            return self._forward(request, frontend, client, upgrade)
        except NoAnswer as error:
            frontend = where_now(frontend)
            if has_moved(error):
                return self.answer(request, frontend, client, upgrade)
            own_port = request.META.get("SERVER_PORT", "")
            failure = failure_of(error, frontend, self._settings, own_port)
            if self._settings.debug:
                server_timing.note_refusal(request, error)
        body_of = functools.partial(refusal_body, failure, request.META, client)
        return refusal(failure, frontend, request, body_of, settings=self._settings)
