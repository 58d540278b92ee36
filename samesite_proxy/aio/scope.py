"""Requests as ASGI's scopes bring them."""

from __future__ import annotations

import sys
from urllib.parse import quote

from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.http import HttpRequest

from samesite_proxy.proxy import errors, refusals, targets
from samesite_proxy.proxy.allowed_hosts import HostRequest, known_hosts
from samesite_proxy.proxy.incoming import IncomingRequest
from samesite_proxy.proxy.outgoing import SAFE_IN_PATH
from samesite_proxy.types import Fields, Scope

HTTPTOOLS = "uvicorn.protocols.http.httptools_impl"
FRAMING = (b"content-length", b"transfer-encoding")


class ScopeRequest(HostRequest):
    """As much of a request as its host and scheme hang on, where a proxy's fields may tell them."""

    def __init__(self, scheme: str, name: str, port: str, received: Fields) -> None:
        super().__init__(scheme, name, port, None)
        for field, value in received:
            if "_" not in field:  # As Django: it could be taken for a hyphen.
                key = f"HTTP_{field.upper().replace('-', '_')}"
                self.META[key] = f"{self.META[key]},{value}" if key in self.META else value


class IncomingRequests:
    """Requests as they came in."""

    def __init__(self) -> None:
        self._host_of = known_hosts()

    def _place_of(self, scope: Scope, received: Fields) -> tuple[str, str]:
        """The browser's scheme and host."""
        said: str = scope.get("scheme", "http")
        scheme = targets.HTTP_SCHEMES.get(said, said)
        name, port = scope.get("server") or ("unknown", 0)
        if self._host_of is None:
            request = ScopeRequest(scheme, name, str(port), received)
            return request.scheme or scheme, request.get_host()
        sent = [value for field, value in received if field.lower() == "host"]
        return scheme, self._host_of(scheme, name, str(port), ",".join(sent) if sent else None)

    def of(self, scope: Scope) -> IncomingRequest:
        """Refused where Django would refuse the host."""
        received = received_in_scope(scope)
        place = refusals.host_by(
            lambda: self._place_of(scope, received), is_target_refused=targets.is_refused(scope)
        )
        peer = (scope.get("client") or ("",))[0]
        return IncomingRequest(
            received, path_info_of(scope), peer, *place, scope["type"] == "websocket"
        )


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


def _with_one_cookie(received: Fields) -> Fields:
    """HTTP/2 may take Cookie apart, and nobody else may see that (RFC 9113, 8.2.3)."""
    cookies = [value for name, value in received if name.lower() == "cookie"]
    if len(cookies) < 2:
        return received
    others = [field for field in received if field[0].lower() != "cookie"]
    return [*others, ("cookie", "; ".join(cookies))]


def received_in_scope(scope: Scope) -> Fields:
    """The request's fields as ASGI has them: all of them, in their order."""
    headers = scope["headers"]
    received = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return _with_one_cookie(received) if is_unframed(scope) else received


def target_of_scope(scope: Scope) -> str:
    """The request target, raw where the server has it."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(scope["path"], safe=SAFE_IN_PATH)
    query = scope.get("query_string", b"")
    if isinstance(query, bytes):  # Django's AsyncClient has text.
        query = query.decode("latin-1")
    target = path.partition("?")[0]
    return f"{target}?{query}" if query else target


def scope_of(request: HttpRequest) -> Scope:
    """A request's own, or what one would say of a request that is no server's."""
    if isinstance(request, ASGIRequest):
        return request.scope
    received = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in request.headers.items()]
    query = request.META.get("QUERY_STRING", "")
    return {"path": request.path, "query_string": query, "headers": received}


def is_unframed(scope: Scope) -> bool:
    """Whether a body may come without a length (RFC 9113, 8.1)."""
    return str(scope.get("http_version", "1.1")) not in ("1.0", "1.1")


def loses_body(scope: Scope) -> bool:
    """Whether the server gives an empty body for this request's, and takes what there is of it for
    the next request: httptools stops at the head of a CONNECT, and of one that offers an upgrade.
    """
    if HTTPTOOLS not in sys.modules:
        return False
    names = {name for name, _ in scope["headers"]}
    has_offered_body = b"upgrade" in names and not names.isdisjoint(FRAMING)
    return scope.get("method") == "CONNECT" or (
        has_offered_body
        and any(n == b"connection" and b"upgrade" in value.lower() for n, value in scope["headers"])
    )


def _framing_in(received: Fields) -> tuple[set[str], list[str]]:
    """What the fields say of the body: its lengths, and its codings."""
    lengths = {value.strip() for name, value in received if name.lower() == "content-length"}
    return lengths, [value for name, value in received if name.lower() == "transfer-encoding"]


def body_length_of(method: str | None, received: Fields, *, is_lost: bool = False) -> int:
    """The body's length in bytes, or NO_BODY or CHUNKED."""
    lengths, codings = _framing_in(received)
    # Of a declared length too little comes, which is noticed.
    lost = errors.BODY_LOST_TO_OFFER if is_lost and codings else None
    return refusals.body_length(method, lengths, codings, lost=lost)


def is_last(scope: Scope) -> bool:
    """Whether nobody can say where the next request on the connection begins."""
    if loses_body(scope):
        return True
    is_coded = any(name.lower() == b"transfer-encoding" for name, _ in scope["headers"])
    return is_coded and refusals.is_ambiguous(*_framing_in(received_in_scope(scope)))
