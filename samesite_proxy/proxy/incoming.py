"""A request as it came in, whichever server took it."""

from __future__ import annotations

from dataclasses import dataclass

# The most of a body that is taken at once.
PIECE = 256 * 1024

SWITCHING_PROTOCOLS = 101
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1


@dataclass(frozen=True)
class IncomingRequest:
    """One request. `scheme` and `host` are the browser's, by Django's settings."""

    fields: list[tuple[str, str]]
    path: str  # PATH_INFO: decoded once
    peer: str  # "" for a Unix socket's
    scheme: str
    host: str
    is_upgrade: bool = False

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"
