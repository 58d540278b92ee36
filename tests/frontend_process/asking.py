"""Django's handler, where only Django itself can tell which Host is allowed."""

from __future__ import annotations

from typing import Any

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest

_get_host = HttpRequest.get_host


def get_host(self: HttpRequest) -> Any:
    return _get_host(self)


HttpRequest.get_host = get_host  # type: ignore[method-assign]
asking = get_wsgi_application()
