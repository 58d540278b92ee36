"""What of a process's requests the engine does not see: Django's answers, and ours."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

from django.http import HttpRequest, HttpResponseBase

from samesite_proxy import _engine
from samesite_proxy._engine import EngineError
from samesite_proxy.conf import Settings
from samesite_proxy.proxy.rules import DJANGO
from samesite_proxy.proxy.server_timing import ANSWERING, FAILED, LISTENER, US

WITHOUT_BODY = (204, 304)


def _size_of(response: HttpResponseBase, method: str | None) -> int:
    """-1: who knows?"""
    if method == "HEAD" or response.status_code in WITHOUT_BODY:
        return 0
    if (said := getattr(response, "said", None)) is not None:
        return int(said)
    if not response.streaming:
        return len(response.content)  # type: ignore[attr-defined]
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else -1


def _closing(close: Callable[[], None], end: Callable[[], None]) -> Callable[[], None]:
    def close_and_end() -> None:
        try:
            close()
        finally:
            end()

    return close_and_end


def begin(request: HttpRequest, owner: int = DJANGO) -> int:
    """Its row's number; 0 where it has none, or the listener has one."""
    if LISTENER in request.META:
        return 0
    with contextlib.suppress(EngineError):  # For want of memory.
        return _engine.open_row(request.method or "", request.get_full_path(), owner)
    return 0


def follow(number: int, request: HttpRequest, response: HttpResponseBase) -> None:
    """Until the server closes the answer. It closes the request with it, which is nobody else's: an
    answer is copied by caches, or another middleware's is sent in its place."""
    if number == 0:
        return

    def end() -> None:
        with contextlib.suppress(EngineError):
            _engine.end_row(number, _size_of(response, request.method))

    with contextlib.suppress(EngineError):
        _engine.answer_row(number, response.status_code)
    request.close = _closing(request.close, end)  # type: ignore[method-assign]


class ClosedWith:
    """A body that closes a request with itself, where no response of Django's does."""

    def __init__(self, request: HttpRequest, body: Iterable[bytes]) -> None:
        self._request = request
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            if (close := getattr(self._body, "close", None)) is not None:
                close()
        finally:
            self._request.close()


def follow_ours(request: HttpRequest, response: HttpResponseBase, settings: Settings) -> None:
    """An answer that is no frontend server's, but a folder's, or a refusal of ours."""
    if failed := request.META.get(FAILED):
        _refuse(failed, response.status_code, _size_of(response, request.method))
        return
    owner = request.META.get(ANSWERING, DJANGO)
    frontends = settings.frontends
    if owner == US or (owner > US and frontends[owner - US - 1].folder is not None):
        follow(begin(request, owner), request, response)


def _refuse(row: int, status: int, size: int) -> None:
    with contextlib.suppress(EngineError):
        _engine.refuse_row(row, status, size)


def note_refusal(row: int, method: str, target: str, status: int, size: int) -> None:
    """One that is no response of Django's; row: the request's, or 0."""
    with contextlib.suppress(EngineError):
        row = row or _engine.open_row(method, target, US)
    _refuse(row, status, 0 if method == "HEAD" else size)


def keep() -> None:
    """From now on, unless the listener is this process's."""
    with contextlib.suppress(EngineError):
        _engine.keep_feed(_engine.FEED_PROCESS)
