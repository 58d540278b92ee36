"""staticfiles' handler stands before all middleware; a frontend's prefixes below it win."""

from __future__ import annotations

import json

import pytest
from django.test import override_settings
from django.utils.functional import lazystr

from samesite_proxy.checks import check_project
from samesite_proxy.proxy.place import NAME
from tests.fastpath.commands import NO_FRONTEND, runserver
from tests.harness.django_servers import ROOT
from tests.harness.raw_client import get
from tests.harness.scripted_upstream import ScriptedUpstream

DJANGOS = json.dumps({"STATICFILES_DIRS": [str(ROOT / "tests/project/static")]})
FILE = "samesite_proxy_tests/here.txt"
BELOW = {"FRONTEND": {"/": "http://localhost:3000", "/static/bundle": "http://localhost:5173"}}


@pytest.mark.parametrize("options", [[], ["--nofastpath"]], ids=["fastpath", "nofastpath"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "a.localhost"])
def test_frontends_prefix_below_static_url_is_the_frontends(
    frontend: ScriptedUpstream, options: list[str], host: str
) -> None:
    """Also at the first request under a name, which Django is asked about."""
    frontends = {"/": NO_FRONTEND, "/static/bundle": frontend.url}
    with runserver(
        *("--noreload", "0", *options), proxy={"FRONTEND": frontends}, TEST_SETTINGS=DJANGOS
    ) as server:
        for path in ("/static/bundle/@vite/client", "/static/bundle"):
            assert get(server.port, path, host=host).body == f"GET {path} ".encode()
        assert get(server.port, f"/static/{FILE}", host=host).status == 200
        for path in ("/static/none", "/static/bundles/x"):
            assert get(server.port, path, host=host).status == 404
        assert get(server.port, "/other", host=host).status == 502


@pytest.mark.parametrize(
    ("applications", "is_told"),
    [
        (["samesite_proxy", "django.contrib.staticfiles"], False),
        (["django.contrib.staticfiles", "samesite_proxy"], True),
        (["samesite_proxy", "daphne", "django.contrib.staticfiles"], True),
        (["samesite_proxy"], False),
    ],
)
@pytest.mark.parametrize("prefix", ["/static/bundle", "/static", "/static/a/b/"])
def test_check_says_where_staticfiles_handler_comes_first(
    applications: list[str], is_told: bool, prefix: str
) -> None:
    ours = {"FRONTEND": {"/": "http://localhost:3000", prefix: "http://localhost:5173"}}
    with override_settings(
        INSTALLED_APPS=applications, SAMESITE_PROXY=ours, MIDDLEWARE=[NAME], DEBUG=True
    ):
        assert [one.id for one in check_project()].count("samesite_proxy.W008") == is_told
        with override_settings(STATIC_URL="https://cdn.example/static/"):
            assert "samesite_proxy.W008" not in [one.id for one in check_project()]
        with override_settings(STATIC_URL=lazystr("/files/")):
            assert "samesite_proxy.W008" not in [one.id for one in check_project()]


def test_line_alone_says_it_under_the_plain_runserver() -> None:
    plain = '["django.contrib.staticfiles"]'
    with runserver("--noreload", "0", proxy=BELOW, TEST_INSTALLED_APPS=plain) as server:
        assert get(server.port, "/static/bundle/x").status == 404
        assert server.log().count("(samesite_proxy.W008)") == 1
