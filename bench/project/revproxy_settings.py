"""The same project with django-revproxy's view in place of our middleware."""

from bench.project.plain_settings import *  # noqa: F403

ROOT_URLCONF = "bench.project.revproxy_urls"
INSTALLED_APPS = ["revproxy"]
# The view reads request.body, which Django otherwise refuses above 2.5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
