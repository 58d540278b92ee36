"""Both sides asked about a path: Django's resolver, and the frontend itself."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings as django_settings
from django.urls import get_resolver
from django.urls.exceptions import Resolver404

from samesite_proxy._engine import NO_BODY, NO_UPGRADE, EngineError
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import now_at
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.failures import failure_of
from samesite_proxy.proxy.host_policy import view_of
from samesite_proxy.proxy.incoming import IncomingRequest, value_of
from samesite_proxy.proxy.outgoing import Forwarding, upstream_of
from samesite_proxy.proxy.routing import language_of
from samesite_proxy.types import Fields

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 5.0
# What those answer that know no HEAD.
NOT_HEAD = (405, 501)

NOTHING = {"found": False, "route": None, "view": None, "redirects_to": None, "error": None}


def now(settings: Settings) -> Settings:
    """With the addresses that a runserver has found, where it starts the frontends."""
    if not settings.commands:
        return settings
    from samesite_proxy.frontend_process import sharing

    told = sharing.told(settings.commands)
    return replace(settings, frontends=now_at(settings.frontends, told))


def _name_of(view: Any) -> str:
    """Of a function, of a class by its as_view(), of an object that is called."""
    while isinstance(view, partial):
        view = view.func
    named = getattr(view, "view_class", view)
    name = getattr(named, "__qualname__", None) or type(named).__qualname__
    return f"{named.__module__}.{name}"


UNANSWERED = {
    **{"method": "HEAD", "status": None, "reason": None, "type": None},
    **{"code": None, "error": None},
}


def _view_at(path: str, urlconf: Any) -> dict[str, Any] | None:
    try:
        match = get_resolver(urlconf).resolve(path)
    except Resolver404:
        return None
    return {**NOTHING, "found": True, "route": match.route, "view": _name_of(match.func)}


def django(path: str, urlconf: Any = None) -> dict[str, Any]:
    """What Django's resolver finds, in the language that the path has."""
    try:
        with language_of(path):
            if (found := _view_at(path, urlconf)) is not None:
                return found
            if django_settings.APPEND_SLASH and not path.endswith("/"):
                slashed = f"{path}/"
                if (found := _view_at(slashed, urlconf)) is not None:
                    return {**found, "redirects_to": slashed}
    except Exception as error:  # A converter of the project's, as a request would meet it.
        return {**NOTHING, "found": True, "error": f"{type(error).__name__}: {error}"}
    return NOTHING


def crossing(
    settings: Settings, frontend: Frontend, incoming: IncomingRequest
) -> tuple[Fields, bool]:
    """The fields that the frontend sees of a request with none but Host, and whether that Host is
    another than the browser's."""
    view = view_of(settings, incoming, frontend)
    fields = Forwarding(settings).fields(incoming, view)
    if frontend.loop_token:
        fields.append(("CDN-Loop", frontend.loop_token))
    return fields, view.host != incoming.host


def _answer(
    settings: Settings, frontend: Frontend, method: str, target: str, fields: Fields
) -> dict[str, Any]:
    sent = [field for field in fields if field[0] != "CDN-Loop"]  # It is the engine's to say.
    exchange = upstream_of(frontend, settings).request(method, target, sent, NO_BODY)
    try:
        status, reason, answered = exchange.head()
    finally:
        exchange.cancel()
    kind = value_of(answered, "content-type")
    return {**UNANSWERED, "method": method, "status": status, "reason": reason, "type": kind}


def _of_folder(asked: Frontend, target: str, host: str) -> dict[str, Any]:
    from django.test import RequestFactory

    from samesite_proxy.sync.built import BuiltFrontend

    request = RequestFactory().head(target, headers={"host": host, "accept": "text/html"})
    try:
        response = BuiltFrontend(asked).answer(request, None, NO_UPGRADE)
    except Refused as error:
        sentence = error.failure.line(asked).strip()
        return {**UNANSWERED, "status": error.failure.status, "error": sentence}
    kind = response.headers.get("Content-Type")
    answer = {"status": response.status_code, "reason": response.reason_phrase, "type": kind}
    response.close()
    return {**UNANSWERED, **answer}


def frontend(settings: Settings, asked: Frontend, target: str, fields: Fields) -> dict[str, Any]:
    """What the frontend says, which is really asked, by HEAD or else by GET; a folder, as a browser
    asks for a page."""
    hasty = replace(settings, connect_timeout=CONNECT_SECONDS, response_timeout=ANSWER_SECONDS)
    if asked.folder is not None:
        return _of_folder(asked, target, dict(fields)["Host"])
    try:
        answer = _answer(hasty, asked, "HEAD", target, fields)
        if answer["status"] in NOT_HEAD:
            answer = _answer(hasty, asked, "GET", target, fields)
    except (Refused, EngineError, UnicodeEncodeError) as error:
        sentence = failure_of(error, asked).line(asked).strip()
        return {**UNANSWERED, "code": getattr(error, "code", None), "error": sentence}
    return answer
