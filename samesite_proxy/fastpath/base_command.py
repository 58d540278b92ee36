"""The runserver commands of the applications: the first in INSTALLED_APPS is the one that runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.apps import apps

OWN = "samesite_proxy"
OF_ASGI = ("channels", "daphne")
MODULE = "management.commands.runserver"


def _names() -> list[str]:
    return [config.name for config in apps.get_app_configs()]


def _has_one(application: str) -> bool:
    try:
        return importlib.util.find_spec(f"{application}.{MODULE}") is not None
    except ModuleNotFoundError:  # It has no commands at all.
        return False


def _command_of(application: str) -> Any:
    return import_module(f"{application}.{MODULE}").Command


def in_place_of_ours() -> str | None:
    """The application whose runserver runs without ours, though ours is installed."""
    if OWN not in _names():
        return None
    first = next(name for name in _names() if _has_one(name))
    if first == OWN:  # Ours would bring the engine.
        return None
    bases = {base.__module__ for base in _command_of(first).__mro__}
    return None if f"{OWN}.{MODULE}" in bases else first


def _below_ours() -> Iterator[str]:
    names = _names()
    yield from names[names.index(OWN) + 1 :]
    yield "django.core"


def _next() -> str:
    return next(name for name in _below_ours() if _has_one(name))


def below_ours() -> Any:
    """The command that would run if ours were not there."""
    return _command_of(_next())


def is_ours_of_asgi() -> bool:
    """Whether ours wraps one that starts an ASGI server, unless it is told not to."""
    return OWN in _names() and _next() in OF_ASGI
