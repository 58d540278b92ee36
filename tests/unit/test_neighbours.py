"""Middleware beside ours, and what is said of where it stands."""

from __future__ import annotations

import functools
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from django.core.asgi import get_asgi_application as django_asgi
from django.core.wsgi import get_wsgi_application as django_wsgi
from django.http import HttpResponseNotFound
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware
from django.test import override_settings

from samesite_proxy import middleware
from samesite_proxy.asgi import get_asgi_application as our_asgi
from samesite_proxy.checks import check_deployment, check_project
from samesite_proxy.proxy.place import NAME
from samesite_proxy.wsgi import get_wsgi_application as our_wsgi
from tests.harness.django_servers import ROOT

SECURITY = "django.middleware.security.SecurityMiddleware"
FRAMES = "django.middleware.clickjacking.XFrameOptionsMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
STANDARD = [
    SECURITY,
    "django.contrib.sessions.middleware.SessionMiddleware",
    COMMON,
    "django.middleware.csrf.CsrfViewMiddleware",
    FRAMES,
]


def own(kind: Any) -> str:
    return f"{__name__}.{kind.__name__}"


class OwnSecurity(SecurityMiddleware):
    """As a project may have it."""


class OwnCommon(CommonMiddleware):
    """Stands after ours in some of these tests."""


class OwnBoth(XFrameOptionsMiddleware, SecurityMiddleware):
    """Does the work of two."""


def messages_of(check: Callable[[], list[Any]], **settings: Any) -> dict[str, str]:
    with override_settings(**settings):
        return {one.id.removeprefix("samesite_proxy."): one.msg + one.hint for one in check()}


class Logs(SecurityMiddleware):
    """Looks at statuses, and at no 404 in particular."""

    def process_response(self, request: Any, response: Any) -> Any:
        return response if response.status_code == 200 else super().process_response(None, response)


class Hosts:
    """Sets the URLconf in a method that `__call__` needs not name."""

    def __init__(self, get_response: Any) -> None:
        self.urlconf = None

    async def process_request(self, request: Any) -> None:
        request.urlconf = self.urlconf


class Later(Hosts):
    """Inherits it all."""


class OnItsWayOut:
    """As django-hosts' second middleware, which has to stand last."""

    def process_response(self, request: Any, response: Any) -> Any:
        request.urlconf = "urls"
        return response


class KnowsItsUrlconf:
    """Has one, and gives it to nobody."""

    def __init__(self, get_response: Any) -> None:
        self.urlconf = "urls"


def moved(get_response: Any) -> Any:
    async def inner(request: Any) -> Any:
        response = await get_response(request)
        return None if response.status_code in (HTTPStatus.NOT_FOUND, 410) else response

    return inner


def tenant(get_response: Any) -> Any:
    def inner(request: Any) -> Any:
        request.urlconf = "urls"
        return get_response(request)

    return inner


class Factory:
    """MIDDLEWARE takes whatever can be called: `inner` of one that is made with a choice."""

    def __init__(self, inner: Callable[[Any], Any] | None) -> None:
        self._inner = inner

    def __call__(self, get_response: Any) -> Any:
        return self._inner(get_response) if self._inner else get_response

    def made(self, get_response: Any) -> Any:
        """A method can be called too."""
        return self(get_response)


class Missing(Factory):
    """Puts the status by, and looks at it later."""

    def process_response(self, request: Any, response: Any) -> Any:
        status = response.status_code
        return self if status == 404 else response


def matching(get_response: Any) -> Any:
    def inner(request: Any) -> Any:
        match get_response(request).status_code:
            case 404 | 410:
                return None

    return inner


def asking_for_the_class(get_response: Any) -> Any:
    def inner(request: Any) -> Any:
        response = get_response(request)
        return None if isinstance(response, HttpResponseNotFound) else response

    return inner


def setting_by_name(get_response: Any) -> Any:
    def inner(request: Any) -> Any:
        setattr(request, "urlconf", "urls")  # noqa: B010
        return get_response(request)

    return inner


