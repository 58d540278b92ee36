"""Whose a WebSocket is: routes of Channels' that the inner application has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.handlers.asgi import ASGIHandler

from samesite_proxy.types import Scope

# Vite's own WebSockets: of hot reload, and of a page that waits for Vite to come back.
VITES = frozenset({"vite-hmr", "vite-ping"})


class Sockets:
    """Whose WebSocket is it: the inner application's routes keep theirs."""

    def __init__(self, application: Any) -> None:
        mapping = first_of(application, "application_mapping")
        if mapping is None:  # Not Channels' router. Django's own handler has no WebSockets.
            self._has_own = not isinstance(application, ASGIHandler)
            self._routes = None
        else:
            self._has_own = "websocket" in mapping
            self._routes = first_of(mapping.get("websocket"), "routes")

    def are_inner(self, scope: Scope, is_djangos_path: bool) -> bool:
        if not self._has_own or not VITES.isdisjoint(scope.get("subprotocols", ())):
            return False
        if self._routes is None:  # They cannot be read.
            return is_djangos_path
        path, root = scope["path"], scope.get("root_path", "")
        return path.startswith(root) and any(
            _matches(route, path.removeprefix(root).lstrip("/")) for route in self._routes
        )


def first_of(application: Any, name: str) -> Any:
    """The attribute of a router of Channels', inside whatever middleware."""
    while application is not None and not hasattr(application, name):
        application = getattr(application, "inner", None) or getattr(
            application, "application", None
        )
    return getattr(application, name, None)


def _matches(route: Any, path: str) -> bool:
    match = route.pattern.match(path)
    if match is None:
        return False
    inner: Iterable[Any] | None = first_of(route.callback, "routes")
    return inner is None or any(_matches(other, match[0].lstrip("/")) for other in inner)
