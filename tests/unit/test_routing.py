"""The routing table against the one table of cases, and what the table cannot show."""

from __future__ import annotations

import itertools
import sys
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.conf.urls.i18n import i18n_patterns
from django.test import override_settings
from django.urls import (
    get_script_prefix,
    include,
    path,
    re_path,
    set_script_prefix,
    set_urlconf,
)
from django.utils import translation
from django.utils.translation import gettext_lazy

from samesite_proxy import _engine, conf
from samesite_proxy.middleware import SameSiteProxyMiddleware
from samesite_proxy.proxy import rules
from samesite_proxy.proxy.place import NAME
from samesite_proxy.proxy.routing import Routing, table_of
from samesite_proxy.proxy.rules import head_of, listed_paths
from tests.unit.path_cases import FRONTEND, INNER, SITES, Site, view

NUMBERS = itertools.count()


def urlconf(name: str, urlpatterns: list[Any]) -> str:
    """A module of its own each time, since Django keeps resolvers by its name."""
    module = ModuleType(f"tests.generated.{name}_{next(NUMBERS)}")
    module.urlpatterns = urlpatterns  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    return module.__name__


def routing_of(proxy: dict[str, Any]) -> Routing:
    prefixes = proxy.get("FRONTEND", ["/"])
    frontends = {prefix: f"http://localhost:{3000 + i}" for i, prefix in enumerate(prefixes)}
    with override_settings(SAMESITE_PROXY={**proxy, "FRONTEND": frontends}):
        settings, problems = conf.read()
    assert settings is not None, problems
    return Routing(settings)


def owner_of(routing: Routing, path_info: str, name: str, script_name: str = "") -> str:
    frontend = routing.frontend_of(path_info, name, script_name)
    return frontend.prefix if frontend else "django"


@pytest.mark.parametrize(
    ("site", "path_info"),
    [pytest.param(site, p, id=f"{site.name}:{p}") for site in SITES for p in site.owners],
)
def test_owner_is_as_the_table_says(site: Site, path_info: str) -> None:
    name = urlconf(site.name, site.urlpatterns)
    assert owner_of(routing_of(site.proxy), path_info, name) == site.owners[path_info]


def test_without_append_slash_the_bare_path_is_the_frontends() -> None:
    name = urlconf("no_slash", [path("about/", view)])
    with override_settings(APPEND_SLASH=False):
        assert owner_of(routing_of({}), "/about", name) == FRONTEND


LANGUAGES = [("en", "English"), ("ko", "Korean"), ("pt-br", "Portuguese")]
TRANSLATED = [path("shop/", include(INNER)), path("<slug:page>/", view)]


@pytest.mark.parametrize(
    ("path_info", "owner"),
    [
        ("/ko/shop/x", "django"),
        ("/pt-br/shop/", "django"),
        ("/ko/page/", "django"),
        ("/ko/page/x", FRONTEND),
        ("/fr/shop/", FRONTEND),
        ("/shop/", "django"),
        ("/kor/shop/", FRONTEND),
    ],
)
def test_language_prefix_is_taken_from_the_path(path_info: str, owner: str) -> None:
    with override_settings(LANGUAGES=LANGUAGES, LANGUAGE_CODE="en", USE_I18N=True):
        name = urlconf("i18n", i18n_patterns(*TRANSLATED, prefix_default_language=False))
        assert owner_of(routing_of({}), path_info, name) == owner


def test_default_language_that_is_not_listed_has_bare_paths_all_the_same() -> None:
    with override_settings(LANGUAGES=LANGUAGES, LANGUAGE_CODE="en-us", USE_I18N=True):
        name = urlconf("i18n_unlisted", i18n_patterns(*TRANSLATED, prefix_default_language=False))
        assert owner_of(routing_of({}), "/shop/", name) == "django"
        assert owner_of(routing_of({}), "/en/shop/", name) == "django"


def test_default_language_with_a_prefix_leaves_the_bare_path_to_the_frontend() -> None:
    with override_settings(LANGUAGES=LANGUAGES, LANGUAGE_CODE="en", USE_I18N=True):
        name = urlconf("i18n_prefixed", i18n_patterns(*TRANSLATED))
        assert owner_of(routing_of({}), "/en/shop/", name) == "django"
        assert owner_of(routing_of({}), "/shop/", name) == FRONTEND


def test_translated_route_is_asked_of_the_resolver() -> None:
    name = urlconf("lazy", [path(gettext_lazy("welcome/"), view)])
    assert owner_of(routing_of({}), "/welcome/", name) == "django"
    assert owner_of(routing_of({}), "/other/", name) == FRONTEND


