"""The feed, and the page over it, as Django answers them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from samesite_proxy.conf import Settings
from samesite_proxy.conf.frontends import now_at
from samesite_proxy.feed import gate, rows
from samesite_proxy.feed.rows import Plain
from samesite_proxy.proxy.routing import match_of
from samesite_proxy.proxy.rules import DJANGO, FEED
from samesite_proxy.proxy.server_timing import ANSWERING, LISTENER, LOOKING, US

JSON = "feed.json"
FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "feed.js": ("feed.js", "text/javascript; charset=utf-8"),
    "feed.css": ("feed.css", "text/css; charset=utf-8"),
}
FOLDER = Path(__file__).parent / "assets"
PATHS = tuple(f"{FEED}{name}" for name in (*FILES, JSON))

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def is_of_project(path: str, urlconf: Any) -> bool:
    """Whether the project has a URL of this very name. A route that takes any path is none."""
    match = match_of(path, urlconf)
    return match is not None and FEED.strip("/") in match.route


def _who(place: str, owner: int, settings: Settings) -> str:
    if owner == DJANGO:
        return "Django"
    if owner == US:
        return "samesite_proxy"
    if place:
        return f"unix:{place}" if place.startswith("/") else place.rstrip("/")
    index = owner - US - 1
    known = now_at(settings.frontends)
    return known[index].address if index < len(known) else "a frontend"


def _readable(row: Plain, settings: Settings) -> Plain:
    """A row as it is shown: what there is not (yet) is null."""
    times = ("waiting", "first_byte", "done", "bytes")
    return {
        "id": row["id"],
        "at": round(row["at"]),
        "who": _who(row["place"], row["owner"], settings),
        **{name: row[name] for name in ("method", "target", "cut")},
        "status": row["status"] or None,
        **{name: row[name] if row[name] >= 0 else None for name in times},
        "error": row["error"] or None,
    }


def _feed(request: HttpRequest, settings: Settings) -> HttpResponse:
    listener = request.META.get(LISTENER)
    found: Plain | None = (listener or rows.since)(request.GET.get("after", ""))
    if found is None:
        return JsonResponse({"error": "the listener does not answer"}, status=503)
    by_number = sorted(found["rows"], key=itemgetter("id"))
    return JsonResponse(
        {
            "covers": "process" if listener is None else "listener",
            **{name: found[name] for name in ("process", "next", "missed")},
            "rows": [_readable(row, settings) for row in by_number],
        }
    )


def _answer(request: HttpRequest, settings: Settings, name: str) -> HttpResponse:
    request.META[ANSWERING] = LOOKING
    if request.method not in ("GET", "HEAD"):
        response: HttpResponse = HttpResponseNotAllowed(["GET", "HEAD"])
    elif name == JSON:
        response = _feed(request, settings)
    else:
        file, content_type = FILES[name]
        response = HttpResponse((FOLDER / file).read_bytes(), content_type=content_type)
    for field, value in HEADERS.items():
        response.headers[field] = value
    return response


def answering(request: HttpRequest, settings: Settings) -> Callable[[], Any] | None:
    """What answers a request below FEED; None: it goes where it would go without this."""
    path, urlconf = request.path_info, getattr(request, "urlconf", None)
    if path not in PATHS or not gate.may_see(request, settings) or is_of_project(path, urlconf):
        return None
    return partial(_answer, request, settings, path.removeprefix(FEED))
