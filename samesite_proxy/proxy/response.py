"""The frontend's answer as a Django response, and the one line that stands for a failure."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Callable, Iterable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import ResponseHeaders

from samesite_proxy._engine import EngineError
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.proxy.error_page import form_for, told
from samesite_proxy.proxy.errors import BY_CODE, DETAILED, IS_BACK, Failure, Refused, failure_by
from samesite_proxy.proxy.outages import Outages
from samesite_proxy.types import Fields

logger = logging.getLogger("samesite_proxy")

_outages = Outages()  # as this process has met them

Body = Iterable[bytes] | AsyncIterable[bytes]


# What a middleware that compresses finds where it would hold back what should come at once. It is
# never sent (RFC 9110, 8.4.1).
IDENTITY = ("Content-Encoding", "identity")


def is_event_stream(content_type: str) -> bool:
    """Whether it names an open stream of events (WHATWG HTML, 9.2)."""
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


def _comes_in_pieces(fields: Fields) -> bool:
    """Whether an answer is to reach the client as it comes: events, or no declared length."""
    named = {name.lower(): value for name, value in fields}
    return is_event_stream(named.get("content-type", "")) or "content-length" not in named


class StreamedResponse(StreamingHttpResponse):
    """An answer whose body, if it has a close(), is closed with it."""

    def __init__(self, body: Body, **options: Any) -> None:
        super().__init__(body, **options)
        self._has_been_logged = True  # Django would log a frontend's 404 as its own.
        self.body = body  # As it is, for a server that is given no response of Django's.


class FrontendResponse(StreamedResponse):
    """The frontend's answer: its fields cross in their order, repeated ones and all.

    What a middleware before ours sets, changes or deletes in ``headers`` wins over them.
    """

    def __init__(self, status: int, reason: str, fields: Fields, body: Body) -> None:
        super().__init__(body, reason=reason)
        self.status_code = status  # Which Django lets be 100 to 599 alone.
        self._fields = fields
        self._edited: ResponseHeaders | None = None  # This drops the Content-Type Django adds.

    def _joined(self) -> dict[str, str]:
        """Repeated fields as one list (RFC 9110, 5.3), the view that Python code has of them."""
        joined: dict[str, str] = {}
        names: dict[str, str] = {}
        for name, value in self._fields:
            first = names.setdefault(name.lower(), name)
            joined[first] = f"{joined[first]}, {value}" if first in joined else value
        return joined

    @property
    def headers(self) -> ResponseHeaders:
        if self._edited is None:
            self._edited = ResponseHeaders(self._joined())
            if _comes_in_pieces(self._fields):
                self._edited.setdefault(*IDENTITY)
        return self._edited

    @headers.setter
    def headers(self, headers: ResponseHeaders) -> None:
        self._edited = headers

    def items(self) -> Fields:
        """What the server sends: the frontend's lines, but for what a middleware changed."""
        if self._edited is None:
            return self._fields
        before = {name.lower(): value for name, value in self._joined().items()}
        kept: Fields = []
        written = set()
        for name, value in self._fields:
            key = name.lower()
            now = self._edited.get(name)
            if now == before[key]:
                kept.append((name, value))
            elif now is not None and key not in written:
                kept.append((name, now))
            written.add(key)
        added = (item for item in self._edited.items() if item[0].lower() not in written)
        return kept + [item for item in added if item != IDENTITY]


# Why there is no answer of the frontend's. The last comes of text that is not Latin-1.
NoAnswer = (Refused, EngineError, UnicodeEncodeError)


def _elsewhere(frontend: Frontend | None, settings: Settings, own_port: str) -> str:
    """What was seen of it at the last look, after which the next one may begin."""
    if frontend is None or not settings.debug:
        return ""
    from samesite_proxy.machine import elsewhere  # Most frontends are where FRONTEND says.

    lookout = elsewhere.lookout(settings.frontends, int(own_port) if own_port.isdecimal() else 0)
    lookout.begin_look()
    return lookout.told_of(frontend)


def failure_of(
    error: Refused | EngineError | UnicodeEncodeError,
    frontend: Frontend | None,
    settings: Settings | None = None,
    own_port: str = "",
) -> Failure:
    """With settings, and the port at which Django was asked, also what answers instead."""
    if isinstance(error, Refused):
        return error.failure
    if not isinstance(error, EngineError):
        return BY_CODE["request-invalid"]
    beside = ""
    if settings is not None and error.code == "connect":
        beside = _elsewhere(frontend, settings, own_port)
    failure = failure_by(error.code, frontend, beside)
    return replace(failure, detail=str(error)) if error.code in DETAILED else failure


def log_failure(name: str, failure: Failure, frontend: Frontend | None) -> None:
    if not failure.is_logged:
        return
    again: str | None = ""
    if failure.is_lasting and frontend is not None:
        again = _outages.words_on(frontend, failure.text + failure.elsewhere)
    if again is not None:
        logger.warning("%s: %d %s%s", name, failure.status, failure.logged(frontend), again)


def note_answer(frontend: Frontend) -> None:
    """It has answered, whatever it has said."""
    if _outages.end(frontend):  # At the level at which it was said to be down.
        logger.warning("samesite_proxy: %s", IS_BACK.format(address=frontend.address))


def refusal(
    failure: Failure,
    frontend: Frontend | None,
    request: HttpRequest,
    body_of: Callable[[bytes], Body],
    *,
    settings: Settings,
) -> StreamedResponse:
    """What the client is told. It has no length, so that runserver closes after it."""
    log_failure(f"{request.method} {request.path}", failure, frontend)
    form = form_for(request.method, request.META.get("HTTP_ACCEPT", ""))
    fields, text = told(failure, frontend, form, settings)
    return StreamedResponse(body_of(text), status=failure.status, headers=dict(fields))


def log_broken(name: str, error: EngineError | OSError) -> None:
    if not isinstance(error, EngineError) or BY_CODE[error.code].is_logged:
        logger.warning("%s: the answer broke off: %s", name, error)
