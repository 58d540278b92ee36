"""Whose path is it: Django's or a frontend's.

All ways in ask one matcher, in C. Where only Django's resolver can tell, it is asked path by path.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.urls import ResolverMatch, get_resolver
from django.urls.exceptions import Resolver404
from django.utils import translation

from samesite_proxy._engine import Routes
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import now_at
from samesite_proxy.proxy.rules import (
    ASK,
    DJANGO,
    FEED,
    FIRST_FRONTEND,
    Rule,
    django_rules,
    frontend_rules,
    listed_paths,
    may_be_any_path,
)

logger = logging.getLogger("samesite_proxy")

# Nobody has a route for these alone.
PAGES = ("/any-8d1f", "/any-8d1f/page")
FILES = ("/any-8d1f.js", "/any-8d1f/file.js")


class Taking(NamedTuple):
    """A route that takes every page's path, and what it leaves to the frontend."""

    route: str
    leaves_files: bool
    django_paths: list[str]

    @property
    def message(self) -> str:
        if self.leaves_files:
            return (
                f"The route {self.route!r} takes every page's path, so that of the frontend only"
                " files are left."
            )
        return (
            f"The route {self.route!r} takes every path, so that nothing is left for the frontend."
        )

    @property
    def hint(self) -> str:
        paths = json.dumps(self.django_paths or ["/api", "/admin"], ensure_ascii=False)
        return (
            "Begin it with a literal, or list what is Django's: SAMESITE_PROXY ="
            f' {{"DJANGO_PATHS": {paths}}}.'
        )


def match_of(path: str, urlconf: Any) -> ResolverMatch | None:
    """What Django finds for a path, or where APPEND_SLASH leads from it."""
    resolver = get_resolver(urlconf)
    with contextlib.suppress(Resolver404):
        return resolver.resolve(path)
    if django_settings.APPEND_SLASH and not path.endswith("/"):
        with contextlib.suppress(Resolver404):
            return resolver.resolve(f"{path}/")
    return None


@contextlib.contextmanager
def language_of(path: str) -> Iterator[None]:
    """The language that a path has, which an earlier request's in this thread is not."""
    if not django_settings.USE_I18N:
        yield
        return
    language = translation.get_language_from_path(path) or django_settings.LANGUAGE_CODE
    with translation.override(language):
        yield


class Table:
    """The owners of all paths under one URLconf, or under DJANGO_PATHS."""

    def __init__(self, rules: list[Rule], frontends: tuple[Frontend, ...], urlconf: Any) -> None:
        explicit = frontend_rules(frontends)
        self._urlconf = urlconf
        self._frontends = frontends
        self._rules = rules
        self._routes = Routes([*explicit, *rules])
        self._settled = Routes([*explicit, *(rule for rule in rules if rule[2] != ASK)])

    def _asks_django(self, path: str) -> bool:
        with language_of(path):
            return match_of(path, self._urlconf) is not None

    def frontend_of(self, path: str) -> Frontend | None:
        """The frontend that `path` belongs to (PATH_INFO, decoded once); None: Django."""
        owner = self._routes.match(path)
        if owner == ASK:
            owner = DJANGO if self._asks_django(path) else self._settled.match(path)
        return None if owner == DJANGO else self._frontends[owner - FIRST_FRONTEND]

    def _taking(self) -> Taking | None:
        if not may_be_any_path(self._rules) or any(map(self.frontend_of, PAGES)):
            return None
        with language_of(PAGES[0]):
            match = match_of(PAGES[0], self._urlconf)
        route = match.route if match else ""
        leaves_files = any(map(self.frontend_of, FILES))
        return Taking(route or "(an empty route)", leaves_files, listed_paths(self._rules))

    def taking(self) -> Taking | None:
        """The route that leaves the frontend no page, if there is one."""
        try:
            return self._taking()
        except Exception:  # A converter of the project's that raises; its requests tell of it.
            return None


def table_of(settings: Settings, urlconf: Any, script_name: str) -> Table:
    return Table(django_rules(settings, urlconf, script_name), settings.frontends, urlconf)


class Routing:
    """The tables of one set of settings, made when a URLconf is first seen."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own = Routes(frontend_rules(settings.frontends))
        self._table = lru_cache(maxsize=64)(self._make_table)
        setting_changed.connect(self._forget)
        if settings.commands:
            from samesite_proxy.conf import whereabouts

            whereabouts.on_change(self._take_up_addresses)

    def _take_up_addresses(self) -> None:
        """Prefixes stay, and so do the owners of all paths."""
        settings = self._settings
        self._settings = replace(settings, frontends=now_at(settings.frontends))
        self._table.cache_clear()

    def _forget(self, **_: object) -> None:
        """Tests change STATIC_URL, APPEND_SLASH and more under a living client."""
        self._table.cache_clear()

    def _make_table(self, urlconf: Any, script_name: str) -> Table:
        table = table_of(self._settings, urlconf, script_name)
        is_derived = self._settings.django_paths is None
        if is_derived and (taking := table.taking()) is not None:
            logger.warning("%s %s", taking.message, taking.hint)
        return table

    def frontend_of(
        self, path: str, urlconf: Any, script_name: str, *, is_never_djangos: bool = False
    ) -> Frontend | None:
        """The frontend that `path` belongs to under `urlconf`; None: it is Django's.

        A WebSocket under WSGI, which Django cannot answer, and a target that is refused, which a
        frontend's failure tells, are never Django's.
        """
        if not self._settings.are_in_force:
            return None
        if is_never_djangos:
            return self._settings.frontends[self._own.match(path) - FIRST_FRONTEND]
        table = self._table(urlconf or django_settings.ROOT_URLCONF, script_name)
        return table.frontend_of(path)

    def frontend_before_django(
        self, path: str, script_name: str, *, is_never_djangos: bool
    ) -> Frontend | None:
        """As frontend_of, in front of Django's handler. Where a converter or the URLconf raises,
        Django is to meet that too and to fail in its own way: its answer, its log, its mail. What
        may be the feed's is the middleware's to answer."""
        if self._settings.debug and path.startswith(FEED) and not is_never_djangos:
            return None
        try:
            return self.frontend_of(path, None, script_name, is_never_djangos=is_never_djangos)
        except Exception:
            return None
