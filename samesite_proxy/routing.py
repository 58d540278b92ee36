"""Whose path is it: Django's or a frontend's, by the settings or by the URLconf.

Both ask one matcher, in C. Where only Django's resolver can tell, it is asked path by path.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings as django_settings
from django.urls import (
    URLPattern,
    URLResolver,
    get_resolver,
    get_script_prefix,
    is_valid_path,
    set_script_prefix,
)
from django.urls.exceptions import Resolver404
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern
from django.utils import translation

from samesite_proxy._engine import EXACT, PREFIX, STARTS, Routes
from samesite_proxy.conf import Frontend, Settings

logger = logging.getLogger("samesite_proxy")

# Owners in the tables; a frontend's is FIRST_FRONTEND and its place in the settings.
DJANGO = 0
ASK = 1  # Django's where its resolver finds a view
FIRST_FRONTEND = 2

Rule = tuple[str, int, int]  # text, kind, owner

CATCH_ALL_HINT = (
    'Remove it, or list what is Django\'s: SAMESITE_PROXY = {"DJANGO_PATHS": ["/api", "/admin"]}.'
)

# How a pattern goes on after the text that it begins with.
NOTHING, ANYTHING, SOMETHING = "nothing", "anything", "something"

_LITERAL_HEAD = re.compile(r"\^((?:[^\\^$.|?*+()\[\]{}]|\\[^\w\s])*)(.*)", re.DOTALL)
_QUANTIFIERS = ("?", "*", "+", "{")


def _head_of_regex(regex: str) -> tuple[str, str]:
    match = _LITERAL_HEAD.fullmatch(regex)
    if regex == "":
        return "", ANYTHING
    if match is None or "|" in regex:
        return "", SOMETHING
    head, rest = match.groups()
    if rest.startswith(_QUANTIFIERS):  # The last character is optional or repeated.
        head = re.sub(r"\\?.\Z", "", head, flags=re.DOTALL)
    going_on = {"": ANYTHING, "$": NOTHING, r"\Z": NOTHING}.get(rest, SOMETHING)
    return re.sub(r"\\(.)", r"\1", head), going_on


def head_of(entry: URLPattern | URLResolver) -> tuple[str, str]:
    """The text that all paths of an entry begin with, and how they go on after it."""
    route = getattr(entry.pattern, "_route", None)
    if isinstance(entry.pattern, RoutePattern) and isinstance(route, str):
        head, converter, _ = route.partition("<")
        if converter:
            return head, SOMETHING
        return head, NOTHING if isinstance(entry, URLPattern) else ANYTHING
    regex = getattr(entry.pattern, "_regex", None)
    if isinstance(entry.pattern, RegexPattern) and isinstance(regex, str):
        return _head_of_regex(regex)
    return "", SOMETHING  # A translated one changes with the language, others are unknown.


def _language_prefixes(pattern: LocalePrefixPattern) -> Iterator[str]:
    default = django_settings.LANGUAGE_CODE  # Which need not be among LANGUAGES, as en-us is not.
    if not pattern.prefix_default_language:
        yield ""
    for language, _ in django_settings.LANGUAGES:
        if pattern.prefix_default_language or language != default:
            yield f"{language}/"


def _rules_of_view(text: str, going_on: str) -> Iterator[Rule]:
    if going_on == SOMETHING:
        yield text, STARTS, ASK
    elif going_on == ANYTHING:
        yield text, STARTS, DJANGO
    else:
        yield text, EXACT, DJANGO
        if text.endswith("/") and text != "/" and django_settings.APPEND_SLASH:
            yield text[:-1], EXACT, DJANGO


def _rules_of_include(entry: URLResolver, prefix: str) -> Iterator[Rule]:
    head, going_on = head_of(entry)
    text = prefix + head
    if going_on != ANYTHING:
        yield text, STARTS, ASK
    elif not head:
        yield from _rules_of(entry.url_patterns, prefix)
    else:
        yield text, PREFIX if text.endswith("/") else STARTS, DJANGO


def _rules_of(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[Rule]:
    for entry in patterns:
        if isinstance(entry.pattern, LocalePrefixPattern) and isinstance(entry, URLResolver):
            for language in _language_prefixes(entry.pattern):
                yield from _rules_of(entry.url_patterns, prefix + language)
        elif isinstance(entry, URLResolver):
            yield from _rules_of_include(entry, prefix)
        else:
            head, going_on = head_of(entry)
            yield from _rules_of_view(prefix + head, going_on)


def _local_path(url: str | None, script_name: str) -> str | None:
    """The path of STATIC_URL or MEDIA_URL as PATH_INFO has it, if it is one of ours."""
    if not url or not url.startswith("/") or url.startswith("//"):
        return None
    if script_name and not url.startswith(f"{script_name}/"):
        return None
    path = url[len(script_name) :]
    return path if path != "/" else None


def rules_of_urlconf(urlconf: Any, script_name: str = "") -> list[Rule]:
    """What is Django's by its URLconf, STATIC_URL and MEDIA_URL."""
    urls = (django_settings.STATIC_URL, django_settings.MEDIA_URL)
    paths = (_local_path(url, script_name) for url in urls)
    rules: list[Rule] = [(path, PREFIX, DJANGO) for path in paths if path]
    rules.extend(_rules_of(get_resolver(urlconf).url_patterns, "/"))
    return rules