a_factory, a_missing_one = Factory(None), Missing(None)
a_method = a_factory.made
a_partial = functools.partial(a_factory.made)
a_partial_tenant = functools.partial(functools.partial(tenant))

TOO_LATE = {
    "flatpages": "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
    "redirects": "django.contrib.redirects.middleware.RedirectFallbackMiddleware",
    "urlconf": own(Hosts),
    "inherited": own(Later),
    "function": own(moved),
    "function with a urlconf": own(tenant),
    "variable": own(Missing),
    "object": f"{__name__}.a_missing_one",
    "match": own(matching),
    "class of an answer": own(asking_for_the_class),
    "setattr": own(setting_by_name),
    "partial function": f"{__name__}.a_partial_tenant",
}
HARMLESS = [
    *STANDARD,
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.BrokenLinkEmailsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "debug_toolbar.middleware.DebugToolbarMiddleware",
    own(Logs),
    own(OnItsWayOut),
    own(KnowsItsUrlconf),
    *(f"{__name__}.{name}" for name in ("a_factory", "a_method", "a_partial")),
    "no.such.Middleware",
    "tests.project.manage.no_such_name",
]
APPS = ["django.contrib.contenttypes", "django.contrib.sites", "django.contrib.flatpages"]
APPS += ["django.contrib.redirects"]


@pytest.mark.parametrize("name", TOO_LATE.values(), ids=TOO_LATE)
def test_middleware_that_takes_paths_too_late_is_a_warning(name: str) -> None:
    installed = {"INSTALLED_APPS": APPS}
    said = messages_of(check_project, MIDDLEWARE=[NAME, COMMON, name], **installed)
    assert list(said) == ["W007"]
    assert said["W007"].startswith(f"{name} stands after SameSiteProxyMiddleware")
    assert messages_of(check_project, MIDDLEWARE=(name, NAME), **installed) == {}
    listed = {**installed, "SAMESITE_PROXY": {"DJANGO_PATHS": ["/api"]}}
    assert messages_of(check_project, MIDDLEWARE=[NAME, name], **listed) == {}
    assert list(messages_of(check_project, MIDDLEWARE=[name, NAME], **listed)) == ["I001"]


def test_middleware_that_takes_no_paths_has_no_message() -> None:
    assert messages_of(check_project, MIDDLEWARE=[NAME, *HARMLESS]) == {}


def test_what_a_new_project_has_is_nothing_to_say_in_development() -> None:
    assert messages_of(check_project, MIDDLEWARE=[NAME, *STANDARD]) == {}


