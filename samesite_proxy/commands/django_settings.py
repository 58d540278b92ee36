"""Whether Django's own settings, of which everything here is asked, are of a kind that it takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from django.conf import settings as django_settings
from django.utils.functional import Promise


def _is_text(value: object) -> bool:
    return isinstance(value, str | Promise)


def _is_text_or_none(value: object) -> bool:
    return value is None or _is_text(value)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, Sequence) and _is_list(value) and all(map(_is_text, value))


def _is_folder(value: object) -> bool:
    return value is None or isinstance(value, str | os.PathLike)


KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "ALLOWED_HOSTS": (_is_list_of_text, "a list of names"),
    "ASGI_APPLICATION": (_is_text_or_none, "a dotted path"),
    "BASE_DIR": (_is_folder, "a folder"),
    "CSRF_TRUSTED_ORIGINS": (_is_list_of_text, "a list of origins"),
    "LANGUAGES": (_is_list, "a list of languages"),
    "LANGUAGE_CODE": (_is_text, "a language"),
    "MEDIA_URL": (_is_text_or_none, "a path"),
    "MIDDLEWARE": (_is_list_of_text, "a list of dotted paths"),
    "ROOT_URLCONF": (_is_text_or_none, "a dotted path"),
    "STATIC_URL": (_is_text_or_none, "a path"),
    "WSGI_APPLICATION": (_is_text_or_none, "a dotted path"),
}
# Which a project need not have, and Django has no default for.
OPTIONAL = {"ASGI_APPLICATION", "BASE_DIR", "ROOT_URLCONF"}


def _is_right(name: str) -> bool:
    is_right, _ = KINDS[name]
    if name in OPTIONAL:
        return is_right(getattr(django_settings, name, None))
    try:
        return is_right(getattr(django_settings, name))
    except (AttributeError, TypeError):  # Of STATIC_URL and MEDIA_URL Django reads text alone.
        return False


def trouble() -> str:
    """Which are not, in a sentence each; "" where all are. Their values may be secret."""
    wrong = [name for name in KINDS if not _is_right(name)]
    return "\n".join(f"The setting {name} is not {KINDS[name][1]}." for name in wrong)
