"""The system checks, as Django runs them."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.conf.urls.i18n import i18n_patterns
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings
from django.urls import converters, include, path, re_path, register_converter
from django.utils import translation
from django.utils.translation import gettext_lazy

from samesite_proxy.checks import LOGIN_REQUIRED, check_project
from samesite_proxy.proxy import rules
from samesite_proxy.proxy.place import NAME
from tests.harness.django_servers import ROOT
from tests.unit.path_cases import view


def ids(**settings: Any) -> list[str]:
    settings = {"MIDDLEWARE": [NAME], **settings}
    with override_settings(**settings):
        return [message.id.removeprefix("samesite_proxy.") for message in check_project()]


def test_good_project_has_no_messages() -> None:
    assert ids() == []


def test_wrong_settings_are_errors() -> None:
    assert ids(SAMESITE_PROXY={"FRONTEND": 1, "NO_KEY": 2}) == ["E002", "E003"]


def test_folder_that_is_not_built_is_a_warning(tmp_path: Path) -> None:
    frontends = {"/": str(tmp_path), "/docs": tmp_path / "docs", "/x": "http://localhost:1"}
    assert ids(SAMESITE_PROXY={"FRONTEND": frontends}) == ["W009", "W009"]
    (tmp_path / "index.html").write_text("built")
    assert ids(SAMESITE_PROXY={"FRONTEND": frontends}) == ["W009"]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/200.html").write_text("built, by an adapter that names it so")
    assert ids(SAMESITE_PROXY={"FRONTEND": frontends}) == []


def test_folder_without_whitenoise_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "whitenoise", None)  # As Python has what cannot be imported.
    with override_settings(SAMESITE_PROXY={"FRONTEND": "/srv/dist"}, MIDDLEWARE=[NAME]):
        (message,) = check_project()
    assert message.id == "samesite_proxy.E003"
    assert "pip install 'samesite-proxy[static]'" in message.msg


def test_proxy_that_is_off_is_not_looked_at() -> None:
    assert ids(SAMESITE_PROXY={"FRONTEND": None}, MIDDLEWARE=[]) == []


def test_middleware_not_first_is_an_info() -> None:
    common = "django.middleware.common.CommonMiddleware"
    assert ids(MIDDLEWARE=[common, NAME]) == ["I001"]
    assert ids(MIDDLEWARE=[NAME, common]) == []
    assert ids(MIDDLEWARE=(common, NAME)) == ["I001"]
    assert ids(MIDDLEWARE=(NAME, common)) == []


def test_telemetry_that_puts_itself_first_is_told_how_to_stand_behind() -> None:
    otel = "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware"
    security = "django.middleware.security.SecurityMiddleware"
    common = "django.middleware.common.CommonMiddleware"
    variable = "OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION"
    for before, words in {
        (otel,): f"{variable}=1 ",
        (otel, otel, security): f"{variable}=2 ",
        (otel, common): "Put SameSiteProxyMiddleware first",
    }.items():
        with override_settings(MIDDLEWARE=[*before, NAME]):
            (message,) = check_project()
        assert message.id == "samesite_proxy.I001"
        assert words in message.hint
    assert ids(MIDDLEWARE=[NAME, otel]) == []


CHECKING = """
import sys, django
from django.core.management import call_command
django.setup()
call_command("check", deploy=True)
print([name for name in sys.modules if name.startswith("samesite_proxy._")])
"""


def test_engine_is_not_loaded_by_checks_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECKING],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.project.settings",
            "TEST_INSTALLED_APPS": '["samesite_proxy", "django.contrib.staticfiles"]',
            "TEST_MIDDLEWARE": f'["{NAME}", "django.middleware.common.CommonMiddleware"]',
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_middleware_missing_is_an_info() -> None:
    assert ids(MIDDLEWARE=[]) == ids(MIDDLEWARE=()) == ["I002"]


def test_login_required_middleware_is_a_warning() -> None:
    assert ids(MIDDLEWARE=[NAME, LOGIN_REQUIRED]) == ["W003"]


def test_small_pool_is_a_warning() -> None:
    assert ids(SAMESITE_PROXY={"MAX_CONNECTIONS": 255}) == ["W001"]


def urlconf(*patterns: Any) -> str:
    """The name of a URLconf of these patterns."""
    module = ModuleType(f"tests.generated.checks_{uuid.uuid4().hex}")
    module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    return module.__name__


def test_catch_all_route_is_a_warning_unless_the_paths_are_listed() -> None:
    name = urlconf(path("<path:rest>", view))
    assert ids(ROOT_URLCONF=name) == ["W002"]
    assert ids(ROOT_URLCONF=name, SAMESITE_PROXY={"DJANGO_PATHS": ["/api"]}) == []


PAGES = re_path(r"^((?:[\w\-]+/)*)$", view)  # As Wagtail has it.
FLAT = re_path(r"^(?P<url>.*/)$", view)  # As flatpages has it.


def test_route_that_takes_every_page_is_a_warning_with_the_line_to_write() -> None:
    name = urlconf(
        path("cms/", include([SLUG])), path("about/", view), path("", include([PAGES, SLUG]))
    )
    with override_settings(ROOT_URLCONF=name, MIDDLEWARE=[NAME], MEDIA_URL="media/"):
        (message,) = check_project()
        assert message.id == "samesite_proxy.W006"
        assert message.msg.startswith(f"The route {PAGES.pattern.regex.pattern!r} takes every page")
        (line,) = re.findall(r"SAMESITE_PROXY = (\{.*\})\.$", message.hint)
        assert ast.literal_eval(line) == {"DJANGO_PATHS": ["/about", "/cms", "/media", "/static"]}
        with override_settings(SAMESITE_PROXY=ast.literal_eval(line)):
            assert check_project() == []
    with override_settings(ROOT_URLCONF=name, MIDDLEWARE=[NAME], APPEND_SLASH=False):
        assert [message.id for message in check_project()] == ["samesite_proxy.I003"]
    assert ids(ROOT_URLCONF=urlconf(FLAT)) == ["W002"]
    assert ids(ROOT_URLCONF=urlconf(FLAT), APPEND_SLASH=False) == ["I003"]
    assert ids(ROOT_URLCONF=urlconf(path("<path:page>.html", view))) == ["I003"]
    assert ids(ROOT_URLCONF=urlconf(PAGES), FORCE_SCRIPT_NAME="/site") == ["W006"]


def test_route_that_takes_every_page_of_a_language_is_told_by_the_default_one() -> None:
    bare = urlconf(*i18n_patterns(PAGES, prefix_default_language=False))
    prefixed = urlconf(*i18n_patterns(PAGES))
    with translation.override("ko"):  # As an earlier request may have left it.
        assert ids(ROOT_URLCONF=bare, LANGUAGE_CODE="en") == ["W006"]
        assert ids(ROOT_URLCONF=prefixed, LANGUAGE_CODE="en") == []


def test_route_that_raises_is_no_end_of_the_checks() -> None:
    class Raising:
        regex = "[^/]+"

        def to_python(self, value: str) -> str:
            raise RuntimeError(value)

        def to_url(self, value: str) -> str:
            return value

    register_converter(Raising, "raising")
    try:
        assert ids(ROOT_URLCONF=urlconf(path("<raising:x>", view))) == ["I003"]
        assert ids(ROOT_URLCONF=urlconf(PAGES, path("<raising:x>", view))) == ["I003"]
    finally:
        converters.REGISTERED_CONVERTERS.pop("raising")
        converters.get_converters.cache_clear()


SLUG = path("<slug:page>/", view)
AT_THE_ROOT = {
    "converter": (SLUG, "<slug:page>/"),
    "include": (path("<slug:page>/", include([path("x/", view)])), "<slug:page>/"),
    "nested": (path("", include([path("", include([SLUG]))])), "<slug:page>/"),
    "regex": (re_path(r"^\w+/$", view), r"^\w+/$"),
    "translated": (path(gettext_lazy("Home"), view), "Home"),
    "language": (i18n_patterns(SLUG, prefix_default_language=False)[0], "<slug:page>/"),
}


@pytest.mark.parametrize(("pattern", "route"), AT_THE_ROOT.values(), ids=AT_THE_ROOT)
def test_route_that_may_match_any_path_is_an_info_unless_the_paths_are_listed(
    pattern: Any, route: str
) -> None:
    name = urlconf(path("about/", view), pattern)
    with override_settings(ROOT_URLCONF=name, MIDDLEWARE=[NAME], LANGUAGE_CODE="en"):
        (message,) = check_project()
        assert message.id == "samesite_proxy.I003"
        assert message.msg.startswith(f"The route {route!r} may match any path")
        found = rules.rules_of_urlconf(None)
        assert ("/", rules.STARTS, rules.ASK) in found  # What makes it so.
    assert ids(ROOT_URLCONF=name, SAMESITE_PROXY={"DJANGO_PATHS": ["/api"]}) == []


def test_routes_with_a_beginning_of_their_own_have_no_message() -> None:
    name = urlconf(
        path("", view),
        path("api/", include([SLUG])),
        path("blog/<slug:page>/", view),
        re_path(r"^year/(\d+)/$", view),
        *i18n_patterns(SLUG),
    )
    assert ids(ROOT_URLCONF=name) == []


def test_listed_application_runs_its_checks_with_djangos() -> None:
    with (
        override_settings(INSTALLED_APPS=["samesite_proxy"], SAMESITE_PROXY={"FRONTEND": 1}),
        pytest.raises(SystemCheckError, match=r"samesite_proxy\.E003"),
    ):
        call_command("check", stdout=io.StringIO())


def test_middleware_is_built_under_asgi_too() -> None:
    with override_settings(MIDDLEWARE=[NAME]):
        handler = get_asgi_application()
    assert iscoroutinefunction(handler._middleware_chain)
