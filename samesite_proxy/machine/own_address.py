"""Whether a frontend's address is the one that runserver listens on."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from samesite_proxy.conf import Frontend
from samesite_proxy.machine import addresses


def among(frontends: Iterable[Frontend], host: str, port: int, *, ipv6: bool) -> Frontend | None:
    """The first of `frontends` at which a server that listens here would find itself."""
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    suspects = [each for each in frontends if each.unix_socket is None and each.port == port]
    if not suspects:
        return None
    try:
        bound = addresses.plain(str(socket.getaddrinfo(host, port, family)[0][4][0]))
    except (OSError, UnicodeError):  # Which listening will tell.
        return None
    for frontend in suspects:
        if addresses.reaches(frontend.name, port, bound):
            return frontend
    return None
