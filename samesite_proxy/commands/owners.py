"""Whose each path is, with the reason: the rules of the routing table, told apart."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.conf import settings as django_settings
from django.urls import URLResolver, get_resolver

from samesite_proxy._engine import Routes
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.proxy import place, rules
from samesite_proxy.proxy.rules import (
    ASK,
    DJANGO,
    EXACT,
    FIRST_FRONTEND,
    PREFIX,
    STARTS,
    Entry,
    Rule,
)

LIVE = "with DEBUG who answers is shown there, to this machine alone"
KINDS = {PREFIX: "prefix", EXACT: "exact", STARTS: "starts"}


class Owned(NamedTuple):
    """A rule, and what in the project it comes from."""

    rule: Rule
    why: str
    route: str = ""  # as the URLconf has it


def script_name() -> str:
    return django_settings.FORCE_SCRIPT_NAME or ""


def _why(entry: Entry, rule: Rule, *, has_slashed: bool) -> str:
    """`has_slashed`: the entry has another rule, for the path with its slash."""
    (_, kind, owner), route = rule, f'"{entry.pattern}"'
    if owner == ASK:
        return f"Django's resolver is asked, for {route}"
    if kind == EXACT and has_slashed:
        return f"{route} without its slash (APPEND_SLASH)"
    if isinstance(entry, URLResolver):
        return f"include() at {route}, with all below it"
    return f"{route}, and all that begins so" if kind == STARTS else f"the route {route}"


def _of_django(settings: Settings) -> Iterator[Owned]:
    if settings.django_paths is not None:
        for path in settings.django_paths:
            yield Owned((path, PREFIX, DJANGO), "DJANGO_PATHS lists it")
        return
    with rules.under(script_name()):
        for name, rule in rules.rules_of_settings(script_name()):
            yield Owned(rule, f"{name}, with all below it")
    found = list(rules.rules_of(get_resolver().url_patterns, "/"))
    texts = {(entry, text) for entry, (text, _, _) in found}
    for entry, rule in found:
        has_slashed = (entry, f"{rule[0]}/") in texts
        yield Owned(rule, _why(entry, rule, has_slashed=has_slashed), str(entry.pattern))


def live(settings: Settings) -> Iterator[Owned]:
    """What the middleware answers by itself with DEBUG, unless the project has that very URL."""
    if not settings.debug or not place.is_listed():
        return
    from samesite_proxy.feed import page

    for path in page.PATHS:
        with contextlib.suppress(Exception):  # A converter of the project's; its requests tell.
            if not page.is_of_project(path, None):
                yield Owned((path, EXACT, DJANGO), LIVE)


class Owners:
    """All rules of a project, and which one decides on a path."""

    def __init__(self, settings: Settings, others: Iterable[Owned] = ()) -> None:
        self.frontends = settings.frontends
        own = rules.frontend_rules(settings.frontends)
        self.owned = [
            *others,
            *(Owned(rule, f'FRONTEND has "{rule[0]}"') for rule in own),
            *_of_django(settings),
        ]
        self._first = self._matcher(range(len(self.owned)))
        settled = [place for place, each in enumerate(self.owned) if each.rule[2] != ASK]
        self._settled = self._matcher(settled)

    def _matcher(self, places: Iterable[int]) -> Routes:
        """The engine's own, which here finds a rule's place in the list."""
        return Routes([(*self.owned[place].rule[:2], place) for place in places])

    def deciding(self, path: str) -> Owned:
        """The rule that decides on a path (PATH_INFO); one that is asked may leave it."""
        return self.owned[self._first.match(path)]

    def otherwise(self, path: str) -> Owned:
        """The one that decides where Django's resolver finds nothing."""
        return self.owned[self._settled.match(path)]

    def frontend_of(self, owned: Owned) -> Frontend | None:
        owner = owned.rule[2]
        return self.frontends[owner - FIRST_FRONTEND] if owner >= FIRST_FRONTEND else None

    def plain(self, owned: Owned) -> dict[str, Any]:
        """As programs read it."""
        text, kind, owner = owned.rule
        frontend = self.frontend_of(owned)
        return {
            "pattern": text,
            "kind": KINDS[kind],
            "owner": "frontend" if frontend else "ask" if owner == ASK else "django",
            "frontend": frontend.address if frontend else None,
            "route": owned.route or None,
            "why": owned.why,
        }
