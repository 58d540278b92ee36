"""Werkzeug's development server, which django-extensions' runserver_plus starts."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from samesite_proxy.types import Environ, Fields


def serves(environ: Environ) -> bool:
    """It ends each connection after one answer, and before that reads on until the client's end
    while more comes."""
    return "werkzeug.socket" in environ


def is_chunked(body: Any) -> bool:
    """Whether this is its reader of a chunked body, around that of the connection."""
    return hasattr(body, "_rfile") and hasattr(body, "_len")


def raw_target(environ: Environ, target: str) -> str:
    """As the client sent it: what is no ASCII has been encoded once more."""
    return target.encode("latin-1").decode() if serves(environ) else target


def without_its_own(environ: Environ, fields: Fields) -> Fields:
    """An answer's fields but for those that the server writes before it, whatever is in it."""
    if not serves(environ):
        return fields
    return [field for field in fields if field[0].lower() not in ("date", "server")]


def end_reading(client: socket.socket) -> None:
    """The server finds an end behind what has come, and may still answer."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(client, socket.SHUT_RD)  # TLS's own would end both ways.
