"""The frontends as the engine knows them, and what becomes of requests that wait for one.

COMMAND's may come back somewhere else. What is held for it then is decided anew: the engine ends it
as `moved`, and it is asked where the frontend is now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from samesite_proxy._engine import EngineError, Upstream
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import where_now
from samesite_proxy.proxy.outgoing import upstream_of

Known = dict[Frontend, Upstream]


def has_moved(error: Exception) -> bool:
    """Whether a request has not failed, but is to go where its frontend is now."""
    return isinstance(error, EngineError) and error.code == "moved"


def leave_all(left: Iterable[tuple[Frontend, Upstream]], known: Known) -> None:
    """Go on from these to those; one that has no address yet has been down for as long."""
    by_prefix = {frontend.prefix: frontend for frontend in known}
    for frontend, upstream in left:
        now = by_prefix.get(frontend.prefix)
        if now is None:
            upstream.leave()
        else:
            upstream.leave(known[now], now == frontend or now.is_awaited)


class Upstreams:
    """Each made at first use, so that each worker of a server that forks knows its own limits."""

    def __init__(
        self, settings: Settings, limit: Callable[[], float | None] = lambda: None
    ) -> None:
        self._settings = settings
        self._limit = limit
        self._known: Known = {}
        if settings.commands:
            from samesite_proxy.conf import whereabouts

            whereabouts.on_change(self._move_on)

    def at(self, frontend: Frontend) -> Upstream:
        known = self._known.get(frontend)
        return self._made(frontend) if known is None else known

    def _made(self, frontend: Frontend) -> Upstream:
        made = upstream_of(frontend, self._settings, self._limit())
        made = self._known.setdefault(frontend, made)
        if where_now(frontend) != frontend:
            made.leave()  # It has moved after the request was said to be its.
        return made

    def _move_on(self) -> None:
        known = list(self._known.items())
        left = [(each, upstream) for each, upstream in known if where_now(each) != each]
        for each, _ in left:
            self._known.pop(each, None)
        leave_all(left, {now: self.at(now) for now in (where_now(each) for each, _ in left)})
