"""What the door knows of a project: plain data, made where Django runs, read where the door is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from wsgiref.util import guess_scheme

from django.conf import settings as django_settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIHandler

from samesite_proxy import conf
from samesite_proxy._engine import Home, Routes, Upstream
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.fastpath import static_files
from samesite_proxy.proxy import errors, host_policy, place, rules
from samesite_proxy.proxy.allowed_hosts import host_under
from samesite_proxy.proxy.error_page import page_of
from samesite_proxy.proxy.incoming import Arrival
from samesite_proxy.proxy.redirects import home_of
from samesite_proxy.proxy.rules import FIRST_FRONTEND, Rule
from samesite_proxy.sync.forwarder import upstream_of
from samesite_proxy.wsgi import ProxyApplication

Plain = dict[str, Any]
View = tuple[str, str, str, str, str, bool, str]
Views = tuple[View, View, View]
Failures = dict[str, tuple[int, str, str]]
Place = tuple[Upstream, Home, Failures]

# Each may need a second descriptor, for a connection to a frontend.
MOST_CONNECTIONS = 4096

# Where Django serves in development, and how many names of ALLOWED_HOSTS the door is told of.
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
MOST_KNOWN_NAMES = 64
MOST_KNOWN_HOSTS = 256  # As csrc/engine/site.h has it.

# Of the settings, what the door's own part of the work is done by.
SETTINGS_OF_DOOR = (
    *("frontend_names", "connect_timeout", "response_timeout", "idle_timeout"),
    *("max_connections", "ca_file", "debug"),
)


def _application_in(handler: Any) -> Any:
    """What stands behind staticfiles' handler."""
    return handler.application if type(handler) is StaticFilesHandler else handler


def _reasons(handler: Any, settings: Settings | None) -> Iterator[str]:
    if settings is None:
        yield "SAMESITE_PROXY is wrong"
        return
    if not settings.frontends:
        yield 'SAMESITE_PROXY["FRONTEND"] is None'
    if not settings.are_in_force:
        yield 'this is a test, and SAMESITE_PROXY["IN_TESTS"] is not True'
    before = place.names_before()
    if before is None:
        yield "SameSiteProxyMiddleware is not in MIDDLEWARE"
    elif before:
        yield f"{before[0]}, before SameSiteProxyMiddleware, is meant to see every request"
    if type(_application_in(handler)) not in (WSGIHandler, ProxyApplication):
        yield "WSGI_APPLICATION is more than Django's handler, and is meant to see every request"
    if django_settings.USE_X_FORWARDED_HOST:
        yield "USE_X_FORWARDED_HOST is set, and only Django can tell a request's host"
    if django_settings.SECURE_PROXY_SSL_HEADER:
        yield "SECURE_PROXY_SSL_HEADER is set, and only Django can tell a request's scheme"
    if settings.trusted_networks or settings.trusts_unix:
        yield 'SAMESITE_PROXY["TRUSTED_PROXIES"] is set'


def reason_against(handler: Any, settings: Settings | None) -> str:
    """Why every request must pass through Django; "" where none must."""
    return next(_reasons(handler, settings), "")


def _rules(handler: Any, settings: Settings) -> list[Rule]:
    script_name = django_settings.FORCE_SCRIPT_NAME or ""
    known = [
        *rules.frontend_rules(settings.frontends),
        *rules.django_rules(settings, None, script_name),
    ]
    return static_files.rules_behind(handler, settings, known)


def frontends_first(handler: Any, settings: Settings | None) -> Any:
    """The handler that the server calls, for what the door leaves to it."""
    if settings is None or not settings.frontends or not settings.are_in_force:
        return handler
    if static_files.static_path(handler) is None:
        return handler
    routes = Routes(_rules(handler, settings))
    return static_files.FrontendsFirst(handler, lambda path: routes.match(path) >= FIRST_FRONTEND)


def table_of(handler: Any, settings: Settings | None) -> Plain:
    """The table; without rules everything is Django's."""
    if settings is None or reason_against(handler, settings):
        return {"rules": None, "frontends": [], "settings": {}}
    return {
        "rules": _rules(handler, settings),
        "frontends": [asdict(frontend) for frontend in settings.frontends],
        "settings": {name: getattr(settings, name) for name in SETTINGS_OF_DOOR},
    }


def settings_in(table: Plain) -> Settings:
    """The settings as far as the door needs them."""
    frontends = tuple(Frontend(**fields) for fields in table["frontends"])
    names = tuple(table["settings"].get("frontend_names", ()))
    return Settings(frontends, **{**table["settings"], "frontend_names": names})


