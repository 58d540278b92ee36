"""A request as a WSGI server's environ has it."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from samesite_proxy._engine import NO_UPGRADE, upgrade_of
from samesite_proxy.proxy import errors, refusals
from samesite_proxy.proxy.outgoing import SAFE_IN_PATH
from samesite_proxy.sync.servers import werkzeug
from samesite_proxy.types import Environ, Fields

# Django rewrites environ's SCRIPT_NAME, in which FORCE_SCRIPT_NAME is not what was asked for, and
# PATH_INFO; this key keeps what the server gave (PEP 3333: bytes as Latin-1), so that a path that
# is not UTF-8 crosses too.
SERVER_PATH = "samesite_proxy.path"

# Sent from elsewhere than environ's HTTP_ keys.
OWN_KEYS = frozenset({"HTTP_HOST", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})


def keep_server_path(environ: Environ) -> None:
    """Before Django touches the environ."""
    environ[SERVER_PATH] = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")


def _path_of(environ: Environ) -> bytes:
    if SERVER_PATH in environ:
        path: str = environ[SERVER_PATH]
        return path.encode("latin-1")
    return f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}".encode()


def target_of(environ: Environ) -> str:
    """The request target (RFC 9112, 3.2): raw where the server has it, else quoted again."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if raw.startswith("/") or raw == "*":
        return werkzeug.raw_target(environ, raw)
    path = _path_of(environ)
    target = "*" if path == b"*" else quote(path, safe=SAFE_IN_PATH) or "/"
    query = environ.get("QUERY_STRING", "")
    return f"{target}?{query}" if query else target


def body_length_of(environ: Environ) -> int:
    """The body's length in bytes, or NO_BODY or CHUNKED."""
    length, coding = environ.get("CONTENT_LENGTH"), environ.get("HTTP_TRANSFER_ENCODING")
    return refusals.body_length(
        environ["REQUEST_METHOD"],
        [length] if length else (),
        () if coding is None else [coding],
        # As wsgiref, which leaves a chunked body in the socket.
        lost=None if environ.get("wsgi.input_terminated") else errors.BODY_LOST,
    )


def upgrade_in(environ: Environ) -> int:
    """What the client asks its connection to become (RFC 9110, 7.8), by the listener's rule."""
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
