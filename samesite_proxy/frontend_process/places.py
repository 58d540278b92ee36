"""By which address a frontend is reached, of those at which its processes listen."""

from __future__ import annotations

from collections.abc import Iterable

from samesite_proxy.conf import Frontend
from samesite_proxy.machine import addresses, sockets
from samesite_proxy.machine.sockets import Spot

LOCALHOST = "localhost"


def _name_of(spot: Spot, frontend: Frontend) -> str:
    """FRONTEND's, where that comes to the socket; a socket of one interface has its own alone."""
    bound = addresses.plain(spot.host)
    for name in (frontend.name, LOCALHOST):
        if addresses.reaches(name, spot.port, bound):
            return name
    return spot.host


def address_of(
    frontend: Frontend, pids: Iterable[int], port: int, *, is_certain: bool
) -> str | None:
    """At `port`, else, unless that one is certain, where there are pages; None: nowhere yet."""
    found = {spot: _name_of(spot, frontend) for spot in sorted(sockets.spots_of(pids))}
    known = [name for spot, name in found.items() if spot.port == port]
    if known:
        name = frontend.name if frontend.name in known else known[0]
        return frontend.at(port) if name == frontend.name else frontend.under(name, port)
    for spot, name in found.items() if not is_certain else ():
        if sockets.has_pages(spot.port, name):
            return frontend.under(name, spot.port)
    return None