def _failures_of(frontend: Frontend, *, debug: bool) -> Failures:
    return {
        code: (
            failure.status,
            failure.line(frontend),
            page_of(failure, frontend) if debug else "",
        )
        for code in errors.BY_CODE
        for failure in [errors.failure_by(code, frontend)]
    }


def arguments_of(table: Plain) -> tuple[Routes | None, Routes | None, list[str], list[Place]]:
    """What Listener.set_table takes."""
    if table["rules"] is None:
        return None, None, [], []
    settings = settings_in(table)
    routes = Routes([(text, kind, owner) for text, kind, owner in table["rules"]])
    own = Routes(rules.frontend_rules(settings.frontends))
    places = [
        (
            upstream_of(frontend, settings),
            home_of(frontend, settings),
            _failures_of(frontend, debug=settings.debug),
        )
        for frontend in settings.frontends
    ]
    return routes, own, list(host_policy.NEXT_DEV_PATHS), places


def _views_of(
    settings: Settings, sent: str, host: str, scheme: str
) -> list[list[host_policy.View]]:
    """Each frontend's view of an ordinary request, of one to a special path, of an upgrade."""
    fields = [("Host", sent)]
    arrivals = [
        Arrival(fields, "/", "", scheme, host),
        Arrival(fields, host_policy.NEXT_DEV_PATHS[0], "", scheme, host),
        Arrival(fields, "/", "", scheme, host, is_upgrade=True),
    ]
    return [
        [host_policy.view_of(settings, arrival, frontend) for arrival in arrivals]
        for frontend in settings.frontends
    ]


def refusal_of(sent: str) -> Plain:
    """The verdict on a Host value whose requests are all Django's."""
    return {"host": sent, "origin": "", "views": None}


def verdict_on(sent: str, server: tuple[str, int], settings: Settings) -> Plain:
    """Whether Django allows a Host value, sent to the server at this name and port."""
    scheme = guess_scheme(dict(os.environ))  # As wsgiref, which Django's own server is made of.
    try:
        host = host_under(scheme, server[0], str(server[1]), sent)
    except DisallowedHost:
        return refusal_of(sent)
    views = _views_of(settings, sent, host, scheme)
    return {"host": sent, "origin": f"{scheme}://{host}", "views": views}


def _names_allowed() -> list[str]:
    """What ALLOWED_HOSTS seems to name without a wildcard, or stands for where it is empty."""
    allowed = [name.removeprefix(".") for name in map(str, django_settings.ALLOWED_HOSTS)]
    names = dict.fromkeys([*LOCAL_NAMES, *allowed])
    return [name for name in names if name.isascii()][:MOST_KNOWN_NAMES]


def known_hosts_of(server: tuple[str, int], settings: Settings) -> Plain:
    """Hosts that the door need not ask about, and what all verdicts hang on beside the server."""
    verdicts = []
    for name in _names_allowed():
        for sent in (name, f"{name}:{server[1]}"):
            with contextlib.suppress(Exception):  # Then it is asked about, and logged.
                verdicts.append(verdict_on(sent, server, settings))
    return {
        "hosts": [verdict for verdict in verdicts if verdict["views"] is not None],
        "hosts_hang_on": repr((list(django_settings.ALLOWED_HOSTS), settings)),
    }


class Verdicts:
    """What Django has allowed; it outlives the process that said so, while its settings do."""

    def __init__(self) -> None:
        self._hang_on: str | None = None
        self._by_host: dict[str, Plain] = {}

    def note(self, verdict: Plain) -> None:
        if verdict["views"] is not None and len(self._by_host) < MOST_KNOWN_HOSTS:
            self._by_host[verdict["host"]] = verdict

    def under(self, plain: Plain) -> list[Plain]:
        """Those that hold under a new table."""
        hang_on = plain.get("hosts_hang_on")
        if hang_on is None or hang_on != self._hang_on:
            self._by_host.clear()
        self._hang_on = hang_on
        for verdict in plain.get("hosts", ()):
            self.note(verdict)
        return list(self._by_host.values())


def views_in(verdict: Plain) -> list[Views] | None:
    """The views as Listener.add_host takes them."""
    if verdict["views"] is None:
        return None
    return [
        (tuple(ordinary), tuple(special), tuple(upgrade))
        for ordinary, special, upgrade in verdict["views"]
    ]


def most_connections() -> int:
    """How many clients may be connected at once."""
    return conf.parse_max_connections(MOST_CONNECTIONS)
