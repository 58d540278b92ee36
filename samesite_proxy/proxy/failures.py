"""What becomes of a failure: it is found by its error, logged, and told to the client."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from django.http import HttpRequest

from samesite_proxy._engine import EngineError
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.proxy.error_page import form_for, told
from samesite_proxy.proxy.errors import BY_CODE, DETAILED, IS_BACK, Failure, Refused, failure_by
from samesite_proxy.proxy.outages import Outages
from samesite_proxy.proxy.response import Body, StreamedResponse

logger = logging.getLogger("samesite_proxy")

# As this process has met them, by prefix: a frontend of COMMAND's may come back elsewhere.
_outages = Outages()

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
        said = f"{frontend.address} {failure.text} {failure.elsewhere}"
        again = _outages.words_on(frontend.prefix, said)
    if again is not None:
        logger.warning("%s: %d %s%s", name, failure.status, failure.logged(frontend), again)


def note_answer(frontend: Frontend) -> None:
    """It has answered, whatever it has said."""
    if _outages.end(frontend.prefix):  # At the level at which it was said to be down.
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
    response = StreamedResponse(body_of(text), status=failure.status, headers=dict(fields))
    response.said = len(text)
    return response


def log_broken(name: str, error: EngineError | OSError) -> None:
    if not isinstance(error, EngineError) or BY_CODE[error.code].is_logged:
        logger.warning("%s: the answer broke off: %s", name, error)
