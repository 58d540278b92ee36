"""Whether Django can load the project's URLconf, of which everything here is asked."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path

import django
from django.conf import settings as django_settings
from django.urls import get_resolver

from samesite_proxy.commands import columns

# Whose lines say nothing of what is wrong in a project's.
_OTHERS = "<frozen ", *(str(Path(each.__file__ or "").parent) for each in (django, importlib))


def _place_of(error: Exception) -> str:
    """The line that it is about, or the project's own that led there."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}, line {error.lineno})"
    steps = traceback.extract_tb(error.__traceback__)
    own = [step for step in steps if not step.filename.startswith((*_OTHERS, __file__))]
    return f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""


def trouble() -> str:
    """Why it cannot be loaded, in a sentence; "" where it can."""
    try:
        _ = get_resolver().url_patterns
    except Exception as error:  # Whatever the project's modules raise.
        urlconf = getattr(django_settings, "ROOT_URLCONF", None)
        said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":.")
        place = _place_of(error)
        return columns.shown(f"The URLconf {urlconf!r} cannot be loaded: {said}{place}.")
    return ""
