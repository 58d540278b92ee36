"""The same as warmed_wsgi for ASGI."""

from __future__ import annotations

from samesite_proxy.asgi import get_asgi_application
from tests.process import warmed_wsgi

__all__ = ["application"]

del warmed_wsgi  # Which has forwarded by now.
application = get_asgi_application()
