"""A project behind which a frontend is tried."""

import json
import os
from pathlib import Path

BASE_DIR = Path(os.environ["SITE_FOLDER"])
SECRET_KEY = "only for tests"
DEBUG = os.environ["SITE_DEBUG"] == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "tests.frontends.site_urls"
INSTALLED_APPS = [
    "samesite_proxy",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
MIDDLEWARE = [
    "samesite_proxy.middleware.SameSiteProxyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "site.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
WSGI_APPLICATION = "tests.project.wsgi.application"
SAMESITE_PROXY = json.loads(os.environ["SITE_PROXY"])
