"""System checks: settings that cannot work, and projects that would surprise their authors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Info, Warning
from django.urls import get_resolver

from samesite_proxy import conf
from samesite_proxy.fastpath import base_command
from samesite_proxy.proxy import neighbours, place, rules

TELEMETRY = "opentelemetry."
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def _hint_on(before: list[str], unasked: list[str]) -> str:
    """What to do about middleware that nobody wants before ours."""
    if not all(name.startswith(TELEMETRY) for name in unasked):
        return "Put SameSiteProxyMiddleware first, unless they are meant to."
    position = 1 + sum(not name.startswith(TELEMETRY) for name in before)
    return (
        "OpenTelemetry has put itself there: set OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION="
        f"{position} in the environment, and it stands behind."
    )


def _place_in_middleware(settings: conf.Settings) -> Iterator[CheckMessage]:
    before = place.names_before()
    if before is None:
        yield Info(
            "samesite_proxy is in INSTALLED_APPS, but its middleware is not in MIDDLEWARE.",
            hint=f'Put "{place.NAME}" first in MIDDLEWARE.',
            id="samesite_proxy.I002",
        )
        return
    are_listed = settings.django_paths is not None
    unasked = [
        name
        for name in before
        if not neighbours.is_wanted_before(name, paths_are_listed=are_listed)
    ]
    if unasked:
        yield Info(
            f"{len(unasked)} middleware before SameSiteProxyMiddleware see and may change every"
            " frontend request and answer, and cost their time.",
            hint=_hint_on(before, unasked),
            id="samesite_proxy.I001",
        )
    if LOGIN_REQUIRED in django_settings.MIDDLEWARE:
        yield Warning(
            "LoginRequiredMiddleware does not protect the frontend: it acts on views, and a"
            " forwarded request reaches none.",
            hint="Gate the frontend with a middleware of your own before SameSiteProxyMiddleware.",
            id="samesite_proxy.W003",
        )


def _place_in_applications() -> Iterator[CheckMessage]:
    if (other := base_command.in_place_of_ours()) is not None:
        yield Warning(
            f"samesite_proxy stands below {other} in INSTALLED_APPS, so that {other}'s runserver"
            " is used, and the fast path is off.",
            hint=f'Put "samesite_proxy" before "{other}": its runserver is kept, and wrapped.',
            id="samesite_proxy.W004",
        )


def _asked_routes() -> Iterator[str]:
    """Routes of which only Django's resolver can tell whether a path is theirs, any path."""
    for entry, rule in rules.rules_of(get_resolver().url_patterns, "/"):
        if rule == ("/", rules.STARTS, rules.ASK):
            yield str(entry.pattern)


def _taking(settings: conf.Settings) -> Any:
    """The route that leaves the frontend no page, found as requests find it."""
    script_name = django_settings.FORCE_SCRIPT_NAME or ""
    if not rules.may_be_any_path(rules.django_rules(settings, None, script_name)):
        return None
    from samesite_proxy.proxy import routing  # With the engine, that few projects need for this.

    return routing.table_of(settings, None, script_name).taking()


def _routes(settings: conf.Settings) -> Iterator[CheckMessage]:
    if settings.django_paths is not None:
        return
    if (taking := _taking(settings)) is not None:
        yield Warning(
            taking.message,
            hint=taking.hint,
            id="samesite_proxy.W006" if taking.leaves_files else "samesite_proxy.W002",
        )
    elif (route := next(_asked_routes(), None)) is not None:
        yield Info(
            f"The route {route!r} may match any path, so that every frontend request passes through"
            " Django, which is asked: no fast path.",
            hint="Begin it with a literal, or list what is Django's: SAMESITE_PROXY ="
            ' {"DJANGO_PATHS": ["/api", "/admin"]}.',
            id="samesite_proxy.I003",
        )


def _static_files(settings: conf.Settings) -> Iterator[CheckMessage]:
    if base_command.in_place_of_ours() is not None or base_command.is_ours_of_asgi():
        yield from neighbours.below_static(settings)


def _folders(settings: conf.Settings) -> Iterator[CheckMessage]:
    folders = [frontend.folder for frontend in settings.frontends if frontend.folder is not None]
    if not folders:
        return
    from samesite_proxy.built.pages import is_built  # Most frontends are servers.

    for folder in folders:
        trouble, hint = "has no index.html", "Build the frontend: npm run build."
        try:
            if is_built(folder):
                continue
        except OSError as error:
            trouble = f"cannot be read ({error.strerror})"
            hint = "Let the user that Django runs as read it, and what it is in: chmod -R a+rX."
        yield Warning(
            f"The folder {folder} in FRONTEND {trouble}, and its pages are answered with 503.",
            hint=hint,
            id="samesite_proxy.W009",
        )


def _settings_in_use(settings: conf.Settings) -> Iterator[CheckMessage]:
    if settings.max_connections < conf.SMALL_POOL:
        yield Warning(
            f"At most {settings.max_connections} connections to the frontend fit into this"
            ' process\'s descriptors and SAMESITE_PROXY["MAX_CONNECTIONS"].',
            hint="Raise the limit of open files (ulimit -n 4096).",
            id="samesite_proxy.W001",
        )


def check_project(app_configs: Any = None, **_: object) -> list[CheckMessage]:
    """Everything that can be said before the first request."""
    settings, problems = conf.read()
    if settings is None:
        return list(problems)
    if not settings.frontends:
        return []
    return [
        *_settings_in_use(settings),
        *_folders(settings),
        *_routes(settings),
        *_place_in_middleware(settings),
        *neighbours.bypassed(),
        *neighbours.too_late(settings),
        *_place_in_applications(),
        *_static_files(settings),
    ]


def check_deployment(app_configs: Any = None, **_: object) -> list[CheckMessage]:
    """What counts in production alone: manage.py check --deploy."""
    settings, _problems = conf.read()
    if settings is None or not settings.frontends:
        return []
    return list(neighbours.bypassed_in_deployment())
