"""The token by which a request that has come back is known: ours in CDN-Loop (RFC 8586).

What it is good for is in C, at the one place that every request to a frontend passes.
"""

from __future__ import annotations

import secrets

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac

# As csrc/wire/cdn_loop.h has it.
MARK = "samesite-"
LENGTH = 32

_random = secrets.token_bytes(32)


def _secret() -> str | bytes:
    """The project's own, so that all its processes say the same; else this process's."""
    try:
        return django_settings.SECRET_KEY or _random
    except ImproperlyConfigured:  # It is empty.
        return _random


def token_of(address: str) -> str:
    """The same for every request to the frontend at `address`, as the settings name it."""
    digest = salted_hmac(__name__, address, secret=_secret(), algorithm="sha256")
    return MARK + digest.hexdigest()[:LENGTH]
