"""A request's target and its path, settled before anybody looks at them.

A target in absolute form (RFC 9112, 3.2.2) becomes one in origin form. Its host takes the place of
Host, for Django as for us: two that looked at two hosts could be played off against each other. A
server that gives the decoded path alone is answered by that; some keep neither the address nor its
host (docs/servers.md).
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from django.http import HttpRequest

from samesite_proxy.types import Environ, Scope

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)([/?].*)?", re.IGNORECASE | re.DOTALL)

# Where servers keep the target as it came.
_RAW_KEYS = ("RAW_URI", "REQUEST_URI")

_REFUSED = "samesite_proxy.target_refused"
HTTP_SCHEMES = {"ws": "http", "wss": "https"}  # RFC 6455, 4.1.

_SAFE_IN_ADDRESS = "/:@!$&'()*+,;=~-._[]"


def _is_address(target: str, method: str) -> bool:
    return target[:1] not in ("/", "*") and "://" in target and method != "CONNECT"


def _cut(address: str, method: str, scheme: str) -> tuple[str, str] | None:
    """The host, and the target in origin form; None where the address is refused.

    A user in it is there to deceive (RFC 9110, 4.2.4), as is what its host escapes. One of https is
    to have come by TLS (7.4). An OPTIONS without a path is of the server itself (RFC 9112, 3.2.4).
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or found[1].lower() not in ("http", scheme):
        return None
    host, rest = found[2], found[3] or ""
    if not host or set("@%") & set(host):
        return None
    if not rest and method == "OPTIONS":
        return host, "*"
    return host, rest if rest.startswith("/") else f"/{rest}"


def _quoted(path: bytes, query: object) -> str:
    """An address of which only the decoded form is known; of its query, that there is one."""
    return quote(path, safe=_SAFE_IN_ADDRESS) + ("?" if query else "")


def _keep_slashes(environ: Environ, target: str) -> None:
    """Of several at the path's beginning some servers make one: whose a path is must
    not hang on the server.
    """
    path = unquote(target.partition("?")[0], "latin-1")
    if path.startswith("//") and not environ.get("SCRIPT_NAME"):
        rest = environ["PATH_INFO"].lstrip("/")
        environ["PATH_INFO"] = "/" * (len(path) - len(path.lstrip("/"))) + rest


def settle(environ: Environ) -> None:
    """The same for a WSGI server's request, in its own environ."""
    method, path = environ.get("REQUEST_METHOD", ""), environ.get("PATH_INFO", "")
    raw = next(filter(None, map(environ.get, _RAW_KEYS)), None)
    if not _is_address(raw or path, method):
        _keep_slashes(environ, raw or "")
        return
    address = raw or _quoted(path.encode("latin-1"), environ.get("QUERY_STRING"))
    cut = _cut(address, method, environ.get("wsgi.url_scheme", "http"))
    if cut is None or "," in environ.get("HTTP_HOST", ""):  # Two Hosts (RFC 9112, 3.2).
        environ[_REFUSED] = True
        return
    environ["HTTP_HOST"], target = cut
    environ.update({key: target for key in _RAW_KEYS if key in environ})
    if target == "*" or _is_address(path, method):
        environ["PATH_INFO"] = unquote(target.partition("?")[0], "latin-1")
    _keep_slashes(environ, target)


def settled(scope: Scope) -> Scope:
    """The same for an ASGI server's request: its scope, or another one where it has to differ."""
    method = scope.get("method", "GET")
    raw = (scope.get("raw_path") or b"").decode("latin-1").partition("?")[0]
    if not _is_address(raw or scope["path"], method):
        return scope
    scheme: str = scope.get("scheme", "http")
    query = scope.get("query_string")
    address = raw + "?" * bool(query) if raw else _quoted(scope["path"].encode(), query)
    cut = _cut(address, method, HTTP_SCHEMES.get(scheme, scheme))
    if cut is None:
        return {**scope, _REFUSED: True}
    host, target = cut
    path = target.removesuffix("?")
    received = scope["headers"]
    own = host.encode("latin-1")
    # Two Hosts stay two, which Django refuses (RFC 9112, 3.2).
    headers = [(name, own if name.lower() == b"host" else value) for name, value in received]
    if not any(name.lower() == b"host" for name, _ in received):
        headers.insert(0, (b"host", own))
    ours = {"path": unquote(path), "raw_path": path.encode("latin-1"), "headers": headers}
    return {**scope, **ours}


def is_refused(place: Environ | Scope) -> bool:
    """Whether an environ or a scope had a target that is answered with 400, whosever it is."""
    return _REFUSED in place


def has_refused(request: HttpRequest) -> bool:
    """The same of a request of Django's."""
    return is_refused(request.META) or is_refused(getattr(request, "scope", None) or {})