def test_each_urlconf_has_its_own_table() -> None:
    routing = routing_of({})
    one, two = urlconf("one", [path("one/", view)]), urlconf("two", [path("two/", view)])
    assert [owner_of(routing, "/one/", name) for name in (one, two)] == ["django", FRONTEND]
    assert [owner_of(routing, "/two/", name) for name in (one, two)] == [FRONTEND, "django"]


@pytest.mark.parametrize(
    ("url", "script_name", "path_info", "owner"),
    [
        ("/media/", "", "/media/x.png", "django"),
        ("media/", "", "/media/x.png", "django"),
        ("", "", "/x.png", FRONTEND),
        ("/", "", "/x.png", FRONTEND),
        ("https://cdn.example/media/", "", "/media/x.png", FRONTEND),
        ("//cdn.example/media/", "", "/media/x.png", FRONTEND),
        ("/app/media/", "/app", "/media/x.png", "django"),
        ("/media/", "/app", "/media/x.png", FRONTEND),
        ("media/", "/app", "/media/x.png", "django"),
    ],
)
def test_media_url_is_djangos_where_it_is_a_local_path(
    url: str, script_name: str, path_info: str, owner: str
) -> None:
    name = urlconf("media", [])
    with override_settings(MEDIA_URL=url):
        assert owner_of(routing_of({}), path_info, name, script_name) == owner


def test_static_url_is_left_to_follow_the_first_request_s_script_name() -> None:
    """Django keeps what it makes of it at first sight; a middleware is made before any request."""
    project = {"STATIC_URL": "static/", "DEBUG": True, "MIDDLEWARE": [NAME]}
    with override_settings(**project), rules.under(""):
        SameSiteProxyMiddleware(lambda request: request)
        with rules.under("/site"):
            assert django_settings.STATIC_URL == "/site/static/"
        assert owner_of(routing_of({}), "/static/x", urlconf("at", []), "/site") == "django"


@pytest.mark.parametrize(
    ("entry", "head", "going_on"),
    [
        (path("a/b/", view), "a/b/", "nothing"),
        (path("a/", include([])), "a/", "anything"),
        (path("a/<int:x>", view), "a/", "something"),
        (re_path(r"^a/", include([])), "a/", "anything"),
        (re_path(r"^a/$", view), "a/", "nothing"),
        (re_path(r"^a/\Z", view), "a/", "nothing"),
        (re_path(r"^a\.b\-c/", view), "a.b-c/", "anything"),
        (re_path(r"^ab?c", view), "a", "something"),
        (re_path(r"^a\.?c", view), "a", "something"),
        (re_path(r"^a{2}", view), "", "something"),
        (re_path(r"^a|b$", view), "", "something"),
        (re_path(r"^a(b|c)$", view), "a", "something"),
        (re_path(r"^a/(?P<x>b(?:c|d)|[)|(])/$", view), "a/", "something"),
        (re_path(r"^a(b|c)?", view), "a", "something"),
        (re_path(r"^a(?=b|c)", view), "a", "something"),
        (re_path(r"^a\(b|c\)", view), "", "something"),
        (re_path(r"^a[(]b|c[)]", view), "", "something"),
        (re_path(r"^a[]()]b|c", view), "", "something"),
        (re_path(r"^a[^](]b|c", view), "", "something"),
        (re_path(r"^a(b)|(c)", view), "", "something"),
        (re_path(r"^a(?#()b|c", view), "", "something"),
        (re_path("^a(?x: b # (\n)|c", view), "", "something"),
        (re_path("^a(?i-x:b|c)", view), "", "something"),
        (re_path(r"^a\d", view), "a", "something"),
        (re_path(r"a/", view), "", "something"),
        (re_path(r"^", view), "", "anything"),
        (re_path(r"", view), "", "anything"),
    ],
)
def test_head_of_a_pattern_is_its_literal_text(entry: Any, head: str, going_on: str) -> None:
    assert head_of(entry) == (head, going_on)


@pytest.mark.parametrize(
    ("urlpatterns", "route"),
    [
        ([path("<path:rest>", view)], "<path:rest>"),
        ([path("api/", include(INNER)), re_path(r"^.*$", view)], "^.*$"),
        ([path("", include([re_path(r"^(?:.*)/?$", view)]))], "^(?:.*)/?$"),
        ([path("<slug:page>/", view)], None),
        ([path("api/", include([path("<path:rest>", view)]))], None),
        ([path("", view)], None),
    ],
)
def test_catch_all_route_is_named(urlpatterns: list[Any], route: str | None) -> None:
    settings, _ = conf.read()
    assert settings is not None
    taking = table_of(settings, urlconf("catch_all", urlpatterns), "").taking()
    assert (taking.route if taking else None) == route


