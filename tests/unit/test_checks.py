"""The system checks, as Django runs them."""

from __future__ import annotations

import io
import sys
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings
from django.urls import path

from samesite_proxy.checks import LOGIN_REQUIRED, MIDDLEWARE, check_project
from tests.unit.path_cases import view


def ids(**settings: Any) -> list[str]:
    settings = {"MIDDLEWARE": [MIDDLEWARE], **settings}
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
    assert ids(MIDDLEWARE=[common, MIDDLEWARE]) == ["I001"]
    assert ids(MIDDLEWARE=[MIDDLEWARE, common]) == []


def test_middleware_missing_is_an_info() -> None:
    assert ids(MIDDLEWARE=[]) == ["I002"]


def test_login_required_middleware_is_a_warning() -> None:
    assert ids(MIDDLEWARE=[MIDDLEWARE, LOGIN_REQUIRED]) == ["W003"]


def test_small_pool_is_a_warning() -> None:
    assert ids(SAMESITE_PROXY={"MAX_CONNECTIONS": 255}) == ["W001"]


def test_catch_all_route_is_a_warning_unless_the_paths_are_listed() -> None:
    module = ModuleType("tests.generated.catch_all_checks")
    module.urlpatterns = [path("<path:rest>", view)]  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    assert ids(ROOT_URLCONF=module.__name__) == ["W002"]
    assert ids(ROOT_URLCONF=module.__name__, SAMESITE_PROXY={"DJANGO_PATHS": ["/api"]}) == []


def test_listed_application_runs_its_checks_with_djangos() -> None:
    with (
        override_settings(INSTALLED_APPS=["samesite_proxy"], SAMESITE_PROXY={"FRONTEND": 1}),
        pytest.raises(SystemCheckError, match=r"samesite_proxy\.E003"),
    ):
        call_command("check", stdout=io.StringIO())


def test_middleware_is_built_under_asgi_too() -> None:
    with override_settings(MIDDLEWARE=[MIDDLEWARE]):
        handler = get_asgi_application()
    assert iscoroutinefunction(handler._middleware_chain)