HTTPS = {"SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 60}
ASKED = {
    "www": (COMMON, {"PREPEND_WWW": True}),
    "agents": (COMMON, {"DISALLOWED_USER_AGENTS": ["bot"]}),
    "frames": (FRAMES, {"X_FRAME_OPTIONS": "SAMEORIGIN"}),
    "referrer": (SECURITY, {"SECURE_REFERRER_POLICY": "no-referrer"}),
    "subclass": (own(OwnCommon), {"PREPEND_WWW": True}),
    "two bases": (own(OwnBoth), {"X_FRAME_OPTIONS": "DENY"}),
}


@pytest.mark.parametrize(("name", "settings"), ASKED.values(), ids=ASKED)
def test_what_a_project_asks_for_and_its_frontend_misses_is_a_warning(
    name: str, settings: dict[str, Any]
) -> None:
    (setting,) = settings
    said = messages_of(check_project, MIDDLEWARE=(NAME, name), **settings)
    assert list(said) == ["W005"]
    assert f"{setting} ({name})" in said["W005"]
    assert messages_of(check_project, MIDDLEWARE=(name, NAME), **settings) == {}
    assert setting not in messages_of(check_deployment, MIDDLEWARE=[NAME, name], **settings).get(
        "W005", ""
    )


@pytest.mark.parametrize("name", [SECURITY, own(OwnSecurity), own(OwnBoth)])
def test_https_is_of_the_deployment(name: str) -> None:
    after = {"MIDDLEWARE": [NAME, name, "no.such.Middleware"], **HTTPS}
    assert messages_of(check_project, **after) == {}
    said = messages_of(check_deployment, **after)
    assert "SECURE_SSL_REDIRECT, SECURE_HSTS_SECONDS, SECURE_CONTENT_TYPE_NOSNIFF" in said["W005"]
    before = {**after, "MIDDLEWARE": [name, NAME]}
    assert messages_of(check_deployment, **before) == messages_of(check_project, **before) == {}


def test_deployment_without_frontend_or_protections_has_no_message() -> None:
    after = {"MIDDLEWARE": [NAME, SECURITY], **HTTPS}
    assert messages_of(check_deployment, **after, SAMESITE_PROXY={"FRONTEND": None}) == {}
    assert messages_of(check_deployment, **after, SAMESITE_PROXY={"FRONTEND": 1}) == {}
    assert messages_of(check_deployment, MIDDLEWARE=[NAME, COMMON]) == {}
    assert messages_of(check_deployment, MIDDLEWARE=[SECURITY]) == {}


def test_middleware_that_is_wanted_before_is_not_counted() -> None:
    common = messages_of(check_project, MIDDLEWARE=[SECURITY, COMMON, NAME])
    assert list(common) == ["I001"]
    assert common["I001"].startswith("1 middleware before")
    assert not messages_of(check_project, MIDDLEWARE=[SECURITY, COMMON, NAME], PREPEND_WWW=True)


@pytest.mark.parametrize(("asked", "words"), [([], "SAMEORIGIN"), (["--deploy"], "SECURE_HSTS")])
def test_command_says_it(asked: list[str], words: str) -> None:
    """Once each, and what HTTPS needs under --deploy alone."""
    settings = f"""{{"MIDDLEWARE": ["{NAME}", "{SECURITY}", "{FRAMES}"],
        "SECURE_HSTS_SECONDS": 60, "X_FRAME_OPTIONS": "SAMEORIGIN"}}"""
    said = subprocess.run(
        [sys.executable, "-m", "tests.project.manage", "check", *asked],
        cwd=ROOT,
        env={
            **os.environ,
            "TEST_INSTALLED_APPS": '["samesite_proxy"]',
            "TEST_SETTINGS": settings,
        },
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert said.count("samesite_proxy.W005") == 1 + bool(asked)
    assert ("SECURE_HSTS_SECONDS," in said) == bool(asked)
    assert said.count("X_FRAME_OPTIONS (") == 1


def test_order_of_the_readme_leaves_nothing_out() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    (block,) = (block for block in blocks if "BEFORE = [" in block)
    settings: dict[str, Any] = {"MIDDLEWARE": [NAME, *STANDARD]}
    exec(block.replace("from config.settings import *\n", ""), settings)
    order = settings["MIDDLEWARE"]
    assert order[2] == NAME
    assert sorted(order) == sorted([NAME, *STANDARD])
    after = {"MIDDLEWARE": order, **HTTPS}
    assert messages_of(check_project, **after) == messages_of(check_deployment, **after) == {}


@pytest.fixture(autouse=True)
def nothing_said() -> Iterator[None]:
    """As in a process of its own."""
    middleware._say_once.cache_clear()
    yield
    middleware._say_once.cache_clear()


@pytest.mark.parametrize("application", [django_wsgi, our_wsgi, django_asgi, our_asgi])
def test_line_alone_says_it_once_in_production(
    application: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "samesite_proxy")
    after = {"MIDDLEWARE": (NAME, SECURITY), **HTTPS, "DEBUG": False}
    silent = [
        {"DEBUG": True},
        {"MIDDLEWARE": [SECURITY, NAME]},
        {"SILENCED_SYSTEM_CHECKS": ["samesite_proxy.W005"]},
        {"INSTALLED_APPS": ["samesite_proxy"]},
        {"SAMESITE_PROXY": {"FRONTEND": None}},
    ]
    for change in silent:
        with override_settings(**{**after, **change}):
            application()
    assert caplog.messages == []
    with override_settings(**after):
        application()
        application()
    (said,) = caplog.messages
    assert said.startswith("(samesite_proxy.W005) The frontend's pages pass without")
    assert "SECURE_SSL_REDIRECT, SECURE_HSTS_SECONDS" in said