def test_log_says_what_the_check_says(caplog: pytest.LogCaptureFixture) -> None:
    name = urlconf("logged", [path("api/", include(INNER)), re_path(r"^((?:[\w-]+/)*)$", view)])
    routing = routing_of({})
    assert [owner_of(routing, one, name) for one in ("/about", "/x.js")] == ["django", FRONTEND]
    (said,) = caplog.messages
    assert "takes every page's path, so that of the frontend only files are left" in said
    assert said.endswith('{"DJANGO_PATHS": ["/api", "/static"]}.')
    assert owner_of(routing_of({"DJANGO_PATHS": ["/api"]}), "/about", name) == FRONTEND
    assert len(caplog.messages) == 1


def test_path_without_a_language_is_asked_in_the_default_one() -> None:
    """Not in the one that LocaleMiddleware has left in the thread, after another request."""
    name = urlconf("left", i18n_patterns(path("<slug:page>/", view), prefix_default_language=False))
    with override_settings(LANGUAGES=LANGUAGES, LANGUAGE_CODE="en"), translation.override("ko"):
        assert owner_of(routing_of({}), "/page/", name) == "django"
        assert owner_of(routing_of({}), "/ko/page/", name) == "django"


def test_urlconf_of_an_earlier_request_is_not_asked() -> None:
    """Which Django leaves in the thread, where a middleware after ours has set it."""
    name = urlconf("root", [path("<slug:page>/", view)])
    with override_settings(ROOT_URLCONF=name):
        set_urlconf(urlconf("earlier", []))
        try:
            frontend = routing_of({}).frontend_of("/page/", None, "")
        finally:
            set_urlconf(None)
    assert frontend is None


def test_kinds_of_rules_are_the_engines() -> None:
    assert (rules.PREFIX, rules.EXACT, rules.STARTS) == (
        _engine.PREFIX,
        _engine.EXACT,
        _engine.STARTS,
    )


def test_listed_paths_are_the_beginnings_of_all_rules() -> None:
    patterns = [
        path("", view),
        path("api/", include(INNER)),
        path("api/v2/", include(INNER)),
        path("apix", view),
        path("users/<int:pk>/", view),
        path("user-<int:pk>/", view),
        re_path(r"^feed/$", view),
        re_path(r"^.*$", view),
    ]
    found = rules.rules_of_urlconf(urlconf("listed", patterns))
    assert listed_paths(found) == ["/api", "/apix", "/feed", "/static", "/users"]


CHANGES: dict[str, dict[str, Any]] = {
    "ROOT_URLCONF": {"ROOT_URLCONF": urlconf("later", [path("page/", view)])},
    "APPEND_SLASH": {"APPEND_SLASH": True},
    "STATIC_URL": {"STATIC_URL": "/page/"},
    "MEDIA_URL": {"MEDIA_URL": "/page/"},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_settings_that_a_test_changes_count_under_a_living_client(changed: str) -> None:
    names = {
        "ROOT_URLCONF": urlconf("at_first", [path("about/", view)]),
        "APPEND_SLASH": urlconf("with_page", [path("page/", view)]),
    }
    before = {
        "ROOT_URLCONF": names.get(changed, names["ROOT_URLCONF"]),
        "APPEND_SLASH": changed != "APPEND_SLASH",
    }
    path_info = "/page" if changed == "APPEND_SLASH" else "/page/"
    routing = routing_of({})
    with override_settings(**before):
        for settings, owner in (({}, FRONTEND), (CHANGES[changed], "django"), ({}, FRONTEND)):
            with override_settings(**settings):
                found = routing.frontend_of(path_info, None, "")
                assert (found.prefix if found else "django") == owner


def test_urlconf_that_is_set_without_a_signal_counts() -> None:
    """As by pytest-django's mark."""
    routing = routing_of({})
    with override_settings(ROOT_URLCONF=urlconf("at_first", [path("about/", view)])):
        assert routing.frontend_of("/page/", None, "") is not None
        django_settings.ROOT_URLCONF = urlconf("later", [path("page/", view)])
        assert routing.frontend_of("/page/", None, "") is None


@pytest.mark.parametrize("script_name", ["", "/root"])
def test_urlconf_that_raises_leaves_the_script_prefix_alone(script_name: str) -> None:
    before = get_script_prefix()
    set_script_prefix("/mine/")
    try:
        with pytest.raises(LookupError):
            routing_of({}).frontend_of("/page/", "tests.project.broken_urls", script_name)
        assert get_script_prefix() == "/mine/"
    finally:
        set_script_prefix(before)
