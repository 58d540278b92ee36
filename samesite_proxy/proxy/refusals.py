"""What is refused before anything is sent, whichever server has the request, and in which order:
the target, the host, the method, the body's length, a body of HEAD, a body that is not to be had.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TypeVar

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from samesite_proxy._engine import CHUNKED, NO_BODY
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.errors import Failure, Refused

NEVER_FORWARDED = frozenset({"CONNECT", "TRACE"})

T = TypeVar("T")


def host_by(host_of: Callable[[], T], *, is_target_refused: bool) -> T:
    """What Django says of the host. Standing first, nothing else enforces ALLOWED_HOSTS."""
    if is_target_refused:
        raise Refused(errors.TARGET_REFUSED)
    try:
        return host_of()
    except DisallowedHost as error:
        raise Refused(replace(errors.HOST_REFUSED, detail=str(error))) from error


def body_length(
    method: str | None, lengths: Collection[str], *, is_chunked: bool, lost: Failure | None = None
) -> int:
    """The body's length in bytes by the fields that declare it, or NO_BODY or CHUNKED.

    `lost`: what is said where the server does not read the chunked body of such a request.
    """
    if method in NEVER_FORWARDED:
        raise Refused(errors.METHOD_REFUSED)
    if is_chunked:
        length = CHUNKED
    elif not lengths:
        return NO_BODY
    else:
        (first, *others) = lengths
        if others or not (first.isascii() and first.isdigit()):  # RFC 9112, 6.3.
            raise Refused(errors.LENGTH_REFUSED)
        length = int(first)
    refuse_body(method, length)
    if length == CHUNKED and lost is not None:
        raise Refused(lost)
    return length


def refuse_body(method: str | None, length: int) -> None:
    """Of HEAD, where it has one."""
    if method == "HEAD" and length not in (NO_BODY, 0):
        raise Refused(errors.BODY_WITH_HEAD)


def refuse_taken(request: HttpRequest) -> None:
    """Where a middleware has read a form, and has left nothing of it to send."""
    if getattr(request, "_read_started", False) and not hasattr(request, "_body"):
        raise Refused(errors.BODY_TAKEN)
