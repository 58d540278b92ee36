"""The settings of the test project; SAMESITE_PROXY and more come from the environment."""

import json
import os
import sys

from samesite_proxy.machine import elsewhere, sockets

SECRET_KEY = "only for tests"
DEBUG = os.environ.get("TEST_DEBUG", "1") == "1"
ALLOWED_HOSTS = json.loads(os.environ.get("TEST_ALLOWED_HOSTS", "[]"))
ROOT_URLCONF = os.environ.get("TEST_URLCONF", "tests.project.urls")
INSTALLED_APPS = json.loads(os.environ.get("TEST_INSTALLED_APPS", '["django.contrib.staticfiles"]'))
MIDDLEWARE = json.loads(
    os.environ.get("TEST_MIDDLEWARE", '["samesite_proxy.middleware.SameSiteProxyMiddleware"]')
)
SAMESITE_PROXY = json.loads(os.environ.get("SAMESITE_PROXY", "{}"))
STATIC_URL = "static/"
USE_TZ = True
DATABASES: dict[str, dict[str, str]] = {}
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [], "APP_DIRS": True}
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
# What listens there beside the tests is nothing of theirs.
sockets.DEV_PORTS = tuple(json.loads(os.environ.get("TEST_DEV_PORTS", "[]")))
if "TEST_DEV_PORTS" not in os.environ and "pytest" not in sys.modules:
    # A look of a server's would be one more connection to a scripted frontend.
    elsewhere.is_up = lambda frontend: False
# Whatever else a test wants set or replaced.
globals().update(json.loads(os.environ.get("TEST_SETTINGS", "{}")))
