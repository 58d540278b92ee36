"""The system checks, as Django runs them."""

from __future__ import annotations

import io
import sys
import uuid
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.conf.urls.i18n import i18n_patterns
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings
from django.urls import include, path, re_path
from django.utils.translation import gettext_lazy

from samesite_proxy import routing
from samesite_proxy.checks import LOGIN_REQUIRED, check_project
from samesite_proxy.place import NAME
from tests.unit.path_cases import view


def ids(**settings: Any) -> list[str]:
    settings = {"MIDDLEWARE": [NAME], **settings}
    with override_settings(**settings):
        return [message.id.removeprefix("samesite_proxy.") for message in check_project()]


def test_good_project_has_no_messages() -> None:
    assert ids() == []


def test_wrong_settings_are_errors() -> None:
    assert ids(SAMESITE_PROXY={"FRONTEND": 1, "NO_KEY": 2}) == ["E002", "E003"]


def test_proxy_that_is_off_is_not_looked_at() -> None:
    assert ids(SAMESITE_PROXY={"FRONTEND": None}, MIDDLEWARE=[]) == []


def test_middleware_not_first_is_an_info() -> None:
    common = "django.middleware.common.CommonMiddleware"
    assert ids(MIDDLEWARE=[common, NAME]) == ["I001"]
    assert ids(MIDDLEWARE=[NAME, common]) == []
    assert ids(MIDDLEWARE=(common, NAME)) == ["I001"]
    assert ids(MIDDLEWARE=(NAME, common)) == []


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
        rules = routing.rules_of_urlconf(None)
        assert ("/", routing.STARTS, routing.ASK) in rules  # What makes it so.
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
