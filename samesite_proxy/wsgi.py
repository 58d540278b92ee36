"""The WSGI application: one changed import in wsgi.py.

In front of Django's own handler, so that a frontend's request costs nothing of Django's: no
signals, no request with its query and cookies, no middleware. Only where ours stands first: what
stands before it is meant to see every request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from django.core.handlers.wsgi import get_path_info, get_script_name
from django.core.wsgi import get_wsgi_application as get_django_application
from django.http import HttpRequest

from samesite_proxy import conf
from samesite_proxy._engine import WEBSOCKET
from samesite_proxy.proxy import place, server_timing, targets
from samesite_proxy.proxy.allowed_hosts import HostOf, known_hosts
from samesite_proxy.proxy.routing import Routing
from samesite_proxy.sync import servers
from samesite_proxy.sync.environ import keep_server_path, upgrade_in
from samesite_proxy.sync.forwarder import Forwarder
from samesite_proxy.sync.servers import runserver
from samesite_proxy.types import Environ, Fields

StartResponse = Callable[[str, Fields], Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class EnvironRequest(HttpRequest):
    """As much of a request as the forwarder asks of one."""

    def __init__(
        self, environ: Environ, path_info: str, script_name: str, host_of: HostOf | None
    ) -> None:
        # Not HttpRequest's, which makes what nobody reads here.
        environ["SCRIPT_NAME"] = script_name
        self.META = environ
        self.method = environ["REQUEST_METHOD"].upper()
        self.path_info = path_info
        self.path = f"{script_name.rstrip('/')}/{path_info.removeprefix('/')}"
        self._host_of = host_of

    def _get_scheme(self) -> str:
        scheme: str = self.META["wsgi.url_scheme"]
        return scheme

    def get_host(self) -> str:
        if self._host_of is None:
            return super().get_host()
        environ = self.META
        server = environ["SERVER_NAME"], environ["SERVER_PORT"]
        return self._host_of(environ["wsgi.url_scheme"], *server, environ.get("HTTP_HOST"))


class WSGIProxy:
    """Forwards what is the frontend's; the rest is Django's."""

    def __init__(self, django: Application, settings: conf.Settings) -> None:
        self._django = django
        self._routing = Routing(settings)
        self._forwarder = Forwarder(settings, is_first=True)
        self._host_of = known_hosts()
        self._settings = settings

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        targets.settle(environ)
        runserver.settle_body(environ)
        path, script_name = get_path_info(environ) or "/", get_script_name(environ)
        upgrade = upgrade_in(environ)
        frontend = self._routing.frontend_before_django(
            path, script_name, is_never_djangos=upgrade == WEBSOCKET or targets.is_refused(environ)
        )
        if frontend is None:
            return self._django(environ, start_response)
        client = servers.client_socket(environ)
        if client is not None:
            servers.send_at_once(client)
        keep_server_path(environ)
        request = EnvironRequest(environ, path, script_name, self._host_of)
        if self._settings.debug:
            server_timing.note_frontend(request, frontend, self._settings)
        response = self._forwarder.answer(request, frontend, client, upgrade)
        # Not itself: Django's close() ends a request of Django's.
        body = cast(Iterable[bytes], response.body)
        if self._settings.debug:
            from samesite_proxy.feed import own  # Else there is none.

            own.follow_ours(request, response, self._settings)
            body = own.ClosedWith(request, body)
        status = f"{response.status_code} {response.reason_phrase}"
        start_response(status, list(response.items()))
        return body


def get_wsgi_application() -> Application:
    """In place of django.core.wsgi's."""
    # Which refuses settings that are wrong. An HttpResponse is what it returns, and iterable.
    django = cast(Application, get_django_application())
    settings, _ = conf.read()
    if not place.is_first() or settings is None or not settings.frontends:
        return django
    return WSGIProxy(django, settings)
