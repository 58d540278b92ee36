"""The same project, varied by environment variables: for demo.py, for nginx and for the tests.

A project of yours needs none of this; config/settings.py is the one to read.
"""

import os
from pathlib import Path
from typing import Any

from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE

SAMESITE_PROXY: dict[str, Any] = {}

# The frontend listens on another port than 3000.
if os.environ.get("DEMO_FRONTEND_PORT", "3000") != "3000":
    SAMESITE_PROXY["FRONTEND"] = f"http://localhost:{os.environ['DEMO_FRONTEND_PORT']}"

# Django's paths are listed by hand, as one would for nginx, instead of taken from urls.py.
if os.environ.get("DEMO_DJANGO_PATHS"):
    SAMESITE_PROXY["DJANGO_PATHS"] = [
        "/api",
        "/admin",
        "/blog",
        "/dj",
        "/static",
        "/media",
    ]

# The middleware alone, in Django's own runserver.
if os.environ.get("DEMO_WITHOUT_FASTPATH") or os.environ.get("DEMO_WITHOUT_PROXY"):
    INSTALLED_APPS = [name for name in INSTALLED_APPS if name != "samesite_proxy"]

# Another proxy stands in front of Django, so this one stays out.
if os.environ.get("DEMO_WITHOUT_PROXY"):
    MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("samesite_proxy.")]

# The database and the uploaded files live elsewhere.
if "DEMO_VAR" in os.environ:
    VAR_DIR = Path(os.environ["DEMO_VAR"])
    MEDIA_ROOT = VAR_DIR / "media"
    DATABASES["default"]["NAME"] = VAR_DIR / "db.sqlite3"
