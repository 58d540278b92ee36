"""The outgoing request, built anew from a WSGI environ. Pure: nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator

from samesite_proxy._engine import Upstream
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import LOOPBACK_NAMES
from samesite_proxy.proxy.authorities import authorities_of
from samesite_proxy.proxy.host_policy import HostView
from samesite_proxy.proxy.incoming import IncomingRequest
from samesite_proxy.types import Fields

# RFC 3986, 3.3: what a path may hold without being quoted.
SAFE_IN_PATH = "/:@!$&'()*+,;=~-._"

# Of these nobody's word but Django's is passed on.
_OWN_WORD = frozenset({"x-forwarded-host", "x-forwarded-proto"})


def _is_forwarding(name: str) -> bool:
    return name.startswith("x-forwarded-") or name in ("forwarded", "x-real-ip")


def _node_of(peer: str) -> str:
    """A peer as Forwarded names it (RFC 7239, 6)."""
    return f'"[{peer}]"' if ":" in peer else peer or "unknown"


def upstream_of(frontend: Frontend, settings: Settings, limit: float | None = None) -> Upstream:
    """The frontend as the engine knows it; `limit`: seconds that the server gives to an answer."""
    response_timeout = min(settings.response_timeout, limit or settings.response_timeout)
    ca_file, ca_path = authorities_of(frontend, settings)
    return Upstream(
        frontend.url,
        frontend.unix_socket,
        ca_file,
        not (settings.debug and frontend.name in LOOPBACK_NAMES),
        (settings.connect_timeout, response_timeout, settings.idle_timeout),
        settings.max_connections,
        frontend.loop_token,
        settings.debug,
        ca_path,
        frontend.is_commanded and not frontend.is_given_up,
    )


class Forwarding:
    """How requests of one set of settings look to a frontend."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def _origin_fields(
        self, incoming: IncomingRequest, view: HostView
    ) -> Iterator[tuple[str, str]]:
        """Where the request came from. A client's own word counts only if it is trusted."""
        said: dict[str, str] = {}
        if self._settings.trusts(incoming.peer):
            for name, value in incoming.fields:
                key = name.lower()
                if _is_forwarding(key):
                    said[key] = f"{said[key]}, {value}" if key in said else value
        before = said.pop("x-forwarded-for", None)
        if addresses := ", ".join(filter(None, (before, incoming.peer))):
            yield "X-Forwarded-For", addresses
        yield "X-Forwarded-Host", view.forwarded_host
        yield "X-Forwarded-Proto", view.forwarded_proto
        if forwarded := said.pop("forwarded", None):
            yield "Forwarded", f"{forwarded}, for={_node_of(incoming.peer)}"
        for name, value in said.items():
            # A port is part of the host that the frontend does not see.
            if name not in _OWN_WORD and not (view.is_whole_site and name == "x-forwarded-port"):
                yield name.title(), value

    def fields(self, incoming: IncomingRequest, view: HostView) -> Fields:
        """The fields to send, in their order; the engine leaves out hop-by-hop ones."""
        fields = [("Host", view.host)]
        for name, value in incoming.fields:
            key = name.lower()
            if key == "origin":
                fields.append((name, view.origin(value)))
            elif key == "referer":
                fields.append((name, view.referer(value)))
            elif key != "host" and not _is_forwarding(key):
                fields.append((name, value))
        fields += self._origin_fields(incoming, view)
        return fields
