"""Whether a frontend's address is the one that runserver listens on."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from samesite_proxy.conf import Frontend
from samesite_proxy.conf.frontends import LOOPBACK
from samesite_proxy.machine import sockets

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _plain(text: str) -> Address:
    """An IPv4 address that is written as one of IPv6 is itself; a zone says nothing new here."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _is_this_machines(address: Address) -> bool:
    """Only its own addresses can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((str(address), 0))
    except OSError:
        return False
    return True


def _reaches(address: Address, bound: Address) -> bool:
    """Whether what connects to `address` is accepted by a socket that is bound to `bound`."""
    # Towards the unspecified address the system connects to a loopback one.
    targets = {address}
    if address.is_unspecified:
        targets = {_plain(text) for text in LOOPBACK if _plain(text).version == address.version}
    if bound in {address, *targets}:
        return True
    # An unspecified address of IPv6 takes IPv4 too.
    takes_family = bound.version in (6, address.version)
    return bound.is_unspecified and takes_family and any(map(_is_this_machines, targets))


def among(frontends: Iterable[Frontend], host: str, port: int, *, ipv6: bool) -> Frontend | None:
    """The first of `frontends` at which a server that listens here would find itself."""
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    suspects = [each for each in frontends if each.unix_socket is None and each.port == port]
    if not suspects:
        return None
    try:
        bound = _plain(str(socket.getaddrinfo(host, port, family)[0][4][0]))
    except (OSError, UnicodeError):  # Which listening will tell.
        return None
    for frontend in suspects:
        addresses = sockets.addresses_of(frontend.name, port)
        if any(_reaches(_plain(address), bound) for address in addresses):
            return frontend
    return None
