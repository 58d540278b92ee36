"""`samesite_proxy routes`: all rules, and no other."""

from __future__ import annotations

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.management import CommandError
from django.test import override_settings
from django.urls import include, path

from samesite_proxy import conf
from samesite_proxy.commands.owners import KINDS
from samesite_proxy.feed import page
from samesite_proxy.proxy import rules
from tests.commands.asked import ask, ask_json, frontends_of, project
from tests.unit.path_cases import INNER, SITES, Site, view

LANGUAGES = Site(
    "languages",
    {},
    [*i18n_patterns(path("shop/", include(INNER))), path("", include([path("flat/", view)]))],
    {},
)


@pytest.mark.parametrize("site", [*SITES, LANGUAGES], ids=lambda site: site.name)
def test_routes_are_the_rules_of_the_table(site: Site) -> None:
    with project(site, frontends_of(site), LANGUAGES=[("en", "English"), ("ko", "Korean")]):
        settings, _ = conf.read()
        assert settings is not None
        found = [
            *rules.frontend_rules(settings.frontends),
            *rules.django_rules(settings, None, ""),
            *((text, rules.EXACT, rules.DJANGO) for text in page.PATHS),
        ]
        told = ask_json("routes")["routes"]
    assert sorted((each["pattern"], each["kind"]) for each in told) == sorted(
        (text, KINDS[kind]) for text, kind, _ in found
    )


def test_each_route_says_why() -> None:
    with project(SITES[0], frontends_of(SITES[0])):
        told = {each["pattern"]: each for each in ask_json("routes")["routes"]}
        text = ask("routes")
    assert told["/about"]["why"] == '"about/" without its slash (APPEND_SLASH)'
    assert told["/api/"]["why"] == 'include() at "api/", with all below it'
    assert told["/user/"]["owner"] == "ask"
    assert told["/static/"]["why"] == "STATIC_URL, with all below it"
    assert told["/"]["owner"] == "frontend"
    assert "/legacy*" in text
    assert "/alt*" in text
    assert "/*" not in text.split()
    assert "/api/…" in text


@pytest.mark.parametrize(
    ("proxy", "words"),
    [({"FRONTEND": None}, "Django answers everything"), ({"FRONTENT": "x"}, "unknown key")],
)
def test_without_a_frontend_there_is_nothing_to_tell(proxy: object, words: str) -> None:
    with override_settings(SAMESITE_PROXY=proxy), pytest.raises(CommandError, match=words):
        ask("routes")
