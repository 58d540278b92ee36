"""What of staticfiles' paths is a frontend's: its handler stands before all middleware."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import get_path_info

from samesite_proxy.conf import Settings
from samesite_proxy.proxy.rules import DJANGO, EXACT, PREFIX, STARTS, Rule, frontend_rules
from samesite_proxy.types import Environ


def static_path(handler: Any) -> str | None:
    """What the paths begin with that never come to the middleware; None: nothing is served."""
    if type(handler) is not StaticFilesHandler or handler.base_url.netloc:
        return None
    path: str = handler.base_url.path
    return path


def rules_behind(handler: Any, settings: Settings, rules: list[Rule]) -> list[Rule]:
    """The rules where this handler serves: a frontend's own prefixes win, and then it does."""
    static = static_path(handler)
    own = frontend_rules(settings.frontends)
    if static is None or static.rstrip("/") in (text for text, _, _ in own):
        return rules
    others = [rule for rule in rules if rule in own or not rule[0].startswith(static)]
    # A prefix with a slash at its end owns the path without it, too, which is not staticfiles'.
    bare = [
        (text[:-1], EXACT, owner) for text, kind, owner in rules if (text, kind) == (static, PREFIX)
    ]
    return [(static, STARTS, DJANGO), *others, *bare]


class FrontendsFirst:
    """The handler, but for a frontend's paths below STATIC_URL."""

    def __init__(self, handler: Any, is_frontends: Callable[[str], bool]) -> None:
        self._handler = handler
        self._is_frontends = is_frontends

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        is_frontends = self._is_frontends(get_path_info(environ))
        application = self._handler.application if is_frontends else self._handler
        answer: Iterable[bytes] = application(environ, start_response)
        return answer
