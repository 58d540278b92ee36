"""The same project with django-revproxy's view in place of our middleware."""

from bench.project.settings import (
    ALLOWED_HOSTS,
    DEBUG,
    LOGGING,
    SECRET_KEY,
    USE_TZ,
)

__all__ = ["ALLOWED_HOSTS", "DEBUG", "LOGGING", "SECRET_KEY", "USE_TZ"]

ROOT_URLCONF = "bench.project.revproxy_urls"
INSTALLED_APPS = ["revproxy"]
MIDDLEWARE: list[str] = []
# The view reads request.body, which Django otherwise refuses above 2.5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
