"""The project's 502.html, which a visitor gets without DEBUG instead of the frontend's answer."""

from __future__ import annotations

import logging
from functools import cache

from django.apps import apps
from django.template import TemplateDoesNotExist, loader

NAME = "502.html"

logger = logging.getLogger("samesite_proxy")


@cache
def _say_once(text: str) -> None:
    """The checks read the settings, and then the middleware does."""
    logger.error("%s is not shown: %s", NAME, text)


def rendered() -> str:
    """As Django's own view renders 500.html: without a request, without context processors. "" is
    for none; one that is broken must not keep the site from starting.
    """
    if not apps.models_ready:
        return ""
    try:
        return loader.get_template(NAME).render()
    except Exception as error:
        if not isinstance(error, TemplateDoesNotExist) or error.args[0] != NAME:
            _say_once(f"{type(error).__name__}: {error}")
        return ""
