"""What the listener is told of a project, and that it understands it as Django does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from django.test.utils import setup_test_environment, teardown_test_environment
from django.urls import include, path

from samesite_proxy import conf
from samesite_proxy.fastpath import table, verdicts
from samesite_proxy.proxy import host_policy
from samesite_proxy.proxy.incoming import IncomingRequest
from samesite_proxy.proxy.place import NAME
from samesite_proxy.proxy.routing import Routing
from samesite_proxy.proxy.rules import ASK, DJANGO, FIRST_FRONTEND
from samesite_proxy.wsgi import get_wsgi_application as get_our_application
from tests.unit.path_cases import view

SEVERAL = {"/": "http://localhost:3000", "/api/auth": "http://localhost:3001"}
SERVER = ("localhost", 8000)
HANDLER = WSGIHandler()  # Looked at, and not called.


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    module = ModuleType("tests.generated.table_urls")
    module.urlpatterns = [  # type: ignore[attr-defined]
        path("api/", include([path("x/", view)])),
        path("about/", view),
        path("blog/<int:year>/", view),
    ]
    sys.modules[module.__name__] = module
    with override_settings(
        ROOT_URLCONF=module.__name__, MIDDLEWARE=[NAME], SAMESITE_PROXY={}, DEBUG=True
    ):
        yield


def made(handler: Any = None) -> tuple[table.Plain, conf.Settings]:
    """The table, as it comes out of the control socket."""
    settings, _ = conf.read()
    assert settings is not None
    return json.loads(json.dumps(table.table_of(handler or HANDLER, settings))), settings


def owners(plain: table.Plain, *paths: str) -> list[int]:
    routes, *_ = table.arguments_of(plain)
    assert routes is not None
    return [routes.match(path) for path in paths]


def test_owners_are_those_of_the_middleware() -> None:
    paths = [
        "/",
        "/api/x/",
        "/api/none",
        "/about",
        "/about/",
        "/about/x",
        "/blog/2024/",
        "/static/x",
    ]
    with override_settings(SAMESITE_PROXY={"FRONTEND": SEVERAL}):
        plain, settings = made()
        routing = Routing(settings)
        for owner, where in zip(owners(plain, *paths), paths, strict=True):
            expected = routing.frontend_of(where, None, "")
            if owner == ASK:
                assert where == "/blog/2024/"
            elif owner == DJANGO:
                assert expected is None
            else:
                assert expected == settings.frontends[owner - FIRST_FRONTEND]


def test_upgrades_know_the_frontends_alone() -> None:
    with override_settings(SAMESITE_PROXY={"FRONTEND": SEVERAL}):
        _, own, *_ = table.arguments_of(made()[0])
        assert own is not None
        assert [own.match(path) for path in ("/about/", "/api/x/", "/api/auth/x")] == [2, 2, 3]


def test_listed_paths_are_djangos() -> None:
    with override_settings(SAMESITE_PROXY={"DJANGO_PATHS": ["/x"]}):
        assert owners(made()[0], "/x", "/x/y", "/xy", "/api/x/") == [0, 0, 2, 2]


STATIC = {
    "none": ({}, [0, 0, 2]),
    "below": ({"/static/b": "http://b:1"}, [3, 0, 2]),
    "all of it": ({"/static": "http://b:1"}, [3, 3, 3]),
    "all of it, with its slash": ({"/static/": "http://b:1"}, [3, 3, 3]),
    "shorter": ({"/st": "http://b:1"}, [0, 0, 2]),
}


@pytest.mark.parametrize(("frontends", "expected"), STATIC.values(), ids=STATIC)
@pytest.mark.parametrize("django_paths", [[], ["/static"]])
def test_frontends_prefixes_win_below_static_url_and_the_rest_is_staticfiles(
    frontends: dict[str, str], expected: list[int], django_paths: list[str]
) -> None:
    ours = {"FRONTEND": {"/": "http://a:1", **frontends}, "DJANGO_PATHS": django_paths}
    paths = ["/static/b/c", "/static/x", "/static"]
    with override_settings(STATIC_URL="/static/", SAMESITE_PROXY=ours):
        handler = StaticFilesHandler(get_wsgi_application())
        found = owners(made(handler)[0], *paths)
    is_bare_djangos = django_paths and not frontends.keys() & {"/static", "/static/"}
    assert found == [*expected[:2], 0 if is_bare_djangos else expected[2]]


def test_static_files_of_another_host_are_nobodys_here() -> None:
    with override_settings(STATIC_URL="https://cdn.example/static/"):
        handler = StaticFilesHandler(get_wsgi_application())
        assert owners(made(handler)[0], "/static/x") == [2]


def test_script_name_is_part_of_what_the_server_sees() -> None:
    with override_settings(FORCE_SCRIPT_NAME="/site", STATIC_URL="/site/static/"):
        assert owners(made()[0], "/api/x/", "/static/x", "/site/static/x") == [0, 0, 2]


def test_settings_come_back_as_they_were() -> None:
    given = {
        "FRONTEND": {"/": "unix:/run/a.sock", "/b": "https://b.example"},
        "FRONTEND_NAMES": ["a.internal"],
        "CONNECT_TIMEOUT": 1.5,
        "RESPONSE_TIMEOUT": 2,
        "IDLE_TIMEOUT": 3,
        "MAX_CONNECTIONS": 100,
    }
    with override_settings(SAMESITE_PROXY=given, ALLOWED_HOSTS=["x"]):
        plain, settings = made()
        assert table.settings_in(plain) == settings


def test_each_frontend_comes_with_what_is_said_when_it_fails() -> None:
    with override_settings(SAMESITE_PROXY={"FRONTEND": SEVERAL}, DEBUG=False):
        _, _, special, places, _ = table.arguments_of(made()[0])
    assert special == list(host_policy.NEXT_DEV_PATHS)
    for (_, _, failures, last_line), address in zip(places, SEVERAL.values(), strict=True):
        assert last_line == ""
        assert failures["connect"][0] == 502
        assert address not in failures["connect"][1]  # Which visitors may see.
        assert failures["connect"][2] == ""  # No page: DEBUG is off.


def test_browsers_get_pages_where_the_project_is_in_debug() -> None:
    with override_settings(SAMESITE_PROXY={"FRONTEND": "http://a.example"}, DEBUG=True):
        _, _, _, ((_, _, failures, last_line),), _ = table.arguments_of(made()[0])
    assert last_line == 'Server-Timing: samesite;desc="frontend http://a.example"\r\n'
    assert "<p>The frontend at http://a.example cannot be reached" in failures["connect"][2]


REASONS: dict[str, dict[str, object]] = {
    "FRONTEND": {"SAMESITE_PROXY": {"FRONTEND": None}},
    "TRUSTED_PROXIES": {"SAMESITE_PROXY": {"TRUSTED_PROXIES": ["unix"]}},
    "is wrong": {"SAMESITE_PROXY": {"FRONTEND": 1}},
    "not in MIDDLEWARE": {"MIDDLEWARE": []},
    "GZipMiddleware, before": {"MIDDLEWARE": ("django.middleware.gzip.GZipMiddleware", NAME)},
    "before Same": {"MIDDLEWARE": ["django.middleware.gzip.GZipMiddleware", NAME]},
    "USE_X_FORWARDED_HOST": {"USE_X_FORWARDED_HOST": True},
    "SECURE_PROXY_SSL_HEADER": {"SECURE_PROXY_SSL_HEADER": ("HTTP_X", "https")},
}


@pytest.mark.parametrize("words", REASONS)
def test_where_there_is_a_reason_everything_is_djangos(words: str) -> None:
    with override_settings(**REASONS[words]):
        settings, _ = conf.read()
        assert words in table.reason_against(HANDLER, settings)
        plain = json.loads(json.dumps(table.table_of(HANDLER, settings)))
        assert table.arguments_of(plain) == table.NOTHING


def test_listener_forwards_nothing_inside_a_test() -> None:
    setup_test_environment()
    try:
        for wanted in (False, True):
            with override_settings(SAMESITE_PROXY={"IN_TESTS": wanted}):
                settings, _ = conf.read()
                reason = table.reason_against(HANDLER, settings)
            assert reason == "" if wanted else 'SAMESITE_PROXY["IN_TESTS"] is not True' in reason
    finally:
        teardown_test_environment()


def test_handlers_of_djangos_and_ours_are_no_reason() -> None:
    settings, _ = conf.read()
    plain, ours = get_wsgi_application(), get_our_application()
    for handler in (plain, ours, StaticFilesHandler(plain), StaticFilesHandler(ours)):
        assert table.reason_against(handler, settings) == ""


def test_other_handlers_are_a_reason() -> None:
    class Watched(WSGIHandler):
        """What a monitoring tool makes."""

    settings, _ = conf.read()
    for handler in (Watched(), lambda environ, start_response: []):
        assert "WSGI_APPLICATION" in table.reason_against(handler, settings)


def verdict(host: str) -> tuple[str, list[verdicts.Views] | None]:
    settings, _ = conf.read()
    assert settings is not None
    plain = json.loads(json.dumps(verdicts.verdict_on(host, SERVER, settings)))
    known = json.loads(json.dumps(table.table_of(HANDLER, settings)))
    at_the_listener = verdicts.HostJudge(known).verdict_on(host)
    assert json.loads(json.dumps(at_the_listener)) == plain
    assert plain["host"] == host
    return plain["origin"], verdicts.views_in(plain)


@pytest.mark.parametrize(
    "host", ["evil.example", "", "a b", "localhost:x", "\xff", "localhost:8000, localhost"]
)
def test_host_that_django_refuses_has_no_views(host: str) -> None:
    assert verdict(host) == ("", None)


@pytest.mark.parametrize("policy", ["auto", "preserve", "frontend", "name.example"])
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "LAN.example:8000", "[::1]"])
def test_views_are_those_of_the_middleware(policy: str, host: str) -> None:
    ours = {"FRONTEND": SEVERAL, "HOST_HEADER": policy}
    with override_settings(
        ALLOWED_HOSTS=["localhost", ".0.0.1", "[::1]", ".example"], SAMESITE_PROXY=ours
    ):
        settings, _ = conf.read()
        assert settings is not None
        origin, views = verdict(host)
        assert origin == f"http://{host}"
        assert views is not None
        for frontend, found in zip(settings.frontends, views, strict=True):
            for got, (where, is_upgrade) in zip(
                found, [("/", False), ("/_next/x", False), ("/", True)], strict=True
            ):
                incoming = IncomingRequest([("Host", host)], where, "", "http", host, is_upgrade)
                assert got == host_policy.view_of(settings, incoming, frontend)
                assert type(got) is tuple


def test_scheme_is_that_of_djangos_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS", "on")
    assert verdict("localhost")[0] == "https://localhost"
