"""Who may look: a program on this machine, under a name that is this machine's."""

from __future__ import annotations

import ipaddress

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from samesite_proxy.conf import Settings
from samesite_proxy.proxy import targets

# Where ALLOWED_HOSTS lets every name pass: any name may be made to lead here (DNS rebinding).
OWN_NAMES = [".localhost", "127.0.0.1", "[::1]"]

# Whoever sets one has passed on what another has asked, or would like to be taken for another.
OF_PROXIES = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


def _is_loopback(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:  # A Unix socket's has none.
        return False
    inside = getattr(address, "ipv4_mapped", None)
    return (inside or address).is_loopback


def _is_at_home(request: HttpRequest, settings: Settings) -> bool:
    try:
        domain, _ = split_domain_port(request.get_host())
    except DisallowedHost:
        return False
    return not settings.allows_any_host or validate_host(domain, OWN_NAMES)


def may_see(request: HttpRequest, settings: Settings) -> bool:
    """Whether `request` comes from this machine, by the socket, and through nobody."""
    return (
        settings.debug
        and settings.are_in_force
        and _is_loopback(request.META.get("REMOTE_ADDR", ""))
        and not any(name in request.META for name in OF_PROXIES)
        and not targets.has_refused(request)
        and _is_at_home(request, settings)
    )
