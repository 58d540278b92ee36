"""A project as `startproject` makes one, and the README's recipes as they are printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.harness.django_servers import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
REST = """\
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
"""
SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "config.urls"
INSTALLED_APPS = [f"django.contrib.{name}" for name in (
    "admin", "auth", "contenttypes", "sessions", "messages", "staticfiles",
)]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
STATIC_URL = "static/"
USE_TZ = True
"""
URLS = """\
from django.contrib import admin
from django.http import Http404, HttpResponse
from django.urls import include, path

def hello(request):
    return HttpResponse(b"Django answers")

def missing(request):
    raise Http404("no such object")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include([path("hello/", hello), path("missing/", missing)])),
]
"""
WSGI = """\
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
"""


def blocks(language: str, page: str = "README.md") -> list[str]:
    """The code of a page in a language, in its order."""
    found = BLOCK.findall((ROOT / page).read_text())
    return [text for name, text in found if name == language]


def block_with(words: str, language: str = "python", page: str = "README.md") -> str:
    (found,) = (text for text in blocks(language, page) if words in text)
    return found.replace("    # ... the rest\n", REST)


def make_project(folder: Path, production: str, **files: str) -> Path:
    """With its static files collected."""
    texts = {"settings": SETTINGS, "urls": URLS, "wsgi": WSGI, "production": production, **files}
    config = folder / "config"
    config.mkdir()
    for name, text in texts.items():
        (config / f"{name}.py").write_text(text)
    subprocess.run(
        [sys.executable, "-m", "django", "collectstatic", "-v0", "--noinput"],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{ROOT}", "DJANGO_SETTINGS_MODULE": "config.production"},
        check=True,
    )
    return folder
