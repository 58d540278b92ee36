"""What is refused before anything is sent, whichever server has the request, and in which order:
the target, the host, the method, the body's length, a body that is not to be had, a body of HEAD.
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

MOST_DIGITS = 18  # which 63 bits hold, whatever they are

T = TypeVar("T")


def host_by(host_of: Callable[[], T], *, is_target_refused: bool) -> T:
    """What Django says of the host. Standing first, nothing else enforces ALLOWED_HOSTS."""
    if is_target_refused:
        raise Refused(errors.TARGET_REFUSED)
    try:
        return host_of()
    except DisallowedHost as error:
        raise Refused(replace(errors.HOST_REFUSED, detail=str(error))) from error


def number_of(length: str) -> int | None:
    """A Content-Length's; None of what is no number, or more bytes than the engine can count."""
    if not (length.isascii() and length.isdigit()) or len(length.lstrip("0")) > MOST_DIGITS:
        return None
    return int(length.lstrip("0") or "0")  # Of very many digits Python makes no number.


def is_ambiguous(lengths: Collection[str], codings: Collection[str]) -> bool:
    """Whether another reader could find another end of the body (RFC 9112, 6.1 and 6.3)."""
    return bool(codings) and bool(lengths or _coding_of(codings) != "chunked")


def _coding_of(codings: Collection[str]) -> str:
    return ",".join(codings).strip(" \t").lower()


def _refuse_codings(lengths: Collection[str], codings: Collection[str]) -> None:
    if lengths and codings:
        raise Refused(errors.FRAMED_TWICE)
    if is_ambiguous(lengths, codings):
        raise Refused(errors.CODING_UNKNOWN)


def body_length(
    method: str | None,
    lengths: Collection[str],
    codings: Collection[str],
    *,
    lost: Failure | None = None,
) -> int:
    """The body's length in bytes by the fields that declare it, or NO_BODY or CHUNKED.

    `lost`: what is said where the server does not read the chunked body of such a request.
    """
    if method in NEVER_FORWARDED:
        raise Refused(errors.METHOD_REFUSED)
    _refuse_codings(lengths, codings)
    if codings:
        length = CHUNKED
    elif not lengths:
        return NO_BODY
    else:
        (first, *others) = lengths
        declared = number_of(first)
        if others or declared is None:  # RFC 9112, 6.3.
            raise Refused(errors.LENGTH_REFUSED)
        length = declared
    if length == CHUNKED and lost is not None:  # First, as it ends the connection.
        raise Refused(lost)
    refuse_body(method, length)
    return length


def refuse_body(method: str | None, length: int) -> None:
    """Of HEAD, where it has one."""
    if method == "HEAD" and length not in (NO_BODY, 0):
        raise Refused(errors.BODY_WITH_HEAD)


def refuse_taken(request: HttpRequest) -> None:
    """Where a middleware has read a form, and has left nothing of it to send."""
    if getattr(request, "_read_started", False) and not hasattr(request, "_body"):
        raise Refused(errors.BODY_TAKEN)
