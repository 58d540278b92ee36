"""By which address a frontend is reached, of those at which its processes listen."""

from __future__ import annotations

from collections.abc import Iterable

from samesite_proxy.conf import Frontend
from samesite_proxy.machine import addresses, sockets
from samesite_proxy.machine.sockets import Spot

LOCALHOST = "localhost"
# For the first answer of one of several: some of them may say nothing at all.
SECONDS_AT_FIRST = 0.5


def _name_of(spot: Spot, frontend: Frontend) -> str:
    """FRONTEND's, where that comes to the socket; a socket of one interface has its own alone."""
    bound = addresses.plain(spot.host)
    for name in (frontend.name, LOCALHOST):
        if addresses.reaches(name, spot.port, bound):
            return name
    return spot.host


def address_of(
    frontend: Frontend, pids: Iterable[int], port: int, age: float, *, is_certain: bool
) -> str | None:
    """At `port`, else, unless that one is certain, where there are pages; None: nowhere yet. The
    longer it has been looked for (`age`), the longer each may take to answer.
    """
    found = {spot: _name_of(spot, frontend) for spot in sorted(sockets.spots_of(pids))}
    known = [name for spot, name in found.items() if spot.port == port]
    if known:
        name = frontend.name if frontend.name in known else known[0]
        return frontend.at(port) if name == frontend.name else frontend.under(name, port)
    patience = min(max(age, SECONDS_AT_FIRST), sockets.SECONDS)
    seconds = patience if len({spot.port for spot in found}) > 1 else sockets.SECONDS
    for spot, name in found.items() if not is_certain else ():
        if sockets.has_pages(spot.port, name, seconds):
            return frontend.under(name, spot.port)
    return None