def catch_all_route(urlconf: Any = None) -> str | None:
    """The route that takes every path, if there is one."""
    resolver = get_resolver(urlconf)
    try:
        found = [resolver.resolve(path) for path in ("/any-8d1f/path.js", "/any-8d1f")]
    except Resolver404:
        return None
    return found[0].route or "(an empty route)"


def catch_all_message(route: str) -> str:
    return f"The route {route!r} takes every path, so that nothing is left for the frontend."


def _resolves(path: str, urlconf: Any) -> bool:
    slashed = path + "/"
    may_append = django_settings.APPEND_SLASH and not path.endswith("/")
    found = is_valid_path(path, urlconf) or (may_append and is_valid_path(slashed, urlconf))
    return bool(found)


def frontend_rules(frontends: tuple[Frontend, ...]) -> list[Rule]:
    """What is a frontend's by its prefix."""
    return [
        (frontend.prefix, PREFIX, FIRST_FRONTEND + index)
        for index, frontend in enumerate(frontends)
    ]


def django_rules(settings: Settings, urlconf: Any, script_name: str) -> list[Rule]:
    """What is Django's by DJANGO_PATHS, or by a URLconf."""
    if settings.django_paths is not None:
        return [(path, PREFIX, DJANGO) for path in settings.django_paths]
    before = get_script_prefix()
    set_script_prefix(script_name or "/")  # STATIC_URL follows it; Django sets it later.
    rules = rules_of_urlconf(urlconf, script_name)
    set_script_prefix(before)
    return rules


class Table:
    """The owners of all paths under one URLconf, or under DJANGO_PATHS."""

    def __init__(self, rules: list[Rule], frontends: tuple[Frontend, ...], urlconf: Any) -> None:
        explicit = frontend_rules(frontends)
        self._urlconf = urlconf
        self._frontends = frontends
        self._routes = Routes([*explicit, *rules])
        self._own = Routes(explicit)
        self._settled = Routes([*explicit, *(rule for rule in rules if rule[2] != ASK)])

    def _asks_django(self, path: str) -> bool:
        language = translation.get_language_from_path(path) if django_settings.USE_I18N else None
        if language is None:
            return _resolves(path, self._urlconf)
        with translation.override(language):
            return _resolves(path, self._urlconf)

    def frontend_of_upgrade(self, path: str) -> Frontend:
        """An upgrade's frontend: Django cannot answer one under WSGI."""
        return self._frontends[self._own.match(path) - FIRST_FRONTEND]

    def frontend_of(self, path: str) -> Frontend | None:
        """The frontend that `path` belongs to (PATH_INFO, decoded once); None: Django."""
        owner = self._routes.match(path)
        if owner == ASK:
            owner = DJANGO if self._asks_django(path) else self._settled.match(path)
        return None if owner == DJANGO else self._frontends[owner - FIRST_FRONTEND]


class Routing:
    """The tables of one set of settings, made when a URLconf is first seen."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._table = lru_cache(maxsize=64)(self._make_table)

    def _make_table(self, urlconf: Any, script_name: str) -> Table:
        rules = django_rules(self._settings, urlconf, script_name)
        is_derived = self._settings.django_paths is None
        if is_derived and (route := catch_all_route(urlconf)) is not None:
            logger.warning("%s %s", catch_all_message(route), CATCH_ALL_HINT)
        return Table(rules, self._settings.frontends, urlconf)

    def frontend_of_upgrade(self, path: str, urlconf: Any, script_name: str) -> Frontend:
        """The frontend that an upgrade of `path` belongs to; under WSGI it is always one."""
        return self._table(urlconf, script_name).frontend_of_upgrade(path)

    def frontend_of(self, path: str, urlconf: Any, script_name: str) -> Frontend | None:
        """The frontend that `path` belongs to under `urlconf`; None: it is Django's."""
        return self._table(urlconf, script_name).frontend_of(path)
