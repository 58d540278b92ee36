"""A request as it came in, whichever server took it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from samesite_proxy.proxy import refusals, targets
from samesite_proxy.types import Fields

# The most of a body that is taken at once.
PIECE = 256 * 1024

SWITCHING_PROTOCOLS = 101
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1


def value_of(fields: Fields, name: str) -> str | None:
    """Of the first field of this name, which is in lower case."""
    return next((value for key, value in fields if key.lower() == name), None)


@dataclass(frozen=True)
class IncomingRequest:
    """One request. `scheme` and `host` are the browser's, by Django's settings."""

    fields: Fields
    path: str  # PATH_INFO: decoded once
    peer: str  # "" for a Unix socket's
    scheme: str
    host: str
    is_upgrade: bool = False

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"


def incoming_of(
    request: HttpRequest, received: Fields, *, is_upgrade: bool = False
) -> IncomingRequest:
    """A request of Django's, with its fields as the server has them."""
    host = refusals.host_by(request.get_host, is_target_refused=targets.has_refused(request))
    peer = request.META.get("REMOTE_ADDR", "")
    scheme = request.scheme or "http"
    return IncomingRequest(received, request.path_info, peer, scheme, host, is_upgrade)
