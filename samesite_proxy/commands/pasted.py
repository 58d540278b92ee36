"""A path as somebody types it, or pastes it from a browser: understood, or refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlsplit

from django.core.handlers.wsgi import get_path_info

# What a target may hold as it is (RFC 3986, 2); a "%" is taken for the beginning of two digits.
SAFE = "/:@!$&'()*+,;=~-._?%[]"

_ADDRESS = re.compile(r"(https?|wss?)://", re.IGNORECASE)
# A host with a port, as browsers show one that has no TLS.
_AUTHORITY = re.compile(r"(localhost|[\w.-]+|\[[0-9a-fA-F:.]+\]):\d+(?=[/?#]|\Z)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

DOTS = re.compile(r"/(\.|%2e){1,2}(/|\Z)", re.IGNORECASE)


class NotUnderstood(ValueError):
    """The message says why, and what would be understood."""


@dataclass(frozen=True)
class Pasted:
    """A request's target, and what its path is to Django."""

    target: str
    path: str  # PATH_INFO: decoded once
    host: str | None = None  # of a whole address
    scheme: str = "http"
    notes: tuple[str, ...] = ()


def _cut(text: str) -> tuple[str, str | None, str]:
    """The target, the host and the scheme of an address, or of a path alone."""
    found = _AUTHORITY.match(text)
    if not _ADDRESS.match(text) and not (found and not text.startswith("/")):
        return text, None, "http"
    try:
        parts = urlsplit(text if _ADDRESS.match(text) else f"http://{text}")
        host, _ = parts.netloc, parts.port
    except ValueError as error:
        raise NotUnderstood(f"{text!r} is no address: {error}.") from error
    if not parts.hostname or "@" in host:
        raise NotUnderstood(
            f"{text!r} names a user or no host, and is refused as a target: 400 for everybody."
        )
    rest = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return rest, host, parts.scheme.lower().replace("ws", "http")


def _noted(path: str) -> list[str]:
    notes = []
    if DOTS.search(path):
        notes.append("A browser takes /./ and /../ out before it asks; other clients need not.")
    if "//" in path:
        notes.append("nginx makes one slash of several, where merge_slashes is not off.")
    if "%2f" in path.lower():
        notes.append("%2F is a slash to Django's resolver, and stays %2F on its way to a frontend.")
    return notes


def understood(text: str) -> Pasted:
    """The request that a browser would send for `text`."""
    if not text.strip():
        raise NotUnderstood('There is no path: write one, such as "/api/me/".')
    if _CONTROLS.search(text):
        raise NotUnderstood(f"{text!r} holds a control character, which no target may.")
    kept, hash_sign, _ = text.strip().partition("#")
    target, host, scheme = _cut(kept)
    if target == "*":
        return Pasted("*", "*", notes=("That is the server as a whole, which only OPTIONS asks.",))
    notes = ["What follows # stays in the browser."] if hash_sign else []
    if not target.startswith("/"):
        if "://" in target or re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
            raise NotUnderstood(f"{text!r} is neither a path nor an address of http or https.")
        notes.append(f"A path begins with a slash: taken for /{target}.")
        target = f"/{target}"
    raw, mark, query = target.partition("?")
    if _BROKEN_PERCENT.search(raw):
        notes.append("A % without two digits behind it is sent as it is, and stays a %.")
    raw = quote(raw, safe=SAFE, errors="surrogateescape")
    query = quote(query, safe=SAFE, errors="surrogateescape")
    # As Django decodes it, bytes that are no UTF-8 too.
    decoded = get_path_info({"PATH_INFO": unquote_to_bytes(raw).decode("latin-1")})
    return Pasted(raw + mark + query, decoded, host, scheme, (*notes, *_noted(raw)))
