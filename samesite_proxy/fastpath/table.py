"""What the listener knows of a project: plain data, made where Django runs, read where it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any
from wsgiref.util import guess_scheme

from django.conf import settings as django_settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler

from samesite_proxy._engine import OwnAddresses, Routes, Upstream
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import now_at
from samesite_proxy.fastpath import static_files
from samesite_proxy.proxy import allowed_hosts, errors, host_policy, place, rules, server_timing
from samesite_proxy.proxy.error_page import in_every_form
from samesite_proxy.proxy.errors import Failure
from samesite_proxy.proxy.outgoing import upstream_of
from samesite_proxy.proxy.redirects import own_addresses_of
from samesite_proxy.proxy.rules import DJANGO, FEED, FIRST_FRONTEND, STARTS, Rule
from samesite_proxy.proxy.upstreams import Known
from samesite_proxy.wsgi import WSGIProxy

Plain = dict[str, Any]
Failures = dict[str, tuple[int, str, str, str]]
Place = tuple[Upstream, OwnAddresses, Failures, str]

# What is known of a frontend that answers at another port than FRONTEND's.
Elsewhere = Callable[[Frontend], str]

# Of the settings, what the listener's own part of the work is done by.
SETTINGS_OF_LISTENER = (
    *("frontend_names", "connect_timeout", "response_timeout", "idle_timeout"),
    *("max_connections", "ca_file", "host_header", "allows_any_host"),
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
    if type(_application_in(handler)) not in (WSGIHandler, WSGIProxy):
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


def _without_folders(known: list[Rule], frontends: tuple[Frontend, ...]) -> list[Rule]:
    """The same with a folder's paths as Django's, where the middleware answers them."""
    folders = {
        FIRST_FRONTEND + index
        for index, frontend in enumerate(frontends)
        if frontend.folder is not None
    }
    return [(text, kind, DJANGO if owner in folders else owner) for text, kind, owner in known]


def frontends_first(handler: Any, settings: Settings | None) -> Any:
    """The handler that the server calls, for what the listener leaves to it."""
    if settings is None or not settings.frontends or not settings.are_in_force:
        return handler
    if static_files.static_path(handler) is None:
        return handler
    routes = Routes(_rules(handler, settings))
    return static_files.FrontendsFirst(handler, lambda path: routes.match(path) >= FIRST_FRONTEND)


def scheme_of_server() -> str:
    """As wsgiref, which Django's own server is made of, finds it."""
    return guess_scheme(dict(os.environ))


def table_of(handler: Any, settings: Settings | None) -> Plain:
    """The table; without rules everything is Django's."""
    words = {
        "debug": django_settings.DEBUG,
        "own_page": settings.own_page if settings is not None else "",
    }
    if settings is None or reason_against(handler, settings):
        return {"rules": None, "frontends": [], "settings": {}, "hosts": None, "scheme": ""} | words
    return words | {
        "rules": [
            *([(FEED, STARTS, DJANGO)] if settings.debug else []),
            *_without_folders(_rules(handler, settings), settings.frontends),
        ],
        "frontends": [asdict(frontend) for frontend in settings.frontends],
        "settings": {name: getattr(settings, name) for name in SETTINGS_OF_LISTENER},
        "hosts": allowed_hosts.patterns(),
        "scheme": scheme_of_server(),
    }


def settings_in(table: Plain) -> Settings:
    """The settings as far as the listener needs them."""
    frontends = tuple(Frontend(**fields) for fields in table["frontends"])
    names = tuple(table["settings"].get("frontend_names", ()))
    known = {**table["settings"], "frontend_names": names}
    known |= {"debug": table["debug"], "own_page": table["own_page"]}
    return Settings(now_at(frontends), **known)


def _nothing(_: Frontend) -> str:
    return ""


def _failures_of(frontend: Frontend, settings: Settings, elsewhere: Elsewhere) -> Failures:
    beside = elsewhere(frontend)
    return {
        code: in_every_form(errors.failure_by(code, frontend, beside), frontend, settings)
        for code in errors.BY_CODE
    }


OwnWords = tuple[Failures, dict[int, str]]


def own_words_of(table: Plain | None) -> OwnWords:
    """What Listener.set_words takes. A project that is not known may be in DEBUG; nothing of it is
    in these words.
    """
    settings = Settings((), debug=True)
    if table is not None:
        settings = Settings((), debug=table["debug"], own_page=table["own_page"])
    unread = () if settings.debug else errors.STATUSES_OF_UNREAD
    return (
        {
            name: in_every_form(failure, None, settings)
            for name, failure in errors.OF_THE_DOOR.items()
        },
        {status: in_every_form(Failure(status, ""), None, settings)[1] for status in unread},
    )


IS_BACK = "is-back"  # beside the failures' codes


Sentences = dict[str, dict[str, str]]  # of each frontend by its prefix, by code and IS_BACK


def sentences_of(table: Plain, elsewhere: Elsewhere = _nothing) -> Sentences:
    """The log's words, which no visitor sees."""
    if table["rules"] is None:
        return {}
    return {
        frontend.prefix: {
            code: errors.failure_by(code, frontend, elsewhere(frontend)).sentence(frontend)
            for code in errors.BY_CODE
        }
        | {IS_BACK: errors.IS_BACK.format(address=frontend.address)}
        for frontend in settings_in(table).frontends
    }


Arguments = tuple[Routes | None, Routes | None, list[str], list[Place], bool]

NOTHING: Arguments = (None, None, [], [], True)  # Everything is Django's.


def arguments_of(table: Plain, elsewhere: Elsewhere = _nothing) -> Arguments:
    """What Listener.set_table takes."""
    if table["rules"] is None:
        return NOTHING
    settings = settings_in(table)
    routes = Routes([(text, kind, owner) for text, kind, owner in table["rules"]])
    listed = rules.frontend_rules(settings.frontends)
    own = Routes(_without_folders(listed, settings.frontends))
    places = [
        (
            upstream_of(frontend, settings),
            own_addresses_of(frontend, settings),
            _failures_of(frontend, settings, elsewhere),
            server_timing.line_of(frontend) if settings.debug else "",
        )
        for frontend in settings.frontends
    ]
    return routes, own, list(host_policy.NEXT_DEV_PATHS), places, table["hosts"] is None


def upstreams_in(table: Plain, arguments: Arguments) -> Known:
    """The frontends of a table, as the engine has been told of them."""
    now, (*_, places, _) = settings_in(table).frontends, arguments
    return {each: upstream for each, (upstream, *_) in zip(now, places, strict=False)}
