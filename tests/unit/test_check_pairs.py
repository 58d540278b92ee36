"""Each system check has what triggers it, and something near that does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import include, path, re_path

from samesite_proxy.checks import LOGIN_REQUIRED
from samesite_proxy.proxy.place import NAME
from tests.unit.path_cases import view
from tests.unit.test_checks import ids, urlconf

HERE = Path(__file__).parent
ERRORS = HERE.parents[1] / "docs" / "errors.md"


def proxy(**keys: Any) -> dict[str, Any]:
    return {"SAMESITE_PROXY": keys}


def urls(*patterns: Any) -> dict[str, Any]:
    return {"ROOT_URLCONF": urlconf(*patterns)}


OURS, STATIC = "samesite_proxy", "django.contrib.staticfiles"
SECURITY = "django.middleware.security.SecurityMiddleware"
LOCALE = "django.middleware.locale.LocaleMiddleware"
FLATPAGES = "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware"
SITES = {
    "INSTALLED_APPS": [f"django.contrib.{name}" for name in ("contenttypes", "sites", "flatpages")]
}
BELOW_STATIC = proxy(FRONTEND={"/": "http://localhost:1", "/static/x": "http://localhost:2"})
BESIDE_STATIC = proxy(FRONTEND={"/": "http://localhost:1", "/staticx": "http://localhost:2"})
STATIC_FIRST = {"INSTALLED_APPS": [STATIC, OURS], "DEBUG": True}
# A folder with an index.html.
VITE = str(HERE.parent / "frontends/vite")

# By id: settings that trigger it, and some that are near and do not.
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "E001": ({"SAMESITE_PROXY": ["FRONTEND"]}, proxy()),
    "E002": (proxy(FRONTENDS="http://localhost:1"), proxy(FRONTEND="http://localhost:1")),
    "E003": (proxy(FRONTEND="localhost:3000"), proxy(FRONTEND="http://localhost:3000")),
    "E004": (proxy(DJANGO_PATHS="/api"), proxy(DJANGO_PATHS=["/api"])),
    "E005": (proxy(HOST_HEADER="a b"), proxy(HOST_HEADER="frontend.example:3000")),
    "E006": (proxy(FRONTEND_NAMES="a"), proxy(FRONTEND_NAMES=["a.internal"])),
    "E007": (proxy(CONNECT_TIMEOUT=0), proxy(CONNECT_TIMEOUT=0.5)),
    "E008": (proxy(RESPONSE_TIMEOUT="60"), proxy(RESPONSE_TIMEOUT=60)),
    "E009": (proxy(IDLE_TIMEOUT=-1), proxy(IDLE_TIMEOUT=1)),
    "E010": (proxy(MAX_CONNECTIONS=0), proxy(MAX_CONNECTIONS=300)),
    "E011": (proxy(CA_FILE="/none.pem"), proxy(CA_FILE=None)),
    "E012": (proxy(TRUSTED_PROXIES=["nobody"]), proxy(TRUSTED_PROXIES=["10.0.0.0/8", "unix"])),
    "E013": (proxy(IN_TESTS="yes"), proxy(IN_TESTS=True)),
    "E014": (proxy(COMMAND=3), proxy(COMMAND="npm run dev")),
    "W001": (proxy(MAX_CONNECTIONS=10), proxy(MAX_CONNECTIONS=256)),
    "W002": (urls(path("<path:rest>", view)), urls(path("x/<path:rest>", view))),
    "W003": ({"MIDDLEWARE": [NAME, LOGIN_REQUIRED]}, {"MIDDLEWARE": [NAME]}),
    "W004": ({"INSTALLED_APPS": [STATIC, OURS]}, {"INSTALLED_APPS": [OURS, STATIC]}),
    "W005": (
        {"MIDDLEWARE": [NAME, SECURITY], "SECURE_REFERRER_POLICY": "no-referrer"},
        {"MIDDLEWARE": [SECURITY, NAME], "SECURE_REFERRER_POLICY": "no-referrer"},
    ),
    "W006": (
        urls(re_path(r"^((?:[\w\-]+/)*)$", view)),
        urls(path("pages/", include([re_path(r"^((?:[\w\-]+/)*)$", view)]))),
    ),
    "W007": (
        {"MIDDLEWARE": [NAME, FLATPAGES], **SITES},
        {"MIDDLEWARE": [FLATPAGES, NAME], **SITES},
    ),
    "W008": (STATIC_FIRST | BELOW_STATIC, STATIC_FIRST | BESIDE_STATIC),
    "W009": (proxy(FRONTEND=str(HERE)), proxy(FRONTEND=VITE)),
    "I001": ({"MIDDLEWARE": [LOCALE, NAME]}, {"MIDDLEWARE": [NAME, LOCALE]}),
    "I003": (urls(path("<slug:page>/", view)), urls(path("pages/<slug:page>/", view))),
    "I002": ({"MIDDLEWARE": []}, {"MIDDLEWARE": [NAME]}),
}


@pytest.mark.parametrize("check", PAIRS)
def test_check_is_triggered_by_one_and_not_by_the_other(check: str) -> None:
    wrong, right = PAIRS[check]
    assert check in ids(**wrong)
    assert check not in ids(**right)


def test_each_check_has_its_pair() -> None:
    documented = set(re.findall(r"^\| `samesite_proxy\.([EWI]\d{3})` \|", ERRORS.read_text(), re.M))
    assert set(PAIRS) == documented
