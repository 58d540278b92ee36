"""Places of the frontend's own address, brought back to the browser's origin."""

from __future__ import annotations

from functools import cache

from samesite_proxy._engine import OwnAddresses
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import ANY_ADDRESS_NAMES, LOOPBACK_NAMES
from samesite_proxy.types import Fields


def own_addresses_of(frontend: Frontend, settings: Settings) -> OwnAddresses:
    """The addresses under which a frontend may redirect to itself."""
    own_names = settings.frontend_names
    names = (frontend.name, *LOOPBACK_NAMES, *ANY_ADDRESS_NAMES, *own_names)
    # Behind a Unix socket it cannot know by which port it is reached.
    port = frontend.port if frontend.unix_socket is None else 0
    return OwnAddresses(frontend.scheme, names, own_names, port)


# csrc/wire/places.c says where in their values.
PLACES = frozenset({"location", "content-location", "refresh", "link"})


def _is_place(name: str) -> bool:
    return name.lower() in PLACES


def names_place(fields: Fields) -> bool:
    """Whether there is anything to bring back."""
    return any(_is_place(name) for name, _ in fields)


class Relocation:
    """Brings what names a frontend's own address back from there."""

    def __init__(self, settings: Settings) -> None:
        self._own_addresses = cache(lambda frontend: own_addresses_of(frontend, settings))

    def fields(self, fields: Fields, frontend: Frontend, origin: str, alias: str = "") -> Fields:
        """The answer's fields for a browser at `origin`, which the frontend saw as `alias`."""
        return [
            (name, self._own_addresses(frontend).rewrite(name, value, origin, alias))
            if _is_place(name)
            else (name, value)
            for name, value in fields
        ]
