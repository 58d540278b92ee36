"""Who may look: a program on this machine, under a name that is this machine's."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from samesite_proxy.conf import Settings
from samesite_proxy.proxy import targets

# Where ALLOWED_HOSTS lets every name pass: any name may be made to lead here (DNS rebinding).
OWN_NAMES = [".localhost", "127.0.0.1", "[::1]"]

# Whoever sets one has passed on what another has asked, or would like to be taken for another.
OF_PROXIES = re.compile(
    "HTTP_(X_FORWARDED_.*|FORWARDED|VIA|CDN_LOOP|X_REAL_IP|(X_CLUSTER|TRUE|X|FLY)_CLIENT_IP"
    "|CF_CONNECTING_IP|X_ORIGINAL_(HOST|FOR))"
)

# https://www.w3.org/TR/fetch-metadata/: a page's own requests, and the address bar's.
FROM_HERE = ("same-origin", "none")


def is_loopback(peer: str) -> bool:
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


def _is_opened(meta: dict[str, Any]) -> bool:
    """Whether a link has led here: what it opens stands alone, for nobody else to read."""
    what = meta.get("HTTP_SEC_FETCH_MODE"), meta.get("HTTP_SEC_FETCH_DEST")
    return what == ("navigate", "document")


def _is_of_another_site(request: HttpRequest) -> bool:
    """Whether a page of another origin asks. Middleware before ours may let any read the answer."""
    meta = request.META
    site = meta.get("HTTP_SEC_FETCH_SITE", "none")
    if site not in FROM_HERE and not _is_opened(meta):
        return True
    own = f"{request.scheme}://{meta.get('HTTP_HOST', '')}"
    return bool(meta.get("HTTP_ORIGIN", own) != own)


def may_see(request: HttpRequest, settings: Settings) -> bool:
    """Whether `request` comes from this machine, by the socket, and through nobody."""
    return (
        settings.debug
        and settings.are_in_force
        and is_loopback(request.META.get("REMOTE_ADDR", ""))
        and not any(map(OF_PROXIES.fullmatch, request.META))
        and not _is_of_another_site(request)
        and not targets.has_refused(request)
        and _is_at_home(request, settings)
    )
