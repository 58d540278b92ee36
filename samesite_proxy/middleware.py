"""The middleware: what is Django's goes on to Django, everything else to the frontend."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401  Its hook at exit waits for threads; ours wakes them.
import sys
import threading
from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponseBase

from samesite_proxy import _engine, conf, failures, forwarding, servers
from samesite_proxy.forwarder import Forwarder
from samesite_proxy.routing import Routing

threading._register_atexit(_engine.stop)  # type: ignore[attr-defined]


def _is_built_for_asgi() -> bool:
    """Django tells a middleware only that its handler is asynchronous, as in AsyncClient."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if isinstance(frame.f_locals.get("self"), ASGIHandler):
            return True
    return False


def _read_settings() -> conf.Settings:
    settings, problems = conf.read()
    if settings is None:
        lines = (f"({problem.id}) {problem.message} {problem.hint}" for problem in problems)
        raise ImproperlyConfigured("\n".join(lines))
    if not settings.frontends:
        raise MiddlewareNotUsed('SAMESITE_PROXY["FRONTEND"] is None')
    if _is_built_for_asgi():
        raise ImproperlyConfigured(
            "SameSiteProxyMiddleware works under WSGI only; serve this project with runserver,"
            " gunicorn or another WSGI server."
        )
    return settings


class SameSiteProxyMiddleware:
    """One line in MIDDLEWARE, best the first. Settings: SAMESITE_PROXY."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        settings = _read_settings()
        self.get_response = get_response
        self._routing = Routing(settings)
        self._forwarder = Forwarder(settings)
        request_started.connect(forwarding.keep_server_path, dispatch_uid="samesite_proxy")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        environ = request.META
        client = servers.client_socket(environ)
        if client is not None:
            servers.send_at_once(client)
        if forwarding.is_upgrade(environ):
            return self._forwarder.refuse(failures.UPGRADE_REFUSED, None, request, client)
        urlconf = getattr(request, "urlconf", None)
        script_name = environ.get("SCRIPT_NAME", "")
        frontend = self._routing.frontend_of(request.path_info, urlconf, script_name)
        if frontend is None:
            return self.get_response(request)
        return self._forwarder.answer(request, frontend, client)
