"""Routes of Channels' that the inner application has: what they name is not a frontend's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.handlers.asgi import ASGIHandler

from samesite_proxy.types import Scope

# Vite's own WebSockets: of hot reload, and of a page that waits for Vite to come back.
VITES = frozenset({"vite-hmr", "vite-ping"})


# A route that takes this takes all: it only leads on to Django.
ANY_PAGE = "any-8d1f/page.js"


class InnerRoutes:
    """The inner application's routes keep what is theirs."""

    def __init__(self, application: Any) -> None:
        mapping = first_of(application, "application_mapping")
        self._pages = first_of((mapping or {}).get("http"), "routes")
        if mapping is None:  # Not Channels' router. Django's own handler has no WebSockets.
            self._has_own = not isinstance(application, ASGIHandler)
            self._routes = None
        else:
            self._has_own = "websocket" in mapping
            self._routes = first_of(mapping.get("websocket"), "routes")

    def have_page(self, scope: Scope) -> bool:
        """Whose an HTTP request is that is not Django's by its URLconf."""
        path = _path_below_root(scope)
        route = next((route for route in self._pages or () if _matches(route, path)), None)
        return route is not None and not _matches(route, ANY_PAGE)

    def have_socket(self, scope: Scope, is_djangos_path: bool) -> bool:
        """Whose a WebSocket is."""
        if not self._has_own or not VITES.isdisjoint(scope.get("subprotocols", ())):
            return False
        if self._routes is None:  # They cannot be read.
            return is_djangos_path
        path = _path_below_root(scope)
        return any(_matches(route, path) for route in self._routes)


def first_of(application: Any, name: str) -> Any:
    """The attribute of a router of Channels', inside whatever middleware."""
    while application is not None and not hasattr(application, name):
        application = getattr(application, "inner", None) or getattr(
            application, "application", None
        )
    return getattr(application, name, None)


def _path_below_root(scope: Scope) -> str | None:
    """What Channels looks at; None: it has no route for it."""
    path, root = scope["path"], scope.get("root_path", "")
    return path.removeprefix(root).lstrip("/") if path.startswith(root) else None


def _matches(route: Any, path: str | None) -> bool:
    match = None if path is None else route.pattern.match(path)
    if match is None:
        return False
    inner: Iterable[Any] | None = first_of(route.callback, "routes")
    return inner is None or any(_matches(other, match[0].lstrip("/")) for other in inner)
