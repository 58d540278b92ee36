"""The outgoing request, built anew from a WSGI environ. Pure: nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from samesite_proxy._engine import CHUNKED, NO_BODY
from samesite_proxy.conf import Frontend, Settings

Fields = list[tuple[str, str]]
Environ = Mapping[str, Any]

# Django rewrites environ["PATH_INFO"]; this key keeps what the server gave (PEP 3333: bytes as
# Latin-1), so that a path that is not UTF-8 crosses too.
SERVER_PATH = "samesite_proxy.path_info"

# RFC 3986, 3.3: what a path may hold without being quoted.
SAFE_IN_PATH = "/:@!$&'()*+,;=~-._"


# Sent from elsewhere than environ's HTTP_ keys.
OWN_KEYS = frozenset({"HTTP_HOST", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})


class LengthRefused(ValueError):
    """A Content-Length that can be read two ways (RFC 9112, 6.3)."""


def keep_server_path(environ: dict[str, Any] | None = None, **_: object) -> None:
    """A receiver of request_started, which Django sends before it touches the environ.

    Django's AsyncClient sends it without one.
    """
    if environ is not None:
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


def is_upgrade(environ: Environ) -> bool:
    """Whether the client asks to leave HTTP/1.1 on this connection (RFC 9110, 7.8)."""
    options = environ.get("HTTP_CONNECTION", "").lower().split(",")
    return "HTTP_UPGRADE" in environ and "upgrade" in (option.strip() for option in options)


@lru_cache(maxsize=1024)
def _name_of(key: str) -> str:
    return key.replace("_", "-").title()


def _is_invented_type(environ: Environ) -> bool:
    """wsgiref gives a request without a Content-Type this one."""
    is_wsgiref = environ.get("SERVER_SOFTWARE", "").startswith("WSGIServer")
    has_body = environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")
    return is_wsgiref and not has_body and environ["CONTENT_TYPE"] == "text/plain"


def _is_forwarding(key: str) -> bool:
    return key.startswith("HTTP_X_FORWARDED_") or key in ("HTTP_FORWARDED", "HTTP_X_REAL_IP")


def _node_of(peer: str) -> str:
    """A peer as Forwarded names it (RFC 7239, 6)."""
    return f'"[{peer}]"' if ":" in peer else peer or "unknown"


def _joined(before: str | None, own: str) -> str:
    return ", ".join(part for part in (before, own) if part)


class Forwarding:
    """How requests of one set of settings look to a frontend."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def _host(self, environ: Environ, frontend: Frontend, host: str) -> str:
        wanted = self._settings.host_header
        if wanted in ("auto", "preserve"):
            return environ.get("HTTP_HOST") or host
        return frontend.authority if wanted == "frontend" else wanted

    def _origin_fields(self, environ: Environ, scheme: str, host: str) -> Iterator[tuple[str, str]]:
        """Where the request came from. A client's own word counts only if it is trusted."""
        peer = environ.get("REMOTE_ADDR", "")
        trusted = self._settings.trusts(peer)
        before = environ.get("HTTP_X_FORWARDED_FOR") if trusted else None
        if addresses := _joined(before, peer):
            yield "X-Forwarded-For", addresses
        yield "X-Forwarded-Host", host
        yield "X-Forwarded-Proto", scheme
        if not trusted:
            return
        if "HTTP_FORWARDED" in environ:
            yield "Forwarded", _joined(environ["HTTP_FORWARDED"], f"for={_node_of(peer)}")
        replaced = ("FOR", "HOST", "PROTO")
        for key, value in environ.items():
            if key.startswith("HTTP_X_FORWARDED_") and key[17:] not in replaced:
                yield _name_of(key[5:]), value
        if "HTTP_X_REAL_IP" in environ:
            yield "X-Real-Ip", environ["HTTP_X_REAL_IP"]

    def fields(self, environ: Environ, frontend: Frontend, scheme: str, host: str) -> Fields:
        """The fields to send, in environ's order; the engine leaves out hop-by-hop ones.

        `scheme` and `host` are what Django takes the browser's for, after its own settings.
        """
        fields = [("Host", self._host(environ, frontend, host))]
        if (content_type := environ.get("CONTENT_TYPE")) and not _is_invented_type(environ):
            fields.append(("Content-Type", content_type))
        fields += [
            (_name_of(key[5:]), value)
            for key, value in environ.items()
            if key.startswith("HTTP_") and key not in OWN_KEYS and not _is_forwarding(key)
        ]
        fields += self._origin_fields(environ, scheme, host)
        return fields
