"""The middleware: what is Django's goes on to Django, everything else to the frontend."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import cache, cached_property, partial
from typing import Any

from asgiref.sync import (
    SyncToAsync,
    async_to_sync,
    iscoroutinefunction,
    markcoroutinefunction,
    sync_to_async,
)
from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponseBase

from samesite_proxy import conf, shutdown
from samesite_proxy._engine import NO_UPGRADE, WEBSOCKET
from samesite_proxy.conf import Frontend
from samesite_proxy.proxy import neighbours, place, server_timing, targets
from samesite_proxy.proxy.routing import Routing
from samesite_proxy.proxy.rules import FEED
from samesite_proxy.sync import servers
from samesite_proxy.sync.environ import keep_server_path, upgrade_in
from samesite_proxy.sync.forwarder import Forwarder
from samesite_proxy.sync.servers import runserver
from samesite_proxy.types import Environ

logger = logging.getLogger("samesite_proxy")

shutdown.stop_engine_at_exit()


def _read_settings() -> conf.Settings:
    settings, problems = conf.read()
    if settings is None:
        lines = (f"({problem.id}) {problem.msg} {problem.hint}" for problem in problems)
        raise ImproperlyConfigured("\n".join(lines))
    if not settings.frontends:
        raise MiddlewareNotUsed('SAMESITE_PROXY["FRONTEND"] is None')
    return settings


@cache
def _say_once(text: str) -> None:
    logger.warning(text)


def _say_what_no_check_says(settings: conf.Settings) -> None:
    """What would surprise, where the application is not listed and so no system check runs."""
    if not apps.ready or apps.is_installed("samesite_proxy"):
        return
    in_debug, in_production = neighbours.below_static, neighbours.bypassed_at_all
    for problem in in_debug(settings) if settings.debug else in_production():
        if problem.id not in django_settings.SILENCED_SYSTEM_CHECKS:
            _say_once(f"({problem.id}) {problem.msg} {problem.hint}")


def _prepare(
    environ: Environ | None = None, scope: dict[str, Any] | None = None, **_: object
) -> None:
    """A receiver of request_started, which Django sends before it looks at the request; from its
    AsyncClient with neither.
    """
    if environ is not None:
        targets.settle(environ)
        runserver.settle_body(environ)
        keep_server_path(environ)
    if scope is not None:
        scope.update(targets.settled(scope))


def _is_run_for_a_loop() -> bool:
    """Whether a loop waits for this thread, as Django's does for sync middleware.

    A loop made for us alone would end with the answer's head, and leave its body without one.
    """
    loop = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
    return loop is not None and loop.is_running() and asyncio._get_running_loop() is None


class SameSiteProxyMiddleware:
    """One line in MIDDLEWARE, best the first. Settings: SAMESITE_PROXY."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._settings = settings = _read_settings()
        self.get_response = get_response
        self._routing = Routing(settings)
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        self._forwarder = Forwarder(settings, is_first=place.is_first())
        _say_what_no_check_says(settings)
        self._rows: Any = None
        if settings.debug:
            from samesite_proxy.feed import own  # Else there is none.

            own.keep()
            self._rows = own
        runserver.keep_targets()
        request_started.connect(_prepare, dispatch_uid="samesite_proxy")

    @cached_property
    def _async_forwarder(self) -> Any:
        from samesite_proxy.aio.forwarder import AsyncForwarder  # Under WSGI nobody uses it.

        return AsyncForwarder(self._settings)

    def _frontend_of(self, request: HttpRequest, upgrade: int = NO_UPGRADE) -> Frontend | None:
        """Whose `request` is, or who is told of one that nobody gets; None: Django's."""
        is_never_djangos = upgrade == WEBSOCKET or targets.has_refused(request)
        urlconf, script_name = (
            getattr(request, "urlconf", None),
            request.META.get("SCRIPT_NAME", ""),
        )
        found = self._routing.frontend_of(
            request.path_info, urlconf, script_name, is_never_djangos=is_never_djangos
        )
        if found is not None and self._settings.debug:
            server_timing.note_frontend(request, found, self._settings)
        return found

    def _showing(self, request: HttpRequest) -> Callable[[], Any] | None:
        """What answers in DEBUG a developer who looks at what was answered."""
        if not self._settings.debug or not request.path_info.startswith(FEED):
            return None
        from samesite_proxy.feed import page

        return page.answering(request, self._settings)

    def _is_awaited(self, request: HttpRequest) -> bool:
        """Whether an event loop serves `request`. Its class says so, and not the mode that Django
        gave us, which follows the middleware behind ours."""
        if isinstance(request, ASGIRequest):
            return self._is_async or _is_run_for_a_loop()
        return self._is_async and not isinstance(request, WSGIRequest)

    def _answering(self, request: HttpRequest) -> Callable[[], Any] | None:
        """What answers `request` in its server's way; None where it is Django's."""
        if (showing := self._showing(request)) is not None:
            return showing
        if self._is_awaited(request):
            frontend = self._frontend_of(request)
            if frontend is None:
                return None
            return partial(self._async_forwarder.answer, request, frontend)
        environ = request.META
        client = servers.client_socket(environ)
        if client is not None:
            servers.send_at_once(client)
        upgrade = upgrade_in(environ)
        found = self._frontend_of(request, upgrade)
        if found is None:
            return None
        return partial(self._forwarder.answer, request, found, client, upgrade)

    def _begin_row(self, request: HttpRequest) -> int:
        """In DEBUG, of what is Django's."""
        is_shown = self._rows and self._settings.are_in_force
        number: int = self._rows.begin(request) if is_shown else 0
        return number

    def _named(
        self, request: HttpRequest, response: HttpResponseBase, row: int
    ) -> HttpResponseBase:
        """Django's own answer, which in DEBUG says so."""
        if self._rows:
            server_timing.name_django(response)
            self._rows.follow(row, request, response)
        return response

    def _shown(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Any other, of which the engine may have seen nothing."""
        if self._rows:
            self._rows.follow_ours(request, response, self._settings)
        return response

    def __call__(self, request: HttpRequest) -> Any:
        if self._is_async:
            return self.__acall__(request)
        answer = self._answering(request)
        if answer is None:
            row = self._begin_row(request)
            return self._named(request, self.get_response(request), row)
        response = async_to_sync(answer)() if iscoroutinefunction(answer) else answer()
        return self._shown(request, response)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self._answering(request)
        if answer is None:
            row = self._begin_row(request)
            return self._named(request, await self.get_response(request), row)
        if iscoroutinefunction(answer):
            response: HttpResponseBase = await answer()
        else:  # On the thread that the WSGI server gave the request, which waits for us.
            response = await sync_to_async(answer, thread_sensitive=True)()
        return self._shown(request, response)
