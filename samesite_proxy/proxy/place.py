"""Where our middleware stands in MIDDLEWARE, which Django takes as any sequence of names."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.utils.module_loading import import_string

NAME = "samesite_proxy.middleware.SameSiteProxyMiddleware"


def names_before() -> list[str] | None:
    """What stands before ours; None: ours is not there."""
    names = list(django_settings.MIDDLEWARE)
    return names[: names.index(NAME)] if NAME in names else None


def is_listed() -> bool:
    return names_before() is not None


def names_after() -> list[str]:
    """What never sees a frontend's request."""
    before = names_before()
    return [] if before is None else list(django_settings.MIDDLEWARE)[len(before) + 1 :]


def is_first() -> bool:
    """Nothing else is meant to see every request."""
    return names_before() == []


def imported(name: str) -> Any:
    """The middleware of this name; None: it cannot be imported, as Django says itself."""
    try:
        return import_string(name)
    except Exception:
        return None


def static_path() -> str:
    """Below which staticfiles' own runserver answers before all middleware; "": nowhere."""
    is_known = "STATIC_URL" in vars(django_settings)
    static = str(django_settings.STATIC_URL or "")  # It may be a lazy one.
    if not is_known:  # Django keeps it as it is first seen, and a request has its script's name.
        vars(django_settings).pop("STATIC_URL", None)
    is_local = static.startswith("/") and not static.startswith("//")
    is_served = django_settings.DEBUG and apps.is_installed("django.contrib.staticfiles")
    return static if is_local and is_served else ""
