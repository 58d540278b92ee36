"""Requests as ASGI's scopes bring them."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import get_script_prefix

from samesite_proxy.proxy import errors, targets
from samesite_proxy.proxy.allowed_hosts import HostRequest, known_hosts
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.incoming import Arrival
from samesite_proxy.proxy.outgoing import received_in_scope
from samesite_proxy.types import Fields, Scope

HTTP_SCHEMES = {"ws": "http", "wss": "https"}


class ScopeRequest(HostRequest):
    """As much of a request as its host and scheme hang on, where a proxy's fields may tell them."""

    def __init__(self, scheme: str, name: str, port: str, received: Fields) -> None:
        super().__init__(scheme, name, port, None)
        for field, value in received:
            if "_" not in field:  # As Django: it could be taken for a hyphen.
                key = f"HTTP_{field.upper().replace('-', '_')}"
                self.META[key] = f"{self.META[key]},{value}" if key in self.META else value


class Arrivals:
    """Requests as they came in."""

    def __init__(self) -> None:
        self._host_of = known_hosts()

    def _place_of(self, scope: Scope, received: Fields) -> tuple[str, str]:
        """The browser's scheme and host."""
        said: str = scope.get("scheme", "http")
        scheme = HTTP_SCHEMES.get(said, said)
        name, port = scope.get("server") or ("unknown", 0)
        if self._host_of is None:
            request = ScopeRequest(scheme, name, str(port), received)
            return request.scheme or scheme, request.get_host()
        sent = [value for field, value in received if field.lower() == "host"]
        return scheme, self._host_of(scheme, name, str(port), ",".join(sent) if sent else None)

    def of(self, scope: Scope) -> Arrival:
        """Refused where Django would refuse the host."""
        if targets.is_refused(scope):
            raise Refused(errors.TARGET_REFUSED)
        received = received_in_scope(scope)
        try:
            place = self._place_of(scope, received)
        except DisallowedHost as error:
            raise Refused(errors.HOST_REFUSED) from error
        peer = (scope.get("client") or ("",))[0]
        return Arrival(received, path_info_of(scope), peer, *place, scope["type"] == "websocket")


def path_info_of(scope: Scope) -> str:
    """PATH_INFO as Django's ASGIRequest has it."""
    path: str = scope["path"]
    return path.removeprefix(get_script_prefix(scope))


def name_of(scope: Scope) -> str:
    """For the log."""
    return f"{scope['method']} {scope['path']}"


def accepted_in(scope: Scope) -> str:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"]
    return ",".join(values)
