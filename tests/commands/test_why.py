"""`samesite_proxy why`: what really happens, said beforehand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.urls import path, re_path

from samesite_proxy.commands.pasted import understood
from tests.commands.asked import ask, ask_json, frontends_of, nobody, project
from tests.harness.http_requests import Recorder, Request
from tests.harness.scripted_upstream import scripted
from tests.recipes.projects import blocks
from tests.unit.path_cases import SITES, Site, view

SITE = SITES[0]


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_owner_is_as_the_table_says(site: Site) -> None:
    """The one that tests of the servers ask for, path by path."""
    frontends = frontends_of(site)
    prefixes = {url: prefix for prefix, url in frontends.items()}
    with project(site, frontends):
        told = {path_info: ask_json("why", path_info) for path_info in site.owners}
    assert {
        path_info: prefixes[each["frontend"]] if each["frontend"] else each["owner"]
        for path_info, each in told.items()
    } == site.owners


def test_frontend_is_asked_as_a_browser_would() -> None:
    with scripted(Recorder()) as frontend, project(SITE, {"/": frontend.url}):
        told = ask_json("why", "http://localhost:8000/x/y?z=1#top")
        assert isinstance(frontend.script, Recorder)
        asked = frontend.script.next()
    assert (asked.method, asked.target) == ("HEAD", "/x/y?z=1")
    assert [tuple(field) for field in told["crosses"]["fields"]] == asked.fields
    assert told["answer"]["status"] == 200
    assert "What follows # stays in the browser." in told["notes"]


def test_frontend_without_head_is_asked_by_get() -> None:
    def answer(request: Request) -> bytes:
        status = b"405 No" if request.method == "HEAD" else b"200 OK"
        return b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status

    with scripted(Recorder(answer)) as frontend, project(SITE, {"/": frontend.url}):
        told = ask_json("why", "/x")["answer"]
    assert (told["method"], told["status"]) == ("GET", 200)


@pytest.mark.parametrize(
    ("page", "path", "status"),
    [
        *(("index.html", path, 200) for path in ("/", "/users/7")),
        *(("index.html", path, 404) for path in ("/none.js", "/.env")),
        *(("200.html", path, 200) for path in ("/", "/users/7")),
        *(("404.html", path, 404) for path in ("/users/7", "/none.html")),
        ("about.html", "/about/", 302),
    ],
)
def test_folder_is_asked_as_a_browser_would(
    tmp_path: Path, page: str, path: str, status: int
) -> None:
    (tmp_path / page).write_text("<!doctype html>")
    with project(SITES[1], {"/": str(tmp_path)}):
        told = ask_json("why", path)
    assert (told["frontend"], told["answer"]["status"]) == (str(tmp_path), status)
    assert told["crosses"] is None


def test_both_sides_are_told_of() -> None:
    with project(SITE, frontends_of(SITE)):
        asked = ask("why", "/user/ann")
        left = ask("why", "/user/ann/x/")
    assert 'redirects to /user/ann/: tests.unit.path_cases.view, by "user/<slug:name>/"' in asked
    assert "cannot be reached" in asked
    assert "/user/ann: Django" in asked
    assert 'for "user/<slug:name>/": no view matches' in left
    assert "/user/ann/x/: frontend http://127.0.0.1:" in left


def test_host_that_is_refused_is_said() -> None:
    with project(SITE, frontends_of(SITE)):
        told = ask_json("why", "https://evil.example/x")
    assert "evil.example" in told["host_refused"]
    assert told["crosses"] is None


LIVE = "samesite_proxy.feed.page"


@pytest.mark.parametrize("path_info", ["/__samesite__/", "/__samesite__/feed.json"])
@pytest.mark.parametrize(
    ("debug", "pattern", "answers"),
    [
        (True, path("api/", view), LIVE),
        (True, path("<path:any>", view), LIVE),
        (True, re_path("^__samesite__/", view), "tests.unit.path_cases.view"),
        (False, path("api/", view), None),
    ],
)
def test_live_table_is_known_where_it_is_shown(
    debug: bool, pattern: Any, answers: str | None, path_info: str
) -> None:
    site = Site("live", {}, [pattern], {})
    with project(site, frontends_of(site), DEBUG=debug):
        told, text = ask_json("why", path_info), ask("why", path_info)
        shown = {each["pattern"]: each["kind"] for each in ask_json("routes")["routes"]}
    assert (told["django"]["view"], told["frontend"] is None) == (answers, answers is not None)
    assert (shown.get(path_info) == "exact") == (answers == LIVE)
    assert ("with DEBUG who answers is shown there" in text) == (answers == LIVE)


@pytest.mark.parametrize(
    ("text", "target", "path", "host"),
    [
        ("/api/me/", "/api/me/", "/api/me/", None),
        ("api/me/?a=b", "/api/me/?a=b", "/api/me/", None),
        ("http://localhost:8000", "/", "/", "localhost:8000"),
        ("localhost:8000/x?y#z", "/x?y", "/x", "localhost:8000"),
        ("ws://[::1]:8000/hmr", "/hmr", "/hmr", "[::1]:8000"),
        ("/a%2Fb", "/a%2Fb", "/a/b", None),
        ("//api/", "//api/", "//api/", None),
        ("/한국/", "/%ED%95%9C%EA%B5%AD/", "/한국/", None),
        ("/%ED%95%9C/", "/%ED%95%9C/", "/한/", None),
        ("/%FF", "/%FF", "/%FF", None),
        ("/100%", "/100%", "/100%", None),
        ("/a b", "/a%20b", "/a b", None),
        ("/x?u=http://a//b", "/x?u=http://a//b", "/x", None),
        ("/@vite/client", "/@vite/client", "/@vite/client", None),
        ("*", "*", "*", None),
    ],
)
def test_odd_path_is_understood(text: str, target: str, path: str, host: str | None) -> None:
    pasted = understood(text)
    assert (pasted.target, pasted.path, pasted.host) == (target, path, host)
    assert ("nginx" in "".join(pasted.notes)) == ("//" in path)
    assert "runserver" not in "".join(pasted.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "There is no path"),
        ("  ", "There is no path"),
        ("/a\nb", "control character"),
        ("ftp://localhost/x", "neither a path nor an address"),
        ("javascript:alert(1)", "neither a path nor an address"),
        ("http://me@localhost/", "names a user"),
        ("http:///x", "no host"),
        ("http://[::1/x", "no address"),
        ("http://localhost:99999/", "no address"),
    ],
)
def test_what_is_no_path_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        ask("why", text)


CURES = [
    text for text in blocks("python", "docs/routing.md") if re.search("dj-static|/static/js", text)
]


@pytest.mark.parametrize("cure", ["", *CURES], ids=["none", "moved", "given back"])
def test_files_below_static_url_are_djangos_unless_the_page_s_lines_say_otherwise(
    cure: str,
) -> None:
    given: dict[str, Any] = {"STATIC_URL": "static/"}
    exec(cure, given)
    frontends = given.get("SAMESITE_PROXY", {"FRONTEND": {"/": nobody()}})["FRONTEND"]
    with project(SITE, frontends, STATIC_URL=given["STATIC_URL"]):
        told = [ask_json("why", f"/{name}") for name in ("static/js/main.js", "static/x.css")]
        own = ask_json("why", f"/{given['STATIC_URL']}admin/css/base.css")
    assert own["owner"] == "django"
    assert own["rule"]["why"].startswith("STATIC_URL")
    other = "frontend" if "dj-static" in cure else "django"
    assert [each["owner"] for each in told] == ["frontend" if cure else "django", other]
