"""The outgoing request, built anew from a WSGI environ. Pure: nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from samesite_proxy._engine import CHUNKED, NO_BODY, NO_UPGRADE, upgrade_of
from samesite_proxy.conf import Settings
from samesite_proxy.proxy.host_policy import View
from samesite_proxy.proxy.incoming import Arrival
from samesite_proxy.types import Environ, Fields, Scope

# Django rewrites environ["PATH_INFO"]; this key keeps what the server gave (PEP 3333: bytes as
# Latin-1), so that a path that is not UTF-8 crosses too.
SERVER_PATH = "samesite_proxy.path_info"

# RFC 3986, 3.3: what a path may hold without being quoted.
SAFE_IN_PATH = "/:@!$&'()*+,;=~-._"

# Of these nobody's word but Django's is passed on.
_OWN_WORD = frozenset({"x-forwarded-host", "x-forwarded-proto"})

# Sent from elsewhere than environ's HTTP_ keys.
OWN_KEYS = frozenset({"HTTP_HOST", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})


class LengthRefused(ValueError):
    """A Content-Length that can be read two ways (RFC 9112, 6.3)."""


def keep_server_path(environ: dict[str, Any]) -> None:
    """Before Django touches the environ."""
    environ[SERVER_PATH] = environ.get("PATH_INFO", "")


def _path_of(environ: Environ) -> bytes:
    if SERVER_PATH in environ:
        path: str = environ[SERVER_PATH]
        return path.encode("latin-1")
    return str(environ.get("PATH_INFO", "")).encode()


def target_of(environ: Environ) -> str:
    """The request target (RFC 9112, 3.2): raw where the server has it, else quoted again."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if raw.startswith("/") or raw == "*":
        return str(raw)
    path = str(environ.get("SCRIPT_NAME", "")).encode() + _path_of(environ)
    target = "*" if path == b"*" else quote(path, safe=SAFE_IN_PATH) or "/"
    query = environ.get("QUERY_STRING", "")
    return f"{target}?{query}" if query else target


def body_length_of(environ: Environ) -> int:
    """The body's length in bytes, or NO_BODY or CHUNKED."""
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return CHUNKED
    length = environ.get("CONTENT_LENGTH") or ""
    if not length:
        return NO_BODY
    if not (length.isascii() and length.isdigit()):
        raise LengthRefused(f"Content-Length is no number: {length[:40]!r}")
    return int(length)


def upgrade_in(environ: Environ) -> int:
    """What the client asks its connection to become (RFC 9110, 7.8), by one rule with the door."""
    asked = environ.get("HTTP_UPGRADE")
    if not asked:
        return NO_UPGRADE
    length = environ.get("CONTENT_LENGTH") or ""
    has_body = bool(environ.get("HTTP_TRANSFER_ENCODING") or length.strip("0"))
    is_http_1_1 = environ.get("SERVER_PROTOCOL") == "HTTP/1.1"
    connection = environ.get("HTTP_CONNECTION", "")
    return upgrade_of(environ["REQUEST_METHOD"], is_http_1_1, has_body, connection, asked)


@lru_cache(maxsize=1024)
def _name_of(key: str) -> str:
    return key.replace("_", "-").title()


def _is_invented_type(environ: Environ) -> bool:
    """wsgiref gives a request without a Content-Type this one."""
    is_wsgiref = environ.get("SERVER_SOFTWARE", "").startswith("WSGIServer")
    has_body = environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")
    return is_wsgiref and not has_body and environ["CONTENT_TYPE"] == "text/plain"


def received_in(environ: Environ) -> Fields:
    """The request's fields as far as an environ holds them, Host first."""
    fields = [("Host", environ["HTTP_HOST"])] if environ.get("HTTP_HOST") else []
    if (content_type := environ.get("CONTENT_TYPE")) and not _is_invented_type(environ):
        fields.append(("Content-Type", content_type))
    fields += [
        (_name_of(key[5:]), value)
        for key, value in environ.items()
        if key.startswith("HTTP_") and key not in OWN_KEYS
    ]
    return fields


def received_in_scope(scope: Scope) -> Fields:
    """The request's fields as ASGI has them: all of them, in their order."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]


def target_of_scope(scope: Scope) -> str:
    """The request target, raw where the server has it."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(scope["path"], safe=SAFE_IN_PATH)
    query = scope.get("query_string", b"")
    if isinstance(query, bytes):  # Django's AsyncClient has text.
        query = query.decode("latin-1")
    target = path.partition("?")[0]
    return f"{target}?{query}" if query else target


def _is_forwarding(name: str) -> bool:
    return name.startswith("x-forwarded-") or name in ("forwarded", "x-real-ip")


def _node_of(peer: str) -> str:
    """A peer as Forwarded names it (RFC 7239, 6)."""
    return f'"[{peer}]"' if ":" in peer else peer or "unknown"


class Forwarding:
    """How requests of one set of settings look to a frontend."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def _origin_fields(self, arrival: Arrival, view: View) -> Iterator[tuple[str, str]]:
        """Where the request came from. A client's own word counts only if it is trusted."""
        said: dict[str, str] = {}
        if self._settings.trusts(arrival.peer):
            for name, value in arrival.fields:
                key = name.lower()
                if _is_forwarding(key):
                    said[key] = f"{said[key]}, {value}" if key in said else value
        before = said.pop("x-forwarded-for", None)
        if addresses := ", ".join(filter(None, (before, arrival.peer))):
            yield "X-Forwarded-For", addresses
        yield "X-Forwarded-Host", view.forwarded_host
        yield "X-Forwarded-Proto", view.forwarded_proto
        if forwarded := said.pop("forwarded", None):
            yield "Forwarded", f"{forwarded}, for={_node_of(arrival.peer)}"
        for name, value in said.items():
            # A port is part of the host that the frontend does not see.
            if name not in _OWN_WORD and not (view.is_whole_site and name == "x-forwarded-port"):
                yield name.title(), value

    def fields(self, arrival: Arrival, view: View) -> Fields:
        """The fields to send, in their order; the engine leaves out hop-by-hop ones."""
        fields = [("Host", view.host)]
        for name, value in arrival.fields:
            key = name.lower()
            if key == "origin":
                fields.append((name, view.origin(value)))
            elif key == "referer":
                fields.append((name, view.referer(value)))
            elif key != "host" and not _is_forwarding(key):
                fields.append((name, value))
        fields += self._origin_fields(arrival, view)
        return fields
