"""System checks: settings that cannot work, and projects that would surprise their authors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Info, Warning

from samesite_proxy import conf, routing

MIDDLEWARE = "samesite_proxy.middleware.SameSiteProxyMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def _place_in_middleware() -> Iterator[CheckMessage]:
    names = list(django_settings.MIDDLEWARE)
    if MIDDLEWARE not in names:
        yield Info(
            "samesite_proxy is in INSTALLED_APPS, but its middleware is not in MIDDLEWARE.",
            hint=f'Put "{MIDDLEWARE}" first in MIDDLEWARE.',
            id="samesite_proxy.I002",
        )
        return
    before = names[: names.index(MIDDLEWARE)]
    if before:
        yield Info(
            f"{len(before)} middleware before SameSiteProxyMiddleware see and may change every"
            " frontend request and answer, and cost their time.",
            hint="Put SameSiteProxyMiddleware first, unless they are meant to.",
            id="samesite_proxy.I001",
        )
    if LOGIN_REQUIRED in names:
        yield Warning(
            "LoginRequiredMiddleware does not protect the frontend: it acts on views, and a"
            " forwarded request reaches none.",
            hint="Gate the frontend with a middleware of your own before SameSiteProxyMiddleware.",
            id="samesite_proxy.W003",
        )


def _settings_in_use(settings: conf.Settings) -> Iterator[CheckMessage]:
    if settings.max_connections < conf.SMALL_POOL:
        yield Warning(
            f"At most {settings.max_connections} connections to the frontend fit into this"
            ' process\'s descriptors and SAMESITE_PROXY["MAX_CONNECTIONS"].',
            hint="Raise the limit of open files (ulimit -n 4096).",
            id="samesite_proxy.W001",
        )
    if settings.django_paths is None and (route := routing.catch_all_route()) is not None:
        yield Warning(
            routing.catch_all_message(route),
            hint=routing.CATCH_ALL_HINT,
            id="samesite_proxy.W002",
        )


def check_project(app_configs: Any = None, **_: object) -> list[CheckMessage]:
    """Everything that can be said before the first request."""
    settings, problems = conf.read()
    if settings is None:
        return [Error(problem.message, hint=problem.hint, id=problem.id) for problem in problems]
    if not settings.frontends:
        return []
    return [*_settings_in_use(settings), *_place_in_middleware()]
