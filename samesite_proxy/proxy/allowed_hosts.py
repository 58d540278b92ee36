"""What Django says of a Host, without its asking: only tests change settings while they serve."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import HttpRequest, request

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


def _is_djangos(function: Callable[..., object]) -> bool:
    """A project may have put its own in the place of it."""
    return function.__module__ == request.__name__


def patterns() -> list[str] | None:
    """What decides whether Django allows a Host; None where that takes more than comparing texts.

    Subclasses of str and of list may compare, or be gone through, in a way of their own.
    """
    allowed = django_settings.ALLOWED_HOSTS
    functions = HttpRequest.get_host, request.split_domain_port, request.validate_host
    if type(allowed) not in (list, tuple) or not all(type(name) is str for name in allowed):
        return None
    if not all(_is_djangos(function) for function in functions):
        return None
    # As HttpRequest.get_host() has them.
    in_debug = django_settings.DEBUG and not allowed
    return [".localhost", "127.0.0.1", "[::1]"] if in_debug else list(allowed)


def is_allowed(sent: str, allowed: list[str]) -> bool:
    """Whether Django takes a Host as it was sent, by patterns that may be another process's."""
    domain, _ = request.split_domain_port(sent)
    return bool(domain) and request.validate_host(domain, allowed)
