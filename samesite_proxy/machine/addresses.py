"""Which of this machine's addresses a connection to a name comes to."""

from __future__ import annotations

import ipaddress
import socket

from samesite_proxy.conf.frontends import LOOPBACK
from samesite_proxy.machine import sockets

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def plain(text: str) -> Address:
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
    # Towards the unspecified address the system connects to a loopback one.
    targets = {address}
    if address.is_unspecified:
        targets = {plain(text) for text in LOOPBACK if plain(text).version == address.version}
    if bound in {address, *targets}:
        return True
    # An unspecified address of IPv6 takes IPv4 too.
    takes_family = bound.version in (6, address.version)
    return bound.is_unspecified and takes_family and any(map(_is_this_machines, targets))


def reaches(name: str, port: int, bound: Address) -> bool:
    """Whether what connects to `name` is accepted by a socket that is bound to `bound`."""
    return any(_reaches(plain(each), bound) for each in sockets.addresses_of(name, port))


def are_here(name: str, port: int) -> bool:
    """Whether a name's addresses are this machine's."""
    return any(_is_this_machines(plain(each)) for each in sockets.addresses_of(name, port))
