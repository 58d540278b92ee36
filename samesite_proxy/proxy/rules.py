"""What is Django's and what a frontend's, as rules: by the settings, or by the URLconf.

The engine matches paths by them; here it is not needed, nor loaded.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings as django_settings
from django.urls import URLPattern, URLResolver, get_resolver, get_script_prefix, set_script_prefix
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern

from samesite_proxy.conf import Frontend, Settings

# What a rule's text owns, by the engine's numbers; csrc/wire/routes.h says it.
PREFIX, EXACT, STARTS = range(3)

# Owners in the tables; a frontend's is FIRST_FRONTEND and its place in the settings.
DJANGO = 0
ASK = 1  # Django's where its resolver finds a view
FIRST_FRONTEND = 2

# What is ours in DEBUG, unless the project has a URL of that name.
FEED = "/__samesite__/"

Rule = tuple[str, int, int]  # text, kind, owner
Entry = URLPattern | URLResolver

# How a pattern goes on after the text that it begins with.
NOTHING, ANYTHING, SOMETHING = "nothing", "anything", "something"

_LITERAL_HEAD = re.compile(r"\^((?:[^\\^$.|?*+()\[\]{}]|\\[^\w\s])*)(.*)", re.DOTALL)
_QUANTIFIERS = ("?", "*", "+", "{")

# What has no meaning for the groups around it, and a group with no other in it.
_ESCAPED_OR_SET = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_INNERMOST = re.compile(r"\([^()]*\)")
# Comments, and flags that may allow some.
_COMMENTING = re.compile(r"\(\?[#a-zA-Z-]*[#x]")


def _alternates(regex: str) -> bool:
    """Whether the whole of it is one of several, and not only what is in a group."""
    if _COMMENTING.search(regex):
        return "|" in regex
    rest, count = _ESCAPED_OR_SET.sub("", regex), 1
    while count:
        rest, count = _INNERMOST.subn("", rest)
    return "|" in rest


def _head_of_regex(regex: str) -> tuple[str, str]:
    match = _LITERAL_HEAD.fullmatch(regex)
    if regex == "":
        return "", ANYTHING
    if match is None or _alternates(regex):
        return "", SOMETHING
    head, rest = match.groups()
    if rest.startswith(_QUANTIFIERS):  # The last character is optional or repeated.
        head = re.sub(r"\\?.\Z", "", head, flags=re.DOTALL)
    going_on = {"": ANYTHING, "$": NOTHING, r"\Z": NOTHING}.get(rest, SOMETHING)
    return re.sub(r"\\(.)", r"\1", head), going_on


def head_of(entry: Entry) -> tuple[str, str]:
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


def language_prefixes(pattern: LocalePrefixPattern) -> Iterator[str]:
    default = django_settings.LANGUAGE_CODE  # Which need not be among LANGUAGES, as en-us is not.
    if not pattern.prefix_default_language:
        yield ""
    for language, _ in django_settings.LANGUAGES:
        if pattern.prefix_default_language or language != default:
            yield f"{language}/"


def _rules_of_text(text: str, kind: int, owner: int) -> Iterator[Rule]:
    """A rule, and another for the path without its slash that APPEND_SLASH leads to it."""
    yield text, kind, owner
    bare = text.removesuffix("/")
    if bare and bare != text and not bare.endswith("/") and django_settings.APPEND_SLASH:
        yield bare, EXACT, owner


def _rules_of_entry(entry: Entry, prefix: str) -> Iterator[Rule]:
    head, going_on = head_of(entry)
    text = prefix + head
    if going_on == SOMETHING or (going_on == NOTHING and isinstance(entry, URLResolver)):
        yield from _rules_of_text(text, STARTS, ASK)
    elif isinstance(entry, URLResolver):
        yield text, PREFIX if text.endswith("/") else STARTS, DJANGO
    else:
        yield from _rules_of_text(text, EXACT if going_on == NOTHING else STARTS, DJANGO)


def rules_of(patterns: Iterable[Entry], prefix: str) -> Iterator[tuple[Entry, Rule]]:
    """What is Django's by these, below `prefix`, and by which of them, or of those within."""
    for entry in patterns:
        if isinstance(entry, URLResolver) and isinstance(entry.pattern, LocalePrefixPattern):
            for language in language_prefixes(entry.pattern):
                yield from rules_of(entry.url_patterns, prefix + language)
        elif isinstance(entry, URLResolver) and head_of(entry) == ("", ANYTHING):
            yield from rules_of(entry.url_patterns, prefix)
        else:
            for rule in _rules_of_entry(entry, prefix):
                yield entry, rule


def _local_path(url: str | None, script_name: str) -> str | None:
    """The path of STATIC_URL or MEDIA_URL as PATH_INFO has it, if it is one of ours."""
    if not url or not url.startswith("/") or url.startswith("//"):
        return None
    if script_name and not url.startswith(f"{script_name}/"):
        return None
    path = url[len(script_name) :]
    return path if path != "/" else None


def rules_of_settings(script_name: str) -> Iterator[tuple[str, Rule]]:
    """What is Django's by STATIC_URL and MEDIA_URL, with the name of each."""
    for name in ("STATIC_URL", "MEDIA_URL"):
        if path := _local_path(getattr(django_settings, name), script_name):
            yield name, (path, PREFIX, DJANGO)


def rules_of_urlconf(urlconf: Any, script_name: str = "") -> list[Rule]:
    """What is Django's by its URLconf, STATIC_URL and MEDIA_URL."""
    found = [rule for _, rule in rules_of_settings(script_name)]
    found.extend(rule for _, rule in rules_of(get_resolver(urlconf).url_patterns, "/"))
    return found


def frontend_rules(frontends: tuple[Frontend, ...]) -> list[Rule]:
    """What is a frontend's by its prefix."""
    return [
        (frontend.prefix, PREFIX, FIRST_FRONTEND + index)
        for index, frontend in enumerate(frontends)
    ]


@contextlib.contextmanager
def under(script_name: str) -> Iterator[None]:
    """STATIC_URL follows the script's name, which Django sets later."""
    before = get_script_prefix()
    set_script_prefix(script_name or "/")
    try:
        yield
    finally:
        set_script_prefix(before)


def django_rules(settings: Settings, urlconf: Any, script_name: str) -> list[Rule]:
    """What is Django's by DJANGO_PATHS, or by a URLconf."""
    if settings.django_paths is not None:
        return [(path, PREFIX, DJANGO) for path in settings.django_paths]
    with under(script_name):
        return rules_of_urlconf(urlconf, script_name)


def listed_paths(rules: Iterable[Rule]) -> list[str]:
    """What DJANGO_PATHS would have to list for these rules, but for what may be any path."""
    texts = {text for text, kind, _ in rules if kind != STARTS or text.endswith("/")}
    found: list[str] = []
    for path in sorted(text.rstrip("/") for text in texts):
        if path and not any(path == other or path.startswith(f"{other}/") for other in found):
            found.append(path)
    return found


def may_be_any_path(rules: Iterable[Rule]) -> bool:
    """Whether one of Django's rules begins with no text of its own."""
    return any(text == "/" and kind == STARTS for text, kind, _ in rules)
