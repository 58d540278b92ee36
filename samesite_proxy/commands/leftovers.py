"""What was needed while the browser saw two origins, and now is in the way: Django's settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from django.apps import apps
from django.conf import settings as django_settings

from samesite_proxy.commands.findings import NOTE, WRONG, Finding
from samesite_proxy.conf import Frontend
from samesite_proxy.machine import sockets

CORS_APP = "corsheaders"
COOKIES = ("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE")
SECURE_COOKIES = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
_DEV_ORIGIN = re.compile(r"http://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(\d+)")


def _cors() -> Iterator[Finding]:
    names = [str(name) for name in django_settings.MIDDLEWARE]
    is_used = apps.is_installed(CORS_APP) or any(name.startswith(CORS_APP) for name in names)
    said = {
        name
        for name in dir(django_settings)
        if name.startswith("CORS_") and getattr(django_settings, name)
    }
    if not is_used and not said:
        return
    all_of_them = said & {"CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"}
    is_open = is_used and all_of_them and "CORS_ALLOW_CREDENTIALS" in said
    yield Finding(
        "cors-open" if is_open else "cors",
        WRONG if is_open else NOTE,
        f"django-cors-headers is set up ({', '.join(sorted(said)) or 'without origins'})"
        + (": every site may ask with the visitor's cookies." if is_open else "."),
        "With one origin the frontend needs none of it: delete it, unless the API is for other"
        " sites too.",
    )


def _cookies() -> Iterator[Finding]:
    for name in COOKIES:
        value = getattr(django_settings, name, "Lax")
        if value is False or str(value).lower() == "none":
            yield Finding(
                "cookie-samesite",
                WRONG,
                f"{name} is {value!r}: other sites' requests bring the cookie along.",
                f'Delete {name}: with one origin Django\'s default, "Lax", is right.',
            )
    said = [name for name in SECURE_COOKIES if getattr(django_settings, name)]
    if said and django_settings.DEBUG and not django_settings.SECURE_PROXY_SSL_HEADER:
        names = " and ".join(said)
        yield Finding(
            "cookie-secure",
            NOTE,
            f"{names} with DEBUG: over plain HTTP browsers keep no such cookie, but for localhost,"
            " and Safari none at all.",
            f"Set {names} in production's settings alone, or develop with HTTPS.",
        )


def _csrf(frontends: Sequence[Frontend]) -> Iterator[Finding]:
    own = {each.url.rstrip("/") for each in frontends} | {each.at_localhost for each in frontends}
    ports = {*sockets.DEV_PORTS, *(each.port for each in frontends)}
    for origin in sorted({str(each) for each in django_settings.CSRF_TRUSTED_ORIGINS}):
        found = _DEV_ORIGIN.fullmatch(origin)
        if origin in own or (found and int(found[1]) in ports):
            yield Finding(
                "csrf-origin",
                NOTE,
                f"CSRF_TRUSTED_ORIGINS trusts {origin}, a frontend's own address.",
                f"Delete {origin} there: the browser's origin is Django's.",
            )


def in_settings(frontends: Sequence[Frontend]) -> Iterator[Finding]:
    yield from _cors()
    yield from _cookies()
    yield from _csrf(frontends)
