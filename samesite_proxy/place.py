"""Where our middleware stands in MIDDLEWARE, which Django takes as any sequence of names."""

from __future__ import annotations

from django.conf import settings as django_settings

NAME = "samesite_proxy.middleware.SameSiteProxyMiddleware"


def names_before() -> list[str] | None:
    """What stands before ours; None: ours is not there."""
    names = list(django_settings.MIDDLEWARE)
    return names[: names.index(NAME)] if NAME in names else None


def is_first() -> bool:
    """Nothing else is meant to see every request."""
    return names_before() == []
