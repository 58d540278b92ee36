"""The test project with third-party software in it, on a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from samesite_proxy.proxy.place import NAME
from tests.harness.django_servers import ROOT

DJANGOS = ["auth", "contenttypes", "sessions", "messages", "staticfiles", "sites"]
OURS = ["samesite_proxy", *(f"django.contrib.{name}" for name in DJANGOS)]
FLATPAGES = [*OURS, "django.contrib.flatpages", "django.contrib.redirects"]
WAGTAIL = [
    *OURS,
    *(f"wagtail.contrib.{name}" for name in ("forms", "redirects")),
    *(
        f"wagtail.{name}"
        for name in ("embeds", "sites", "users", "snippets", "documents", "images", "search")
    ),
    *("wagtail.admin", "wagtail", "modelcluster", "taggit"),
]
FRONT = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def project(
    folder: Path, applications: list[str], middleware: list[str] | None = None, **settings: Any
) -> dict[str, str]:
    """The environment of such a project."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}
    changes = {
        "DATABASES": {"default": database},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": applications,
        "MIDDLEWARE": middleware or [NAME, *FRONT],
        "SILENCED_SYSTEM_CHECKS": [],
        "SITE_ID": 1,
        "TEMPLATES": TEMPLATES,
        "WAGTAILADMIN_BASE_URL": "http://localhost:8000",
        "WAGTAIL_SITE_NAME": "Test",
        **settings,
    }
    return {"TEST_SETTINGS": json.dumps(changes)}


def manage(
    environment: dict[str, str], *arguments: str, module: str = "tests.project.manage"
) -> str:
    """What a command says."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
