"""Verdicts on Host values: whether Django allows one, and how each frontend is to see it."""

from __future__ import annotations

from dataclasses import replace

from django.core.exceptions import DisallowedHost

from samesite_proxy.conf import Settings
from samesite_proxy.conf.frontends import now_at
from samesite_proxy.fastpath.table import Plain, scheme_of_server, settings_in
from samesite_proxy.proxy import allowed_hosts, host_policy
from samesite_proxy.proxy.incoming import IncomingRequest

View = tuple[str, str, str, str, str, bool, str]
Views = tuple[View, View, View]


def _views_of(
    settings: Settings, sent: str, host: str, scheme: str
) -> list[list[host_policy.HostView]]:
    """Each frontend's view of an ordinary request, of one to a special path, of an upgrade."""
    fields = [("Host", sent)]
    requests = [
        IncomingRequest(fields, "/", "", scheme, host),
        IncomingRequest(fields, host_policy.NEXT_DEV_PATHS[0], "", scheme, host),
        IncomingRequest(fields, "/", "", scheme, host, is_upgrade=True),
    ]
    return [
        [host_policy.view_of(settings, incoming, frontend) for incoming in requests]
        for frontend in settings.frontends
    ]


def refusal_of(sent: str) -> Plain:
    """The verdict on a Host value whose requests are all Django's."""
    return {"host": sent, "origin": "", "views": None}


def _allowance(sent: str, host: str, scheme: str, settings: Settings) -> Plain:
    """The verdict on a Host value that is allowed, and is `host` to Django."""
    views = _views_of(settings, sent, host, scheme)
    return {"host": sent, "origin": f"{scheme}://{host}", "views": views}


def verdict_on(sent: str, server: tuple[str, int], settings: Settings) -> Plain:
    """Whether Django allows a Host value, sent to the server at this name and port."""
    scheme = scheme_of_server()
    if settings.commands:
        settings = replace(settings, frontends=now_at(settings.frontends))
    try:
        host = allowed_hosts.host_under(scheme, server[0], str(server[1]), sent)
    except DisallowedHost:
        return refusal_of(sent)
    return _allowance(sent, host, scheme, settings)


class HostJudge:
    """The same where the listener is, by what the table says: it waits for nobody."""

    def __init__(self, table: Plain) -> None:
        self._allowed: list[str] = table["hosts"]
        self._scheme: str = table["scheme"]
        self._settings = settings_in(table)

    def verdict_on(self, sent: str) -> Plain:
        if not allowed_hosts.is_allowed(sent, self._allowed):
            return refusal_of(sent)
        return _allowance(sent, sent, self._scheme, self._settings)


def views_in(verdict: Plain) -> list[Views] | None:
    """The views as Listener.add_host takes them."""
    if verdict["views"] is None:
        return None
    return [
        (tuple(ordinary), tuple(special), tuple(upgrade))
        for ordinary, special, upgrade in verdict["views"]
    ]
