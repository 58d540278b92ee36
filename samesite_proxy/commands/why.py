"""`samesite_proxy why PATH`: who answers it, by which rule, what would cross, and what both say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.core.servers.basehttp import get_internal_wsgi_application

from samesite_proxy.commands import asking, columns
from samesite_proxy.commands.owners import LIVE, Owned, Owners, live
from samesite_proxy.commands.pasted import Pasted
from samesite_proxy.conf import Settings
from samesite_proxy.proxy import allowed_hosts, neighbours, place
from samesite_proxy.proxy.incoming import IncomingRequest
from samesite_proxy.proxy.rules import ASK

# A browser's beside runserver, where a path has none.
HOST = "localhost:8000"
PEER = "127.0.0.1"


def fast_path_reason(settings: Settings) -> str:
    """Why runserver would pass every request through Django; "" where it need not."""
    from samesite_proxy.fastpath import base_command, table

    if not apps.is_installed("samesite_proxy"):
        return "samesite_proxy is not in INSTALLED_APPS"
    if (other := base_command.in_place_of_ours()) is not None:
        return f"{other} stands above samesite_proxy in INSTALLED_APPS"
    try:
        return table.reason_against(get_internal_wsgi_application(), settings)
    except (ImportError, ImproperlyConfigured) as error:  # Which runserver would tell.
        return str(error)


def _notes(settings: Settings, pasted: Pasted, *, is_djangos: bool) -> Iterator[str]:
    yield from pasted.notes
    if settings.django_paths is None:
        for name in place.names_before() or ():
            middleware = place.imported(name)
            if middleware is not None and neighbours.sets_urlconf(middleware):
                yield f"{name} may set request.urlconf, whose routes would count instead."
    if (static := place.static_path()) and pasted.path.startswith(static):
        yield "Under runserver staticfiles answers below STATIC_URL, before any middleware."
    if is_djangos:
        yield "A WebSocket to it is a frontend's under WSGI; docs/asgi.md says it for ASGI."


def _host_refused(pasted: Pasted, host: str) -> str | None:
    try:
        allowed_hosts.host_under(pasted.scheme, "localhost", "8000", host)
    except DisallowedHost as error:
        return str(error)
    return None


def _decided(owners: Owners, path: str) -> tuple[Owned, Owned | None, dict[str, Any]]:
    """The rule that decides, the one that was asked before it, and what Django's resolver says."""
    first, resolved = owners.deciding(path), asking.django(path)
    if first.why == LIVE:
        return first, None, {**asking.NOTHING, "found": True, "view": "samesite_proxy.feed.page"}
    if first.rule[2] != ASK or resolved["found"]:
        return first, None, resolved
    return owners.otherwise(path), first, resolved


def found(settings: Settings, pasted: Pasted) -> dict[str, Any]:
    owners = Owners(settings, live(settings))
    decided, asked_before, resolved = _decided(owners, pasted.path)
    frontend = owners.frontend_of(decided)
    host = pasted.host or HOST
    refused = _host_refused(pasted, host)
    other = frontend or settings.frontends[0]
    incoming = IncomingRequest([("Host", host)], pasted.path, PEER, pasted.scheme, host)
    fields, is_alias = asking.crossing(settings, other, incoming)
    before = place.names_before()
    return {
        "path": pasted.path,
        "target": pasted.target,
        "host": host,
        "host_refused": refused,
        "owner": "frontend" if frontend else "django",
        "frontend": frontend.address if frontend else None,
        "rule": owners.plain(decided),
        "asked_before": owners.plain(asked_before) if asked_before else None,
        "django": resolved,
        "asked_frontend": other.address,
        "answer": asking.frontend(settings, other, pasted.target, fields),
        "crosses": {"target": pasted.target, "fields": fields, "host_is_alias": is_alias}
        if frontend and frontend.folder is None and refused is None
        else None,
        "middleware_before": before,
        "fast_path_off": fast_path_reason(settings) or None,
        "notes": list(_notes(settings, pasted, is_djangos=frontend is None)),
    }


def _resolver_says(said: dict[str, Any], owner: str) -> str:
    if said["error"]:
        return f"a converter raises {said['error']}; Django answers with that error"
    if not said["found"]:
        return "no view matches" + (": Django's 404" if owner == "django" else "")
    view = said["view"] + (f', by "{said["route"]}"' if said["route"] is not None else "")
    return f"redirects to {said['redirects_to']}: {view}" if said["redirects_to"] else view


def _frontend_says(said: dict[str, Any]) -> str:
    if said["error"]:
        return str(said["error"])
    kind = f", {said['type']}" if said["type"] else ""
    return f"{said['status']} {said['reason']}{kind} (asked just now, by {said['method']})"


def _way(answer: dict[str, Any]) -> str:
    before = answer["middleware_before"]
    if before is None:
        return "SameSiteProxyMiddleware is not in MIDDLEWARE: nothing is forwarded"
    if answer["fast_path_off"]:
        path = f"through Django: the fast path is off, {answer['fast_path_off']}"
    else:
        path = "by the fast path under runserver, else through Django"
    stands = f"behind {', '.join(before)}" if before else "where ours is the first in MIDDLEWARE"
    return f"{path}; {stands}"


def told(answer: dict[str, Any], style: Any) -> str:
    """`answer` as found() has it, for people."""
    who = f"frontend {answer['frontend']}" if answer["frontend"] else "Django"
    if answer["host_refused"]:
        who = f"nobody, since Host is refused: {answer['host_refused']}"
    rows = [("path", answer["path"]), ("rule", answer["rule"]["why"])]
    if answer["asked_before"]:
        rows.append(("", f"{answer['asked_before']['why']}: no view matches"))
    rows.append(("Django", _resolver_says(answer["django"], answer["owner"])))
    rows.append((answer["asked_frontend"], _frontend_says(answer["answer"])))
    if answer["crosses"]:
        rows.append(("crosses", answer["crosses"]["target"]))
        rows += [("", f"{name}: {value}") for name, value in answer["crosses"]["fields"]]
        rows.append(("", "and what else the client sends"))
    rows.append(("way", _way(answer)))
    rows += [("note", note) for note in answer["notes"]]
    heading = columns.shown(f"{answer['target']}: {who}")
    return "\n".join([style.MIGRATE_HEADING(heading), *columns.lines(rows)])
