"""What Django says of a Host, asked once for each: only tests change settings while they serve."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import HttpRequest

# A scheme, the server's name and port, the Host field if there is one. Raises DisallowedHost.
HostOf = Callable[[str, str, str, str | None], str]


class HostRequest(HttpRequest):
    """As much of a request as its host hangs on, where no proxy's fields are believed."""

    def __init__(self, scheme: str, name: str, port: str, sent: str | None) -> None:
        # Not HttpRequest's own: its query and form data, unused here, cost more than the rest.
        self._own_scheme = scheme
        self.META = {"SERVER_NAME": name, "SERVER_PORT": port}
        if sent is not None:
            self.META["HTTP_HOST"] = sent

    def _get_scheme(self) -> str:
        return self._own_scheme


def host_under(scheme: str, name: str, port: str, sent: str | None) -> str:
    """The browser's host as Django has it; DisallowedHost."""
    return HostRequest(scheme, name, port, sent).get_host()


_remembered = lru_cache(maxsize=256)(host_under)


@receiver(setting_changed)
def _forget(**_: object) -> None:
    _remembered.cache_clear()


def known_hosts() -> HostOf | None:
    """As host_under, asked once for each host that is allowed.

    None where Django's settings let other fields tell the host or the scheme.
    """
    if django_settings.USE_X_FORWARDED_HOST or django_settings.SECURE_PROXY_SSL_HEADER:
        return None
    return _remembered
